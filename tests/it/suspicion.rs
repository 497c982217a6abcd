//! Cases that are no exceedance: a declaration that hides one, a logger that falls silent, an outlet that was never networked. Each
//! opens under its own kind, with the article of the day, and ends when its ground is taken away; a rule never closes it.

use crate::world::{MN, OUTLET, Outputs, SO2_DAY_80, at, frame_body, packet, registry, run_all_rules};
use hj212d::domain::time::{HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Declaration, DeclarationKind, Grade, OutletId, RuleId, RuleSet, RuleSetting, Source};
use hj212d::engine::Body;
use hj212d::message::{Event, Topic};
use hj212d::pipeline::replay::Replay;
use hj212d::registry::Files;
use serde_json::Value;

fn start() -> Moment {
    at("2026-03-14 00:00:00")
}

/// Hour records of a day at this value, in mg/m3 at 11 % oxygen; each a little different.
fn day(number: i64, value: i64) -> Vec<(Moment, Body)> {
    let hour = |hour: i64| {
        let from = start().plus_ms((24 * number + hour) * HOUR_MS);
        let area = format!("a21026-Avg={value}.{:02},a21026-Flag=N;a19001-Avg=11.{:02},a19001-Flag=N", hour % 17, hour % 13);
        (from.plus_ms(HOUR_MS + 1000), frame_body(&packet("2061", from.plus_ms(HOUR_MS + 1000), from, &area)))
    };
    (0..24).map(hour).collect()
}

fn declaration(id: &str, made: &str, withdrawn: bool) -> (Moment, Body) {
    let declaration = Declaration {
        id: id.to_owned(),
        outlet: OutletId::new(OUTLET).expect("short"),
        factor: None,
        mark: DeclarationKind::Fault,
        from: at("2026-03-14 00:00:00"),
        to: at("2026-03-14 12:00:00"),
        reason: "采样泵故障".to_owned(),
        document: "BG-1".to_owned(),
        author: "张三".to_owned(),
        made_at: at(made),
        withdrawn,
        entered: None,
        changed: None,
    };
    (at(made), Body::Declaration(declaration))
}

/// The referrals of a kind: change, state, and the event.
fn of_kind<'o>(outputs: &'o Outputs, kind: &str) -> Vec<(String, &'o Event)> {
    let events = outputs.of(Topic::Referrals).into_iter().filter(|event| event.data["kind"] == kind);
    events.map(|event| (event.data["change"].as_str().expect("a change").to_owned(), event)).collect()
}

fn changes(events: &[(String, &Event)]) -> Vec<String> {
    events.iter().map(|(change, _)| change.clone()).collect()
}

#[test]
fn a_declared_fault_over_an_exceedance_is_a_suspicious_marker_until_it_is_taken_back() {
    let mut journal = day(0, 85);
    journal.push(declaration("M1", "2026-03-15 09:00:00", false));
    journal.push(declaration("M1", "2026-03-16 09:00:00", true));
    journal.push((at("2026-03-17 14:00:00"), Body::Tick {}));
    let outputs = run_all_rules(&registry("11", &[SO2_DAY_80]), &journal, 20);

    let marker = of_kind(&outputs, "suspicious_marker");
    assert_eq!(changes(&marker), ["opened", "withdrawn"], "{marker:#?}");
    let body = &marker[0].1.data;
    let rules: Vec<&str> = body["findings"].as_array().expect("findings").iter().map(|finding| finding["rule"].as_str().expect("a rule")).collect();
    assert!(rules.contains(&"E-03"), "{rules:?}");
    assert!(body["score"].as_u64() >= Some(6), "{}", body["score"]);
    assert_eq!(body["kind_zh"], "可疑标记");
    assert_eq!(body["legal"][0]["article"], "《生态环境监测条例》第二十五条第二款第五项、第四十四条");
    assert!(body["packets"].as_array().is_some_and(|packets| !packets.is_empty()), "a referral carries its evidence");
    assert!(body["not_evaluable"].as_object().is_some(), "what could not be evaluated is said");

    // The exceedance itself stands once nothing hides it any more.
    let exceedance = of_kind(&outputs, "exceedance");
    assert_eq!(changes(&exceedance), ["opened"]);
    assert_eq!(exceedance[0].1.data["day"], "2026-03-14");
}

/// Minutes from one instant to another, with ticks; silent in between.
fn played(files: &Files, silent: (&str, &str), end: &str) -> Outputs {
    let mut outputs = Outputs::default();
    let mut replay = Replay::new(50, false);
    replay.entry(start(), Body::RegistryVersion { files: files.clone() }, &mut |writes| outputs.take(writes));
    let (from, to, end) = (at(silent.0), at(silent.1), at(end));
    let mut now = start();
    while now < end {
        now = now.plus_ms(MINUTE_MS);
        if now <= from || now > to {
            let number = now.0 / MINUTE_MS;
            let area = format!("a21026-Avg=3{}.{},a21026-Flag=N;a19001-Avg=11.{},a19001-Flag=N", number % 7, number % 10, number % 9);
            let bytes = packet("2051", now.plus_ms(300), now.plus_ms(-MINUTE_MS), &area);
            replay.entry(now.plus_ms(300), frame_body(&bytes), &mut |writes| outputs.take(writes));
        }
        replay.tick(now.plus_ms(500), &mut |writes| outputs.take(writes));
    }
    outputs
}

#[test]
fn a_silence_is_found_at_once_referred_after_the_survey_and_goes_on_from_day_to_day() {
    let mut files = registry("11", &[SO2_DAY_80]);
    let outlets = files.0.get_mut("outlets.csv").expect("a file");
    *outlets = outlets.replace(",valid_from,valid_to\n", ",valid_from,valid_to,expects\n").replace(",no,2020-01-01,\n", ",no,2020-01-01,,2051\n");
    let outputs = played(&files, ("2026-03-14 10:00:00", "2026-03-16 09:00:00"), "2026-03-17 14:00:00");

    let warned: Vec<&Event> = outputs.of(Topic::Warnings).into_iter().filter(|event| event.data["rule"] == "A-03").collect();
    assert!(warned[0].time.starts_with("2026-03-14T10:15"), "two minutes are expected, fifteen are waited for: {}", warned[0].time);
    let links = of_kind(&outputs, "missing_link");
    assert_eq!(links[0].0, "opened");
    assert!(links[0].1.time.starts_with("2026-03-14T11:0"), "an hour later, after the survey: {}", links[0].1.time);
    assert_eq!(links[0].1.data["legal"][0]["article"], "《生态环境监测条例》第二十三条、第四十二条");
    assert!(links[0].1.data["due"].as_str().is_some_and(|due| due.starts_with("2026-03-15")), "a day to take it up");
    let extended: Vec<&str> = links.iter().filter(|(change, _)| change == "extended").filter_map(|(_, event)| event.data["day"].as_str()).collect();
    assert_eq!(extended, ["2026-03-15", "2026-03-16"], "one case for the whole silence");
    assert!(links.iter().all(|(change, _)| change != "closed" && change != "withdrawn"), "that it is heard again closes nothing");
    let worst = outputs.findings.iter().filter(|finding| finding.rule == "A-03").map(|finding| finding.severity).max();
    assert_eq!(worst.map(|severity| serde_json::to_value(severity).expect("JSON")), Some(Value::from("high")), "a day of silence is grave");
}

#[test]
fn an_outlet_that_was_never_networked_is_referred_when_its_time_is_over() {
    let mut files = registry("11", &[SO2_DAY_80]);
    files.0.insert("permits.csv".to_owned(), "site,permit,document,issued,valid_from,valid_to\nS1,913301,SP-1,2025-12-20,2025-12-20,\n".to_owned());
    let setting = RuleSetting {
        rule: RuleId::new("N-01").expect("short"),
        trade: None,
        outlet: None,
        factor: None,
        runs: None,
        figures: [("watch_days".to_owned(), 2.into())].into(),
        source: Source { text: "a host that has listened before".to_owned(), grade: Grade::D },
    };
    let set = RuleSet { rules: vec![setting], ..RuleSet::default() };
    let rules = (at("2026-03-17 00:00:00"), Body::RuleSetVersion { text: set.text() });
    let journal = vec![rules, (at("2026-03-17 00:00:00"), Body::Tick {}), (at("2026-03-25 00:00:00"), Body::Tick {})];
    let outputs = run_all_rules(&files, &journal, 1);
    let networking = of_kind(&outputs, "networking");
    assert_eq!(changes(&networking)[0], "opened", "{networking:#?}");
    assert_eq!(networking[0].1.data["day"], "2026-03-21", "three months after 20 December, and the day after");
    assert!(MN.len() == 24 && networking[0].1.data["findings"][0]["sentence_zh"].as_str().is_some_and(|text| text.contains("从未联网")));

    // An approved exemption: nothing is due.
    let outlets = files.0.get_mut("outlets.csv").expect("a file");
    *outlets =
        outlets.replace(",valid_from,valid_to\n", ",valid_from,valid_to,networking\n").replace(",no,2020-01-01,\n", ",no,2020-01-01,,exempt\n");
    assert!(of_kind(&run_all_rules(&files, &journal, 1), "networking").is_empty());
}

#[test]
fn what_was_logged_within_an_hour_of_a_changed_parameter_stands_beside_it() {
    let said = |time: &str, said: &str| {
        let at = at(time);
        (at, frame_body(&packet("3020", at, at, &format!("PolId=a21026;{said}"))))
    };
    let mut journal = day(0, 35);
    journal.extend([
        said("2026-03-14 05:10:00", "i13008-Info=1.00"),
        said("2026-03-14 08:30:00", "i11001-Info=//too early//"),
        said("2026-03-14 09:40:00", "i11001-Info=//login of operator 7//"),
        said("2026-03-14 10:10:00", "i13008-Info=1.05"),
        said("2026-03-14 10:50:00", "i12001-Info=1"),
    ]);
    journal.sort_by_key(|(at, _)| *at);
    journal.push((at("2026-03-15 01:00:00"), Body::Tick {}));
    let outputs = run_all_rules(&registry("11", &[SO2_DAY_80]), &journal, 20);
    let changed = outputs.findings.iter().rfind(|finding| finding.rule == "F-01").expect("the slope was changed");
    let near: Vec<(&str, &str)> = changed.facts["near"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|log| (log["id"].as_str().expect("an id"), log["value"].as_str().expect("a text")))
        .collect();
    assert_eq!(near, [("i11001", "//login of operator 7//"), ("i12001", "1")]);
    assert_eq!((changed.facts["before"].as_str(), changed.facts["now"].as_str()), (Some("1.00"), Some("1.05")));
}
