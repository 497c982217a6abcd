//! Bytes that a row could stumble over, in every field of a packet: U+0000, 0xFF, broken UTF-8, numbers that no number type
//! holds. Through the link, the engine and the database: what came lies there byte for byte, what was refused with its reason,
//! the day is recalled and computed from it, and the good packets around it make their means. And rows of days as older releases wrote
//! them, damaged, and of a later release.

use crate::process::{Folder, journal};
use crate::world::{MN, OUTLET, at, packet, registry};
use hj212d::aggregation::Shelf;
use hj212d::domain::time::{MINUTE_MS, Moment};
use hj212d::domain::{Mn, OutletDay, OutletId};
use hj212d::engine::{Body, Entry, Want};
use hj212d::link::{Admitted, ConnectionId, Limits, Link, Output};
use hj212d::message::{Event, Topic};
use hj212d::pipeline::clock::ArrivalClock;
use hj212d::pipeline::core::Shared;
use hj212d::pipeline::intake::{Intake, Item};
use hj212d::pipeline::serve::{Serve, Settings};
use hj212d::protocol::crc::{self, CrcKind};
use hj212d::protocol::encode;
use hj212d::store::{Store, StoreError};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const PEER: &str = "192.0.2.1:4000";
const GATEWAY: &str = "test";
const CONNECTION: u64 = 1;

/// The fields of a minute packet in their order: name, what leads to the text, the usual text (none: left out), what follows.
const FIELDS: &[(&str, &str, &str, &str)] = &[
    ("QN", "QN=", "20260314080030000", ""),
    ("ST", ";ST=", "31", ""),
    ("CN", ";CN=", "2051", ""),
    ("PW", ";PW=", "123456", ""),
    ("MN", ";MN=", MN, ""),
    ("Flag", ";Flag=", "5", ""),
    ("PNUM", ";PNUM=", "", ";PNO=1"),
    ("PNO", ";PNUM=3;PNO=", "", ""),
    ("RF", ";RF=", "", ""),
    ("unknown field of the header", ";Extra=", "", ""),
    ("DataTime", ";CP=&&DataTime=", "20260314070000", ""),
    ("value", ";a21026-Avg=", "35.2", ""),
    ("converted value", ",a21026-ZsAvg=", "", ""),
    ("smallest value", ",a21026-Min=", "", ""),
    ("total", ",a21026-Cou=", "", ""),
    ("mark", ",a21026-Flag=", "N", ""),
    ("mark of the equipment", ",a21026-EFlag=", "", ""),
    ("unknown suffix", ",a21026-", "", "=1"),
    ("unknown factor", ";", "", "-Avg=1"),
    ("unknown name", ";", "", "=1"),
    ("unknown field", ";Note=", "", ""),
];

/// Texts that are no good in any field, or only just.
const TEXTS: &[&[u8]] = &[
    b"\0",
    b"\0\0\0\0",
    b"N\0",
    b"\0N",
    b"3\x001",
    b"\xFF",
    b"\xFF\xFF\xFF\xFF",
    b"N\xFF",
    b"3\xFF1",
    b"\xC3\x28",
    b"\xED\xA0\x80",
    b"\xF4\x90\x80\x80",
    b"\x81\x40",
    "\u{FEFF}".as_bytes(),
    "\u{10FFFF}".as_bytes(),
    b"1234567890123456789012345678",
    b"-1234567890123456789012345678",
    b"0.1234567890123456789012345678",
    b"12345678901234.12345678901234",
    b"79228162514264337593543950335",
    b"79228162514264337593543950336",
    b"99999999999",
    b"9999999999",
    b"-9999999999",
    b"9999999999.123456789012345678",
    b"-0",
    b"1e5",
    b"1E-28",
    b"-1.5e+300",
    b"NaN",
    b"-inf",
    b"0x1F",
];

/// The texts that are tried in a field: besides the above two very long numbers, and the usual text with a byte too many.
fn texts(usual: &str) -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = TEXTS.iter().map(|text| text.to_vec()).collect();
    texts.push("9".repeat(400).into_bytes());
    texts.push(format!("0.{}", "1".repeat(400)).into_bytes());
    texts.push([usual.as_bytes(), b"\0"].concat());
    texts.push([usual.as_bytes(), b"\xFF"].concat());
    texts
}

/// A minute packet of hour 07 with a text in one field; its number makes it unlike any other.
fn minute_with(number: i64, field: &str, text: &[u8]) -> Vec<u8> {
    let qn = at("2026-03-14 08:00:30").plus_ms(number).wire_ms();
    let time = at("2026-03-14 07:00:00").plus_ms(number % 60 * MINUTE_MS).wire();
    let mut segment = Vec::new();
    for (name, lead, usual, tail) in FIELDS.iter().copied() {
        let usual = match name {
            "QN" => qn.as_str(),
            "DataTime" => time.as_str(),
            _ => usual,
        };
        if name == field {
            segment.extend([lead.as_bytes(), text, tail.as_bytes()].concat());
        } else if !usual.is_empty() {
            segment.extend([lead.as_bytes(), usual.as_bytes()].concat());
        }
    }
    segment.extend(format!(";No={number}&&").into_bytes());
    encode::frame(&segment)
}

/// Bytes that are no packet, with the reason under which they are kept.
fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let area = b"CP=&&DataTime=\0;a21026-Avg=\xFF,a21026-Flag=\0\xFF&&".as_slice();
    let segment = [b"QN=\0\xFF;ST=31;CN=2051;PW=123456;MN=".as_slice(), MN.as_bytes(), b";Flag=5;", area].concat();
    let nameless = [b"QN=\0\xFF;ST=31;PW=123456;MN=".as_slice(), MN.as_bytes(), b";Flag=5;", area].concat();
    let checked = |kind: CrcKind| {
        let check = (0..=u16::MAX).find(|check| crc::kind_of(&segment, *check) == kind).expect("some value is of this kind");
        [format!("##{:04}", segment.len()).as_bytes(), &segment, format!("{check:04X}\r\n").as_bytes()].concat()
    };
    vec![
        ("not_hj212", (0..=255).collect()),
        ("not_hj212", vec![0xFF; 2000]),
        ("length_wrong", b"##0100QN=\0\xFF;CN=2051\r\n".to_vec()),
        ("too_long", b"##9999QN=\0\xFF;CN=2051\r\n".to_vec()),
        ("crc_mismatch", checked(CrcKind::Mismatch)),
        ("crc_modbus", checked(CrcKind::Modbus)),
        ("header_unreadable", encode::frame(&nameless)),
    ]
}

/// What was put into the journal, and under which name.
struct Kept {
    fate: &'static str,
    body: Body,
}

/// The listener's part: takes bytes through a link of their own, and appends what it makes of them to the open batch.
struct Post {
    intake: Arc<Intake>,
    shared: Shared,
    kept: Vec<Kept>,
    owed: usize,
}

impl Post {
    /// The fates of what the bytes hold.
    fn send(&mut self, arrival: Moment, bytes: &[u8]) -> Vec<&'static str> {
        let before = self.kept.len();
        let admissions = self.shared.admissions.load_full();
        let mut link = Link::new(ConnectionId(CONNECTION), Limits::default(), 0);
        let mut outputs = Vec::new();
        link.receive(bytes, 0, &admissions, &mut outputs);
        link.close(&admissions, &mut outputs);
        for output in outputs {
            match output {
                Output::Frame { bytes, mn, admitted, debt } => {
                    self.owed += usize::from(debt.is_some());
                    let body = Body::Frame { bytes: bytes.to_vec(), peer: PEER.to_owned(), gateway: GATEWAY.to_owned(), connection: CONNECTION };
                    let item = match (mn, admitted) {
                        (Some(mn), Admitted::Accepted) => Item::Packet { mn, bytes: bytes.into(), peer: PEER.into(), connection: CONNECTION },
                        _ => Item::Entry(body.clone()),
                    };
                    self.intake.push(arrival, item, debt);
                    self.kept.push(Kept { fate: admitted.name(), body });
                }
                Output::Rejected { bytes, len, reason, detail, .. } => {
                    let body = Body::Rejected { reason: reason.to_owned(), detail, bytes: bytes.into(), len: len as u64, peer: PEER.to_owned() };
                    self.intake.push(arrival, Item::Entry(body.clone()), None);
                    self.kept.push(Kept { fate: reason, body });
                }
                Output::Noticed(_) => {}
                Output::Close(reason) => panic!("the link wants to end: {reason:?}"),
            }
        }
        self.kept[before..].iter().map(|kept| kept.fate).collect()
    }

    /// Sixty good minutes, the first of them sent at `first`, the others so much later each.
    fn good_hour(&mut self, hour: Moment, first: Moment, pace_ms: i64, value: &str) {
        for minute in 0..60 {
            let (start, sent) = (hour.plus_ms(minute * MINUTE_MS), first.plus_ms(minute * pace_ms));
            let fates = self.send(sent, &packet("2051", sent, start, &format!("a21026-Avg={value},a21026-Flag=N")));
            assert_eq!(fates, ["accepted"], "minute {minute}");
        }
    }

    fn tick(&mut self, arrival: Moment) {
        self.intake.push(arrival, Item::Entry(Body::Tick {}), None);
    }
}

/// One life of the pipeline over the database: from what is stored, through what `fill` puts into the open batch, to its end.
async fn run(database: &Path, fill: impl FnOnce(&mut Post)) -> (Store, Vec<Kept>) {
    let store = Store::open(database, false).await.expect("the database");
    let (intake, shared) = (Arc::new(Intake::new(usize::MAX)), Shared::default());
    // The clock stamps the register only; what comes after it brings its own time.
    let clock = ArrivalClock::scaled(ArrivalClock::wall().now(), at("2026-03-14 06:00:00"), 1);
    let settings = Settings { gateway: GATEWAY.into(), clock, tick: Duration::from_secs(3600), accept_unknown: false };
    let (answers, mut paid) = mpsc::channel(1000);
    let mut serve = Serve::build(store, Arc::clone(&intake), shared.clone(), settings, answers).await.expect("what is stored can be read");
    serve.put_registry(&registry("", &[])).await.expect("in force");
    let mut post = Post { intake: Arc::clone(&intake), shared: shared.clone(), kept: Vec::new(), owed: 0 };
    fill(&mut post);
    intake.close();
    let store = serve.run().await.expect("the database takes everything");
    let mut answered = 0;
    while let Ok(batch) = paid.try_recv() {
        answered += batch.len();
    }
    assert_eq!(answered, post.owed, "what was stored is answered");
    (store, post.kept)
}

/// The journal holds what came, byte for byte and in its order. Gives the sequences.
fn stored(data: &Path, kept: &[Kept]) -> Vec<u64> {
    let entries = journal(data);
    let came = |entry: &&Entry| matches!(entry.body, Body::Frame { .. } | Body::Repeat { .. } | Body::Rejected { .. });
    let came: Vec<&Entry> = entries.iter().filter(came).collect();
    assert_eq!(came.len(), kept.len());
    for (entry, kept) in came.iter().zip(kept) {
        assert_eq!(entry.body, kept.body, "sequence {}", entry.sequence);
    }
    came.iter().map(|entry| entry.sequence).collect()
}

/// The bytes of the packets that were accepted, in their order.
fn accepted(kept: &[Kept]) -> Vec<Vec<u8>> {
    let bytes = |kept: &Kept| match &kept.body {
        Body::Frame { bytes, .. } if kept.fate == "accepted" => Some(bytes.clone()),
        _ => None,
    };
    kept.iter().filter_map(bytes).collect()
}

/// The rows about packets that were kept apart.
async fn quarantine(database: &Path) -> Vec<(u64, String)> {
    use sqlx::{ConnectOptions, Row};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = options.connect().await.expect("opened");
    let rows = sqlx::query("SELECT sequence, reason FROM quarantine ORDER BY sequence").fetch_all(&mut connection).await.expect("rows");
    rows.iter().map(|row| (row.get::<i64, _>(0).unsigned_abs(), row.get::<String, _>(1))).collect()
}

/// What the store hands back for the outlet's day of 2026-03-14.
async fn recalled(store: &mut Store) -> Vec<Vec<u8>> {
    let key = OutletDay { outlet: OutletId::new(OUTLET).expect("short"), day: at("2026-03-14 00:00:00").day() };
    let want = Want { key, loggers: vec![Mn::new(MN).expect("short")], row: true, frames: true, past: None };
    let days = store.recall(&[want]).await.expect("recalled");
    days.into_iter().flat_map(|day| day.frames).flatten().map(|frame| frame.bytes).collect()
}

/// The newest publication of a period, of all that wait to be delivered.
fn newest<'e>(events: &'e [Event], topic: Topic, start: &str) -> &'e serde_json::Value {
    &events.iter().rfind(|event| event.topic == topic && event.data["start"] == start).expect("published").data
}

fn expect_mean_of_sixty(publication: &serde_json::Value, value: &str) {
    let mean = &publication["means"][0];
    assert_eq!((&mean["factor"], &mean["count"], &mean["value"]), (&"a21026".into(), &60.into(), &value.into()), "{publication}");
}

#[test]
fn whatever_stands_in_a_field_is_stored_byte_for_byte_and_its_day_is_recalled_and_computed() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let database = data.join("hj212d.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");

    let (mut store, mut kept) = runtime.block_on(run(&database, |post: &mut Post| {
        let arrival = at("2026-03-14 08:00:30");
        // Marks last: those packets have the highest QNs, so that their marks stand in the hour that is closed and stored.
        let fields = FIELDS.iter().filter(|field| field.0 != "mark").chain(FIELDS.iter().filter(|field| field.0 == "mark"));
        let cases = fields.flat_map(|(field, _, usual, _)| texts(usual).into_iter().map(move |text| (*field, text)));
        for ((field, text), number) in cases.zip(0..) {
            let fates = post.send(arrival, &minute_with(number, field, &text));
            let expected = match field {
                "PW" => "wrong_password",
                "MN" => "unknown_mn",
                _ => "accepted",
            };
            assert_eq!(fates, [expected], "{} in {field}", text.escape_ascii());
        }
        for (reason, bytes) in refused() {
            assert_eq!(post.send(arrival, &bytes), [reason], "{}", bytes.escape_ascii());
        }
        post.good_hour(at("2026-03-14 08:00:00"), at("2026-03-14 08:01:00"), MINUTE_MS, "35.2");
        post.tick(at("2026-03-14 09:30:00"));
    }));
    let mut expected = accepted(&kept);
    let sequences = stored(&data, &kept);
    let apart = |kept: &Kept| matches!(kept.fate, "wrong_password" | "unknown_mn");
    let expected_apart: Vec<(u64, String)> =
        sequences.iter().zip(&kept).filter(|(_, kept)| apart(kept)).map(|(sequence, kept)| (*sequence, kept.fate.to_owned())).collect();
    assert_eq!(runtime.block_on(quarantine(&database)), expected_apart);
    assert!(runtime.block_on(recalled(&mut store)) == expected, "from the blocks as they were committed");

    // An hour that is sealed is written anew: one row for the logger, one for what is nobody's.
    runtime.block_on(async { while store.seal_hour(at("2026-03-14 12:00:00")).await.expect("sealed").is_some() {} });
    assert_eq!(stored(&data, &kept), sequences);
    assert!(runtime.block_on(recalled(&mut store)) == expected, "from sealed hours");
    drop(store);

    // After a restart, a day later: hour 07 is sent again, whole, so that the day is recalled with all that was sent in it first.
    let (store, more) = runtime.block_on(run(&database, |post: &mut Post| {
        post.good_hour(at("2026-03-14 07:00:00"), at("2026-03-15 14:00:00"), 100, "41.7");
        post.good_hour(at("2026-03-15 14:00:00"), at("2026-03-15 14:01:00"), MINUTE_MS, "35.2");
        post.tick(at("2026-03-15 15:30:00"));
    }));
    drop(store);
    expected.extend_from_slice(&accepted(&more)[..60]);
    kept.extend(more);
    stored(&data, &kept);
    let (again, audit, events) = runtime.block_on(async {
        let mut store = Store::read(&database).await.expect("the database");
        let again = recalled(&mut store).await;
        let audit = store.verify(|_, _, _| {}).await.expect("it can be read");
        let mut outbox = Store::outbox(&database).await.expect("the outbox");
        let rows = outbox.next(0, u32::MAX).await.expect("every event can be read");
        (again, audit, rows.into_iter().map(|(_, event)| event).collect::<Vec<Event>>())
    });
    assert!(again == expected, "from sealed hours, blocks, and what came late");
    assert!(audit.faults.is_empty(), "{:?}", audit.faults);

    expect_mean_of_sixty(newest(&events, Topic::HourMeans, "2026-03-14T08:00:00+08:00"), "35.2");
    let again = newest(&events, Topic::HourMeans, "2026-03-14T07:00:00+08:00");
    expect_mean_of_sixty(again, "41.7");
    assert!(again["revision"].as_u64() >= Some(2), "{again}");
    assert_eq!(newest(&events, Topic::DayMeans, "2026-03-14T00:00:00+08:00")["status"], "revised");
    expect_mean_of_sixty(newest(&events, Topic::HourMeans, "2026-03-15T14:00:00+08:00"), "35.2");
}

/// Every day's document and cells, changed.
async fn change_days(database: &Path, change: impl Fn(Vec<u8>, Vec<u8>) -> (Vec<u8>, Option<Vec<u8>>)) {
    use sqlx::{ConnectOptions, Row};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = options.connect().await.expect("opened");
    let rows = sqlx::query("SELECT outlet, day, row, cells FROM hour_cells WHERE cells IS NOT NULL").fetch_all(&mut connection).await.expect("rows");
    assert!(!rows.is_empty(), "days with cells");
    for row in rows {
        let (document, cells) = change(row.get(2), row.get(3));
        let update = sqlx::query("UPDATE hour_cells SET row = $1, cells = $2 WHERE outlet = $3 AND day = $4").bind(document).bind(cells);
        update.bind(row.get::<String, _>(0)).bind(row.get::<i64, _>(1)).execute(&mut connection).await.expect("changed");
    }
}

#[test]
fn a_day_of_an_older_release_is_read_from_its_document_and_damaged_cells_are_named() {
    let folder = Folder::new();
    let database = folder.0.join("hj212d.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let days = || runtime.block_on(async { Ok::<_, StoreError>(Store::open(&database, false).await?.snapshot().await?.days) });
    runtime.block_on(run(&database, |post: &mut Post| {
        post.good_hour(at("2026-03-14 08:00:00"), at("2026-03-14 08:01:00"), MINUTE_MS, "35.2");
        post.tick(at("2026-03-14 09:30:00"));
    }));
    let before = days().expect("as it was stored");
    assert_eq!(before.values().map(|day| day.cells.iter().count()).sum::<usize>(), 1, "one hour of one factor is closed");

    // Before the cells were stored as bytes, they were a member of the document.
    runtime.block_on(change_days(&database, |document, cells| {
        let document = String::from_utf8(zstd::decode_all(&document[..]).expect("zstd")).expect("JSON");
        let cells = Shelf::at_rest(&zstd::decode_all(&cells[..]).expect("zstd")).expect("a known form");
        let cells = serde_json::to_string(cells.cells()).expect("it serialises");
        let older = document.replacen('{', &format!("{{\"cells\":{cells},"), 1);
        (zstd::encode_all(older.as_bytes(), 1).expect("zstd"), None)
    }));
    assert_eq!(days().expect("of the older release"), before);

    // The next hour that closes writes the row as it is written now.
    runtime.block_on(run(&database, |post: &mut Post| {
        post.good_hour(at("2026-03-14 09:00:00"), at("2026-03-14 09:31:00"), 1000, "35.2");
        post.tick(at("2026-03-14 10:30:00"));
    }));
    let whole = days().expect("as it is stored now");
    assert_eq!(whole.values().map(|day| day.cells.iter().count()).sum::<usize>(), 2);

    // One bit is another, in each byte in turn: never other cells.
    let length = Cell::new(0);
    runtime.block_on(change_days(&database, |document, cells| {
        length.set(cells.len());
        (document, Some(cells))
    }));
    let mut found = 0;
    for place in 0..length.get() {
        let turn = |document: Vec<u8>, mut cells: Vec<u8>| {
            cells[place] ^= 1;
            (document, Some(cells))
        };
        runtime.block_on(change_days(&database, turn));
        match days() {
            Err(StoreError::Block(_)) => found += 1,
            read => assert_eq!(read.expect("nothing else is wrong"), whole, "byte {place}"),
        }
        runtime.block_on(change_days(&database, turn));
    }
    // Some bits of a frame say nothing.
    assert!(found * 10 > length.get() * 9, "{found} of {} are found", length.get());
    runtime.block_on(change_days(&database, |document, _| (document, Some(zstd::encode_all(&[255, 0][..], 1).expect("zstd")))));
    let named = days().expect_err("of a later release").to_string();
    assert_eq!(named, "stored cells have the form 255, and this release reads the form 1: a later release wrote them, start that one");
}
