//! The registry: every fault named by file, line, column and mend, all at once; what a new one changes; packets to readings.

use crate::world::{MN, OUTLET, SO2_DAY_80, at, city, registry};
use hj212d::domain::time::Moment;
use hj212d::domain::{Basis, Depth, FactorCode, Limit, Mn, OutletId, RuleSet, Series, Shard, SiteId, UnusableReason};
use hj212d::protocol::encode::Segment;
use hj212d::protocol::{CrcDialect, decode};
use hj212d::registry::{
    Arrived, ConversionOrder, Difference, ExemptionKind, FILES, Files, MORE_FILES, MarkDialect, Registry, Role, Translation, changes,
};

#[test]
fn every_fault_is_named_with_its_place_and_its_mend_at_once() {
    let mut files = registry("11", &[SO2_DAY_80]);
    let mut add = |file: &str, line: &str| {
        if let Some(text) = files.0.get_mut(file) {
            text.push_str(line);
            text.push('\n');
        }
    };
    add("sites.csv", "S1,again,,,,2020-01-01,");
    add("sites.csv", "S2,,,,,2020-01-01,");
    add("sites.csv", "S3,name,,,,01.02.2020,");
    add("sites.csv", "S4,name,,,,2020-01-01,2019-01-01");
    add("sites.csv", "S5,name");
    add("outlets.csv", "O1,NOWHERE,n,,gas,,start,1,30,,,21,no,2020-01-01,");
    add("outlets.csv", "O2,S1,n,,smoke,,middle,7,0,22,,x,maybe,2020-01-01,");
    add("outlets.csv", "O3,S1,n,,gas,,start,1,30,11,,21,no,2020-01-01,");
    add("loggers.csv", "010000A8900016F000169D03,S1,123456,standard,2017,,main,2021-01-01,");
    add("loggers.csv", "M2,S1,123456,crc16,2018,short,third,2020-01-01,");
    add("series.csv", "S1-G1,a21026,010000A8900016F000169D03,31,,mg/m3,,1000,drift,2020-01-01,");
    add("series.csv", "S1-G1,a21027,UNKNOWN,31,,,minus,-5,often,2020-01-01,");
    add("limits.csv", "S1-G1,a99999,max,80,mg/m3,day,,no,std,src,S,,2020-01-01,");
    add("limits.csv", "S1-G1,a21026,above,eighty,,week,12,perhaps,,,Z,,2020-01-01,");
    add("limits.csv", "S1-G1,a21026,max,80,mg/m3,day,6,yes,other,src,S,,2020-01-01,");
    add("limits.csv", SO2_DAY_80);
    let faults = Registry::parse(&files).expect_err("faulty");
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for start in [
        "sites.csv:3: site: \"S1\" stands twice",
        "sites.csv:4: name: empty",
        "sites.csv:5: valid_from: \"01.02.2020\" is not a date",
        "sites.csv:6: valid_to: not after valid_from",
        "sites.csv:7: 2 fields, the header has 7",
        "outlets.csv:3: site: \"NOWHERE\" stands not in sites.csv",
        "outlets.csv:4: medium:",
        "outlets.csv:4: stamp_label:",
        "outlets.csv:4: minute_interval_min: \"7\" is not one of",
        "outlets.csv:4: real_interval_secs:",
        "outlets.csv:4: ref_o2_pct:",
        "outlets.csv:4: oxidant_o2_pct:",
        "outlets.csv:4: low_confidence_counts:",
        "outlets.csv:5: oxygen_factor: empty although",
        "loggers.csv:3: mn: \"010000A8900016F000169D03\" stands twice",
        "loggers.csv:4: crc:",
        "loggers.csv:4: edition:",
        "loggers.csv:4: sm4_keys:",
        "loggers.csv:4: role:",
        "series.csv:6: wire_code:",
        "series.csv:7: mn: \"UNKNOWN\" stands not in loggers.csv",
        "series.csv:7: unit: empty",
        "series.csv:7: unit_factor:",
        "series.csv:7: range_high:",
        "series.csv:7: negative:",
        "limits.csv:3: factor: a99999 is not measured at S1-G1",
        "limits.csv:4: limit_type:",
        "limits.csv:4: limit:",
        "limits.csv:4: basis:",
        "limits.csv:4: converted:",
        "limits.csv:4: grade:",
        "limits.csv:5: ref_o2_pct: 6 is not the outlet's",
        "limits.csv:6: limit: a second GB 18485-2014 table 4 limit",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(start)), "no fault begins with {start:?}:\n{}", lines.join("\n"));
    }
    assert!(faults.iter().all(|fault| !fault.mend.is_empty()));
    assert!(faults.is_sorted_by_key(|fault| {
        ["sites.csv", "outlets.csv", "loggers.csv", "series.csv", "limits.csv"].iter().position(|file| *file == fault.file)
    }));
}

#[test]
fn a_missing_file_and_an_unknown_column_are_named() {
    let mut files = registry("", &[]);
    files.0.remove("limits.csv");
    if let Some(sites) = files.0.get_mut("sites.csv") {
        *sites = sites.replace("region", "regoin");
    }
    let lines: Vec<String> = Registry::parse(&files).expect_err("faulty").iter().map(ToString::to_string).collect();
    assert!(lines.iter().any(|line| line.starts_with("limits.csv: file is missing")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("sites.csv:1: regoin: unknown column")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("sites.csv:1: region: column is missing")), "{lines:?}");
}

/// A folder of `protocol-fixtures/registry/`, or any other, as a registry directory.
fn directory(folder: &str) -> Files {
    let folder = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(format!("{folder}/{name}")).ok()?));
    Files(FILES.into_iter().chain(MORE_FILES).filter_map(read).collect())
}

fn sound(files: &Files) -> Registry {
    Registry::parse(files).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The files with this line at the end of one of them, which is made with this header if it is not there.
fn with(files: &Files, name: &str, header: &str, line: &str) -> Files {
    let mut files = files.clone();
    let text = files.0.entry(name.to_owned()).or_insert_with(|| format!("{header}\n"));
    text.push_str(&format!("{line}\n"));
    files
}

/// The files with every `old` of one of them replaced.
fn changed(files: &Files, name: &str, old: &str, new: &str) -> Files {
    let mut files = files.clone();
    let text = files.0.get_mut(name).expect("a file");
    assert!(text.contains(old), "{name} holds no {old:?}");
    *text = text.replace(old, new);
    files
}

fn outlet(name: &str) -> OutletId {
    OutletId::new(name).expect("short")
}

fn code(text: &str) -> FactorCode {
    FactorCode::new(text).expect("short")
}

const EXEMPTIONS: &str = "outlet,factor,kind,document,approved_by,approved_on,from,to";
const RESTRICTIONS: &str = "outlet,name,document,from,to";
const PERMITS: &str = "site,permit,document,issued,valid_from,valid_to";
const NEW_MN: &str = "010000A8900016F000169D99";
/// A daily dust limit on the measured value.
const DUST_DAY_20: &str = "S1-G1,a34013,max,20,mg/m3,day,,no,GB 18485-2014 table 4,invented,D,,2026-03-13,";

#[test]
fn thirty_kinds_of_fault_in_one_file_give_thirty_messages() {
    let faults = Registry::parse(&directory("protocol-fixtures/registry/faults")).expect_err("faulty");
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let expected: Vec<&str> = include_str!("../../protocol-fixtures/registry/faults/expected.txt").lines().collect();
    for (line, expected) in lines.iter().zip(&expected) {
        assert_eq!(line, expected);
    }
    assert_eq!(lines.len(), expected.len());
    assert!(faults.iter().filter(|fault| fault.file == "outlets.csv").count() >= 30);
}

#[test]
fn what_the_register_does_not_say_has_a_default() {
    let registry = sound(&registry("11", &[SO2_DAY_80]));
    let row = registry.outlet(outlet(OUTLET), at("2026-03-14 00:00:00")).expect("an outlet");
    assert_eq!((row.flow_factor, row.temperature_factor), (Some(code("a00000")), None));
    assert_eq!((row.marks, row.conversion), (MarkDialect::Standard, ConversionOrder::MeanFirst));
    assert!(row.expects.is_empty() && row.label.is_empty() && row.stack_area_m2.is_none());
    let logger = registry.logger(MN, at("2026-03-14 00:00:00")).expect("a logger");
    assert_eq!((logger.role, logger.replaces), (Role::Main, None));
    assert!(registry.wires(MN).all(|(_, row)| row.cycle_hours == 1));
    let series = Series { outlet: outlet(OUTLET), factor: code("a21026") };
    let limits: Vec<&Limit> = registry.limits(series, Basis::Day, at("2026-03-14 00:00:00")).collect();
    assert!(limits.len() == 1 && limits[0].cold.is_none() && !limits[0].restricted);
}

#[test]
fn optional_columns_may_stand_anywhere() {
    let files = registry("11", &[]);
    let files = changed(&files, "outlets.csv", "outlet,site,", "outlet,marks,expects,conversion,site,");
    let files = changed(&files, "outlets.csv", "S1-G1,S1,", "S1-G1,hj75,2051;2061,minutes_first,S1,");
    let registry = sound(&files);
    let row = registry.outlet(outlet(OUTLET), at("2026-03-14 00:00:00")).expect("an outlet");
    assert_eq!((row.marks, row.conversion), (MarkDialect::Hj75, ConversionOrder::MinutesFirst));
    assert_eq!(row.expects, ["2051", "2061"]);
}

#[test]
fn restricted_rows_stand_instead_of_the_others_while_output_is_restricted() {
    let files = registry("11", &[]);
    let files = changed(&files, "limits.csv", "valid_from,valid_to", "valid_from,valid_to,cold_limit,restricted");
    let add = |files: &Files, limit: &str| with(files, "limits.csv", "", limit);
    let files = add(&files, "S1-G1,a21026,max,80,mg/m3,day,,no,A,invented,D,,2020-01-01,,,");
    let files = add(&files, "S1-G1,a21026,max,90,mg/m3,day,,no,B,invented,D,,2020-01-01,,,no");
    let files = add(&files, "S1-G1,a21026,max,40,mg/m3,day,,no,A,invented,D,,2020-01-01,,,yes");
    let files = add(&files, "S1-G1,a21026,min,1,mg/m3,day,,no,A,invented,D,,2020-01-01,,,");
    let files = with(&files, "restrictions.csv", RESTRICTIONS, "S1-G1,orange alert,D-1,2026-03-14,2026-03-16");
    let registry = sound(&files);
    let figures = |time: &str| -> Vec<String> {
        let series = Series { outlet: outlet(OUTLET), factor: code("a21026") };
        registry.limits(series, Basis::Day, at(time)).map(|limit| limit.limit.clone()).collect()
    };
    assert_eq!(figures("2026-03-13 23:59:59"), ["80", "90", "1"]);
    assert_eq!(figures("2026-03-14 00:00:00"), ["40", "1"]);
    assert_eq!(figures("2026-03-16 00:00:00"), ["80", "90", "1"]);
    assert_eq!(registry.restricted(outlet(OUTLET), at("2026-03-15 00:00:00")).map(|row| row.name.as_str()), Some("orange alert"));
}

#[test]
fn an_exemption_is_found_where_it_touches_a_period_and_a_factor() {
    let files = registry("11", &[]);
    let line = "S1-G1,a21026,start_up,D-1,Sample Bureau,2026-03-13,2026-03-14T06:30:00+08:00,2026-03-14T10:00:00+08:00";
    let registry = sound(&with(&files, "exemptions.csv", EXEMPTIONS, line));
    let found = |factor: &str, from: &str, to: &str| registry.exemption(outlet(OUTLET), code(factor), at(from), at(to)).map(|row| row.kind);
    assert_eq!(found("a21026", "2026-03-14 06:00:00", "2026-03-14 07:00:00"), Some(ExemptionKind::StartUp));
    assert_eq!(found("a21026", "2026-03-14 05:00:00", "2026-03-14 06:30:00"), None);
    assert_eq!(found("a21026", "2026-03-14 10:00:00", "2026-03-14 11:00:00"), None);
    assert_eq!(found("a21002", "2026-03-14 06:00:00", "2026-03-14 07:00:00"), None);
}

#[test]
fn the_sample_city_is_sound() {
    let registry = sound(&directory("deploy/sample-city"));
    let sizes = registry.sizes();
    assert!(sizes[0].1 >= 12 && sizes[1].1 >= 30, "{sizes:?}");
    let march = at("2026-03-14 00:00:00");
    let works = outlet("S009-W1");
    let series = Series { outlet: works, factor: code("w21003") };
    let limits: Vec<&Limit> = registry.limits(series, Basis::Day, march).collect();
    assert_eq!(limits.iter().map(|limit| (limit.limit.as_str(), limit.cold.as_deref())).collect::<Vec<_>>(), [("5", Some("8"))]);
    assert_eq!(registry.contractors_of(works, march).map(|row| row.id.as_str()).collect::<Vec<_>>(), ["C02"]);
    assert_eq!(registry.permits(SiteId::new("S009").expect("short")).len(), 1);
    // What it shows of exemptions and restrictions lies in 2025.
    let kiln = Series { outlet: outlet("S006-G1"), factor: code("a21002") };
    let figures = |at: Moment| registry.limits(kiln, Basis::Hour, at).map(|limit| limit.limit.as_str()).collect::<Vec<_>>();
    assert_eq!((figures(march), figures(at("2025-12-12 00:00:00"))), (vec!["400"], vec!["320"]));
    assert!(registry.exemption(outlet("S003-G1"), code("a21026"), march, at("2026-04-01 00:00:00")).is_none());
}

// --- what a new register asks for ---

fn differences(old: &Files, newer: &Files) -> Vec<Difference> {
    sound(old).differences(&sound(newer))
}

fn difference(from: &str, to: Option<&str>, depth: Depth, what: &str) -> Difference {
    Difference { outlet: outlet(OUTLET), from: at(from), to: to.map(at), depth, what: what.to_owned() }
}

#[test]
fn a_limit_added_yesterday_asks_for_verdicts_from_yesterday_on() {
    let old = registry("11", &[SO2_DAY_80]);
    let what = "limits.csv, S1-G1 a34013 max day GB 18485-2014 table 4: row added, in force from 2026-03-13";
    let expected = [difference("2026-03-13 00:00:00", None, Depth::Verdicts, what)];
    assert_eq!(differences(&old, &registry("11", &[SO2_DAY_80, DUST_DAY_20])), expected);
}

#[test]
fn the_first_converted_limit_of_a_series_asks_for_its_packets() {
    let old = registry("11", &[SO2_DAY_80]);
    let nox = "S1-G1,a21002,max,250,mg/m3,day,11,yes,GB 18485-2014 table 4,invented,D,,2026-03-13,";
    let added = "limits.csv, S1-G1 a21002 max day GB 18485-2014 table 4: row added, in force from 2026-03-13";
    let first = "limits.csv, S1-G1 a21002: converted no → yes, its first converted limit";
    let expected = [difference("2026-03-13 00:00:00", None, Depth::Verdicts, added), difference("2026-03-13 00:00:00", None, Depth::Readings, first)];
    assert_eq!(differences(&old, &registry("11", &[SO2_DAY_80, nox])), expected);
}

#[test]
fn a_limit_that_ends_earlier_concerns_the_time_between_the_two_ends() {
    let ends = |day: &str| registry("11", &[&format!("{DUST_DAY_20}{day}")]);
    let what = "limits.csv, S1-G1 a34013 max day GB 18485-2014 table 4: valid_to 2026-06-01 → 2026-05-01";
    let expected = [difference("2026-05-01 00:00:00", Some("2026-06-01 00:00:00"), Depth::Verdicts, what)];
    assert_eq!(differences(&ends("2026-06-01"), &ends("2026-05-01")), expected);
    let what = "limits.csv, S1-G1 a34013 max day GB 18485-2014 table 4: valid_to 2026-05-01 → none";
    assert_eq!(differences(&ends("2026-05-01"), &ends("")), [difference("2026-05-01 00:00:00", None, Depth::Verdicts, what)]);
}

#[test]
fn another_range_asks_for_every_packet_of_the_series() {
    let old = registry("11", &[SO2_DAY_80]);
    let newer = changed(&old, "series.csv", "a21026,010000A8900016F000169D03,31,,mg/m3,,1000,", "a21026,010000A8900016F000169D03,31,,mg/m3,,500,");
    let what = "series.csv, S1-G1 a21026 of 010000A8900016F000169D03 under st 31: range_high 1000 → 500";
    assert_eq!(differences(&old, &newer), [difference("2020-01-01 00:00:00", None, Depth::Readings, what)]);
}

#[test]
fn another_range_of_an_outlet_that_stamps_ends_reaches_back_one_hour() {
    let old = changed(&registry("11", &[]), "outlets.csv", ",start,1,", ",end,1,");
    let line = "S1-G1,a21026,010000A8900016F000169D03,31,,mg/m3,,1000,drift,2020-01-01,";
    let split = format!("{line}2026-03-14\nS1-G1,a21026,010000A8900016F000169D03,31,,mg/m3,,500,drift,2026-03-14,\n");
    let newer = changed(&old, "series.csv", &format!("{line}\n"), &split);
    let what = "series.csv, S1-G1 a21026 of 010000A8900016F000169D03 under st 31: range_high 1000 → 500";
    assert_eq!(differences(&old, &newer), [difference("2026-03-13 23:00:00", None, Depth::Readings, what)]);
}

/// The registry with another logger in the place of the first from a day on.
fn replaced(files: &Files, day: &str) -> Files {
    let files = changed(files, "loggers.csv", ",main,2020-01-01,\n", &format!(",main,2020-01-01,{day}\n"));
    let files = with(&files, "loggers.csv", "", &format!("{NEW_MN},S1,654321,standard,2017,,main,{day},"));
    let series = files.0["series.csv"].clone();
    let mut files = changed(&files, "series.csv", ",drift,2020-01-01,\n", &format!(",drift,2020-01-01,{day}\n"));
    for line in series.lines().skip(1) {
        files = with(&files, "series.csv", "", &line.replace(MN, NEW_MN).replace("2020-01-01", day));
    }
    files
}

#[test]
fn a_replaced_logger_asks_for_the_packets_since_its_replacement() {
    let old = registry("11", &[SO2_DAY_80]);
    let found = differences(&old, &replaced(&old, "2026-03-10"));
    let [one] = &found[..] else { panic!("{found:#?}") };
    let what = "loggers.csv, 010000A8900016F000169D03: valid_to none → 2026-03-10; \
                loggers.csv, 010000A8900016F000169D99: row added, in force from 2026-03-10; \
                series.csv, S1-G1 a19001 of 010000A8900016F000169D03 under st 31: valid_to none → 2026-03-10; \
                series.csv, S1-G1 a19001 of 010000A8900016F000169D99 under st 31: row added, in force from 2026-03-10; \
                series.csv, S1-G1 a21002 of 010000A8900016F000169D03 under st 31: valid_to none → 2026-03-10; and 5 more";
    assert_eq!(*one, difference("2026-03-10 00:00:00", None, Depth::Readings, what));
}

#[test]
fn a_role_concerns_the_outlets_that_a_logger_reports_on_while_it_does() {
    let old = replaced(&registry("11", &[]), "2026-03-10");
    let newer = changed(&old, "loggers.csv", ",main,2026-03-10,", ",standby,2026-03-10,");
    let what = "loggers.csv, 010000A8900016F000169D99: role main → standby";
    assert_eq!(differences(&old, &newer), [difference("2026-03-10 00:00:00", None, Depth::Readings, what)]);
}

#[test]
fn another_trade_and_reference_oxygen_concern_the_time_from_their_date_on() {
    let limit = "S1-G1,a21026,max,80,mg/m3,day,,yes,GB 18485-2014 table 4,invented,D,,2020-01-01,";
    let old = registry("11", &[limit]);
    let newer = changed(&old, "outlets.csv", ",no,2020-01-01,\n", ",no,2020-01-01,2026-04-01\n");
    let newer = with(&newer, "outlets.csv", "", "S1-G1,S1,1号炉排口,Furnace 1,gas,cement,start,1,30,10,a19001,21,no,2026-04-01,");
    let what = "outlets.csv, S1-G1: trade waste → cement, ref_o2_pct 11 → 10";
    assert_eq!(differences(&old, &newer), [difference("2026-04-01 00:00:00", None, Depth::Readings, what)]);
    let back = "outlets.csv, S1-G1: trade cement → waste, ref_o2_pct 10 → 11";
    assert_eq!(differences(&newer, &old), [difference("2026-04-01 00:00:00", None, Depth::Readings, back)]);
}

#[test]
fn an_exemption_asks_for_its_hours_and_a_restriction_for_its_verdicts() {
    let old = registry("11", &[SO2_DAY_80]);
    let line = "S1-G1,,start_up,D-1,Sample Bureau,2026-03-13,2026-03-14T06:00:00+08:00,2026-03-14T10:00:00+08:00";
    let newer = with(&old, "exemptions.csv", EXEMPTIONS, line);
    let newer = with(&newer, "restrictions.csv", RESTRICTIONS, "S1-G1,orange alert,D-2,2026-03-20,2026-03-22");
    let exempt = "exemptions.csv, S1-G1 all factors start_up D-1: row added, in force from 2026-03-14T06:00:00+08:00 to 2026-03-14T10:00:00+08:00";
    let restricted = "restrictions.csv, S1-G1 orange alert D-2: row added, in force from 2026-03-20 to 2026-03-22";
    let expected = [
        difference("2026-03-20 00:00:00", Some("2026-03-22 00:00:00"), Depth::Verdicts, restricted),
        difference("2026-03-14 06:00:00", Some("2026-03-14 10:00:00"), Depth::Readings, exempt),
    ];
    assert_eq!(differences(&old, &newer), expected);
}

#[test]
fn a_listing_as_key_unit_concerns_the_time_between_the_two_dates() {
    let bare = registry("11", &[]);
    let listed = |day: &str| {
        let files = changed(&bare, "sites.csv", "valid_from,valid_to", "valid_from,valid_to,key_unit_from");
        changed(&files, "sites.csv", "2020-01-01,", &format!("2020-01-01,,{day}"))
    };
    let what = "sites.csv, S1: key_unit_from none → 2025-03-31";
    assert_eq!(differences(&bare, &listed("2025-03-31")), [difference("2025-03-31 00:00:00", None, Depth::Verdicts, what)]);
    let what = "sites.csv, S1: key_unit_from 2025-03-31 → 2024-03-29";
    let expected = [difference("2024-03-29 00:00:00", Some("2025-03-31 00:00:00"), Depth::Verdicts, what)];
    assert_eq!(differences(&listed("2025-03-31"), &listed("2024-03-29")), expected);
}

/// Another name, password, key, label and permit.
fn renamed(files: &Files) -> Files {
    let files = changed(files, "sites.csv", "示例垃圾焚烧厂", "示例能源");
    let files = changed(&files, "loggers.csv", ",123456,standard,2017,,", ",tOpSecret,modbus,2017,k1=30303030303030303030303030303030,");
    with(&files, "permits.csv", PERMITS, "S1,P-1,D-1,2023-12-15,2024-01-01,2029-01-01")
}

#[test]
fn names_passwords_keys_checks_and_permits_change_no_figure() {
    let old = registry("11", &[SO2_DAY_80]);
    assert!(differences(&old, &renamed(&old)).is_empty());
    assert!(differences(&old, &old).is_empty());
}

#[test]
fn every_changed_row_is_told_and_no_secret_is() {
    let old = registry("11", &[SO2_DAY_80]);
    let newer = changed(&renamed(&old), "limits.csv", ",max,80,", ",max,75,");
    let newer = with(&newer, "limits.csv", "", DUST_DAY_20);
    let newer = changed(&newer, "series.csv", "S1-G1,a34013,010000A8900016F000169D03,31,,mg/m3,,100,drift,2020-01-01,\n", "");
    let told = changes(&old, &newer);
    let expected = [
        "sites.csv: S1: name: 示例垃圾焚烧厂 -> 示例能源",
        "loggers.csv: 010000A8900016F000169D03: crc: standard -> modbus; password: changed; sm4_keys: changed",
        "series.csv: S1-G1 a34013 010000A8900016F000169D03 31: removed, from 2020-01-01",
        "limits.csv: S1-G1 a21026 max day GB 18485-2014 table 4: limit: 80 -> 75",
        "limits.csv: S1-G1 a34013 max day GB 18485-2014 table 4: added, from 2026-03-13",
        "permits.csv: S1 P-1: added, from 2024-01-01 to 2029-01-01",
    ];
    assert_eq!(told, expected);
    assert!(told.iter().all(|line| !line.contains("123456") && !line.contains("tOpSecret") && !line.contains("303030")));
    assert!(changes(&old, &old).is_empty());
}

#[test]
fn a_row_that_is_split_at_a_date_is_one_changed_and_one_added() {
    let old = registry("11", &[]);
    let newer = changed(&old, "outlets.csv", ",no,2020-01-01,\n", ",no,2020-01-01,2026-04-01\n");
    let newer = with(&newer, "outlets.csv", "", "S1-G1,S1,1号炉排口,Furnace 1,gas,cement,start,1,30,10,a19001,21,no,2026-04-01,");
    let expected = ["outlets.csv: S1-G1: valid_to: none -> 2026-04-01", "outlets.csv: S1-G1: added, from 2026-04-01"];
    assert_eq!(changes(&old, &newer), expected);
    // The default said aloud is no change.
    let said = changed(&old, "outlets.csv", ",start,1,30,", ",,1,30,");
    assert!(changes(&old, &said).is_empty());
}

// --- from packets to readings ---

/// What a minute record of 08:00 becomes, sent by a logger under a system code.
fn translated(registry: &Registry, mn: &str, st: &str, (qn, sequence): (&str, u64), area: &str) -> Translation {
    let area = format!("DataTime=20260314080000;{area}");
    let bytes = Segment { qn: Some(qn), st, cn: "2051", pw: Some("123456"), mn: Some(mn), flag: Some(5), area: &area, ..Segment::default() }.frame();
    let packet = decode(bytes.trim_ascii_end(), CrcDialect::Standard, &[]).expect("a packet");
    registry.translate(&packet, Arrived { at: at("2026-03-14 08:01:05"), sequence, peer: 0 }, &RuleSet::default())
}

const FIRST: (&str, u64) = ("20260314080100000", 1);
const SECOND: (&str, u64) = ("20260314080104000", 2);

#[test]
fn a_standby_logger_never_outranks_the_main_one_whichever_comes_first() {
    let mut files = registry("11", &[]);
    files = with(&files, "loggers.csv", "", &format!("{NEW_MN},S1,654321,standard,2017,,standby,2020-01-01,"));
    files = with(&files, "series.csv", "", &format!("S1-G1,a21026,{NEW_MN},31,,mg/m3,,1000,drift,2020-01-01,"));
    let registry = sound(&files);
    let from = |mn: &str, sent: (&str, u64)| {
        let translation = translated(&registry, mn, "31", sent, "a21026-Avg=10,a21026-Flag=N");
        translation.readings.first().expect("a reading").record.from
    };
    assert!(from(MN, FIRST) > from(NEW_MN, SECOND), "main, then standby");
    assert!(from(MN, SECOND) > from(NEW_MN, FIRST), "standby, then main");
    assert!(from(MN, SECOND) > from(MN, FIRST) && from(NEW_MN, SECOND) > from(NEW_MN, FIRST), "a correction of its own");
}

#[test]
fn a_role_is_read_by_the_row_in_force_when_the_value_was_measured() {
    let files = changed(&registry("11", &[]), "loggers.csv", ",main,2020-01-01,\n", ",standby,2020-01-01,2026-03-14\n");
    let files = with(&files, "loggers.csv", "", &format!("{MN},S1,123456,standard,2017,,main,2026-03-14,"));
    let registry = sound(&files);
    let mn = Mn::new(MN).expect("short");
    assert_eq!(registry.logger_rank(mn, at("2026-03-13 23:59:59")), 0);
    assert_eq!(registry.logger_rank(mn, at("2026-03-14 00:00:00")), 1);
    // Before its first row, the last one counts.
    assert_eq!(registry.logger_rank(mn, at("2019-12-31 00:00:00")), 1);
}

#[test]
fn one_logger_reports_on_several_outlets_told_apart_by_code_or_system() {
    let mut files = registry("11", &[]);
    for line in ["S1-G2,S1,2号炉,,gas,waste,start,1,30", "S1-W1,S1,1号口,,water,paper,start,10,60", "S1-W2,S1,2号口,,water,paper,start,10,60"] {
        files = with(&files, "outlets.csv", "", &format!("{line},,,,no,2020-01-01,"));
    }
    for line in ["S1-G2,a21026,MN,31,a2g026,mg/m3", "S1-W1,w01018,MN,32,,mg/L", "S1-W2,w01018,MN,33,,mg/L"] {
        files = with(&files, "series.csv", "", &format!("{},,400,drift,2020-01-01,", line.replace("MN", MN)));
    }
    let registry = sound(&files);
    let readings = |st: &str, area: &str| -> Vec<(String, String)> {
        let translation = translated(&registry, MN, st, FIRST, area);
        assert!(translation.unusable.is_empty(), "{translation:?}");
        translation.readings.iter().map(|reading| (reading.outlet.to_string(), reading.factor.to_string())).collect()
    };
    let pair = |outlet: &str, factor: &str| (outlet.to_owned(), factor.to_owned());
    assert_eq!(readings("31", "a21026-Avg=1,a21026-Flag=N;a2g026-Avg=2,a2g026-Flag=N"), [pair("S1-G1", "a21026"), pair("S1-G2", "a21026")]);
    assert_eq!(readings("32", "w01018-Avg=30,w01018-Flag=N"), [pair("S1-W1", "w01018")]);
    assert_eq!(readings("33", "w01018-Avg=30,w01018-Flag=N"), [pair("S1-W2", "w01018")]);
}

#[test]
fn a_total_is_kept_as_sent_and_stands_alone_only_for_the_flow() {
    let files = with(&registry("11", &[]), "series.csv", "", &format!("S1-G1,a00000,{MN},31,,m3/h,3600,,drift,2020-01-01,"));
    let registry = sound(&files);
    let totals = |area: &str| -> Vec<(String, Option<String>, Option<String>)> {
        let translation = translated(&registry, MN, "31", FIRST, area);
        let text = |value: Option<rust_decimal::Decimal>| value.map(|value| value.to_string());
        translation.readings.iter().map(|reading| (reading.factor.to_string(), text(reading.record.measured), text(reading.record.total))).collect()
    };
    let some = |value: &str| Some(value.to_owned());
    assert_eq!(totals("a00000-Cou=1234.50"), [("a00000".to_owned(), None, some("1234.50"))]);
    assert_eq!(totals("a00000-Avg=2,a00000-Cou=120,a00000-Flag=N"), [("a00000".to_owned(), some("7200"), some("120"))]);
    assert_eq!(totals("a21026-Avg=10,a21026-Cou=much,a21026-Flag=N"), [("a21026".to_owned(), some("10"), None)]);
    assert!(totals("a21026-Cou=5").is_empty());
    let unusable = translated(&registry, MN, "31", FIRST, "a00000-Cou=much").unusable;
    assert_eq!(unusable.get(&UnusableReason::NotNumber), Some(&1));
}

#[test]
fn a_register_is_cut_by_site_and_its_parts_make_the_whole_again() {
    const OF: u32 = 5;
    let files = directory("deploy/sample-city");
    let whole = sound(&files);
    assert_eq!(whole.uncuttable(), Vec::<String>::new());
    let parts: Vec<Files> = files.cut(OF);
    let read: Vec<Registry> = parts.iter().map(sound).collect();
    for (part, shard) in read.iter().zip(0..) {
        assert_eq!(part.version(), whole.version(), "a part goes by the version of its whole");
        assert_eq!(part.shard(), Shard::new(shard, OF));
        for outlet in part.outlets(at("2026-03-14 00:00:00")) {
            assert!(Shard::new(shard, OF).expect("below").owns(outlet.site.as_str()));
            // What is known of an outlet is known in its part.
            assert_eq!(part.loggers_of(outlet.id), whole.loggers_of(outlet.id));
            assert!(part.factors(outlet.id).eq(whole.factors(outlet.id)));
        }
    }
    for (at, (table, rows)) in whole.sizes().into_iter().enumerate() {
        assert_eq!(read.iter().map(|part| part.sizes()[at].1).sum::<usize>(), rows, "{table}");
    }
    let joined = Files::join(parts.iter()).expect("all parts of one version");
    assert_eq!((sound(&joined).sizes(), joined.version()), (whole.sizes(), whole.version().to_owned()));
    assert!(whole.differences(&sound(&joined)).is_empty());
    // One is missing, or is of another version.
    assert_eq!(Files::join(parts[1..].iter()), None);
    let others = registry("11", &[SO2_DAY_80]).cut(OF);
    assert_eq!(Files::join(others[..1].iter().chain(&parts[1..])), None);
}

#[test]
fn an_inlet_is_another_outlet_of_the_same_site() {
    let with = |inlet: &str| {
        let mut files = city(8);
        let outlets = files.0.get_mut("outlets.csv").expect("a file");
        let mut lines: Vec<String> = outlets.lines().map(|line| format!("{line},")).collect();
        lines[0].push_str("inlet");
        let own = lines.iter_mut().find(|line| line.starts_with("C1,")).expect("an outlet");
        own.push_str(inlet);
        *outlets = lines.join("\n") + "\n";
        Registry::parse(&files).map_err(|faults| faults[0].to_string())
    };
    let first = OutletId::new("C1").expect("short");
    let known = with("C2").expect("an outlet of the same site, though it stands below");
    let row = known.outlet(first, at("2026-03-14 00:00:00")).expect("it is there");
    assert_eq!(row.inlet.map(|inlet| inlet.to_string()).as_deref(), Some("C2"));
    assert_eq!(known.differences(&with("C3").expect("another one")).len(), 1, "who names another is judged again");
    let fault = |inlet: &str| with(inlet).expect_err("a fault");
    assert!(fault("C1").contains("inlet: the outlet itself"), "{}", fault("C1"));
    // C5 stands at the next site.
    for wrong in ["C5", "NOWHERE"] {
        assert!(fault(wrong).contains(&format!("inlet: {wrong:?} stands not in outlets.csv at this site")), "{}", fault(wrong));
    }
}
