//! What it costs to compare all outlets of a day with each other (邻点比对): `cargo bench --bench neighbours -- --outlets 100000`. Ten factors
//! an outlet, two outlets a site, a thousand a contractor; one outlet in a thousand is a copy, one lags behind another. Profiles are made
//! up as they are asked for, which is not counted; what reading them from a file costs is measured apart.

use hj212d::domain::time::{Day, Moment};
use hj212d::domain::{FactorCode, OutletDay, OutletId, RuleSet};
use hj212d::engine::{Body, Entry, Want, WriteSet};
use hj212d::registry::{Files, Registry};
use hj212d::rules::neighbours::Neighbourhood;
use hj212d::rules::{Hourly, Past, Profile, SeriesProfile};
use hj212d::store::{DatabaseUrl, Store};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const FACTORS: [&str; 10] = ["a34013", "a21026", "a21002", "a21024", "a21005", "a19001", "a01011", "a01012", "a01014", "a00000"];
/// Outlets whose profiles are written to a file and read again.
const STORED: usize = 1_000;

fn registry(outlets: usize) -> Registry {
    let heads = [
        ("sites.csv", "site,name,name_en,industry,region,valid_from,valid_to"),
        (
            "outlets.csv",
            "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,\
             oxidant_o2_pct,low_confidence_counts,valid_from,valid_to",
        ),
        ("loggers.csv", "mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to"),
        ("series.csv", "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to"),
        ("limits.csv", "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to"),
        ("contractors.csv", "contractor,name,site,outlet,document,valid_from,valid_to"),
    ];
    let mut rows: BTreeMap<String, String> = heads.into_iter().map(|(name, head)| (name.to_owned(), format!("{head}\n"))).collect();
    let mut add = |file: &str, line: String| rows.get_mut(file).expect("one of them").push_str(&line);
    for number in 0..outlets {
        let site = number / 2;
        if number % 2 == 0 {
            add("sites.csv", format!("S{site},Site {site},,,R{},2020-01-01,\n", site % 100));
            add("contractors.csv", format!("K{},Contractor,S{site},,,2020-01-01,\n", number / 1000));
        }
        add("outlets.csv", format!("O{number},S{site},{number},,gas,trade {},start,5,30,11,a19001,21,no,2020-01-01,\n", number % 7));
        add("loggers.csv", format!("{number:024X},S{site},123456,standard,2017,,main,2020-01-01,\n"));
        for factor in FACTORS {
            add("series.csv", format!("O{number},{factor},{number:024X},31,,mg/m3,,1000,drift,2020-01-01,\n"));
        }
        for (factor, limit) in [("a21026", 80), ("a21002", 250), ("a34013", 20), ("a21024", 50), ("a21005", 80)] {
            add("limits.csv", format!("O{number},{factor},max,{limit},mg/m3,day,11,yes,standard,source,D,,2020-01-01,\n"));
        }
    }
    Registry::parse(&Files(rows)).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Hundredths that an outlet shows in an hour.
fn value(outlet: u64, factor: u64, hour: i64) -> i64 {
    match outlet % 1000 {
        // A copy of the one before it, a day later; and one that lags behind another, at nine tenths.
        7 => value(outlet - 1, factor, hour - 24),
        17 => value(outlet - 1, factor, hour - 5) * 9 / 10,
        _ => 3000 + (mix(mix(outlet * 16 + factor) ^ hour as u64) % 2000) as i64,
    }
}

fn past(outlet: OutletId, day: Day, days: u32) -> Past {
    let number: u64 = outlet.as_str()[1..].parse().expect("a number");
    let series = |day: Day, at: usize| {
        let hourly = || Hourly::of(|hour| Some(Decimal::new(value(number, at as u64, day.hour(hour).0), 2)));
        let converted = if at < 5 { hourly() } else { Hourly::default() };
        SeriesProfile { measured: hourly(), converted, ..SeriesProfile::default() }
    };
    let profile = |day: Day| Profile {
        running: (1 << 24) - 1,
        steady: (1 << 24) - 1,
        series: FACTORS.iter().enumerate().map(|(at, code)| (FactorCode::new(code).expect("short"), series(day, at))).collect(),
        ..Profile::default()
    };
    Past { days: (day.0 - days as i32..=day.0).map(|day| (Day(day), profile(Day(day)))).collect(), neighbours: Vec::new() }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

#[allow(clippy::disallowed_methods)] // A bench measures.
fn timed<T>(spent: &mut Duration, run: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let came = run();
    *spent += began.elapsed();
    came
}

/// Milliseconds an outlet to read its days from a file.
fn reading(day: Day, days: u32) -> f64 {
    let folder = std::env::temp_dir().join(format!("hj212d-neighbours-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let url = DatabaseUrl::Sqlite(folder.join("bench.sqlite"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outlets: Vec<OutletId> = (0..STORED).map(|number| OutletId::new(&format!("O{number}")).expect("short")).collect();
    let mut spent = Duration::ZERO;
    runtime.block_on(async {
        let mut store = Store::open(&url, false).await.expect("opened");
        store.snapshot().await.expect("an empty one");
        for (outlets, sequence) in outlets.chunks(100).zip(1u64..) {
            let of = |outlet: &OutletId| -> Vec<(OutletDay, Profile)> {
                let key = |day: Day| OutletDay { outlet: *outlet, day };
                past(*outlet, day, days).days.into_iter().map(|(day, profile)| (key(day), profile)).collect()
            };
            let profiles = outlets.iter().flat_map(of).collect();
            let entry = Entry { sequence, at: Moment(sequence as i64), body: Body::Tick {} };
            let writes = WriteSet { from: sequence - 1, to: sequence, profiles, ..WriteSet::default() };
            store.commit(&[entry], &writes, Vec::new(), 0).await.expect("committed");
        }
        drop(store);
        let mut reader = Store::read(&url).await.expect("read");
        for outlets in outlets.chunks(64) {
            let wants: Vec<Want> = outlets.iter().map(|outlet| Want::of_past(OutletDay { outlet: *outlet, day }, days)).collect();
            #[allow(clippy::disallowed_methods)] // As above.
            let began = Instant::now();
            let recalled = reader.recall(&wants).await.expect("recalled");
            spent += began.elapsed();
            assert!(recalled.iter().all(|day| day.past.as_ref().is_some_and(|past| past.days.len() > days as usize)));
        }
    });
    std::fs::remove_dir_all(&folder).expect("removed");
    spent.as_secs_f64() * 1e3 / STORED as f64
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let named = arguments.iter().position(|argument| argument == "--outlets").and_then(|at| arguments.get(at + 1));
    let outlets = named.map_or(10_000, |count| count.parse().expect("--outlets wants a number"));
    let day = Day::parse("2026-03-14").expect("a day");
    let registry = registry(outlets);
    let before = resident_mib();
    let set = RuleSet::default();
    let mut all = Neighbourhood::new(&registry, &set, day);
    let (first, second) = all.reach();
    let (mut looking, mut pairing, mut again, mut finding) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for outlet in all.outlets() {
        let past = past(outlet, day, first);
        timed(&mut looking, || all.look(outlet, &past));
    }
    let held = resident_mib().saturating_sub(before);
    let pairs = timed(&mut pairing, || all.pair());
    let most = resident_mib().saturating_sub(before);
    for outlet in &pairs {
        let past = past(*outlet, day, second);
        timed(&mut again, || all.look_again(*outlet, &past));
    }
    let found = timed(&mut finding, || all.found());
    let seconds = |spent: Duration| spent.as_secs_f64();
    println!(
        "{outlets} outlets: first look {:.1} s, pairs {:.1} s, second look at {} outlets {:.1} s, findings at {} outlets {:.1} s; {held} MiB held, {most} MiB while pairs are made",
        seconds(looking),
        seconds(pairing),
        pairs.len(),
        seconds(again),
        found.len(),
        seconds(finding),
    );
    let each = reading(day, first);
    println!("reading {} days of an outlet from a file: {each:.2} ms; of {outlets} outlets {:.0} s", first + 1, each * outlets as f64 / 1e3);
}
