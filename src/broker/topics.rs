//! Topics: which there are, how many partitions, how long their records stay.

use super::{BrokerError, Cluster, MESSAGE_BYTES_MAX, NO_GROUP, Watch};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;
use std::time::Duration;

/// How long the cluster may take to say what it has, or to make something.
const PATIENCE: Duration = Duration::from_secs(10);
/// Copies of a record where there are brokers enough.
const REPLICAS: i32 = 3;

/// A topic as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicPlan {
    /// Its name.
    pub name: &'static str,
    /// Partitions; a key stays in one.
    pub partitions: i32,
    /// Days that records stay; none: for ever.
    pub days: Option<i64>,
    /// Of each key only the last record stays.
    pub compact: bool,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is there now.
    Made,
    /// It was there, and stays as it is.
    Known,
    /// It is not there, and why it could not be made.
    Not(String),
}

/// Makes the topics that are not there. Replicated three times with two in sync where there are three brokers, else as often as
/// there are brokers.
///
/// # Errors
/// The cluster does not say what it has.
pub async fn make_topics(cluster: &Cluster, plans: &[TopicPlan]) -> Result<Vec<(TopicPlan, Made)>, BrokerError> {
    let (admin, brokers, known) = look(cluster).await?;
    let replicas = REPLICAS.min(i32::try_from(brokers).unwrap_or(REPLICAS)).max(1);
    let in_sync = (replicas - 1).max(1).to_string();
    let bytes = MESSAGE_BYTES_MAX.to_string();
    let missing: Vec<TopicPlan> = plans.iter().copied().filter(|plan| !known.iter().any(|(name, _)| name == plan.name)).collect();
    let retention: Vec<String> = missing.iter().map(|plan| plan.days.map_or(-1, |days| days * 24 * 3_600_000).to_string()).collect();
    let mut topics = Vec::with_capacity(missing.len());
    for (plan, retention) in missing.iter().zip(&retention) {
        let topic = NewTopic::new(plan.name, plan.partitions, TopicReplication::Fixed(replicas));
        let topic = topic.set("max.message.bytes", &bytes).set("min.insync.replicas", &in_sync).set("retention.ms", retention);
        topics.push(topic.set("cleanup.policy", if plan.compact { "compact" } else { "delete" }));
    }
    let mut made: Vec<(TopicPlan, Made)> = plans.iter().filter(|plan| !missing.contains(plan)).map(|plan| (*plan, Made::Known)).collect();
    if topics.is_empty() {
        return Ok(made);
    }
    let results = admin.create_topics(&topics, &AdminOptions::new().operation_timeout(Some(PATIENCE))).await?;
    for (plan, result) in missing.iter().zip(results) {
        let outcome = match result {
            Ok(_) => Made::Made,
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Made::Known,
            Err((_, code)) => Made::Not(code.to_string()),
        };
        made.push((*plan, outcome));
    }
    Ok(made)
}

/// Who asked, how many brokers there are, and each topic with the copies of its partition that has fewest.
type Looked = (AdminClient<Watch>, usize, Vec<(String, u32)>);

/// How many partitions a topic has; none: it is not there.
///
/// # Errors
/// The cluster does not say what it has.
pub async fn count_partitions(cluster: &Cluster, topic: &'static str) -> Result<Option<u32>, BrokerError> {
    let count = move |metadata: &Metadata| metadata.topics().iter().find(|known| known.name() == topic).map_or(0, |known| known.partitions().len());
    let count = ask(cluster, Some(topic), count).await?;
    Ok(u32::try_from(count).ok().filter(|count| *count > 0))
}

/// Asks the cluster what it has.
async fn ask<T: Send + 'static>(
    cluster: &Cluster,
    topic: Option<&'static str>,
    read: impl FnOnce(&Metadata) -> T + Send + 'static,
) -> Result<T, BrokerError> {
    let client: BaseConsumer<Watch> = cluster.reading(NO_GROUP).create_with_context(Watch)?;
    let asking = move || {
        let answer = client.fetch_metadata(topic, PATIENCE);
        if answer.is_err() {
            // Why is said beside the answer: a login that fails, for one.
            while client.poll(Duration::ZERO).is_some() {}
        }
        Ok(read(&answer?))
    };
    tokio::task::spawn_blocking(asking).await.map_err(|error| BrokerError::Away(error.to_string()))?
}

async fn look(cluster: &Cluster) -> Result<Looked, BrokerError> {
    let read = |metadata: &Metadata| {
        let topics = metadata.topics().iter().filter_map(|topic| {
            let replicas = topic.partitions().iter().map(|partition| partition.replicas().len() as u32).min()?;
            Some((topic.name().to_owned(), replicas))
        });
        (metadata.brokers().len(), topics.collect())
    };
    let (brokers, topics) = ask(cluster, None, read).await?;
    let admin: AdminClient<Watch> = cluster.config.create_with_context(Watch)?;
    Ok((admin, brokers, topics))
}

/// A topic as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicState {
    /// Copies of a record, in the partition that has fewest.
    pub replicas: u32,
    /// Copies that must be in sync before a record is acknowledged.
    pub in_sync_min: u32,
    /// How long records stay; none: for ever.
    pub retention_ms: Option<i64>,
}

/// How the planned topics stand; none: it is not there.
///
/// # Errors
/// The cluster does not say what it has.
pub async fn look_at_topics(cluster: &Cluster, plans: &[TopicPlan]) -> Result<Vec<Option<TopicState>>, BrokerError> {
    let (admin, _, topics) = look(cluster).await?;
    let known: Vec<(usize, u32)> = plans
        .iter()
        .enumerate()
        .filter_map(|(place, plan)| topics.iter().find(|(name, _)| name == plan.name).map(|(_, replicas)| (place, *replicas)))
        .collect();
    let mut states = vec![None; plans.len()];
    if known.is_empty() {
        return Ok(states);
    }
    let asked: Vec<ResourceSpecifier<'_>> = known.iter().map(|(place, _)| ResourceSpecifier::Topic(plans[*place].name)).collect();
    let answers = admin.describe_configs(&asked, &AdminOptions::new().request_timeout(Some(PATIENCE))).await?;
    for ((place, replicas), answer) in known.into_iter().zip(answers) {
        let config = answer.map_err(|code| BrokerError::Refused(format!("{}: {code}", plans[place].name)))?;
        let number = |name: &str| config.get(name).and_then(|entry| entry.value.as_ref()?.parse::<i64>().ok());
        let in_sync_min = number("min.insync.replicas").and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
        states[place] = Some(TopicState { replicas, in_sync_min, retention_ms: number("retention.ms").filter(|kept| *kept >= 0) });
    }
    Ok(states)
}
