//! Health and metrics on the network, reads only; appending over the local socket.

mod few;
pub mod local;

use crate::telemetry::metric;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use few::Few;
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use metrics_process::Collector;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long an end waits for whoever holds a request open.
const FAREWELL: Duration = Duration::from_secs(3);

#[derive(Clone)]
struct Pages {
    metrics: PrometheusHandle,
    process: Collector,
    ready: Readiness,
}

/// Asked whether the process does its work.
pub type Readiness = Arc<dyn Fn() -> bool + Send + Sync>;

/// Answers until `stop` turns true, and `connections_max` peers at a time: further ones wait until one of them goes.
///
/// # Errors
/// The server fails.
pub async fn serve(
    listener: TcpListener,
    connections_max: usize,
    metrics: PrometheusHandle,
    ready: Readiness,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    gauge!(metric::PAGES_LINKS_MAX).set(connections_max as f64);
    let process = Collector::default();
    process.describe();
    let pages = Pages { metrics, process, ready };
    let routes =
        Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(readiness)).route("/metrics", get(exposition)).with_state(pages);
    until(axum::serve(Few::new(listener, connections_max), routes).with_graceful_shutdown(stopped(stop.clone())), stop).await
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Runs a server until it has ended; once `stop` is true, for some seconds at most.
async fn until(server: impl IntoFuture<Output = std::io::Result<()>>, stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let late = async {
        stopped(stop).await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = late => Ok(()),
    }
}

async fn readiness(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    if (pages.ready)() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: what this process needs is not there; its log says what\n")
    }
}

async fn exposition(State(pages): State<Pages>) -> impl IntoResponse {
    pages.process.collect();
    pages.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics.render())
}

/// Binds the address of the pages.
///
/// # Errors
/// The address cannot be bound.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}
