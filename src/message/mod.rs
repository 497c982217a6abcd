//! What leaves the house: events with a type, an id derived from their content, and a body whose shape is a contract.
//! CloudEvents 1.0 attributes; no transport. The password of a packet is masked in everything that leaves.

mod body;
mod schema;

pub use body::{EvidencePacket, EvidenceRange};
pub use schema::documents;

use crate::docket::{Case, Change, articles, suggested_action};
use crate::domain::time::{Day, Moment};
use crate::domain::{Finding, Mean, Medium, Outage, OutageScope, OutletId, RuleId, Score, SiteId, Span, Status};
use crate::registry::Registry;
use crate::rules::{self, NAMESPACE};
use body::{
    CaseHead, CaseMovedBody, FindingBody, HistoryBody, HourBody, LinkBody, MeanBody, MeansBody, OutageBody, ReferralBody, RefusedBody, RejectedBody,
    RootBody, ScoreBody, WarningBody,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Deciding packets that a referral carries in full; the rest is named by range and hash.
pub const PACKETS_MAX: usize = 20;
/// Hour rows that a referral carries: a day of each factor of its family.
pub const HOURS_MAX: usize = 240;

/// Where an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Topic {
    /// 线索移送.
    #[serde(rename = "hj212.referrals.v1")]
    Referrals,
    /// 预警: provisional exceedances.
    #[serde(rename = "hj212.warnings.v1")]
    Warnings,
    /// 小时均值.
    #[serde(rename = "hj212.means.hour.v1")]
    HourMeans,
    /// 日均值.
    #[serde(rename = "hj212.means.day.v1")]
    DayMeans,
    /// Connections.
    #[serde(rename = "hj212.links.v1")]
    Links,
    /// Bytes that were no packet, and packets kept apart.
    #[serde(rename = "hj212.rejected.v1")]
    Rejected,
    /// Hourly roots over all chains.
    #[serde(rename = "hj212.roots.v1")]
    Roots,
    /// Steps and events of cases that could not be taken, and why; records that are none.
    #[serde(rename = "hj212.deadletters.v1")]
    Refused,
    /// 运维机构赋分.
    #[serde(rename = "hj212.contractors.v1")]
    Contractors,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 9] = [
        Self::Referrals,
        Self::Warnings,
        Self::HourMeans,
        Self::DayMeans,
        Self::Links,
        Self::Rejected,
        Self::Roots,
        Self::Refused,
        Self::Contractors,
    ];

    /// The topic's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Referrals => "hj212.referrals.v1",
            Self::Warnings => "hj212.warnings.v1",
            Self::HourMeans => "hj212.means.hour.v1",
            Self::DayMeans => "hj212.means.day.v1",
            Self::Links => "hj212.links.v1",
            Self::Rejected => "hj212.rejected.v1",
            Self::Roots => "hj212.roots.v1",
            Self::Refused => "hj212.deadletters.v1",
            Self::Contractors => "hj212.contractors.v1",
        }
    }
}

/// 处置: the topic from which steps and events of cases come.
pub const DISPOSITIONS: &str = "hj212.dispositions.v1";

/// One event. Its JSON is a CloudEvents 1.0 envelope in structured mode, one object a line in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: String,
    /// UUID v5 of the content: a consumer drops what it has seen.
    pub id: Uuid,
    /// `hj212.referral.opened`, `hj212.mean.hour` …
    #[serde(rename = "type")]
    pub kind: String,
    /// Always `hj212d`.
    pub source: String,
    /// What it is about: case, outlet, logger.
    pub subject: String,
    /// Engine time.
    pub time: String,
    /// Where it goes.
    pub topic: Topic,
    /// Order is kept per key: the site.
    pub key: String,
    /// Position in the journal of the entry that caused it.
    pub sequence: u64,
    /// The body.
    pub data: Value,
}

/// A body as JSON, its members in the order of its type.
fn written<B: Serialize>(body: &B) -> Value {
    serde_json::to_value(body).expect("a body has text keys and finite numbers")
}

fn event<B: Serialize>(topic: Topic, kind: String, subject: String, key: String, now: Moment, sequence: u64, body: &B) -> Event {
    let data = written(body);
    let identity = format!("{kind}|{subject}|{data}");
    Event {
        specversion: "1.0".to_owned(),
        id: Uuid::new_v5(&NAMESPACE, identity.as_bytes()),
        kind,
        source: "hj212d".to_owned(),
        subject,
        time: now.to_string(),
        topic,
        key,
        sequence,
        data,
    }
}

/// The versions under which an output was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Versions {
    /// Rule set.
    pub rule_set: String,
    /// Register.
    pub registry: String,
}

/// A publication of one outlet's means for one hour or one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// Where.
    pub outlet: OutletId,
    /// Its site.
    pub site: Option<SiteId>,
    /// Hour or day.
    pub span: Span,
    /// First instant of the period.
    pub start: Moment,
    /// Counts the versions from 1.
    pub revision: u32,
    /// How final it is.
    pub status: Status,
    /// Engine time.
    pub at: Moment,
    /// Versions it was made under.
    pub versions: Versions,
    /// The means, by factor and kind.
    pub means: Vec<Mean>,
}

/// A mean as it leaves the house: the shown figure and the exact fraction.
#[must_use]
pub fn mean_body(mean: &Mean) -> Value {
    written(&MeanBody::of(mean))
}

/// The event of a publication.
#[must_use]
pub fn means(publication: &Publication, sequence: u64) -> Event {
    let (topic, kind) = match publication.span {
        Span::Hour => (Topic::HourMeans, "hj212.mean.hour"),
        Span::Day => (Topic::DayMeans, "hj212.mean.day"),
    };
    let body = MeansBody {
        outlet: publication.outlet,
        site: publication.site,
        span: publication.span,
        start: publication.start.to_string(),
        revision: publication.revision,
        status: publication.status,
        versions: &publication.versions,
        means: publication.means.iter().map(MeanBody::of).collect(),
    };
    let key = publication.site.map_or_else(|| publication.outlet.to_string(), |site| site.to_string());
    event(topic, kind.to_owned(), publication.outlet.to_string(), key, publication.at, sequence, &body)
}

/// The flat lines of a publication: one mean a line.
#[must_use]
pub fn mean_lines(publication: &Publication) -> Vec<Value> {
    let line = |mean: &Mean| {
        let mut line = json!({
            "outlet": publication.outlet,
            "span": publication.span,
            "start": publication.start.to_string(),
            "revision": publication.revision,
            "status": publication.status,
            "at": publication.at.to_string(),
            "versions": publication.versions,
        });
        if let (Some(line), Value::Object(body)) = (line.as_object_mut(), mean_body(mean)) {
            line.extend(body);
        }
        line
    };
    publication.means.iter().map(line).collect()
}

/// What a referral rests on (promise 3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// At most [`PACKETS_MAX`] deciding packets.
    pub packets: Vec<EvidencePacket>,
    /// All packets about the day.
    pub ranges: Vec<EvidenceRange>,
}

/// What is being referred.
#[derive(Debug)]
pub struct Referral<'r> {
    /// The case after the change.
    pub case: &'r Case,
    /// What happened to it.
    pub change: Change,
    /// The day that moved it.
    pub day: Day,
    /// The day's findings of the case's factor.
    pub findings: &'r [Finding],
    /// Rules that could not be evaluated, and the input that is missing.
    pub not_evaluable: &'r BTreeMap<RuleId, &'static str>,
    /// The day's means of the factors.
    pub day_means: &'r [Mean],
    /// The day's hours of the factors, at most [`HOURS_MAX`].
    pub hour_means: &'r [Mean],
    /// Packets.
    pub evidence: Evidence,
    /// Points from which a referral has priority.
    pub priority: u32,
    /// Versions.
    pub versions: &'r Versions,
    /// Register in force.
    pub registry: &'r Registry,
}

/// The event of a referral.
#[must_use]
pub fn referral(referral: &Referral<'_>, now: Moment, sequence: u64) -> Event {
    let Referral { case, change, day, findings, registry, .. } = referral;
    let outlet = registry.outlet(case.outlet, day.start());
    let medium = outlet.map_or(Medium::Gas, |outlet| outlet.medium);
    let permitted = outlet.is_some_and(|outlet| registry.permits(outlet.site).iter().any(|permit| permit.validity.holds(day.start())));
    let body = ReferralBody {
        head: CaseHead::of(case, *change, registry, *day),
        suggested_action_zh: suggested_action(case.kind, case.severity).0,
        suggested_action_en: suggested_action(case.kind, case.severity).1,
        legal: articles(case.kind, medium, permitted, *day),
        day: day.to_string(),
        findings: findings.iter().map(FindingBody::of).collect(),
        not_evaluable: referral.not_evaluable,
        priority: case.score >= referral.priority,
        day_means: referral.day_means.iter().map(MeanBody::of).collect(),
        hours: referral.hour_means.iter().map(HourBody::of).collect(),
        packets: &referral.evidence.packets,
        packet_ranges: &referral.evidence.ranges,
        versions: referral.versions,
    };
    case_event(case, *change, registry, &body, now, sequence)
}

/// The event of a case that people moved, or whose step is overdue: the same topic and subject as its referrals, without figures.
#[must_use]
pub fn case_moved(case: &Case, change: Change, registry: &Registry, versions: &Versions, now: Moment, sequence: u64) -> Event {
    let head = CaseHead::of(case, change, registry, case.first_day);
    let body = CaseMovedBody { head, history: case.history.iter().map(HistoryBody::of).collect(), versions };
    case_event(case, change, registry, &body, now, sequence)
}

fn case_event<B: Serialize>(case: &Case, change: Change, registry: &Registry, body: &B, now: Moment, sequence: u64) -> Event {
    let outlet = registry.outlet(case.outlet, case.first_day.start());
    let key = outlet.map_or_else(|| case.outlet.to_string(), |outlet| outlet.site.to_string());
    event(Topic::Referrals, format!("hj212.referral.{}", change.name()), case.id.to_string(), key, now, sequence, body)
}

/// A finding as it leaves the house.
#[must_use]
pub fn finding_body(finding: &Finding) -> Value {
    written(&FindingBody::of(finding))
}

/// The warning of a provisional finding.
#[must_use]
pub fn warning(finding: &Finding, site: Option<SiteId>, versions: &Versions, sequence: u64) -> Event {
    let body = WarningBody { finding: FindingBody::of(finding), versions };
    let key = site.map_or_else(|| finding.outlet.to_string(), |site| site.to_string());
    let what = rules::find(&finding.rule).map_or("finding", |rule| rule.kind.name());
    let kind = format!("hj212.warning.{what}{}", if finding.standing { "" } else { ".ended" });
    event(Topic::Warnings, kind, finding.outlet.to_string(), key, finding.at, sequence, &body)
}

/// A connection came or went.
#[must_use]
pub fn link(up: bool, gateway: &str, connection: u64, peer: &str, reason: &str, now: Moment, sequence: u64) -> Event {
    let body = LinkBody { gateway, connection, peer, reason, sequence };
    let kind = if up { "hj212.link.up" } else { "hj212.link.down" };
    event(Topic::Links, kind.to_owned(), format!("{gateway}/{connection}"), gateway.to_owned(), now, sequence, &body)
}

/// The receiver, a region, what a contractor maintains or a gateway was away, is, or is back.
#[must_use]
pub fn outage(outage: &Outage, versions: &Versions, now: Moment, sequence: u64) -> Event {
    let scope = outage.scope;
    let (from, to) = (outage.from.to_string(), outage.to.map(|to| to.to_string()));
    let until = to.as_ref().map_or_else(|| ("起".to_owned(), " on".to_owned()), |to| (format!("至{to}"), format!(" to {to}")));
    let body = OutageBody {
        scope,
        scope_zh: scope.says().0,
        scope_en: scope.says().1,
        name: &outage.name,
        sentence_zh: format!("{from}{}，{}{}；期间的断链不作为点位断链线索。", until.0, scope.says().0, outage.name),
        sentence_en: format!("From {from}{}, {} {}; silence in this time is no referral of an outlet.", until.1, scope.says().1, outage.name),
        from,
        to,
        loggers_silent: outage.silent.0,
        loggers: outage.silent.1,
        versions,
    };
    let over = outage.to.is_some() && scope != OutageScope::Receiver;
    let kind = format!("hj212.outage.{}{}", scope.name(), if over { ".ended" } else { "" });
    event(Topic::Links, kind, format!("{} {}", scope.name(), outage.name).trim().to_owned(), "outages".to_owned(), now, sequence, &body)
}

/// Bytes were no packet, or a packet was kept apart.
#[must_use]
pub fn rejected(reason: &str, detail: &str, peer: &str, len: u64, now: Moment, sequence: u64) -> Event {
    let body = RejectedBody { reason, detail, peer, len, sequence };
    event(Topic::Rejected, "hj212.rejected".to_owned(), peer.to_owned(), peer.to_owned(), now, sequence, &body)
}

/// A step or an event of a case could not be taken: what it was, and why not.
#[must_use]
pub fn refused<S: Serialize>(what: &str, case: Uuid, statement: &S, reason: &'static str, now: Moment, sequence: u64) -> Event {
    let body = RefusedBody { reason, statement: written(statement), sequence };
    event(Topic::Refused, format!("hj212.{what}.refused"), case.to_string(), case.to_string(), now, sequence, &body)
}

/// A contractor's month, line by line (运维机构赋分).
#[must_use]
pub fn score_body(score: &Score) -> Value {
    written(&ScoreBody::of(score))
}

/// A contractor's month was scored. Scored again, the later one holds.
#[must_use]
pub fn scored(score: &Score, now: Moment, sequence: u64) -> Event {
    let contractor = score.contractor.clone();
    event(Topic::Contractors, "hj212.contractor.scored".to_owned(), contractor.clone(), contractor, now, sequence, &ScoreBody::of(score))
}

/// The hourly root over all chain heads: outside the database it proves what the database cannot prove of itself.
#[must_use]
pub fn root(hour: Moment, root: &str, shard: Option<u32>, loggers: usize, now: Moment, sequence: u64) -> Event {
    let body = RootBody { hour: hour.to_string(), root, shard, loggers, sequence };
    event(Topic::Roots, "hj212.root".to_owned(), hour.to_string(), "roots".to_owned(), now, sequence, &body)
}
