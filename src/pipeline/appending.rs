//! What a person, an office or a neighbour may append to the journal, and how it gets there; packets are not among it.

use super::clock::ArrivalClock;
use super::intake::{Intake, Item};
use super::routing::{Route, route};
use crate::broker::{Cluster, Outgoing};
use crate::domain::RuleSet;
use crate::domain::time::Moment;
use crate::engine::Body;
use crate::registry::{Files, Registry, statements};
use crate::store::{DatabaseUrl, JournalWriter, Record};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, oneshot};

/// 登记簿: the topic of the register in force, a part for each shard; what gateways admit by.
pub const REGISTER: &str = "hj212.register.v1";
/// A pause after the cluster or the database said no.
const PAUSE: Duration = Duration::from_secs(1);

/// Why an entry may not be appended, or could not be put in force; none: it may.
#[must_use]
pub fn fault(body: &Body, registry: &Registry) -> Option<String> {
    match body {
        Body::Declaration(declaration) => statements::fault(declaration.fault(), declaration.outlet, declaration.factor, registry),
        Body::Comparison(comparison) => statements::fault(comparison.fault(), comparison.outlet, Some(comparison.factor), registry),
        Body::Visit(visit) => statements::fault(visit.fault(), visit.outlet, None, registry),
        Body::RegistryVersion { files } => Registry::parse(files).err().map(|faults| format!("{} faults, the first: {}", faults.len(), faults[0])),
        Body::RuleSetVersion { text } => match RuleSet::parse(text) {
            Err(error) => Some(error.to_string()),
            Ok(set) => crate::rules::settings_fault(&set),
        },
        Body::Disposition(step) => step.fault().map(|(column, what)| format!("{column}: {what}")),
        Body::Event(event) => event.fault().map(|(column, what)| format!("{column}: {what}")),
        Body::Score(score) => {
            let known = || {
                (!registry.contractors().any(|row| row.id == score.contractor))
                    .then(|| format!("contractor: {:?} is not in the register", score.contractor))
            };
            score.fault().map(|(column, what)| format!("{column}: {what}")).or_else(known)
        }
        Body::Recount { outlet, .. } => statements::fault(None, *outlet, None, registry),
        _ => Some("entries of this kind come from data loggers only".to_owned()),
    }
}

/// Why entries are not durable. What stood before them may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAppended {
    /// The house is being emptied; the same may be said again to the next one.
    #[error("the engine has stopped")]
    Stopping,
    /// The journal will never take one of them.
    #[error("the journal never takes an entry of this length")]
    Never,
}

/// Where entries are appended.
#[derive(Debug, Clone)]
pub enum Appender {
    /// To the open batch of the one engine of this process.
    Intake {
        /// The batch.
        intake: Arc<Intake>,
        /// Stamps arrivals.
        clock: ArrivalClock,
        /// The register in force.
        registry: Arc<ArcSwap<Registry>>,
        /// Stored days that are still to be computed again.
        recounts_left: Arc<AtomicU64>,
    },
    /// To the journal's topic.
    Journal(Arc<JournalDesk>),
}

impl Appender {
    /// Why an entry may not be appended; none: it may.
    #[must_use]
    pub fn fault(&self, body: &Body) -> Option<String> {
        match self {
            Self::Intake { registry, .. } => fault(body, &registry.load()),
            Self::Journal(desk) => fault(body, &desk.registry.load()).or_else(|| desk.fault(body)),
        }
    }

    /// Appends entries, each of so many bytes, in their order, and waits until all are durable; gives their sequences.
    ///
    /// # Errors
    /// Not all are durable, and why.
    pub async fn append(&self, bodies: Vec<(Body, usize)>) -> Result<Vec<u64>, NotAppended> {
        let (intake, clock) = match self {
            Self::Intake { intake, clock, .. } => (intake, clock),
            Self::Journal(desk) => return desk.append(bodies.into_iter().map(|(body, _)| body).collect()).await,
        };
        let mut waiting = Vec::with_capacity(bodies.len());
        for (body, bytes) in bodies {
            intake.room().await;
            let (tell, told) = oneshot::channel();
            intake.push(clock.now(), Item::Append(Box::new(body), bytes, tell), None);
            waiting.push(told);
        }
        let mut sequences = Vec::with_capacity(waiting.len());
        for told in waiting {
            match told.await {
                Ok(sequence) => sequences.push(sequence),
                Err(_) => return Err(NotAppended::Stopping),
            }
        }
        Ok(sequences)
    }

    /// Stored days that are still to be computed again, of all shards.
    ///
    /// # Errors
    /// The database cannot be asked; why.
    pub async fn recounts_left(&self) -> Result<u64, String> {
        match self {
            Self::Intake { recounts_left, .. } => Ok(recounts_left.load(Ordering::Acquire)),
            Self::Journal(desk) => match &desk.database {
                DatabaseUrl::Postgres(url) => url.recounts_left().await.map_err(|error| error.to_string()),
                DatabaseUrl::Sqlite(_) => Ok(0),
            },
        }
    }
}

/// Appends to the journal's topic what a person or an office says, and the surveys.
#[derive(Debug)]
pub struct JournalDesk {
    writer: Mutex<JournalWriter>,
    cluster: Cluster,
    /// How many shards there are.
    shards: u32,
    registry: Arc<ArcSwap<Registry>>,
    database: DatabaseUrl,
    clock: ArrivalClock,
}

impl JournalDesk {
    /// Appends through `writer` to the journal of so many shards.
    #[must_use]
    pub fn new(
        writer: JournalWriter,
        cluster: Cluster,
        shards: u32,
        registry: Arc<ArcSwap<Registry>>,
        database: DatabaseUrl,
        clock: ArrivalClock,
    ) -> Self {
        Self { writer: Mutex::new(writer), cluster, shards, registry, database, clock }
    }

    /// What does not fit the journal's records.
    fn fault(&self, body: &Body) -> Option<String> {
        if let Body::RegistryVersion { files } = body {
            let uncuttable = Registry::parse(files).map(|registry| registry.uncuttable()).unwrap_or_default();
            if let Some(first) = uncuttable.first() {
                return Some(format!(
                    "{} faults, the first: {first}; with several engines all that a verdict rests on lies in one site",
                    uncuttable.len()
                ));
            }
        }
        let long = |len: usize| format!("{len} bytes are more than one record of the journal holds");
        self.records(body, Moment(0)).err().map(long)
    }

    /// The records that an entry becomes: one, or one for each shard.
    fn records(&self, body: &Body, at: Moment) -> Result<Vec<Record>, usize> {
        let of_all = |body: &Body, shard: u32| Record::new(shard, String::new(), at, None, body);
        match (body, route(body, None, &self.registry.load(), self.shards)) {
            (_, Route::One(shard, key)) => Ok(vec![Record::new(shard, key, at, None, body)?]),
            (Body::RegistryVersion { files }, Route::All) => {
                let parts = files.cut(self.shards).into_iter().map(|files| Body::RegistryVersion { files });
                (0..).zip(parts).map(|(shard, body)| of_all(&body, shard)).collect()
            }
            (_, Route::All) => (0..self.shards).map(|shard| of_all(body, shard)).collect(),
        }
    }

    /// The shard of a statement about a case, where its store knows the case.
    async fn shard_of_case(&self, body: &Body) -> Option<u32> {
        let case = match body {
            Body::Disposition(step) => step.case,
            Body::Event(event) => event.case,
            _ => return None,
        };
        let DatabaseUrl::Postgres(url) = &self.database else { return None };
        loop {
            match url.shard_of_case(case).await {
                Ok(shard) => return shard,
                Err(error) => tracing::warn!(%error, "the database does not say where a case is; it is asked again in a second"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Appends, and waits until all are durable; gives their sequences, each in its shard.
    ///
    /// # Errors
    /// One of them will never be taken.
    pub async fn append(&self, bodies: Vec<Body>) -> Result<Vec<u64>, NotAppended> {
        let (mut records, mut lasts) = (Vec::with_capacity(bodies.len()), Vec::with_capacity(bodies.len()));
        for body in &bodies {
            let known = self.shard_of_case(body).await;
            let mut of_body = self.records(body, self.clock.now()).map_err(|_| NotAppended::Never)?;
            if let (Some(shard), [record]) = (known, &mut of_body[..]) {
                record.shard = shard;
            }
            records.extend(of_body.into_iter().map(|record| (record, None)));
            lasts.push(records.len() - 1);
        }
        let (appended, _) = self.writer.lock().await.append(records).await;
        for body in &bodies {
            if let Body::RegistryVersion { files } = body {
                // After the entries: what a gateway admits by the new register stands behind it in the journal.
                self.show_register(files).await;
            }
        }
        let sequences: Vec<u64> = lasts.into_iter().map(|last| appended[last]).collect();
        if sequences.contains(&0) { Err(NotAppended::Never) } else { Ok(sequences) }
    }

    /// Shows the register in force to the gateways.
    async fn show_register(&self, files: &Files) {
        let parts: Vec<(String, Vec<u8>)> =
            (0..).zip(files.cut(self.shards)).map(|(shard, part): (u32, _)| (shard.to_string(), packed(&part))).collect();
        loop {
            let sent = async {
                let producer = self.cluster.prompt_producer()?;
                for (key, body) in &parts {
                    producer.queue(Outgoing { topic: REGISTER, key, partition: Some(0), headers: &[], body })?.done().await?;
                }
                Ok::<(), crate::broker::BrokerError>(())
            };
            match sent.await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the register cannot be shown to the gateways; it is tried again in a second"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A part of a register as a record of its topic.
fn packed(files: &Files) -> Vec<u8> {
    let text = serde_json::to_vec(files).unwrap_or_default();
    zstd::bulk::compress(&text, 9).unwrap_or_default()
}

/// Reads such a record.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Files> {
    serde_json::from_slice(&zstd::decode_all(bytes).ok()?).ok()
}
