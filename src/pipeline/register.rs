//! The register as gateways and workers see it: read from its topic, a part for each shard, and shown to the house when all parts are of
//! one version.

use super::appending::{REGISTER, unpacked};
use crate::broker::{BrokerError, Cluster, From};
use crate::domain::time::{Day, Moment};
use crate::link::Admissions;
use crate::registry::{Files, Registry};
use crate::telemetry::metric;
use arc_swap::ArcSwap;
use metrics::gauge;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often it is looked whether another day has begun.
const LOOK: Duration = Duration::from_millis(500);
/// A pause after the cluster said no.
const PAUSE: Duration = Duration::from_secs(1);

/// The register in force, to be held by others.
#[derive(Debug, Clone, Default)]
pub struct Register {
    /// The whole.
    pub registry: Arc<ArcSwap<Registry>>,
    /// What links need of it.
    pub admissions: Arc<ArcSwap<Admissions>>,
    /// Every record that was there has been read.
    pub read: Arc<AtomicBool>,
}

/// Reads the register's topic.
#[derive(Debug)]
pub struct RegisterWatch {
    register: Register,
    shards: u32,
    accept_unknown: bool,
    parts: BTreeMap<u32, Files>,
    shown_on: Option<Day>,
}

impl RegisterWatch {
    /// Shows in `register` what the topic says of so many shards.
    #[must_use]
    pub fn new(register: Register, shards: u32, accept_unknown: bool) -> Self {
        Self { register, shards, accept_unknown, parts: BTreeMap::new(), shown_on: None }
    }

    /// Reads on for as long as the process lives. `now` is asked for the day. Blocks the thread.
    pub fn run(mut self, cluster: &Cluster, now: impl Fn() -> Moment) {
        loop {
            if let Err(error) = self.read_on(cluster, &now) {
                tracing::warn!(%error, "the register cannot be read; it is tried again in a second");
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Reads from the topic's beginning: first, what was in force before, which is not shown.
    fn read_on(&mut self, cluster: &Cluster, now: &impl Fn() -> Moment) -> Result<(), BrokerError> {
        let reader = cluster.partition_reader(REGISTER, 0, From::Beginning)?;
        let (first, end) = reader.bounds()?;
        // The last record is never compacted away.
        let mut there = first >= end;
        loop {
            if there {
                self.register.read.store(true, Ordering::Release);
            }
            if let Some((offset, files)) = reader.next(LOOK, |offset, bytes| (offset, bytes.and_then(unpacked)))? {
                there |= offset + 1 >= end;
                if self.put(files) && there {
                    self.show_whole(now());
                }
            }
            // Rows begin and end with days.
            if self.shown_on.is_some_and(|day| day != now().day()) {
                self.show(&self.register.registry.load_full(), now());
            }
        }
    }

    /// Keeps a part; says whether it is one.
    fn put(&mut self, files: Option<Files>) -> bool {
        match files.as_ref().and_then(Files::shard) {
            None => tracing::error!("a record of {REGISTER} is no part of a register; it is passed over"),
            Some(shard) if shard.of() != self.shards => tracing::error!(
                parts = shard.of(),
                shards = self.shards,
                "the register was cut for another number of shards than the journal has; import it again"
            ),
            Some(shard) => {
                self.parts.extend(files.map(|files| (shard.number(), files)));
                return true;
            }
        }
        false
    }

    /// Shows the whole, if the parts are of one.
    fn show_whole(&mut self, now: Moment) {
        let Some(whole) = Files::join(self.parts.values()) else { return };
        match Registry::parse(&whole) {
            Ok(registry) => {
                for (table, rows) in registry.sizes() {
                    gauge!(metric::REGISTRY, "table" => table, "shard" => "all").set(rows as f64);
                }
                let registry = Arc::new(registry);
                self.show(&registry, now);
                // Said when it is so: whoever reads it may send.
                tracing::info!(version = registry.version(), "the register in force");
            }
            Err(faults) => tracing::error!(faults = faults.len(), first = %faults[0], "the register shown is faulty; the one before stays"),
        }
    }

    fn show(&mut self, registry: &Arc<Registry>, now: Moment) {
        self.register.admissions.store(Arc::new(registry.admissions(now, self.accept_unknown)));
        self.register.registry.store(Arc::clone(registry));
        self.shown_on = Some(now.day());
    }
}
