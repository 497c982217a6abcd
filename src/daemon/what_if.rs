//! `hj212d replay --journal --rules FILE`: the stored packets under other figures. Two runs of the same engine, side by side;
//! what would appear, vanish or change, and by which figures.

use super::{Failure, exit, readers, rules, small_runtime};
use crate::domain::number::Ratio;
use crate::domain::time::{DAY_MS, Day, Moment};
use crate::domain::{FactorCode, Finding, Kind, Mean, OutletId, RuleSet, Span};
use crate::engine::{Body, WriteSet};
use crate::message::Topic;
use crate::pipeline::replay::Replay;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use uuid::Uuid;

/// Differences that are printed one by one.
const SHOWN_MAX: usize = 200;

/// Which days are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    /// First.
    pub(super) from: Option<Day>,
    /// Last.
    pub(super) to: Option<Day>,
}

impl Days {
    fn hold(self, at: Moment) -> bool {
        self.from.is_none_or(|from| at >= from.start()) && self.to.is_none_or(|to| at < to.end())
    }
}

type MeanKey = (OutletId, Moment, Span, FactorCode, Kind);

/// What stands at the end of a run.
#[derive(Default)]
struct Outcome {
    means: BTreeMap<MeanKey, Mean>,
    findings: BTreeMap<Uuid, Finding>,
    referrals: BTreeMap<String, Value>,
}

impl Outcome {
    fn take(&mut self, writes: &WriteSet, days: Days) {
        for publication in writes.publications.iter().filter(|publication| days.hold(publication.start)) {
            // A publication is the whole period: what it no longer holds is gone.
            let of_period = |key: &MeanKey| (key.0, key.1, key.2) == (publication.outlet, publication.start, publication.span);
            self.means.retain(|key, _| !of_period(key));
            let key = |mean: &Mean| (publication.outlet, publication.start, publication.span, mean.factor, mean.kind);
            self.means.extend(publication.means.iter().map(|mean| (key(mean), mean.clone())));
        }
        for finding in writes.findings.iter().filter(|finding| days.hold(finding.day.start())) {
            self.findings.insert(finding.id, finding.clone());
        }
        for event in writes.events.iter().filter(|event| event.topic == Topic::Referrals) {
            let day = event.data["day"].as_str().and_then(Day::parse);
            if day.is_none_or(|day| days.hold(day.start())) {
                self.referrals.insert(event.subject.clone(), event.data.clone());
            }
        }
    }

    fn standing(&self) -> BTreeMap<String, Value> {
        let lines = self.findings.values().filter(|finding| finding.standing).map(|finding| {
            let what = json!({"outlet": finding.outlet, "factor": finding.factor, "day": finding.day.to_string(), "confirmed": finding.confirmed,
                "value": finding.facts["value"], "valid_hours": finding.facts["valid_hours"], "says": finding.sentence_en});
            (finding.id.to_string(), what)
        });
        lines.collect()
    }

    fn shown_means(&self) -> BTreeMap<MeanKey, Value> {
        let shown = |mean: &Mean| {
            json!({"value": mean.value.as_ref().map(Ratio::shown), "valid": mean.valid, "count": mean.count, "due": mean.due, "class": mean.class,
                "note": mean.note})
        };
        self.means.iter().map(|(key, mean)| (*key, shown(mean))).collect()
    }

    fn shown_referrals(&self) -> BTreeMap<String, Value> {
        let shown = |data: &Value| json!({"outlet": data["outlet"]["id"], "factor": data["factor"]["code"], "days": data["days"], "state": data["state"], "severity": data["severity"]});
        self.referrals.iter().filter(|(_, data)| data["state"] != "withdrawn").map(|(id, data)| (id.clone(), shown(data))).collect()
    }
}

/// Runs both and prints the differences; with `out`, also as `changes.jsonl`.
pub(super) fn run(data: &Path, file: &Path, days: Days, out: Option<&Path>, progress: &indicatif::ProgressBar) -> Result<(), Failure> {
    let other = rules::read(file)?;
    let in_force = rules::in_force(data)?;
    say!("{} (in force) against {} ({})", in_force.version(), other.version(), file.display());
    for difference in rules::differences(&in_force, &other) {
        say!("  {difference}");
    }
    let before = outcome(data, None, days, progress)?;
    let after = outcome(data, Some(&other), days, progress)?;
    progress.finish_and_clear();
    let mut lines = Vec::new();
    let mean_key = |key: &MeanKey| {
        let span = if key.2 == Span::Hour { key.1.to_string() } else { key.1.day().to_string() };
        format!("{} {span} {} {}", key.0, key.3, if key.4 == Kind::Converted { "converted" } else { "measured" })
    };
    compare("mean", &before.shown_means(), &after.shown_means(), mean_key, &mut lines);
    compare("finding", &before.standing(), &after.standing(), Clone::clone, &mut lines);
    compare("referral", &before.shown_referrals(), &after.shown_referrals(), Clone::clone, &mut lines);
    for kind in ["mean", "finding", "referral"] {
        let of = |change: &str| lines.iter().filter(|line| line["what"] == kind && line["change"] == change).count();
        say!("{kind}s: {} appear, {} vanish, {} change", of("appears"), of("vanishes"), of("changes"));
    }
    // Verdicts first: they are what a person looks for.
    lines.sort_by_key(|line| match line["what"].as_str() {
        Some("referral") => 0,
        Some("finding") => 1,
        _ => 2,
    });
    for line in lines.iter().take(SHOWN_MAX) {
        say!("{}", sentence(line));
    }
    if lines.len() > SHOWN_MAX {
        say!("… {} more{}", lines.len() - SHOWN_MAX, if out.is_none() { "; all of them with --out DIR" } else { "" });
    }
    if let Some(folder) = out {
        let path = folder.join("changes.jsonl");
        let failed = |error: std::io::Error| Failure::new(exit::IO, format!("{}: {error}", path.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(failed)?);
        for line in &lines {
            writeln!(file, "{line}").map_err(failed)?;
        }
        file.flush().map_err(failed)?;
    }
    Ok(())
}

fn compare<K: Ord>(what: &str, before: &BTreeMap<K, Value>, after: &BTreeMap<K, Value>, name: impl Fn(&K) -> String, lines: &mut Vec<Value>) {
    let keys: std::collections::BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        let change = match (old, new) {
            (None, Some(_)) => "appears",
            (Some(_), None) => "vanishes",
            (Some(old), Some(new)) if old != new => "changes",
            _ => continue,
        };
        lines.push(json!({"what": what, "change": change, "key": name(key), "before": old, "after": new}));
    }
}

/// One difference as a sentence: what, and every figure that differs.
fn sentence(line: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let figures = match (line["before"].as_object(), line["after"].as_object()) {
        (Some(old), Some(new)) => {
            let changed = new.iter().filter(|(name, value)| old.get(*name) != Some(*value) && *name != "says");
            changed.map(|(name, value)| format!("{name} {} → {}", text(&old[name]), text(value))).collect::<Vec<_>>().join(", ")
        }
        (Some(only), None) | (None, Some(only)) => {
            let named = only.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{name} {}", text(value)));
            named.collect::<Vec<_>>().join(", ")
        }
        (None, None) => String::new(),
    };
    format!("  {} {} {}: {figures}", text(&line["what"]), text(&line["change"]), text(&line["key"]))
}

/// Feeds the journal: statements and versions from its beginning, packets from as early as they can matter to the days.
fn outcome(data: &Path, other: Option<&RuleSet>, days: Days, progress: &indicatif::ProgressBar) -> Result<Outcome, Failure> {
    small_runtime()?.block_on(async {
        let mut outcome = Outcome::default();
        let reach = i64::from(other.cloned().unwrap_or_default().late_accept_hours.value.div_ceil(24)) + 1;
        let first = days.from.map(|from| from.start().plus_ms(-DAY_MS));
        // A day is at rest when nothing late can come for it any more.
        let last = days.to.map(|to| to.end().plus_ms(reach * DAY_MS));
        for shard in &readers::shards(data).await? {
            let (mut store, failed) = (readers::open(shard).await?, readers::failed(shard));
            let mut replay = Replay::new(2000, false);
            let mut other_rules = other.map(|set| Body::RuleSetVersion { text: set.text() });
            for hour in store.journal_hours().await.map_err(failed)? {
                if last.is_some_and(|last| hour.start() >= last) {
                    break;
                }
                for entry in store.entries_of_hour(hour).await.map_err(failed)? {
                    let wanted = match &entry.body {
                        Body::RuleSetVersion { .. } => other.is_none(),
                        Body::Frame { .. } | Body::Repeat { .. } | Body::Rejected { .. } => first.is_none_or(|first| entry.at >= first),
                        _ => true,
                    };
                    if let Some(body) = other_rules.take() {
                        replay.entry(entry.at, body, &mut |writes| outcome.take(writes, days));
                    }
                    if wanted {
                        replay.entry(entry.at, entry.body, &mut |writes| outcome.take(writes, days));
                    }
                    progress.inc(1);
                }
                progress.set_message(hour.start().to_string());
            }
            replay.flush(&mut |writes| outcome.take(writes, days));
        }
        Ok(outcome)
    })
}
