//! Events to Kafka: CloudEvents 1.0 in binary mode, the attributes as headers and the body as the value.

use super::DeliverError;
use crate::broker::{BrokerError, Cluster, Delivery, MESSAGE_BYTES_MAX, Outgoing, Producer};
use crate::message::Event;
use crate::telemetry::metric;
use metrics::counter;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So long one round waits for its acknowledgements; then it begins again at the lowest row, so that the gauges stay true.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where events are kept that Kafka will never take.
const UNDELIVERABLE: &str = "undeliverable.jsonl";

/// A producer, made when it is needed and dropped after a failure.
#[derive(Debug)]
pub struct KafkaSink {
    cluster: Cluster,
    producer: Option<Producer>,
    folder: PathBuf,
}

impl KafkaSink {
    /// Sends to a cluster. What the cluster will never take is kept in `folder`.
    #[must_use]
    pub fn new(cluster: Cluster, folder: &Path) -> Self {
        Self { cluster, producer: None, folder: folder.to_owned() }
    }

    /// Sends events in their order. Gives how many from the front are safe, and why no more are.
    pub(super) async fn append(&mut self, events: &[&Event]) -> (usize, Result<(), DeliverError>) {
        let result = self.send(events).await;
        if result.1.is_err()
            && let Some(producer) = self.producer.take()
        {
            // What is still queued in it would overtake the rows that are sent again. Ending it may take a while.
            tokio::task::spawn_blocking(move || drop(producer));
        }
        result
    }

    async fn send(&mut self, events: &[&Event]) -> (usize, Result<(), DeliverError>) {
        let producer = match &self.producer {
            Some(producer) => producer,
            None => match self.cluster.producer() {
                Ok(producer) => self.producer.insert(producer),
                Err(error) => return (0, Err(error.into())),
            },
        };
        let queued: Vec<Result<Delivery, BrokerError>> = events.iter().map(|event| queue(producer, event)).collect();
        let mut safe = 0;
        let waited = tokio::time::timeout(PATIENCE, async {
            for (event, queued) in events.iter().zip(queued) {
                let delivered = match queued {
                    Ok(mut delivery) => delivery.done().await,
                    Err(error) => Err(error),
                };
                match delivered {
                    Ok(_) => {}
                    Err(BrokerError::Poison(reason)) => keep(&self.folder, event, &reason)?,
                    Err(error) => return Err(error.into()),
                }
                safe += 1;
            }
            Ok(())
        });
        let outcome = waited.await.unwrap_or_else(|_| Err(BrokerError::Away(format!("not acknowledged within {} s", PATIENCE.as_secs())).into()));
        (safe, outcome)
    }
}

/// Keeps an event that will never be taken, with the reason: it stops nobody behind it.
fn keep(folder: &Path, event: &Event, reason: &str) -> Result<(), DeliverError> {
    let path = folder.join(UNDELIVERABLE);
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = File::options().append(true).create(true).open(&path)?;
        let line = serde_json::json!({"reason": reason, "event": event});
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    };
    write().map_err(|error| DeliverError::File { path: path.clone(), error })?;
    counter!(metric::UNDELIVERABLE, "topic" => event.topic.name()).increment(1);
    tracing::error!(event = %event.id, topic = event.topic.name(), reason, file = %path.display(), "an event that Kafka will never take is kept in a file");
    Ok(())
}

fn queue(producer: &Producer, event: &Event) -> Result<Delivery, BrokerError> {
    let body = event.data.to_string();
    if body.len() > MESSAGE_BYTES_MAX {
        return Err(BrokerError::Poison(format!("{} bytes, more than {MESSAGE_BYTES_MAX}", body.len())));
    }
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("ce_specversion", event.specversion.clone()),
        ("ce_id", event.id.to_string()),
        ("ce_type", event.kind.clone()),
        ("ce_source", event.source.clone()),
        ("ce_subject", event.subject.clone()),
        ("ce_time", event.time.clone()),
        ("ce_sequence", event.sequence.to_string()),
    ];
    producer.queue(Outgoing { topic: event.topic.name(), key: &event.key, partition: None, headers: &headers, body: body.as_bytes() })
}
