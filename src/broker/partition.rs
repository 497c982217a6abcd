//! Reads one partition from a place that the reader names: no group, and nothing confirmed.

use super::{BrokerError, Cluster, NO_GROUP, Watch};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::fmt;
use std::time::Duration;

/// How long the cluster may take to say where a partition begins and ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the first record that there is.
    Beginning,
    /// With this record and no other.
    Record(u64),
}

/// A reader of one partition.
pub struct PartitionReader {
    client: BaseConsumer<Watch>,
    topic: String,
    partition: i32,
}

impl fmt::Debug for PartitionReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartitionReader({}/{})", self.topic, self.partition)
    }
}

impl Cluster {
    /// A reader of one partition. Records that wait in it are bounded by 16 MiB.
    ///
    /// # Errors
    /// The settings make none. That nobody answers is no error here.
    pub fn partition_reader(&self, topic: &str, partition: u32, from: From) -> Result<PartitionReader, BrokerError> {
        let mut config = self.reading(NO_GROUP);
        config
            // A record that is not there is no reason to read on from elsewhere.
            .set("auto.offset.reset", "error")
            .set("queued.max.messages.kbytes", "16384")
            // Whoever reads collects anyway: fewer and larger answers.
            .set("fetch.wait.max.ms", "100")
            .set("fetch.min.bytes", "65536");
        let client: BaseConsumer<Watch> = config.create_with_context(Watch)?;
        let partition = i32::try_from(partition).map_err(|_| BrokerError::Settings(format!("partition {partition}")))?;
        let mut place = TopicPartitionList::new();
        let offset = match from {
            From::Beginning => Offset::Beginning,
            From::Record(offset) => Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX)),
        };
        place.add_partition_offset(topic, partition, offset)?;
        client.assign(&place)?;
        Ok(PartitionReader { client, topic: topic.to_owned(), partition })
    }
}

impl PartitionReader {
    /// Waits up to `patience` for the next record and hands its offset and body to `take`; says whether one came. Blocks the thread.
    ///
    /// # Errors
    /// The broker says no, or nothing. [`BrokerError::Gone`]: the next record is not there, and never will be.
    pub fn next<T>(&self, patience: Duration, take: impl FnOnce(u64, Option<&[u8]>) -> T) -> Result<Option<T>, BrokerError> {
        match self.client.poll(patience) {
            None => Ok(None),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(message)) => Ok(Some(take(message.offset().unsigned_abs(), message.payload()))),
        }
    }

    /// The first record that there is, and the one that comes next. Blocks the thread.
    ///
    /// # Errors
    /// The broker says no, or nothing.
    pub fn bounds(&self) -> Result<(u64, u64), BrokerError> {
        let (first, next) = self.client.fetch_watermarks(&self.topic, self.partition, PATIENCE)?;
        Ok((first.unsigned_abs(), next.unsigned_abs()))
    }
}
