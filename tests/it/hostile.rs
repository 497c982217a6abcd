//! Packets that mean harm, or look like it, through the whole core: whatever they hold, nothing panics, each is kept as the test
//! says (accepted, quarantined or rejected), and the good packets behind them still make their means.

use crate::world::{MN, Outputs, at, packet, registry};
use hj212d::domain::number::{self, Ratio};
use hj212d::domain::time::{HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Kind, Span, UnusableReason};
use hj212d::engine::{Body, Notice, WriteSet};
use hj212d::link::Admitted;
use hj212d::message::Topic;
use hj212d::pipeline::replay::Replay;
use hj212d::protocol::crc::{self, CrcKind};
use hj212d::protocol::encode::{self, Segment};
use hj212d::protocol::parts::{OPEN_MAX, Parts};
use hj212d::protocol::quirk::QuirkSet;
use hj212d::protocol::{Packet, Refusal};
use std::borrow::Cow;
use std::collections::BTreeMap;

type Notices = BTreeMap<Notice, u64>;

/// A journal that takes one packet after another, with one registered logger.
struct Post {
    replay: Replay,
    outputs: Outputs,
}

impl Post {
    fn open() -> Self {
        let mut post = Self { replay: Replay::new(1, false), outputs: Outputs::default() };
        post.enter(arrival(), Body::RegistryVersion { files: registry("", &[]) });
        post
    }

    fn enter(&mut self, at: Moment, body: Body) {
        let Self { replay, outputs } = self;
        replay.entry(at, body, &mut |writes| outputs.take(writes));
    }

    /// Delivers bytes as a link would, and gives what was counted.
    fn send_at(&mut self, at: Moment, bytes: &[u8]) -> Notices {
        let mut notices = Notices::new();
        let Self { replay, outputs } = self;
        replay.packet(at, bytes, &mut |writes: &WriteSet| {
            for (notice, count) in &writes.notices {
                *notices.entry(*notice).or_default() += *count;
            }
            outputs.take(writes);
        });
        notices
    }

    fn send(&mut self, bytes: &[u8]) -> Notices {
        self.send_at(arrival(), bytes)
    }

    /// Sixty good minutes from 08:00, and their mean.
    fn good_packets_still_make_their_mean(&mut self) {
        let hour = at("2026-03-14 08:00:00");
        for minute in 0..60 {
            let start = hour.plus_ms(minute * MINUTE_MS);
            let sent = start.plus_ms(MINUTE_MS + 500);
            let notices = self.send_at(sent, &packet("2051", sent, start, "a21026-Avg=35.2,a21026-Flag=N"));
            assert_eq!((accepted(&notices), readings(&notices)), (1, 1), "minute {minute}");
        }
        self.enter(hour.plus_ms(2 * HOUR_MS), Body::Tick {});
        let publication = self.outputs.last(hour, Span::Hour).expect("published");
        let mean = publication.means.iter().find(|mean| mean.factor.as_str() == "a21026" && mean.kind == Kind::Measured).expect("the factor's mean");
        assert_eq!((mean.count, mean.valid), (60, true));
        assert_eq!(mean.value, Some(Ratio::of(number::parse("35.2").expect("a number"))));
    }
}

/// When the hostile packets arrive: the hour that they speak of, 07, is still open.
fn arrival() -> Moment {
    at("2026-03-14 08:00:30")
}

fn accepted(notices: &Notices) -> u64 {
    notices.get(&Notice::Accepted).copied().unwrap_or_default()
}

fn readings(notices: &Notices) -> u64 {
    notices.get(&Notice::Readings).copied().unwrap_or_default()
}

fn unusable(notices: &Notices) -> Vec<(&'static str, u64)> {
    let reasons = notices.iter().filter_map(|(notice, count)| match notice {
        Notice::Unusable(reason) => Some((*reason, *count)),
        _ => None,
    });
    reasons.collect()
}

fn quarantined(notices: &Notices) -> Vec<&'static str> {
    let reasons = notices.keys().filter_map(|notice| match notice {
        Notice::Quarantined(reason) => Some(*reason),
        _ => None,
    });
    reasons.collect()
}

/// The words of one packet of minute data, each to be written over.
struct Words {
    qn: String,
    st: String,
    cn: String,
    pw: String,
    mn: String,
    flag: String,
    parts: String,
    time: String,
    code: String,
    value: String,
    mark: String,
    /// Behind the mark.
    more: String,
}

impl Words {
    fn of_minute(minute: usize) -> Self {
        Self {
            qn: "20260314080030000".to_owned(),
            st: "31".to_owned(),
            cn: "2051".to_owned(),
            pw: "123456".to_owned(),
            mn: MN.to_owned(),
            flag: "5".to_owned(),
            parts: String::new(),
            time: format!("2026031407{minute:02}00"),
            code: "a21026".to_owned(),
            value: "35.2".to_owned(),
            mark: "N".to_owned(),
            more: String::new(),
        }
    }

    fn word(&mut self, name: &str) -> &mut String {
        match name {
            "QN" => &mut self.qn,
            "ST" => &mut self.st,
            "CN" => &mut self.cn,
            "PW" => &mut self.pw,
            "MN" => &mut self.mn,
            "Flag" => &mut self.flag,
            "DataTime" => &mut self.time,
            "code" => &mut self.code,
            "value" => &mut self.value,
            "mark" => &mut self.mark,
            other => panic!("no word {other}"),
        }
    }

    fn frame(&self) -> Vec<u8> {
        let Self { qn, st, cn, pw, mn, flag, parts, time, code, value, mark, more } = self;
        let header = format!("QN={qn};ST={st};CN={cn};PW={pw};MN={mn};Flag={flag};{parts}");
        encode::frame(format!("{header}CP=&&DataTime={time};{code}-Avg={value},{code}-Flag={mark}{more}&&").as_bytes())
    }
}

// --- text ---------------------------------------------------------------------------------------------------------------

/// U+0000 to U+001F, U+007F, and characters beyond ASCII that no eye sees.
fn unseen() -> Vec<char> {
    let ascii = (0u8..0x20).chain([0x7F]).map(char::from);
    ascii.chain(['\u{80}', '\u{85}', '\u{9F}', '\u{A0}', '\u{200B}', '\u{2028}', '\u{202E}', '\u{FEFF}', '\u{FFFD}', '\u{10FFFF}']).collect()
}

/// An unseen character in the middle of a word: in QN, ST, CN, Flag, code, value or mark the packet is accepted, with the
/// readings that are left of it; in PW or MN it is quarantined. None is rejected.
#[test]
fn unseen_characters_in_any_word_cost_no_more_than_that_word() {
    let mut post = Post::open();
    for unseen in unseen() {
        for name in ["QN", "ST", "CN", "PW", "MN", "Flag", "code", "value", "mark"] {
            let mut words = Words::of_minute(7);
            let word = words.word(name);
            let middle = word.len() / 2;
            word.insert(middle, unseen);
            let notices = post.send(&words.frame());
            let said = format!("{unseen:?} in {name}: {notices:?}");
            match name {
                "PW" => assert_eq!(quarantined(&notices), ["wrong_password"], "{said}"),
                "MN" => assert_eq!(quarantined(&notices), ["unknown_mn"], "{said}"),
                _ => assert_eq!((accepted(&notices), quarantined(&notices).len()), (1, 0), "{said}"),
            }
            let (count, reasons) = match name {
                "QN" | "ST" | "Flag" | "mark" => (1, vec![]),
                "code" => (0, vec![(UnusableReason::UnknownSeries.name(), 1)]),
                "value" => (0, vec![(UnusableReason::NotNumber.name(), 1)]),
                _ => (0, vec![]), // Not a measurement any more, or not for us.
            };
            assert_eq!((readings(&notices), unusable(&notices)), (count, reasons), "{said}");
        }
    }
    post.good_packets_still_make_their_mean();
}

#[test]
fn a_password_full_of_unseen_characters_leaves_the_house_in_no_event() {
    let mut post = Post::open();
    let mut words = Words::of_minute(7);
    words.pw = "12\u{0}34\u{7F}56 secret".to_owned();
    post.send(&words.frame());
    let events = post.outputs.of(Topic::Rejected);
    assert_eq!(events.len(), 1);
    let json = serde_json::to_string(events[0]).expect("JSON");
    assert!(!json.contains("secret") && json.contains("wrong_password"), "{json}");
}

// --- numbers ------------------------------------------------------------------------------------------------------------

/// What stands where a number belongs, and what becomes of it as an `-Avg`; none: a reading.
fn numbers() -> Vec<(String, Option<UnusableReason>)> {
    use UnusableReason::{Absurd, NotNumber};
    let cases = [
        ("1234567890123456789012345678", Some(Absurd)),
        ("12345678901234567890123456789012345678901234567890", Some(Absurd)),
        ("10000000000", Some(Absurd)),
        ("-10000000000", Some(Absurd)),
        ("9999999999", None),
        ("-9999999999", None),
        ("9999999999.123456789012345678", None),
        ("0.000000000000000001", None),
        ("0.0000000000000000001", Some(Absurd)),
        ("-0", None),
        ("+1", None),
        ("", None), // The mark alone is a reading without a value.
        ("-", Some(NotNumber)),
        ("+", Some(NotNumber)),
        (".", Some(NotNumber)),
        ("-.", Some(NotNumber)),
        ("--1", Some(NotNumber)),
        ("1.2.3", Some(NotNumber)),
        ("1e5", Some(NotNumber)),
        ("1E-400", Some(NotNumber)),
        ("NaN", Some(NotNumber)),
        ("inf", Some(NotNumber)),
        ("0x1F", Some(NotNumber)),
        ("1_000", Some(NotNumber)),
        ("1 5", Some(NotNumber)),
        ("９", Some(NotNumber)),
        ("１２．５", Some(NotNumber)),
        ("−5", Some(NotNumber)),
        ("٣", Some(NotNumber)),
        ("²", Some(NotNumber)),
        ("1/3", Some(NotNumber)),
        ("<0.01", Some(NotNumber)),
        ("5%", Some(NotNumber)),
    ];
    let mut numbers: Vec<(String, Option<UnusableReason>)> = cases.map(|(text, reason)| (text.to_owned(), reason)).to_vec();
    numbers.push(("9".repeat(400), Some(Absurd)));
    numbers.push((format!("0.{}", "1".repeat(400)), Some(Absurd)));
    numbers.push(("-".repeat(400), Some(NotNumber)));
    numbers
}

/// Every packet is accepted; an absurd number costs its own factor and is counted.
#[test]
fn absurd_numbers_as_values_are_counted_by_reason_and_cost_nothing_else() {
    let mut post = Post::open();
    for ((value, reason), minute) in numbers().into_iter().zip(0..) {
        let mut words = Words::of_minute(minute);
        words.value = value;
        words.more = ";a21002-Avg=41.7,a21002-Flag=N".to_owned();
        let notices = post.send(&words.frame());
        let said = format!("{:?}: {notices:?}", words.value);
        assert_eq!(accepted(&notices), 1, "{said}");
        let expected: Vec<(&'static str, u64)> = reason.iter().map(|reason| (reason.name(), 1)).collect();
        assert_eq!(unusable(&notices), expected, "{said}");
        assert_eq!(readings(&notices), 2 - expected.len() as u64, "{said}");
    }
    post.good_packets_still_make_their_mean();
}

#[test]
fn absurd_numbers_in_every_other_numeric_field_leave_the_packet_accepted() {
    let mut post = Post::open();
    for (number, _) in numbers() {
        for name in ["QN", "ST", "CN", "Flag", "DataTime", "mark"] {
            if name == "CN" && number.is_empty() {
                continue; // A header without a command: rejected, see below.
            }
            let mut words = Words::of_minute(7);
            *words.word(name) = number.clone();
            let notices = post.send(&words.frame());
            assert_eq!(accepted(&notices), 1, "{name}={number}: {notices:?}");
        }
        let both = format!("PNUM={number};PNO={number};");
        for parts in [format!("PNUM={number};PNO=1;"), format!("PNUM=2;PNO={number};"), both, format!("PNO={number};")] {
            let mut words = Words::of_minute(7);
            words.flag = "7".to_owned();
            words.parts = parts;
            let notices = post.send(&words.frame());
            assert_eq!((accepted(&notices), readings(&notices)), (1, 1), "{}: {notices:?}", words.parts);
        }
        for suffix in ["Min", "Max", "Cou", "Rtd", "ZsAvg", "ZsMin", "EFlag", "RawAvg"] {
            let mut words = Words::of_minute(7);
            words.more = format!(",a21026-{suffix}={number}");
            let notices = post.send(&words.frame());
            let taken = readings(&notices) + unusable(&notices).iter().map(|(_, count)| count).sum::<u64>();
            assert_eq!((accepted(&notices), taken), (1, 1), "{suffix}={number}: {notices:?}");
            assert!(suffix == "ZsAvg" || readings(&notices) == 1, "only what enters a mean can spoil it: {suffix}={number}: {notices:?}");
        }
    }
    post.good_packets_still_make_their_mean();
}

/// The first and the last years of the calendar: the packet is accepted, its values are about no time that can be averaged.
#[test]
fn stamps_at_the_ends_of_the_calendar_make_no_reading_and_no_day() {
    let cases = [
        ("00000101000000", UnusableReason::NoTime),
        ("00010101000000", UnusableReason::NoTime),
        ("19691231235959", UnusableReason::NoTime),
        ("19700101000000", UnusableReason::UnknownSeries), // No row of the register was in force.
        ("99990101000000", UnusableReason::Future),
        ("99991231235900", UnusableReason::NoTime),
        ("20260229000000", UnusableReason::NoTime),
        ("20261301000000", UnusableReason::NoTime),
        ("20260314240000", UnusableReason::NoTime),
    ];
    let mut post = Post::open();
    for (time, reason) in cases {
        let mut words = Words::of_minute(0);
        words.time = time.to_owned();
        let notices = post.send(&words.frame());
        assert_eq!((accepted(&notices), readings(&notices)), (1, 0), "{time}");
        assert_eq!(unusable(&notices), [(reason.name(), 1)], "{time}");
        words.qn = format!("{time}000");
        words.time = "20260314070000".to_owned();
        let notices = post.send(&words.frame());
        assert_eq!((accepted(&notices), readings(&notices)), (1, 1), "QN={time}000");
    }
    let (days, ..) = post.replay.engine().sizes();
    assert_eq!(days, 1, "only the day that was really measured is resident");
    post.good_packets_still_make_their_mean();
}

// --- size ---------------------------------------------------------------------------------------------------------------

#[test]
fn as_many_factors_as_a_packet_can_hold_are_accepted_and_counted_as_unknown() {
    let mut post = Post::open();
    let mut words = Words::of_minute(1);
    words.more = (0..600).map(|number| format!(";b{number:05}-Avg=1")).collect();
    let notices = post.send(&words.frame());
    assert_eq!((accepted(&notices), readings(&notices)), (1, 1));
    assert_eq!(unusable(&notices), [(UnusableReason::UnknownSeries.name(), 600)]);
    // Two thousand pairs that are no factors.
    let mut words = Words::of_minute(2);
    words.more = ";x=1".repeat(1990);
    let notices = post.send(&words.frame());
    assert_eq!((accepted(&notices), readings(&notices), unusable(&notices)), (1, 1, vec![]));
    // A mark that runs into the next one, over and over.
    let mut words = Words::of_minute(3);
    words.more = format!(";{}", "Flag=N".repeat(1300));
    let notices = post.send(&words.frame());
    assert_eq!((accepted(&notices), readings(&notices)), (1, 1));
    // Nothing but separators.
    let mut words = Words::of_minute(4);
    words.more = ";,".repeat(3900);
    let notices = post.send(&words.frame());
    assert_eq!((accepted(&notices), readings(&notices)), (1, 1));
    post.good_packets_still_make_their_mean();
}

/// Two thousand factors need 26 kB, which no length of four digits can say: rejected.
#[test]
fn a_packet_of_two_thousand_factors_is_rejected_by_its_length() {
    let mut post = Post::open();
    let mut words = Words::of_minute(1);
    words.more = (0..2000).map(|number| format!(";b{number:05}-Avg=1")).collect();
    let notices = post.send(&words.frame());
    assert_eq!(accepted(&notices), 0);
    assert_eq!(reasons(&post), ["length_wrong"]);
    post.good_packets_still_make_their_mean();
}

#[test]
fn a_message_of_9999_parts_is_taken_part_by_part_and_not_followed() {
    let mut post = Post::open();
    let parts = ["PNUM=9999;PNO=1;", "PNUM=9999;PNO=9999;", "PNUM=65535;PNO=65535;", "PNUM=65536;PNO=1;", "PNUM=257;PNO=257;"];
    for (part, minute) in parts.into_iter().zip(0..) {
        let mut words = Words::of_minute(minute);
        words.flag = "7".to_owned();
        words.parts = part.to_owned();
        let notices = post.send(&words.frame());
        assert_eq!((accepted(&notices), readings(&notices)), (1, 1), "{part}");
        assert!(!notices.keys().any(|notice| matches!(notice, Notice::Parts(_))), "{part}: {notices:?}");
    }
    post.good_packets_still_make_their_mean();
}

/// Quarantined as unknown, also where unknown loggers are taken: such a name cannot be registered.
#[test]
fn an_mn_of_41_bytes_is_quarantined() {
    for accept_unknown in [false, true] {
        let mut post = Post::open();
        post.replay = Replay::new(1, accept_unknown);
        for (mn, known) in [("A".repeat(41), false), ("测".repeat(14), false), (String::new(), false), ("A".repeat(40), accept_unknown)] {
            let mut words = Words::of_minute(1);
            words.mn = mn;
            let notices = post.send(&words.frame());
            let expected: &[&str] = if known { &[] } else { &["unknown_mn"] };
            assert_eq!(quarantined(&notices), expected, "{:?}", words.mn);
            assert_eq!(accepted(&notices), u64::from(known), "{:?}", words.mn);
        }
    }
}

fn first_of_three(number: i64) -> String {
    let moment = at("2026-03-14 08:00:00").plus_ms(number * 1000);
    let area = format!("DataTime={};a21026-Rtd=35.2,a21026-Flag=N", moment.wire());
    let qn = moment.plus_ms(500).wire_ms();
    let (pw, mn) = (Some("123456"), Some(MN));
    Segment { qn: Some(&qn), st: "31", cn: "2011", pw, mn, flag: Some(7), part: Some((3, 1)), area: &area, ..Segment::default() }.text()
}

#[test]
fn ten_thousand_messages_that_never_end_keep_eight_of_them_open() {
    let mut parts = Parts::default();
    let mut lost = 0;
    for number in 0..10_000 {
        let packet = Packet::read(Cow::Owned(first_of_three(number)), QuirkSet::default(), None);
        let (_, given_up) = parts.take(&packet);
        lost += usize::from(given_up.is_some_and(|given_up| given_up.missing == [2, 3]));
        assert!(parts.waiting() <= OPEN_MAX);
    }
    assert_eq!((parts.waiting(), lost), (OPEN_MAX, 10_000 - OPEN_MAX));
}

#[test]
fn messages_that_never_end_are_counted_as_lost_and_their_values_are_used() {
    let mut post = Post::open();
    let mut sums = Notices::new();
    for number in 0..1000 {
        let sent = at("2026-03-14 08:00:00").plus_ms(number * 1000 + 700);
        for (notice, count) in post.send_at(sent, &encode::frame(first_of_three(number).as_bytes())) {
            *sums.entry(notice).or_default() += count;
        }
    }
    assert_eq!((accepted(&sums), readings(&sums)), (1000, 1000));
    assert_eq!(sums.get(&Notice::Parts("lost")), Some(&(1000 - OPEN_MAX as u64)));
}

// --- every reason has its counter ---------------------------------------------------------------------------------------

#[test]
fn every_reason_for_which_a_value_is_unusable_is_counted_under_its_name() {
    let cases = [
        ("DataTime", "", UnusableReason::NoTime),
        ("DataTime", "20260314070030", UnusableReason::OffGrid),
        ("DataTime", "20260314083100", UnusableReason::Future),
        ("DataTime", "20260307080000", UnusableReason::TooLate),
        ("code", "a99999", UnusableReason::UnknownSeries),
        ("value", "n/a", UnusableReason::NotNumber),
        ("value", "99999999999", UnusableReason::Absurd),
    ];
    let mut post = Post::open();
    for (name, text, reason) in cases {
        let mut words = Words::of_minute(0);
        *words.word(name) = text.to_owned();
        let notices = post.send(&words.frame());
        assert_eq!((accepted(&notices), readings(&notices)), (1, 0), "{name}={text}");
        assert_eq!(unusable(&notices), [(reason.name(), 1)], "{name}={text}");
    }
    post.good_packets_still_make_their_mean();
}

#[test]
fn every_way_of_being_admitted_is_counted_under_its_name() {
    let mut post = Post::open();
    let notices = post.send(&Words::of_minute(0).frame());
    assert_eq!((accepted(&notices), quarantined(&notices).len()), (1, 0));
    for (name, text, admitted) in [("MN", "010000A8900016F000169D99", Admitted::UnknownMn), ("PW", "654321", Admitted::WrongPassword)] {
        let mut words = Words::of_minute(0);
        *words.word(name) = text.to_owned();
        let notices = post.send(&words.frame());
        assert_eq!((accepted(&notices), quarantined(&notices)), (0, vec![admitted.name()]));
    }
    assert_eq!(reasons(&post), ["unknown_mn", "wrong_password"], "and each is told");
}

/// The reasons of what was told as rejected, in order.
fn reasons(post: &Post) -> Vec<String> {
    post.outputs.of(Topic::Rejected).iter().map(|event| event.data["reason"].as_str().expect("text").to_owned()).collect()
}

fn checked(segment: &[u8], check: u16) -> Vec<u8> {
    [format!("##{:04}", segment.len()).into_bytes(), segment.to_vec(), format!("{check:04X}\r\n").into_bytes()].concat()
}

#[test]
fn every_refusal_is_journalled_and_told_under_its_name() {
    let frame = Words::of_minute(0).frame();
    let segment = &frame[6..frame.len() - 6];
    let printed = |kind: CrcKind| (0..=u16::MAX).find(|check| crc::kind_of(segment, *check) == kind).expect("some value is of this kind");
    let no_command = format!("QN=20260314080030000;ST=31;PW=123456;MN={MN};Flag=5;CP=&&&&");
    let cases = [
        (b"GET / HTTP/1.1\r\n".to_vec(), Refusal::NotAFrame),
        (b"##0100QN=20260314080030000;ST=31;CN=2051\r\n".to_vec(), Refusal::LengthWrong { declared: 100 }),
        (checked(segment, printed(CrcKind::Mismatch)), Refusal::CrcMismatch { printed: 0, computed: 0, len: 0, declared: 0 }),
        (checked(segment, printed(CrcKind::Modbus)), Refusal::CrcModbus { printed: 0, computed: 0 }),
        (checked(segment, printed(CrcKind::ModbusSwapped)), Refusal::CrcModbusSwapped { printed: 0, computed: 0 }),
        (encode::frame(no_command.as_bytes()), Refusal::HeaderUnreadable),
    ];
    let mut post = Post::open();
    let mut expected = Vec::new();
    for (bytes, refusal) in cases {
        let notices = post.send(&bytes);
        assert!(notices.is_empty(), "{}: the engine counts nothing as taken: {notices:?}", refusal.name());
        expected.push(refusal.name());
        assert_eq!(reasons(&post), expected);
    }
    for event in post.outputs.of(Topic::Rejected) {
        assert!(event.data["detail"].as_str().is_some_and(|detail| detail.len() > 10), "says what was wrong: {}", event.data);
    }
    post.good_packets_still_make_their_mean();
}

#[test]
fn a_flood_of_rubbish_is_told_sixty_times_a_minute_and_no_more() {
    let mut post = Post::open();
    for number in 0..200 {
        post.send(format!("rubbish {number}").as_bytes());
    }
    assert_eq!(reasons(&post).len(), 60);
    post.send_at(arrival().plus_ms(MINUTE_MS), b"rubbish of the next minute");
    assert_eq!(reasons(&post).len(), 61);
    post.good_packets_still_make_their_mean();
}
