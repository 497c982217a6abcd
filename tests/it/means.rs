//! Worked examples of `protocol-fixtures/means/worked-examples.json` through the whole core: packets in, means out, compared
//! to the last printed digit. A01, A02, A04–A07, A06b, A14, A19, A21, A23.

use crate::world::{self, OUTLET, Outputs, at, frame_body, packet, registry, run, until};
use hj212d::domain::number::{self, Ratio};
use hj212d::domain::time::{HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Basis, Grade, Kind, Limit, LimitType, Mean, Span};
use hj212d::engine::Body;
use hj212d::rules::j_02::compare;
use serde_json::Value;

pub fn example(id: &str) -> Value {
    let document: Value = serde_json::from_str(include_str!("../../protocol-fixtures/means/worked-examples.json")).expect("JSON");
    document["examples"].as_array().expect("a list").iter().find(|example| example["id"] == id).cloned().unwrap_or_else(|| panic!("{id}"))
}

/// A JSON number with the digits that a logger would write.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Rounds as the examples print: as many decimals as the expected figure has.
pub fn rounded(value: &Ratio, expected: &Value) -> String {
    let expected = text(expected);
    let decimals = expected.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    value.rounded(decimals as u32)
}

fn minutes(hour: Moment, rows: &Value, factor: &str) -> Vec<(Moment, Body)> {
    let rows = rows.as_array().expect("minutes");
    rows.iter()
        .map(|row| {
            let start = hour.plus_ms(row["m"].as_i64().expect("m") * MINUTE_MS);
            let arrival = start.plus_ms(MINUTE_MS + 500);
            let area = format!("{factor}-Avg={},{factor}-Flag={}", text(&row["v"]), text(&row["flag"]));
            (arrival, frame_body(&packet("2051", arrival, start, &area)))
        })
        .collect()
}

fn mean(outputs: &Outputs, start: Moment, span: Span, factor: &str, kind: Kind) -> Mean {
    let publication = outputs.last(start, span).expect("published");
    assert_eq!(publication.outlet.as_str(), OUTLET);
    publication.means.iter().find(|mean| mean.factor.as_str() == factor && mean.kind == kind).cloned().expect("the factor's mean")
}

#[test]
fn a01_an_hour_with_45_valid_minutes_is_valid_and_a02_with_44_is_not() {
    for (id, hour) in [("A01", at("2026-03-14 08:00:00")), ("A02", at("2026-03-14 09:00:00"))] {
        let example = example(id);
        let journal = until(minutes(hour, &example["inputs"]["minutes"], "a21026"), hour.plus_ms(2 * HOUR_MS));
        let outputs = run(&registry("", &[]), &journal, 7);
        let mean = mean(&outputs, hour, Span::Hour, "a21026", Kind::Measured);
        let expected = &example["expected"];
        assert_eq!(Value::from(mean.count), expected["valid_minutes"], "{id}");
        assert_eq!(Value::from(mean.valid), expected["hour_valid"], "{id}");
        match &mean.value {
            Some(value) => assert_eq!(rounded(value, &expected["mean"]), text(&expected["mean"]), "{id}"),
            None => {
                assert_eq!(expected["mean"], Value::Null, "{id}");
                let partial = mean.indicative.as_ref().expect("what is valid has a mean");
                assert_eq!(rounded(partial, &expected["partial_mean_of_valid"]), text(&expected["partial_mean_of_valid"]));
                let shadow = mean.shadow.as_ref().expect("numbers came");
                assert_eq!(rounded(shadow, &expected["shadow_mean"]), text(&expected["shadow_mean"]));
            }
        }
    }
}

fn constant_hour(hour: Moment, values: &[(&str, std::ops::Range<i64>)]) -> Vec<(Moment, Body)> {
    let mut journal = Vec::new();
    for (area, range) in values {
        for minute in range.clone() {
            let start = hour.plus_ms(minute * MINUTE_MS);
            let arrival = start.plus_ms(MINUTE_MS + 500);
            journal.push((arrival, frame_body(&packet("2051", arrival, start, area))));
        }
    }
    until(journal, hour.plus_ms(2 * HOUR_MS))
}

const NOX_HOUR_50: &str = "S1-G1,a21002,max,50,mg/m3,hour,6,yes,ultra-low plan,press,S,,2020-01-01,";

#[test]
fn a04_measured_below_the_limit_converted_above() {
    let hour = at("2026-03-14 08:00:00");
    let journal = constant_hour(hour, &[("a21002-Avg=42,a21002-Flag=N;a19001-Avg=9,a19001-Flag=N", 0..60)]);
    let outputs = run(&registry("6", &[NOX_HOUR_50]), &journal, 100);
    let converted = mean(&outputs, hour, Span::Hour, "a21002", Kind::Converted);
    let expected = &example("A04")["expected"];
    let value = converted.value.expect("converted");
    assert_eq!(rounded(&value, &expected["converted"]), text(&expected["converted"]));
    let comparison = compare(&value, &limit("50"));
    assert_eq!(Value::from(comparison.exceeds), expected["exceeds"]);
    assert_eq!(comparison.multiple.map(|multiple| multiple.rounded(2)), Some("0.05".to_owned()));
}

#[test]
fn a05_the_factor_grows_with_oxygen_and_ends_at_20_5() {
    let hour = at("2026-03-14 08:00:00");
    let rows = example("A05")["expected"]["rows"].as_array().expect("rows").clone();
    for row in rows {
        let area = format!("a21002-Avg=10,a21002-Flag=N;a19001-Avg={},a19001-Flag=N", text(&row["o2"]));
        let outputs = run(&registry("6", &[NOX_HOUR_50]), &constant_hour(hour, &[(&area, 0..60)]), 100);
        let converted = mean(&outputs, hour, Span::Hour, "a21002", Kind::Converted);
        match &converted.value {
            Some(value) => assert_eq!(rounded(value, &row["converted"]), text(&row["converted"]), "{row}"),
            None => assert_eq!(row["converted"], Value::Null, "{row}"),
        }
        let state = match converted.note.as_deref() {
            None => "OK",
            Some("low_confidence") => "LOW_CONFIDENCE",
            Some("not_converted") => "NOT_CONVERTED",
            Some(other) => other,
        };
        assert_eq!(row["state"], state);
        assert_eq!(converted.valid, state == "OK", "{row}");
    }
}

fn reported_day(id: &str) -> Outputs {
    let day = at("2026-03-14 00:00:00");
    let inputs = example(id)["inputs"].clone();
    let mut journal = Vec::new();
    for row in inputs["hours_converted"].as_array().expect("hours") {
        let start = day.plus_ms(row["h"].as_i64().expect("h") * HOUR_MS);
        let arrival = start.plus_ms(HOUR_MS + 60_000);
        let area = format!("a21026-ZsAvg={},a21026-Flag={}", text(&row["v"]), text(&row["flag"]));
        journal.push((arrival, frame_body(&packet("2061", arrival, start, &area))));
    }
    run(&registry("11", &[world::SO2_DAY_80]), &until(journal, at("2026-03-15 14:00:00")), 5)
}

#[test]
fn a06_no_hour_above_the_hourly_limit_and_the_day_above_the_daily_one() {
    let outputs = reported_day("A06");
    let expected = &example("A06")["expected"];
    let day = mean(&outputs, at("2026-03-14 00:00:00"), Span::Day, "a21026", Kind::Converted);
    assert_eq!(Value::from(day.count), expected["valid_hours"]);
    let value = day.value.expect("21 hours make a day");
    assert_eq!(rounded(&value, &expected["day_mean"]), text(&expected["day_mean"]));
    let comparison = compare(&value, &limit("80"));
    assert!(comparison.exceeds);
    assert_eq!(comparison.multiple.map(|multiple| multiple.rounded(4)), Some(text(&expected["multiple"])));
    assert_eq!(outputs.of(hj212d::message::Topic::Referrals).len(), 1, "and that is one referral");
}

#[test]
fn a06b_nineteen_valid_hours_give_no_day_and_no_verdict() {
    let outputs = reported_day("A06b");
    let expected = &example("A06b")["expected"];
    let day = mean(&outputs, at("2026-03-14 00:00:00"), Span::Day, "a21026", Kind::Converted);
    assert_eq!(Value::from(day.count), expected["valid_hours"]);
    assert_eq!(day.value, None);
    let indicative = day.indicative.expect("shown, never judged");
    assert_eq!(rounded(&indicative, &expected["indicative_mean"]), text(&expected["indicative_mean"]));
    assert!(outputs.findings.is_empty() && outputs.of(hj212d::message::Topic::Referrals).is_empty());
}

#[test]
fn a07_the_mean_is_taken_first_and_the_other_order_is_kept_beside() {
    let hour = at("2026-03-14 08:00:00");
    let parts =
        [("a21002-Avg=30,a21002-Flag=N;a19001-Avg=7,a19001-Flag=N", 0..30), ("a21002-Avg=10,a21002-Flag=N;a19001-Avg=14,a19001-Flag=N", 30..60)];
    let outputs = run(&registry("6", &[NOX_HOUR_50]), &constant_hour(hour, &parts), 100);
    let converted = mean(&outputs, hour, Span::Hour, "a21002", Kind::Converted);
    let expected = &example("A07")["expected"];
    let value = converted.value.expect("converted");
    assert_eq!(rounded(&value, &expected["mean_then_convert"]), text(&expected["mean_then_convert"]));
    let cross = Ratio::of(converted.cross_check.expect("computed beside"));
    assert_eq!(rounded(&cross, &expected["convert_then_mean"]), text(&expected["convert_then_mean"]));
}

fn limit(figure: &str) -> Limit {
    Limit {
        limit_type: LimitType::Max,
        limit: figure.to_owned(),
        unit: "mg/m3".to_owned(),
        basis: Basis::Day,
        converted: true,
        standard: "test".to_owned(),
        source: "test".to_owned(),
        grade: Grade::D,
        note: String::new(),
        valid_from: Moment(0),
        valid_to: None,
        cold: None,
        restricted: false,
    }
}

fn ratio(value: &Value) -> Ratio {
    Ratio::of(number::parse(&text(value)).expect("a number"))
}

#[test]
fn a14_full_value_decides_and_half_even_rounding_marks_the_marginal() {
    for row in example("A14")["expected"]["rows"].as_array().expect("rows") {
        let comparison = compare(&ratio(&row["value"]), &limit(&text(&row["limit"])));
        assert_eq!(Value::from(comparison.exceeds), row["exceeds_full_value"], "{row}");
        assert_eq!(comparison.marginal, row["state"] == "MARGINAL", "{row}");
        let figure = number::parse(&text(&row["limit"])).expect("a number");
        assert_eq!(Value::from(ratio(&row["value"]).rounded(figure.scale())), row["half_even"], "{row}");
    }
}

#[test]
fn a21_the_multiple_is_the_value_over_the_limit_less_one() {
    for row in example("A21")["expected"]["rows"].as_array().expect("rows") {
        let comparison = compare(&ratio(&row["value"]), &limit(&text(&row["limit"])));
        assert_eq!(Value::from(comparison.exceeds), row["exceeds"], "{row}");
        let multiple = comparison.multiple.expect("a maximum above zero");
        assert_eq!(ratio(&Value::from(rounded(&multiple, &row["multiple"]))), ratio(&row["multiple"]), "{row}");
    }
}

#[test]
fn a19_a_stamp_at_midnight_belongs_where_its_label_says() {
    for label in ["start", "end"] {
        let mut files = registry("", &[]);
        if let Some(outlets) = files.0.get_mut("outlets.csv") {
            *outlets = outlets.replace(",start,1,", &format!(",{label},1,"));
        }
        let example = example("A19");
        let inputs = example["inputs"]["rows"].as_array().expect("rows");
        let expected = example["expected"]["rows"].as_array().expect("rows");
        for (input, expected) in inputs.iter().zip(expected).filter(|(input, _)| input[2] == label) {
            let stamp = text(&input[0]);
            let cn = match input[1].as_str() {
                Some("hour") => "2061",
                Some("minute") => "2051",
                _ => "2031",
            };
            let arrival = at("2026-03-15 00:00:30");
            let area = "a21026-Avg=1,a21026-Flag=N";
            let segment = format!("QN=20260315000030000;ST=31;CN={cn};PW=123456;MN={};Flag=5;CP=&&DataTime={stamp};{area}&&", world::MN);
            let bytes = hj212d::protocol::encode::frame(segment.as_bytes());
            let registry = hj212d::registry::Registry::parse(&files).expect("a good registry");
            let packet = hj212d::protocol::decode(bytes.trim_ascii_end(), hj212d::protocol::CrcDialect::Standard, &[]).expect("a packet");
            let translation =
                registry.translate(&packet, hj212d::registry::Arrived { at: arrival, sequence: 1, peer: 0 }, &hj212d::domain::RuleSet::default());
            let reading = translation.readings.first().unwrap_or_else(|| panic!("{stamp} {label}: {:?}", translation.unusable));
            let day = reading.hour.day().to_string().replace('-', "");
            assert_eq!(expected["day"], day.as_str(), "{stamp} {label}");
            if let Some(hour) = expected["hour"].as_str() {
                assert_eq!(hour, format!("{day}T{:02}", reading.hour.of_day()), "{stamp} {label}");
            }
        }
    }
}

#[test]
fn a23_small_negatives_become_zero_and_large_ones_are_invalid() {
    let example = example("A23");
    let mut files = registry("", &[]);
    if let Some(series) = files.0.get_mut("series.csv") {
        *series = series.replace("a21026,010000A8900016F000169D03,31,,mg/m3,,1000,", "a21026,010000A8900016F000169D03,31,,mg/m3,,100,");
    }
    let hour = at("2026-03-14 08:00:00");
    let values = example["inputs"]["values"].as_array().expect("values");
    // Twelve minutes of each value: 48 of the 60 are valid, and each valid value weighs the same.
    let parts: Vec<(String, std::ops::Range<i64>)> =
        values.iter().zip(0..).map(|(value, at)| (format!("a21026-Avg={},a21026-Flag=N", text(value)), at * 12..at * 12 + 12)).collect();
    let parts: Vec<(&str, std::ops::Range<i64>)> = parts.iter().map(|(area, range)| (area.as_str(), range.clone())).collect();
    let outputs = run(&files, &constant_hour(hour, &parts), 100);
    let mean = mean(&outputs, hour, Span::Hour, "a21026", Kind::Measured);
    assert_eq!(mean.count, 48);
    assert_eq!(rounded(&mean.value.expect("valid"), &example["expected"]["mean_used"]), text(&example["expected"]["mean_used"]));
}
