//! `hj212d registry`: the register of a data folder: put one in force, take it out, compare, list what was in force.

use super::config::day;
use super::local::{self, Way};
use super::{Failure, exit, faults_text, read_registry, readers, small_runtime};
use crate::domain::time::{Day, Moment};
use crate::domain::{Depth, OutletId};
use crate::engine::Body;
use crate::registry::{FILES, Files, MORE_FILES, Registry, changes};
use crate::store::Version;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Changes that are printed one by one.
const SHOWN_MAX: usize = 200;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d registry diff deploy/sample-city --data data\n  hj212d registry import deploy/sample-city --data data\n  hj212d registry export now --data data\n  hj212d registry log --data data\n  hj212d registry recount S003-G1 --from 2026-03-01 --to 2026-03-31 --data data"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what a directory would change and have computed again, and put it in force. Works beside a running daemon.
    Import {
        /// Registry directory.
        folder: PathBuf,
        /// The data folder.
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Do not wait for the recounts.
        #[arg(long)]
        no_wait: bool,
    },
    /// Write the register in force into an empty or new directory.
    Export {
        /// Where.
        folder: PathBuf,
        /// The data folder.
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// Take the register that was in force under this version (registry log) instead.
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
    },
    /// Show what a directory would change and have computed again.
    Diff {
        /// Registry directory.
        folder: PathBuf,
        /// The data folder.
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
    },
    /// Have an outlet's stored days computed again from their packets.
    Recount {
        /// Which outlet.
        outlet: String,
        /// First day.
        #[arg(long, value_name = "DAY", value_parser = day)]
        from: Day,
        /// Last day.
        #[arg(long, value_name = "DAY", value_parser = day)]
        to: Day,
        /// The data folder.
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
    },
    /// List the registers that were put in force, oldest first, and how each differs from the one before.
    Log {
        /// The data folder.
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Import { folder, data, yes, no_wait } => import(folder, data, *yes, *no_wait),
        Command::Export { folder, data, version } => export(folder, data, version.as_deref()),
        Command::Diff { folder, data } => show(&in_force(data)?, &read_registry(folder)?, folder).map(drop),
        Command::Recount { outlet, from, to, data } => recount(outlet, *from, *to, data),
        Command::Log { data } => log(data),
    }
}

/// The documents of a data folder, oldest first.
pub(super) fn versions(data: &Path) -> Result<Vec<Version>, Failure> {
    small_runtime()?.block_on(async { readers::versions(&readers::shards(data).await?).await })
}

pub(super) fn files_of(version: &Version) -> Result<Files, Failure> {
    serde_json::from_slice(&version.content)
        .map_err(|error| Failure::new(exit::SOFTWARE, format!("the register of entry {}: {error}", version.sequence)))
}

/// The register in force, of these documents, ready to be asked.
pub(super) fn ready(versions: &[Version], data: &Path) -> Result<Registry, Failure> {
    let data = data.display();
    let nothing = || Failure::new(exit::NO_INPUT, format!("no register in {data}; hj212d registry import DIR --data {data} puts one in force"));
    let register = versions.iter().rfind(|version| version.registry).ok_or_else(nothing)?;
    let faulty = |count| Failure::new(exit::SOFTWARE, format!("the register of entry {}: {count} faults", register.sequence));
    Registry::parse(&files_of(register)?).map_err(|faults| faulty(faults.len()))
}

/// The register in force; an empty one before the first.
pub(super) fn in_force(data: &Path) -> Result<Files, Failure> {
    if !super::has_database(data)? {
        return Ok(Files(BTreeMap::new()));
    }
    versions(data)?.iter().rfind(|version| version.registry).map_or_else(|| Ok(Files(BTreeMap::new())), files_of)
}

/// Prints changes and recounts; says whether there are any.
fn show(before: &Files, after: &Files, folder: &Path) -> Result<bool, Failure> {
    let newer = Registry::parse(after).map_err(|faults| Failure::new(exit::DATA, faults_text(folder, &faults)))?;
    if before.version() == after.version() {
        say!("{}: {} is in force already", folder.display(), after.version());
        return Ok(false);
    }
    let changed = changes(before, after);
    for change in changed.iter().take(SHOWN_MAX) {
        say!("  {change}");
    }
    if changed.len() > SHOWN_MAX {
        say!("  … {} more", changed.len() - SHOWN_MAX);
    }
    say!("{} changes: {} → {}", changed.len(), before.version(), after.version());
    if before.0.is_empty() {
        return Ok(true);
    }
    let older =
        Registry::parse(before).map_err(|faults| Failure::new(exit::SOFTWARE, format!("the register in force has {} faults", faults.len())))?;
    let differences = older.differences(&newer);
    for difference in differences.iter().take(SHOWN_MAX) {
        let to = difference.to.map_or_else(|| "now".to_owned(), |to| Moment(to.0 - 1).day().to_string());
        say!("  recount {} {} to {} ({}): {}", difference.outlet, difference.from.day(), to, difference.depth.name(), difference.what);
    }
    if differences.len() > SHOWN_MAX {
        say!("  … {} more", differences.len() - SHOWN_MAX);
    }
    let outlets: std::collections::BTreeSet<_> = differences.iter().map(|difference| difference.outlet).collect();
    say!("{} outlets are computed again for the days that are stored", outlets.len());
    Ok(true)
}

fn import(folder: &Path, data: &Path, yes: bool, no_wait: bool) -> Result<(), Failure> {
    let files = read_registry(folder)?;
    if !show(&in_force(data)?, &files, folder)? {
        return Ok(());
    }
    if !yes && !agreed("Put this register in force?")? {
        say!("nothing was changed");
        return Ok(());
    }
    let version = files.version();
    match local::append(data, true, vec![Body::RegistryVersion { files }])? {
        Way::Here => say!("{version} is in force; no daemon runs on {}: stored days are computed again when it does", data.display()),
        Way::Daemon => {
            say!("{version} is in force");
            if !no_wait {
                local::follow_recounts(data)?;
            }
        }
    }
    Ok(())
}

/// Asks a person; without one, --yes is needed.
pub(super) fn agreed(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(exit::DATA, "nobody can be asked; give --yes to go on"));
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush().map_err(|error| Failure::new(exit::IO, error.to_string()))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::new(exit::IO, error.to_string()))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "是"))
}

fn export(folder: &Path, data: &Path, version: Option<&str>) -> Result<(), Failure> {
    let mut found = None;
    for row in versions(data)?.iter().rev().filter(|version| version.registry) {
        let files = files_of(row)?;
        if version.is_none_or(|version| files.version() == version) {
            found = Some(files);
            break;
        }
    }
    let files = found.ok_or_else(|| Failure::new(exit::NO_INPUT, "no such register; hj212d registry log lists them"))?;
    let failed = |error: std::io::Error| Failure::new(exit::IO, format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(Failure::new(exit::IO, format!("{} is not empty; give a new directory", folder.display())));
    }
    // A register of many shards was put together of its parts: its rows are in another order, and it says so in a file of its own.
    for (name, text) in files.0.iter().filter(|(name, _)| FILES.contains(&name.as_str()) || MORE_FILES.contains(&name.as_str())) {
        std::fs::write(folder.join(name), text).map_err(failed)?;
    }
    say!("{} written to {}; loggers.csv holds passwords and keys", files.version(), folder.display());
    Ok(())
}

fn recount(outlet: &str, from: Day, to: Day, data: &Path) -> Result<(), Failure> {
    let registry =
        Registry::parse(&in_force(data)?).map_err(|faults| Failure::new(exit::SOFTWARE, format!("the register has {} faults", faults.len())))?;
    let outlet = OutletId::new(outlet).filter(|outlet| registry.knows(*outlet));
    let outlet = outlet.ok_or_else(|| Failure::new(exit::DATA, "the register in force has no such outlet; hj212d registry export shows it"))?;
    if from > to || to.0 - from.0 >= 3660 {
        return Err(Failure::new(exit::DATA, "--from must not be after --to, nor ten years before it"));
    }
    let bodies = (from.0..=to.0).map(|day| Body::Recount { outlet, day: Day(day), depth: Depth::Readings }).collect();
    match local::append(data, false, bodies)? {
        Way::Here => say!("no daemon runs on {}: the days are computed again when it does", data.display()),
        Way::Daemon => local::follow_recounts(data)?,
    }
    Ok(())
}

fn log(data: &Path) -> Result<(), Failure> {
    let mut before = Files(BTreeMap::new());
    for version in versions(data)?.iter().filter(|version| version.registry) {
        let files = files_of(version)?;
        say!("#{} {} {}: {} changes", version.sequence, version.at, files.version(), changes(&before, &files).len());
        before = files;
    }
    Ok(())
}
