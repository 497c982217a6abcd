//! Configuration, building, running, emptying the house; one file per subcommand.

/// `println!` for what a pipe may cut short: when nobody reads any more, the program ends quietly.
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::daemon::print(format_args!($($argument)*))
    };
}

mod cases;
mod check;
mod config;
mod decode;
mod disclose;
mod doctor;
mod gateway;
mod house;
mod links;
mod local;
mod means;
mod readers;
mod referrals;
mod registry;
mod replay;
mod rules;
mod rules_document;
mod serve;
mod simulate;
mod schemas;
mod score;
mod statements;
mod try_rule;
mod verify;
mod what_if;
mod worker;

pub use config::{Config, ConfigError};

use crate::registry::{FILES, Files, MORE_FILES};
use crate::store::{DatabaseUrl, Store};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Exit codes follow sysexits.h.
pub(crate) mod exit {
    /// Input that is not what it should be.
    pub(crate) const DATA: u8 = 65;
    /// A file that is not there.
    pub(crate) const NO_INPUT: u8 = 66;
    /// Something that the daemon rests on is at fault.
    pub(crate) const UNAVAILABLE: u8 = 69;
    /// A bug, or a store that failed.
    pub(crate) const SOFTWARE: u8 = 70;
    /// Something could not be opened or written.
    pub(crate) const IO: u8 = 74;
    /// The configuration is wrong.
    pub(crate) const CONFIG: u8 = 78;
}

/// A message for a person, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Receives HJ 212 packets of pollution monitoring, answers them once they are durable, averages and judges them, and refers
/// exceedances, missing data and suspicions with their evidence.
#[derive(Debug, Parser)]
#[command(name = "hj212d", version, arg_required_else_help = true)]
#[command(
    after_help = "Examples:\n  hj212d serve --config deploy/hj212d.toml\n  hj212d check --registry deploy/sample-city\n  hj212d decode < packets.txt\n  hj212d replay --registry deploy/sample-city --input packets.jsonl --out out\n\nExit codes: 0 fine, 1 a disclosure is overdue, 2 wrong arguments, 65 wrong data, 66 no such file, 69 something it rests on is at fault, 70 failure inside, 74 cannot open or write, 78 wrong configuration."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Listen, answer, store, average, judge, refer: everything in one process.
    Serve(serve::Arguments),
    /// Listen and answer only: what arrives goes into the journal on Kafka, for workers.
    Gateway(gateway::Arguments),
    /// Average, judge and refer what gateways have put into the journal: some of its shards, as the group of workers shares them.
    Worker(worker::Arguments),
    /// Play a fleet of data loggers over real TCP.
    Simulate(simulate::Arguments),
    /// Explain packets from standard input, one a line, field by field.
    Decode(decode::Arguments),
    /// Check a configuration and a registry without starting anything.
    Check(check::Arguments),
    /// Look at everything that the daemon rests on, and say how what is wrong is mended.
    Doctor(doctor::Arguments),
    /// The register of a data folder: import, export, compare, list.
    Registry(registry::Arguments),
    /// The figures of averaging and of the rules: print, import; the catalogue of rules as a document.
    Rules(rules::Arguments),
    /// Put people's marks over data in force (人工标记).
    Declarations(statements::Arguments),
    /// Put results of equipment checks in force (比对).
    Comparisons(statements::Arguments),
    /// State when people were at outlets (现场检查).
    Visits(statements::Arguments),
    /// Take steps of cases (处置), until they are written off (销号).
    Dispositions(statements::Arguments),
    /// Note visits, complaints, work orders and results by hand on cases.
    CaseEvents(statements::Arguments),
    /// List cases, or show one with its history.
    Cases(cases::Arguments),
    /// Show who is not heard (断链), which outages there are, and what each outlet lacks.
    Links(links::Arguments),
    /// Run the engine over recorded packets, without network and database.
    Replay(replay::Arguments),
    /// Walk the hash chains of a stored journal.
    Verify(verify::Arguments),
    /// Show referrals with their evidence, as a person reads them.
    Referrals(referrals::Arguments),
    /// Write the contracts of events: JSON Schema for each kind, and AsyncAPI for the topics.
    Schemas(schemas::Arguments),
    /// Write a day of the key units for the public (信息公开), or list which days are due.
    Disclose(disclose::Arguments),
    /// Score a contractor's month (运维机构赋分), line by line.
    Score(score::Arguments),
    /// Show an outlet's hours, day, month or quarter, and how the numbers came about.
    Means(means::Arguments),
}

/// Reads the command line and runs what it asks for.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Gateway(arguments) => gateway::run(arguments),
        Command::Worker(arguments) => worker::run(arguments),
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Registry(arguments) => registry::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Declarations(arguments) => statements::declarations(&arguments),
        Command::Comparisons(arguments) => statements::comparisons(&arguments),
        Command::Visits(arguments) => statements::visits(&arguments),
        Command::Dispositions(arguments) => statements::dispositions(&arguments),
        Command::CaseEvents(arguments) => statements::case_events(&arguments),
        Command::Cases(arguments) => cases::run(&arguments),
        Command::Links(arguments) => links::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Schemas(arguments) => schemas::run(&arguments),
        Command::Referrals(arguments) => referrals::run(&arguments),
        Command::Disclose(arguments) => disclose::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Means(arguments) => means::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "hj212d: {}", failure.message); // The code says it as well.
            ExitCode::from(failure.code)
        }
    }
}

/// Writes a line to standard output.
fn print(line: std::fmt::Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        let gone = error.kind() == std::io::ErrorKind::BrokenPipe;
        if !gone {
            eprintln!("hj212d: standard output: {error}");
        }
        std::process::exit(if gone { 0 } else { i32::from(exit::IO) });
    }
}

/// Reads the files of a registry directory. A file that is missing is left out; the check names it if it must be there.
pub(crate) fn read_registry(folder: &Path) -> Result<Files, Failure> {
    if !folder.is_dir() {
        return Err(Failure::new(exit::NO_INPUT, format!("{} is no directory; a registry holds {}", folder.display(), FILES.join(", "))));
    }
    let mut files = Files(std::collections::BTreeMap::new());
    for name in FILES.into_iter().chain(MORE_FILES) {
        let path = folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes).map_err(|error| {
                    let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
                    Failure::new(exit::DATA, format!("{}:{line}: not UTF-8; save the file as UTF-8", path.display()))
                })?;
                files.0.insert(name.to_owned(), text);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::new(exit::IO, format!("{}: {error}", path.display()))),
        }
    }
    Ok(files)
}

/// Every fault of a registry, a line each, ready to be shown.
pub(crate) fn faults_text(folder: &Path, faults: &[crate::registry::Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
    format!("{} faults in {}:\n{}", faults.len(), folder.display(), lines.join("\n"))
}

/// A runtime on the calling thread, for commands that only need a database.
pub(crate) fn small_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Failure::new(exit::IO, format!("runtime: {error}")))
}

/// The database of a data folder: the one that the variable names, else the file in the folder.
pub(crate) fn database_of(data: &Path) -> Result<DatabaseUrl, Failure> {
    match std::env::var("HJ212D_DATA__DATABASE") {
        Ok(url) if !url.is_empty() => {
            url.parse().map_err(|error: crate::store::StoreError| Failure::new(exit::CONFIG, format!("HJ212D_DATA__DATABASE: {error}")))
        }
        _ => Ok(DatabaseUrl::Sqlite(data.join("hj212d.sqlite"))),
    }
}

/// Whether anything was ever written for a data folder.
pub(crate) fn has_database(data: &Path) -> Result<bool, Failure> {
    let database = database_of(data)?;
    small_runtime()?.block_on(Store::exists(&database)).map_err(|error| Failure::new(exit::IO, format!("{database}: {error}")))
}

/// The database of a data folder; a file must exist.
pub(crate) fn existing_database(data: &Path) -> Result<DatabaseUrl, Failure> {
    match database_of(data)? {
        DatabaseUrl::Sqlite(path) if !path.is_file() => {
            Err(Failure::new(exit::NO_INPUT, format!("no database in {}; give the folder that serve writes to with --data", data.display())))
        }
        database => Ok(database),
    }
}
