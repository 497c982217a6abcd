//! `hj212d score`: a contractor's month, point by point (运维机构赋分). Computed of the stored rows by the register and the figures in
//! force now; with `--append` it becomes an entry of the journal, and an event.

use super::local::{self, Way};
use super::means::{Period, month_of};
use super::{Failure, exit, readers, registry, small_runtime};
use crate::docket::Case;
use crate::domain::number::Ratio;
use crate::domain::time::{Day, Moment};
use crate::domain::{Comparison, Declaration, ItemScore, Outage, OutletDay, OutletId, RuleSet, Score, ScoreLine};
use crate::engine::{Body, StoredDay};
use crate::message::score_body;
use crate::registry::Registry;
use crate::score::{Month, OutletMonth, maintains, score};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Columns of a line of the sheet.
const COLUMNS: [&str; 15] = [
    "contractor",
    "month",
    "item",
    "outlet",
    "factor",
    "measured",
    "share",
    "deduction",
    "deduction_exact",
    "why_zh",
    "why_en",
    "source",
    "grade",
    "full",
    "points",
];
/// Contractors that a message names.
const NAMED_MAX: usize = 20;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d score C01 --month 2026-03 --data data\n  hj212d score C01 --month 2026-03 --format csv --data data > march.csv\n  hj212d score --all --month 2026-03 --format json --data data\n  hj212d score --all --month 2026-03 --append --data data\n\nWeights, full marks and edges are figures of the rule set (contractor_…): hj212d rules print shows each with its source. Reads beside a\nrunning daemon; --append alone writes: an entry of the journal, from which hj212.contractor.scored goes to hj212.contractors.v1."
)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["contractor", "all"])))]
pub(super) struct Arguments {
    /// The contractor (运维机构), as contractors.csv names it.
    contractor: Option<String>,
    /// Every contractor of the month.
    #[arg(long)]
    all: bool,
    /// The month.
    #[arg(long, value_name = "YYYY-MM", value_parser = month_of)]
    month: Period,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Put it into the journal as well; the month must be over and confirmed.
    #[arg(long)]
    append: bool,
    /// The data folder that serve writes to.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person.
    Text,
    /// A line for each line of the sheet.
    Csv,
    /// One object with everything; a list of them with --all.
    Json,
}

/// What a data folder holds about the month of some outlets.
struct Stored {
    registry: Registry,
    set: RuleSet,
    began: Moment,
    until: Moment,
    contractors: Vec<String>,
    days: BTreeMap<OutletId, BTreeMap<Day, StoredDay>>,
    declarations: Vec<Declaration>,
    comparisons: Vec<Comparison>,
    cases: Vec<Case>,
    outages: Vec<Outage>,
}

impl Stored {
    async fn load(arguments: &Arguments) -> Result<Self, Failure> {
        let shards = readers::shards(&arguments.data).await?;
        let versions = readers::versions(&shards).await?;
        let registry = registry::ready(&versions, &arguments.data)?;
        let set = readers::rule_set(&versions)?;
        let contractors = asked_for(&registry, arguments)?;
        let period = &arguments.month;
        let maintained = |outlet: &OutletId| contractors.iter().any(|one| maintains(&registry, one, *outlet, period.first, period.last));
        let outlets: Vec<OutletId> = registry.outlets(period.last.start()).map(|outlet| outlet.id).filter(maintained).collect();
        let mut stored = Self {
            began: readers::began(&versions),
            until: Moment(i64::MAX),
            days: outlets.iter().map(|outlet| (*outlet, BTreeMap::new())).collect(),
            declarations: Vec::new(),
            comparisons: Vec::new(),
            cases: Vec::new(),
            outages: Vec::new(),
            registry,
            set,
            contractors,
        };
        for (shard, outlets) in readers::by_shard(&shards, &stored.registry, outlets)? {
            let (mut store, failed) = (readers::open(shard).await?, readers::failed(shard));
            stored.until = stored.until.min(store.engine_time().await.map_err(failed)?);
            stored.declarations.extend(store.declarations().await.map_err(failed)?);
            stored.comparisons.extend(store.comparisons().await.map_err(failed)?);
            stored.cases.extend(store.cases().await.map_err(failed)?);
            // Every shard has the outages.
            stored.outages = store.outages().await.map_err(failed)?;
            for (outlet, day) in outlets.iter().flat_map(|outlet| period.days().map(move |day| (*outlet, day))) {
                let key = OutletDay { outlet, day };
                if let Some(row) = store.day_row(key).await.map_err(failed)? {
                    stored.days.entry(outlet).or_default().insert(day, StoredDay::new(key, row, &stored.registry));
                }
            }
        }
        Ok(stored)
    }

    fn scores(&self, period: &Period) -> Vec<Score> {
        let outlets = self.days.iter().map(|(outlet, days)| OutletMonth {
            outlet: *outlet,
            series: days.iter().map(|(day, held)| (*day, held.series(&self.registry, &self.set))).collect(),
            silences: days.values().flat_map(|held| &held.row().silences).collect(),
        });
        let month = Month {
            name: &period.name,
            first: period.first,
            last: period.last,
            began: self.began,
            until: self.until,
            registry: &self.registry,
            set: &self.set,
            outlets: outlets.collect(),
            declarations: &self.declarations,
            comparisons: &self.comparisons,
            cases: &self.cases,
            outages: &self.outages,
        };
        self.contractors.iter().filter_map(|contractor| score(&month, contractor)).collect()
    }
}

/// The contractors whose month is asked for: they are in the register, and maintain something in it.
fn asked_for(registry: &Registry, arguments: &Arguments) -> Result<Vec<String>, Failure> {
    let period = &arguments.month;
    let (first, after) = (period.first.start(), period.last.end());
    let in_month = registry.contractors().filter(|row| row.validity.from < after && row.validity.to.is_none_or(|to| first < to));
    let in_month: BTreeSet<&str> = in_month.map(|row| row.id.as_str()).collect();
    let Some(asked) = &arguments.contractor else {
        return if in_month.is_empty() { Err(nobody(period)) } else { Ok(in_month.into_iter().map(str::to_owned).collect()) };
    };
    if in_month.contains(asked.as_str()) {
        return Ok(vec![asked.clone()]);
    }
    let rows: Vec<String> = registry.contractors().filter(|row| row.id == *asked).map(|row| row.validity.from.day().to_string()).collect();
    if let Some(first) = rows.iter().min() {
        let what = format!("{asked} has no contract in {}; its rows of contractors.csv begin on {first}", period.name);
        return Err(Failure::new(exit::NO_INPUT, what));
    }
    let known: BTreeMap<&str, &str> = registry.contractors().map(|row| (row.id.as_str(), row.name.as_str())).collect();
    if known.is_empty() {
        return Err(nobody(period));
    }
    let names: Vec<String> = known.iter().take(NAMED_MAX).map(|(id, name)| format!("{id} {name}")).collect();
    let more = if known.len() > NAMED_MAX { format!(" and {} more", known.len() - NAMED_MAX) } else { String::new() };
    Err(Failure::new(exit::NO_INPUT, format!("no contractor {asked:?} in the register in force; it has {}{more}", names.join(", "))))
}

fn nobody(period: &Period) -> Failure {
    Failure::new(exit::NO_INPUT, format!("the register in force names nobody who maintains anything in {}; that is contractors.csv", period.name))
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let period = &arguments.month;
    let stored = small_runtime()?.block_on(Stored::load(arguments))?;
    let scores = stored.scores(period);
    if scores.is_empty() {
        return Err(nobody(period));
    }
    let failed = |error: String| Failure::new(exit::SOFTWARE, error);
    match arguments.format {
        Format::Text => scores.iter().for_each(show),
        Format::Csv => say!("{}", lines(&scores)?.trim_end()),
        Format::Json if arguments.all => {
            let bodies: Vec<_> = scores.iter().map(score_body).collect();
            say!("{}", serde_json::to_string_pretty(&bodies).map_err(|error| failed(error.to_string()))?);
        }
        Format::Json => say!("{}", serde_json::to_string_pretty(&score_body(&scores[0])).map_err(|error| failed(error.to_string()))?),
    }
    if !arguments.append {
        return Ok(());
    }
    if scores.iter().any(|score| !score.finished) {
        let what = format!("{} is not finished as of {}: nothing was appended; its last day must be confirmed", period.name, stored.until);
        return Err(Failure::new(exit::DATA, what));
    }
    let count = scores.len();
    let way = local::append(&arguments.data, false, scores.into_iter().map(|score| Body::Score(Box::new(score.shortened()))).collect())?;
    eprintln!("{count} scores are in the journal{}", if way == Way::Here { "; no daemon runs: their events go out when it does" } else { "" });
    Ok(())
}

fn show(score: &Score) {
    let finished = if score.finished { "已确认 confirmed" } else { "未结束 not finished" };
    let passes = if score.passes { "合格 passes" } else { "不合格 does not pass" };
    say!("{} {}，{}，{} 个排放口 outlets，{finished}", score.contractor, score.name, score.month, score.outlets);
    say!("  统计至 counted until {}；register {}，rules {}", score.counted_until, score.registry, score.rule_set);
    say!("  得分 points {} / {}，及格 pass {} %：{passes}", score.points.shown(), score.full, score.pass_pct);
    for item in &score.items {
        let (zh, en) = item.item.says();
        let source = format!("[{:?} {}]", item.source.grade, item.source.text);
        if item.full == 0 {
            say!("{zh} {en}：无可评内容，不计入满分 nothing to judge, left out");
            continue;
        }
        say!("{zh} {en}：{} / {} {source}", item.points.shown(), item.full);
        score.lines.iter().filter(|line| line.item == item.item).for_each(show_line);
        let cost = Ratio::sum(score.lines.iter().filter(|line| line.item == item.item).map(|line| &line.deduction));
        if cost > item.deducted {
            say!("  扣分合计 {}，以满分为限 deducted {} in all, no more than the full marks", cost.shown(), cost.shown());
        } else if !score.lines.iter().any(|line| line.item == item.item) {
            say!("  无 none");
        }
    }
}

fn show_line(line: &ScoreLine) {
    let factor = line.factor.map_or_else(String::new, |factor| format!(" {factor}"));
    let share = match &line.share {
        Some(share) => format!(" / {}", share.shown()),
        None => String::new(),
    };
    let cost = if line.deduction.is_zero() { "0".to_owned() } else { format!("−{}", line.deduction.shown()) };
    say!("  {}{factor}  {cost}{share}  {}", line.outlet, line.measured);
    say!("      {}；{} [{:?} {}]", line.why_zh, line.why_en, line.source.grade, line.source.text);
}

/// The lines of each item, then the item itself with its full marks, what it loses and its points; at the end the sheet as a whole.
fn lines(scores: &[Score]) -> Result<String, Failure> {
    let failed = |error: String| Failure::new(exit::SOFTWARE, error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |record: [String; COLUMNS.len()]| writer.write_record(record).map_err(|error| failed(error.to_string()));
    write(COLUMNS.map(str::to_owned))?;
    for score in scores {
        for item in &score.items {
            for line in score.lines.iter().filter(|line| line.item == item.item) {
                write(line_record(score, line))?;
            }
            write(item_record(score, item))?;
        }
        write(total_record(score))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

fn line_record(score: &Score, line: &ScoreLine) -> [String; COLUMNS.len()] {
    [
        score.contractor.clone(),
        score.month.clone(),
        line.item.name().to_owned(),
        line.outlet.to_string(),
        line.factor.map(|factor| factor.to_string()).unwrap_or_default(),
        line.measured.clone(),
        line.share.as_ref().map(Ratio::shown).unwrap_or_default(),
        line.deduction.shown(),
        line.deduction.fraction(),
        line.why_zh.clone(),
        line.why_en.clone(),
        line.source.text.clone(),
        format!("{:?}", line.source.grade),
        String::new(),
        String::new(),
    ]
}

/// What an item loses is no more than its full marks, whatever its lines add up to; one without anything to judge has none.
fn item_record(score: &Score, item: &ItemScore) -> [String; COLUMNS.len()] {
    let (zh, en) =
        if item.full == 0 { ("无可评内容，不计入满分", "nothing to judge, left out") } else { ("本项合计", "the item as a whole") };
    let mut record = [const { String::new() }; COLUMNS.len()];
    record[0].clone_from(&score.contractor);
    record[1].clone_from(&score.month);
    item.item.name().clone_into(&mut record[2]);
    (record[7], record[8]) = (item.deducted.shown(), item.deducted.fraction());
    (record[9], record[10]) = (zh.to_owned(), en.to_owned());
    (record[11], record[12]) = (item.source.text.clone(), format!("{:?}", item.source.grade));
    (record[13], record[14]) = (item.full.to_string(), item.points.shown());
    record
}

fn total_record(score: &Score) -> [String; COLUMNS.len()] {
    let deducted = Ratio::sum(score.items.iter().map(|item| &item.deducted));
    let (zh, en) = if score.passes { ("合格", "passes") } else { ("不合格", "does not pass") };
    let mut record = [const { String::new() }; COLUMNS.len()];
    record[0].clone_from(&score.contractor);
    record[1].clone_from(&score.month);
    "total".clone_into(&mut record[2]);
    (record[7], record[8]) = (deducted.shown(), deducted.fraction());
    (record[9], record[10]) = (zh.to_owned(), en.to_owned());
    (record[13], record[14]) = (score.full.to_string(), score.points.shown());
    record
}
