//! The limits of the configuration, each once: connections, bytes of one connection in a second, bytes in the open batch. A limit
//! makes peers wait or go away; what was taken is answered once and kept once, and nobody else pays.

use crate::process::{Folder, Logger, Serve, journal};
use crate::world::{at, city, mn};
use arc_swap::ArcSwap;
use hj212d::domain::Mn;
use hj212d::engine::{Body, Entry};
use hj212d::link::{Admissions, Debt, Limits};
use hj212d::listener::{self, PeerLimits};
use hj212d::pipeline::clock::ArrivalClock;
use hj212d::pipeline::intake::{Arrived, Intake, Item};
use hj212d::protocol::encode::Segment;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

const DEMO: &[&str] = &["--demo-start", "2026-03-16"];
/// What one read takes at most: the scratch buffer of the listener.
const READ_LEN_MAX: usize = 64 * 1024;
/// What a packet weighs in the open batch besides its bytes: 64, and its answer, which is shorter than 200.
const BESIDE: usize = 64 + 200;
/// What an entry about a connection weighs in the open batch.
const LINK_ENTRY: usize = 128;

/// Packet `number` of a logger, with its QN: about a minute whose hour is open, with a note that makes it as long as is wanted.
fn said(logger: u64, number: i64, note_len: usize) -> (String, Vec<u8>) {
    let start = at("2026-03-16 00:00:00");
    let (qn, mn) = (start.plus_ms(number).wire_ms(), mn(logger));
    let area = format!("DataTime={};a21026-Avg=35.{number},a21026-Flag=N;Note={}", start.wire(), "0".repeat(note_len));
    let segment =
        Segment { qn: Some(&qn), st: "31", cn: "2051", pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() };
    let bytes = segment.frame();
    (qn, bytes)
}

/// Packets 0 to `count` of a logger, some thousand bytes each: their QNs, and all of them in a row.
fn many(logger: u64, count: i64) -> (Vec<String>, Vec<u8>) {
    let (qns, packets): (Vec<String>, Vec<Vec<u8>>) = (0..count).map(|number| said(logger, number, 850)).unzip();
    (qns, packets.concat())
}

/// The QN that an answer repeats.
fn qn_of(answer: &str) -> String {
    assert!(answer.contains("CN=9014"), "{answer}");
    answer.strip_prefix("QN=").and_then(|rest| rest.get(..17)).expect("an answer has the QN").to_owned()
}

/// The packets of a logger in the journal.
fn frames_of(entries: &[Entry], logger: u64) -> Vec<&Entry> {
    let mn = mn(logger);
    let speaks = |bytes: &[u8]| bytes.windows(mn.len()).any(|part| part == mn.as_bytes());
    entries.iter().filter(|entry| matches!(&entry.body, Body::Frame { bytes, .. } if speaks(bytes))).collect()
}

/// What one read may add to the open batch: the packets that end in it.
fn one_read(packet_len: usize) -> usize {
    (READ_LEN_MAX / packet_len + 1) * (packet_len + BESIDE)
}

#[test]
fn pages_are_shown_to_so_many_at_a_time_and_who_asks_without_an_end_holds_up_no_stop() {
    let folder = Folder::new();
    let rows = folder.registry(&city(1));
    let serve = Serve::start(&folder.0.join("data"), &rows, DEMO, &[("HJ212D_HTTP__CONNECTIONS_MAX", "2")]);
    let mut without_end = TcpStream::connect(serve.pages).expect("connected");
    without_end.write_all(b"GET /metr").expect("sent");
    assert_eq!(serve.metric("hj212_pages_links_limit "), Some(2.0));
    assert_eq!(serve.metric("hj212_pages_links "), Some(2.0), "that one, and who asks");
    assert_eq!(serve.stop(), Some(0));
}

#[test]
fn a_connection_too_many_is_closed_and_counted_and_a_place_that_was_left_is_given_again() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&city(1));
    let serve = Serve::start(&data, &rows, DEMO, &[("HJ212D_LISTEN__CONNECTIONS_MAX", "3")]);
    let refused = "hj212_links_refused_total{limit=\"connections\"}";
    let mut number = 0;
    let mut talk = |logger: &mut Logger| {
        let (qn, bytes) = said(1, number, 0);
        number += 1;
        assert_eq!(qn_of(&logger.exchange(&bytes).expect("answered")), qn);
    };
    let mut three: Vec<Logger> = (0..3).map(|_| Logger::connect(serve.address).expect("connected")).collect();
    three.iter_mut().for_each(&mut talk);
    assert_eq!(serve.metric("hj212_links_limit "), Some(3.0));
    assert_eq!(serve.metric(refused), None, "nobody was refused so far");
    for count in 1..=2 {
        let mut fourth = Logger::connect(serve.address).expect("the system connects before the program looks");
        assert_eq!(fourth.answer().expect_err("closed").kind(), ErrorKind::UnexpectedEof);
        assert_eq!(serve.metric(refused), Some(f64::from(count)));
        three.iter_mut().for_each(&mut talk);
    }
    // Who leaves keeps the place for two seconds more, for the answers to what was sent last.
    drop(three.remove(0));
    serve.wait_for("hj212_links ", |links| links <= 2.0);
    three.push(Logger::connect(serve.address).expect("connected"));
    three.iter_mut().for_each(&mut talk);
    assert_eq!(serve.metric("hj212_links "), Some(3.0));
    let mut fourth = Logger::connect(serve.address).expect("the system connects before the program looks");
    assert_eq!(fourth.answer().expect_err("closed").kind(), ErrorKind::UnexpectedEof);
    assert_eq!(serve.metric(refused), Some(3.0));
    assert_eq!(serve.stop(), Some(0));
    let entries = journal(&data);
    let opened = entries.iter().filter(|entry| matches!(entry.body, Body::LinkUp { .. })).count();
    assert_eq!((opened, frames_of(&entries, 1).len()), (4, 12), "who was refused leaves nothing behind");
}

#[test]
fn a_peer_that_sends_too_much_in_a_second_waits_for_the_next_while_another_is_answered() {
    const LIMIT: usize = 4_000;
    const PACKETS: i64 = 230;
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&city(2));
    let limit = LIMIT.to_string();
    let serve = Serve::start(&data, &rows, DEMO, &[("HJ212D_LISTEN__BYTES_PER_SEC_MAX", &limit)]);
    let (qns, flood) = many(1, PACKETS);
    let flood_len = flood.len();
    let mut other = Logger::connect(serve.address).expect("connected");
    let mut fast = Logger::connect(serve.address).expect("connected");
    let flooding = std::thread::spawn(move || {
        fast.send(&flood).expect("sent");
        (0..PACKETS).map(|_| qn_of(&fast.answer().expect("answered"))).collect::<Vec<_>>()
    });
    let mut number = 0;
    while !flooding.is_finished() {
        let (qn, bytes) = said(2, number, 0);
        assert_eq!(qn_of(&other.exchange(&bytes).expect("answered")), qn);
        number += 1;
    }
    assert_eq!(flooding.join().expect("every packet was answered"), qns, "each once, in order");
    assert_eq!(serve.stop(), Some(0));

    let entries = journal(&data);
    let fast = frames_of(&entries, 1);
    assert_eq!(fast.len() as i64, PACKETS);
    let (first, last) = (fast[0], fast[fast.len() - 1]);
    // The read that goes beyond the limit is taken whole: that much in a second, and no more. From somewhere in the first second to
    // somewhere in the last there are two seconds less than were touched; a tenth is left to the clock of the stamps.
    let seconds = flood_len.div_ceil(LIMIT + READ_LEN_MAX) as i64;
    let passed_ms = last.at.0 - first.at.0;
    assert!(seconds > 3 && passed_ms >= (seconds - 2) * 1000 - 100, "{flood_len} bytes came in within {passed_ms} ms");
    let between = |entry: &&Entry| first.sequence < entry.sequence && entry.sequence < last.sequence;
    assert!(frames_of(&entries, 2).iter().any(between), "another peer is read while this one waits");
}

#[test]
fn a_full_open_batch_makes_connections_wait_and_every_packet_is_answered_once_and_kept_once() {
    const CONNECTIONS: u64 = 16;
    const EACH: i64 = 200;
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&city(CONNECTIONS));
    // One byte: whatever waits is too much. A tick as often as the program allows, because a tick is when the gauge is set.
    let serve = Serve::start(&data, &rows, DEMO, &[("HJ212D_INTAKE__BYTES_MAX", "1"), ("HJ212D_INTAKE__TICK", "20ms")]);
    assert_eq!(serve.metric("hj212_intake_limit_bytes "), Some(1.0));
    let links: Vec<Logger> = (0..CONNECTIONS).map(|_| Logger::connect(serve.address).expect("connected")).collect();
    let senders: Vec<_> = (1..=CONNECTIONS)
        .zip(links)
        .map(|(logger, mut link)| {
            std::thread::spawn(move || {
                let (qns, packets) = many(logger, EACH);
                link.send(&packets).expect("sent");
                let answered: Vec<String> = qns.iter().map(|_| qn_of(&link.answer().expect("answered"))).collect();
                assert_eq!(answered, qns, "each once, in order");
            })
        })
        .collect();
    let (mut looks, mut most) = (0, 0.0f64);
    while senders.iter().any(|sender| !sender.is_finished()) {
        if let Some(bytes) = serve.metric("hj212_intake_bytes ") {
            (looks, most) = (looks + 1, most.max(bytes));
        }
    }
    for sender in senders {
        sender.join().expect("every packet was answered");
    }
    // A connection that waits for bytes already may add one read to a full batch; one that came or went says so.
    let packet_len = said(1, 0, 850).1.len();
    let bound = 1 + CONNECTIONS as usize * (one_read(packet_len) + 2 * LINK_ENTRY);
    let total = CONNECTIONS * EACH.unsigned_abs();
    assert!(bound < total as usize * packet_len, "much more was sent than may wait");
    assert!(looks > 0 && most <= bound as f64, "{most} bytes waited at one of {looks} looks; {bound} may");
    assert_eq!(serve.wait_for("hj212_answers_total ", |answers| answers >= total as f64), total as f64);
    assert_eq!(serve.metric("hj212_answers_lost_total ").unwrap_or_default(), 0.0);
    assert_eq!(serve.stop(), Some(0));

    let entries = journal(&data);
    let mut kept: BTreeMap<&[u8], u32> = BTreeMap::new();
    for entry in &entries {
        match &entry.body {
            Body::Frame { bytes, .. } => *kept.entry(bytes).or_default() += 1,
            Body::Repeat { .. } | Body::Rejected { .. } => panic!("every packet came whole, and once: {entry:?}"),
            _ => {}
        }
    }
    assert_eq!(kept.len() as u64, total);
    for logger in 1..=CONNECTIONS {
        for number in 0..EACH {
            let (qn, bytes) = said(logger, number, 850);
            assert_eq!(kept.get(bytes.trim_ascii_end()), Some(&1), "packet {qn} of logger {logger}");
        }
    }
}

/// The listener alone, and nobody who takes: what waits stays below the limit and one read of each connection.
#[test]
fn while_nobody_takes_the_open_batch_each_connection_adds_one_read_to_the_limit_and_no_more() {
    const LIMIT: usize = 100_000;
    const CONNECTIONS: u64 = 8;
    const EACH: i64 = 500;
    const KNOCKS: usize = 20;
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.set_nonblocking(true).expect("a socket for the runtime");
    let address = socket.local_addr().expect("an address");
    let intake = Arc::new(Intake::new(LIMIT));
    let settings = listener::Settings {
        gateway: "test".into(),
        clock: ArrivalClock::wall(),
        connections_max: 100,
        peer: PeerLimits::default(),
        link: Limits::default(),
        bytes_per_sec_max: usize::MAX,
    };
    let admissions = Arc::new(ArcSwap::from_pointee(Admissions { accept_unknown: true, ..Admissions::default() }));
    let (answers, paying) = mpsc::channel(1);
    let (stop, stopping) = watch::channel(false);
    let listening = {
        let intake = Arc::clone(&intake);
        std::thread::spawn(move || listener::run(socket, settings, intake, admissions, paying, stopping, Arc::new(Notify::new())))
    };
    let senders: Vec<_> = (1..=CONNECTIONS)
        .map(|logger| {
            let mut stream = TcpStream::connect(address).expect("connected");
            std::thread::spawn(move || {
                stream.write_all(&many(logger, EACH).1).expect("sent");
                stream
            })
        })
        .collect();
    while !intake.is_full() {
        assert!(!listening.is_finished(), "the listener runs");
        std::thread::yield_now();
    }
    // Whoever comes is noted, full or not: after some of them the listener has looked at everybody again and again.
    let mut knocks = Vec::new();
    for _ in 0..KNOCKS {
        let before = intake.bytes();
        knocks.push(TcpStream::connect(address).expect("connected"));
        while intake.bytes() == before {
            assert!(!listening.is_finished(), "the listener runs");
            std::thread::yield_now();
        }
    }
    let packet_len = said(1, 0, 850).1.len();
    let bound = LIMIT + CONNECTIONS as usize * one_read(packet_len) + (CONNECTIONS as usize + KNOCKS) * LINK_ENTRY;
    let total = CONNECTIONS as usize * EACH as usize;
    assert!(bound < total * packet_len / 2, "much more was sent than may wait");
    assert!(intake.bytes() <= bound, "{} bytes wait; {bound} may", intake.bytes());

    // Somebody takes: all of it comes in, in order, and no batch was ever larger.
    let weight = |arrived: &Arrived| {
        let item = match &arrived.item {
            Item::Packet { bytes, .. } => bytes.len() + 64,
            _ => LINK_ENTRY,
        };
        item + arrived.debt.as_ref().map_or(0, Debt::size)
    };
    let mut came: BTreeMap<Mn, Vec<Vec<u8>>> = BTreeMap::new();
    let mut empty = 0;
    while came.values().map(Vec::len).sum::<usize>() < total {
        let batch = intake.take(Duration::from_secs(1)).expect("it is open");
        empty += usize::from(batch.is_empty());
        assert!(empty < 60, "packets do not come in any more: {:?}", came.values().map(Vec::len).collect::<Vec<_>>());
        let waited: usize = batch.iter().map(weight).sum();
        assert!(waited <= bound, "{waited} bytes waited; {bound} may");
        for arrived in batch {
            if let Item::Packet { mn, bytes, .. } = arrived.item {
                came.entry(mn).or_default().push(bytes);
            }
        }
    }
    for logger in 1..=CONNECTIONS {
        let expected = (0..EACH).map(|number| said(logger, number, 850).1.trim_ascii_end().to_vec());
        let packets = came.remove(mn(logger).as_str()).unwrap_or_default();
        assert!(packets.into_iter().eq(expected), "all packets of logger {logger}, once, in order");
    }
    let streams: Vec<TcpStream> = senders.into_iter().map(|sender| sender.join().expect("everything was sent")).collect();
    drop(answers);
    assert!(stop.send(true).is_ok());
    listening.join().expect("no panic").expect("it ran");
    drop((streams, knocks));
}
