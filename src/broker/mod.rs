//! Kafka: addresses and credentials, what is sent and read and how it may fail, groups, topics. The only module that names its client.
//!
//! A record is delivered when every replica in sync has it (`acks=all`), once and in the order in which it was queued
//! (idempotent), and is never given up for being late: whoever waits decides how long. Keys are spread over partitions as
//! Java clients spread them (`murmur2_random`).

mod consumer;
mod member;
mod partition;
mod topics;

pub use consumer::{Consumer, Received};
pub use member::{Change, HAND_OVER, Member};
pub use partition::{From, PartitionReader};
pub use topics::{Made, TopicPlan, TopicState, count_partitions, look_at_topics, make_topics};

use crate::telemetry::metric;
use metrics::counter;
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};
use std::fmt;

/// The longest message, as the topics' `max.message.bytes` and every client of ours have it: 1 MiB, Kafka's own default.
pub const MESSAGE_BYTES_MAX: usize = 1_048_576;

/// Why Kafka did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The settings are not such as a client can be made of.
    #[error("kafka: {0}")]
    Settings(String),
    /// It may pass by itself: nobody answers, a leader is being chosen, replicas are missing.
    #[error("kafka: {0}; it may pass by itself")]
    Away(String),
    /// Somebody has to do something: credentials, rights, topics.
    #[error("kafka: {0}; this does not pass by itself")]
    Refused(String),
    /// What should be read is not there and never will be: it was dropped, or the topic is another one.
    #[error("kafka has lost what should be read next: {0}")]
    Gone(String),
    /// This message will never be taken; others will.
    #[error("kafka takes no such message: {0}")]
    Poison(String),
}

impl BrokerError {
    /// Its name among the reasons of failure.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Away(_) => "away",
            Self::Refused(_) => "refused",
            Self::Gone(_) => "gone",
            Self::Poison(_) => "poison",
        }
    }
}

impl std::convert::From<KafkaError> for BrokerError {
    fn from(error: KafkaError) -> Self {
        use RDKafkaErrorCode as Code;
        let text = error.to_string();
        match error.rdkafka_error_code() {
            Some(Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidMessageSize | Code::InvalidRecord | Code::InvalidTimestamp) => {
                Self::Poison(text)
            }
            Some(
                Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::UnsupportedSASLMechanism
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::UnknownTopic
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition
                | Code::InvalidTopic
                | Code::PolicyViolation
                | Code::SSL,
            ) => Self::Refused(text),
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => Self::Gone(text),
            _ if matches!(error, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(..)) => Self::Settings(text),
            _ => Self::Away(text),
        }
    }
}

/// The group of clients that join none: they must name one.
const NO_GROUP: &str = "hj212d-reader";

/// Who may come in, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// `plaintext`, `ssl`, `sasl_plaintext`, `sasl_ssl`.
    pub security: String,
    /// PEM file of the authorities that the brokers' certificates are checked against; empty: the system's.
    pub authorities: String,
    /// `SCRAM-SHA-256`, `SCRAM-SHA-512`, `PLAIN`.
    pub mechanism: String,
    /// User; empty without SASL.
    pub user: String,
}

/// A cluster, and as whom. A password is never shown.
#[derive(Clone)]
pub struct Cluster {
    brokers: String,
    config: ClientConfig,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.brokers)
    }
}

impl Cluster {
    /// A cluster behind `brokers`, a list of `host:port`. Connects to nothing yet.
    #[must_use]
    pub fn new(brokers: &str, login: &Login, password: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("client.id", "hj212d").set("security.protocol", &login.security);
        // A broker that is away is asked again within two seconds, not ten.
        config.set("reconnect.backoff.max.ms", "2000").set("message.max.bytes", MESSAGE_BYTES_MAX.to_string());
        if !login.authorities.is_empty() {
            config.set("ssl.ca.location", &login.authorities);
        }
        if login.security.starts_with("sasl") {
            config.set("sasl.mechanism", &login.mechanism).set("sasl.username", &login.user).set("sasl.password", password);
        }
        Self { brokers: brokers.to_owned(), config }
    }

    /// A client that sends.
    ///
    /// # Errors
    /// The settings make none. That nobody answers is no error here.
    pub fn producer(&self) -> Result<Producer, BrokerError> {
        self.sender("zstd", "5")
    }

    /// A client that sends what somebody waits for: sooner, and with less work for every record.
    ///
    /// # Errors
    /// The settings make none. That nobody answers is no error here.
    pub fn prompt_producer(&self) -> Result<Producer, BrokerError> {
        self.sender("lz4", "1")
    }

    /// What every client that reads has in common: nothing is confirmed by itself, and what is not committed is not read.
    fn reading(&self, group: &str) -> ClientConfig {
        let mut config = self.config.clone();
        config.set("group.id", group).set("enable.auto.commit", "false").set("enable.partition.eof", "false");
        config.set("isolation.level", "read_committed");
        config
    }

    fn sender(&self, compression: &str, linger_ms: &str) -> Result<Producer, BrokerError> {
        let mut config = self.config.clone();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", compression)
            .set("linger.ms", linger_ms)
            .set("partitioner", "murmur2_random")
            // A topic that is not there is named after ten seconds, before whoever waits has lost patience.
            .set("topic.metadata.propagation.max.ms", "10000")
            // Never given up for being late.
            .set("message.timeout.ms", "0");
        Ok(Producer { client: config.create_with_context(Watch)? })
    }
}

/// Tells what librdkafka says by itself: brokers that do not answer, logins that fail.
#[derive(Debug, Clone, Copy)]
struct Watch;

impl ClientContext for Watch {
    fn error(&self, error: KafkaError, reason: &str) {
        let error = BrokerError::from(error);
        counter!(metric::BROKER_ERRORS, "reason" => error.name()).increment(1);
        tracing::warn!(%error, reason, "kafka");
    }
}

impl rdkafka::consumer::ConsumerContext for Watch {}

/// One record on its way.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'r> {
    /// Where.
    pub topic: &'r str,
    /// Order is kept per key.
    pub key: &'r str,
    /// Which partition; none: the key's.
    pub partition: Option<u32>,
    /// Names and values.
    pub headers: &'r [(&'r str, String)],
    /// The body.
    pub body: &'r [u8],
}

/// Sends.
pub struct Producer {
    client: FutureProducer<Watch>,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Producer")
    }
}

/// The outcome of a record that was queued.
pub struct Delivery(DeliveryFuture);

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delivery")
    }
}

impl Producer {
    /// Queues a record behind those before it.
    ///
    /// # Errors
    /// It was not queued: it can never be, or the queue is full.
    pub fn queue(&self, record: Outgoing<'_>) -> Result<Delivery, BrokerError> {
        let Outgoing { topic, key, partition, headers, body } = record;
        let mut record = FutureRecord::to(topic).key(key).payload(body);
        record.partition = partition.map(|partition| i32::try_from(partition).unwrap_or(i32::MAX));
        if !headers.is_empty() {
            let names = |headers: OwnedHeaders, (key, value): &(&str, String)| headers.insert(Header { key, value: Some(value) });
            record = record.headers(headers.iter().fold(OwnedHeaders::new(), names));
        }
        self.client.send_result(record).map(Delivery).map_err(|(error, _)| error.into())
    }
}

impl Delivery {
    /// Waits until every replica in sync has it; gives its place in the partition. Dropped before it is done, it takes nothing.
    ///
    /// # Errors
    /// It is not there, or nobody knows whether it is.
    pub async fn done(&mut self) -> Result<u64, BrokerError> {
        match (&mut self.0).await {
            Ok(Ok(delivered)) => Ok(delivered.offset.unsigned_abs()),
            Ok(Err((error, _))) => Err(error.into()),
            Err(_) => Err(BrokerError::Away("the client was dropped while the record was on its way".to_owned())),
        }
    }
}
