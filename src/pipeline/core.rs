//! One shard's engine and its store: step, commit, recall, and seal what is old. Who collects the entries is somebody else: `serve.rs`
//! from its own listener, `worker.rs` from the journal's topic.

use crate::domain::time::Day;
use crate::engine::{Engine, Entry, FrontDesk};
use crate::link::{Admissions, Debt, Settled};
use crate::registry::Registry;
use crate::store::{DatabaseUrl, SealedHour, Store, StoreError};
use crate::telemetry::{self, metric};
use arc_swap::ArcSwap;
use metrics::{counter, gauge, histogram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// What an engine shares with the rest of the house.
#[derive(Debug, Clone, Default)]
pub struct Shared {
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
    /// Whole months before this one whose outputs a server keeps; 0: all.
    pub keep_months: u32,
}

/// Who is owed something for an entry.
#[derive(Debug, Default)]
pub struct Owed {
    /// Loggers: by the sequence of the entry that asks for an answer, in order.
    pub debts: Vec<(u64, Debt)>,
    /// Whoever appended an entry, and waits until it is durable.
    pub told: Vec<(u64, oneshot::Sender<u64>)>,
}

/// The engine and the store of one shard.
#[derive(Debug)]
pub struct Core {
    store: Store,
    engine: Engine,
    desk: FrontDesk,
    shared: Shared,
    /// The shard, as the gauges name it.
    label: String,
    answers: Option<mpsc::Sender<Vec<Settled>>>,
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

impl Core {
    /// Rebuilds the engine from the store. `answers`: where settled debts go, if there can be any.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn build(
        mut store: Store,
        shared: Shared,
        accept_unknown: bool,
        answers: Option<mpsc::Sender<Vec<Settled>>>,
    ) -> Result<Self, StoreError> {
        let snapshot = store.snapshot().await?;
        let mut desk = FrontDesk::new(secret());
        for frame in &snapshot.recent {
            desk.remember(frame.mn, frame.sequence, frame.at, &frame.bytes);
        }
        let engine = Engine::new(snapshot, accept_unknown);
        shared.admissions.store(Arc::new(engine.admissions().clone()));
        shared.registry.store(engine.shared_registry());
        let label = store.url().shard().to_string();
        let core = Self { store, engine, desk, shared, label, answers, sealing: None, made_ahead: None };
        core.show_registry();
        Ok(core)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where its rows are.
    #[must_use]
    pub fn database(&self) -> DatabaseUrl {
        self.store.url()
    }

    /// What arrives first.
    pub fn desk(&mut self) -> &mut FrontDesk {
        &mut self.desk
    }

    /// Gives the store back.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }

    /// From here on `ready` is told while the database is away.
    pub fn watch(&mut self) {
        self.store.watch(Arc::clone(&self.shared.ready));
    }

    fn show_registry(&self) {
        for (table, rows) in self.engine.registry().sizes() {
            gauge!(metric::REGISTRY, "table" => table, "shard" => self.label.clone()).set(rows as f64);
        }
    }

    /// Shows how the engine stands.
    pub fn gauges(&self) {
        let set = |name: &'static str, value: f64| gauge!(name, "shard" => self.label.clone()).set(value);
        let (days, timers, reopened) = self.engine.sizes();
        set(metric::RESIDENT_DAYS, days as f64);
        set(metric::TIMERS, timers as f64);
        set(metric::REOPENED_DAYS, reopened as f64);
        let (silent, outages) = self.engine.silent();
        set(metric::SILENT, silent as f64);
        set(metric::OUTAGES_NOW, outages as f64);
        set(metric::RECOUNTS_LEFT, self.engine.recounts_left() as f64);
        set(metric::ENGINE_TIME, self.engine.now().0 as f64 / 1000.0);
    }

    /// What falls due beside the entries; to be called every few seconds.
    pub async fn tend(&mut self) {
        self.gauges();
        self.tend_months().await;
        self.begin_sealing().await;
    }

    /// Once a day: parts of the tables for the months that come, and those that nobody wants to keep.
    async fn tend_months(&mut self) {
        let today = self.engine.now().day();
        if self.made_ahead.replace(today) == Some(today) {
            return;
        }
        if let Err(error) = self.store.make_months_ahead(self.engine.now()).await {
            tracing::warn!(%error, "the months ahead could not be made; they are made when they are needed");
        }
        match self.store.drop_old_months(self.engine.now(), self.shared.keep_months).await {
            Ok(months) => months.iter().for_each(|month| tracing::info!(%month, "means and findings of a month were dropped (data.keep_months)")),
            Err(error) => tracing::warn!(%error, "old months could not be dropped; tried again tomorrow"),
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
    pub async fn go_on_sealing(&mut self) {
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

    /// Takes entries: steps, commits, hands back what is owed, and recalls what the engine asks for.
    ///
    /// # Errors
    /// The store failed; what was not committed was not answered.
    #[allow(clippy::disallowed_methods)] // Latencies are measured, not stamped.
    pub async fn take(&mut self, entries: &[Entry], mut owed: Owed) -> Result<(), StoreError> {
        let begun = Instant::now();
        let mut rest = entries;
        let mut recalled = Vec::new();
        while !rest.is_empty() {
            counter!(metric::RECALLS).increment(recalled.len() as u64);
            let stepping = Instant::now();
            let step = self.engine.step(rest, std::mem::take(&mut recalled));
            histogram!(metric::STEP).record(stepping.elapsed().as_secs_f64());
            let (taken, left) = rest.split_at(step.taken);
            let paid = owed.debts.partition_point(|(sequence, _)| *sequence <= step.writes.to);
            let due: Vec<Debt> = owed.debts.drain(..paid).map(|(_, debt)| debt).collect();
            let committing = Instant::now();
            let sent = self.shared.delivered.load(Ordering::Acquire);
            let settled = self.store.commit(taken, &step.writes, due, sent).await?;
            histogram!(metric::COMMIT).record(committing.elapsed().as_secs_f64());
            counter!(metric::ENTRIES).increment(taken.len() as u64);
            self.hand_back(settled).await;
            for (sequence, tell) in owed.told.extract_if(.., |(sequence, _)| *sequence <= step.writes.to) {
                let _ = tell.send(sequence); // Who asked may have gone; the entry stays.
            }
            self.shared.recounts_left.store(self.engine.recounts_left(), Ordering::Release);
            for (notice, count) in &step.writes.notices {
                telemetry::note(*notice, *count);
            }
            if step.writes.admissions_changed {
                self.shared.admissions.store(Arc::new(self.engine.admissions().clone()));
                self.shared.registry.store(self.engine.shared_registry());
                self.show_registry();
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

    async fn hand_back(&self, settled: Vec<Settled>) {
        if let Some(answers) = self.answers.as_ref().filter(|_| !settled.is_empty())
            && answers.send(settled).await.is_err()
        {
            tracing::warn!("nobody takes answers any more: the listener has gone");
        }
    }
}

/// A shard has left this process: its gauges have no value here.
pub fn forget_gauges(shard: u32) {
    use metric::{ENGINE_TIME, JOURNAL_LAG, OUTAGES_NOW, OUTBOX, RECOUNTS_LEFT, REOPENED_DAYS, RESIDENT_DAYS, SILENT, TIMERS};
    for name in [ENGINE_TIME, JOURNAL_LAG, OUTAGES_NOW, OUTBOX, RECOUNTS_LEFT, REOPENED_DAYS, RESIDENT_DAYS, SILENT, TIMERS] {
        gauge!(name, "shard" => shard.to_string()).set(f64::NAN);
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
