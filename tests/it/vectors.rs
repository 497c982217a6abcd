//! The 367 checked packets of `protocol-fixtures/frames/annex-c.jsonl` (every example of Annex C 2017 and 2005, 99 packets
//! seen in the field, the 2025 examples): each decodes, or is refused with the reason that its tags and note name.

use hj212d::protocol::quirk::Quirk;
use hj212d::protocol::{CrcDialect, decode, encode, factor, inspect};
use serde_json::Value;

struct Vector {
    id: String,
    bytes: Vec<u8>,
    crc_ok: bool,
    length_ok: bool,
    tags: Vec<String>,
    cn: String,
    st: Option<String>,
}

fn vectors() -> Vec<Vector> {
    include_str!("../../protocol-fixtures/frames/annex-c.jsonl")
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("one JSON object a line");
            let text = |key: &str| row[key].as_str().map(str::to_owned);
            let bytes = match text("packet_hex") {
                Some(hex) => hex
                    .as_bytes()
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
                    .collect(),
                None => text("packet").expect("packet or packet_hex").into_bytes(),
            };
            Vector {
                id: text("id").expect("id"),
                bytes,
                crc_ok: row["crc_ok"].as_bool().expect("crc_ok"),
                length_ok: row["length_ok"].as_bool().expect("length_ok"),
                tags: row["tags"].as_array().expect("tags").iter().map(|tag| tag.as_str().expect("text").to_owned()).collect(),
                cn: text("cn").expect("cn"),
                st: text("st"),
            }
        })
        .collect()
}

impl Vector {
    fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known == tag)
    }

    /// What the tags and the note say must come of it; `None`: it decodes.
    fn refusal(&self) -> Option<&'static str> {
        if self.has("crc-is-plain-modbus") {
            Some("crc_modbus")
        } else if self.has("crc-is-modbus-byte-swapped") {
            Some("crc_modbus_swapped")
        } else if self.has("cp-not-delimited") {
            Some("length_wrong")
        } else if !self.crc_ok {
            Some("crc_mismatch")
        } else {
            None
        }
    }
}

#[test]
fn every_vector_decodes_or_is_refused_with_the_reason_its_note_names() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 367);
    let mut wrong = Vec::new();
    for vector in &vectors {
        let outcome = decode(&vector.bytes, CrcDialect::Standard, &[]);
        let refusal = outcome.as_ref().err().map(|refusal| refusal.name());
        if refusal != vector.refusal() {
            wrong.push(format!("{}: {:?}, expected {:?} ({:?})", vector.id, refusal, vector.refusal(), vector.tags));
            continue;
        }
        if let Ok(packet) = outcome
            && (packet.cn() != Some(&vector.cn) || packet.st() != vector.st.as_deref())
        {
            wrong.push(format!("{}: CN {:?} ST {:?}", vector.id, packet.cn(), packet.st()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modbus_senders_are_read_when_their_register_row_allows_it() {
    for vector in vectors() {
        let (dialect, quirk) = match vector.refusal() {
            Some("crc_modbus") => (CrcDialect::Modbus, Quirk::CrcModbus),
            Some("crc_modbus_swapped") => (CrcDialect::ModbusSwapped, Quirk::CrcModbusSwapped),
            _ => continue,
        };
        let packet = decode(&vector.bytes, dialect, &[]).unwrap_or_else(|refusal| panic!("{}: {refusal}", vector.id));
        assert!(packet.reading_quirks().contains(quirk), "{}", vector.id);
    }
}

#[test]
fn the_tags_of_the_vectors_are_found_as_quirks() {
    let named = [
        ("mn-not-24-hex", Quirk::MnUnusual),
        ("no-QN-in-header", Quirk::QnMissing),
        ("no-Flag", Quirk::FlagMissing),
        ("lowercase-crc", Quirk::CrcLowerCase),
        ("QN-not-first", Quirk::QnNotFirst),
        ("blank-in-cp", Quirk::Blanks),
        ("ack-with-A-bit", Quirk::AnswerAsksForAnswer),
        ("ack-with-st-not-91", Quirk::AnswerStNot91),
        ("trailing-semicolon", Quirk::TrailingSemicolon),
        ("no-MN", Quirk::MnMissing),
        ("no-PW", Quirk::PwMissing),
        ("time-17-digits", Quirk::Time17Digits),
        ("segment-over-1024", Quirk::SegmentOver1024),
        ("QN-not-17-digits", Quirk::QnNot17Digits),
        ("PNO-before-PNUM", Quirk::PnoBeforePnum),
        ("length-counts-crc-and-crlf", Quirk::LengthCountsTrailer),
        ("repeated-PolId", Quirk::RepeatedPolId),
        ("pw-not-6", Quirk::PwNotSix),
        ("MN-before-PW", Quirk::MnBeforePw),
        ("length-not-4-digits", Quirk::LengthNotFourDigits),
        ("bare-Flag-in-cp", Quirk::BareFlag),
        ("empty-QN", Quirk::QnEmpty),
    ];
    let mut wrong = Vec::new();
    for vector in vectors() {
        let Ok(packet) = decode(&vector.bytes, CrcDialect::Standard, &[]) else { continue };
        let quirks = inspect::quirks(&packet);
        for (tag, quirk) in named {
            // 2005 MNs of 14 characters are as their edition has them.
            // So is the Flag of a 2005 answer (it announces the mode), and FLAG in capitals has a name of its own.
            let as_edition_says = matches!(quirk, Quirk::MnUnusual | Quirk::AnswerAsksForAnswer) && packet.flag().unwrap_or(0) < 4
                || quirk == Quirk::FlagMissing && quirks.contains(Quirk::HeaderNameCase);
            if vector.has(tag) && !quirks.contains(quirk) && !as_edition_says {
                wrong.push(format!("{}: tag {tag}, quirks {:?}", vector.id, quirks.iter().map(Quirk::name).collect::<Vec<_>>()));
            }
        }
        if quirks.contains(Quirk::LengthWrong) && vector.length_ok {
            wrong.push(format!("{}: length_wrong on a right length", vector.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_decodes_cleanly_encodes_to_the_same_bytes() {
    let mut compared = 0;
    for vector in vectors().into_iter().filter(|vector| vector.crc_ok && vector.length_ok && !vector.has("lowercase-crc")) {
        let Ok(packet) = decode(&vector.bytes, CrcDialect::Standard, &[]) else { panic!("{}", vector.id) };
        if packet.reading_quirks().contains(Quirk::TextGbk) {
            continue;
        }
        let mut again = encode::frame(packet.text().as_bytes());
        again.truncate(again.len() - 2);
        assert_eq!(again, vector.bytes, "{}", vector.id);
        compared += 1;
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn both_factor_tables_are_complete_and_point_at_each_other() {
    assert_eq!(factor::all().count(), 377, "379 rows; e701xx and g119xx are printed twice (errata 18, 19)");
    let mut dangling = Vec::new();
    for legacy in factor::all_legacy() {
        let known = legacy.code_2017.is_empty() || factor::find(legacy.code_2017).is_some();
        if !known {
            dangling.push(legacy.code_2017);
        }
    }
    assert!(dangling.is_empty(), "{dangling:?}");
    let mercury = factor::find_legacy("07", "gas").expect("a 2005 gas code");
    assert!(!mercury.zh.is_empty() && mercury.unit_factor >= 1);
}
