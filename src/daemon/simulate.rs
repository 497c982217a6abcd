//! `hj212d simulate`: a fleet for the loggers of a registry, over real TCP.

use super::config::moment;
use super::house::Demo;
use super::{Failure, exit, faults_text, read_registry};
use crate::domain::time::{DAY_MS, Moment};
use crate::domain::{Basis, FactorCode, Limit, Series};
use crate::engine::Body;
use crate::fleet::{self, Exceedance, FactorPlan, FleetPlan, LinkLoss, LoggerPlan, Mark, Scenario, StreamPlan, Tally};
use crate::registry::{Logger, Outlet, Registry, SeriesRow, StampLabel};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d simulate --registry deploy/sample-city --address 127.0.0.1:2120\n  hj212d simulate --registry deploy/sample-city --only S003-G1 --exceed S003-G1:a21026:2.5 --demo-time-scale 1800 --demo-start 2026-03-14\n  hj212d simulate --registry deploy/sample-city --random --seed 7 --until 2026-03-21 --demo-time-scale 600 --demo-start 2026-03-14\n  hj212d simulate --registry deploy/sample-city --record week.jsonl --demo-start 2026-03-14 --until 2026-03-21\n\nThe same seed sends the same bytes. Give serve and simulate the same --demo-… options."
)]
pub(super) struct Arguments {
    /// Registry directory: its loggers are played.
    #[arg(long, value_name = "DIR")]
    registry: PathBuf,
    /// Where the host listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2120")]
    address: SocketAddr,
    /// Decides every value and accident.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the loggers of these outlets; several with a comma.
    #[arg(long, value_delimiter = ',', value_name = "OUTLET")]
    only: Vec<String>,
    /// Multiplies a factor all the time: OUTLET:FACTOR:TIMES. May be given several times.
    #[arg(long, value_name = "OUTLET:FACTOR:TIMES", value_parser = exceedance)]
    exceed: Vec<(String, String, f64)>,
    /// Multiplies what the hour and day records say, but not the minutes: OUTLET:FACTOR:TIMES. May be given several times.
    #[arg(long, value_name = "OUTLET:FACTOR:TIMES", value_parser = exceedance)]
    misreport: Vec<(String, String, f64)>,
    /// Marks an outlet's factor for a while: OUTLET:FACTOR:MARK:FROM/TO.
    #[arg(long, value_name = "OUTLET:FACTOR:MARK:FROM/TO", value_parser = mark)]
    mark: Vec<Mark>,
    /// Cuts a logger off for a while, which then back-fills: MN:FROM/TO.
    #[arg(long, value_name = "MN:FROM/TO", value_parser = link_loss)]
    cut: Vec<LinkLoss>,
    /// A seeded mix of exceedances, marks, lost links, wrong clocks and damaged packets.
    #[arg(long)]
    random: bool,
    /// Ends when the clock shows this, after all answers have come; default: on Ctrl-C.
    #[arg(long, value_name = "INSTANT", value_parser = moment)]
    until: Option<Moment>,
    /// Connects to nobody: writes what would be sent, in order, as lines for replay --input. Needs --until.
    #[arg(long, value_name = "FILE", requires = "until")]
    record: Option<PathBuf>,
    #[command(flatten)]
    demo: Demo,
    /// Real-time packets (CN 2011) at each outlet's interval, too.
    #[arg(long)]
    real_time: bool,
    /// Loggers ask for no answers.
    #[arg(long)]
    no_answers: bool,
}

fn exceedance(text: &str) -> Result<(String, String, f64), String> {
    let wrong = || format!("{text:?}: write OUTLET:FACTOR:TIMES, S003-G1:a21026:2.5");
    let mut parts = text.split(':');
    let (Some(outlet), Some(factor), Some(times), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return Err(wrong()) };
    let times: f64 = times.parse().map_err(|_| wrong())?;
    if times.is_finite() && times > 0.0 { Ok((outlet.to_owned(), factor.to_owned(), times)) } else { Err(wrong()) }
}

fn period(text: &str) -> Result<(Moment, Moment), String> {
    let (from, to) = text.split_once('/').ok_or_else(|| format!("{text:?}: write FROM/TO"))?;
    Ok((moment(from)?, moment(to)?))
}

fn mark(text: &str) -> Result<Mark, String> {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let [outlet, factor, marker, span] = parts[..] else { return Err(format!("{text:?}: write OUTLET:FACTOR:MARK:FROM/TO")) };
    let (from, to) = period(span)?;
    let factor = (factor != "*").then(|| factor.to_owned());
    Ok(Mark { outlet: outlet.to_owned(), factor, from, to, marker: marker.to_owned() })
}

fn link_loss(text: &str) -> Result<LinkLoss, String> {
    let (mn, span) = text.split_once(':').ok_or_else(|| format!("{text:?}: write MN:FROM/TO"))?;
    let (from, to) = period(span)?;
    Ok(LinkLoss { mn: mn.to_owned(), from, to })
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let files = read_registry(&arguments.registry)?;
    let registry = Registry::parse(&files).map_err(|faults| Failure::new(exit::DATA, faults_text(&arguments.registry, &faults)))?;
    let clock = arguments.demo.clock();
    let start = clock.now();
    let loggers = loggers(&registry, &arguments, start);
    if loggers.is_empty() {
        return Err(Failure::new(exit::DATA, "no logger to play: --only names no outlet that a main logger reports on"));
    }
    let scenario = scenario(&arguments, &loggers, start);
    let plan = FleetPlan { seed: arguments.seed, loggers, start, scenario };
    if let (Some(file), Some(until)) = (&arguments.record, arguments.until) {
        return record(&plan, file, until);
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Failure::new(exit::IO, format!("runtime: {error}")))?;
    runtime.block_on(async {
        eprintln!("{} loggers connect to {}; the clock shows {start}, Ctrl-C ends", plan.loggers.len(), arguments.address);
        let (stop, stopped) = watch::channel(false);
        let tally = Arc::new(Tally::default());
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = stop.send(true);
            }
        });
        let shown = tokio::spawn(show(Arc::clone(&tally), clock));
        let counts = fleet::run(plan, arguments.address, move || clock.now(), arguments.until, stopped, tally).await;
        shown.abort();
        say!("{}", serde_json::to_string(&counts).unwrap_or_default());
    });
    Ok(())
}

/// How long a recorded packet is under way.
const UNDER_WAY_MS: i64 = 200;

/// Writes what the fleet would send until an instant: no clock, no socket. Damaged copies are left out.
fn record(plan: &FleetPlan, file: &Path, until: Moment) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(exit::IO, format!("{}: {error}", file.display()));
    let mut out = BufWriter::new(File::create(file).map_err(failed)?);
    let new = |logger: &LoggerPlan| fleet::Logger::new(logger.clone(), &plan.scenario, plan.seed, plan.start);
    let mut loggers: Vec<fleet::Logger> = plan.loggers.iter().map(new).collect();
    let mut packets = 0u64;
    let next = |loggers: &[fleet::Logger]| {
        let due = loggers.iter().enumerate().filter_map(|(at, logger)| Some((logger.next_due()?, at)));
        due.min().filter(|(due, _)| *due <= until)
    };
    while let Some((due, at)) = next(&loggers) {
        for outgoing in loggers[at].due(due).into_iter().filter(|outgoing| outgoing.what != "damaged") {
            let (at, bytes) = (due.plus_ms(UNDER_WAY_MS), outgoing.bytes.trim_ascii_end());
            let line = match std::str::from_utf8(bytes) {
                Ok(packet) => serde_json::json!({"at": at.to_string(), "packet": packet}),
                // Under SM4 a packet is no text: the entry holds its bytes.
                Err(_) => {
                    let (peer, gateway) = ("simulated".to_owned(), "simulated".to_owned());
                    let body = Body::Frame { bytes: bytes.to_vec(), peer, gateway, connection: 0 };
                    let mut line = serde_json::json!({"at": at.to_string()});
                    if let (Some(line), Ok(serde_json::Value::Object(body))) = (line.as_object_mut(), serde_json::to_value(&body)) {
                        line.extend(body);
                    }
                    line
                }
            };
            writeln!(out, "{line}").map_err(failed)?;
            packets += 1;
        }
    }
    out.flush().map_err(failed)?;
    say!("{packets} packets of {} loggers written to {}", loggers.len(), file.display());
    Ok(())
}

/// A line of progress on a terminal.
async fn show(tally: Arc<Tally>, clock: crate::pipeline::clock::ArrivalClock) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let counts = tally.counts();
        eprint!("\r{}  sent {}  answered {}  resent {}  ", clock.now(), counts.sent, counts.answered, counts.resent);
    }
}

fn scenario(arguments: &Arguments, loggers: &[LoggerPlan], start: Moment) -> Scenario {
    let mut scenario = if arguments.random {
        let days = arguments.until.map_or(30, |until| (until.0 - start.0) / DAY_MS + 1);
        Scenario::random(arguments.seed, loggers, start.day().start(), days.clamp(1, 3660) as u32)
    } else {
        Scenario::default()
    };
    let always = |(outlet, factor, times): &(String, String, f64)| Exceedance {
        outlet: outlet.clone(),
        factor: factor.clone(),
        from: Moment(0),
        to: Moment(i64::MAX),
        times: *times,
    };
    scenario.exceedances.extend(arguments.exceed.iter().map(always));
    scenario.misreports.extend(arguments.misreport.iter().map(always));
    scenario.marks.extend(arguments.mark.iter().cloned());
    scenario.link_losses.extend(arguments.cut.iter().cloned());
    scenario
}

/// A plan for every logger in force that is the first to report on one of the outlets: a standby one stays silent.
fn loggers(registry: &Registry, arguments: &Arguments, at: Moment) -> Vec<LoggerPlan> {
    let mut played = std::collections::BTreeSet::new();
    let mut plans = Vec::new();
    for logger in registry.loggers(at) {
        let mut streams: BTreeMap<(String, String), Vec<(FactorCode, &SeriesRow)>> = BTreeMap::new();
        for (wire, row) in registry.wires(logger.mn.as_str()).filter(|(_, row)| row.validity.holds(at)) {
            streams.entry((row.outlet.to_string(), row.st.clone())).or_default().push((wire, row));
        }
        let wanted = |outlet: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == outlet);
        streams.retain(|(outlet, _), _| wanted(outlet) && !played.contains(outlet));
        played.extend(streams.keys().map(|(outlet, _)| outlet.clone()));
        let streams: Vec<StreamPlan> = streams.into_values().filter_map(|rows| stream(registry, logger, &rows, at, arguments.real_time)).collect();
        if streams.is_empty() {
            continue;
        }
        plans.push(LoggerPlan {
            mn: logger.mn.to_string(),
            password: if logger.password.is_empty() { "123456".to_owned() } else { logger.password.clone() },
            edition: logger.edition,
            crc: logger.dialect,
            key: logger.keys.first().cloned(),
            answers: !arguments.no_answers,
            streams,
        });
    }
    plans
}

fn stream(registry: &Registry, logger: &Logger, rows: &[(FactorCode, &SeriesRow)], at: Moment, real_time: bool) -> Option<StreamPlan> {
    let first = rows.first()?.1;
    let outlet = registry.outlet(first.outlet, at)?;
    let mut factors: Vec<FactorPlan> = Vec::new();
    let old = logger.edition == crate::protocol::Edition::Y2005;
    for (wire, row) in rows {
        // Of the codes that mean a factor, a 2005 logger sends its own and the others the 2017 one.
        let own = wire.as_str() == row.factor.as_str();
        let several = rows.iter().filter(|(_, other)| other.factor == row.factor).count() > 1;
        if several && own == old {
            continue;
        }
        if factors.iter().all(|factor| factor.factor != row.factor.as_str()) {
            factors.push(factor(registry, outlet, *wire, row, at));
        }
    }
    Some(StreamPlan {
        outlet: outlet.id.to_string(),
        st: if first.st.is_empty() { "31".to_owned() } else { first.st.clone() },
        minute_interval_min: outlet.minute_interval,
        real_interval_secs: if real_time { u32::from(outlet.real_interval_secs) } else { 0 },
        stamp_end: outlet.stamp_label == StampLabel::End,
        factors,
    })
}

/// A factor well below its strictest limit, or an ordinary figure for a parameter.
fn factor(registry: &Registry, outlet: &Outlet, wire: FactorCode, row: &SeriesRow, at: Moment) -> FactorPlan {
    let series = Series { outlet: outlet.id, factor: row.factor };
    let limits: Vec<&Limit> = [Basis::Day, Basis::Hour].into_iter().flat_map(|basis| registry.limits(series, basis, at)).collect();
    let strictest = limits.iter().filter_map(|limit| limit.limit.parse::<f64>().ok()).fold(f64::INFINITY, f64::min);
    let converts = limits.iter().any(|limit| limit.converted);
    let number = |value: rust_decimal::Decimal| value.to_string().parse::<f64>().unwrap_or(1.0);
    let oxygen = outlet.oxygen_factor == Some(row.factor);
    let reference = outlet.reference_oxygen.map(number);
    let (base, swing, noise) = match row.factor.as_str() {
        _ if oxygen => (reference.unwrap_or(9.0), 0.05, 0.02),
        "w01001" => (7.2, 0.03, 0.01),
        "w01010" => (18.0, 0.1, 0.01),
        "a01011" => (12.0, 0.1, 0.05),
        "a01012" => (85.0, 0.05, 0.02),
        "a01013" => (-0.3, 0.1, 0.1),
        "a01014" => (9.0, 0.1, 0.05),
        "a01901" => (930.0, 0.02, 0.01),
        "a00000" | "w00000" => (60.0, 0.2, 0.05),
        _ if strictest.is_finite() => (strictest * 0.5, 0.2, 0.08),
        _ => (10.0, 0.2, 0.08),
    };
    let unit_factor = number(row.unit_factor);
    let ceiling = row.range_high.map_or(f64::MAX, number) / unit_factor;
    let natural = row.negative == crate::registry::Negative::Natural;
    FactorPlan {
        factor: row.factor.to_string(),
        wire_code: wire.to_string(),
        base: base / unit_factor,
        swing,
        noise,
        decimals: if base.abs() / unit_factor < 1.0 { 4 } else { 2 },
        reference_oxygen: reference.filter(|_| converts),
        oxygen,
        flow: outlet.flow_factor == Some(row.factor),
        floor: if natural { -1e9 } else { 0.0 },
        ceiling: ceiling.min(1e9),
    }
}
