//! The register as gateways and workers see it: read from its topic, a part for each shard, and shown to the house when all parts are of
//! one version.

use super::appending::{REGISTER, unpacked};
use crate::broker::{BrokerError, Cluster, From, PartitionReader};
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

/// How often it is looked whether the house is being emptied.
const LOOK: Duration = Duration::from_millis(500);

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

    /// Reads on until `stop` says so. `now` is asked for the day. Blocks the thread.
    pub fn run(mut self, cluster: &Cluster, now: impl Fn() -> Moment, stop: impl Fn() -> bool) {
        let mut reader: Option<PartitionReader> = None;
        while !stop() {
            if let Err(error) = self.read_on(&mut reader, cluster, &now, &stop) {
                tracing::warn!(%error, "the register cannot be read; it is tried again in a second");
                reader = None;
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }

    fn read_on(
        &mut self,
        reader: &mut Option<PartitionReader>,
        cluster: &Cluster,
        now: &impl Fn() -> Moment,
        stop: &impl Fn() -> bool,
    ) -> Result<(), BrokerError> {
        let reader = match reader {
            Some(reader) => reader,
            None => reader.insert(cluster.partition_reader(REGISTER, 0, From::Beginning)?),
        };
        let end = reader.bounds()?.1;
        while !stop() {
            let came = reader.next(LOOK, |offset, bytes| (offset, bytes.and_then(unpacked)))?;
            let at_end = match came {
                Some((offset, files)) => {
                    // Read again from its beginning, the topic says first what was in force before.
                    let at_end = offset + 1 >= end;
                    self.put(files, at_end, now());
                    at_end
                }
                // Compaction may have taken the last records before the end.
                None => true,
            };
            if at_end {
                self.register.read.store(true, Ordering::Release);
            }
            // Rows begin and end with days.
            if self.shown_on.is_some_and(|day| day != now().day()) {
                self.show(&self.register.registry.load_full(), now());
            }
        }
        Ok(())
    }

    fn put(&mut self, files: Option<Files>, shows: bool, now: Moment) {
        let Some(files) = files else { return tracing::error!("a record of {REGISTER} is no part of a register; it is passed over") };
        let Some(shard) = files.shard() else { return tracing::error!("a record of {REGISTER} does not say which part it is; it is passed over") };
        if shard.of() != self.shards {
            return tracing::error!(
                parts = shard.of(),
                shards = self.shards,
                "the register was cut for another number of shards than the journal has; import it again"
            );
        }
        self.parts.insert(shard.number(), files);
        if !shows {
            return;
        }
        let parts: Vec<Files> = self.parts.values().cloned().collect();
        let Some(whole) = Files::join(&parts) else { return };
        match Registry::parse(&whole) {
            Ok(registry) => {
                tracing::info!(version = registry.version(), "the register in force");
                for (table, rows) in registry.sizes() {
                    gauge!(metric::REGISTRY, "table" => table, "shard" => "all").set(rows as f64);
                }
                self.show(&Arc::new(registry), now);
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
