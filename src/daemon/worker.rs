//! `hj212d worker`: takes what gateways have put into the journal, shard by shard. Which shards, the group of the workers decides; where
//! each goes on, its row in the database; whose it is, the epoch in that row.
//!
//! ```text
//! given      a thread for each shard: open (raise the epoch), read on, and, once it is ours, a pump for its events
//! taken back the thread ends after its commit, and then the next worker is given the shard
//! fenced     another process has raised the epoch: nothing was written, and the shard is let go of
//! ```

use super::config::Kafka;
use super::gateway::{journal, watch_register};
use super::house::{self, Named, Pages, Signals, Start, failed};
use super::{Config, Failure, disclose, exit};
use crate::bridge::Bridge;
use crate::broker::{Change, HAND_OVER};
use crate::engine::Body;
use crate::pipeline::appending::{Appender, JournalDesk};
use crate::pipeline::clock::ArrivalClock;
use crate::pipeline::core::{Shared, forget_gauges};
use crate::pipeline::register::Register;
use crate::pipeline::survey;
use crate::pipeline::worker::{End, ShardLoop};
use crate::registry::Registry;
use crate::sinks::{self, KafkaSink, Sink};
use crate::store::{DatabaseUrl, JOURNAL, JournalWriter};
use crate::telemetry::metric;
use metrics::gauge;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How long shards may take to end when they are given back: somewhat less than the group waits for it.
const GIVE_BACK: Duration = HAND_OVER.saturating_sub(Duration::from_secs(10));
/// News of the group that may wait. Who waits when it is full: the thread that looks for them.
const NEWS: usize = 16;
/// How long leaving the group may hold up an end.
const LEAVE_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d worker --config /etc/hj212d/hj212d.toml\n  HJ212D_KAFKA__BROKERS=k1:9092 HJ212D_DATA__DATABASE=postgres://hj212d@db/hj212d hj212d worker --registry deploy/sample-city\n\nAny number of them share the shards of the journal. All need one PostgreSQL database; the data folder holds the local socket, over which registry import, declarations and the other commands append. Ends on SIGTERM or Ctrl-C: finishes what it has begun, and gives its shards back."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    start: Start,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let (config, clock) = arguments.start.load()?;
    let registered = arguments.start.register(&config)?;
    let kafka = config.kafka.clone().ok_or_else(|| Failure::new(exit::CONFIG, "a worker reads from Kafka: set kafka.brokers"))?;
    if !matches!(config.server, Some(DatabaseUrl::Postgres(_))) {
        return Err(Failure::new(exit::CONFIG, "workers share a database on a server: set data.database = \"postgres://…\""));
    }
    let runtime = house::runtime()?;
    let outcome = runtime.block_on(run_house(config, kafka, registered, clock));
    // A shard that does not end is left behind: whoever has it next raises its epoch.
    runtime.shutdown_background();
    outcome
}

/// A shard that this worker has.
struct Held {
    /// The how manieth that began: a shard may come back before news of its end is read.
    turn: u64,
    stop: Arc<AtomicBool>,
    pump: JoinHandle<()>,
}

/// The end of a shard's thread: which, its turn, and why; nothing where it broke an invariant.
type Ended = (u32, u64, Option<End>);

/// The shards of this worker.
struct Shards {
    kafka: Kafka,
    config: Config,
    held: BTreeMap<u32, Held>,
    /// Whether each does its work, for whoever asks. One that stands still, or was fenced, is there until the group takes it back.
    states: Arc<Mutex<BTreeMap<u32, Arc<AtomicBool>>>>,
    ends: JoinSet<Ended>,
    turns: u64,
}

impl Shards {
    fn begin(&mut self, number: u32) -> Result<(), Failure> {
        let (stop, shared) = (Arc::new(AtomicBool::new(false)), Shared { keep_months: self.config.keep_months, ..Shared::default() });
        let work = ShardLoop {
            cluster: self.kafka.cluster.clone(),
            database: self.config.database().of_shard(number),
            durable: self.config.durable,
            accept_unknown: self.config.accept_unknown,
            shared: shared.clone(),
            stop: Arc::clone(&stop),
        };
        let (tell, opened) = oneshot::channel();
        let sink = Sink::Kafka(KafkaSink::new(self.kafka.cluster.clone(), &self.config.data.join("out")));
        let (database, ready) = (work.database.clone(), Arc::clone(&shared.ready));
        let pump = tokio::spawn(async move {
            if opened.await.is_ok() {
                // It ends when it is aborted: what it has not delivered, the next owner of the shard does.
                let (_stop, stopped) = watch::channel(false);
                sinks::pump(database, sink, shared.delivered, shared.events, stopped).await;
            }
        });
        let (tell_end, end) = oneshot::channel();
        let run = move || {
            let end = match super::small_runtime() {
                Ok(runtime) => runtime.block_on(work.run(|| {
                    let _ = tell.send(()); // The pump may have gone.
                })),
                Err(failure) => End::Stopped(failure.message),
            };
            let _ = tell_end.send(end); // Nobody waits for a shard that was given up.
        };
        std::thread::Builder::new().name(format!("shard-{number}")).spawn(run).map_err(failed("shard thread"))?;
        self.turns += 1;
        let turn = self.turns;
        self.ends.spawn(async move { (number, turn, end.await.ok()) });
        self.states().insert(number, ready);
        self.held.insert(number, Held { turn, stop, pump });
        gauge!(metric::SHARDS).set(self.held.len() as f64);
        Ok(())
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<AtomicBool>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives shards back: each ends after its commit. One that does not in time waits for its database, most likely; it is given up, and
    /// writes nothing any more once another has raised its epoch.
    async fn give_back(&mut self, numbers: &[u32]) {
        for held in numbers.iter().filter_map(|number| self.held.get(number)) {
            held.pump.abort();
            held.stop.store(true, Ordering::Release);
        }
        let all = async {
            while numbers.iter().any(|number| self.held.contains_key(number)) {
                if let Some(Ok(ended)) = self.ends.join_next().await {
                    self.let_go(ended);
                }
            }
        };
        if tokio::time::timeout(GIVE_BACK, all).await.is_err() {
            let stuck: Vec<u32> = numbers.iter().copied().filter(|number| self.held.remove(number).is_some()).collect();
            tracing::warn!(?stuck, "shards do not end, and are given up: their next owner raises their epoch");
            stuck.into_iter().for_each(forget_gauges);
            gauge!(metric::SHARDS).set(self.held.len() as f64);
        }
        let mut states = self.states();
        numbers.iter().for_each(|number| drop(states.remove(number)));
    }

    /// A shard's thread has ended: says why, if nobody asked it to.
    fn let_go(&mut self, (number, turn, end): Ended) {
        if self.held.get(&number).is_none_or(|held| held.turn != turn) {
            return;
        }
        if let Some(held) = self.held.remove(&number) {
            held.pump.abort();
        }
        if let Some(state) = self.states().get(&number) {
            state.store(false, Ordering::Release);
        }
        gauge!(metric::SHARDS).set(self.held.len() as f64);
        // One that stands still shows its last instant: the alert for that looks at it.
        if matches!(end, Some(End::GivenBack | End::Fenced)) {
            forget_gauges(number);
        }
        match end {
            Some(End::GivenBack) => tracing::info!(shard = number, "a shard was given back"),
            Some(End::Fenced) => {
                tracing::warn!(shard = number, "another process has taken the shard: nothing was written, and it is let go of");
            }
            Some(End::Stopped(why)) => tracing::error!(shard = number, why, "a shard stands still; the others go on"),
            None => tracing::error!(shard = number, "a shard broke an invariant and stands still; its message stands above"),
        }
    }
}

async fn run_house(config: Config, kafka: Kafka, registered: Option<Named>, clock: ArrivalClock) -> Result<(), Failure> {
    let metrics = house::metrics()?;
    let mut signals = Signals::new()?;
    std::fs::create_dir_all(&config.data).map_err(failed(&config.data.display().to_string()))?;
    let local = crate::http::local::bind(&config.local_socket()).map_err(failed(&config.local_socket().display().to_string()))?;
    let states: Arc<Mutex<BTreeMap<u32, Arc<AtomicBool>>>> = Arc::default();
    let joined = Arc::new(AtomicBool::new(false));
    let readiness = {
        let (states, joined) = (Arc::clone(&states), Arc::clone(&joined));
        Arc::new(move || {
            let states = states.lock().unwrap_or_else(PoisonError::into_inner);
            joined.load(Ordering::Acquire) && states.values().all(|ready| ready.load(Ordering::Acquire))
        })
    };
    let pages = Pages::open(&config, metrics, readiness).await?;
    let shards = tokio::select! {
        shards = journal(&kafka) => shards?,
        () = signals.next() => return Ok(()),
    };

    let register = Register::default();
    watch_register(&kafka, &config, shards, clock, &register)?;
    let writer = JournalWriter::new(kafka.cluster.clone(), Arc::default());
    let desk = JournalDesk::new(writer, kafka.cluster.clone(), shards, Arc::clone(&register.registry), config.database(), clock);
    let desk = Arc::new(desk);
    let appender = Appender::Journal(Arc::clone(&desk));
    let (stop, stopped) = watch::channel(false);
    let mut feeds = JoinSet::new();
    feeds.spawn(Bridge { cluster: kafka.cluster.clone(), group: kafka.group.clone(), appender: appender.clone() }.run(stopped.clone()));
    feeds.spawn(disclose::watch_days(config.clone(), clock, stopped.clone()));
    let serving = crate::http::local::serve(local, appender, stopped);
    feeds.spawn(async { drop(serving.await) });
    if let Some(registered) = registered {
        feeds.spawn(put_register(registered, register.clone(), Arc::clone(&desk)));
    }
    let mut surveying = JoinSet::new();
    if let Some(DatabaseUrl::Postgres(server)) = &config.server {
        let every = (config.tick / clock.scale()).max(Duration::from_millis(20));
        surveying.spawn(survey::run(server.clone(), shards, Arc::clone(&register.registry), desk, every));
    }

    let (tell, mut changes) = mpsc::channel(NEWS);
    let leaving = Arc::new(AtomicBool::new(false));
    let member = {
        let (cluster, group, instance) = (kafka.cluster.clone(), format!("{}.workers", kafka.group), config.instance.clone());
        let (leaving, session) = (Arc::clone(&leaving), config.session);
        let join = move || match cluster.member(JOURNAL, &group, &instance, session, tell) {
            Ok(member) => member.stay(|| leaving.load(Ordering::Acquire), instance.is_empty()),
            Err(error) => tracing::error!(%error, "the group of the workers cannot be joined at all"),
        };
        std::thread::Builder::new().name("member".to_owned()).spawn(join).map_err(failed("member thread"))?
    };
    let mut work = Shards { kafka, config: config.clone(), held: BTreeMap::new(), states, ends: JoinSet::new(), turns: 0 };
    tracing::info!(shards, "worker ready to be given shards");
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Some(Change::Given(numbers)) => {
                    joined.store(true, Ordering::Release);
                    // One that stood still, or was fenced, begins anew.
                    work.give_back(&numbers).await;
                    numbers.into_iter().try_for_each(|number| work.begin(number))?;
                }
                Some(Change::TakenBack(numbers, done)) => {
                    work.give_back(&numbers).await;
                    drop(done);
                }
                None => return Err(Failure::new(exit::SOFTWARE, "the group of the workers was left; its message stands above")),
            },
            Some(Ok(ended)) = work.ends.join_next() => work.let_go(ended),
            () = signals.next() => break,
        }
    }
    tracing::info!("stopping: what has begun is finished, and the shards are given back; a second signal ends at once");
    signals.end_at_once();
    joined.store(false, Ordering::Release);
    surveying.shutdown().await;
    let _ = stop.send(true);
    let numbers: Vec<u32> = work.held.keys().copied().collect();
    work.give_back(&numbers).await;
    leaving.store(true, Ordering::Release);
    let left = tokio::task::spawn_blocking(move || member.join());
    let giving_back = async {
        while let Some(change) = changes.recv().await {
            drop(change);
        }
    };
    if tokio::time::timeout(LEAVE_PATIENCE, async { tokio::join!(left, giving_back) }).await.is_err() {
        tracing::warn!("the group was not left in time; it finds out by itself");
    }
    feeds.shutdown().await;
    pages.close().await;
    let _ = std::fs::remove_file(config.local_socket());
    tracing::info!("stopped");
    Ok(())
}

/// Puts a register in force: where there is none, or whatever was in force when the command line named it.
async fn put_register(Named { files, named }: Named, register: Register, desk: Arc<JournalDesk>) {
    while !register.read.load(Ordering::Acquire) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (none, configured) = (Registry::default(), files.version());
    let in_force = register.registry.load().version().to_owned();
    if in_force == configured {
        return;
    }
    if !named && in_force != none.version() {
        return tracing::warn!(in_force, configured, "the configured registry is not the one in force; hj212d registry import puts it in force");
    }
    let body = Body::RegistryVersion { files };
    match Appender::Journal(Arc::clone(&desk)).fault(&body) {
        Some(what) => tracing::error!(what, "the register cannot be put in force"),
        None => match desk.append(vec![body]).await {
            Ok(_) => tracing::info!(version = configured, "a register was put in force"),
            Err(_) => tracing::error!(version = configured, "a register could not be put in force"),
        },
    }
}
