//! The loop of `serve`: collect, step, commit, hand back. One thread owns the engine and the database's writer.
//!
//! A batch is whatever waits when the last commit ends; there is no linger. All who wait share one fsync.

use super::clock::{ArrivalClock, TickClock};
use super::core::{Core, Owed, Shared};
use super::intake::{Arrived, Intake, Item};
use super::neighbours::Comparing;
use crate::domain::time::Moment;
use crate::engine::{Body, Entry};
use crate::link::Settled;
use crate::registry::{Files, Registry};
use crate::store::{Store, StoreError};
use crate::telemetry::metric;
use metrics::gauge;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
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
    /// Take packets of unknown loggers as good.
    pub accept_unknown: bool,
}

/// Why the loop ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store failed in a way that a retry does not mend.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The register that should be put in force cannot be read.
    #[error("registry: {0} faults")]
    Registry(usize),
}

/// The loop, before it runs.
#[derive(Debug)]
pub struct Serve {
    core: Core,
    intake: Arc<Intake>,
    shared: Shared,
    settings: Settings,
}

impl Serve {
    /// Rebuilds the engine from the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn build(
        store: Store,
        intake: Arc<Intake>,
        shared: Shared,
        settings: Settings,
        answers: mpsc::Sender<Vec<Settled>>,
    ) -> Result<Self, ServeError> {
        let core = Core::build(store, shared.clone(), settings.accept_unknown, Some(answers)).await?;
        intake.not_before(core.engine().now());
        Ok(Self { core, intake, shared, settings })
    }

    /// Puts a register in force, unless it is.
    ///
    /// # Errors
    /// The register is faulty, or the store cannot be written.
    pub async fn put_registry(&mut self, files: &Files) -> Result<(), ServeError> {
        Registry::parse(files).map_err(|faults| ServeError::Registry(faults.len()))?;
        if self.registry().version() == files.version() {
            return Ok(());
        }
        let at = self.settings.clock.now().max(self.now());
        let item = Item::Entry(Body::RegistryVersion { files: files.clone() });
        self.batch(vec![Arrived { at, item, debt: None }]).await
    }

    /// Appends entries without a listener, and gives the store back: for a house that does not run.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn append(mut self, bodies: Vec<Body>) -> Result<Store, ServeError> {
        let at = self.settings.clock.now().max(self.now());
        let batch = bodies.into_iter().map(|body| Arrived { at, item: Item::Entry(body), debt: None }).collect();
        self.batch(batch).await?;
        Ok(self.core.into_store())
    }

    /// The register in force.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.core.engine().registry()
    }

    /// Last sequence taken.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.core.engine().sequence()
    }

    /// Engine time.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.core.engine().now()
    }

    /// Runs until the intake is closed and empty; gives the store back.
    ///
    /// # Errors
    /// The store failed; nothing that was not committed has been answered.
    pub async fn run(mut self) -> Result<Store, ServeError> {
        let mut ticks = TickClock::new(self.settings.tick);
        self.shared.ready.store(true, Ordering::Release);
        gauge!(metric::DATABASE_UP).set(1.0);
        self.core.watch();
        let mut comparing = Comparing::default();
        while let Some(mut batch) = self.intake.take(self.settings.tick) {
            let due = ticks.is_due();
            if due && ticks.tells_time() {
                let at = batch.last().map_or_else(|| self.settings.clock.now().max(self.now()), |arrived| arrived.at);
                batch.push(Arrived { at, item: Item::Entry(Body::Tick {}), debt: None });
                if let Some(survey) = self.core.engine().survey() {
                    batch.push(Arrived { at, item: Item::Entry(Body::Survey(survey)), debt: None });
                }
                let engine = self.core.engine();
                if let Some(day) = engine.neighbours_due().filter(|_| comparing.is_idle()) {
                    comparing.begin(vec![self.core.database()], engine.shared_registry(), engine.rules().clone(), day);
                }
            }
            let at = batch.last().map_or_else(|| self.settings.clock.now().max(self.now()), |arrived| arrived.at);
            batch.extend(comparing.entries().into_iter().map(|body| Arrived { at, item: Item::Entry(body), debt: None }));
            self.batch(batch).await?;
            if due {
                gauge!(metric::INTAKE_BYTES).set(self.intake.peak() as f64);
                self.core.tend().await;
            }
            self.core.go_on_sealing().await;
        }
        self.shared.ready.store(false, Ordering::Release);
        Ok(self.core.into_store())
    }

    async fn batch(&mut self, batch: Vec<Arrived>) -> Result<(), ServeError> {
        let mut sequence = self.sequence();
        let mut entries = Vec::with_capacity(batch.len());
        let mut owed = Owed { debts: Vec::with_capacity(batch.len()), told: Vec::new() };
        for Arrived { at, item, debt } in batch {
            sequence += 1;
            let body = match item {
                Item::Packet { mn, bytes, peer, connection } => {
                    let frame = Body::Frame { bytes, peer: peer.to_string(), gateway: self.settings.gateway.to_string(), connection };
                    self.core.desk().receive(mn, sequence, at, frame)
                }
                Item::Entry(body) => body,
                Item::Append(body, _, tell) => {
                    owed.told.push((sequence, tell));
                    *body
                }
            };
            entries.push(Entry { sequence, at, body });
            owed.debts.extend(debt.map(|debt| (sequence, debt)));
        }
        Ok(self.core.take(&entries, owed).await?)
    }
}
