//! `hj212d rules`: the figures of averaging and of the rules, as one document.

use super::local::{self, Way};
use super::registry::{agreed, versions};
use super::{Failure, exit, readers, rules_document, try_rule};
use crate::domain::RuleSet;
use crate::engine::Body;
use crate::rules::settings_fault;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d rules print > rules.json\n  hj212d rules print --data data > rules.json\n  hj212d rules import rules.json --data data\n  hj212d rules document > docs/rules.md\n  hj212d rules try B-10 --from 2026-03-01 --to 2026-03-31 --data data\n\nTry a document first: hj212d replay --journal --data data --rules rules.json --from 2026-03-01 --to 2026-03-31"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the document in force; without --data, the one this program comes with.
    Print {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Show what a document changes, and put it in force. What was computed before stands, under the version that it names.
    Import {
        /// The document.
        file: PathBuf,
        /// The data folder.
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Show what a rule would have found in the stored days, and how that depends on one of its figures. Nothing is written.
    Try(try_rule::Arguments),
    /// Print the catalogue of rules as Markdown: what each of them looks at, its figures, and where they come from.
    Document,
}

/// Reads a document; a fault names its line.
pub(super) fn read(file: &Path) -> Result<RuleSet, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::new(exit::NO_INPUT, format!("{}: {error}", file.display())))?;
    let fault = |what: String| Failure::new(exit::DATA, format!("{}: {what}; hj212d rules print shows a whole document", file.display()));
    let set = RuleSet::parse(&text).map_err(|error| fault(error.to_string()))?;
    settings_fault(&set).map_or(Ok(set), |what| Err(fault(what)))
}

/// The figures in force in a data folder.
pub(super) fn in_force(data: &Path) -> Result<RuleSet, Failure> {
    let versions = if super::has_database(data)? { versions(data)? } else { Vec::new() };
    readers::rule_set(&versions)
}

/// What differs between two documents, a line each.
pub(super) fn differences(before: &RuleSet, after: &RuleSet) -> Vec<String> {
    let settings = |set: &RuleSet| set.rules.iter().filter_map(|setting| serde_json::to_string(setting).ok()).collect::<BTreeSet<String>>();
    let (known, new) = (settings(before), settings(after));
    let gone = known.difference(&new).map(|setting| format!("rules: without {setting}"));
    let came = new.difference(&known).map(|setting| format!("rules: with {setting}"));
    let figures = |set: &RuleSet| -> serde_json::Map<String, serde_json::Value> { serde_json::from_str(&set.text()).unwrap_or_default() };
    let (before, after) = (figures(before), figures(after));
    let changed = after.iter().filter(|(name, figure)| name.as_str() != "rules" && before.get(*name) != Some(*figure));
    changed
        .map(|(name, figure)| {
            let old = before.get(name).map_or_else(String::new, |old| old["value"].to_string());
            format!("{name}: {old} → {} [{} {}]", figure["value"], figure["source"]["grade"].as_str().unwrap_or("?"), figure["source"]["text"])
        })
        .chain(gone)
        .chain(came)
        .collect()
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Print { data } => {
            let set = data.as_deref().map(in_force).transpose()?.unwrap_or_default();
            say!("{}", set.text());
            Ok(())
        }
        Command::Try(arguments) => try_rule::run(arguments),
        Command::Document => {
            say!("{}", rules_document::document().trim_end());
            Ok(())
        }
        Command::Import { file, data, yes } => {
            let (before, after) = (in_force(data)?, read(file)?);
            if before.version() == after.version() {
                say!("{} is in force already", after.version());
                return Ok(());
            }
            for difference in differences(&before, &after) {
                say!("  {difference}");
            }
            say!("{} → {}", before.version(), after.version());
            if !yes && !agreed("Put these figures in force?")? {
                say!("nothing was changed");
                return Ok(());
            }
            let way = local::append(data, false, vec![Body::RuleSetVersion { text: after.text() }])?;
            say!("{} is in force{}", after.version(), if way == Way::Here { "; no daemon runs" } else { "" });
            Ok(())
        }
    }
}
