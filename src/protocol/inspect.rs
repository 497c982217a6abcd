//! What a packet's fields hold that the standard does not foresee. Reading tolerated it already; this names it.

use super::catalogue::{self, Cadence, Role, Shape};
use super::factor;
use super::marker::Marker;
use super::packet::{Edition, Packet};
use super::quirk::{Quirk, QuirkSet};
use super::stamp::Stamp;

/// Suffixes of HJ 212-2017 table 4, HJ/T 212-2005 and HJ 212-2025, each with a bit of its own.
fn suffix_bit(suffix: &str) -> Option<u32> {
    let bit = match suffix {
        "Avg" => 0,
        "Flag" => 1,
        "Min" => 2,
        "Max" => 3,
        "Rtd" => 4,
        "Cou" => 5,
        "ZsAvg" => 6,
        "ZsRtd" => 7,
        "ZsMin" => 8,
        "ZsMax" => 9,
        "EFlag" => 10,
        "SampleTime" => 11,
        "RS" => 12,
        "RT" => 13,
        "Data" => 14,
        "DayData" => 15,
        "NightData" => 16,
        "Info" => 17,
        "SN" => 18,
        "Ala" => 19,
        "LowValue" => 20,
        "UpValue" => 21,
        "RawAvg" => 22,
        "CompleteTime" => 23,
        "SampleType" => 24,
        "SampleRd" => 25,
        "StandardValue" => 26,
        "ResultType" => 27,
        _ => return None,
    };
    Some(1 << bit)
}

/// Plain names that hold stamps.
const STAMPS: &[&str] = &["DataTime", "SystemTime", "BeginTime", "EndTime", "RestartTime", "AlarmTime"];
const PLAIN_NAMES: &[&str] = &[
    "DataTime",
    "SystemTime",
    "BeginTime",
    "EndTime",
    "RestartTime",
    "AlarmTime",
    "QN",
    "QnRtn",
    "ExeRtn",
    "RtdInterval",
    "MinInterval",
    "PolId",
    "NewPW",
    "OverTime",
    "ReCount",
    "VaseNo",
    "CstartTime",
    "Ctime",
    "Stime",
    "InfoId",
    "WarnTime",
    "AlarmType",
    "AlarmTarget",
    "ReportTarget",
    "ReportTime",
    "CN",
    "PW",
    "PNUM",
    "PNO",
    "SKCreateTime",
    "NewSK",
    "CalibrationType",
    "Flag",
];
/// The standard itself writes these in two ways (errata 14 of HJ 212-2017).
const TWO_SPELLINGS: &[&str] = &["CTime", "Overtime"];

/// All quirks of a packet: those met in reading it, and those of its fields.
#[must_use]
pub fn quirks(packet: &Packet<'_>) -> QuirkSet {
    let mut quirks = packet.reading_quirks();
    header(packet, &mut quirks);
    area(packet, &mut quirks);
    quirks
}

fn header(packet: &Packet<'_>, quirks: &mut QuirkSet) {
    let (cn, edition) = (packet.cn().unwrap_or_default(), packet.edition());
    let command = catalogue::find(cn, edition);
    let answer = command.is_some_and(|command| command.up == Some(Role::Answer));
    match packet.header_qn() {
        None => quirks.insert(Quirk::QnMissing),
        Some("") => quirks.insert(Quirk::QnEmpty),
        Some(qn) => quirks.insert_if(qn.len() != 17 || Stamp::parse(qn).is_none(), Quirk::QnNot17Digits),
    }
    quirks.insert_if(packet.value("QN").is_some() && !answer && edition != Edition::Y2005, Quirk::QnInsideCp);
    quirks.insert_if(packet.value("QN").is_some() && !answer && edition == Edition::Y2005 && packet.value("DataTime").is_some(), Quirk::QnInsideCp);
    match packet.pw() {
        None => quirks.insert(Quirk::PwMissing),
        Some(pw) => quirks.insert_if(pw.len() != 6, Quirk::PwNotSix),
    }
    match packet.mn() {
        None => quirks.insert(Quirk::MnMissing),
        Some(mn) if edition == Edition::Y2005 => quirks.insert_if(mn.len() != 14, Quirk::MnUnusual),
        Some(mn) => quirks.insert_if(mn.len() != 24 || !mn.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)), Quirk::MnUnusual),
    }
    quirks.insert_if(packet.st().is_none_or(|st| catalogue::system(st).is_none()), Quirk::StUnknown);
    let parts_in_area = packet.value("PNUM").is_some() || packet.value("PNO").is_some();
    quirks.insert_if(parts_in_area && !answer, Quirk::PartsInsideCp);
    let has_parts = packet.pnum().is_some() && packet.pno().is_some();
    quirks.insert_if(packet.announces_parts() && !has_parts, Quirk::SplitWithoutParts);
    quirks.insert_if(has_parts && packet.flag().is_some() && !packet.announces_parts(), Quirk::PartsWithoutSplit);
    quirks.insert_if(catalogue::is_heartbeat_dialect(cn, edition), Quirk::HeartbeatDialect);
    if answer {
        quirks.insert_if(packet.st() != Some("91"), Quirk::AnswerStNot91);
        quirks.insert_if(packet.asks() && edition != Edition::Y2005, Quirk::AnswerAsksForAnswer);
        let content = matches!(cn, "9013" | "9014") && packet.pairs().any(|pair| !matches!(pair.name, "QN" | "CN" | "PNO" | "PNUM"));
        quirks.insert_if(content, Quirk::AnswerWithContent);
    }
}

fn area(packet: &Packet<'_>, quirks: &mut QuirkSet) {
    let medium = packet.st().and_then(factor::medium_of_system);
    let (mut pol_ids, mut seen_2005, mut seen_2017, mut foreign) = (0, false, false, false);
    let (mut values, mut zeros, mut faults, mut marks) = (0, 0, 0, 0);
    let word_without_value = packet.reading_quirks().contains(Quirk::WordWithoutValue);
    let mut plain_names: Vec<&str> = Vec::new();
    // Factors with their group and the suffixes they came with, a bit each.
    let mut factors: Vec<(&str, u16, u32)> = Vec::with_capacity(16);
    for pair in packet.pairs() {
        quirks.insert_if(pair.value.is_empty() && !word_without_value, Quirk::EmptyValue);
        let Some((code, suffix)) = pair.name.rsplit_once('-') else {
            let pol_id = pair.name.eq_ignore_ascii_case("PolId");
            pol_ids += usize::from(pol_id);
            let many = pol_id || pair.name.eq_ignore_ascii_case("CTime");
            quirks.insert_if(!many && plain_names.contains(&pair.name), Quirk::RepeatedField);
            plain_names.push(pair.name);
            plain(pair.name, pair.value, quirks);
            continue;
        };
        let bit = suffix_bit(suffix);
        quirks.insert_if(bit.is_none(), Quirk::SuffixUnknown);
        let bit = bit.unwrap_or(0);
        // The pairs of a factor stand together: the last one is looked at first.
        match factors.iter_mut().rev().find(|(known, _, _)| *known == code) {
            Some((_, item, bits)) => {
                quirks.insert_if(*item != pair.item && suffix != "Info", Quirk::RepeatedFactor);
                quirks.insert_if(*bits & bit != 0 && suffix != "Info", Quirk::RepeatedField);
                *bits |= bit;
            }
            None => {
                factors.push((code, pair.item, bit));
                let kind = code_kind(code, quirks);
                seen_2005 |= kind == CodeKind::Y2005;
                seen_2017 |= kind == CodeKind::Y2017;
                foreign |= is_foreign(code, medium);
            }
        }
        match suffix {
            "Flag" | "ZsFlag" => {
                marks += 1;
                faults += usize::from(pair.value.eq_ignore_ascii_case("D"));
                let upper = Marker::of(pair.value);
                quirks.insert_if(pair.value.len() == 1 && pair.value.bytes().all(|b| b.is_ascii_lowercase()), Quirk::MarkerLowerCase);
                quirks.insert_if(
                    !pair.value.is_empty() && (!upper.is_known() || upper.text() == "P" && packet.edition() != Edition::Y2005),
                    Quirk::MarkerUnknown,
                );
            }
            "Rtd" | "Min" | "Avg" | "Max" | "Cou" | "ZsRtd" | "ZsMin" | "ZsAvg" | "ZsMax" | "Data" | "DayData" | "NightData" => {
                values += 1;
                zeros += usize::from(is_zero(pair.value));
                number(pair.value, quirks);
            }
            "SampleTime" => time(pair.value, quirks),
            _ => {}
        }
    }
    quirks.insert_if(pol_ids > 1, Quirk::RepeatedPolId);
    quirks.insert_if(seen_2005 && seen_2017, Quirk::CodesMixed);
    quirks.insert_if(foreign, Quirk::FactorForeignToSystem);
    quirks.insert_if(values > 0 && zeros == values && marks > 0 && faults == marks, Quirk::AllZeroMarkedFault);
    times(packet, values > 0, quirks);
}

fn plain(name: &str, value: &str, quirks: &mut QuirkSet) {
    quirks.insert_if(name == "Flag", Quirk::BareFlag);
    let known = PLAIN_NAMES.contains(&name) || TWO_SPELLINGS.contains(&name);
    quirks.insert_if(!known && PLAIN_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)), Quirk::FieldNameCase);
    if STAMPS.contains(&name) {
        time(value, quirks);
    }
}

fn time(value: &str, quirks: &mut QuirkSet) {
    quirks.insert_if(!value.is_empty() && Stamp::parse(value).is_none(), Quirk::TimeUnreadable);
    quirks.insert_if(value.len() == 17, Quirk::Time17Digits);
}

fn times(packet: &Packet<'_>, has_values: bool, quirks: &mut QuirkSet) {
    let command = packet.cn().and_then(|cn| catalogue::find(cn, packet.edition()));
    let Some(at) = packet.data_time() else { return };
    quirks.insert_if(has_values && command.is_some_and(|command| command.shape == Shape::Restart), Quirk::RestartWithData);
    let interval = command.and_then(|command| match command.shape {
        Shape::Measurements(cadence) if cadence != Cadence::RealTime && cadence != Cadence::Single => Some(cadence),
        _ => None,
    });
    quirks.insert_if(interval.is_some() && at.second != 0, Quirk::DataTimeOffGrid);
    let Some(qn) = packet.qn().and_then(Stamp::parse) else { return };
    let to_second = |stamp: Stamp| (stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second);
    let to_minute = |stamp: Stamp| (stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute);
    quirks.insert_if(to_second(at) > to_second(qn), Quirk::DataTimeAfterQn);
    quirks.insert_if(interval == Some(Cadence::Minute) && to_minute(at) == to_minute(qn), Quirk::StampIsEnd);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CodeKind {
    Y2005,
    Y2017,
    Neither,
}

fn code_kind(code: &str, quirks: &mut QuirkSet) -> CodeKind {
    let bytes = code.as_bytes();
    // Most codes are of this shape, and need no table.
    if let [first, rest @ ..] = bytes
        && rest.len() == 5
        && matches!(first, b'a' | b'w' | b'e' | b'g' | b'i' | b'l')
        && rest.iter().all(u8::is_ascii_digit)
    {
        return CodeKind::Y2017;
    }
    if factor::find_legacy_anywhere(code).is_some() && factor::find(code).is_none() {
        return CodeKind::Y2005;
    }
    let device = code.strip_prefix("SB").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    if factor::find(code).is_some() || device {
        return if bytes.len() == 6 { CodeKind::Y2017 } else { CodeKind::Neither };
    }
    let shaped = bytes.len() == 6 && bytes[0].is_ascii_alphabetic() && bytes[1..].iter().all(u8::is_ascii_alphanumeric);
    let upper = shaped && bytes[0].is_ascii_uppercase();
    quirks.insert_if(upper && code != "I33400", Quirk::CodeUpperCase);
    quirks.insert_if(bytes.len() == 10, Quirk::CodeTenCharacters);
    if shaped && bytes[1..].iter().filter(|byte| byte.is_ascii_digit()).count() >= 3 {
        return CodeKind::Y2017;
    }
    let legacy_shaped = bytes.len() <= 3 && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2;
    quirks.insert_if(bytes.len() != 10 && !legacy_shaped, Quirk::CodeIsName);
    if legacy_shaped { CodeKind::Y2005 } else { CodeKind::Neither }
}

fn is_foreign(code: &str, medium: Option<&str>) -> bool {
    // Annex B: `w` water, `a` gas. Noise meters carry weather, and others carry noise.
    match (code.as_bytes(), medium) {
        ([b'a', ..], Some("water")) | ([b'w', ..], Some("gas")) => factor::find(code).is_some(),
        _ => false,
    }
}

fn is_zero(value: &str) -> bool {
    value.bytes().any(|byte| byte == b'0') && value.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-' | b'+'))
}

fn number(value: &str, quirks: &mut QuirkSet) {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let decimal = !digits.is_empty() && digits != "." && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    quirks.insert_if(!decimal && !value.is_empty(), Quirk::ValueNotNumber);
    quirks.insert_if(decimal && value.starts_with('-') && !is_zero(value), Quirk::ValueNegative);
    quirks.insert_if(decimal && fraction.len() >= 4, Quirk::ValueFourDecimals);
}
