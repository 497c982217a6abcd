//! `hj212d replay`: the engine over recorded packets, or over a stored journal, without network and database.

use super::config::{day, moment};
use super::{Failure, exit, faults_text, read_registry, readers, small_runtime, what_if};
use crate::domain::time::{Day, Moment};
use crate::engine::{Body, WriteSet};
use crate::message::{Topic, finding_body, mean_lines};
use crate::pipeline::replay::Replay;
use crate::registry::Registry;
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Entries that the engine gets at a time; the size changes no output.
const BATCH: usize = 2000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d replay --registry deploy/sample-city --input packets.jsonl --until 2026-03-16T00:00:00+08:00 --out out\n  hj212d replay --journal --data data --out out\n  hj212d replay --journal --data data --rules rules.json --from 2026-03-01 --to 2026-03-31\n\nWith --rules nothing is put in force: the stored packets run under the figures in force and under those of the file, and what would\nappear, vanish or change is printed.\n\nA line of --input is {\"at\": RFC 3339, \"packet\": \"##…\"} or {\"at\": …, \"kind\": \"tick\"} (link_up, link_down, recount, rule_set_version, …).\nWrites means.jsonl, findings.jsonl and referrals.jsonl."
)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["input", "journal"])))]
pub(super) struct Arguments {
    /// Registry directory. With --journal the registers of the journal are used.
    #[arg(long, value_name = "DIR", required_unless_present = "journal")]
    registry: Option<PathBuf>,
    /// Where the three files go (with --rules: changes.jsonl).
    #[arg(long, value_name = "DIR", required_unless_present = "rules")]
    out: Option<PathBuf>,
    /// What if these figures had been in force? Needs --journal.
    #[arg(long, value_name = "FILE", requires = "journal")]
    rules: Option<PathBuf>,
    /// First day that is compared.
    #[arg(long, value_name = "DAY", requires = "rules", value_parser = day)]
    from: Option<Day>,
    /// Last day that is compared.
    #[arg(long, value_name = "DAY", requires = "rules", value_parser = day)]
    to: Option<Day>,
    /// Recorded lines.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The journal of a data folder.
    #[arg(long)]
    journal: bool,
    /// The data folder of --journal.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Closes time: timers before this instant fire.
    #[arg(long, value_name = "INSTANT", value_parser = moment)]
    until: Option<Moment>,
    /// Take packets of unknown loggers as good.
    #[arg(long)]
    accept_unknown: bool,
}

/// The three files.
struct Files {
    means: BufWriter<File>,
    findings: BufWriter<File>,
    referrals: BufWriter<File>,
    error: Option<std::io::Error>,
}

impl Files {
    fn create(folder: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(exit::IO, format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let create = |name: &str| File::create(folder.join(name)).map(BufWriter::new).map_err(failed);
        Ok(Self { means: create("means.jsonl")?, findings: create("findings.jsonl")?, referrals: create("referrals.jsonl")?, error: None })
    }

    fn take(&mut self, writes: &WriteSet) {
        if let Err(error) = self.write(writes) {
            self.error.get_or_insert(error);
        }
    }

    fn write(&mut self, writes: &WriteSet) -> std::io::Result<()> {
        for mean in writes.publications.iter().flat_map(mean_lines) {
            line(&mut self.means, &mean)?;
        }
        for finding in &writes.findings {
            line(&mut self.findings, &finding_body(finding))?;
        }
        for event in writes.events.iter().filter(|event| event.topic == Topic::Referrals) {
            line(&mut self.referrals, event)?;
        }
        Ok(())
    }

    fn finish(mut self, folder: &Path) -> Result<(), Failure> {
        let flushed = [&mut self.means, &mut self.findings, &mut self.referrals].into_iter().try_for_each(Write::flush);
        match self.error.or(flushed.err()) {
            None => Ok(()),
            Some(error) => Err(Failure::new(exit::IO, format!("{}: {error}", folder.display()))),
        }
    }
}

fn line(file: &mut BufWriter<File>, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let progress = progress();
    if let Some(file) = &arguments.rules {
        let days = what_if::Days { from: arguments.from, to: arguments.to };
        return what_if::run(&arguments.data, file, days, arguments.out.as_deref(), &progress);
    }
    let out = arguments.out.as_deref().unwrap_or(Path::new("."));
    let mut files = Files::create(out)?;
    let mut replay = Replay::new(BATCH, arguments.accept_unknown);
    match &arguments.input {
        Some(input) => recorded(arguments, input, &mut replay, &mut files, &progress)?,
        None => return journals(arguments, files, out, &progress),
    }
    end(arguments, &mut replay, &mut files);
    progress.finish_and_clear();
    files.finish(out)
}

fn progress() -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{spinner} {human_pos} entries, {per_sec}, engine time {msg}");
    indicatif::ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_spinner()))
}

fn recorded(arguments: &Arguments, input: &Path, replay: &mut Replay, files: &mut Files, progress: &indicatif::ProgressBar) -> Result<(), Failure> {
    let folder = arguments.registry.as_deref().unwrap_or(Path::new("."));
    let registry = read_registry(folder)?;
    Registry::parse(&registry).map_err(|faults| Failure::new(exit::DATA, faults_text(folder, &faults)))?;
    let file = File::open(input).map_err(|error| Failure::new(exit::NO_INPUT, format!("{}: {error}", input.display())))?;
    let mut registry = Some(registry);
    let mut wrong: Vec<String> = Vec::new();
    for (number, text) in BufReader::new(file).split(b'\n').enumerate() {
        let text = text.map_err(|error| Failure::new(exit::IO, format!("{}: {error}", input.display())))?;
        if text.trim_ascii().is_empty() {
            continue;
        }
        match read_line(&text) {
            Err(what) => wrong.push(format!("{}:{}: {what}", input.display(), number + 1)),
            Ok((at, line)) => {
                // The register is in force before the first line.
                if let Some(files_in_force) = registry.take() {
                    replay.entry(at, Body::RegistryVersion { files: files_in_force }, &mut |writes| files.take(writes));
                }
                match line {
                    Line::Packet(packet) => replay.packet(at, packet.as_bytes(), &mut |writes| files.take(writes)),
                    Line::Entry(body) => replay.entry(at, body, &mut |writes| files.take(writes)),
                }
            }
        }
        progress.inc(1);
        if number % 10_000 == 0 {
            progress.set_message(replay.engine().now().to_string());
        }
    }
    // A bad line is named and stops nothing; what the good ones give is written.
    for line in wrong.iter().take(WRONG_LINES_SHOWN) {
        eprintln!("hj212d: {line}; the line was left out");
    }
    if wrong.len() > WRONG_LINES_SHOWN {
        eprintln!("hj212d: {} more lines were left out", wrong.len() - WRONG_LINES_SHOWN);
    }
    Ok(())
}

/// Lines that were left out and are named one by one.
const WRONG_LINES_SHOWN: usize = 20;

/// What a recorded line holds.
enum Line {
    Packet(String),
    Entry(Body),
}

fn read_line(text: &[u8]) -> Result<(Moment, Line), String> {
    let mut object: serde_json::Map<String, Value> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let at = object.remove("at").and_then(|at| at.as_str().and_then(Moment::parse_rfc3339));
    let at = at.ok_or("\"at\" is missing or no RFC 3339 instant")?;
    match object.remove("packet") {
        Some(Value::String(packet)) => Ok((at, Line::Packet(packet))),
        Some(_) => Err("\"packet\" is no text".to_owned()),
        None => serde_json::from_value(Value::Object(object)).map(|body| (at, Line::Entry(body))).map_err(|error| error.to_string()),
    }
}

/// The journal of each shard, one after the other.
fn journals(arguments: &Arguments, mut files: Files, out: &Path, progress: &indicatif::ProgressBar) -> Result<(), Failure> {
    small_runtime()?.block_on(async {
        for shard in &readers::shards(&arguments.data).await? {
            let (mut store, failed) = (readers::open(shard).await?, readers::failed(shard));
            let mut replay = Replay::new(BATCH, arguments.accept_unknown);
            for hour in store.journal_hours().await.map_err(failed)? {
                for entry in store.entries_of_hour(hour).await.map_err(failed)? {
                    replay.entry(entry.at, entry.body, &mut |writes| files.take(writes));
                    progress.inc(1);
                }
                progress.set_message(hour.start().to_string());
            }
            end(arguments, &mut replay, &mut files);
        }
        Ok(())
    })?;
    progress.finish_and_clear();
    files.finish(out)
}

fn end(arguments: &Arguments, replay: &mut Replay, files: &mut Files) {
    if let Some(until) = arguments.until {
        replay.entry(until.plus_ms(1), Body::Tick {}, &mut |writes| files.take(writes));
    }
    replay.flush(&mut |writes| files.take(writes));
}
