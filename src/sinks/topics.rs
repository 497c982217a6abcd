//! The topics of the house: how many partitions, how long their records stay. The database keeps everything; a topic keeps what a
//! consumer that was away may still want. Partitions and days are ours (grade D): whoever wants others makes the topic first.

use crate::broker::{Cluster, Made, TopicPlan, make_topics};
use crate::message::{DISPOSITIONS, Topic};
use crate::pipeline::appending::REGISTER;
use crate::store::JOURNAL;
use std::time::Duration;

/// Partitions of what is ordered by site: as many consumers may share the work.
const BY_SITE: i32 = 12;
/// Five years, with a leap day: as long as the law wants the data themselves.
const FIVE_YEARS: Option<i64> = Some(1826);
/// How long an entry waits for a worker that is away; the database keeps it for good.
const JOURNAL_DAYS: i64 = 7;

/// Every topic that is written or read; with a journal of so many shards, the journal's as well.
#[must_use]
pub fn plans(shards: Option<u32>) -> Vec<TopicPlan> {
    let plan = |topic: Topic| {
        let (partitions, days) = match topic {
            Topic::Referrals => (BY_SITE, FIVE_YEARS),
            Topic::Warnings | Topic::HourMeans => (BY_SITE, Some(90)),
            Topic::DayMeans => (BY_SITE, Some(400)),
            Topic::Links | Topic::Rejected => (1, Some(30)),
            Topic::Refused => (1, Some(400)),
            Topic::Contractors => (1, FIVE_YEARS),
            // An anchor is worth as much as it is old.
            Topic::Roots => (1, None),
        };
        TopicPlan { name: topic.name(), partitions, days, compact: false }
    };
    let mut plans: Vec<TopicPlan> = Topic::ALL.into_iter().map(plan).collect();
    plans.push(TopicPlan { name: DISPOSITIONS, partitions: BY_SITE, days: FIVE_YEARS, compact: false });
    if let Some(shards) = shards {
        let partitions = i32::try_from(shards).unwrap_or(i32::MAX);
        plans.push(TopicPlan { name: JOURNAL, partitions, days: Some(JOURNAL_DAYS), compact: false });
        plans.push(TopicPlan { name: REGISTER, partitions: 1, days: None, compact: true });
    }
    plans
}

/// A pause before a cluster that does not answer is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// Makes the topics that are not there, as soon as the cluster answers. Those that may not be made are named.
pub async fn make(cluster: &Cluster, shards: Option<u32>) {
    let made = loop {
        match make_topics(cluster, &plans(shards)).await {
            Ok(made) => break made,
            Err(error) => tracing::warn!(%error, "the topics cannot be looked at; it is tried again in five seconds"),
        }
        tokio::time::sleep(PAUSE).await;
    };
    for (plan, outcome) in made {
        match outcome {
            Made::Known => {}
            Made::Made => tracing::info!(topic = plan.name, partitions = plan.partitions, days = plan.days, "a topic was made"),
            Made::Not(why) => {
                tracing::error!(topic = plan.name, why, "a topic is missing and cannot be made; make it, or nothing is delivered to it")
            }
        }
    }
}
