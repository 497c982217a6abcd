//! The outbox → JSON lines: at least once, in order, each event with an id by which a reader drops what it has seen.
//!
//! The pump reads rows in order and deletes them (through the writer) only after the file is synced. It never times a row out;
//! after an error it starts again at the lowest row. Slow disk: the outbox grows, and intake goes on.

mod jsonl;

pub use jsonl::JsonLines;

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
}

/// Pumps until `stop` turns true and nothing waits.
pub async fn pump(database: DatabaseUrl, mut sink: JsonLines, delivered: Arc<AtomicI64>, events: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut outbox: Option<Outbox> = None;
    loop {
        let round = round(&database, &mut outbox, &mut sink, &delivered).await;
        let patience = match &round {
            Ok(0) if *stop.borrow() => return,
            Ok(0) => Duration::from_secs(1),
            Ok(_) => continue,
            Err(error) => {
                counter!(metric::DELIVERY_FAILURES).increment(1);
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

async fn round(database: &DatabaseUrl, outbox: &mut Option<Outbox>, sink: &mut JsonLines, delivered: &AtomicI64) -> Result<usize, DeliverError> {
    let reader = match outbox {
        Some(reader) => reader,
        None => outbox.insert(Store::outbox(database).await?),
    };
    let after = delivered.load(Ordering::Acquire);
    let rows = reader.next(after, ROUND).await?;
    let waiting = reader.waiting().await?;
    gauge!(metric::OUTBOX).set(waiting as f64);
    let Some((last, _)) = rows.last() else { return Ok(0) };
    let last = *last;
    sink.append(rows.iter().map(|(_, event)| event))?;
    for (_, event) in &rows {
        counter!(metric::DELIVERED, "topic" => event.topic.name()).increment(1);
    }
    delivered.store(last, Ordering::Release);
    Ok(rows.len())
}
