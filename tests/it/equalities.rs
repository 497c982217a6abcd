//! The two equalities of the journal, on random days with corrections, losses, marks, late and doubled packets.
//! (H) The same journal gives the same bytes, however it is cut into batches. (F) The same frames in any order of arrival
//! give the same current means and the same standing findings. Also: reopened days publish when quiet, and withdraw.

use crate::world::{Chance, MN, Outputs, SO2_DAY_80, at, frame_body, packet, registry, run, run_all_rules, until};
use hj212d::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Finding, Span};
use hj212d::engine::Body;
use hj212d::message::Topic;
use hj212d::rules::{self, TimeBase};
use std::collections::BTreeMap;

/// What one packet says, when it could first have been sent.
type Said = (Moment, Vec<u8>);

/// Two days of ten-minute-spaced corrections, marks and losses around the limit.
fn days(chance: &mut Chance) -> Vec<Said> {
    let start = at("2026-03-14 00:00:00");
    let level = 70 + chance.below(20);
    let mut said = Vec::new();
    for minute in 0..2 * 24 * 60 {
        let from = start.plus_ms(minute * MINUTE_MS);
        let sent = from.plus_ms(MINUTE_MS + 300);
        if chance.below(100) < 3 {
            continue; // Lost for good.
        }
        let marker = match chance.below(40) {
            0 => "M",
            1 => "C",
            2 => "D",
            _ => "N",
        };
        let value = level * 10 + chance.below(300);
        let oxygen = 90 + chance.below(30);
        let area = format!(
            "a21026-Avg={}.{},a21026-Flag={marker};a19001-Avg={}.{},a19001-Flag=N;a34013-Avg={}.5,a34013-Flag=N",
            value / 10,
            value % 10,
            oxygen / 10,
            oxygen % 10,
            chance.below(30)
        );
        said.push((sent, packet("2051", sent, from, &area)));
        if chance.below(50) == 0 {
            // Corrected later, under a higher QN.
            let corrected = sent.plus_ms(1 + chance.below(30) as i64 * MINUTE_MS);
            let area = format!("a21026-Avg={}.00,a21026-Flag=N", 60 + chance.below(60));
            said.push((corrected, packet("2051", corrected, from, &area)));
        }
        if minute % 60 == 59 {
            let hour = from.plus_ms(-59 * MINUTE_MS);
            let area = format!("a21026-Avg={}.3,a21026-ZsAvg={}.1,a21026-Flag=N", level, level + 5);
            said.push((sent, packet("2061", sent, hour, &area)));
        }
    }
    said
}

/// As a logger with a poor line would deliver: mostly at once, some minutes late, some hours late, some twice.
fn deliver(said: &[Said], chance: &mut Chance) -> Vec<(Moment, Body)> {
    let mut journal = Vec::new();
    for (sent, bytes) in said {
        let delay = match chance.below(100) {
            0..=89 => 200,
            90..=96 => chance.below(20) as i64 * MINUTE_MS,
            97..=98 => chance.below(10) as i64 * HOUR_MS,
            _ => chance.below(60) as i64 * HOUR_MS,
        };
        journal.push((sent.plus_ms(delay), frame_body(bytes)));
        if chance.below(60) == 0 {
            journal.push((sent.plus_ms(delay + 10_000), frame_body(bytes)));
        }
    }
    journal.sort_by_key(|(at, _)| *at);
    until(journal, at("2026-03-14 00:00:00").plus_ms(6 * DAY_MS))
}

#[test]
fn the_size_of_a_batch_changes_no_byte() {
    for seed in 0..4 {
        let mut chance = Chance(seed);
        let said = days(&mut chance);
        let journal = deliver(&said, &mut chance);
        let files = registry("11", &[SO2_DAY_80]);
        let one = run_all_rules(&files, &journal, 1);
        assert!(one.publications.len() > 48, "seed {seed}: {} publications", one.publications.len());
        for batch in [7, 1000] {
            let other = run_all_rules(&files, &journal, batch);
            assert_eq!(one.events.len(), other.events.len(), "seed {seed}, batches of {batch}");
            for (first, second) in one.events.iter().zip(&other.events) {
                assert_eq!(first, second, "seed {seed}, batches of {batch}");
            }
            assert_eq!(one.findings, other.findings, "seed {seed}, batches of {batch}");
        }
    }
}

/// Current means and standing findings of rules that go by the time of the data, without revision numbers, stamps and packet numbers.
fn current(outputs: &Outputs) -> (BTreeMap<(Moment, Span), String>, Vec<String>) {
    let mut means = BTreeMap::new();
    for publication in &outputs.publications {
        let start = publication.start;
        let newest = outputs.last(start, publication.span).expect("itself");
        means.insert((start, publication.span), serde_json::to_string(&newest.means).expect("JSON"));
    }
    let mut findings = BTreeMap::new();
    for finding in &outputs.findings {
        findings.insert(finding.id, finding.clone());
    }
    let by_event = |finding: &Finding| rules::find(&finding.rule).is_some_and(|rule| rule.time == TimeBase::Event);
    let standing = findings.into_values().filter(|finding| finding.standing && by_event(finding));
    let mut standing: Vec<String> = standing
        .map(|finding| {
            format!("{} {} {} {:?}", finding.day, finding.rule, finding.facts, finding.hits.iter().map(|hit| hit.hour).collect::<Vec<_>>())
        })
        .collect();
    standing.sort();
    (means, standing)
}

#[test]
fn the_order_of_arrival_changes_no_current_mean_and_no_standing_finding() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut exceeded = 0;
    for seed in 10..14 {
        let mut chance = Chance(seed);
        let said = days(&mut chance);
        let in_order: Vec<(Moment, Body)> = said.iter().map(|(sent, bytes)| (*sent, frame_body(bytes))).collect();
        let end = at("2026-03-14 00:00:00").plus_ms(6 * DAY_MS);
        let expected = current(&run_all_rules(&files, &until(in_order, end), 100));
        exceeded += expected.1.len();
        for _ in 0..3 {
            // All packets in a random order, spread over some hours of the day that follows.
            let mut shuffled: Vec<Vec<u8>> = said.iter().map(|(_, bytes)| bytes.clone()).collect();
            chance.shuffle(&mut shuffled);
            let first = at("2026-03-16 00:05:00");
            let journal = (0..).zip(&shuffled).map(|(n, bytes)| (first.plus_ms(n * 4_000), frame_body(bytes))).collect();
            let found = current(&run_all_rules(&files, &until(journal, end), 64));
            assert!(found.0 == expected.0, "seed {seed}: the means differ");
            assert_eq!(found.1, expected.1, "seed {seed}");
        }
    }
    assert!(exceeded > 0, "the worlds lie around the limit, so that some days exceed");
}

fn steady(day: &str, value: &str) -> Vec<(Moment, Body)> {
    let start = at(&format!("{day} 00:00:00"));
    let area = format!("a21026-Avg={value},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N");
    let minutes = (0..24 * 60).map(|minute| start.plus_ms(minute * MINUTE_MS));
    minutes.map(|from| (from.plus_ms(MINUTE_MS), frame_body(&packet("2051", from.plus_ms(MINUTE_MS), from, &area)))).collect()
}

#[test]
fn a_correction_after_the_referral_withdraws_it_once_the_day_is_quiet() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut journal = steady("2026-03-14", "85");
    // At 15:00 of the next day the logger sends every minute again, lower, under higher QNs, within three minutes.
    let resent_at = at("2026-03-15 15:00:00");
    let start = at("2026-03-14 00:00:00");
    for minute in 0..24 * 60 {
        let sent = resent_at.plus_ms(minute * 130);
        let area = "a21026-Avg=75,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N";
        journal.push((sent, frame_body(&packet("2051", sent, start.plus_ms(minute * MINUTE_MS), area))));
    }
    let outputs = run(&files, &until(journal, at("2026-03-16 00:00:00")), 50);
    let referrals: Vec<&str> = outputs.of(Topic::Referrals).iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(referrals, ["hj212.referral.opened", "hj212.referral.withdrawn"]);
    let days: Vec<_> =
        outputs.publications.iter().filter(|publication| publication.span == Span::Day).map(|day| (day.revision, day.status)).collect();
    use hj212d::domain::Status::{Confirmed, Provisional, Revised};
    assert_eq!(days, [(1, Provisional), (2, Confirmed), (3, Revised)], "1,440 corrections are one revision");
}

#[test]
fn an_exceedance_is_warned_of_at_night_and_referred_at_one_with_its_evidence() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut journal = steady("2026-03-14", "85");
    journal.extend(steady("2026-03-15", "90"));
    let outputs = run(&files, &until(journal, at("2026-03-16 14:00:00")), 500);
    let warnings = outputs.of(Topic::Warnings);
    // To the minute: each outlet has a share of its own of the seconds behind a deadline.
    let warned: Vec<&str> = warnings.iter().map(|event| &event.time[..16]).collect();
    assert_eq!(warned, ["2026-03-15T00:30", "2026-03-16T00:30"]);
    let referrals = outputs.of(Topic::Referrals);
    let kinds: Vec<(&str, &str)> = referrals.iter().map(|event| (event.kind.as_str(), &event.time[..16])).collect();
    assert_eq!(kinds, [("hj212.referral.opened", "2026-03-15T13:00"), ("hj212.referral.extended", "2026-03-16T13:00")]);
    let data = &referrals[0].data;
    assert_eq!(data["day_means"][1]["value"], "85");
    assert_eq!(data["hours"].as_array().map(Vec::len), Some(48), "24 hours, measured and converted");
    let packets = data["packets"].as_array().expect("packets");
    assert_eq!(packets.len(), 20);
    for packet in packets {
        let segment = packet["segment"].as_str().expect("text");
        assert!(segment.contains("PW=******;") && !segment.contains("123456"), "{segment}");
        assert_eq!(packet["chain"].as_str().map(str::len), Some(64));
    }
    let range = &data["packet_ranges"][0];
    assert_eq!((range["logger"].as_str(), range["count"].as_u64()), (Some(MN), Some(1440)));
    let finding = &data["findings"][0];
    assert_eq!(finding["facts"]["limit"]["standard"], "GB 18485-2014 table 4");
    assert!(finding["sentence_zh"].as_str().is_some_and(|text| text.contains("超过GB 18485-2014 table 4规定的日均限值80mg/m3")), "{finding}");
    assert!(data["versions"]["rule_set"].as_str().is_some_and(|version| version.starts_with("rs-")));
    let bytes = serde_json::to_vec(referrals[0]).expect("JSON").len();
    assert!(bytes < 256 * 1024, "{bytes} bytes");
}

#[test]
fn a_recount_of_an_unchanged_day_publishes_nothing_new() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut journal = steady("2026-03-14", "85");
    let recount = Body::Recount {
        outlet: hj212d::domain::OutletId::new(crate::world::OUTLET).expect("short"),
        day: at("2026-03-14 00:00:00").day(),
        depth: hj212d::domain::Depth::Readings,
    };
    let before = run(&files, &until(journal.clone(), at("2026-03-17 00:00:00")), 50);
    journal.push((at("2026-03-16 00:00:00"), recount));
    let after = run(&files, &until(journal, at("2026-03-17 00:00:00")), 50);
    assert_eq!(before.publications, after.publications);
    assert_eq!(before.findings, after.findings);
}

#[test]
fn values_from_the_future_and_from_before_the_late_window_are_kept_and_not_averaged() {
    let now = at("2026-03-14 12:00:00");
    let late = at("2026-03-07 11:00:00");
    let ahead = at("2026-03-14 13:00:00");
    let area = "a21026-Avg=75,a21026-Flag=N";
    let journal = [late, ahead].map(|start| (now, frame_body(&packet("2051", now, start, area))));
    let outputs = run(&registry("11", &[SO2_DAY_80]), &until(journal.to_vec(), at("2026-03-20 00:00:00")), 1);
    assert!(outputs.publications.is_empty());
}

#[test]
fn three_days_back_filled_by_many_loggers_cost_each_window_few_revisions() {
    let outlets = 6;
    let files = crate::world::city(outlets);
    let start = at("2026-03-14 00:00:00");
    let back = at("2026-03-17 00:05:00");
    // All loggers come back at once and send three days, minute by minute, interleaved, fifty packets a second in all.
    let mut journal = Vec::new();
    for minute in 0..3 * 24 * 60 {
        for outlet in 1..=outlets {
            let from = start.plus_ms(minute * MINUTE_MS);
            let sent = back.plus_ms((minute * outlets as i64 + outlet as i64) * 20);
            let area = format!("DataTime={};a21026-Avg={}.5,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", from.wire(), 70 + minute % 20);
            let (qn, mn) = (sent.wire_ms(), crate::world::mn(outlet));
            let segment = hj212d::protocol::encode::Segment {
                qn: Some(&qn),
                st: "31",
                cn: "2051",
                pw: Some("123456"),
                mn: Some(&mn),
                flag: Some(5),
                area: &area,
                ..Default::default()
            };
            journal.push((sent, frame_body(&segment.frame())));
        }
    }
    let journal = until(journal, at("2026-03-18 14:00:00"));
    let calm = run(&files, &journal, 1000);
    let most = |outputs: &Outputs| outputs.publications.iter().map(|publication| publication.revision).max();
    assert!(most(&calm) <= Some(5), "{:?} revisions of one window", most(&calm));
    assert_eq!(calm.publications.iter().filter(|publication| publication.span == Span::Day && publication.revision == 1).count(), 18);
}

#[test]
fn a_changed_password_takes_nothing_back_from_days_that_were_admitted_before() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut changed = files.clone();
    if let Some(loggers) = changed.0.get_mut("loggers.csv") {
        *loggers = loggers.replace(",123456,", ",654321,");
    }
    let mut journal = steady("2026-03-14", "85");
    journal.push((at("2026-03-15 14:00:00"), Body::RegistryVersion { files: changed }));
    // One minute again, under the new password and a higher QN, with the same value.
    let from = at("2026-03-14 08:00:00");
    let late = at("2026-03-15 15:00:00");
    let good = packet("2051", late, from, "a21026-Avg=85,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N");
    let text = String::from_utf8_lossy(&good[6..good.len() - 6]).replace("PW=123456", "PW=654321");
    journal.push((late, frame_body(&hj212d::protocol::encode::frame(text.as_bytes()))));
    let outputs = run(&files, &until(journal, at("2026-03-16 14:00:00")), 200);
    let referrals: Vec<&str> = outputs.of(Topic::Referrals).iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(referrals, ["hj212.referral.opened"], "nothing moved, so nothing is said");
}

#[test]
fn oxygen_a_hair_below_the_oxidants_own_is_a_value_like_any_other() {
    let mut files = registry("11", &[SO2_DAY_80]);
    if let Some(outlets) = files.0.get_mut("outlets.csv") {
        *outlets = outlets.replace(",a19001,21,", ",a19001,20.5,");
    }
    let hour = at("2026-03-14 08:00:00");
    let area = "a21026-Avg=900,a21026-Flag=N;a19001-Avg=20.499999999999999999,a19001-Flag=N";
    let minutes = (0..60).map(|minute| hour.plus_ms(minute * MINUTE_MS));
    let journal = minutes.map(|from| (from.plus_ms(MINUTE_MS), frame_body(&packet("2051", from.plus_ms(MINUTE_MS), from, area)))).collect();
    let outputs = run(&files, &until(journal, at("2026-03-14 10:00:00")), 10);
    assert_eq!(outputs.publications.len(), 1);
}
