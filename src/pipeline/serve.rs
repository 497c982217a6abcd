//! The loop of `serve`: collect, step, commit, hand back. One thread owns the engine and the database's writer.
//!
//! A batch is whatever waits when the last commit ends; there is no linger. All who wait share one fsync.

use super::clock::{ArrivalClock, JumpGuard};
use super::intake::{Arrived, Intake, Item};
use crate::domain::time::{Day, Moment};
use crate::engine::{Body, Engine, Entry, FrontDesk};
use crate::link::{Admissions, Debt, Settled};
use crate::registry::{Files, Registry};
use crate::store::{SealedHour, Store, StoreError};
use crate::telemetry::{self, metric};
use arc_swap::ArcSwap;
use metrics::{counter, gauge, histogram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// What the loop shares with the rest of the house.
#[derive(Debug, Clone)]
pub struct Shared {
    /// What arrives.
    pub intake: Arc<Intake>,
    /// What links need of the register.
    pub admissions: Arc<ArcSwap<Admissions>>,
    /// The register in force.
    pub registry: Arc<ArcSwap<Registry>>,
    /// Highest outbox row that the sinks have delivered.
    pub delivered: Arc<AtomicI64>,
    /// Told after every commit that left events.
    pub events: Arc<tokio::sync::Notify>,
    /// Stored days that are still to be computed again.
    pub recounts_left: Arc<AtomicU64>,
    /// The engine runs and the database takes writes.
    pub ready: Arc<AtomicBool>,
}

impl Shared {
    /// What a house begins with: nothing has arrived, and `intake_bytes` may wait.
    #[must_use]
    pub fn new(intake_bytes: usize) -> Self {
        Self {
            intake: Arc::new(Intake::new(intake_bytes)),
            admissions: Arc::default(),
            registry: Arc::default(),
            delivered: Arc::default(),
            events: Arc::default(),
            recounts_left: Arc::default(),
            ready: Arc::default(),
        }
    }
}

/// Settings of the loop.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Name of this process in entries.
    pub gateway: &'static str,
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
    store: Store,
    engine: Engine,
    desk: FrontDesk,
    shared: Shared,
    settings: Settings,
    answers: mpsc::Sender<Vec<Settled>>,
    sealing: Option<Sealing>,
    /// The day on which the months ahead were last made.
    made_ahead: Option<Day>,
}

/// An hour on its way from hot blocks into one row for each logger.
#[derive(Debug)]
enum Sealing {
    /// Read and compressed by a thread of its own.
    Preparing(std::thread::JoinHandle<Result<SealedHour, String>>),
    /// Written between batches.
    Writing(SealedHour),
}

impl Serve {
    /// Rebuilds the engine from the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn build(mut store: Store, shared: Shared, settings: Settings, answers: mpsc::Sender<Vec<Settled>>) -> Result<Self, ServeError> {
        let snapshot = store.snapshot().await?;
        let mut desk = FrontDesk::new(secret());
        for frame in &snapshot.recent {
            desk.remember(frame.mn, frame.sequence, &frame.bytes);
        }
        let engine = Engine::new(snapshot, settings.accept_unknown);
        shared.admissions.store(Arc::new(engine.admissions().clone()));
        shared.registry.store(engine.shared_registry());
        shared.intake.not_before(engine.now());
        Ok(Self { store, engine, desk, shared, settings, answers, sealing: None, made_ahead: None })
    }

    /// Puts a register in force, unless it is.
    ///
    /// # Errors
    /// The register is faulty, or the store cannot be written.
    pub async fn put_registry(&mut self, files: &Files) -> Result<(), ServeError> {
        Registry::parse(files).map_err(|faults| ServeError::Registry(faults.len()))?;
        if self.engine.versions().registry == files.version() {
            return Ok(());
        }
        let at = self.settings.clock.now().max(self.engine.now());
        let item = Item::Entry(Body::RegistryVersion { files: files.clone() });
        self.batch(vec![Arrived { at, item, debt: None }]).await
    }

    /// Appends entries without a listener, and gives the store back: for a house that does not run.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn append(mut self, bodies: Vec<Body>) -> Result<Store, ServeError> {
        let at = self.settings.clock.now().max(self.engine.now());
        let batch = bodies.into_iter().map(|body| Arrived { at, item: Item::Entry(body), debt: None }).collect();
        self.batch(batch).await?;
        Ok(self.store)
    }

    /// The register in force.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.engine.registry()
    }

    /// Last sequence taken.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.engine.sequence()
    }

    /// Engine time.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.engine.now()
    }

    /// Runs until the intake is closed and empty; gives the store back.
    ///
    /// # Errors
    /// The store failed; nothing that was not committed has been answered.
    #[allow(clippy::disallowed_methods)] // Latencies are measured, not stamped.
    pub async fn run(mut self) -> Result<Store, ServeError> {
        let mut guard = JumpGuard::new(Duration::from_secs(2));
        let mut ticked = Instant::now();
        let mut hold_until: Option<Instant> = None;
        self.shared.ready.store(true, Ordering::Release);
        gauge!(metric::DATABASE_UP).set(1.0);
        self.store.watch(Arc::clone(&self.shared.ready));
        while let Some(mut batch) = self.shared.intake.take(self.settings.tick) {
            let due = ticked.elapsed() >= self.settings.tick;
            if due {
                ticked = Instant::now();
                if let Some(jump_ms) = guard.look() {
                    counter!(metric::CLOCK_JUMPS).increment(1);
                    tracing::error!(jump_ms, "the wall clock jumped; ticks are held for a minute, check the time service");
                    hold_until = Some(Instant::now() + Duration::from_secs(60));
                }
                if hold_until.is_none_or(|until| Instant::now() >= until) {
                    hold_until = None;
                    let at = batch.last().map_or_else(|| self.settings.clock.now().max(self.engine.now()), |arrived| arrived.at);
                    batch.push(Arrived { at, item: Item::Entry(Body::Tick {}), debt: None });
                    if let Some(survey) = self.engine.survey() {
                        batch.push(Arrived { at, item: Item::Entry(Body::Survey(survey)), debt: None });
                    }
                }
                self.gauges();
            }
            self.batch(batch).await?;
            if due {
                self.make_months_ahead().await;
                self.begin_sealing().await;
            }
            self.go_on_sealing().await;
        }
        self.shared.ready.store(false, Ordering::Release);
        Ok(self.store)
    }

    fn gauges(&self) {
        let (days, timers, reopened) = self.engine.sizes();
        gauge!(metric::RESIDENT_DAYS).set(days as f64);
        gauge!(metric::TIMERS).set(timers as f64);
        gauge!(metric::REOPENED_DAYS).set(reopened as f64);
        let (silent, outages) = self.engine.silent();
        gauge!(metric::SILENT).set(silent as f64);
        gauge!(metric::OUTAGES_NOW).set(outages as f64);
        gauge!(metric::RECOUNTS_LEFT).set(self.engine.recounts_left() as f64);
        gauge!(metric::ENGINE_TIME).set(self.engine.now().0 as f64 / 1000.0);
        gauge!(metric::INTAKE_BYTES).set(self.shared.intake.peak() as f64);
    }

    /// Once a day: parts of the tables for the months that come.
    async fn make_months_ahead(&mut self) {
        let today = self.engine.now().day();
        if self.made_ahead.replace(today) == Some(today) {
            return;
        }
        if let Err(error) = self.store.make_months_ahead(self.engine.now()).await {
            tracing::warn!(%error, "the months ahead could not be made; they are made when they are needed");
        }
    }

    /// Looks for an hour to seal, and has it read and compressed by a thread of its own.
    async fn begin_sealing(&mut self) {
        if self.sealing.is_some() {
            return;
        }
        match self.store.hour_to_seal(self.engine.now()).await {
            Ok(None) => {}
            Ok(Some(hour)) => {
                let url = self.store.url();
                let prepare = move || -> Result<SealedHour, String> {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
                    runtime.block_on(Store::prepare_seal(&url, hour)).map_err(|error| error.to_string())
                };
                match std::thread::Builder::new().name("sealer".to_owned()).spawn(prepare) {
                    Ok(thread) => self.sealing = Some(Sealing::Preparing(thread)),
                    Err(error) => seal_failed(&error.to_string()),
                }
            }
            Err(error) => seal_failed(&error.to_string()),
        }
    }

    /// Writes the next part of a prepared hour: a few milliseconds between two batches.
    async fn go_on_sealing(&mut self) {
        self.sealing = match self.sealing.take() {
            Some(Sealing::Preparing(thread)) if thread.is_finished() => match thread.join() {
                Ok(Ok(sealed)) => Some(Sealing::Writing(sealed)),
                Ok(Err(error)) => {
                    seal_failed(&error);
                    None
                }
                Err(_) => {
                    seal_failed("the sealer broke an invariant; its message stands above");
                    None
                }
            },
            Some(Sealing::Writing(mut sealed)) => match self.store.seal(&mut sealed).await {
                Ok(false) => Some(Sealing::Writing(sealed)),
                Ok(true) => {
                    counter!(metric::SEALED).increment(1);
                    None
                }
                Err(error) => {
                    seal_failed(&error.to_string());
                    None
                }
            },
            other => other,
        };
    }

    #[allow(clippy::disallowed_methods)] // Latencies are measured, not stamped.
    async fn batch(&mut self, batch: Vec<Arrived>) -> Result<(), ServeError> {
        if batch.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let mut sequence = self.engine.sequence();
        let mut entries = Vec::with_capacity(batch.len());
        let mut debts: Vec<(u64, Debt)> = Vec::with_capacity(batch.len());
        let mut told: Vec<(u64, oneshot::Sender<u64>)> = Vec::new();
        for Arrived { at, item, debt } in batch {
            sequence += 1;
            let body = match item {
                Item::Packet { mn, bytes, peer, connection } => {
                    self.desk.receive(mn, sequence, bytes, peer.to_string(), self.settings.gateway.to_owned(), connection)
                }
                Item::Entry(body) => body,
                Item::Append(body, _, tell) => {
                    told.push((sequence, tell));
                    *body
                }
            };
            entries.push(Entry { sequence, at, body });
            debts.extend(debt.map(|debt| (sequence, debt)));
        }
        let mut rest = &entries[..];
        let mut recalled = Vec::new();
        while !rest.is_empty() {
            counter!(metric::RECALLS).increment(recalled.len() as u64);
            let stepping = Instant::now();
            let step = self.engine.step(rest, std::mem::take(&mut recalled));
            histogram!(metric::STEP).record(stepping.elapsed().as_secs_f64());
            let (taken, left) = rest.split_at(step.taken);
            let paid = debts.partition_point(|(sequence, _)| *sequence <= step.writes.to);
            let due: Vec<Debt> = debts.drain(..paid).map(|(_, debt)| debt).collect();
            let committing = Instant::now();
            let sent = self.shared.delivered.load(Ordering::Acquire);
            let settled = self.store.commit(taken, &step.writes, due, sent).await?;
            histogram!(metric::COMMIT).record(committing.elapsed().as_secs_f64());
            counter!(metric::ENTRIES).increment(taken.len() as u64);
            if !settled.is_empty() && self.answers.send(settled).await.is_err() {
                tracing::warn!("nobody takes answers any more: the listener has gone");
            }
            for (sequence, tell) in told.extract_if(.., |(sequence, _)| *sequence <= step.writes.to) {
                let _ = tell.send(sequence); // Who asked may have gone; the entry stays.
            }
            self.shared.recounts_left.store(self.engine.recounts_left(), Ordering::Release);
            for (notice, count) in &step.writes.notices {
                telemetry::note(*notice, *count);
            }
            if step.writes.admissions_changed {
                self.shared.admissions.store(Arc::new(self.engine.admissions().clone()));
                self.shared.registry.store(self.engine.shared_registry());
                for (table, rows) in self.engine.registry().sizes() {
                    gauge!(metric::REGISTRY, "table" => table).set(rows as f64);
                }
            }
            if !step.writes.events.is_empty() {
                self.shared.events.notify_one();
            }
            rest = left;
            recalled = if step.wants.is_empty() { Vec::new() } else { self.store.recall(&step.wants).await? };
        }
        histogram!(metric::BATCH).record(begun.elapsed().as_secs_f64());
        Ok(())
    }
}

fn seal_failed(error: &str) {
    counter!(metric::SEAL_FAILURES).increment(1);
    tracing::warn!(error, "an hour could not be sealed; it stays in hot blocks and is tried again");
}

/// Process-random, from the standard library's own source.
fn secret() -> u128 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let half = || u128::from(RandomState::new().build_hasher().finish());
    half() << 64 | half()
}
