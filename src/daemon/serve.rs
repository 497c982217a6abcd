//! `hj212d serve`: builds the house against the flow, runs it, and empties it with the flow.
//!
//! ```text
//! build:  store → engine → sinks → pages → listener      empty:  listener → engine → sinks → pages
//! ```

use super::config::Kafka;
use super::house::{self, ANSWER_BATCHES, Named, Pages, Signals, Start, bind, failed};
use super::{Config, Failure, disclose, exit};
use crate::bridge::Bridge;
use crate::listener;
use crate::pipeline::appending::Appender;
use crate::pipeline::clock::ArrivalClock;
use crate::pipeline::core::Shared;
use crate::pipeline::intake::Intake;
use crate::pipeline::serve::{Serve, ServeError, Settings};
use crate::sinks::{self, JsonLines, KafkaSink, Sink};
use crate::store::{DatabaseUrl, Store};
use crate::telemetry::metric;
use metrics::gauge;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Name of this process in entries.
const GATEWAY: &str = "serve";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d serve --config deploy/hj212d.toml\n  HJ212D_LISTEN__ADDRESS=127.0.0.1:8890 hj212d serve --registry deploy/sample-city --data data\n  hj212d serve --registry deploy/sample-city --data data --demo-time-scale 1800 --demo-start 2026-03-14\n\nEnds on SIGTERM or Ctrl-C: takes no more packets, answers what was taken, writes what is due. A second one ends it at once; what was not answered is sent again by the loggers."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    start: Start,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let (config, clock) = arguments.start.load()?;
    let register = arguments.start.register(&config)?;
    house::runtime()?.block_on(run_house(config, register, clock))
}

async fn run_house(config: Config, register: Option<Named>, clock: ArrivalClock) -> Result<(), Failure> {
    let metrics = house::metrics()?;
    std::fs::create_dir_all(&config.data).map_err(failed(&config.data.display().to_string()))?;
    // Before the database is opened: a command that appends meanwhile waits here, and does not open the database itself.
    let local = crate::http::local::bind(&config.local_socket()).map_err(failed(&config.local_socket().display().to_string()))?;

    let (intake, shared) = (Arc::new(Intake::new(config.intake_bytes_max)), Shared { keep_months: config.keep_months, ..Shared::default() });
    let appender = Appender::Intake {
        intake: Arc::clone(&intake),
        clock,
        registry: Arc::clone(&shared.registry),
        recounts_left: Arc::clone(&shared.recounts_left),
    };
    gauge!(metric::INTAKE_LIMIT).set(config.intake_bytes_max as f64);
    let (answers, paying) = mpsc::channel(ANSWER_BATCHES);
    // A scaled clock needs its ticks as often in scaled time.
    let tick = (config.tick / clock.scale()).max(std::time::Duration::from_millis(20));
    let settings = Settings { gateway: GATEWAY.into(), clock, tick, accept_unknown: config.accept_unknown };
    let (built, ready) = oneshot::channel();
    let engine = {
        let (intake, shared, database, durable) = (Arc::clone(&intake), shared.clone(), config.database(), config.durable);
        if !durable {
            tracing::warn!("data.durable = false: answers do not mean that anything is stored");
        }
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || engine_thread(&database, durable, intake, shared, settings, answers, register, built))
            .map_err(failed("engine thread"))?
    };
    if ready.await.is_err() {
        return Err(engine_failure(engine));
    }

    let (stop_sinks, sinks_stopped) = watch::channel(false);
    let (stop_feeds, feeds_stopped) = watch::channel(false);
    let out = config.data.join("out");
    let (sink, mut feeds) = match &config.kafka {
        None => (Sink::Files(JsonLines::new(&out)), JoinSet::new()),
        Some(kafka) => (Sink::Kafka(KafkaSink::new(kafka.cluster.clone(), &out)), feeds(kafka, &appender, &feeds_stopped)),
    };
    feeds.spawn(disclose::watch_days(config.clone(), clock, feeds_stopped));
    let pump = tokio::spawn(sinks::pump(config.database(), sink, Arc::clone(&shared.delivered), Arc::clone(&shared.events), sinks_stopped));

    let ready = Arc::clone(&shared.ready);
    let pages = Pages::open(&config, metrics, Arc::new(move || ready.load(Ordering::Acquire))).await?;
    let (stop_local, local_stopped) = watch::channel(false);
    let local = tokio::spawn(crate::http::local::serve(local, appender, local_stopped));

    let socket = bind(config.listen)?;
    tracing::info!(address = %socket.local_addr().map_err(failed("listen"))?, "listening for data loggers");
    let (stop_listener, listener_stopped) = watch::channel(false);
    let quiet = Arc::new(Notify::new());
    let listening = {
        let settings = listener::Settings {
            gateway: GATEWAY.into(),
            clock,
            connections_max: config.connections_max,
            peer: config.peer,
            link: config.link,
            bytes_per_sec_max: config.bytes_per_sec_max,
        };
        let (intake, admissions, quiet) = (Arc::clone(&intake), Arc::clone(&shared.admissions), Arc::clone(&quiet));
        std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || listener::run(socket, settings, intake, admissions, paying, listener_stopped, quiet))
            .map_err(failed("listener thread"))?
    };

    let engine = tokio::task::spawn_blocking(move || engine.join());
    tokio::pin!(engine);
    let mut signals = Signals::new()?;
    let crashed = tokio::select! {
        () = signals.next() => None,
        result = &mut engine => Some(result),
    };
    if let Some(result) = crashed {
        // Nothing can be stored, so nothing may be answered: the house stops.
        return Err(outcome(result).err().unwrap_or_else(|| Failure::new(exit::SOFTWARE, "the engine ended by itself")));
    }
    tracing::info!("stopping: no more packets are taken; a second signal ends at once");
    signals.end_at_once();
    let _ = stop_listener.send(true);
    quiet.notified().await;
    // Who appends has been told, or is refused from here on.
    let _ = stop_local.send(true);
    let _ = local.await;
    let _ = stop_feeds.send(true);
    while feeds.join_next().await.is_some() {}
    intake.close();
    let mut store = outcome(engine.await)?;
    let _ = stop_sinks.send(true);
    shared.events.notify_one();
    let _ = pump.await;
    if let Err(error) = store.forget_delivered(shared.delivered.load(Ordering::Acquire)).await {
        tracing::warn!(%error, "delivered events stay in the outbox and will be delivered again");
    }
    let _ = tokio::task::spawn_blocking(move || listening.join()).await;
    pages.close().await;
    let _ = std::fs::remove_file(config.local_socket());
    tracing::info!("stopped");
    Ok(())
}

/// What reads from Kafka, and makes its topics.
fn feeds(kafka: &Kafka, appender: &Appender, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut feeds = JoinSet::new();
    if kafka.make_topics {
        let (cluster, mut stop) = (kafka.cluster.clone(), stop.clone());
        feeds.spawn(async move {
            tokio::select! {
                () = sinks::topics::make(&cluster, None) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
    let bridge = Bridge { cluster: kafka.cluster.clone(), group: kafka.group.clone(), appender: appender.clone() };
    feeds.spawn(bridge.run(stop.clone()));
    feeds
}

type EngineResult = Result<Store, Failure>;

/// Owns the engine and the database's writer.
#[allow(clippy::too_many_arguments)] // What one thread is handed; a struct would only rename it.
fn engine_thread(
    database: &DatabaseUrl,
    durable: bool,
    intake: Arc<Intake>,
    shared: Shared,
    settings: Settings,
    answers: mpsc::Sender<Vec<crate::link::Settled>>,
    register: Option<Named>,
    built: oneshot::Sender<()>,
) -> EngineResult {
    let runtime = super::small_runtime()?;
    let failed = |error: ServeError| Failure::new(exit::SOFTWARE, format!("{database}: {error}"));
    runtime.block_on(async {
        let store = Store::open(database, durable).await.map_err(|error| Failure::new(exit::IO, format!("{database}: {error}")))?;
        let mut serve = Serve::build(store, intake, shared, settings, answers).await.map_err(failed)?;
        if serve.registry().shard().is_some() {
            let what = format!("{database}: workers write this database; start hj212d worker, or give serve one of its own");
            return Err(Failure::new(exit::CONFIG, what));
        }
        if let Some(Named { files, named }) = &register {
            let (in_force, configured) = (serve.registry().version().to_owned(), files.version());
            if *named || in_force.is_empty() {
                serve.put_registry(files).await.map_err(failed)?;
            } else if in_force != configured {
                tracing::warn!(in_force, configured, "the configured registry is not the one in force; hj212d registry import puts it in force");
            }
        }
        tracing::info!(registry = serve.registry().version(), sequence = serve.sequence(), engine_time = %serve.now(), "engine ready");
        let _ = built.send(());
        serve.run().await.map_err(failed)
    })
}

fn engine_failure(engine: std::thread::JoinHandle<EngineResult>) -> Failure {
    match engine.join() {
        Ok(Err(failure)) => failure,
        Ok(Ok(_)) => Failure::new(exit::SOFTWARE, "the engine ended before it was built"),
        Err(_) => Failure::new(exit::SOFTWARE, "the engine broke an invariant; its message stands above"),
    }
}

fn outcome(result: Result<std::thread::Result<EngineResult>, tokio::task::JoinError>) -> EngineResult {
    match result {
        Ok(Ok(result)) => result,
        _ => Err(Failure::new(exit::SOFTWARE, "the engine broke an invariant; its message stands above")),
    }
}
