//! The bodies of events. Each is a contract: its JSON Schema is printed from these types (`hj212d schemas`), stands in `schemas/`,
//! and a change that breaks whoever reads it fails a test. Figures are texts, so that no reader rounds them by reading.

use super::Versions;
use crate::docket::{Article, Case, Change, HistoryLine, State};
use crate::domain::number::Ratio;
use crate::domain::time::{Day, Moment};
use crate::domain::{
    Beside, CaseKind, Confidence, FactorCode, Finding, Happening, Hit, HourClass, ItemScore, Kind, Mean, Mn, Origin, OutageScope, OutletId, Reported,
    RuleId, Score, ScoreItem, ScoreLine, Severity, SiteId, Source, Span, Stage, Status,
};
use crate::registry::{Outlet, Registry, Site};
use crate::rules::{self, factor_names};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A mean: the shown figure and the exact fraction.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MeanBody {
    /// Code of the factor (HJ 525, HJ 212 Annex B).
    pub factor: FactorCode,
    /// Its name, Chinese.
    pub name_zh: String,
    /// Its name, English.
    pub name_en: String,
    /// Measured, or converted to the reference oxygen.
    pub kind: Kind,
    /// The shown figure; none: the mean is not valid.
    pub value: Option<String>,
    /// The exact fraction.
    #[schemars(with = "Option<String>")]
    pub exact: Option<Ratio>,
    /// Whether the mean counts for a verdict.
    pub valid: bool,
    /// Valid minutes of an hour, valid hours of a gas day, used cycles of a water day.
    pub count: u32,
    /// What `count` would be if all were valid.
    pub due: u32,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub more: MeanMore,
}

/// What only some means have.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MeanMore {
    /// Mean of what is valid, when that is not enough. Shown, never judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indicative: Option<String>,
    /// 影子均值: of all numbers whatever their mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
    /// Class of an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<HourClass>,
    /// What it was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The mean of converted minutes, beside the converted mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub cross_check: Option<Decimal>,
    /// Why there is no value, or why it counts for less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// m³ that weighed a water day, or that passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_m3: Option<String>,
    /// The logger's own figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<ReportedBody>,
    /// Other readings of the same values, by name. Shown, never judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Ordered>,
}

/// Figures by name, in their order.
#[derive(Debug)]
pub struct Ordered(Vec<Beside>);

impl Serialize for Ordered {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|beside| (&beside.name, beside.value.shown())))
    }
}

impl JsonSchema for Ordered {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Figures".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BTreeMap::<String, String>::json_schema(generator)
    }
}

/// The logger's own figure beside ours.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportedBody {
    /// As sent.
    #[schemars(with = "String")]
    pub value: Decimal,
    /// Theirs over ours, less one, in percent.
    pub difference_pct: Option<String>,
    /// Whether it says the same.
    pub agrees: Option<bool>,
}

impl MeanBody {
    pub(super) fn of(mean: &Mean) -> Self {
        let (name_zh, name_en) = factor_names(mean.factor);
        Self {
            factor: mean.factor,
            name_zh,
            name_en,
            kind: mean.kind,
            value: mean.value.as_ref().map(Ratio::shown),
            exact: mean.value.clone(),
            valid: mean.valid,
            count: mean.count,
            due: mean.due,
            more: MeanMore::of(mean),
        }
    }
}

impl MeanMore {
    fn of(mean: &Mean) -> Self {
        let shown = |value: &Option<Ratio>| value.as_ref().map(Ratio::shown);
        let reported =
            |reported: &Reported| ReportedBody { value: reported.value, difference_pct: shown(&reported.difference_pct), agrees: reported.agrees };
        Self {
            indicative: shown(&mean.indicative),
            shadow: shown(&mean.shadow),
            class: mean.class,
            origin: mean.origin,
            cross_check: mean.cross_check,
            note: mean.note.clone(),
            volume_m3: shown(&mean.volume),
            reported: mean.reported.as_ref().map(reported),
            beside: (!mean.beside.is_empty()).then(|| Ordered(mean.beside.clone())),
        }
    }
}

/// An hour in a referral.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HourBody {
    /// First instant of the hour, RFC 3339 at +08:00.
    pub start: String,
    /// Code of the factor.
    pub factor: FactorCode,
    /// Measured, or converted.
    pub kind: Kind,
    /// The shown figure; none: the mean is not valid.
    pub value: Option<String>,
    /// Whether the mean counts for a verdict.
    pub valid: bool,
    /// Valid minutes.
    pub count: u32,
    /// What `count` would be if all were valid.
    pub due: u32,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub more: MeanMore,
}

impl HourBody {
    pub(super) fn of(mean: &Mean) -> Self {
        Self {
            start: mean.start.to_string(),
            factor: mean.factor,
            kind: mean.kind,
            value: mean.value.as_ref().map(Ratio::shown),
            valid: mean.valid,
            count: mean.count,
            due: mean.due,
            more: MeanMore::of(mean),
        }
    }
}

/// `hj212.mean.hour`, `hj212.mean.day`: the means of one outlet for one period. A later revision never erases an earlier one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.mean")]
pub struct MeansBody<'b> {
    /// 排放口.
    pub outlet: OutletId,
    /// 排污单位.
    pub site: Option<SiteId>,
    /// Hour or day.
    pub span: Span,
    /// First instant of the period, RFC 3339 at +08:00.
    pub start: String,
    /// Counts the versions from 1.
    pub revision: u32,
    /// How final it is.
    pub status: Status,
    /// What it was made under.
    pub versions: &'b Versions,
    /// One of each factor and kind.
    pub means: Vec<MeanBody>,
}

/// A packet that a referral rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidencePacket {
    /// Who sent it.
    pub logger: Mn,
    /// Its place in the journal.
    pub sequence: u64,
    /// When it arrived, RFC 3339 at +08:00.
    pub arrived: String,
    /// Its link in the logger's hash chain.
    pub chain: String,
    /// The data segment, password masked.
    pub segment: String,
}

/// All packets of a logger about the day, by range; the chain's link at its end fixes them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidenceRange {
    /// Who sent them.
    pub logger: Mn,
    /// First sequence.
    pub first: u64,
    /// Last sequence.
    pub last: u64,
    /// How many.
    pub count: u64,
    /// The chain's link at the last one.
    pub chain: String,
}

/// 排污单位.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SiteBody<'b> {
    /// Its id in the register.
    pub id: SiteId,
    /// Name, Chinese.
    pub name: &'b str,
    /// Name, English.
    pub name_en: &'b str,
    /// 行业.
    pub industry: &'b str,
    /// 行政区.
    pub region: &'b str,
}

/// 排放口.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutletBody<'b> {
    /// Its id in the register.
    pub id: OutletId,
    /// Name, Chinese.
    pub name: &'b str,
    /// Name, English.
    pub name_en: &'b str,
    /// 基准氧含量, percent.
    #[schemars(with = "Option<String>")]
    pub reference_oxygen_pct: Option<Decimal>,
}

/// A factor with its names.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FactorBody {
    /// Code.
    pub code: FactorCode,
    /// Name, Chinese.
    pub name_zh: String,
    /// Name, English.
    pub name_en: String,
}

/// What every event of a case says of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaseHead<'b> {
    /// The case.
    pub case: Uuid,
    /// Counts its events from 1; grows by one.
    pub case_sequence: u32,
    /// What happened to it.
    pub change: Change,
    /// In words, Chinese.
    pub change_zh: &'static str,
    /// In words, English.
    pub change_en: &'static str,
    /// Whether it stands.
    pub state: State,
    /// How far people have come with it.
    pub stage: Stage,
    /// In words, Chinese.
    pub stage_zh: &'static str,
    /// When the next step is due, RFC 3339 at +08:00.
    pub due: Option<String>,
    /// Whether it is overdue.
    pub overdue: bool,
    /// The case that it goes on from after it was written off.
    pub recurrence_of: Option<Uuid>,
    /// How grave.
    pub severity: Severity,
    /// What it is about.
    pub kind: CaseKind,
    /// In words, Chinese.
    pub kind_zh: &'static str,
    /// In words, English.
    pub kind_en: &'static str,
    /// The most points that spoke for it.
    pub score: u32,
    /// 排污单位.
    pub site: Option<SiteBody<'b>>,
    /// 排放口.
    pub outlet: Option<OutletBody<'b>>,
    /// The family of factors, by one of them.
    pub factor: FactorBody,
    /// First day, YYYY-MM-DD.
    pub first_day: String,
    /// Days with a finding that stands.
    pub days: Vec<String>,
    /// RFC 3339 at +08:00.
    pub opened_at: String,
}

impl<'b> CaseHead<'b> {
    /// By the register's rows of a day.
    pub(super) fn of(case: &Case, change: Change, registry: &'b Registry, day: Day) -> Self {
        let outlet = registry.outlet(case.outlet, day.start());
        let site = outlet.and_then(|outlet| registry.site(outlet.site));
        let site_body =
            |site: &'b Site| SiteBody { id: site.id, name: &site.name, name_en: &site.name_en, industry: &site.industry, region: &site.region };
        let outlet_body = |outlet: &'b Outlet| OutletBody {
            id: outlet.id,
            name: &outlet.name,
            name_en: &outlet.name_en,
            reference_oxygen_pct: outlet.reference_oxygen,
        };
        let (name_zh, name_en) = factor_names(case.factor);
        Self {
            case: case.id,
            case_sequence: case.sequence,
            change,
            change_zh: change.says().0,
            change_en: change.says().1,
            state: case.state,
            stage: case.stage,
            stage_zh: case.stage.says().0,
            due: case.due.map(|due| due.to_string()),
            overdue: case.overdue,
            recurrence_of: case.recurs,
            severity: case.severity,
            kind: case.kind,
            kind_zh: case.kind.says().0,
            kind_en: case.kind.says().1,
            score: case.score,
            site: site.map(site_body),
            outlet: outlet.map(outlet_body),
            factor: FactorBody { code: case.factor, name_zh, name_en },
            first_day: case.first_day.to_string(),
            days: case.days.iter().filter(|(_, ids)| !ids.is_empty()).map(|(day, _)| day.to_string()).collect(),
            opened_at: case.opened_at.to_string(),
        }
    }
}

/// `hj212.referral.opened`, `.extended`, `.revised`, `.withdrawn`, `.reopened`: a case with what it rests on (线索移送).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.referral")]
pub struct ReferralBody<'b> {
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub head: CaseHead<'b>,
    /// What to do first, Chinese.
    pub suggested_action_zh: &'static str,
    /// What to do first, English.
    pub suggested_action_en: &'static str,
    /// Articles that may apply on the day. A suggestion: the decision is people's.
    pub legal: Vec<Article>,
    /// The day that moved the case, YYYY-MM-DD.
    pub day: String,
    /// The day's findings.
    pub findings: Vec<FindingBody<'b>>,
    /// Rules that could not be evaluated, and the input that is missing.
    #[schemars(with = "BTreeMap<String, String>")]
    pub not_evaluable: &'b BTreeMap<RuleId, &'static str>,
    /// Whether its points give it priority.
    pub priority: bool,
    /// The day's means of the factors.
    pub day_means: Vec<MeanBody>,
    /// The day's hours of the factors, at most 240.
    pub hours: Vec<HourBody>,
    /// At most 20 deciding packets.
    pub packets: &'b [EvidencePacket],
    /// All packets about the day.
    pub packet_ranges: &'b [EvidenceRange],
    /// What it was made under.
    pub versions: &'b Versions,
}

/// A line of a case's history.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryBody<'b> {
    /// RFC 3339 at +08:00.
    pub at: String,
    /// The office's number; empty for what the program noted.
    pub id: &'b str,
    /// The step, if it is one.
    pub step: Option<Stage>,
    /// The happening, if it is one.
    pub happening: Option<Happening>,
    /// When it happened, RFC 3339 at +08:00.
    pub happened: Option<String>,
    /// 经办人.
    pub by: &'b str,
    /// 文号.
    pub document: &'b str,
    /// 说明.
    pub note: &'b str,
}

impl<'b> HistoryBody<'b> {
    pub(super) fn of(line: &'b HistoryLine) -> Self {
        Self {
            at: line.at.to_string(),
            id: &line.id,
            step: line.step,
            happening: line.happening,
            happened: line.happened.map(|happened: Moment| happened.to_string()),
            by: &line.by,
            document: &line.document,
            note: &line.note,
        }
    }
}

/// `hj212.referral.progressed`, `.closed`, `.noted`, `.overdue`: a case that people moved, or did not move in time.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.case")]
pub struct CaseMovedBody<'b> {
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub head: CaseHead<'b>,
    /// What was done, the newest last; at most 200 lines.
    pub history: Vec<HistoryBody<'b>>,
    /// What it was made under.
    pub versions: &'b Versions,
}

/// A finding (判定).
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingBody<'b> {
    /// Of rule, outlet, factor, basis and period.
    pub id: Uuid,
    /// Rule id.
    pub rule: &'b str,
    /// Title, Chinese.
    pub title_zh: &'static str,
    /// Title, English.
    pub title_en: &'static str,
    /// 排放口.
    pub outlet: OutletId,
    /// Code of the factor.
    pub factor: FactorCode,
    /// The day it is about, YYYY-MM-DD.
    pub day: String,
    /// How grave.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Whether it still holds.
    pub standing: bool,
    /// Whether the mean behind it was confirmed.
    pub confirmed: bool,
    /// Counts the versions from 1.
    pub revision: u32,
    /// RFC 3339 at +08:00.
    pub at: String,
    /// The figures that decided, by name.
    pub facts: &'b Value,
    /// When it fired, by hour.
    pub hits: &'b [Hit],
    /// A sentence for a letter, Chinese.
    pub sentence_zh: &'b str,
    /// The same, English.
    pub sentence_en: &'b str,
    /// Where the rule comes from.
    pub source: &'b Source,
}

impl<'b> FindingBody<'b> {
    pub(super) fn of(finding: &'b Finding) -> Self {
        let title = rules::find(&finding.rule).map_or(("", ""), |rule| rule.title);
        Self {
            id: finding.id,
            rule: &finding.rule,
            title_zh: title.0,
            title_en: title.1,
            outlet: finding.outlet,
            factor: finding.factor,
            day: finding.day.to_string(),
            severity: finding.severity,
            confidence: finding.confidence,
            standing: finding.standing,
            confirmed: finding.confirmed,
            revision: finding.revision,
            at: finding.at.to_string(),
            facts: &finding.facts,
            hits: &finding.hits,
            sentence_zh: &finding.sentence_zh,
            sentence_en: &finding.sentence_en,
            source: &finding.source,
        }
    }
}

/// `hj212.warning.…`, `hj212.warning.….ended`: a finding while its day is not confirmed, and its end (预警).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.warning")]
pub struct WarningBody<'b> {
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub finding: FindingBody<'b>,
    /// What it was made under.
    pub versions: &'b Versions,
}

/// `hj212.link.up`, `hj212.link.down`: a connection came or went.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.link")]
pub struct LinkBody<'b> {
    /// Which process.
    pub gateway: &'b str,
    /// Its number there.
    pub connection: u64,
    /// Address.
    pub peer: &'b str,
    /// Why it ended.
    pub reason: &'b str,
    /// Place in the journal.
    pub sequence: u64,
}

/// `hj212.outage.…`: the receiver, a region, what a contractor maintains or a gateway was away, is, or is back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.outage")]
pub struct OutageBody<'b> {
    /// Of whom.
    pub scope: OutageScope,
    /// In words, Chinese.
    pub scope_zh: &'static str,
    /// In words, English.
    pub scope_en: &'static str,
    /// Which.
    pub name: &'b str,
    /// RFC 3339 at +08:00.
    pub from: String,
    /// RFC 3339 at +08:00; none: it goes on.
    pub to: Option<String>,
    /// How many loggers were silent.
    pub loggers_silent: u32,
    /// Of how many.
    pub loggers: u32,
    /// A sentence, Chinese.
    pub sentence_zh: String,
    /// The same, English.
    pub sentence_en: String,
    /// What it was made under.
    pub versions: &'b Versions,
}

/// `hj212.rejected`: bytes were no packet, or a packet was kept apart.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.rejected")]
pub struct RejectedBody<'b> {
    /// The reason's name.
    pub reason: &'b str,
    /// What was wrong.
    pub detail: &'b str,
    /// Address.
    pub peer: &'b str,
    /// How many bytes.
    pub len: u64,
    /// Place in the journal.
    pub sequence: u64,
}

/// `hj212.disposition.refused`, `hj212.case_event.refused`: what was said of a case could not be taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.refused")]
pub struct RefusedBody {
    /// Why not.
    pub reason: &'static str,
    /// What was said.
    pub statement: Value,
    /// Place in the journal.
    pub sequence: u64,
}

/// `hj212.root`: the hourly root over all chain heads. Kept outside, it proves what the database cannot prove of itself.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.root")]
pub struct RootBody<'b> {
    /// The hour that is over, RFC 3339 at +08:00.
    pub hour: String,
    /// SHA-256, hexadecimal.
    pub root: &'b str,
    /// Of which shard the chains are; not there where one engine has all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// How many chains.
    pub loggers: usize,
    /// Place in the journal.
    pub sequence: u64,
}

/// `hj212.contractor.scored`: a contractor's month (运维机构赋分). Points are full marks less what the lines cost.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hj212.contractor")]
pub struct ScoreBody<'b> {
    /// 运维机构, as the register names it.
    pub contractor: &'b str,
    /// 单位名称.
    pub name: &'b str,
    /// YYYY-MM.
    pub month: &'b str,
    /// How many outlets it maintained on a day of the month.
    pub outlets: u32,
    /// Engine time up to which hours were counted, RFC 3339 at +08:00.
    pub counted_until: String,
    /// Whether every day of the month is confirmed.
    pub finished: bool,
    /// Full marks of the items that could be judged.
    pub full: u32,
    /// Points, as shown.
    pub points: String,
    /// The exact fraction.
    pub points_exact: String,
    /// Share (%) of the full marks from which it passes.
    pub pass_pct: u32,
    /// Whether it does.
    pub passes: bool,
    /// One of each item.
    pub items: Vec<ScoreItemBody<'b>>,
    /// Line by line; at most 800.
    pub lines: Vec<ScoreLineBody<'b>>,
    /// Lines that have no room; the items hold the sums of all.
    pub lines_left_out: u32,
    /// What it was made under.
    pub versions: Versions,
}

/// An item of a contractor's month.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScoreItemBody<'b> {
    /// Which.
    pub item: ScoreItem,
    /// In words, Chinese.
    pub item_zh: &'static str,
    /// In words, English.
    pub item_en: &'static str,
    /// Its full marks; 0: there was nothing to judge.
    pub full: u32,
    /// What its lines cost, at most its full marks.
    pub deducted: String,
    /// What is left, as shown.
    pub points: String,
    /// The exact fraction.
    pub points_exact: String,
    /// Where its full marks come from.
    pub source: &'b Source,
}

/// A line of a contractor's month.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScoreLineBody<'b> {
    /// What it counts for.
    pub item: ScoreItem,
    /// 排放口.
    pub outlet: OutletId,
    /// Code of the factor; none: the outlet as a whole.
    pub factor: Option<FactorCode>,
    /// The figures behind it.
    pub measured: &'b str,
    /// The most that it can cost; none: it has no share of its own.
    pub share: Option<String>,
    /// What it costs, as shown.
    pub deduction: String,
    /// The exact fraction.
    pub deduction_exact: String,
    /// Why, Chinese.
    pub why_zh: &'b str,
    /// Why, English.
    pub why_en: &'b str,
    /// Where the deciding figure comes from.
    pub source: &'b Source,
}

impl<'b> ScoreBody<'b> {
    pub(super) fn of(score: &'b Score) -> Self {
        let item = |item: &'b ItemScore| ScoreItemBody {
            item: item.item,
            item_zh: item.item.says().0,
            item_en: item.item.says().1,
            full: item.full,
            deducted: item.deducted.shown(),
            points: item.points.shown(),
            points_exact: item.points.fraction(),
            source: &item.source,
        };
        let line = |line: &'b ScoreLine| ScoreLineBody {
            item: line.item,
            outlet: line.outlet,
            factor: line.factor,
            measured: &line.measured,
            share: line.share.as_ref().map(Ratio::shown),
            deduction: line.deduction.shown(),
            deduction_exact: line.deduction.fraction(),
            why_zh: &line.why_zh,
            why_en: &line.why_en,
            source: &line.source,
        };
        Self {
            contractor: &score.contractor,
            name: &score.name,
            month: &score.month,
            outlets: score.outlets,
            counted_until: score.counted_until.to_string(),
            finished: score.finished,
            full: score.full,
            points: score.points.shown(),
            points_exact: score.points.fraction(),
            pass_pct: score.pass_pct,
            passes: score.passes,
            items: score.items.iter().map(item).collect(),
            lines: score.lines.iter().map(line).collect(),
            lines_left_out: score.lines_left_out,
            versions: Versions { rule_set: score.rule_set.clone(), registry: score.registry.clone() },
        }
    }
}
