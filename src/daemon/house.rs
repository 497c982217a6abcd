//! What every role of the house has in common: its options, its clock, its signals, its pages.

use super::config::moment;
use super::{Config, Failure, exit, faults_text, read_registry};
use crate::domain::time::Moment;
use crate::http::Readiness;
use crate::pipeline::clock::ArrivalClock;
use crate::registry::{Files, Registry};
use crate::telemetry;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A scaled clock, for demonstrations: give every process and its fleet the same.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Demo {
    /// The arrival clock runs so many times as fast (link time-outs do not).
    #[arg(long, value_name = "N", default_value_t = 1)]
    demo_time_scale: u32,
    /// What the scaled clock shows at its origin; default: the midnight before now.
    #[arg(long, value_name = "INSTANT", value_parser = moment)]
    demo_start: Option<Moment>,
    /// Real time at which the scaled clock shows its start; default: now. Give a fleet the same.
    #[arg(long, value_name = "INSTANT", value_parser = moment)]
    demo_origin: Option<Moment>,
}

impl Demo {
    /// The clock that the options ask for.
    pub(super) fn clock(self) -> ArrivalClock {
        if self.demo_time_scale <= 1 && self.demo_start.is_none() {
            return ArrivalClock::wall();
        }
        let now = ArrivalClock::wall().now();
        let start = self.demo_start.unwrap_or_else(|| now.day().start());
        ArrivalClock::scaled(self.demo_origin.unwrap_or(now), start, self.demo_time_scale)
    }
}

/// Batches of answers that may wait for the listener's thread. Who waits when it is full: the thread that stores.
pub(super) const ANSWER_BATCHES: usize = 64;
/// Replicas that must have a record before it counts as safe.
pub(super) const IN_SYNC_MIN: u32 = 2;

/// How a role that judges begins: the options of `serve` and `worker`.
#[derive(Debug, clap::Args)]
pub(super) struct Start {
    /// Configuration file; without it, the defaults and HJ212D_… variables.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Registry directory, put in force at every start; one that the configuration names only where there is none.
    #[arg(long, value_name = "DIR")]
    registry: Option<PathBuf>,
    /// Data folder; overrides the configuration.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    demo: Demo,
}

/// The register of a configuration, and whether the command line named it: then it is put in force whatever was before.
pub(super) struct Named {
    pub(super) files: Files,
    pub(super) named: bool,
}

impl Start {
    /// The configuration, and the clock; the log begins.
    pub(super) fn load(&self) -> Result<(Config, ArrivalClock), Failure> {
        let mut config = load(self.config.as_deref())?;
        config.data = self.data.clone().unwrap_or(config.data);
        config.registry = self.registry.clone().or(config.registry);
        Ok((config, self.demo.clock()))
    }

    /// The register that the configuration names, if it does, without a fault.
    pub(super) fn register(&self, config: &Config) -> Result<Option<Named>, Failure> {
        let Some(folder) = &config.registry else { return Ok(None) };
        let files = read_registry(folder)?;
        Registry::parse(&files).map_err(|faults| Failure::new(exit::DATA, faults_text(folder, &faults)))?;
        Ok(Some(Named { files, named: self.registry.is_some() }))
    }
}

/// Reads the configuration, and begins the log as it says.
pub(super) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let config = Config::load(file).map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    telemetry::start_logs(config.log_format, &config.log_filter).map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    Ok(config)
}

/// What could not be done, and why, for `map_err`.
pub(super) fn failed(what: &str) -> impl FnOnce(std::io::Error) -> Failure + use<> {
    let what = what.to_owned();
    move |error| Failure::new(exit::IO, format!("{what}: {error}"))
}

/// The runtime of a role: one thread beside those that have work of their own.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed("runtime"))
}

/// SIGTERM and Ctrl-C.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(failed("signals"));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// From here on the next one ends the process at once.
    pub(super) fn end_at_once(mut self) {
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(130);
        });
    }
}

/// Health and metrics, until they are stopped.
pub(super) struct Pages {
    task: JoinHandle<std::io::Result<()>>,
    stop: watch::Sender<bool>,
}

impl Pages {
    pub(super) async fn open(config: &Config, metrics: PrometheusHandle, ready: Readiness) -> Result<Self, Failure> {
        let address = config.http;
        let listener = crate::http::bind(address).await.map_err(failed(&format!("http.address {address}")))?;
        tracing::info!(address = %listener.local_addr().map_err(failed("http"))?, "health and metrics");
        let (stop, stopped) = watch::channel(false);
        Ok(Self { task: tokio::spawn(crate::http::serve(listener, config.http_connections_max, metrics, ready, stopped)), stop })
    }

    pub(super) async fn close(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Counts from here on, and gives what the pages show.
pub(super) fn metrics() -> Result<PrometheusHandle, Failure> {
    telemetry::start_metrics().map_err(|error| Failure::new(exit::SOFTWARE, error.to_string()))
}

/// A listening socket with a backlog for a whole city that reconnects at once.
pub(super) fn bind(address: SocketAddr) -> Result<std::net::TcpListener, Failure> {
    let open = || {
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(4096)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    open().map_err(failed(&format!("listen.address {address}")))
}
