//! `hj212d declarations`, `hj212d comparisons`, `hj212d visits` and what is said of cases: what people say about data, from CSV files into the journal.

use super::cases;
use super::local::{self, Way};
use super::registry::in_force;
use super::{Failure, exit, faults_text};
use crate::domain::Stage;
use crate::engine::Body;
use crate::registry::{Fault, Registry, statements};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d declarations import marks.csv --data data\n  hj212d comparisons import checks.csv --data data\n  hj212d visits import visits.csv --data data\n  hj212d dispositions import steps.csv --data data\n  hj212d case-events import events.csv --data data\n\ndeclarations: id,outlet,factor,mark,from,to,reason,document,author,made_at,withdrawn\n  mark: stop, start_up, shut_down, banked_fire, fault, maintenance, calibration, link_failure; factor empty: all\ncomparisons: id,outlet,factor,at,passed,method,reference,measured,document,author,withdrawn\nvisits: id,outlet,from,to,by,document,withdrawn\ndispositions: id,case,step,by,document,note\n  step: investigating, confirmed, rejected, rectified, penalised, transferred_police, transferred_market, published, written_off\ncase-events: id,case,what,happened,by,document,note\n  what: complaint, visit, work_order, manual_result\nInstants: 2026-03-14 08:00 (Beijing time) or RFC 3339. Said again under the same id, the later line holds; withdrawn = yes takes it back."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read a CSV file and append its lines to the journal; stored days that they touch are computed again.
    Import {
        /// The file.
        file: PathBuf,
        /// The data folder.
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// Do not wait for the recounts.
        #[arg(long)]
        no_wait: bool,
    },
}

/// 人工标记.
pub(super) fn declarations(arguments: &Arguments) -> Result<(), Failure> {
    import(arguments, |text| Ok(statements::declarations(text)?.into_iter().map(Body::Declaration).collect()))
}

/// 处置.
pub(super) fn dispositions(arguments: &Arguments) -> Result<(), Failure> {
    import(arguments, |text| Ok(statements::dispositions(text)?.into_iter().map(Body::Disposition).collect()))
}

/// What happened about cases.
pub(super) fn case_events(arguments: &Arguments) -> Result<(), Failure> {
    import(arguments, |text| Ok(statements::case_events(text)?.into_iter().map(Body::Event).collect()))
}

/// 比对结果.
pub(super) fn comparisons(arguments: &Arguments) -> Result<(), Failure> {
    import(arguments, |text| Ok(statements::comparisons(text)?.into_iter().map(Body::Comparison).collect()))
}

/// 现场检查.
pub(super) fn visits(arguments: &Arguments) -> Result<(), Failure> {
    import(arguments, |text| Ok(statements::visits(text)?.into_iter().map(Body::Visit).collect()))
}

/// A statement that the register in force does not bear, by its id.
fn refused(body: &Body, registry: &Registry, stages: &mut BTreeMap<Uuid, Stage>) -> Option<String> {
    let (id, fault) = match body {
        Body::Declaration(said) => (&said.id, statements::fault(said.fault(), said.outlet, said.factor, registry)),
        Body::Comparison(said) => (&said.id, statements::fault(said.fault(), said.outlet, Some(said.factor), registry)),
        Body::Visit(said) => (&said.id, statements::fault(said.fault(), said.outlet, None, registry)),
        Body::Event(said) => (&said.id, (!stages.contains_key(&said.case)).then(|| format!("case: {} is not on the docket", said.case))),
        Body::Disposition(said) => {
            let fault = match stages.get_mut(&said.case) {
                None => Some(format!("case: {} is not on the docket", said.case)),
                Some(stage) if !stage.may_become(said.step) => {
                    Some(format!("step: {} does not follow on {} ({})", said.step.says().1, stage.says().1, stage.says().0))
                }
                Some(stage) => {
                    *stage = said.step;
                    None
                }
            };
            (&said.id, fault)
        }
        _ => return None,
    };
    fault.map(|fault| format!("{id}: {fault}"))
}

fn import(arguments: &Arguments, read: impl Fn(&str) -> Result<Vec<Body>, Vec<Fault>>) -> Result<(), Failure> {
    let Command::Import { file, data, no_wait } = &arguments.command;
    let text = std::fs::read_to_string(file).map_err(|error| Failure::new(exit::NO_INPUT, format!("{}: {error}", file.display())))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let bodies = read(&text).map_err(|faults| Failure::new(exit::DATA, faults_text(folder, &faults)))?;
    if bodies.is_empty() {
        say!("{}: no lines; nothing was changed", file.display());
        return Ok(());
    }
    let registry =
        Registry::parse(&in_force(data)?).map_err(|faults| Failure::new(exit::SOFTWARE, format!("the register has {} faults", faults.len())))?;
    // Steps of one file follow each other: each is tried on the stage that the one before leaves.
    let about_cases = bodies.iter().any(|body| matches!(body, Body::Disposition(_) | Body::Event(_)));
    let mut stages: BTreeMap<Uuid, Stage> = BTreeMap::new();
    if about_cases {
        stages.extend(cases::stored(data)?.into_iter().map(|case| (case.id, case.stage)));
    }
    let wrong: Vec<String> = bodies.iter().filter_map(|body| refused(body, &registry, &mut stages)).collect();
    if !wrong.is_empty() {
        return Err(Failure::new(exit::DATA, format!("{}: nothing was appended:\n  {}", file.display(), wrong.join("\n  "))));
    }
    let count = bodies.len();
    match local::append(data, false, bodies)? {
        Way::Here => say!("{count} statements are in force; no daemon runs on {}: stored days are computed again when it does", data.display()),
        Way::Daemon => {
            say!("{count} statements are in force");
            if !no_wait {
                local::follow_recounts(data)?;
            }
        }
    }
    Ok(())
}
