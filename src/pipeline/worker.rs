//! The loop of one shard of a `worker`: fetch, step, commit with the place in the journal. The shard's row in the database says where it
//! stands; the epoch that it was opened with says whose it is. Nothing is confirmed to Kafka.

use super::core::{Core, Owed, Shared};
use super::intake::BATCH_ENTRIES_MAX;
use crate::broker::Cluster;
use crate::engine::{Body, Entry};
use crate::registry::Registry;
use crate::store::{DatabaseUrl, JournalError, JournalReader, Read, Store, StoreError};
use crate::telemetry::metric;
use metrics::{counter, gauge};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a fetch waits for something: a shard that is taken back notices within it.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often what is not an entry is looked after.
const TEND: Duration = Duration::from_secs(5);
/// A pause after the cluster or the database said no.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a shard ended although it was not taken back.
#[derive(Debug)]
pub enum End {
    /// It was given back.
    GivenBack,
    /// Another process has its epoch.
    Fenced,
    /// It cannot go on, and no retry mends that.
    Stopped(String),
}

/// One shard.
#[derive(Debug, Clone)]
pub struct ShardLoop {
    /// The journal's cluster.
    pub cluster: Cluster,
    /// The shard's database.
    pub database: DatabaseUrl,
    /// Every commit reaches the disk.
    pub durable: bool,
    /// Packets of unknown loggers are good.
    pub accept_unknown: bool,
    /// What the shard shares with its sinks. `ready`: it reads, and its database takes writes.
    pub shared: Shared,
    /// It is to be given back.
    pub stop: Arc<AtomicBool>,
}

impl ShardLoop {
    fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Runs until it is given back, or cannot go on. `opened` is called when the shard is ours. Blocks the thread, and is to be called
    /// within a runtime of its own.
    pub async fn run(&self, opened: impl FnOnce()) -> End {
        let shard = self.database.shard();
        let Some(store) = self.open().await else { return End::GivenBack };
        let mut core = match store {
            Ok(store) => match Core::build(store, self.shared.clone(), self.accept_unknown, None).await {
                Ok(core) => core,
                Err(error) => return End::Stopped(error.to_string()),
            },
            Err(error) => return End::Stopped(error.to_string()),
        };
        if core.engine().registry().shard().is_none() && core.engine().registry().version() != Registry::default().version() {
            return End::Stopped("serve has written this database; give workers one of their own".to_owned());
        }
        tracing::info!(shard, sequence = core.engine().sequence(), engine_time = %core.engine().now(), "a shard is ours");
        opened();
        let end = self.read_on(&mut core).await;
        self.shared.ready.store(false, Ordering::Release);
        if let Err(error) = core.into_store().forget_delivered(self.shared.delivered.load(Ordering::Acquire)).await {
            tracing::debug!(%error, "delivered events stay in the outbox and will be delivered again");
        }
        match end {
            Ok(()) => End::GivenBack,
            Err(JournalError::Store(StoreError::Fenced(_))) => End::Fenced,
            Err(error) => End::Stopped(error.to_string()),
        }
    }

    /// Opens the shard's store; while the server is away it is tried again. None: the shard is to be given back.
    async fn open(&self) -> Option<Result<Store, StoreError>> {
        while !self.stops() {
            match Store::open(&self.database, self.durable).await {
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, shard = self.database.shard(), "the database of a shard cannot be opened; it is tried again in a second");
                    tokio::time::sleep(PAUSE).await;
                }
                result => return Some(result),
            }
        }
        None
    }

    #[allow(clippy::disallowed_methods)] // When to look after things is no stamp.
    async fn read_on(&self, core: &mut Core) -> Result<(), JournalError> {
        let shard = self.database.shard().to_string();
        let mut reader = JournalReader::open(&self.cluster, self.database.shard(), core.engine().sequence() + 1)?;
        self.shared.ready.store(true, Ordering::Release);
        gauge!(metric::DATABASE_UP).set(1.0);
        core.watch();
        core.tend().await;
        let mut tended = Instant::now();
        while !self.stops() {
            match reader.read(PATIENCE, BATCH_ENTRIES_MAX) {
                Ok(read) => self.take(core, read).await?,
                Err(error @ (JournalError::Hole { .. } | JournalError::Store(_))) => return Err(error),
                Err(JournalError::Broker(error)) => {
                    counter!(metric::BROKER_ERRORS, "reason" => error.name()).increment(1);
                    tracing::warn!(%error, shard, "the journal cannot be read; it is tried again in a second");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if tended.elapsed() >= TEND {
                tended = Instant::now();
                core.tend().await;
                if let Ok(lag) = reader.lag() {
                    gauge!(metric::JOURNAL_LAG, "shard" => shard.clone()).set(lag as f64);
                }
            }
            core.go_on_sealing().await;
        }
        Ok(())
    }

    /// Stamps of several gateways: in the order of the journal they never go back.
    async fn take(&self, core: &mut Core, read: Vec<Read>) -> Result<(), StoreError> {
        let mut now = core.engine().now();
        let mut entries = Vec::with_capacity(read.len());
        for Read { sequence, at, admitted, body } in read {
            now = now.max(at.unwrap_or(now));
            let body = match (admitted, body) {
                (Some(mn), frame @ Body::Frame { .. }) => core.desk().receive(mn, sequence, now, frame),
                (_, body) => body,
            };
            entries.push(Entry { sequence, at: now, body });
        }
        core.take(&entries, Owed::default()).await
    }
}
