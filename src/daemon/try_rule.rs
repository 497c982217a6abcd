//! `hj212d rules try RULE`: what a rule would have found in the stored days, how often, where, and how that depends on one of its
//! figures, so that a person can choose it. Nothing is written.

use super::{Failure, exit, readers, small_runtime};
use crate::domain::time::Day;
use crate::domain::{FactorCode, Finding, Grade, OutletDay, OutletId, RuleId, RuleSet, RuleSetting, Severity, Source};
use crate::engine::{Engine, Want};
use crate::rules::{self, Rule, Run};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Findings that are printed one by one as text; all others are counted.
const SHOWN_MAX: usize = 40;
/// Findings that an object holds; all others are counted. As CSV they are printed while they are found, and none is held.
const HELD_MAX: usize = 10_000;
/// Days that are tried at once.
const DAYS_MAX: i32 = 366;
/// Shares of the figure in force at which a rule is tried unless values are named.
const SHARES: [(i64, u32); 9] = [(25, 2), (5, 1), (75, 2), (9, 1), (1, 0), (11, 1), (125, 2), (15, 1), (2, 0)];
/// Figures by which a day counts for the days after it. Stored days keep what they counted, so that another value would say nothing of them.
const COUNTED: [(&str, &[&str]); 6] = [
    ("A-09", &["g_min", "b_min", "f"]),
    ("C-03", &["f", "p_pct", "t_min"]),
    ("E-04", &["b_min"]),
    ("E-05", &["r", "lo_min", "hi_min"]),
    ("E-17", &["min_minutes"]),
    ("K-11", &["high"]),
];
/// Values that may be named.
const VALUES_MAX: usize = 50;
/// Width of the longest bar.
const BAR: u64 = 40;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d rules try B-10 --from 2026-03-01 --to 2026-03-31\n  hj212d rules try B-10 --from 2026-03-01 --to 2026-03-31 --figure p_pct --values 40,50,60,70,80\n  hj212d rules try K-04 --from 2026-03-01 --to 2026-03-07 --outlet DA001 --format csv > k-04.csv\n\nThe rule runs over the confirmed days as they are stored, with what the days before them left; a rule that a rule set switches off,\nor that runs only where a setting asks for it, is tried all the same. Below each value of the figure stands how many findings it has\nthat the next one has not: the histogram of what decides. hj212d replay --journal --rules FILE tries a whole rule set from the packets on."
)]
pub(super) struct Arguments {
    /// The rule: B-10.
    rule: String,
    /// First day.
    #[arg(long, value_name = "DAY", value_parser = super::config::day)]
    from: Day,
    /// Last day.
    #[arg(long, value_name = "DAY", value_parser = super::config::day)]
    to: Day,
    /// One outlet alone.
    #[arg(long, value_parser = |text: &str| OutletId::new(text).ok_or("write the id of an outlet"))]
    outlet: Option<OutletId>,
    /// The figure whose values are compared; without it the first one that can be set.
    #[arg(long, value_name = "NAME")]
    figure: Option<String>,
    /// Its values; without them a quarter to twice of what is in force.
    #[arg(long, value_name = "VALUE", value_delimiter = ',')]
    values: Vec<Decimal>,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Sentences, and the histogram in bars.
    Text,
    /// The findings, a row each.
    Csv,
    /// All of it as one object.
    Json,
}

/// A finding that the rule would have had.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    outlet: OutletId,
    day: Day,
    factor: String,
    severity: Severity,
    zh: String,
    en: String,
}

/// What a value of the figure would give.
#[derive(Debug, Default)]
struct Tried {
    findings: u64,
    outlets: BTreeSet<OutletId>,
    /// Findings that the next value has not, and those that it has and this one has not: there what decides lies between the two.
    between: u64,
}

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    outlets: BTreeSet<OutletId>,
    days: u64,
    /// Stored and not confirmed: their hours are not all there.
    unfinished: u64,
    missing: BTreeMap<&'static str, u64>,
    findings: u64,
    at: BTreeSet<OutletId>,
    /// The first of them.
    found: Vec<Found>,
    tried: BTreeMap<Decimal, Tried>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let usage = |what: String| Failure::new(exit::DATA, what);
    let rule =
        rules::find(&arguments.rule).ok_or_else(|| usage(format!("there is no rule {:?}; hj212d rules document prints them all", arguments.rule)))?;
    if let Run::Not(missing) = rule.run {
        return Err(usage(format!("{} does not run: {missing}", rule.id)));
    }
    if arguments.from > arguments.to {
        return Err(usage(format!("--from {} lies after --to {}", arguments.from, arguments.to)));
    }
    if arguments.to.0 - arguments.from.0 >= DAYS_MAX {
        return Err(usage(format!("--from {} --to {}: at most {DAYS_MAX} days can be tried at once", arguments.from, arguments.to)));
    }
    if arguments.values.len() > VALUES_MAX {
        return Err(usage(format!("--values: {} values; {VALUES_MAX} are possible", arguments.values.len())));
    }
    let set = super::rules::in_force(&arguments.data)?;
    let figure = figure_of(rule, arguments.figure.as_deref())?;
    let mut values = match figure {
        None if arguments.values.is_empty() => Vec::new(),
        None => return Err(usage(format!("{} has no figure that can be set", rule.id))),
        Some(_) if !arguments.values.is_empty() => arguments.values.clone(),
        Some(figure) => {
            let value = in_force(&set, rule, figure);
            let shares = SHARES.into_iter().map(|(share, scale)| value * Decimal::new(share, scale));
            let whole = matches!(value.scale(), 0) && value <= Decimal::from(20);
            let most = most_of(figure.name).filter(|most| value <= *most).unwrap_or(Decimal::MAX);
            let possible = |value: &Decimal| rules::settings_fault(&alone(&set, rule, Some((figure.name, *value)))).is_none();
            shares.map(|value| if whole { value.ceil() } else { value.normalize() }).filter(|value| *value <= most).filter(possible).collect()
        }
    };
    values.sort_unstable();
    values.dedup();
    let progress = if std::io::stderr().is_terminal() { indicatif::ProgressBar::new_spinner() } else { indicatif::ProgressBar::hidden() };
    let outcome = small_runtime()?.block_on(over(arguments, rule, &set, figure.map(|figure| figure.name), &values, &progress))?;
    progress.finish_and_clear();
    if outcome.days == 0 {
        let of = arguments.outlet.map_or_else(String::new, |outlet| format!(" of outlet {outlet}"));
        let unfinished = if outcome.unfinished > 0 { format!(": {} are stored and not confirmed yet", outcome.unfinished) } else { String::new() };
        let what = format!("no confirmed day{of} from {} to {}{unfinished}", arguments.from, arguments.to);
        return Err(Failure::new(exit::NO_INPUT, what));
    }
    match arguments.format {
        Format::Text => text(arguments, rule, figure.map(|figure| (figure.name, in_force(&set, rule, figure))), &outcome),
        // Printed while they were found.
        Format::Csv => {}
        Format::Json => say!("{}", object(arguments, rule, figure.map(|figure| figure.name), &outcome)),
    }
    Ok(())
}

/// The figure that is varied.
fn figure_of(rule: &Rule, named: Option<&str>) -> Result<Option<&'static rules::RuleFigure>, Failure> {
    let counted = COUNTED.iter().find(|(known, _)| *known == rule.id.as_str()).map_or(&[][..], |(_, figures)| figures);
    let can = || rule.figures.iter().filter(|figure| !figure.fixed && !counted.contains(&figure.name));
    match named {
        None => Ok(can().next()),
        Some(name) => can().find(|figure| figure.name == name).map(Some).ok_or_else(|| {
            let names: Vec<&str> = can().map(|figure| figure.name).collect();
            if counted.contains(&name) {
                let what = format!(
                    "{name} of {} decides what a day counts, and stored days keep what they counted: hj212d replay --journal --rules FILE tries it; here {}",
                    rule.id,
                    names.join(", ")
                );
                return Failure::new(exit::DATA, what);
            }
            Failure::new(exit::DATA, format!("{} has no figure {name:?} that can be set; it has {}", rule.id, names.join(", ")))
        }),
    }
}

/// What a share or a coefficient of correlation cannot pass.
fn most_of(figure: &str) -> Option<Decimal> {
    match figure {
        "r" => Some(Decimal::ONE),
        name if name.ends_with("_pct") => Some(Decimal::ONE_HUNDRED),
        _ => None,
    }
}

/// The value of a figure where no trade, outlet or factor has one of its own.
fn in_force(set: &RuleSet, rule: &Rule, figure: &rules::RuleFigure) -> Decimal {
    let everywhere =
        |setting: &&RuleSetting| setting.rule == rule.id && setting.trade.is_none() && setting.outlet.is_none() && setting.factor.is_none();
    let own = |setting: &RuleSetting| setting.figures.get(figure.name).copied();
    set.rules.iter().filter(everywhere).filter_map(own).next_back().unwrap_or(figure.value)
}

/// The figures in force, with one rule alone, everywhere, and one of its figures at a value; with the others where it needs them.
fn alone(set: &RuleSet, rule: &Rule, figure: Option<(&str, Decimal)>) -> RuleSet {
    let source = || Source { text: "hj212d rules try".to_owned(), grade: Grade::D };
    let setting = |rule: RuleId, runs: bool| RuleSetting {
        rule,
        trade: None,
        outlet: None,
        factor: None,
        runs: Some(runs),
        figures: BTreeMap::new(),
        source: source(),
    };
    let needs_others = rules::is_borne_out_by_others(rule.id);
    let mut own: Vec<RuleSetting> = set.rules.iter().filter(|setting| needs_others || setting.rule == rule.id).cloned().collect();
    for setting in own.iter_mut().filter(|setting| setting.rule == rule.id) {
        setting.runs = None;
        if let Some((name, value)) = figure {
            setting.figures.insert(name.to_owned(), value);
        }
    }
    let mut on = setting(rule.id, true);
    on.figures.extend(figure.map(|(name, value)| (name.to_owned(), value)));
    let all = RuleId::new("*").filter(|_| !needs_others).into_iter().map(|all| setting(all, false));
    RuleSet { rules: all.chain(own).chain([on]).collect(), ..set.clone() }
}

async fn over(
    arguments: &Arguments,
    rule: &Rule,
    set: &RuleSet,
    figure: Option<&str>,
    values: &[Decimal],
    progress: &indicatif::ProgressBar,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    if arguments.format == Format::Csv {
        say!("{}", line(&COLUMNS)?);
    }
    let as_it_is = alone(set, rule, None);
    let others: Vec<(Decimal, RuleSet)> =
        figure.map_or_else(Vec::new, |name| values.iter().map(|value| (*value, alone(set, rule, Some((name, *value))))).collect());
    for (value, set) in &others {
        if let Some(fault) = rules::settings_fault(set) {
            return Err(Failure::new(exit::DATA, format!("--values: {fault}")));
        }
        outcome.tried.entry(*value).or_default();
    }
    let reach = others.iter().map(|(_, set)| set).chain([&as_it_is]).map(rules::reach).max().unwrap_or_default();
    for shard in &readers::shards(&arguments.data).await? {
        let (mut store, failed) = (readers::open(shard).await?, readers::failed(shard));
        let mut engine = Engine::new(store.snapshot().await.map_err(&failed)?, false);
        let outlets: Vec<OutletId> = engine
            .registry()
            .outlets(engine.now())
            .map(|outlet| outlet.id)
            .filter(|outlet| arguments.outlet.is_none_or(|only| only == *outlet))
            .collect();
        for outlet in outlets {
            for day in (arguments.from.0..=arguments.to.0).map(Day) {
                let want = Want { key: OutletDay { outlet, day }, loggers: Vec::new(), row: true, frames: false, past: Some(reach) };
                let Some(recalled) = store.recall(&[want]).await.map_err(&failed)?.pop() else { continue };
                match recalled.row.as_ref().map(|row| row.confirmed) {
                    Some(true) => {}
                    Some(false) => {
                        outcome.unfinished += 1;
                        continue;
                    }
                    None => continue,
                }
                let sets = std::iter::once(&as_it_is).chain(others.iter().map(|(_, set)| set));
                let judged = engine.would_find(recalled, sets);
                let Some((now, rest)) = judged.split_first() else { continue };
                outcome.outlets.insert(outlet);
                outcome.days += 1;
                if let Some(missing) = now.not_evaluable.get(&rule.id) {
                    *outcome.missing.entry(missing).or_default() += 1;
                }
                for finding in standing(now, rule) {
                    outcome.findings += 1;
                    outcome.at.insert(outlet);
                    match arguments.format {
                        Format::Csv => say!("{}", line(&row_of(rule, finding))?),
                        Format::Text if outcome.found.len() < SHOWN_MAX => outcome.found.push(Found::of(finding)),
                        Format::Json if outcome.found.len() < HELD_MAX => outcome.found.push(Found::of(finding)),
                        Format::Text | Format::Json => {}
                    }
                }
                let by_value: Vec<BTreeSet<FactorCode>> =
                    rest.iter().map(|judged| standing(judged, rule).map(|finding| finding.factor).collect()).collect();
                for (at, ((value, _), factors)) in others.iter().zip(&by_value).enumerate() {
                    let tried = outcome.tried.entry(*value).or_default();
                    tried.findings += factors.len() as u64;
                    if !factors.is_empty() {
                        tried.outlets.insert(outlet);
                    }
                    if let Some(next) = by_value.get(at + 1) {
                        tried.between += factors.symmetric_difference(next).count() as u64;
                    }
                }
                progress.inc(1);
                progress.set_message(format!("{outlet} {day}: {} findings", outcome.findings));
            }
        }
    }
    Ok(outcome)
}

/// What a rule finds that stands.
fn standing<'j>(judged: &'j rules::Judged, rule: &Rule) -> impl Iterator<Item = &'j Finding> + use<'j> {
    let rule = rule.id;
    judged.findings.iter().filter(move |finding| finding.standing && finding.rule == rule.as_str())
}

impl Found {
    fn of(finding: &Finding) -> Self {
        Self {
            outlet: finding.outlet,
            day: finding.day,
            factor: finding.factor.to_string(),
            severity: finding.severity,
            zh: finding.sentence_zh.clone(),
            en: finding.sentence_en.clone(),
        }
    }
}

/// Why a milder figure finds nothing more, of a rule that looks at other outlets.
fn beside_others(rule: &Rule) -> Option<&'static str> {
    rules::neighbours::RULES.iter().any(|known| known.id == rule.id).then_some(
        "按各日比对时所用数值记录，更宽的数值不会多出判定 known of other outlets is what the daily comparison wrote down by the figures of then: a milder value finds nothing more",
    )
}

fn text(arguments: &Arguments, rule: &Rule, figure: Option<(&str, Decimal)>, outcome: &Outcome) {
    say!("{} {} · {}", rule.id, rule.title.0, rule.title.1);
    say!("fires when {}", rule.condition);
    say!(
        "{} to {}: {} findings (判定) at {} of {} outlets, in {} outlet-days",
        arguments.from,
        arguments.to,
        outcome.findings,
        outcome.at.len(),
        outcome.outlets.len(),
        outcome.days
    );
    for (missing, days) in &outcome.missing {
        say!("  could not be evaluated on {days} outlet-days: {missing} is missing");
    }
    if outcome.unfinished > 0 {
        say!("  {} outlet-days are not confirmed (未确认) and are left out", outcome.unfinished);
    }
    if let Some((name, value)) = figure {
        say!("");
        say!("by {name} (in force: {}); between two values what lies between them (判定量分布):", value.normalize());
        let most = outcome.tried.values().map(|tried| tried.between).max().unwrap_or_default().max(1);
        let last = outcome.tried.len().saturating_sub(1);
        for (at, (value, tried)) in outcome.tried.iter().enumerate() {
            say!("  {:>10}  {:>6} findings at {:>5} outlets", value.normalize().to_string(), tried.findings, tried.outlets.len());
            if at < last {
                let bar = "█".repeat((tried.between * BAR).div_ceil(most) as usize);
                say!("  {:>10}  {:>6} {bar}", "", tried.between);
            }
        }
        if let Some(note) = beside_others(rule) {
            say!("  {note}");
        }
    }
    if !outcome.found.is_empty() {
        say!("");
    }
    for found in &outcome.found {
        say!("  {}", found.zh);
        say!("    {}", found.en);
    }
    if outcome.findings > outcome.found.len() as u64 {
        say!("… {} more; all of them with --format csv", outcome.findings - outcome.found.len() as u64);
    }
}

const COLUMNS: [&str; 7] = ["rule", "outlet", "day", "factor", "severity", "zh", "en"];

fn row_of(rule: &Rule, finding: &Finding) -> [String; 7] {
    let severity = format!("{:?}", finding.severity).to_lowercase();
    let words = (finding.sentence_zh.clone(), finding.sentence_en.clone());
    [rule.id.to_string(), finding.outlet.to_string(), finding.day.to_string(), finding.factor.to_string(), severity, words.0, words.1]
}

/// A line of CSV.
fn line(record: &[impl AsRef<[u8]>]) -> Result<String, Failure> {
    let failed = |error: String| Failure::new(exit::IO, format!("standard output: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(record).map_err(|error| failed(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

fn object(arguments: &Arguments, rule: &Rule, figure: Option<&str>, outcome: &Outcome) -> Value {
    let found = outcome.found.iter().map(|found| {
        json!({"outlet": found.outlet, "day": found.day.to_string(), "factor": found.factor, "severity": found.severity, "zh": found.zh, "en": found.en})
    });
    let next = outcome.tried.keys().skip(1).map(|value| Some(value.normalize())).chain([None]);
    let tried = outcome.tried.iter().zip(next).map(|((value, tried), next)| {
        let between = next.map(|next| json!({"to": next, "findings": tried.between}));
        json!({"value": value.normalize(), "findings": tried.findings, "outlets": tried.outlets.len(), "between": between})
    });
    json!({
        "rule": rule.id.as_str(),
        "from": arguments.from.to_string(),
        "to": arguments.to.to_string(),
        "outlets": outcome.outlets.len(),
        "outlet_days": outcome.days,
        "not_confirmed": outcome.unfinished,
        "not_evaluable": outcome.missing,
        "findings": outcome.findings,
        "found": found.collect::<Vec<_>>(),
        "found_left_out": outcome.findings - outcome.found.len() as u64,
        "figure": figure,
        "by_value": tried.collect::<Vec<_>>(),
        "note": beside_others(rule),
    })
}
