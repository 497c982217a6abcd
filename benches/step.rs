//! The engine's own microseconds: one packet through `step`, at 1,000 and at 100,000 outlets, batches of 500.
//! `cargo bench --bench step`.

use hj212d::domain::time::{MINUTE_MS, Moment};
use hj212d::engine::{Body, Engine, Entry, Snapshot};
use hj212d::protocol::encode::Segment;
use hj212d::registry::Files;
use std::collections::BTreeMap;
use std::time::Instant;

const FACTORS: [&str; 10] = ["a34013", "a21026", "a21002", "a21024", "a21005", "a19001", "a01011", "a01012", "a01014", "a00000"];
const BATCH: usize = 500;
const PACKETS: usize = 200_000;

fn registry(outlets: usize) -> Files {
    let mut rows: BTreeMap<String, String> = BTreeMap::from([
        ("sites.csv".to_owned(), "site,name,name_en,industry,region,valid_from,valid_to\nS1,Site,Site,,,2020-01-01,\n".to_owned()),
        ("outlets.csv".to_owned(), "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,oxidant_o2_pct,low_confidence_counts,valid_from,valid_to\n".to_owned()),
        ("loggers.csv".to_owned(), "mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to\n".to_owned()),
        ("series.csv".to_owned(), "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to\n".to_owned()),
        ("limits.csv".to_owned(), "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to\n".to_owned()),
    ]);
    let mut add = |file: &str, line: String| rows.get_mut(file).expect("one of the five").push_str(&line);
    for number in 0..outlets {
        add("outlets.csv", format!("O{number},S1,{number},,gas,,start,1,30,11,a19001,21,no,2020-01-01,\n"));
        add("loggers.csv", format!("{number:024X},S1,123456,standard,2017,,main,2020-01-01,\n"));
        for factor in FACTORS {
            add("series.csv", format!("O{number},{factor},{number:024X},31,,mg/m3,,1000,drift,2020-01-01,\n"));
        }
        add("limits.csv", format!("O{number},a21026,max,80,mg/m3,day,11,yes,standard,source,D,,2020-01-01,\n"));
    }
    Files(rows)
}

fn packet(logger: usize, from: Moment) -> Vec<u8> {
    let (qn, mn) = (from.plus_ms(MINUTE_MS).wire_ms(), format!("{logger:024X}"));
    let factor = |code: &str| format!(";{code}-Min=10.11,{code}-Avg=12.34,{code}-Max=14.90,{code}-Flag=N");
    let area = format!("DataTime={}{}", from.wire(), FACTORS.map(factor).concat());
    let segment =
        Segment { qn: Some(&qn), st: "31", cn: "2051", pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() };
    let mut bytes = segment.frame();
    bytes.truncate(bytes.len() - 2);
    bytes
}

#[allow(clippy::disallowed_methods)] // A bench measures.
fn run(outlets: usize) -> f64 {
    let mut engine = Engine::new(Snapshot::default(), false);
    let start = Moment::parse_rfc3339("2026-03-14T08:00:00+08:00").expect("an instant");
    let mut sequence = 1;
    engine.step(&[Entry { sequence, at: start, body: Body::RegistryVersion { files: registry(outlets) } }], Vec::new());
    let mut spent = std::time::Duration::ZERO;
    let mut bytes = 0;
    for round in 0..PACKETS / BATCH {
        let entries: Vec<Entry> = (0..BATCH)
            .map(|at| {
                let number = round * BATCH + at;
                let from = start.plus_ms((number / outlets) as i64 * MINUTE_MS);
                sequence += 1;
                let packet = packet(number % outlets, from);
                bytes += packet.len();
                let body = Body::Frame { bytes: packet, peer: "192.0.2.1:4000".to_owned(), gateway: "bench".to_owned(), connection: 1 };
                Entry { sequence, at: from.plus_ms(MINUTE_MS), body }
            })
            .collect();
        let began = Instant::now();
        let step = engine.step(&entries, Vec::new());
        spent += began.elapsed();
        assert_eq!(step.taken, BATCH);
    }
    let micros = spent.as_secs_f64() * 1e6 / PACKETS as f64;
    println!("{outlets:>7} outlets: {micros:.2} us a packet of {} bytes (10 factors)", bytes / PACKETS);
    micros
}

#[allow(clippy::disallowed_methods)]
fn main() {
    let (few, many) = (run(1_000), run(100_000));
    println!("ratio {:.2}", many / few);
}
