//! 邻点比对: once a day, when all of it is confirmed, every outlet is held against the others. It is done beside the engines, from the
//! profiles of all shards, and what is found becomes entries: the same for every shard, and for whoever reads the journal again.

use crate::domain::time::Day;
use crate::domain::{Neighbours, OutletDay, OutletId, RuleSet, shard_of};
use crate::engine::{Body, Want};
use crate::registry::Registry;
use crate::rules::Past;
use crate::rules::neighbours::Neighbourhood;
use crate::store::{DatabaseUrl, Store, StoreError};
use crate::telemetry::metric;
use metrics::{gauge, histogram};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

/// Entries that are appended at a time: packets are taken in between.
pub const AT_A_TIME: usize = 500;
/// Outlets whose profiles are read with one question.
const OUTLETS_PER_READ: usize = 64;

/// What came of a comparison, or why nothing did.
type Compared = Result<Vec<Neighbours>, String>;

/// A comparison that goes on in a thread of its own, and what it found.
#[derive(Debug, Default)]
pub struct Comparing {
    running: Option<(Day, JoinHandle<Compared>)>,
    found: Vec<Body>,
    /// Rounds to wait after a failure.
    pause: u32,
}

/// Rounds of some seconds.
const PAUSE: u32 = 60;

impl Comparing {
    /// Whether another may begin: nothing goes on, nothing is left to be appended, and no failure is too recent. To be asked once a round.
    pub fn is_idle(&mut self) -> bool {
        let waits = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        !waits && self.running.is_none() && self.found.is_empty()
    }

    /// Begins the comparison of a day: `shards` are the databases of all shards, in their order.
    pub fn begin(&mut self, shards: Vec<DatabaseUrl>, registry: Arc<Registry>, rules: RuleSet, day: Day) {
        let run = move || -> Compared {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
            runtime.block_on(compare(&shards, &registry, &rules, day)).map_err(|error| error.to_string())
        };
        match std::thread::Builder::new().name("neighbours".to_owned()).spawn(run) {
            Ok(thread) => self.running = Some((day, thread)),
            Err(error) => self.failed(day, &error.to_string()),
        }
    }

    /// Some of the entries that say what was found; none while there are none. The last one says that the day is done.
    pub fn entries(&mut self) -> Vec<Body> {
        if let Some((day, thread)) = self.running.take_if(|(_, thread)| thread.is_finished()) {
            match thread.join() {
                Ok(Ok(found)) => {
                    self.found = found.into_iter().map(Body::Neighbours).chain([Body::NeighboursDone { day }]).collect();
                    self.found.reverse();
                }
                Ok(Err(error)) => self.failed(day, &error),
                Err(_) => self.failed(day, "the comparison broke an invariant; its message stands above"),
            }
        }
        let left = self.found.len().saturating_sub(AT_A_TIME);
        self.found.split_off(left).into_iter().rev().collect()
    }

    fn failed(&mut self, day: Day, error: &str) {
        self.pause = PAUSE;
        tracing::warn!(error, %day, "the outlets of a day could not be compared with each other; it is tried again in some minutes");
    }
}

/// Compares a day over all shards.
#[allow(clippy::disallowed_methods)] // How long it takes is measured, not stamped.
async fn compare(shards: &[DatabaseUrl], registry: &Registry, rules: &RuleSet, day: Day) -> Result<Vec<Neighbours>, StoreError> {
    let begun = Instant::now();
    let mut readers = Vec::with_capacity(shards.len());
    for shard in shards {
        readers.push(Store::read(shard.clone()).await?);
    }
    let mut all = Neighbourhood::new(registry, rules, day);
    let (first, second) = all.reach();
    let outlets = all.outlets();
    each(&mut readers, registry, &outlets, day, first, |outlet, past| all.look(outlet, past)).await?;
    let again: Vec<OutletId> = all.pair().into_iter().collect();
    each(&mut readers, registry, &again, day, second, |outlet, past| all.look_again(outlet, past)).await?;
    let found = all.found();
    histogram!(metric::NEIGHBOURS).record(begun.elapsed().as_secs_f64());
    gauge!(metric::NEIGHBOURS_UNTIL).set(day.end().0 as f64 / 1000.0);
    tracing::info!(%day, outlets = outlets.len(), again = again.len(), found = found.len(), "the outlets of a day were compared with each other");
    Ok(found)
}

/// Reads what some outlets' days left, and shows it one after the other.
async fn each(
    readers: &mut [Store],
    registry: &Registry,
    outlets: &[OutletId],
    day: Day,
    days: u32,
    mut look: impl FnMut(OutletId, &Past),
) -> Result<(), StoreError> {
    let of = u32::try_from(readers.len()).unwrap_or(1);
    let mut by_shard: BTreeMap<u32, Vec<OutletId>> = BTreeMap::new();
    for outlet in outlets {
        by_shard.entry(shard_of(&registry.key_of_outlet(*outlet), of)).or_default().push(*outlet);
    }
    for (shard, outlets) in by_shard {
        for some in outlets.chunks(OUTLETS_PER_READ) {
            let wants: Vec<Want> = some.iter().map(|outlet| Want::of_past(OutletDay { outlet: *outlet, day }, days)).collect();
            for recalled in readers[shard as usize].recall(&wants).await? {
                if let Some(past) = recalled.past {
                    look(recalled.key.outlet, &past);
                }
            }
        }
    }
    Ok(())
}
