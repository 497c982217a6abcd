//! 邻点比对 by running processes: two outlets at different sites send the same hours, and once the day is confirmed the daemon (or, over
//! many shards, the worker that surveys) says so of both, by entries of the journal.

use crate::process::{Folder, Logger, Serve, journal, published, replayed};
use crate::roles::Centre;
use crate::world::{city, mn};
use hj212d::domain::time::{HOUR_MS, Moment};
use hj212d::domain::{Neighbours, Sight};
use hj212d::engine::{Body, Entry};
use hj212d::protocol::encode::Segment;
use std::net::SocketAddr;
use std::process::Command;

/// The morning of the 16th, when a week of hours is sent, and the next day's noon, when the 16th is confirmed.
const MORNING: [&str; 4] = ["--demo-time-scale", "60", "--demo-start", "2026-03-16T05:00:00+08:00"];
const NOON: [&str; 4] = ["--demo-time-scale", "60", "--demo-start", "2026-03-17T13:08:00+08:00"];
/// Loggers of two sites.
const TWINS: [u64; 2] = [1, 5];

/// Six days and five hours, as both send them.
fn send_hours(address: SocketAddr) {
    let first = Moment::parse_rfc3339("2026-03-10T00:00:00+08:00").expect("an instant");
    for number in TWINS {
        let mut logger = Logger::connect(address).expect("connected");
        for hour in 0..6 * 24 + 5 {
            let from = first.plus_ms(hour * HOUR_MS);
            let (qn, mn) = (from.plus_ms(HOUR_MS + 500).wire_ms(), mn(number));
            let value = 4000 + hour * 7919 % 2500;
            let area = format!("DataTime={};a21026-Avg={}.{:02},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", from.wire(), value / 100, value % 100);
            let segment =
                Segment { qn: Some(&qn), st: "31", cn: "2061", pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() };
            assert!(logger.exchange(&segment.frame()).expect("answered").contains("CN=9014"));
        }
    }
}

/// What the entries say of neighbours on the 16th: outlet, other outlet, equal hours.
fn said(entries: &[Entry]) -> Vec<(String, String, u32)> {
    let of = |neighbours: &Neighbours| -> Vec<(String, String, u32)> {
        let same = neighbours.seen.iter().filter_map(|seen| match &seen.sight {
            Sight::Same { other, equal, .. } => Some((neighbours.outlet.to_string(), other.id.to_string(), *equal)),
            _ => None,
        });
        same.collect()
    };
    let mut said: Vec<_> = entries
        .iter()
        .filter_map(|entry| if let Body::Neighbours(of_day) = &entry.body { Some(of_day) } else { None })
        .filter(|of_day| of_day.day.to_string() == "2026-03-16")
        .map(of)
        .collect();
    said.sort();
    said.into_iter().flatten().collect()
}

fn is_done(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(&entry.body, Body::NeighboursDone { day } if day.to_string() == "2026-03-16"))
}

/// 149 hours of the seven days are there, and all of them are the same.
fn both() -> Vec<(String, String, u32)> {
    [("C1", "C5"), ("C5", "C1")].map(|(one, other)| (one.to_owned(), other.to_owned(), 149)).to_vec()
}

#[test]
fn the_daemon_compares_the_outlets_of_a_confirmed_day_and_judges_it_again() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&city(8));
    let serve = Serve::start(&data, &rows, &MORNING, &[]);
    send_hours(serve.address);
    assert_eq!(serve.stop(), Some(0));
    let serve = Serve::start(&data, &rows, &NOON, &[]);
    serve.wait_for("hj212_statements_total{fate=\"neighbours\"}", |count| count == 2.0);
    serve.wait_for("hj212_neighbours_until_seconds", |time| time > 0.0);
    serve.wait_for("hj212_recounts_left", |left| left == 0.0);
    assert_eq!(serve.stop(), Some(0));
    let entries = journal(&data);
    assert!(is_done(&entries));
    assert_eq!(said(&entries), both());
    let (out, again) = (published(&data), replayed(&entries));
    for (topic, events) in &again {
        assert_eq!(out.get(topic), Some(events), "{topic}");
    }
    let mut tried = Command::new(env!("CARGO_BIN_EXE_hj212d"));
    tried.args(["rules", "try", "I-01", "--from", "2026-03-16", "--to", "2026-03-16", "--data"]).arg(&data);
    let output = tried.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("2 findings (判定) at 2 of 9 outlets"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("149个小时均值中有149个与5号排口（C5）同一时刻的值逐时相同"), "{text}");
    // Once a day.
    let serve = Serve::start(&data, &rows, &NOON, &[]);
    serve.wait_for("hj212_journal_entries_total", |count| count >= 3.0);
    assert_eq!(serve.stop(), Some(0));
    assert_eq!(said(&journal(&data)), both());
}

#[test]
fn one_worker_of_all_compares_the_outlets_of_every_shard() {
    let centre = Centre::new("neighbours", 4);
    let worker = centre.first_worker(&city(8), &MORNING);
    let gateway = centre.gateway("g1", &MORNING).listens();
    send_hours(gateway.address);
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    assert_eq!(worker.stop(), Some(0));
    let workers = ["one", "two"].map(|name| centre.worker(name, &NOON));
    let gateway = centre.gateway("g1", &NOON).listens();
    // The 16th, by number; the day before it is compared, too.
    centre.wait_for_rows("SELECT count(*) FROM neighbours WHERE day = 20528", 2);
    centre.wait_for_rows("SELECT count(*) FROM shards WHERE neighbours_until = 20528", 4);
    centre.wait_for_rows("SELECT coalesce(sum(last - next + 1), 0)::bigint FROM recounts", 0);
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    workers.into_iter().for_each(|worker| assert_eq!(worker.stop(), Some(0)));
    let journals = centre.journals();
    assert!(journals.iter().all(|entries| is_done(entries)), "every shard knows that the day was compared");
    let mut found: Vec<_> = journals.iter().flat_map(|entries| said(entries)).collect();
    found.sort();
    assert_eq!(found, both());
    let said = centre.command(&["rules", "try", "I-01", "--from", "2026-03-16", "--to", "2026-03-16"], "one");
    assert!(said.contains("2 findings (判定)"), "{said}");
}
