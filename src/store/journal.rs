//! The journal as a topic: what gateways append and workers read. A record is one entry of one shard, and its offset is the entry's
//! sequence less one: the topic is the journal.
//!
//! ```text
//! record = "HJ212" 1 at:i64 mn:u8+text tag body          mn: whom the gateway admitted; empty: nobody, or no packet
//!        | "HJ212" 2 at:i64 mn:u8+text zstd(tag body)    for what is long: registers
//! ```
//!
//! A debt is settled when every replica in sync has the record. While the cluster is away this waits, and with it whoever appends.

use super::StoreError;
use crate::broker::{BrokerError, Cluster, Delivery, From, MESSAGE_BYTES_MAX, Outgoing, PartitionReader, Producer};
use crate::domain::Mn;
use crate::domain::time::Moment;
use crate::engine::{Body, decode_body, encode_body};
use crate::link::{Debt, REJECTED_LEN_MAX, Settled};
use crate::telemetry::metric;
use metrics::{counter, gauge};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// 日志: the topic of the journal.
pub const JOURNAL: &str = "hj212.journal.v1";

/// Every record begins so: what somebody else wrote is no entry by chance, and has no stamp.
const MARK: &[u8] = b"HJ212";
/// A body from this length on is compressed by itself.
const LONG: usize = 16 * 1024;
/// The longest record: beside it stand a key and what Kafka adds.
const RECORD_BYTES_MAX: usize = MESSAGE_BYTES_MAX - 4096;
/// An expanded body of more than this is damage, not data.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// After so long without an acknowledgement the cluster counts as away.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a worker collects before it steps: a commit costs more than many entries, and nobody waits for it.
const GATHER: Duration = Duration::from_millis(100);
/// A pause after the cluster said no.
const PAUSE: Duration = Duration::from_secs(1);

/// An entry on its way into the topic.
#[derive(Debug)]
pub struct Record {
    /// Which shard.
    pub shard: u32,
    /// What the shard follows from: site, logger, gateway.
    pub key: String,
    /// Its bytes.
    bytes: Vec<u8>,
}

impl Record {
    /// An entry that arrived at an instant. `admitted`: the logger whose packet it is, where a link let it in.
    ///
    /// # Errors
    /// It is longer than a record may be: how long, in bytes.
    pub fn new(shard: u32, key: String, at: Moment, admitted: Option<Mn>, body: &Body) -> Result<Self, usize> {
        let mut bytes = MARK.to_vec();
        bytes.push(1);
        bytes.extend_from_slice(&at.0.to_le_bytes());
        let mn = admitted.as_ref().map_or("", Mn::as_str);
        bytes.push(mn.len() as u8);
        bytes.extend_from_slice(mn.as_bytes());
        let head = bytes.len();
        encode_body(body, &mut bytes);
        if bytes.len() >= LONG
            && let Ok(short) = zstd::bulk::compress(&bytes[head..], 3)
        {
            bytes[MARK.len()] = 2;
            bytes.truncate(head);
            bytes.extend_from_slice(&short);
        }
        if bytes.len() > RECORD_BYTES_MAX { Err(bytes.len()) } else { Ok(Self { shard, key, bytes }) }
    }
}

/// An entry as it came out of the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Its place in the shard's journal, from 1.
    pub sequence: u64,
    /// Arrival; none: the record is no entry, and stands where it stands.
    pub at: Option<Moment>,
    /// The logger whose packet it is, where a link let it in.
    pub admitted: Option<Mn>,
    /// What came.
    pub body: Body,
}

/// Reads a record. What is no entry becomes one that says so: it is kept, and stops nobody.
fn read(shard: u32, offset: u64, bytes: Option<&[u8]>) -> Read {
    let sequence = offset + 1;
    let bytes = bytes.unwrap_or_default();
    match decode(bytes) {
        Some((at, admitted, body)) => Read { sequence, at: Some(at), admitted, body },
        None => {
            let place = format!("{JOURNAL}/{shard}/{offset}");
            tracing::error!(place, "a record of the journal is no entry; it is kept as rejected, find out who wrote it");
            counter!(metric::REJECTED, "reason" => "no_entry").increment(1);
            let kept = bytes[..bytes.len().min(REJECTED_LEN_MAX)].to_vec();
            let (reason, detail) = ("no_entry".to_owned(), "a record of the journal's topic that no gateway wrote".to_owned());
            let body = Body::Rejected { reason, detail, bytes: kept, len: bytes.len() as u64, peer: place };
            Read { sequence, at: None, admitted: None, body }
        }
    }
}

fn decode(bytes: &[u8]) -> Option<(Moment, Option<Mn>, Body)> {
    let (version, rest) = bytes.strip_prefix(MARK)?.split_first()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first()?;
    let (mn, body) = rest.split_at_checked(usize::from(*len))?;
    let mn = std::str::from_utf8(mn).ok()?;
    let admitted = if mn.is_empty() { None } else { Some(Mn::new(mn)?) };
    let body = match version {
        1 => decode_body(body)?,
        2 => {
            let mut long = Vec::new();
            let limited = &mut std::io::Read::take(zstd::stream::read::Decoder::new(body).ok()?, BODY_BYTES_MAX as u64);
            std::io::Read::read_to_end(limited, &mut long).ok()?;
            decode_body(&long)?
        }
        _ => return None,
    };
    Some((Moment(i64::from_le_bytes(*at)), admitted, body))
}

/// Appends to the topic, in order.
#[derive(Debug)]
pub struct JournalWriter {
    cluster: Cluster,
    producer: Option<Producer>,
    ready: Arc<AtomicBool>,
}

impl JournalWriter {
    /// Appends through a cluster; `ready` is told while it is away, and when it is back.
    #[must_use]
    pub fn new(cluster: Cluster, ready: Arc<AtomicBool>) -> Self {
        Self { cluster, producer: None, ready }
    }

    /// Appends records in their order, as long as it takes; gives their sequences (0: one that will never be taken) and what may now be
    /// answered.
    pub async fn append(&mut self, mut records: Vec<(Record, Option<Debt>)>) -> (Vec<u64>, Vec<Settled>) {
        let mut sequences = Vec::with_capacity(records.len());
        let mut settled = Vec::new();
        while sequences.len() < records.len() {
            let Err(error) = self.send(&records[sequences.len()..], &mut sequences).await else { continue };
            if self.tell(false) {
                tracing::warn!(%error, "the journal cannot be appended to; everything waits, and it is tried again every second");
            }
            if let Some(producer) = self.producer.take() {
                // What is still queued in it would be there twice. Ending it may take a while.
                tokio::task::spawn_blocking(move || drop(producer));
            }
            tokio::time::sleep(PAUSE).await;
        }
        for ((_, debt), sequence) in records.iter_mut().zip(&sequences) {
            settled.extend(debt.take().filter(|_| *sequence > 0).map(Debt::settle));
        }
        (sequences, settled)
    }

    /// Tells whether the cluster is there; says whether that is news.
    fn tell(&self, up: bool) -> bool {
        let news = self.ready.swap(up, Ordering::AcqRel) != up;
        if news {
            gauge!(metric::JOURNAL_UP).set(f64::from(u8::from(up)));
        }
        news
    }

    async fn send(&mut self, records: &[(Record, Option<Debt>)], sequences: &mut Vec<u64>) -> Result<(), BrokerError> {
        let producer = match &self.producer {
            Some(producer) => producer,
            None => self.producer.insert(self.cluster.prompt_producer()?),
        };
        let mut queued = Vec::with_capacity(records.len());
        let mut refused = None;
        for (record, _) in records {
            let (key, partition) = (&record.key, Some(record.shard));
            match producer.queue(Outgoing { topic: JOURNAL, key, partition, headers: &[], body: &record.bytes }) {
                Ok(delivery) => queued.push(delivery),
                Err(error) => {
                    // Nothing overtakes it.
                    refused = Some(error);
                    break;
                }
            }
        }
        for delivery in queued {
            match self.acknowledged(delivery).await {
                Ok(offset) => sequences.push(offset + 1),
                Err(BrokerError::Poison(reason)) => put_aside(&reason, sequences),
                Err(error) => return Err(error),
            }
        }
        match refused {
            Some(BrokerError::Poison(reason)) => put_aside(&reason, sequences),
            Some(error) => return Err(error),
            None => {}
        }
        Ok(())
    }

    /// Waits for one acknowledgement, and says so when it is long in coming.
    async fn acknowledged(&self, mut delivery: Delivery) -> Result<u64, BrokerError> {
        loop {
            match tokio::time::timeout(PATIENCE, delivery.done()).await {
                Ok(offset) => {
                    if offset.is_ok() && self.tell(true) {
                        tracing::info!("the journal is appended to");
                    }
                    return offset;
                }
                Err(_) => {
                    if self.tell(false) {
                        tracing::warn!("no acknowledgement for {} s; nobody is answered, and no socket read", PATIENCE.as_secs());
                    }
                }
            }
        }
    }
}

/// An entry that will never be taken: it is not answered, and stops nobody.
fn put_aside(reason: &str, sequences: &mut Vec<u64>) {
    sequences.push(0);
    counter!(metric::UNDELIVERABLE, "topic" => JOURNAL).increment(1);
    tracing::error!(reason, "an entry that Kafka will never take; it is not answered");
}

/// Why a shard's journal cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// What the store waits for is not there: it was dropped before it was read, or the topic is another one.
    #[error(
        "a hole in the journal: shard {shard} goes on with record {wanted}, and the topic {JOURNAL} has {first} to {next}; nothing was lost that \
         the store has, and nothing is read past a hole: docs/operations.md, \"A worker falls behind\""
    )]
    Hole {
        /// Which shard.
        shard: u32,
        /// The record that comes next.
        wanted: u64,
        /// The first that there is.
        first: u64,
        /// The one after the last.
        next: u64,
    },
    /// The cluster says no, or nothing.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads one shard's journal, from the sequence that its store names.
#[derive(Debug)]
pub struct JournalReader {
    reader: PartitionReader,
    shard: u32,
    /// The sequence that comes next.
    next: u64,
    /// It is not there: what came before it is taken first.
    holed: bool,
}

impl JournalReader {
    /// A reader that goes on with sequence `next`.
    ///
    /// # Errors
    /// The settings make none.
    pub fn open(cluster: &Cluster, shard: u32, next: u64) -> Result<Self, JournalError> {
        let reader = cluster.partition_reader(JOURNAL, shard, From::Record(next - 1))?;
        Ok(Self { reader, shard, next, holed: false })
    }

    /// The entries that come next: waits up to `patience` for one, and takes what comes within [`GATHER`] after it, up to `max`. Blocks
    /// the thread.
    ///
    /// # Errors
    /// [`JournalError::Hole`] ends the reading. Another may pass.
    #[allow(clippy::disallowed_methods)] // How long to wait is no stamp.
    pub fn read(&mut self, patience: Duration, max: usize) -> Result<Vec<Read>, JournalError> {
        let mut until = Instant::now() + patience;
        let (mut batch, shard) = (Vec::new(), self.shard);
        while batch.len() < max && !self.holed {
            match self.reader.next(until.saturating_duration_since(Instant::now()), |offset, bytes| read(shard, offset, bytes)) {
                Ok(None) => break,
                Ok(Some(entry)) if entry.sequence == self.next => {
                    if batch.is_empty() {
                        until = Instant::now() + GATHER;
                    }
                    self.next += 1;
                    batch.push(entry);
                }
                Ok(Some(_)) | Err(BrokerError::Gone(_)) => self.holed = true,
                Err(error) if batch.is_empty() => return Err(error.into()),
                // What came before it is taken first.
                Err(_) => break,
            }
        }
        if batch.is_empty() && self.holed {
            let (first, next) = self.reader.bounds()?;
            return Err(JournalError::Hole { shard, wanted: self.next - 1, first, next });
        }
        Ok(batch)
    }

    /// Records that are there and were not read. Blocks the thread.
    ///
    /// # Errors
    /// The broker says no, or nothing.
    pub fn lag(&self) -> Result<u64, JournalError> {
        Ok(self.reader.bounds()?.1.saturating_sub(self.next - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Files;
    use std::collections::BTreeMap;

    #[test]
    fn an_entry_survives_its_record_and_what_is_none_says_so() {
        let mn = Mn::new("010000A8900016F000169D03").expect("short");
        let frame = Body::Frame { bytes: (0..=255).collect(), peer: "192.0.2.7:4001".to_owned(), gateway: "g1".to_owned(), connection: 9 };
        let long = Body::RegistryVersion { files: Files(BTreeMap::from([("sites.csv".to_owned(), "S001,示例\n".repeat(10_000))])) };
        for (admitted, body) in [(Some(mn), frame), (None, Body::Tick {}), (None, long)] {
            let record = Record::new(3, "S001".to_owned(), Moment(17), admitted, &body).expect("short");
            assert!(record.bytes.len() < LONG);
            assert_eq!(read(3, 41, Some(&record.bytes)), Read { sequence: 42, at: Some(Moment(17)), admitted, body });
            for cut in 0..record.bytes.len().min(60) {
                assert_eq!(read(3, 41, Some(&record.bytes[..cut])).at, None, "a cut record is no entry");
            }
        }
        let Read { body: Body::Rejected { reason, peer, len, .. }, sequence: 8, at: None, .. } = read(5, 7, None) else {
            panic!("a record without a body")
        };
        assert_eq!((reason.as_str(), peer.as_str(), len), ("no_entry", "hj212.journal.v1/5/7", 0));
    }

    #[test]
    fn what_is_too_long_for_a_record_is_refused_with_its_length() {
        // Bytes that do not compress.
        let mut seed = 1_u64;
        let noise: String = (0..4 * MESSAGE_BYTES_MAX)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b' ' + (seed >> 58) as u8)
            })
            .collect();
        let refused = Record::new(0, String::new(), Moment(0), None, &Body::RuleSetVersion { text: noise });
        assert!(refused.is_err_and(|len| len > RECORD_BYTES_MAX));
    }
}
