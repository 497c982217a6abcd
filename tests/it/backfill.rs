//! A hundred loggers come back after three silent days and send everything they kept, all at once and interleaved. No window is
//! published more than a few times, every mean becomes what it would have been in time, and the days are computed some a second.

use crate::world::{Outputs, at, city, frame_body, mn, run, until};
use hj212d::domain::time::{HOUR_MS, Moment};
use hj212d::domain::{OutletId, RuleSet, Span};
use hj212d::engine::Body;
use hj212d::message::Publication;
use hj212d::protocol::encode::Segment;
use std::collections::BTreeMap;

const LOGGERS: u64 = 100;
const HOURS: i64 = 3 * 24;
/// Days that one second may hold. They are spread by a hash, one in two seconds on average where there is room, so that some of them meet.
const DAYS_A_SECOND_MAX: u32 = 8;

/// The hour record that a logger makes when the hour has ended, and keeps until somebody takes it. Some stacks lie above the limit.
fn hour_record(logger: u64, hour: i64) -> Vec<u8> {
    let from = at("2026-03-14 00:00:00").plus_ms(hour * HOUR_MS);
    let qn = from.plus_ms(HOUR_MS + logger as i64).wire_ms();
    let mn = mn(logger);
    let value = 55 + logger % 30 + hour.unsigned_abs() * 7 % 5;
    let area = format!("DataTime={};a21026-Avg={value}.5,a21026-ZsAvg={value}.25,a21026-Flag=N", from.wire());
    Segment { qn: Some(&qn), st: "31", cn: "2061", pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() }.frame()
}

/// All records, oldest hours first, all loggers in turn; a tick long after ends the run.
fn journal(arrival: impl Fn(i64, u64) -> Moment) -> Vec<(Moment, Body)> {
    let records = (0..HOURS).flat_map(|hour| (1..=LOGGERS).map(move |logger| (hour, logger)));
    let journal = records.map(|(hour, logger)| (arrival(hour, logger), frame_body(&hour_record(logger, hour)))).collect();
    until(journal, at("2026-03-18 00:00:00"))
}

/// The newest publication of each window.
fn newest(outputs: &Outputs) -> BTreeMap<(OutletId, Span, Moment), &Publication> {
    let mut newest = BTreeMap::new();
    for publication in &outputs.publications {
        newest.insert((publication.outlet, publication.span, publication.start), publication);
    }
    newest
}

/// What stands at the end: the day and the facts of each exceedance.
fn standing(outputs: &Outputs) -> Vec<String> {
    let mut findings = BTreeMap::new();
    for finding in &outputs.findings {
        findings.insert(finding.id, finding);
    }
    findings.values().filter(|finding| finding.standing).map(|finding| format!("{} {} {}", finding.outlet, finding.day, finding.facts)).collect()
}

#[test]
fn three_days_back_filled_by_a_hundred_loggers_are_spread_and_end_where_days_in_time_end() {
    let files = city(LOGGERS);
    let in_time = run(&files, &journal(|hour, logger| at("2026-03-14 00:00:00").plus_ms((hour + 1) * HOUR_MS + logger as i64 * 100)), 1000);
    let (expected, exceedances) = (newest(&in_time), standing(&in_time));
    let windows = LOGGERS as usize * (HOURS as usize + 3);
    assert_eq!(expected.len(), windows, "each hour and each day of each outlet");
    assert!(!exceedances.is_empty(), "some days exceed");

    // All three days have been confirmed when the loggers come back, so that nothing but the quiet after a change publishes a day.
    let back = at("2026-03-17 14:00:00");
    // All of it within two minutes, when the last packets of fifty days come in each second; and within twenty-four, when the days are
    // open for so long that many are published before they are complete.
    for pace_ms in [20, 200] {
        let arrival = |hour: i64, logger: u64| back.plus_ms((hour * LOGGERS as i64 + logger as i64) * pace_ms);
        let outputs = run(&files, &journal(arrival), 1000);

        let most = outputs.publications.iter().map(|publication| publication.revision).max();
        assert!(most <= Some(5), "a packet every {pace_ms} ms: {most:?} revisions of one window");

        let current = newest(&outputs);
        assert_eq!(current.len(), windows, "a packet every {pace_ms} ms");
        for (window, publication) in &current {
            assert_eq!(publication.means, expected[window].means, "a packet every {pace_ms} ms: {window:?}");
        }
        assert_eq!(standing(&outputs), exceedances, "a packet every {pace_ms} ms");

        let days: Vec<Moment> = outputs.publications.iter().filter(|publication| publication.span == Span::Day).map(|day| day.at).collect();
        let mut a_second: BTreeMap<i64, u32> = BTreeMap::new();
        for day in &days {
            *a_second.entry(day.0.div_euclid(1000)).or_default() += 1;
        }
        let fullest = a_second.values().max().copied();
        assert!(fullest <= Some(DAYS_A_SECOND_MAX), "a packet every {pace_ms} ms: {fullest:?} days in one second");
        // Spread, and still on time: ten minutes after the last packet nothing waits any more.
        let waited = i64::from(RuleSet::default().quiet_max_secs.value) * 1000;
        assert!(days.iter().max() <= Some(&arrival(HOURS - 1, LOGGERS).plus_ms(waited)), "a packet every {pace_ms} ms");
    }
}
