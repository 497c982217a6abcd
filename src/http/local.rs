//! The local socket: how commands on the same machine, and whoever may open the file, append to the journal of a running
//! daemon. HTTP over a Unix socket in the data folder; the file's permissions are the access control. Only what a person or
//! an office may say is taken; packets are not.
//!
//! ```text
//! POST /v1/entries   [{"kind": "declaration", …}, …]   → {"sequences": [17, 18]} once they are durable
//! GET  /v1/recounts                                     → {"left_days": 42}
//! ```

use crate::engine::Body;
use crate::pipeline::appending::{Appender, NotAppended};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::net::UnixListener;
use tokio::sync::watch;

/// File name in the data folder.
pub const SOCKET: &str = "hj212d.sock";
/// Longest body: the register of a hundred thousand outlets, with room.
const BODY_MAX: usize = 256 * 1024 * 1024;
/// Entries that one request may append.
pub const ENTRIES_MAX: usize = 1000;

/// Binds the socket, for the owner and the group. One that a dead process left behind is replaced.
///
/// # Errors
/// It cannot be bound.
pub fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Answers until `stop` turns true.
///
/// # Errors
/// The server fails.
pub async fn serve(listener: UnixListener, appender: Appender, stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/v1/entries", post(append))
        .route("/v1/recounts", get(recounts))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(appender);
    super::until(axum::serve(listener, routes).with_graceful_shutdown(super::stopped(stop.clone())), stop).await
}

fn refused(what: impl Into<String>) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": what.into()}))).into_response()
}

async fn append(State(appender): State<Appender>, body: axum::body::Bytes) -> Response {
    let values: Vec<Value> = match serde_json::from_slice(&body) {
        Ok(values) => values,
        Err(error) => return refused(format!("the body is no JSON list of entries: {error}")),
    };
    if values.len() > ENTRIES_MAX {
        return refused(format!("{} entries; at most {ENTRIES_MAX} in one request", values.len()));
    }
    let mut bodies = Vec::with_capacity(values.len());
    for (at, value) in values.into_iter().enumerate() {
        let bytes = value.to_string().len();
        let body: Body = match serde_json::from_value(value) {
            Ok(body) => body,
            Err(error) => return refused(format!("entry {at}: {error}")),
        };
        if let Some(what) = appender.fault(&body) {
            return refused(format!("entry {at}: {what}"));
        }
        bodies.push((body, bytes));
    }
    // Nothing is appended unless everything can be: one request, one statement.
    match appender.append(bodies).await {
        Ok(sequences) => Json(json!({"sequences": sequences})).into_response(),
        Err(NotAppended::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": NotAppended::Stopping.to_string()}))).into_response(),
        Err(never) => refused(never.to_string()),
    }
}

async fn recounts(State(appender): State<Appender>) -> Response {
    match appender.recounts_left().await {
        Ok(left) => Json(json!({"left_days": left})).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": error}))).into_response(),
    }
}
