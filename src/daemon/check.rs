//! `hj212d check`: a configuration and a registry, without starting anything.

use super::{Config, Failure, exit, faults_text, read_registry};
use crate::domain::time::Moment;
use crate::registry::Registry;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  hj212d check --registry deploy/sample-city\n  hj212d check --config /etc/hj212d/hj212d.toml")]
pub(super) struct Arguments {
    /// Configuration file to check.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Registry directory; without it, the configuration's.
    #[arg(long, value_name = "DIR")]
    registry: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::load(arguments.config.as_deref()).map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    if let Some(path) = &arguments.config {
        say!("configuration {}: fine", path.display());
    }
    let Some(folder) = arguments.registry.clone().or(config.registry) else {
        say!("no registry to check; give one with --registry");
        return Ok(());
    };
    let files = read_registry(&folder)?;
    let registry = Registry::parse(&files).map_err(|faults| Failure::new(exit::DATA, faults_text(&folder, &faults)))?;
    say!("registry {} ({}): fine", folder.display(), registry.version());
    for (table, rows) in registry.sizes() {
        say!("  {rows:>6} {table}");
    }
    let unlimited = registry.outlets(Moment(i64::MAX / 2)).filter(|outlet| {
        let series = |factor| crate::domain::Series { outlet: outlet.id, factor };
        use crate::domain::Basis::{Day, FiveMinutes, Hour};
        !registry.factors(outlet.id).any(|factor| {
            [Hour, Day, FiveMinutes].into_iter().any(|basis| registry.limits(series(factor), basis, outlet.validity.from).next().is_some())
        })
    });
    for outlet in unlimited {
        say!("  note: {} {} has no limit in force; nothing there can be judged", outlet.id, outlet.name);
    }
    Ok(())
}
