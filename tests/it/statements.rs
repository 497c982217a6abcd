//! Declarations, comparison results and changed registers: what they do to stored days, verdicts and referrals.

use crate::world::{Outputs, SO2_DAY_80, at, daily_verdict_alone, frame_body, packet, registry, run, until};
use hj212d::domain::number::Ratio;
use hj212d::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Comparison, Declaration, DeclarationKind, Depth, FactorCode, OutletId, RuleSet, Span, Status};
use hj212d::engine::Body;
use hj212d::message::Topic;
use hj212d::registry::Files;

fn outlet() -> OutletId {
    OutletId::new(crate::world::OUTLET).expect("short")
}

fn start() -> Moment {
    at("2026-03-14 00:00:00")
}

/// Days of minutes: SO2 90 from 08:00 to 20:00 and 60 otherwise, oxygen 11: converted as measured.
fn days(count: i64) -> Vec<(Moment, Body)> {
    (0..count * 24 * 60)
        .map(|minute| {
            let from = start().plus_ms(minute * MINUTE_MS);
            let sent = from.plus_ms(MINUTE_MS + 300);
            let value = if (8..20).contains(&(minute / 60 % 24)) { 110 } else { 60 };
            (sent, frame_body(&packet("2051", sent, from, &format!("a21026-Avg={value},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N"))))
        })
        .collect()
}

fn declaration(id: &str, from: Moment, to: Moment, withdrawn: bool) -> Body {
    Body::Declaration(Declaration {
        id: id.to_owned(),
        outlet: outlet(),
        factor: None,
        mark: DeclarationKind::Maintenance,
        from,
        to,
        reason: "更换采样探头".to_owned(),
        document: "WX-2026-031".to_owned(),
        author: "李四".to_owned(),
        made_at: to,
        withdrawn,
        entered: None,
        changed: None,
    })
}

fn comparison(id: &str, instant: Moment, passed: bool) -> Body {
    Body::Comparison(Comparison {
        id: id.to_owned(),
        outlet: outlet(),
        factor: FactorCode::new("a21026").expect("short"),
        at: instant,
        passed,
        method: "HJ 57".to_owned(),
        reference: "82".to_owned(),
        measured: "110".to_owned(),
        document: "BD-7".to_owned(),
        author: "示例检测公司".to_owned(),
        withdrawn: false,
    })
}

fn with(mut journal: Vec<(Moment, Body)>, more: Vec<(Moment, Body)>, end: Moment) -> Outputs {
    journal.extend(more);
    journal.sort_by_key(|(at, _)| *at);
    run(&registry("11", &[SO2_DAY_80]), &until(journal, end), 50)
}

fn changes(outputs: &Outputs) -> Vec<String> {
    outputs.of(Topic::Referrals).iter().map(|event| event.kind.rsplit('.').next().expect("a word").to_owned()).collect()
}

fn converted(outputs: &Outputs) -> (Option<String>, u32, Status) {
    let day = outputs.last(start(), Span::Day).expect("published");
    let mean = day.means.iter().rfind(|mean| mean.factor.as_str() == "a21026").expect("SO2");
    (mean.value.as_ref().map(Ratio::shown), mean.count, day.status)
}

#[test]
fn a_declaration_takes_hours_out_revises_the_day_and_withdraws_the_referral_and_its_withdrawal_puts_all_back() {
    let later = start().plus_ms(2 * DAY_MS);
    let (from, to) = (start().plus_ms(8 * HOUR_MS), start().plus_ms(12 * HOUR_MS));
    let outputs = with(days(1), vec![], later);
    assert_eq!(converted(&outputs), (Some("85".to_owned()), 24, Status::Confirmed));
    assert_eq!(changes(&outputs), ["opened"]);

    let declared = vec![(later, declaration("D1", from, to, false))];
    let outputs = with(days(1), declared.clone(), later.plus_ms(HOUR_MS));
    assert_eq!(converted(&outputs), (Some("80".to_owned()), 20, Status::Revised), "four hours less, at the limit is not above it");
    assert_eq!(changes(&outputs), ["opened", "withdrawn"]);
    let hour = outputs.last(from, Span::Hour).expect("published");
    let so2 = hour.means.iter().find(|mean| mean.factor.as_str() == "a21026").expect("SO2");
    assert_eq!((hour.status, so2.count), (Status::Revised, 0));
    assert_eq!(so2.shadow.as_ref().map(Ratio::shown).as_deref(), Some("110"), "the shadow keeps what was declared away");

    let back = [declared, vec![(later.plus_ms(HOUR_MS), declaration("D1", from, to, true))]].concat();
    let outputs = with(days(1), back, later.plus_ms(2 * HOUR_MS));
    assert_eq!(converted(&outputs), (Some("85".to_owned()), 24, Status::Revised));
    assert_eq!(changes(&outputs), ["opened", "withdrawn", "reopened"]);
}

#[test]
fn a_declaration_before_its_data_and_one_after_give_the_same() {
    let (from, to) = (start().plus_ms(9 * HOUR_MS + 30 * MINUTE_MS), start().plus_ms(11 * HOUR_MS + 15 * MINUTE_MS));
    let end = start().plus_ms(3 * DAY_MS);
    let early = with(days(1), vec![(start(), declaration("D1", from, to, false))], end);
    let late = with(days(1), vec![(start().plus_ms(2 * DAY_MS), declaration("D1", from, to, false))], end);
    for hour in 0..24 {
        let at = start().plus_ms(hour * HOUR_MS);
        assert_eq!(early.last(at, Span::Hour).expect("published").means, late.last(at, Span::Hour).expect("published").means, "hour {hour}");
    }
    assert_eq!(converted(&early).0, converted(&late).0);
    let half = early.last(start().plus_ms(9 * HOUR_MS), Span::Hour).expect("published");
    assert_eq!((half.means[0].count, half.means[0].valid), (30, false), "thirty of sixty minutes are left");
}

#[test]
fn a_failed_check_voids_until_the_next_that_passes_over_several_days() {
    let failed = start().plus_ms(DAY_MS + 6 * HOUR_MS);
    let passed = start().plus_ms(2 * DAY_MS + 6 * HOUR_MS);
    let known = start().plus_ms(4 * DAY_MS);
    let outputs =
        with(days(3), vec![(known, comparison("C1", failed, false)), (known.plus_ms(1), comparison("C2", passed, true))], known.plus_ms(DAY_MS));
    let day = |number: i64| {
        let day = outputs.last(start().plus_ms(number * DAY_MS), Span::Day).expect("published");
        let mean = day.means.iter().find(|mean| mean.factor.as_str() == "a21026").expect("SO2");
        (mean.count, mean.valid)
    };
    assert_eq!([day(0), day(1), day(2)], [(24, true), (6, false), (18, false)]);
    let oxygen = outputs.last(start().plus_ms(DAY_MS), Span::Day).expect("published");
    assert_eq!(oxygen.means.iter().find(|mean| mean.factor.as_str() == "a19001").map(|mean| mean.count), Some(24), "only what was compared is void");
}

#[test]
fn statements_that_cannot_be_put_in_force_are_kept_and_change_nothing() {
    let (from, to) = (start().plus_ms(8 * HOUR_MS), start().plus_ms(12 * HOUR_MS));
    let mut unknown = match declaration("D1", from, to, false) {
        Body::Declaration(declaration) => declaration,
        _ => unreachable!("just made"),
    };
    unknown.outlet = OutletId::new("nowhere").expect("short");
    let wrong = vec![(to, declaration("D2", to, from, false)), (to, Body::Declaration(unknown)), (to, declaration("", from, to, false))];
    let end = start().plus_ms(2 * DAY_MS);
    let (with_them, without) = (with(days(1), wrong, end), with(days(1), vec![], end));
    assert_eq!(with_them.findings, without.findings);
    let means = |outputs: &Outputs| outputs.publications.iter().map(|publication| publication.means.clone()).collect::<Vec<_>>();
    assert_eq!(means(&with_them), means(&without));
}

fn replaced(files: &Files, file: &str, from: &str, to: &str) -> Files {
    let mut files = files.clone();
    let text = files.0.get_mut(file).expect("a file");
    assert!(text.contains(from), "{file} holds {from}");
    *text = text.replace(from, to);
    files
}

#[test]
fn a_register_that_changes_the_past_recounts_what_it_touches_and_nothing_else() {
    let later = start().plus_ms(4 * DAY_MS);
    let base = registry("11", &[SO2_DAY_80]);
    let end = later.plus_ms(HOUR_MS);
    let outputs_with = |files: Files| with(days(3), vec![(later, Body::RegistryVersion { files })], end);
    let day = |outputs: &Outputs, number: i64| outputs.last(start().plus_ms(number * DAY_MS), Span::Day).cloned().expect("published");

    // A limit of 90 from the second day on: the first day stands, the others are withdrawn; no mean is published again.
    let second = "2026-03-15";
    let rows = format!("2020-01-01,{second}\n{}", SO2_DAY_80.replace(",max,80,", ",max,90,").replace("2020-01-01,", &format!("{second},")));
    let outputs = outputs_with(replaced(&base, "limits.csv", "2020-01-01,", &rows));
    let standing = |outputs: &Outputs, number: i64| {
        let day = start().plus_ms(number * DAY_MS).day();
        outputs.findings.iter().rfind(|finding| finding.day == day).is_some_and(|finding| finding.standing)
    };
    assert_eq!([0, 1, 2].map(|number| standing(&outputs, number)), [true, false, false]);
    assert_eq!([0, 1, 2].map(|number| day(&outputs, number).revision), [2, 2, 2]);

    // A range of 100 takes the 110s out: every stored day is computed again from its packets.
    let outputs = outputs_with(replaced(
        &base,
        "series.csv",
        "a21026,010000A8900016F000169D03,31,,mg/m3,,1000",
        "a21026,010000A8900016F000169D03,31,,mg/m3,,100",
    ));
    assert_eq!([0, 1, 2].map(|number| day(&outputs, number).revision), [3, 3, 3]);
    assert_eq!(day(&outputs, 0).means[2].count, 12);

    // A name changes nothing that was computed.
    let outputs = outputs_with(replaced(&base, "outlets.csv", "1号炉排口", "一号炉排口"));
    assert_eq!([0, 1, 2].map(|number| day(&outputs, number).revision), [2, 2, 2]);
}

#[test]
fn an_outlet_that_changes_its_trade_is_judged_by_the_row_of_the_day() {
    let mut files = registry("11", &[SO2_DAY_80]);
    let outlets = files.0.get_mut("outlets.csv").expect("a file");
    // From the second day on the reference oxygen is 6 %: at 11 % oxygen the converted value is half as much again.
    *outlets = outlets.replace("11,a19001,21,no,2020-01-01,", "11,a19001,21,no,2020-01-01,2026-03-15")
        + "S1-G1,S1,1号炉排口,Furnace 1,gas,coal,start,1,30,6,a19001,21,no,2026-03-15,\n";
    let limits = files.0.get_mut("limits.csv").expect("a file");
    *limits = limits.replace("day,11,yes", "day,,yes");
    let outputs = run(&files, &until(days(2), start().plus_ms(3 * DAY_MS)), 50);
    let day = |number: i64| {
        let day = outputs.last(start().plus_ms(number * DAY_MS), Span::Day).expect("published");
        day.means.iter().rfind(|mean| mean.factor.as_str() == "a21026").and_then(|mean| mean.value.as_ref()).map(Ratio::shown)
    };
    assert_eq!([day(0), day(1)], [Some("85".to_owned()), Some("127.5".to_owned())]);
}

#[test]
fn every_output_names_the_rule_set_it_was_made_under_and_an_old_one_gives_the_old_verdict() {
    let standard_set = daily_verdict_alone();
    let mut lenient = standard_set.clone();
    lenient.day_hours_min.value = 12;
    let end = start().plus_ms(2 * DAY_MS);
    // Half a day of packets: no day by the standard figures.
    let half: Vec<(Moment, Body)> = days(1).into_iter().skip(8 * 60).take(12 * 60).collect();
    let under = |set: &RuleSet| with(half.clone(), vec![(start(), Body::RuleSetVersion { text: set.text() })], end);
    let (standard, other) = (under(&standard_set), under(&lenient));
    assert_eq!((standard.findings.len(), other.findings.is_empty()), (0, false));
    for (outputs, set) in [(&standard, standard_set.clone()), (&other, lenient.clone())] {
        let day = outputs.last(start(), Span::Day).expect("published");
        assert_eq!(day.versions.rule_set, set.version());
    }
    assert_eq!(under(&standard_set), standard);
}

#[test]
fn a_recount_that_is_asked_for_goes_one_day_after_the_other_at_its_pace() {
    let later = start().plus_ms(5 * DAY_MS);
    let mut set = RuleSet::default();
    set.recount_pace_ms.value = 60_000;
    let mut more = vec![(start(), Body::RuleSetVersion { text: set.text() })];
    for number in 0..3 {
        let day = start().plus_ms(number * DAY_MS).day();
        more.push((later, Body::Recount { outlet: outlet(), day, depth: Depth::Readings }));
    }
    // What differs is a declaration, so that something is published.
    more.push((later, declaration("D1", start().plus_ms(8 * HOUR_MS), start().plus_ms(2 * DAY_MS + 12 * HOUR_MS), false)));
    let outputs = with(days(3), more, later.plus_ms(HOUR_MS));
    let at = |number: i64| outputs.last(start().plus_ms(number * DAY_MS), Span::Day).expect("published").at;
    assert_eq!([0, 1, 2].map(|number| (at(number).0 - later.0) / 60_000), [1, 2, 3]);
}
