//! How the rules do in the sample city's month, over many seeds: `cargo bench --bench scenarios -- --seeds 50`. With `--write` the
//! figures go to `protocol-fixtures/scenarios/measured.csv`.

#[path = "../tests/it/scenario_city.rs"]
mod scenario_city;

use hj212d::domain::Severity;
use scenario_city::{Month, Row, run, tally};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seeds that are taken where nobody says how many.
const SEEDS: u64 = 10;
const MEASURED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/scenarios/measured.csv");

#[allow(clippy::disallowed_methods)] // A bench measures.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let named = arguments.iter().position(|argument| argument == "--seeds").and_then(|at| arguments.get(at + 1));
    let seeds = named.map_or(SEEDS, |count| count.parse().expect("--seeds wants a number"));
    let began = Instant::now();
    let months = months(seeds);
    let seconds = began.elapsed().as_secs_f64();
    let rows = tally(&months);
    println!("seeds 1 to {seeds}, {} outlets, {:.1} s a month of one seed on all cores\n", outlets(&months), seconds / seeds.max(1) as f64);
    println!("{}", table(&rows));
    println!("{}", details(&months));
    if arguments.iter().any(|argument| argument == "--write") {
        std::fs::write(MEASURED, csv(&rows, seeds, outlets(&months))).expect("the file can be written");
        println!("written to {MEASURED}");
    }
}

/// The months of seeds 1 to `seeds`, on all cores.
fn months(seeds: u64) -> Vec<Month> {
    let (next, done) = (AtomicU64::new(1), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > seeds {
                        break;
                    }
                    let month = run(seed);
                    let mut done = done.lock().expect("no run failed");
                    done.push(month);
                    eprintln!("{} of {seeds} months played", done.len());
                }
            });
        }
    });
    let mut months = done.into_inner().expect("no run failed");
    months.sort_by_key(|month: &Month| month.seed);
    months
}

fn outlets(months: &[Month]) -> usize {
    months.first().map_or(0, |month| month.tales.len())
}

fn shown(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{share:.3}"))
}

/// The figures of a rule, in the order of the columns.
fn figures(row: &Row) -> [String; 9] {
    [
        row.rule.clone(),
        row.expected.to_string(),
        row.found.to_string(),
        row.missed().to_string(),
        row.all_false().to_string(),
        row.grave_false().to_string(),
        shown(row.precision()),
        shown(row.recall()),
        format!("{:.4}", row.false_rate()),
    ]
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        "| rule | expected | found | missed | false alarms | high or critical | precision | recall | false alarms per outlet-month |".to_owned(),
        "|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(rows.iter().map(|row| format!("| {} |", figures(row).join(" | "))));
    lines.join("\n") + "\n"
}

fn csv(rows: &[Row], seeds: u64, outlets: usize) -> String {
    let mut lines = vec![
        format!("# seeds 1 to {seeds}; {outlets} outlets; March 2026; cargo bench --bench scenarios -- --seeds {seeds} --write"),
        "rule,expected,found,missed,false_alarms,false_high,precision,recall,false_alarms_per_outlet_month".to_owned(),
    ];
    lines.extend(rows.iter().map(|row| figures(row).join(",")));
    lines.join("\n") + "\n"
}

/// What was missed and what was false, by scenario, with the number of months.
fn details(months: &[Month]) -> String {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for month in months {
        for violation in month.violations().iter().filter(|violation| violation.contains("is not found")) {
            let told = violation.split_once(": ").map_or(violation.as_str(), |(_, told)| told);
            *counts.entry(format!("! {told}")).or_default() += 1;
        }
        for unfound in month.unfound() {
            *counts.entry(format!("- not found: {unfound}")).or_default() += 1;
        }
        for ((outlet, rule, factor), severity) in month.false_alarms() {
            let name = month.tales.iter().find(|tale| tale.outlet == *outlet).map_or(outlet, |tale| &tale.name);
            let grave = if severity >= Severity::High { "!" } else { " " };
            *counts.entry(format!("{grave} {name}: {rule} {factor} {severity:?}")).or_default() += 1;
        }
    }
    counts.into_iter().map(|(what, count)| format!("{count:>5} x {what}\n")).collect()
}
