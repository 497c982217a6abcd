//! What a line and a logger can do to bytes, and what a link still makes of them: cut reads, glued packets, wrong lengths,
//! damage, header fields in any order, text in two encodings, poison, windows, and two loggers at once.

use crate::world::{Chance, MN};
use hj212d::domain::Mn;
use hj212d::domain::number;
use hj212d::link::{Admission, Admissions, ConnectionId, Limits, Link, Output};
use hj212d::protocol::frame::{FRAME_LEN_MAX, Framer, Piece, SEGMENT_LEN_MAX, whole};
use hj212d::protocol::marker::Marker;
use hj212d::protocol::quirk::{Quirk, QuirkSet};
use hj212d::protocol::stamp::Stamp;
use hj212d::protocol::{CrcDialect, Packet, Part, crc, decode, encode, encode::Segment, inspect};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a link gave out for some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    /// Packets, from `##` to the check.
    frames: Vec<Vec<u8>>,
    /// Answers, as they would be sent once the packets are durable.
    answers: Vec<Vec<u8>>,
    /// Everything that was no packet, without blanks: where a read ends between two words, nobody owns the blank between them.
    rejected: Vec<u8>,
    /// How often the link noticed a missing line end.
    line_ends_missing: usize,
    /// How often it wanted to close.
    closes: usize,
}

impl Heard {
    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Frame { bytes, debt, .. } => {
                    self.frames.push(bytes.into_vec());
                    self.answers.extend(debt.map(|debt| debt.settle().answer.into_vec()));
                }
                Output::Rejected { bytes, .. } => self.rejected.extend(bytes.iter().filter(|byte| !byte.is_ascii_whitespace())),
                Output::Noticed(quirks) => self.line_ends_missing += usize::from(quirks.contains(Quirk::LineEndMissing)),
                Output::Close(_) => self.closes += 1,
            }
        }
    }
}

/// A register that takes every logger.
fn open_house() -> Admissions {
    Admissions { accept_unknown: true, ..Admissions::default() }
}

/// One connection that brings these reads; `ends`: and then closes.
fn hear_until<'b>(reads: impl IntoIterator<Item = &'b [u8]>, ends: bool) -> Heard {
    let admissions = open_house();
    let mut link = Link::new(ConnectionId(1), Limits::default(), 0);
    let mut heard = Heard::default();
    for read in reads {
        let mut outputs = Vec::new();
        link.receive(read, 0, &admissions, &mut outputs);
        heard.take(outputs);
        assert!(link.pending_len() <= FRAME_LEN_MAX, "{} bytes wait for the rest of one packet", link.pending_len());
    }
    if ends {
        let mut outputs = Vec::new();
        link.close(&admissions, &mut outputs);
        heard.take(outputs);
        assert_eq!(link.pending_len(), 0);
    }
    heard
}

fn hear<'b>(reads: impl IntoIterator<Item = &'b [u8]>) -> Heard {
    hear_until(reads, true)
}

/// A packet of real-time data that asks for an answer.
fn asking(mn: &str, qn: &str) -> Vec<u8> {
    let area = "DataTime=20260314080000;a21026-Rtd=35.2,a21026-Flag=N";
    Segment { qn: Some(qn), st: "31", cn: "2011", pw: Some("123456"), mn: Some(mn), flag: Some(5), area, ..Segment::default() }.frame()
}

/// `count` different packets with their line ends.
fn good(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| asking(MN, &format!("20260314080100{number:03}"))).collect()
}

/// A packet as a link gives it out: without its line end.
fn bare(packet: &[u8]) -> Vec<u8> {
    packet.trim_ascii_end().to_vec()
}

fn bare_all(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| bare(packet)).collect()
}

/// The packet with another length in its head.
fn claiming(packet: &[u8], length: &str) -> Vec<u8> {
    joined(&[b"##", length.as_bytes(), &packet[6..]])
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A packet whose segment has exactly `len` bytes.
fn sized(len: usize, number: usize) -> Vec<u8> {
    let qn = format!("20260314080200{number:03}");
    let segment = |area: &str| {
        Segment { qn: Some(&qn), st: "31", cn: "2011", pw: Some("123456"), mn: Some(MN), flag: Some(5), area, ..Segment::default() }.text()
    };
    let fill = len - segment("a21026-Rtd=").len();
    let text = segment(&format!("a21026-Rtd={}", "1".repeat(fill)));
    assert_eq!(text.len(), len);
    encode::frame(text.as_bytes())
}

// --- reads --------------------------------------------------------------------------------------------------------------

#[test]
fn packets_and_noise_come_out_the_same_wherever_a_read_ends() {
    let packets = good(3);
    let mut broken = packets[0].clone();
    broken[40] ^= 1;
    let last = bare(&packets[2]);
    let stream = joined(&[b"GET / HTTP/1.1\r\nHost: example\r\n", &packets[0], &packets[1], b"hello\r\n", &broken, &last]);
    let expected = hear([stream.as_slice()]);
    assert_eq!(expected.frames, bare_all(&packets));
    assert_eq!(expected.answers.len(), 3);
    for cut in 0..=stream.len() {
        assert_eq!(hear([&stream[..cut], &stream[cut..]]), expected, "cut at {cut}");
    }
    for size in 1..=40 {
        assert_eq!(hear(stream.chunks(size)), expected, "reads of {size} bytes");
    }
}

#[test]
fn two_short_packets_survive_every_cut_in_three() {
    let segment = |cn| Segment { st: "91", cn, ..Segment::default() }.frame();
    let packets = [segment("9013"), segment("9014")];
    let stream = packets.concat();
    let expected = hear([stream.as_slice()]);
    assert_eq!(expected.frames, bare_all(&packets));
    for second in 0..=stream.len() {
        for first in 0..=second {
            let reads = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(hear(reads), expected, "cuts at {first} and {second}");
        }
    }
}

#[test]
fn the_largest_packets_back_to_back_come_out_whole_in_reads_of_any_size() {
    let lengths = [1024, SEGMENT_LEN_MAX, SEGMENT_LEN_MAX, 1024, SEGMENT_LEN_MAX];
    let packets: Vec<Vec<u8>> = lengths.iter().zip(0..).map(|(len, number)| sized(*len, number)).collect();
    let stream = packets.concat();
    for size in [1, 7, 512, 1448, 4096, 8204, 8205, 65_536] {
        let heard = hear(stream.chunks(size));
        assert_eq!(heard.frames, bare_all(&packets), "reads of {size} bytes");
        assert!(heard.answers.len() == 5 && heard.rejected.is_empty(), "reads of {size} bytes");
    }
}

#[test]
fn every_prefix_of_a_packet_as_all_that_a_connection_brings_does_no_harm() {
    let log = "QN=20260314080000000;ST=32;CN=3020;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20260314080000;PolId=w01018;i11001-Info=//清洗管路//&&";
    let (log_gbk, _, _) = encoding_rs::GBK.encode(log);
    for packet in [asking(MN, "20260314080000000"), encode::frame(log.as_bytes()), encode::frame(&log_gbk), sized(1024, 0)] {
        let full = packet.len() - 2;
        for len in 0..=packet.len() {
            let heard = hear([&packet[..len]]);
            let kept: usize = heard.frames.iter().map(Vec::len).sum();
            assert!(kept + heard.rejected.len() <= len, "{len} bytes");
            assert_eq!(heard.closes, 0);
            if len >= full {
                assert_eq!(heard.frames, [bare(&packet)], "{len} bytes");
            }
        }
    }
}

#[test]
fn a_missing_line_end_is_noticed_once_however_the_reads_fall() {
    let packets = good(2);
    let stream = joined(&[&bare(&packets[0]), &packets[1]]);
    for size in [stream.len(), 100, 10, 1] {
        let heard = hear(stream.chunks(size));
        assert_eq!(heard.frames, bare_all(&packets));
        assert_eq!(heard.line_ends_missing, 1, "reads of {size} bytes");
    }
}

// --- lengths that lie ---------------------------------------------------------------------------------------------------

#[test]
fn a_wrong_length_costs_at_most_the_packet_that_lied() {
    let liar = asking(MN, "20260314080000000");
    let twelve = good(12);
    let others = bare_all(&twelve);
    for length in ["0999", "0500", "0141", "0139", "0146", "9999", "8193", "0010", "0050", "0000"] {
        let stream = [claiming(&liar, length), twelve.concat()].concat();
        for size in [1, 2, 3, 7, 10, 64, 100, 151, 152, 1000, stream.len()] {
            let heard = hear_until(stream.chunks(size), false);
            assert!(heard.frames.ends_with(&others), "length {length}, reads of {size}: {} packets", heard.frames.len());
            assert!(heard.frames.len() <= 13 && heard.closes == 0, "length {length}, reads of {size}");
        }
        let in_one = hear([stream.as_slice()]);
        assert_eq!(in_one.answers.len(), 13, "length {length}: read at once, the check puts the liar right, too");
    }
}

#[test]
fn a_length_that_ends_exactly_at_the_check_of_a_later_packet_costs_at_most_the_packet_that_lied() {
    let twelve = good(12);
    let liar = asking(MN, "20260314080000000");
    let segment_len = liar.len() - 12;
    for later in 1..=5 {
        let length = format!("{:04}", segment_len + later * twelve[0].len());
        let stream = [claiming(&liar, &length), twelve.concat()].concat();
        let heard = hear([stream.as_slice()]);
        assert!(heard.frames.ends_with(&bare_all(&twelve)), "length {length}: {} of 13 packets are left", heard.frames.len());
    }
}

#[test]
fn a_liar_that_is_damaged_as_well_holds_good_packets_back_no_longer_than_its_length() {
    let mut liar = claiming(&asking(MN, "20260314080000000"), "0999");
    let len = liar.len();
    liar[len - 7] = b'x'; // One & of the closing two is gone.
    let twelve = good(12);
    let others = bare_all(&twelve);
    let stream = [liar.clone(), twelve.concat()].concat();
    for size in [1, 50, 151, stream.len()] {
        let heard = hear_until(stream.chunks(size), false);
        assert_eq!(heard.frames, others, "reads of {size}");
    }
    let few = [liar, twelve[..3].concat()].concat();
    assert_eq!(hear([few.as_slice()]).frames, others[..3], "with fewer bytes the end of the connection frees them");
}

// --- header fields ------------------------------------------------------------------------------------------------------

const FIELDS: [&str; 8] = ["QN=20260314080100500", "ST=31", "CN=2051", "PW=123456", "MN=010000A8900016F000169D03", "Flag=7", "PNUM=3", "PNO=2"];
const AREA: &str = "CP=&&DataTime=20260314080000;a21026-Avg=35.2,a21026-Flag=N&&";

fn permuted<F: FnMut(&[&'static str])>(fields: &mut [&'static str], from: usize, each: &mut F) {
    if from == fields.len() {
        each(fields);
        return;
    }
    for at in from..fields.len() {
        fields.swap(from, at);
        permuted(fields, from + 1, each);
        fields.swap(from, at);
    }
}

#[test]
fn header_fields_mean_the_same_in_all_their_40320_orders() {
    let mut orders = 0;
    let mut fields = FIELDS;
    permuted(&mut fields, 0, &mut |order| {
        orders += 1;
        let bytes = encode::frame(format!("{};{AREA}", order.join(";")).as_bytes());
        let packet = decode(&bytes, CrcDialect::Standard, &[]).expect("a packet");
        let header = (packet.header_qn(), packet.st(), packet.cn(), packet.pw(), packet.mn(), packet.flag(), packet.part());
        let part = Some(Part { number: 2, count: 3 });
        assert_eq!(header, (Some("20260314080100500"), Some("31"), Some("2051"), Some("123456"), Some(MN), Some(7), part), "{order:?}");
        let place = |name: &str| order.iter().position(|field| field.starts_with(name));
        let mut quirks = QuirkSet::default();
        quirks.insert_if(place("QN=") != Some(0), Quirk::QnNotFirst);
        quirks.insert_if(place("MN=") < place("PW="), Quirk::MnBeforePw);
        quirks.insert_if(place("PNO=") < place("PNUM="), Quirk::PnoBeforePnum);
        assert_eq!(packet.reading_quirks(), quirks, "{order:?}");
    });
    assert_eq!(orders, 40_320);
}

#[test]
fn the_back_fill_field_of_2025_may_stand_anywhere_in_the_header() {
    for at in 0..=FIELDS.len() {
        let mut fields = FIELDS.to_vec();
        fields.insert(at, "RF=1");
        let bytes = encode::frame(format!("{};{AREA}", fields.join(";")).as_bytes());
        let packet = decode(&bytes, CrcDialect::Standard, &[]).expect("a packet");
        assert_eq!((packet.rf(), packet.mn(), packet.pairs().len()), (Some("1"), Some(MN), 3), "RF at {at}");
    }
}

#[test]
fn parts_without_their_flag_bit_and_the_bit_without_parts_are_named_and_answered() {
    let numbered = Some(Part { number: 2, count: 3 });
    let cases = [
        ("5", "PNUM=3;PNO=2;", Some(Quirk::PartsWithoutSplit), numbered),
        ("5", "PNO=2;PNUM=3;", Some(Quirk::PartsWithoutSplit), numbered),
        ("7", "PNO=2;PNUM=3;", Some(Quirk::PnoBeforePnum), numbered),
        ("7", "", Some(Quirk::SplitWithoutParts), None),
        ("7", "PNUM=3;", Some(Quirk::SplitWithoutParts), None),
        ("7", "PNO=2;", Some(Quirk::SplitWithoutParts), None),
        ("5", "PNUM=3;", None, None),
        ("5", "PNO=2;", None, None),
        ("7", "PNUM=0;PNO=0;", None, None),
        ("7", "PNUM=2;PNO=3;", None, None),
        ("7", "PNUM=;PNO=;", None, None),
        ("7", "PNUM=99999999999;PNO=-1;", None, None),
    ];
    for (flag, parts, quirk, part) in cases {
        let text = format!("QN=20260314080100500;ST=31;CN=2051;PW=123456;MN={MN};Flag={flag};{parts}{AREA}");
        let bytes = encode::frame(text.as_bytes());
        let packet = decode(&bytes, CrcDialect::Standard, &[]).expect("a packet");
        assert_eq!(packet.part(), part, "{text}");
        let quirks = inspect::quirks(&packet);
        assert!(quirk.is_none_or(|quirk| quirks.contains(quirk)), "{text}: {:?}", quirks.iter().map(Quirk::name).collect::<Vec<_>>());
        let heard = hear([bytes.as_slice()]);
        assert_eq!((heard.frames.len(), heard.answers.len()), (1, 1), "{text}");
    }
}

// --- damage -------------------------------------------------------------------------------------------------------------

/// A packet of ten factors in 748 bytes.
fn ten_factors() -> Vec<u8> {
    let values = [
        ("a21026", "35.2"),
        ("a21002", "41.7"),
        ("a34013", "5.31"),
        ("a19001", "11.2"),
        ("a21005", "7.9"),
        ("a01011", "13.05"),
        ("a01012", "121.4"),
        ("a01013", "-0.35"),
        ("a01014", "8.8"),
        ("a00000", "52100"),
    ];
    let items = values.map(|(code, value)| format!("{code}-Min={value},{code}-Avg={value},{code}-Max={value},{code}-Flag=N"));
    let area = format!("DataTime=20260314080000;{}", items.join(";"));
    let qn = Some("20260314080100500");
    Segment { qn, st: "31", cn: "2051", pw: Some("123456"), mn: Some(MN), flag: Some(5), area: &area, ..Segment::default() }.frame()
}

/// Everything that a packet says, word for word.
fn said(packet: &Packet<'_>) -> Vec<String> {
    let header = [packet.header_qn(), packet.st(), packet.cn(), packet.pw(), packet.mn(), packet.pnum(), packet.pno(), packet.rf()];
    let mut said: Vec<String> = header.into_iter().map(|field| format!("{field:?}")).collect();
    said.push(format!("{:?}", packet.flag()));
    said.extend(packet.pairs().map(|pair| format!("{} {}={}", pair.item, pair.name, pair.value)));
    said
}

/// One accident: so many bytes changed, either by one bit or by any.
fn damaged(packet: &[u8], bytes: usize, one_bit: bool, chance: &mut Chance) -> Vec<u8> {
    let mut damaged = packet.to_vec();
    for _ in 0..bytes {
        let at = chance.index(damaged.len());
        damaged[at] ^= if one_bit { 1u8 << chance.index(8) } else { 1 + chance.index(255) as u8 };
    }
    damaged
}

#[test]
fn a_packet_with_one_damaged_byte_is_refused_or_says_the_same_or_shows_its_damage() {
    let packet = bare(&ten_factors());
    let original = said(&decode(&packet, CrcDialect::Standard, &[]).expect("undamaged"));
    let mut chance = Chance(1);
    let mut passed = 0;
    for round in 0..10_000 {
        let bytes = damaged(&packet, 1, round % 2 == 0, &mut chance);
        let Ok(read) = decode(&bytes, CrcDialect::Standard, &[]) else { continue };
        passed += 1;
        assert!(said(&read) == original || !inspect::quirks(&read).is_empty(), "round {round}: {}", read.text());
    }
    assert!(passed < 400, "{passed} of 10,000 pass: damage to the length and to the case of the check");
}

/// The 8-bit state of the check lets some packets pass that were damaged twice. Of those that pass, this holds: each says the
/// same as before, or shows a quirk, or every value, mark and stamp in it is still one by its form. That a digit became another
/// digit no check of a single packet can see.
#[test]
fn of_ten_thousand_packets_damaged_twice_those_that_pass_hold_no_malformed_value_without_a_quirk() {
    let packet = bare(&ten_factors());
    let original = said(&decode(&packet, CrcDialect::Standard, &[]).expect("undamaged"));
    let mut chance = Chance(212);
    let (mut passed, mut unharmed, mut shown, mut silent) = (0, 0, 0, 0);
    for round in 0..10_000 {
        let bytes = damaged(&packet, 2, round % 2 == 0, &mut chance);
        let Ok(read) = decode(&bytes, CrcDialect::Standard, &[]) else { continue };
        passed += 1;
        if said(&read) == original {
            unharmed += 1;
            continue;
        }
        if !inspect::quirks(&read).is_empty() {
            shown += 1;
            continue;
        }
        silent += 1;
        assert!(read.qn().is_some_and(|qn| qn.len() == 17 && Stamp::parse(qn).is_some()), "round {round}: {}", read.text());
        assert!(read.pw().is_some_and(|pw| pw.len() == 6) && read.mn().is_some_and(|mn| mn.len() == 24), "round {round}: {}", read.text());
        for pair in read.pairs() {
            let formed = match pair.suffix() {
                Some("Flag") => Marker::of(pair.value).is_known(),
                Some(_) => number::parse(pair.value).is_ok(),
                None if pair.name == "DataTime" => Stamp::parse(pair.value).is_some(),
                // A name that no table knows: no reading is made of it.
                None => true,
            };
            assert!(formed, "round {round}: {}={} in {}", pair.name, pair.value, read.text());
        }
    }
    let figures = format!("{passed} of 10,000 pass: {unharmed} say the same, {shown} show it, {silent} have a well-formed other value");
    assert!((1..=300).contains(&passed), "{figures}");
    assert!(silent <= 150, "{figures}");
}

/// What the check cannot see by its construction: its state comes back after eight bytes.
#[test]
fn the_check_is_blind_to_the_same_bit_turned_twice_eight_bytes_apart() {
    let packet = ten_factors();
    let segment = &packet[6..packet.len() - 6];
    for at in [100, 200, 300] {
        let mut turned = segment.to_vec();
        turned[at] ^= 4;
        assert_ne!(crc::standard(&turned), crc::standard(segment), "once it is seen");
        turned[at + 8] ^= 4;
        assert_eq!(crc::standard(&turned), crc::standard(segment), "twice it is not");
    }
}

// --- text and checks ----------------------------------------------------------------------------------------------------

#[test]
fn a_log_in_utf_8_and_in_gbk_reads_the_same_wherever_a_read_ends() {
    let info = "//清洗管路；开始,完成;QN=1//";
    let text = format!("QN=20260314080000000;ST=32;CN=3020;PW=123456;MN={MN};Flag=5;CP=&&DataTime=20260314080000;PolId=w01018;i11001-Info={info}&&");
    let (gbk, _, lossy) = encoding_rs::GBK.encode(&text);
    assert!(!lossy);
    for (bytes, is_gbk) in [(encode::frame(text.as_bytes()), false), (encode::frame(&gbk), true)] {
        let packet = decode(&bytes, CrcDialect::Standard, &[]).expect("a packet");
        assert_eq!(packet.text(), text);
        assert_eq!(packet.value("i11001-Info"), Some(info));
        assert_eq!(packet.reading_quirks().contains(Quirk::TextGbk), is_gbk);
        assert!(!packet.reading_quirks().contains(Quirk::LengthWrong) && !packet.reading_quirks().contains(Quirk::LengthCountsCharacters));
        for cut in 0..=bytes.len() {
            let heard = hear([&bytes[..cut], &bytes[cut..]]);
            assert_eq!((heard.frames.as_slice(), heard.answers.len()), ([bare(&bytes)].as_slice(), 1), "cut at {cut}");
        }
    }
}

#[test]
fn an_answer_keeps_the_leading_zero_of_its_check() {
    let mut with_zero = 0;
    for milli in 0..1000 {
        let request = asking(MN, &format!("20260314080000{milli:03}"));
        let heard = hear([request.as_slice()]);
        let [answer] = heard.answers.as_slice() else { panic!("{} answers", heard.answers.len()) };
        let found = whole(answer).expect("a well framed answer");
        assert!(found.crc == crc::CrcKind::Standard && found.quirks.is_empty(), "{}", String::from_utf8_lossy(answer));
        assert_eq!(answer.len(), usize::from(found.declared) + 12, "six before the segment, four digits and CR LF behind it");
        with_zero += usize::from(answer[answer.len() - 6] == b'0');
    }
    assert!(with_zero > 0, "some of a thousand checks begin with 0");
}

// --- poison, windows, neighbours ----------------------------------------------------------------------------------------

#[test]
fn a_poison_packet_in_front_of_good_ones_blocks_nothing_however_often_it_comes() {
    let real = asking(MN, "20260314080000000");
    let mut wrong_check = real.clone();
    wrong_check[60] ^= 2;
    let poisons = [
        wrong_check,
        encode::frame(format!("QN=20260314080000000;ST=31;PW=123456;MN={MN};Flag=5;CP=&&DataTime=20260314080000&&").as_bytes()),
        encode::frame(b""),
        claiming(&real, "0010"),
        claiming(&real, "0999"),
        claiming(&real, "9999"),
        b"##0050QN=20260314080000000;ST=31;CN=20\r\n".to_vec(),
        b"##9999ST=31\r\n".to_vec(),
        b"##\r\n".to_vec(),
        b"##".to_vec(),
        b"####\r\n".to_vec(),
        b"##12ab\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: example\r\n\r\n".to_vec(),
        b"&&0000\r\n".to_vec(),
        vec![0; 40],
        vec![0xFF; 40],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n".to_vec(),
    ];
    let goods = good(15);
    let expected = bare_all(&goods);
    for poison in &poisons {
        let mut together: Vec<Vec<u8>> = Vec::new();
        let mut apart: Vec<&[u8]> = Vec::new();
        for three in goods.chunks(3) {
            together.push([poison.clone(), three.concat()].concat());
            apart.push(poison);
            apart.extend(three.iter().map(Vec::as_slice));
        }
        for heard in [hear_until(together.iter().map(Vec::as_slice), false), hear_until(apart, false)] {
            let name = String::from_utf8_lossy(poison);
            let of_goods: Vec<&Vec<u8>> = heard.frames.iter().filter(|frame| expected.contains(frame)).collect();
            assert_eq!(of_goods, expected.iter().collect::<Vec<_>>(), "{name}");
            assert!(heard.answers.len() >= goods.len() && heard.closes == 0, "{name}: {} answers", heard.answers.len());
        }
    }
}

#[test]
fn a_window_of_sixteen_packets_in_one_read_gets_sixteen_answers_in_their_order() {
    let window = good(16);
    let heard = hear_until([window.concat().as_slice()], false);
    let expected: Vec<String> =
        (0..16).map(|number| format!("QN=20260314080100{number:03};ST=91;CN=9014;PW=123456;MN={MN};Flag=4;CP=&&&&")).collect();
    assert_eq!(segments(&heard.answers), expected);
}

fn segments(answers: &[Vec<u8>]) -> Vec<String> {
    let segment = |answer: &Vec<u8>| {
        let found = whole(answer).expect("a well framed answer");
        String::from_utf8(answer[found.segment].to_vec()).expect("text")
    };
    answers.iter().map(segment).collect()
}

#[test]
fn no_link_ever_answers_with_the_mn_of_its_neighbour() {
    let names = ["010000A8900016F000169D03", "010000A8900016F000169D04"];
    let row = |name: &&str| (Mn::new(name).expect("short"), Admission { password: "123456".to_owned(), ..Admission::default() });
    let admissions = Admissions { loggers: names.iter().map(row).collect::<BTreeMap<_, _>>(), accept_unknown: false };
    let streams = names.map(|name| (0..20).flat_map(|number| asking(name, &format!("20260314080300{number:03}"))).collect::<Vec<u8>>());
    for size in [1, 5, 64, 151, 400] {
        let mut links = [1, 2].map(|number| Link::new(ConnectionId(number), Limits::default(), 0));
        let mut heard = [Heard::default(), Heard::default()];
        let mut reads = streams.each_ref().map(|stream| stream.chunks(size));
        loop {
            let mut any = false;
            for ((link, heard), reads) in links.iter_mut().zip(&mut heard).zip(&mut reads) {
                let Some(read) = reads.next() else { continue };
                any = true;
                let mut outputs = Vec::new();
                link.receive(read, 0, &admissions, &mut outputs);
                heard.take(outputs);
            }
            if !any {
                break;
            }
        }
        for (heard, name) in heard.iter().zip(names) {
            let expected: Vec<String> =
                (0..20).map(|number| format!("QN=20260314080300{number:03};ST=91;CN=9014;PW=123456;MN={name};Flag=4;CP=&&&&")).collect();
            assert_eq!(segments(&heard.answers), expected, "reads of {size}");
        }
    }
}

// --- any bytes ----------------------------------------------------------------------------------------------------------

/// Bytes as a hostile or a broken line brings them: noise, pieces of the protocol, whole packets, large ones.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 1..60);
    let signs: &'static [&'static str] =
        &["##", "#", "##0101", "##0010", "##9999", "##8192", "##0", "&&", "&&1C80", "&&1c80;", "CP=&&", ";", "\r\n", "\n", " ", "\0", "**", "清"];
    let sign = proptest::sample::select(signs).prop_map(|sign| sign.as_bytes().to_vec());
    let packet = (0usize..1000).prop_map(|number| asking(MN, &format!("20260314080000{number:03}")));
    let liar = (0usize..1000, "[0-9]{1,4}").prop_map(|(number, length)| claiming(&asking(MN, &format!("20260314080000{number:03}")), &length));
    let large = prop_oneof![Just(sized(SEGMENT_LEN_MAX, 0)), Just(vec![b'x'; 9000]), Just(b"##1".repeat(2000))];
    let piece = prop_oneof![4 => noise, 6 => sign, 4 => packet, 2 => liar, 1 => large];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// The bytes in reads of these sizes, again and again.
fn reads<'b>(bytes: &'b [u8], sizes: &[usize]) -> Vec<&'b [u8]> {
    let mut reads = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (read, after) = rest.split_at((*size).min(rest.len()));
        reads.push(read);
        rest = after;
    }
    reads
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0))
}

/// Walks the reads and holds the framer to its word: every byte is given out exactly once, as part of a frame, as junk, as a
/// blank, or as the short tail of the frame before.
fn account(reads: &[&[u8]]) {
    let mut framer = Framer::default();
    let mut pending: Vec<u8> = Vec::new();
    let mut given = 0;
    let within = |span: &Range<usize>, consumed: &[u8]| !span.is_empty() && span.end == consumed.len() && is_blank(&consumed[..span.start]);
    for turn in 0..=reads.len() {
        let closed = turn == reads.len();
        pending.extend_from_slice(reads.get(turn).copied().unwrap_or_default());
        loop {
            let progress = framer.next(&pending, closed);
            let consumed = &pending[..progress.consumed];
            match &progress.piece {
                Some(Piece::Frame(frame)) => {
                    assert!(within(&frame.span, consumed), "{progress:?}");
                    assert!(frame.span.start < frame.segment.start && frame.segment.end < frame.span.end, "{frame:?}");
                }
                Some(Piece::Junk { span, .. }) => assert!(within(span, consumed), "{progress:?}"),
                None => assert!(is_blank(consumed) || progress.previous.contains(Quirk::TextAfterCrc), "{progress:?}"),
            }
            given += progress.consumed;
            let done = progress.piece.is_none() && progress.consumed == 0;
            pending.drain(..progress.consumed);
            if done {
                break;
            }
        }
        assert!(pending.len() <= FRAME_LEN_MAX, "{} bytes wait", pending.len());
    }
    assert!(pending.is_empty(), "{} bytes are left at the end", pending.len());
    assert_eq!(given, reads.iter().map(|read| read.len()).sum::<usize>());
}

proptest! {
    #[test]
    fn any_bytes_in_any_reads_are_given_out_exactly_once(line in line(), sizes in proptest::collection::vec(1usize..3000, 1..12)) {
        account(&reads(&line, &sizes));
    }

    #[test]
    fn any_bytes_in_small_reads_are_given_out_exactly_once(
        line in proptest::collection::vec(prop_oneof![Just(b'#'), Just(b'&'), Just(b'0'), Just(b'\n'), any::<u8>()], 0..200),
        sizes in proptest::collection::vec(1usize..9, 1..12),
    ) {
        account(&reads(&line, &sizes));
    }

    #[test]
    fn a_link_survives_any_bytes_and_gives_out_no_more_than_came(line in line(), sizes in proptest::collection::vec(1usize..3000, 1..12)) {
        let heard = hear(reads(&line, &sizes));
        let kept: usize = heard.frames.iter().map(Vec::len).sum();
        prop_assert!(kept + heard.rejected.len() <= line.len());
        prop_assert!(heard.answers.len() <= heard.frames.len());
    }

    #[test]
    fn decoding_any_bytes_never_panics(bytes in line()) {
        if let Ok(packet) = decode(&bytes, CrcDialect::ModbusSwapped, &[]) {
            let quirks = inspect::quirks(&packet);
            prop_assert!(packet.masked().len() == packet.text().len() && quirks.iter().count() <= Quirk::ALL.len());
        }
    }

    #[test]
    fn any_segment_with_a_right_check_is_read_without_a_panic(segment in line()) {
        prop_assume!(segment.len() <= SEGMENT_LEN_MAX);
        if let Ok(packet) = decode(&encode::frame(&segment), CrcDialect::Standard, &[]) {
            let _ = (inspect::quirks(&packet), packet.part(), packet.data_time(), packet.masked());
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_what_encodes_to_the_same_bytes(
        header in (
            proptest::option::of("[0-9]{17}"), "[0-9]{2}", "[0-9]{4}", proptest::option::of("[0-9A-Za-z]{1,8}"),
            proptest::option::of("[0-9A-Z]{1,24}"), proptest::option::of(any::<u8>()),
        ),
        part in proptest::option::of((1u16..=9999, 1u16..=9999)),
        refill in any::<bool>(),
        items in proptest::collection::vec(
            proptest::collection::vec(("[a-z][0-9]{5}-(Rtd|Avg|Flag|Info)", "(-?[0-9]{1,6}(\\.[0-9]{1,4})?|N|清洗)?"), 1..4), 0..8
        ),
    ) {
        let (qn, st, cn, pw, mn, flag) = header;
        let pairs = |item: &Vec<(String, String)>| item.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",");
        let area = items.iter().map(pairs).collect::<Vec<_>>().join(";");
        let (qn, pw, mn) = (qn.as_deref(), pw.as_deref(), mn.as_deref());
        let bytes = Segment { qn, st: &st, cn: &cn, pw, mn, flag, part, refill, area: &area }.frame();
        let packet = decode(&bytes, CrcDialect::Standard, &[]).expect("a packet");
        let mut again = String::new();
        let mut item = None;
        for pair in packet.pairs() {
            if let Some(before) = item {
                again.push(if before == pair.item { ',' } else { ';' });
            }
            item = Some(pair.item);
            again.push_str(&format!("{}={}", pair.name, pair.value));
        }
        let number = |text: &str| text.parse::<u16>().expect("a number");
        let read = Segment {
            qn: packet.header_qn(),
            st: packet.st().unwrap_or_default(),
            cn: packet.cn().unwrap_or_default(),
            pw: packet.pw(),
            mn: packet.mn(),
            flag: packet.flag(),
            part: packet.pnum().map(number).zip(packet.pno().map(number)),
            refill: packet.rf() == Some("1"),
            area: &again,
        };
        prop_assert_eq!(read.frame(), bytes);
    }
}
