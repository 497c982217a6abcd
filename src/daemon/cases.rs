//! `hj212d cases`: the docket of a data folder, as a list, or one case with its history.

use super::{Failure, exit, readers, small_runtime};
use crate::docket::{Case, State, suggested_action};
use crate::domain::Severity;
use crate::rules::factor_names;
use std::path::{Path, PathBuf};
use uuid::Uuid;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d cases --data data\n  hj212d cases --open --data data\n  hj212d cases --overdue --json --data data\n  hj212d cases 5f0c0f0e-0000-5000-8000-000000000000 --data data"
)]
pub(super) struct Arguments {
    /// One case, with its history.
    case: Option<Uuid>,
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Only those that are neither withdrawn nor written off.
    #[arg(long)]
    open: bool,
    /// Only those whose next step did not come in time.
    #[arg(long)]
    overdue: bool,
    /// One JSON object a case.
    #[arg(long)]
    json: bool,
}

/// The cases of a data folder, the oldest first.
pub(super) fn stored(data: &Path) -> Result<Vec<Case>, Failure> {
    small_runtime()?.block_on(async {
        let mut cases = Vec::new();
        for shard in &readers::shards(data).await? {
            cases.extend(readers::open(shard).await?.cases().await.map_err(readers::failed(shard))?);
        }
        cases.sort_by_key(|case| (case.opened_at, case.id));
        Ok(cases)
    })
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let wanted = |case: &Case| {
        arguments.case.is_none_or(|id| id == case.id)
            && (!arguments.open || case.state == State::Open)
            && (!arguments.overdue || (case.overdue && case.state == State::Open))
    };
    let cases: Vec<Case> = stored(&arguments.data)?.into_iter().filter(wanted).collect();
    if let Some(id) = arguments.case.filter(|_| cases.is_empty()) {
        return Err(Failure::new(exit::DATA, format!("{id} is not on the docket; hj212d cases lists what is")));
    }
    for case in &cases {
        if arguments.json {
            say!("{}", serde_json::to_string(case).map_err(|error| Failure::new(exit::SOFTWARE, error.to_string()))?);
        } else {
            show(case, arguments.case.is_some());
        }
    }
    if cases.is_empty() && !arguments.json {
        say!("没有案件 / no cases");
    }
    Ok(())
}

fn show(case: &Case, whole: bool) {
    let (zh, en) = factor_names(case.factor);
    let state = match case.state {
        State::Open => ("在办", "open"),
        State::Withdrawn => ("已撤回", "withdrawn"),
        State::Closed => ("已销号", "written off"),
    };
    let standing = case.days.values().filter(|ids| !ids.is_empty()).count();
    let due = case.due.filter(|_| case.state == State::Open).map_or_else(String::new, |due| {
        let late = if case.overdue { "，已超期 overdue" } else { "" };
        format!("，期限 due {}{late}", due.day())
    });
    say!(
        "{} {} {} {zh} / {en}：{} 起 since，{standing} 天 days，{} / {}，{} / {}{due}",
        case.id,
        case.outlet,
        case.factor,
        case.first_day,
        state.0,
        state.1,
        case.stage.says().0,
        case.stage.says().1
    );
    if !whole {
        return;
    }
    let action = suggested_action(case.kind, case.severity);
    let severity = match case.severity {
        Severity::Info => "提示 info",
        Severity::Warn => "一般 warn",
        Severity::High => "严重 high",
        Severity::Critical => "特别严重 critical",
    };
    say!("  {severity}；建议 suggested: {} / {}", action.0, action.1);
    if let Some(before) = case.recurs {
        say!("  再次发生 recurrence of {before}");
    }
    for line in &case.history {
        let what = match (line.step, line.happening) {
            (Some(step), _) => format!("{} / {}", step.says().0, step.says().1),
            (None, Some(happening)) => serde_json::to_value(happening).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default(),
            (None, None) => String::new(),
        };
        say!("  {} {what}  {} {} {}", line.at, line.by, line.document, line.note);
    }
}
