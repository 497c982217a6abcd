//! Water through the whole core: packets in, flow-weighted days out. A08, A09, A10, A20 and A22 of the worked examples, zero flow,
//! slow analysers, the check hour, and the logger's own figures beside ours.

use crate::means::{example, rounded, text};
use crate::world::{self, Outputs, at, frame_body, packet, registry, run, until};
use hj212d::domain::number::Ratio;
use hj212d::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{HourClass, Kind, Mean, Span};
use hj212d::engine::Body;
use hj212d::registry::Files;
use serde_json::Value;

const LIMIT_COD: &str = "S1-G1,w01018,max,50,mg/L,day,,no,GB 18918-2002 1A,GB 18918-2002 table 1,P,,,,2020-01-01,";
const LIMIT_PH_MAX: &str = "S1-G1,w01001,max,9,-,day,,no,GB 18918-2002 1A,GB 18918-2002 table 1,P,,,,2020-01-01,";
const LIMIT_AMMONIA: &str = "S1-G1,w21003,max,5,mg/L,day,,no,GB 18918-2002 1A,GB 18918-2002 table 1,M,,,8,2020-01-01,";

/// One water outlet; `cycle` hours for one value of the COD analyser.
fn works(limits: &[&str], cycle: u8) -> Files {
    let mut files = registry("", &[]);
    let mut put = |name: &str, text: String| drop(files.0.insert(name.to_owned(), text));
    put(
        "outlets.csv",
        "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,oxidant_o2_pct,low_confidence_counts,valid_from,valid_to\n\
         S1-G1,S1,总排口,Main outfall,water,municipal,start,10,30,,,,no,2020-01-01,\n"
            .to_owned(),
    );
    let mut series = "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,cycle_hours,valid_from,valid_to\n".to_owned();
    for (factor, unit, cycle) in [("w01018", "mg/L", cycle), ("w21003", "mg/L", 1), ("w01001", "-", 1), ("w01010", "C", 1), ("w00000", "L/s", 1)] {
        series.push_str(&format!("S1-G1,{factor},{},32,,{unit},,,natural,{cycle},2020-01-01,\n", world::MN));
    }
    put("series.csv", series);
    let header =
        "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,restricted,cold_limit,valid_from,valid_to\n";
    put("limits.csv", limits.iter().fold(header.to_owned(), |text, limit| text + limit + "\n"));
    files
}

fn day() -> Moment {
    at("2026-03-14 00:00:00")
}

fn hour_packet(hour: i64, area: &str) -> (Moment, Body) {
    let start = day().plus_ms(hour * HOUR_MS);
    let sent = start.plus_ms(HOUR_MS + 1000);
    (sent, frame_body(&packet("2061", sent, start, area)))
}

fn closed(files: &Files, journal: Vec<(Moment, Body)>) -> Outputs {
    run(files, &until(journal, day().plus_ms(2 * DAY_MS)), 7)
}

fn day_mean(outputs: &Outputs, factor: &str) -> Mean {
    let publication = outputs.last(day(), Span::Day).expect("published");
    publication.means.iter().find(|mean| mean.factor.as_str() == factor && mean.kind == Kind::Measured).cloned().expect("the factor's mean")
}

fn beside(mean: &Mean, name: &str) -> Ratio {
    mean.beside.iter().find(|beside| beside.name == name).map(|beside| beside.value.clone()).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a08_the_flow_decides_what_the_arithmetic_mean_would_have_let_pass() {
    let example = example("A08");
    let expected = &example["expected"];
    let journal = example["inputs"]["hours"].as_array().expect("hours").iter().map(|row| {
        let area = format!("w01018-Avg={},w01018-Flag={};w00000-Cou={},w00000-Flag=N", text(&row["cod"]), text(&row["flag"]), text(&row["vol_m3"]));
        hour_packet(row["h"].as_i64().expect("h"), &area)
    });
    let outputs = closed(&works(&[LIMIT_COD], 1), journal.collect());
    let mean = day_mean(&outputs, "w01018");
    assert_eq!((Value::from(mean.due), Value::from(mean.count)), (expected["due"].clone(), expected["used"].clone()));
    assert_eq!(Value::from(mean.valid), expected["day_valid"]);
    assert_eq!(rounded(mean.value.as_ref().expect("valid"), &expected["flow_weighted_hour_volume"]), text(&expected["flow_weighted_hour_volume"]));
    assert_eq!(rounded(&beside(&mean, "arithmetic"), &expected["arithmetic"]), text(&expected["arithmetic"]));
    assert_eq!(rounded(&beside(&mean, "interval_weighted"), &expected["flow_weighted_interval"]), text(&expected["flow_weighted_interval"]));
    assert_eq!(mean.volume.as_ref().map(Ratio::shown), Some(text(&expected["volume_used_m3"])));
    let flow = day_mean(&outputs, "w00000");
    assert_eq!(flow.volume.as_ref().map(Ratio::shown), Some(text(&expected["volume_total_m3"])));
    let finding = outputs.findings.last().expect("an exceedance");
    assert!(finding.standing && finding.confirmed);
    assert_eq!(finding.facts["multiple"], text(&expected["multiple"]));
    let load = mean.value.as_ref().expect("valid").times(mean.volume.as_ref().expect("weighed")).divided(&Ratio::whole(1000)).expect("not by zero");
    assert_eq!(rounded(&load, &expected["load_used_kg"]), text(&expected["load_used_kg"]));
}

#[test]
fn a09_a_water_day_needs_three_quarters_of_what_is_due() {
    let example = example("A09");
    for row in example["expected"]["rows"].as_array().expect("rows") {
        let (due, valid) = (row["due"].as_i64().expect("due"), row["valid"].as_i64().expect("valid"));
        let journal = (0..24).map(|hour| {
            let flag = if hour < valid { "N" } else { "D" };
            let volume = if hour < due { 100 } else { 0 };
            hour_packet(hour, &format!("w01018-Avg=30,w01018-Flag={flag};w00000-Cou={volume},w00000-Flag=N"))
        });
        let mean = day_mean(&closed(&works(&[], 1), journal.collect()), "w01018");
        assert_eq!((i64::from(mean.due), i64::from(mean.count)), (due, valid), "{row}");
        assert_eq!(mean.valid, row["day_valid"] == true, "{row}");
        if due == 0 {
            assert_eq!(mean.note.as_deref(), Some("no_discharge"));
        }
    }
}

#[test]
fn a10_the_mean_of_ph_is_that_of_the_hydrogen_ions() {
    let example = example("A10");
    let expected = &example["expected"];
    let values = example["inputs"]["ph"].as_array().expect("values");
    // Each value stands for four hours of the day.
    let journal = (0..24).map(|hour| {
        let value = text(&values[hour as usize / 4]);
        hour_packet(hour, &format!("w01001-Avg={value},w01001-Flag=N;w00000-Cou=100,w00000-Flag=N"))
    });
    let outputs = closed(&works(&[LIMIT_PH_MAX], 1), journal.collect());
    let mean = day_mean(&outputs, "w01001");
    assert_eq!(rounded(mean.value.as_ref().expect("valid"), &expected["h_plus_mean"]), text(&expected["h_plus_mean"]));
    assert_eq!(rounded(&beside(&mean, "arithmetic"), &expected["arithmetic"]), text(&expected["arithmetic"]));
    assert_eq!(rounded(&beside(&mean, "median"), &expected["median"]), text(&expected["median"]));
    assert_eq!((beside(&mean, "min").shown(), beside(&mean, "max").shown()), ("6.2".to_owned(), "9.2".to_owned()));
    assert!(outputs.findings.is_empty(), "one hour outside is no daily mean outside");
}

#[test]
fn a22_the_bracketed_ammonia_limit_is_in_force_in_cold_water() {
    let example = example("A22");
    let rows = example["expected"]["rows"].as_array().expect("rows").iter().map(|row| (Some(text(&row["temp"])), row));
    let without = serde_json::json!({"nh3n": 5.6, "limit": 5, "exceeds": true});
    for (temperature, row) in rows.chain([(None, &without)]) {
        let journal = (0..24).map(|hour| {
            let warm = temperature.as_ref().map(|value| format!(";w01010-Avg={value},w01010-Flag=N")).unwrap_or_default();
            hour_packet(hour, &format!("w21003-Avg={},w21003-Flag=N;w00000-Cou=100,w00000-Flag=N{warm}", text(&row["nh3n"])))
        });
        let outputs = closed(&works(&[LIMIT_AMMONIA], 1), journal.collect());
        assert_eq!(!outputs.findings.is_empty(), row["exceeds"] == true, "{row}");
        if let Some(finding) = outputs.findings.last() {
            assert_eq!(finding.facts["limit"]["figure"], text(&row["limit"]), "{row}");
            let said = finding.facts["limit"]["figure_note"] == "no_water_temperature_stricter_figure";
            assert_eq!(said, temperature.is_none());
        }
    }
}

#[test]
fn without_any_flow_the_day_is_arithmetic_and_gives_no_verdict() {
    let journal = (0..24).map(|hour| hour_packet(hour, "w01018-Avg=80,w01018-Flag=N"));
    let outputs = closed(&works(&[LIMIT_COD], 1), journal.collect());
    let mean = day_mean(&outputs, "w01018");
    assert_eq!((mean.value.as_ref().map(Ratio::shown).as_deref(), mean.note.as_deref()), (Some("80"), Some("unweighted")));
    assert!(outputs.findings.is_empty());
}

#[test]
fn a_value_of_a_slow_analyser_stands_for_its_cycle_and_cycles_are_counted() {
    // One value in two hours; the hours between bring flow only.
    let journal = (0..24).map(|hour| {
        let value = if hour % 2 == 0 { format!("w01018-Avg={},w01018-Flag=N;", 40 + hour) } else { String::new() };
        hour_packet(hour, &format!("{value}w00000-Cou={},w00000-Flag=N", 100 + 10 * hour))
    });
    let mean = day_mean(&closed(&works(&[], 2), journal.collect()), "w01018");
    assert_eq!((mean.due, mean.count, mean.valid), (12, 12, true));
    let (mut load, mut volume) = (0, 0);
    for cycle in 0..12 {
        let passed = 100 + 10 * (2 * cycle) + 100 + 10 * (2 * cycle + 1);
        load += (40 + 2 * cycle) * passed;
        volume += passed;
    }
    assert_eq!(mean.value, Ratio::whole(load).divided(&Ratio::whole(volume)));
}

#[test]
fn one_abnormal_value_makes_a_water_hour_abnormal() {
    let start = day().plus_ms(8 * HOUR_MS);
    let journal = (0..6).map(|ten| {
        let from = start.plus_ms(ten * 10 * MINUTE_MS);
        let sent = from.plus_ms(10 * MINUTE_MS + 1000);
        let flag = if ten == 3 { "D" } else { "N" };
        (sent, frame_body(&packet("2051", sent, from, &format!("w01018-Avg=30,w01018-Flag={flag}"))))
    });
    let outputs = closed(&works(&[], 1), journal.collect());
    let publication = outputs.last(start, Span::Hour).expect("published");
    let mean = &publication.means[0];
    assert_eq!((mean.valid, mean.class), (false, Some(HourClass::Invalid)));
    assert_eq!(mean.indicative.as_ref().map(Ratio::shown).as_deref(), Some("30"), "what is good is shown, not judged");
}

#[test]
fn the_loggers_own_day_and_hour_stand_beside_ours_and_a_difference_is_noted() {
    for (sent_hour, sent_day, agree) in [("30.0", "30.02", [true, true]), ("31.0", "35", [false, false])] {
        let start = day().plus_ms(8 * HOUR_MS);
        let mut journal: Vec<(Moment, Body)> = (0..144)
            .map(|ten| {
                let from = day().plus_ms(ten * 10 * MINUTE_MS);
                let sent = from.plus_ms(10 * MINUTE_MS + 1000);
                (sent, frame_body(&packet("2051", sent, from, "w01018-Avg=30.0,w01018-Flag=N;w00000-Cou=10,w00000-Flag=N")))
            })
            .collect();
        journal.push(hour_packet(8, &format!("w01018-Avg={sent_hour},w01018-Flag=N")));
        let sent = day().plus_ms(DAY_MS + 5 * MINUTE_MS);
        journal.push((sent, frame_body(&packet("2031", sent, day(), &format!("w01018-Avg={sent_day},w01018-Flag=N")))));
        journal.sort_by_key(|(at, _)| *at);
        let outputs = closed(&works(&[], 1), journal);
        let hour = outputs.last(start, Span::Hour).expect("published").means.iter().find(|mean| mean.factor.as_str() == "w01018").cloned();
        let hour = hour.and_then(|mean| mean.reported).expect("the logger's hour");
        let day = day_mean(&outputs, "w01018").reported.expect("the logger's day");
        assert_eq!([hour.agrees, day.agrees], agree.map(Some), "{sent_hour} {sent_day}");
        assert_eq!(hour.value.to_string(), sent_hour);
        assert_eq!(day.value.to_string(), sent_day);
    }
}

#[test]
fn a20_marks_of_different_kinds_add_up_over_clock_hours() {
    let example = example("A20");
    let marks = example["inputs"]["marks"].as_array().expect("marks");
    let of_day = |text: &str| {
        let (hour, minute) = text.split_once(':').expect("hh:mm");
        hour.parse::<i64>().expect("hh") * 60 + minute.parse::<i64>().expect("mm")
    };
    let flag = |minute: i64| {
        let mark = marks.iter().find(|mark| (of_day(&text(&mark["from"]))..=of_day(&text(&mark["to"]))).contains(&minute));
        mark.map_or("N".to_owned(), |mark| text(&mark["flag"]))
    };
    let journal = (13 * 60..19 * 60).map(|minute| {
        let from = day().plus_ms(minute * MINUTE_MS);
        let sent = from.plus_ms(MINUTE_MS + 500);
        (sent, frame_body(&packet("2051", sent, from, &format!("a21026-Avg=30,a21026-Flag={}", flag(minute)))))
    });
    let outputs = closed(&registry("", &[]), journal.collect());
    for row in example["expected"]["rows"].as_array().expect("rows") {
        let start = day().plus_ms(row["h"].as_i64().expect("h") * HOUR_MS);
        let mean = &outputs.last(start, Span::Hour).expect("published").means[0];
        assert_eq!(Value::from(mean.count), row["valid"], "{row}");
        assert_eq!(Value::from(mean.valid), row["hour_valid"], "{row}");
    }
}

#[test]
fn totals_of_a_part_of_the_hour_are_not_its_volume() {
    let start = day().plus_ms(8 * HOUR_MS);
    let ten = |ten: i64, total: &str| {
        let from = start.plus_ms(ten * 10 * MINUTE_MS);
        let sent = from.plus_ms(10 * MINUTE_MS + 1000);
        (sent, frame_body(&packet("2051", sent, from, &format!("w00000-Avg=50,{total}w00000-Flag=N"))))
    };
    let volume = |totals: [&str; 6]| {
        let journal = (0..6).map(|number| ten(number, totals[number as usize])).collect();
        let outputs = closed(&works(&[], 1), journal);
        let hour = outputs.last(start, Span::Hour).expect("published").means[0].clone();
        hour.volume.as_ref().map(Ratio::shown).unwrap_or_default()
    };
    // 50 L/s are 180 m³ in an hour.
    assert_eq!(volume(["", "", "", "", "", ""]), "180");
    assert_eq!(volume(["w00000-Cou=29,", "", "", "", "", ""]), "180");
    assert_eq!(volume(["w00000-Cou=29,"; 6]), "174");
}
