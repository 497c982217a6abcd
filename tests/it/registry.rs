//! Faults of a registry: every one named by file, line, column and mend, all at once.

use crate::world::{SO2_DAY_80, registry};
use hj212d::registry::Registry;

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

#[test]
fn the_sample_city_is_sound() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/sample-city");
    let read = |name: &str| (name.to_owned(), std::fs::read_to_string(format!("{folder}/{name}")).expect("a file"));
    let files = hj212d::registry::Files(hj212d::registry::FILES.into_iter().map(read).collect());
    let registry = Registry::parse(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let sizes = registry.sizes();
    assert!(sizes[0].1 >= 12 && sizes[1].1 >= 30, "{sizes:?}");
}
