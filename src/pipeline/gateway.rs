//! The loop of `gateway`: collect, append, hand back. No engine: what arrives goes into the journal's topic, to the shard of its site, and
//! is answered when every replica in sync has it.
//!
//! While the cluster is away nobody is answered, no socket is read, and readiness is false: loggers go elsewhere, or keep what they have.

use super::clock::{ArrivalClock, TickClock};
use super::intake::{Arrived, Intake, Item};
use super::register::Register;
use super::routing::{Route, route};
use crate::domain::Mn;
use crate::domain::time::Moment;
use crate::engine::Body;
use crate::link::{Debt, Settled};
use crate::store::{JournalWriter, Record};
use crate::telemetry::metric;
use metrics::{counter, gauge, histogram};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Settings of the loop.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of this process in entries.
    pub gateway: Arc<str>,
    /// Stamps arrivals.
    pub clock: ArrivalClock,
    /// Time between ticks, real time.
    pub tick: Duration,
    /// How many shards the journal has.
    pub shards: u32,
}

/// The loop, before it runs.
#[derive(Debug)]
pub struct Gateway {
    writer: JournalWriter,
    intake: Arc<Intake>,
    register: Register,
    settings: Settings,
    answers: mpsc::Sender<Vec<Settled>>,
}

impl Gateway {
    /// A loop that appends through `writer`.
    #[must_use]
    pub fn new(writer: JournalWriter, intake: Arc<Intake>, register: Register, settings: Settings, answers: mpsc::Sender<Vec<Settled>>) -> Self {
        Self { writer, intake, register, settings, answers }
    }

    /// Runs until the intake is closed and empty.
    pub async fn run(mut self) {
        let mut ticks = TickClock::new(self.settings.tick);
        while let Some(mut batch) = self.intake.take(self.settings.tick) {
            if ticks.is_due() {
                gauge!(metric::INTAKE_BYTES).set(self.intake.peak() as f64);
                if ticks.tells_time() {
                    let at = batch.last().map_or_else(|| self.settings.clock.now(), |arrived| arrived.at);
                    batch.push(Arrived { at, item: Item::Entry(Body::Tick {}), debt: None });
                }
            }
            self.batch(batch).await;
        }
    }

    #[allow(clippy::disallowed_methods)] // Latencies are measured, not stamped.
    async fn batch(&mut self, batch: Vec<Arrived>) {
        if batch.is_empty() {
            return;
        }
        let begun = Instant::now();
        let mut records: Vec<(Record, Option<Debt>)> = Vec::with_capacity(batch.len());
        for Arrived { at, item, debt } in batch {
            match item {
                Item::Packet { mn, bytes, peer, connection } => {
                    let body = Body::Frame { bytes, peer: peer.to_string(), gateway: self.settings.gateway.to_string(), connection };
                    self.put(at, Some(mn), &body, debt, &mut records);
                }
                Item::Entry(body) => self.put(at, None, &body, debt, &mut records),
                Item::Append(body, ..) => self.put(at, None, &body, debt, &mut records),
            }
        }
        let count = records.len() as u64;
        let committing = Instant::now();
        let (_, settled) = self.writer.append(records).await;
        histogram!(metric::COMMIT).record(committing.elapsed().as_secs_f64());
        counter!(metric::ENTRIES).increment(count);
        if !settled.is_empty() && self.answers.send(settled).await.is_err() {
            tracing::warn!("nobody takes answers any more: the listener has gone");
        }
        histogram!(metric::BATCH).record(begun.elapsed().as_secs_f64());
    }

    fn put(&self, at: Moment, admitted: Option<Mn>, body: &Body, debt: Option<Debt>, records: &mut Vec<(Record, Option<Debt>)>) {
        let mut put = |shard: u32, key: String, debt| match Record::new(shard, key, at, admitted, body) {
            Ok(record) => records.push((record, debt)),
            // Longer than any packet: nothing that a link lets through.
            Err(len) => tracing::error!(len, "an entry is longer than a record of the journal; it is not kept"),
        };
        match route(body, admitted, &self.register.registry.load(), self.settings.shards) {
            Route::One(shard, key) => put(shard, key, debt),
            Route::All => (0..self.settings.shards).for_each(|shard| put(shard, String::new(), None)),
        }
    }
}
