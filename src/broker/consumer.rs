//! Reads a topic as a group does: every record once handed over and confirmed, or handed over again.

use super::{BrokerError, Cluster, Watch};
use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::fmt;
use std::time::Duration;

/// How long leaving a group may hold up an end.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

/// A record as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Place in the partition.
    pub offset: i64,
    /// The key's bytes.
    pub key: Vec<u8>,
    /// The body's bytes; none: the record has no body.
    pub body: Option<Vec<u8>>,
}

/// A reader of one topic.
pub struct Consumer {
    client: StreamConsumer<Watch>,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consumer")
    }
}

impl Cluster {
    /// A reader of `topic` in `group`, from the first record that the group has not confirmed.
    ///
    /// # Errors
    /// The settings make none. That nobody answers is no error here.
    pub fn consumer(&self, topic: &str, group: &str) -> Result<Consumer, BrokerError> {
        let mut config = self.reading(group);
        config
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", "10000")
            // A topic that is made later is found within ten seconds.
            .set("topic.metadata.refresh.interval.ms", "10000");
        let client: StreamConsumer<Watch> = config.create_with_context(Watch)?;
        client.subscribe(&[topic])?;
        Ok(Consumer { client })
    }
}

impl Consumer {
    /// Leaves the group, which may take a while and waits for nobody's answer.
    pub async fn leave(self) {
        let left = tokio::task::spawn_blocking(move || drop(self));
        let _ = tokio::time::timeout(LEAVE_PATIENCE, left).await; // The group finds out by itself.
    }

    /// The next record. Dropped before it is done, it takes nothing.
    ///
    /// # Errors
    /// The broker says no, or nothing.
    pub async fn next(&self) -> Result<Received, BrokerError> {
        let message: BorrowedMessage<'_> = self.client.recv().await?;
        Ok(Received {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().unwrap_or_default().to_vec(),
            body: message.payload().map(<[u8]>::to_vec),
        })
    }

    /// Confirms a record, and all before it in its partition: after a restart they do not come again.
    ///
    /// # Errors
    /// It is not confirmed, and will come again.
    pub async fn confirm(&self, received: &Received) -> Result<(), BrokerError> {
        let mut places = TopicPartitionList::new();
        places.add_partition_offset(&received.topic, received.partition, Offset::Offset(received.offset + 1))?;
        Ok(self.client.commit(&places, CommitMode::Async)?)
    }
}
