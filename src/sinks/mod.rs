//! The outbox → Kafka, or JSON lines: at least once, in order, each event with an id by which a reader drops what it has seen.
//!
//! The pump reads rows in order and deletes them (through the writer) only after the file is synced, or every replica in sync
//! has the record. It never times a row out; after an error it starts again at the lowest row. While the sink is away the
//! outbox grows on the disk, and intake goes on.

mod jsonl;
mod kafka;
pub mod topics;

pub use jsonl::JsonLines;
pub use kafka::KafkaSink;

use crate::broker::BrokerError;
use crate::message::Event;
use crate::store::{DatabaseUrl, Outbox, Store, StoreError};
use crate::telemetry::metric;
use metrics::{counter, gauge};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Rows in one round.
const ROUND: u32 = 500;
/// Rounds of which one counts what waits.
const COUNTED_ROUNDS: u64 = 20;
/// At a stop, so long what waits may take.
const GRACE: Duration = Duration::from_secs(5);

/// A delivery failed; the rows are still in the outbox.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The outbox cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files cannot be written.
    #[error("cannot write {path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Kafka did not take them.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

impl DeliverError {
    /// Its name among the reasons of failure.
    fn name(&self) -> &'static str {
        match self {
            Self::Store(_) => "outbox",
            Self::File { .. } => "file",
            Self::Broker(error) => error.name(),
        }
    }
}

/// Where events go.
#[derive(Debug)]
pub enum Sink {
    /// Files, one for each topic.
    Files(JsonLines),
    /// A cluster.
    Kafka(KafkaSink),
}

impl Sink {
    /// Gives how many from the front are safe, and why no more are.
    async fn append(&mut self, events: &[&Event]) -> (usize, Result<(), DeliverError>) {
        match self {
            Self::Files(files) => match files.append(events.iter().copied()) {
                Ok(()) => (events.len(), Ok(())),
                Err(error) => (0, Err(error)),
            },
            Self::Kafka(kafka) => kafka.append(events).await,
        }
    }
}

/// Pumps until `stop` turns true and nothing waits, or what waits is not taken within [`GRACE`].
pub async fn pump(database: DatabaseUrl, mut sink: Sink, delivered: Arc<AtomicI64>, events: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut outbox: Option<Outbox> = None;
    let overdue = overdue(stop.clone());
    tokio::pin!(overdue);
    // Counting what waits costs more the more it is: every so many rounds of a long row is enough.
    for number in 0_u64.. {
        let counts = number.is_multiple_of(COUNTED_ROUNDS);
        let round = tokio::select! {
            round = round(&database, &mut outbox, &mut sink, &delivered, counts) => round,
            () = &mut overdue => {
                tracing::warn!("events could not be delivered before the end; they stay in the outbox");
                return;
            }
        };
        let patience = match &round {
            Ok(0) if *stop.borrow() => return,
            Ok(0) => Duration::from_secs(1),
            Ok(_) => continue,
            Err(error) => {
                counter!(metric::DELIVERY_FAILURES, "reason" => error.name()).increment(1);
                tracing::warn!(%error, "events could not be delivered; they stay in the outbox and are tried again in a second");
                outbox = None;
                if *stop.borrow() {
                    return;
                }
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = events.notified(), if round.is_ok() => {}
            () = tokio::time::sleep(patience) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Waits until a stop has lasted for [`GRACE`].
async fn overdue(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await; // A sender that has gone means the same.
    tokio::time::sleep(GRACE).await;
}

async fn round(
    database: &DatabaseUrl,
    outbox: &mut Option<Outbox>,
    sink: &mut Sink,
    delivered: &AtomicI64,
    counts: bool,
) -> Result<usize, DeliverError> {
    let reader = match outbox {
        Some(reader) => reader,
        None => outbox.insert(Store::outbox(database).await?),
    };
    let after = delivered.load(Ordering::Acquire);
    let rows = reader.next(after, ROUND).await?;
    if counts || rows.len() < ROUND as usize {
        // Counted first: a gauge that is made shows nothing until it is set.
        let waiting = reader.waiting().await?;
        gauge!(metric::OUTBOX, "shard" => database.shard().to_string()).set(waiting as f64);
    }
    let events: Vec<&Event> = rows.iter().map(|(_, event)| event).collect();
    let (safe, outcome) = sink.append(&events).await;
    for event in &events[..safe] {
        counter!(metric::DELIVERED, "topic" => event.topic.name()).increment(1);
    }
    if let Some((last, _)) = rows[..safe].last() {
        delivered.store(*last, Ordering::Release);
    }
    outcome.map(|()| rows.len())
}
