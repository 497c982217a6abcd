//! Membership in a group that shares the partitions of a topic: who has which, and nothing read. What is given is worked on until it is
//! taken back; who must give back has a while to end what it does.

use super::{BrokerError, Cluster, Watch};
use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How long a group waits for what must be given back; after that it is taken, and the epoch of the shard keeps the two apart.
pub const HAND_OVER: Duration = Duration::from_secs(30);
/// A member learns by its heartbeat that others come or go: with a long session it beats at least so often, as Kafka's own clients do.
const HEARTBEAT_MAX: Duration = Duration::from_secs(3);
/// How often the client looks for news.
const LOOK: Duration = Duration::from_millis(100);

/// News of a membership.
#[derive(Debug)]
pub enum Change {
    /// Partitions that are this member's from now on.
    Given(Vec<u32>),
    /// Partitions that are not, as soon as `done` is dropped.
    TakenBack(Vec<u32>, SyncSender<()>),
}

/// Hands the group's news on: on the thread that looks for them, which may wait.
struct Told(Sender<Change>);

impl ClientContext for Told {
    fn error(&self, error: KafkaError, reason: &str) {
        Watch.error(error, reason);
    }
}

impl ConsumerContext for Told {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else { return };
        let (done, waited) = sync_channel(0);
        if self.0.blocking_send(Change::TakenBack(numbers(partitions), done)).is_ok()
            && waited.recv_timeout(HAND_OVER) == Err(RecvTimeoutError::Timeout)
        {
            tracing::warn!("partitions were not given back in time; another member takes them, and their epoch");
        }
    }

    fn post_rebalance(&self, client: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            // Each shard reads its partition itself, from the place that its store names.
            if let Err(error) = client.pause(partitions) {
                tracing::warn!(%error, "partitions cannot be paused");
            }
            let _ = self.0.blocking_send(Change::Given(numbers(partitions))); // Who listened has gone: nothing begins.
        }
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<u32> {
    partitions.elements().iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect()
}

/// A member of a group.
pub struct Member {
    client: BaseConsumer<Told>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Member")
    }
}

impl Cluster {
    /// Joins `group` for `topic`. `instance`: a name that outlives the process (static membership): who comes back under it within
    /// the session's time finds its partitions as they were; empty: partitions move at once when it leaves.
    ///
    /// # Errors
    /// The settings make none. That nobody answers is no error here.
    pub fn member(&self, topic: &str, group: &str, instance: &str, session: Duration, changes: Sender<Change>) -> Result<Member, BrokerError> {
        let mut config = self.reading(group);
        config
            // Nothing is read here; a place must be named all the same.
            .set("auto.offset.reset", "latest")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", session.as_millis().to_string())
            .set("heartbeat.interval.ms", (session / 10).min(HEARTBEAT_MAX).as_millis().to_string())
            .set("topic.metadata.refresh.interval.ms", "10000");
        if !instance.is_empty() {
            config.set("group.instance.id", instance);
        }
        let client: BaseConsumer<Told> = config.create_with_context(Told(changes))?;
        client.subscribe(&[topic])?;
        Ok(Member { client })
    }
}

impl Member {
    /// Looks for news until `stop` says so; then gives everything back, or, without `leaves`, goes as if it came back. Blocks the thread.
    pub fn stay(&self, stop: impl Fn() -> bool, leaves: bool) {
        let mut leaving = false;
        loop {
            if let Some(Err(error)) = self.client.poll(LOOK) {
                let error = BrokerError::from(error);
                tracing::warn!(%error, "the group cannot be heard; it is tried again");
                std::thread::sleep(LOOK);
            }
            if stop() && !leaving {
                if !leaves {
                    return;
                }
                leaving = true;
                self.client.unsubscribe();
            }
            let nothing = || self.client.assignment().is_ok_and(|partitions| partitions.count() == 0);
            if leaving && nothing() {
                return;
            }
        }
    }
}
