//! The topics of the house: how many partitions, how long their records stay. The database keeps everything; a topic keeps what a
//! consumer that was away may still want. Partitions and days are ours (grade D): whoever wants others makes the topic first.

use crate::broker::{Cluster, Made, TopicPlan, make_topics};
use crate::message::{DISPOSITIONS, Topic};
use std::time::Duration;
use tokio::sync::watch;

/// Partitions of what is ordered by site: as many consumers may share the work.
const BY_SITE: i32 = 12;
/// Five years, with a leap day: as long as the law wants the data themselves.
const FIVE_YEARS: Option<i64> = Some(1826);

/// Every topic that is written or read.
#[must_use]
pub fn plans() -> Vec<TopicPlan> {
    let plan = |topic: Topic| {
        let (partitions, days) = match topic {
            Topic::Referrals => (BY_SITE, FIVE_YEARS),
            Topic::Warnings | Topic::HourMeans => (BY_SITE, Some(90)),
            Topic::DayMeans => (BY_SITE, Some(400)),
            Topic::Links | Topic::Rejected => (1, Some(30)),
            Topic::Refused => (1, Some(400)),
            // An anchor is worth as much as it is old.
            Topic::Roots => (1, None),
        };
        TopicPlan { name: topic.name(), partitions, days }
    };
    let mut plans: Vec<TopicPlan> = Topic::ALL.into_iter().map(plan).collect();
    plans.push(TopicPlan { name: DISPOSITIONS, partitions: BY_SITE, days: FIVE_YEARS });
    plans
}

/// A pause before a cluster that does not answer is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// Makes the topics that are not there, as soon as the cluster answers, or until `stop` turns true. Those that may not be made are named.
pub async fn make(cluster: Cluster, mut stop: watch::Receiver<bool>) {
    let work = async {
        loop {
            match make_topics(&cluster, &plans()).await {
                Ok(made) => return made,
                Err(error) => tracing::warn!(%error, "the topics cannot be looked at; it is tried again in five seconds"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let made = tokio::select! {
        made = work => made,
        _ = stop.wait_for(|stop| *stop) => return,
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
