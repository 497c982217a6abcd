//! `hj212d schemas`: the contracts of events as JSON Schema and AsyncAPI.

use super::{Failure, exit};
use crate::message;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  hj212d schemas schemas\n  hj212d schemas /tmp/contracts && ls /tmp/contracts")]
pub(super) struct Arguments {
    /// Folder to write them into; it is made if it is not there.
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |path: &std::path::Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| Failure::new(exit::IO, format!("{path}: {error}"))
    };
    std::fs::create_dir_all(&arguments.folder).map_err(failed(&arguments.folder))?;
    for (name, text) in message::documents() {
        let path = arguments.folder.join(name);
        std::fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}
