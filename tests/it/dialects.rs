//! What columns of the register do to the same packets: the dialect of the marks, the order of conversion, exemptions, restricted
//! periods, a standby logger beside its main one.

use crate::world::{MN, OUTLET, Outputs, SO2_DAY_80, at, frame_body, packet, registry, run, until};
use hj212d::domain::number::Ratio;
use hj212d::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{HourClass, Kind, Mean, Span};
use hj212d::engine::Body;
use hj212d::registry::Files;

fn start() -> Moment {
    at("2026-03-14 00:00:00")
}

/// A day of minutes; `say` gives the data area of each.
fn day(say: impl Fn(i64) -> String) -> Vec<(Moment, Body)> {
    (0..24 * 60)
        .map(|minute| {
            let from = start().plus_ms(minute * MINUTE_MS);
            let sent = from.plus_ms(MINUTE_MS + 300);
            (sent, frame_body(&packet("2051", sent, from, &say(minute))))
        })
        .collect()
}

fn closed(files: &Files, journal: Vec<(Moment, Body)>) -> Outputs {
    run(files, &until(journal, start().plus_ms(2 * DAY_MS)), 100)
}

/// The register with an optional column of outlets.csv.
fn with_outlet_column(column: &str, value: &str) -> Files {
    let mut files = registry("11", &[SO2_DAY_80]);
    let outlets = files.0.get_mut("outlets.csv").expect("a file");
    let (header, row) = outlets.split_once('\n').expect("two lines");
    *outlets = format!("{header},{column}\n{},{value}\n", row.trim_end());
    files
}

fn hour(outputs: &Outputs, hour: i64, kind: Kind) -> Mean {
    let publication = outputs.last(start().plus_ms(hour * HOUR_MS), Span::Hour).expect("published");
    publication.means.iter().find(|mean| mean.factor.as_str() == "a21026" && mean.kind == kind).cloned().expect("SO2")
}

fn of_day(outputs: &Outputs, kind: Kind) -> Mean {
    let publication = outputs.last(start(), Span::Day).expect("published");
    publication.means.iter().find(|mean| mean.factor.as_str() == "a21026" && mean.kind == kind).cloned().expect("SO2")
}

#[test]
fn the_mark_f_is_a_stop_of_the_source_unless_the_register_says_that_the_instrument_speaks() {
    let stopped = |minute: i64| format!("a21026-Avg=30,a21026-Flag={}", if minute / 60 == 8 { "F" } else { "N" });
    let class = |files: &Files| hour(&closed(files, day(stopped)), 8, Kind::Measured).class;
    assert_eq!(class(&registry("11", &[SO2_DAY_80])), Some(HourClass::Stop));
    assert_eq!(class(&with_outlet_column("marks", "hj75")), Some(HourClass::Stop));
    assert_eq!(class(&with_outlet_column("marks", "hj212")), Some(HourClass::Invalid));
}

#[test]
fn the_mark_b_is_a_broken_link_or_a_banked_fire_that_waits_for_a_person() {
    let banked = |minute: i64| format!("a21026-Avg=30,a21026-Flag={}", if minute / 60 == 8 { "B" } else { "N" });
    let note = |files: &Files| hour(&closed(files, day(banked)), 8, Kind::Measured).note;
    assert_eq!(note(&registry("11", &[SO2_DAY_80])), None);
    assert_eq!(note(&with_outlet_column("marks", "hj75")).as_deref(), Some("exempt_pending_review"));
}

#[test]
fn start_up_marks_are_shown_and_not_judged() {
    let starting = |minute: i64| format!("a21026-Avg=500,a21026-Flag={};a19001-Avg=11,a19001-Flag=N", if minute / 60 < 4 { "St" } else { "N" });
    let outputs = closed(&registry("11", &[SO2_DAY_80]), day(starting));
    let first = hour(&outputs, 0, Kind::Measured);
    assert_eq!((first.valid, first.note.as_deref()), (false, Some("exempt_pending_review")));
    assert_eq!(first.shadow.as_ref().map(Ratio::shown).as_deref(), Some("500"));
    assert_eq!(of_day(&outputs, Kind::Converted).count, 20);
}

#[test]
fn the_order_of_conversion_is_the_outlets() {
    // A07's hour, all day long: half at C 30 and O2 7, half at C 10 and O2 14; reference oxygen 11.
    let swinging = |minute: i64| {
        let (c, oxygen) = if minute % 60 < 30 { (30, 7) } else { (10, 14) };
        format!("a21026-Avg={c},a21026-Flag=N;a19001-Avg={oxygen},a19001-Flag=N")
    };
    let value = |files: &Files| of_day(&closed(files, day(swinging)), Kind::Converted).value.expect("valid").rounded(4);
    // 20 × 10/10.5; (30 × 10/14 + 10 × 10/7)/2, minutes rounded to six decimals.
    assert_eq!(value(&registry("11", &[SO2_DAY_80])), "19.0476");
    assert_eq!(value(&with_outlet_column("conversion", "minutes_first")), "17.8571");
}

#[test]
fn hours_of_an_approved_exemption_are_left_out_of_the_day_and_marked() {
    let high_at_night = |minute: i64| format!("a21026-Avg={},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", if minute / 60 < 3 { 400 } else { 70 });
    let mut files = registry("11", &[SO2_DAY_80]);
    let outputs = closed(&files, day(high_at_night));
    assert!(outputs.findings.iter().any(|finding| finding.standing), "without it the day is above the limit");
    files.0.insert(
        "exemptions.csv".to_owned(),
        format!("outlet,factor,kind,document,approved_by,approved_on,from,to\n{OUTLET},,start_up,鲁环函〔2026〕3号,示例市生态环境局,2026-03-10,2026-03-14T00:00:00+08:00,2026-03-14T03:00:00+08:00\n"),
    );
    let outputs = closed(&files, day(high_at_night));
    let mean = of_day(&outputs, Kind::Converted);
    assert_eq!((mean.count, mean.value.as_ref().map(Ratio::shown).as_deref(), mean.note.as_deref()), (21, Some("70"), Some("exempt_hours_left_out")));
    assert!(outputs.findings.is_empty());
    assert_eq!(hour(&outputs, 2, Kind::Converted).note.as_deref(), Some("exempt"));
    assert_eq!(hour(&outputs, 3, Kind::Converted).note, None);
}

#[test]
fn in_a_restricted_period_its_own_limit_is_in_force() {
    let steady = |_| "a21026-Avg=60,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N".to_owned();
    let mut files = registry("11", &[]);
    let header = "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to,restricted\n";
    let normal = format!("{SO2_DAY_80}\n").replace("2020-01-01,\n", "2020-01-01,,no\n");
    let strict = normal.replace(",max,80,", ",max,50,").replace(",no\n", ",yes\n");
    files.0.insert("limits.csv".to_owned(), format!("{header}{normal}{strict}"));
    assert!(closed(&files, day(steady)).findings.is_empty(), "60 is below 80");
    files
        .0
        .insert("restrictions.csv".to_owned(), format!("outlet,name,document,from,to\n{OUTLET},重污染天气应急,预案2026-1,2026-03-14,2026-03-15\n"));
    let outputs = closed(&files, day(steady));
    let finding = outputs.findings.last().expect("60 is above 50");
    assert_eq!((finding.standing, &finding.facts["limit"]["figure"]), (true, &serde_json::json!("50")));
}

#[test]
fn what_the_main_logger_says_stands_whatever_the_standby_says_and_when() {
    let mut files = registry("11", &[SO2_DAY_80]);
    let standby = crate::world::mn(7);
    let mut add = |name: &str, text: &str| files.0.get_mut(name).expect("a file").push_str(text);
    add("loggers.csv", &format!("{standby},S1,123456,standard,2017,,standby,2020-01-01,\n"));
    for (factor, range) in [("a21026", "50"), ("a19001", "25")] {
        add("series.csv", &format!("{OUTLET},{factor},{standby},31,,mg/m3,,{range},drift,2020-01-01,\n"));
    }
    let of = |mn: &str, minute: i64, value: i64, delay: i64| {
        let from = start().plus_ms(minute * MINUTE_MS);
        let sent = from.plus_ms(MINUTE_MS + delay);
        let bytes = packet("2051", sent, from, &format!("a21026-Avg={value},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N"));
        let text = String::from_utf8(bytes).expect("text").replace(MN, mn);
        (sent, frame_body(&hj212d::protocol::encode::frame(&text.trim_end().as_bytes()[6..text.trim_end().len() - 4])))
    };
    // The main logger is silent from noon to six; the standby speaks all day, always later and under higher QNs.
    let main = (0..24 * 60).filter(|minute| !(12 * 60..18 * 60).contains(minute)).map(|minute| of(MN, minute, 70, 300));
    let beside = (0..24 * 60).map(|minute| of(&standby, minute, 40, 20_000));
    let mut journal: Vec<_> = main.chain(beside).collect();
    journal.sort_by_key(|(at, _)| *at);
    let outputs = closed(&files, journal);
    let value = |number| hour(&outputs, number, Kind::Measured).value.as_ref().map(Ratio::shown);
    assert_eq!([value(8), value(14), value(20)].map(Option::unwrap_or_default), ["70", "40", "70"], "the standby's range of 50 is its own");
}

#[test]
fn a_record_with_a_converted_value_only_hides_no_measured_hour() {
    let odd = |minute: i64| match minute % 60 {
        7 => "a21026-ZsAvg=9,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N".to_owned(),
        _ => "a21026-Avg=90,a21026-ZsAvg=90,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N".to_owned(),
    };
    let outputs = closed(&registry("11", &[SO2_DAY_80]), day(odd));
    let measured = hour(&outputs, 8, Kind::Measured);
    assert_eq!((measured.value.as_ref().map(Ratio::shown).as_deref(), measured.count), (Some("90"), 59));
    assert_eq!(of_day(&outputs, Kind::Converted).value.as_ref().map(Ratio::shown).as_deref(), Some("90"));
    assert!(outputs.findings.iter().any(|finding| finding.standing), "one such packet an hour clears nobody");
    // Where every record is of that kind the converted hour is theirs.
    let only = closed(&registry("11", &[SO2_DAY_80]), day(|_| "a21026-ZsAvg=85,a21026-Flag=N".to_owned()));
    assert_eq!(of_day(&only, Kind::Converted).value.as_ref().map(Ratio::shown).as_deref(), Some("85"));
    assert_eq!(of_day(&only, Kind::Measured).value, None);
}

#[test]
fn the_main_loggers_own_hour_stands_before_the_standbys_minutes() {
    let mut files = registry("", &[]);
    let standby = crate::world::mn(7);
    let mut add = |name: &str, text: &str| files.0.get_mut(name).expect("a file").push_str(text);
    add("loggers.csv", &format!("{standby},S1,123456,standard,2017,,standby,2020-01-01,\n"));
    add("series.csv", &format!("{OUTLET},a21026,{standby},31,,mg/m3,,1000,drift,2020-01-01,\n"));
    let of_standby = |(sent, body): (Moment, Body)| {
        let Body::Frame { bytes, .. } = body else { unreachable!("a packet") };
        let text = String::from_utf8(bytes).expect("text").replace(MN, &standby);
        (sent, frame_body(&hj212d::protocol::encode::frame(&text.as_bytes()[6..text.len() - 4])))
    };
    let mut journal: Vec<_> = day(|_| "a21026-Avg=40,a21026-Flag=N".to_owned()).into_iter().map(of_standby).collect();
    let eight = start().plus_ms(8 * HOUR_MS);
    journal.push((eight.plus_ms(HOUR_MS + 500), frame_body(&packet("2061", eight.plus_ms(HOUR_MS), eight, "a21026-Avg=70,a21026-Flag=N"))));
    journal.sort_by_key(|(at, _)| *at);
    let outputs = closed(&files, journal);
    let value = |number| hour(&outputs, number, Kind::Measured).value.as_ref().map(Ratio::shown).unwrap_or_default();
    assert_eq!([value(7), value(8)], ["40", "70"]);
}
