//! Health and metrics on the network, reads only; appending over the local socket.

pub mod local;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use metrics_process::Collector;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

#[derive(Clone)]
struct Pages {
    metrics: PrometheusHandle,
    process: Collector,
    ready: Readiness,
}

/// Asked whether the process does its work.
pub type Readiness = Arc<dyn Fn() -> bool + Send + Sync>;

/// Answers until `stop` turns true.
///
/// # Errors
/// The server fails.
pub async fn serve(listener: TcpListener, metrics: PrometheusHandle, ready: Readiness, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let process = Collector::default();
    process.describe();
    let pages = Pages { metrics, process, ready };
    let routes =
        Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(readiness)).route("/metrics", get(exposition)).with_state(pages);
    axum::serve(listener, routes)
        .with_graceful_shutdown(async move {
            let _ = stop.wait_for(|stop| *stop).await;
        })
        .await
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
