//! `hj212d gateway`: listens and answers, and keeps nothing itself. What arrives goes into the journal's topic; it is answered when every
//! replica in sync has it.

use super::config::Kafka;
use super::house::{self, ANSWER_BATCHES, Demo, IN_SYNC_MIN, Pages, Signals, bind, failed};
use super::{Config, Failure, exit};
use crate::broker::{TopicPlan, count_partitions, look_at_topics};
use crate::listener;
use crate::pipeline::clock::ArrivalClock;
use crate::pipeline::gateway::{Gateway, Settings};
use crate::pipeline::intake::Intake;
use crate::pipeline::register::{Register, RegisterWatch};
use crate::registry::Registry;
use crate::sinks::topics;
use crate::store::{JOURNAL, JournalWriter};
use crate::telemetry::metric;
use metrics::gauge;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// At a stop, so long the journal may take for what was collected.
const GRACE: Duration = Duration::from_secs(5);
/// A pause before the cluster is asked again.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d gateway --config /etc/hj212d/hj212d.toml\n  HJ212D_KAFKA__BROKERS=k1:9092,k2:9092,k3:9092 HJ212D_GATEWAY__NAME=g1 hj212d gateway\n\nAny number of them stand behind a TCP load balancer. Loggers are let in by the register that a worker put in force (hj212d registry import on its data folder); until there is one, nobody is listened to. While Kafka is away nobody is answered and nothing is read. Ends on SIGTERM or Ctrl-C; what was not answered is sent again by the loggers."
)]
pub(super) struct Arguments {
    /// Configuration file; without it, the defaults and HJ212D_… variables.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    demo: Demo,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = house::load(arguments.config.as_deref())?;
    let kafka = config.kafka.clone().ok_or_else(|| Failure::new(exit::CONFIG, "a gateway appends to Kafka: set kafka.brokers"))?;
    let runtime = house::runtime()?;
    let outcome = runtime.block_on(run_house(config, kafka, arguments.demo.clock()));
    // An append that Kafka never acknowledged is left behind.
    runtime.shutdown_background();
    outcome
}

async fn run_house(config: Config, kafka: Kafka, clock: ArrivalClock) -> Result<(), Failure> {
    let metrics = house::metrics()?;
    let mut signals = Signals::new()?;
    let (ready, open) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let readiness = {
        let (ready, open) = (Arc::clone(&ready), Arc::clone(&open));
        Arc::new(move || open.load(Ordering::Acquire) && ready.load(Ordering::Acquire))
    };
    let pages = Pages::open(&config, metrics, readiness).await?;
    let shards = tokio::select! {
        shards = journal(&kafka) => shards?,
        () = signals.next() => return Ok(()),
    };
    let register = Register::default();
    watch_register(&kafka, &config, shards, clock, &register)?;
    tokio::select! {
        () = known(&register) => {}
        () = signals.next() => return Ok(()),
    }

    let intake = Arc::new(Intake::open_while(config.intake_bytes_max, Arc::clone(&ready)));
    gauge!(metric::INTAKE_LIMIT).set(config.intake_bytes_max as f64);
    let (answers, paying) = mpsc::channel(ANSWER_BATCHES);
    let gateway: Arc<str> = config.gateway.as_str().into();
    // A scaled clock needs its ticks as often in scaled time.
    let tick = (config.tick / clock.scale()).max(Duration::from_millis(20));
    let appending = {
        let settings = Settings { gateway: Arc::clone(&gateway), clock, tick, shards };
        let writer = JournalWriter::new(kafka.cluster.clone(), ready);
        let looped = Gateway::new(writer, Arc::clone(&intake), register.clone(), settings, answers);
        let run = move || super::small_runtime().map(|runtime| runtime.block_on(looped.run()));
        std::thread::Builder::new().name("journal".to_owned()).spawn(run).map_err(failed("journal thread"))?
    };
    let socket = bind(config.listen)?;
    tracing::info!(address = %socket.local_addr().map_err(failed("listen"))?, gateway = %gateway, shards, "listening for data loggers");
    let (stop_listener, listener_stopped) = watch::channel(false);
    let quiet = Arc::new(Notify::new());
    let listening = {
        let settings = listener::Settings {
            gateway,
            clock,
            connections_max: config.connections_max,
            peer: config.peer,
            link: config.link,
            bytes_per_sec_max: config.bytes_per_sec_max,
        };
        let (intake, quiet) = (Arc::clone(&intake), Arc::clone(&quiet));
        std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || listener::run(socket, settings, intake, register.admissions, paying, listener_stopped, quiet))
            .map_err(failed("listener thread"))?
    };
    open.store(true, Ordering::Release);

    let appending = tokio::task::spawn_blocking(move || appending.join());
    tokio::pin!(appending);
    tokio::select! {
        () = signals.next() => {}
        _ = &mut appending => return Err(Failure::new(exit::SOFTWARE, "the loop broke an invariant; its message stands above")),
    }
    tracing::info!("stopping: no more packets are taken; a second signal ends at once");
    open.store(false, Ordering::Release);
    signals.end_at_once();
    let _ = stop_listener.send(true);
    quiet.notified().await;
    intake.close();
    if tokio::time::timeout(GRACE, appending).await.is_err() {
        tracing::warn!("Kafka did not take what was collected; it was not answered, and the loggers send it again");
    } else {
        let _ = tokio::task::spawn_blocking(move || listening.join()).await;
    }
    pages.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits until there is a journal that may be answered for; gives its shards.
pub(super) async fn journal(kafka: &Kafka) -> Result<u32, Failure> {
    let cluster = &kafka.cluster;
    loop {
        if kafka.make_topics {
            topics::make(cluster, Some(kafka.journal_partitions)).await;
        }
        let plan = [TopicPlan { name: JOURNAL, partitions: 0, days: None, compact: false }];
        let found = async { Ok::<_, crate::broker::BrokerError>((count_partitions(cluster, JOURNAL).await?, look_at_topics(cluster, &plan).await?)) };
        match found.await {
            Ok((Some(shards), states)) => {
                let in_sync = states[0].map_or(1, |state| state.in_sync_min.min(state.replicas));
                if in_sync >= IN_SYNC_MIN || kafka.allow_single_broker {
                    return Ok(shards);
                }
                let what = format!(
                    "the topic {JOURNAL} acknowledges what {in_sync} replica has: what is answered would not survive the loss of one broker; give it \
                     three replicas and min.insync.replicas = 2, or set kafka.allow_single_broker = true"
                );
                return Err(Failure::new(exit::UNAVAILABLE, what));
            }
            Ok((None, _)) => tracing::error!("the topic {JOURNAL} is not there; make it, or let this program: kafka.make_topics = true"),
            Err(error) => tracing::warn!(%error, "the journal cannot be looked at; it is tried again in two seconds"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Starts the thread that reads the register; it ends with the process.
pub(super) fn watch_register(kafka: &Kafka, config: &Config, shards: u32, clock: ArrivalClock, register: &Register) -> Result<(), Failure> {
    let watching = RegisterWatch::new(register.clone(), shards, config.accept_unknown);
    let cluster = kafka.cluster.clone();
    let run = move || watching.run(&cluster, || clock.now());
    std::thread::Builder::new().name("register".to_owned()).spawn(run).map(drop).map_err(failed("register thread"))
}

/// Waits until a register is in force.
async fn known(register: &Register) {
    let none = Registry::default();
    for round in 0_u64.. {
        if register.registry.load().version() != none.version() {
            return;
        }
        if round == 20 {
            tracing::warn!("no register is in force: nobody is let in; hj212d registry import DIR --data FOLDER on a worker puts one in force");
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
