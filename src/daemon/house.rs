//! What every role of the house has in common: its clock, its signals, its pages.

use super::config::moment;
use super::{Failure, exit};
use crate::domain::time::Moment;
use crate::http::Readiness;
use crate::pipeline::clock::ArrivalClock;
use crate::telemetry;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::SocketAddr;
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
    pub(super) async fn open(address: SocketAddr, metrics: PrometheusHandle, ready: Readiness) -> Result<Self, Failure> {
        let listener = crate::http::bind(address).await.map_err(failed(&format!("http.address {address}")))?;
        tracing::info!(address = %listener.local_addr().map_err(failed("http"))?, "health and metrics");
        let (stop, stopped) = watch::channel(false);
        Ok(Self { task: tokio::spawn(crate::http::serve(listener, metrics, ready, stopped)), stop })
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
