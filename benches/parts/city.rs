//! A city of outlets with ten factors each, for benches of the engine.

use hj212d::domain::time::Moment;
use hj212d::domain::{Grade, RuleId, RuleSet, RuleSetting, Source};
use hj212d::engine::Body;
use hj212d::protocol::encode::Segment;
use hj212d::registry::Files;
use std::collections::BTreeMap;

/// Code, usual value and swing, in hundredths.
pub const FACTORS: [(&str, u64, u64); 10] = [
    ("a34013", 800, 300),
    ("a21026", 3000, 900),
    ("a21002", 9000, 2000),
    ("a21024", 1500, 400),
    ("a21005", 2000, 700),
    ("a19001", 900, 150),
    ("a01011", 1500, 200),
    ("a01012", 14000, 600),
    ("a01014", 1200, 200),
    ("a00000", 30000, 3000),
];
/// So many outlets of ten factors, with a logger each.
pub fn registry(outlets: usize, interval_min: i64) -> Files {
    let mut rows: BTreeMap<String, String> = BTreeMap::from([
        ("sites.csv".to_owned(), "site,name,name_en,industry,region,valid_from,valid_to\nS1,Site,Site,,,2020-01-01,\n".to_owned()),
        ("outlets.csv".to_owned(), "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,oxidant_o2_pct,low_confidence_counts,valid_from,valid_to,expects\n".to_owned()),
        ("loggers.csv".to_owned(), "mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to\n".to_owned()),
        ("series.csv".to_owned(), "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to\n".to_owned()),
        ("limits.csv".to_owned(), "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to\n".to_owned()),
    ]);
    let mut add = |file: &str, line: String| rows.get_mut(file).expect("one of the five").push_str(&line);
    for number in 0..outlets {
        add("outlets.csv", format!("O{number},S1,{number},,gas,,start,{interval_min},30,11,a19001,21,no,2020-01-01,,2051;2061\n"));
        add("loggers.csv", format!("{number:024X},S1,123456,standard,2017,,main,2020-01-01,\n"));
        for (factor, ..) in FACTORS {
            let range = if factor == "a00000" { "1000" } else { "400" };
            add("series.csv", format!("O{number},{factor},{number:024X},31,,mg/m3,,{range},drift,2020-01-01,\n"));
        }
        for (factor, limit) in [("a21026", 80), ("a21002", 250), ("a34013", 20), ("a21024", 50), ("a21005", 80)] {
            for (basis, times) in [("day", 1), ("hour", 2)] {
                add("limits.csv", format!("O{number},{factor},max,{},mg/m3,{basis},11,yes,standard {basis},source,D,,2020-01-01,\n", limit * times));
            }
        }
    }
    Files(rows)
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 27)
}

/// A packet of a period that ended a second ago.
pub fn packet(cn: &str, logger: usize, from: Moment, length_ms: i64) -> Vec<u8> {
    let (qn, mn) = (from.plus_ms(length_ms + 1000).wire_ms(), format!("{logger:024X}"));
    let factor = |(at, (code, base, swing)): (usize, (&str, u64, u64))| {
        let value = base + mix(logger as u64 * 31 + from.0 as u64 / 60_000 + at as u64 * 977) % swing;
        let text = |value: u64| format!("{}.{:02}", value / 100, value % 100);
        format!(";{code}-Min={},{code}-Avg={},{code}-Max={},{code}-Flag=N", text(value - 5), text(value), text(value + 7))
    };
    let area = format!("DataTime={}{}", from.wire(), FACTORS.into_iter().enumerate().map(factor).collect::<String>());
    let segment = Segment { qn: Some(&qn), st: "31", cn, pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() };
    let mut bytes = segment.frame();
    bytes.truncate(bytes.len() - 2);
    bytes
}

/// No rule runs.
pub fn none() -> RuleSet {
    let setting = RuleSetting {
        rule: RuleId::new("*").expect("short"),
        trade: None,
        outlet: None,
        factor: None,
        runs: Some(false),
        figures: BTreeMap::new(),
        source: Source { text: "a bench".to_owned(), grade: Grade::D },
    };
    RuleSet { rules: vec![setting], ..RuleSet::default() }
}

/// A packet as an entry.
pub fn frame(bytes: Vec<u8>) -> Body {
    Body::Frame { bytes, peer: "192.0.2.1:4000".to_owned(), gateway: "bench".to_owned(), connection: 1 }
}
