//! What enforcement says about cases, from Kafka into the journal: a record of `hj212.dispositions.v1` becomes an entry, whatever
//! its key. It is confirmed when the entry is durable, so that a crash in between brings it again; what was said already changes
//! nothing. A record that is no step goes to the dead letters with the reason, and stops nobody.

use crate::broker::{BrokerError, Cluster, Consumer, Outgoing, Producer, Received};
use crate::domain::CaseStatement;
use crate::engine::Body;
use crate::message::{DISPOSITIONS, Topic};
use crate::pipeline::appending::{Appender, NotAppended};
use crate::telemetry::metric;
use metrics::counter;
use std::time::Duration;
use tokio::sync::watch;

/// A pause after the broker said no.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest text of a record that is shown in a dead letter's reason.
const REASON_LEN_MAX: usize = 500;

/// Reads steps of cases and appends them.
#[derive(Debug)]
pub struct Bridge {
    /// Where from.
    pub cluster: Cluster,
    /// Consumer group.
    pub group: String,
    /// Where to.
    pub appender: Appender,
}

impl Bridge {
    /// Runs until `stop` turns true. While the broker is away nothing comes, and that is no failure of the house.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let consumer = match self.cluster.consumer(DISPOSITIONS, &self.group) {
            Ok(consumer) => consumer,
            Err(error) => return tracing::error!(%error, "steps of cases cannot be read at all"),
        };
        tokio::select! {
            () = self.read_on(&consumer) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        consumer.leave().await;
    }

    async fn read_on(&self, consumer: &Consumer) {
        let mut producer = None;
        loop {
            // The client connects anew by itself.
            let received = match consumer.next().await {
                Ok(received) => received,
                Err(error) => {
                    tracing::warn!(%error, "steps of cases cannot be read; it is tried again in a second");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let taken = match self.read(&received) {
                Ok(body) => self.append(body, received.body.as_ref().map_or(0, Vec::len)).await,
                Err(reason) => Err(reason),
            };
            // What follows would confirm this one, too: it is answered for first, however long that takes.
            if let Err(reason) = taken {
                while let Err(error) = self.put_aside(&mut producer, &received, &reason).await {
                    tracing::warn!(%error, "a dead letter cannot be written; it is tried again in a second");
                    producer = None;
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if let Err(error) = consumer.confirm(&received).await {
                tracing::warn!(%error, "a record was taken and not confirmed: it comes again, and changes nothing then");
            }
        }
    }

    /// Appends, and waits until it is durable.
    async fn append(&self, body: Body, bytes: usize) -> Result<(), String> {
        match self.appender.append(vec![(body, bytes)]).await {
            Ok(_) => counter!(metric::DISPOSITIONS, "fate" => "taken").increment(1),
            // The record comes again after the next start.
            Err(NotAppended::Stopping) => std::future::pending().await,
            Err(never) => return Err(never.to_string()),
        }
        Ok(())
    }

    /// Writes a dead letter. Where the body is too long to be written beside the reason, the place says where it lies.
    async fn put_aside(&self, producer: &mut Option<Producer>, received: &Received, reason: &str) -> Result<(), BrokerError> {
        let producer = match producer {
            Some(producer) => producer,
            None => producer.insert(self.cluster.producer()?),
        };
        let place = format!("{}/{}/{}", received.topic, received.partition, received.offset);
        tracing::warn!(place, reason, "a record that is no step of a case goes to the dead letters");
        let headers = [
            ("content-type", "application/octet-stream".to_owned()),
            ("ce_specversion", "1.0".to_owned()),
            ("ce_id", place.clone()),
            ("ce_type", "hj212.record.refused".to_owned()),
            ("ce_source", "hj212d".to_owned()),
            ("ce_subject", place.clone()),
            ("reason", reason.to_owned()),
        ];
        let send = async |body: &[u8]| {
            producer.queue(Outgoing { topic: Topic::Refused.name(), key: &place, partition: None, headers: &headers, body })?.done().await
        };
        match send(received.body.as_deref().unwrap_or_default()).await {
            Err(BrokerError::Poison(_)) => send(&[]).await?,
            other => other?,
        };
        counter!(metric::DISPOSITIONS, "fate" => "dead_letter").increment(1);
        Ok(())
    }

    /// The entry that a record is.
    fn read(&self, received: &Received) -> Result<Body, String> {
        let bytes = received.body.as_deref().ok_or("the record has no body")?;
        let shorten = |text: String| text.chars().take(REASON_LEN_MAX).collect::<String>();
        let body = match serde_json::from_slice(bytes).map_err(|error| shorten(format!("no statement about a case: {error}")))? {
            CaseStatement::Disposition(step) => Body::Disposition(step),
            CaseStatement::Event(event) => Body::Event(event),
        };
        self.appender.fault(&body).map_or(Ok(body), |what| Err(shorten(what)))
    }
}
