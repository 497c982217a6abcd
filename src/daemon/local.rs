//! Appending to the journal from a command: over the local socket of a running daemon, else straight into its database.

use super::{Failure, existing_database, exit, readers, small_runtime};
use crate::engine::Body;
use crate::http::local::{ENTRIES_MAX, SOCKET};
use crate::pipeline::clock::ArrivalClock;
use crate::pipeline::core::Shared;
use crate::pipeline::intake::Intake;
use crate::pipeline::serve::{Serve, Settings};
use crate::store::{DatabaseUrl, Store};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// How entries got into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A running daemon took them.
    Daemon,
    /// Nobody runs: they were written here.
    Here,
}

/// Appends entries; returns once they are durable. A data folder without a database is an error, unless it may be made.
pub(super) fn append(data: &Path, may_make: bool, bodies: Vec<Body>) -> Result<Way, Failure> {
    small_runtime()?.block_on(async {
        let mut way = Way::Daemon;
        let mut rest = bodies;
        while !rest.is_empty() {
            let part: Vec<Body> = rest.drain(..rest.len().min(ENTRIES_MAX)).collect();
            let text = serde_json::to_vec(&part).map_err(|error| Failure::new(exit::SOFTWARE, error.to_string()))?;
            if ask(data, "POST", "/v1/entries", text).await?.is_none() {
                way = Way::Here;
                if !may_make {
                    existing_database(data)?;
                }
                offline(data, part).await?;
            }
        }
        Ok(way)
    })
}

/// Shows how the recounts of a running daemon go on, until they are done.
pub(super) fn follow_recounts(data: &Path) -> Result<(), Failure> {
    small_runtime()?.block_on(async {
        let left = async || Ok::<_, Failure>(ask(data, "GET", "/v1/recounts", Vec::new()).await?.and_then(|answer| answer["left_days"].as_u64()));
        let Some(all) = left().await?.filter(|left| *left > 0) else { return Ok(()) };
        let progress = if std::io::stderr().is_terminal() { ProgressBar::new(all) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("recounting {bar:40} {human_pos} of {human_len} days, {eta} left");
        progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        eprintln!("{all} stored days are computed again; the daemon goes on with it when this command ends");
        while let Some(left) = left().await?.filter(|left| *left > 0) {
            progress.set_position(all.saturating_sub(left));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        progress.finish_and_clear();
        say!("{all} stored days computed again");
        Ok(())
    })
}

/// One question over the socket; `None`: nobody listens there.
async fn ask(data: &Path, method: &str, path: &str, body: Vec<u8>) -> Result<Option<Value>, Failure> {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    let socket = data.join(SOCKET);
    let broken = |what: String| Failure::new(exit::IO, format!("{}: {what}", socket.display()));
    let stream = match UnixStream::connect(&socket).await {
        Ok(stream) => stream,
        Err(error) if [ConnectionRefused, NotFound].contains(&error.kind()) => return Ok(None),
        Err(error) => return Err(broken(format!("{error}; run this as the user or in the group of the daemon"))),
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(error.to_string()))?;
    let driving = tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "localhost").header("content-type", "application/json");
    let request = request.body(Full::new(bytes::Bytes::from(body))).map_err(|error| broken(error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
    let good = answer.status().is_success();
    let body = answer.into_body().collect().await.map_err(|error| broken(error.to_string()))?.to_bytes();
    driving.abort();
    let value: Value = serde_json::from_slice(&body).map_err(|error| broken(format!("not JSON: {error}")))?;
    if good { Ok(Some(value)) } else { Err(Failure::new(exit::DATA, format!("refused: {}", value["error"].as_str().unwrap_or("no reason given")))) }
}

/// Whether the register in force is a part of one, as workers have it. To be asked before the shard is opened: who opens it ends its writer.
async fn is_part(shards: &[DatabaseUrl]) -> Result<bool, Failure> {
    for shard in shards {
        let versions = readers::open(shard).await?.versions().await.map_err(readers::failed(shard))?;
        if let Some(register) = versions.iter().rfind(|version| version.registry) {
            return Ok(super::registry::files_of(register)?.shard().is_some());
        }
    }
    Ok(false)
}

async fn offline(data: &Path, bodies: Vec<Body>) -> Result<(), Failure> {
    let failed = |error: String| Failure::new(exit::IO, format!("{}: {error}", data.display()));
    std::fs::create_dir_all(data).map_err(|error| failed(error.to_string()))?;
    let database = super::database_of(data)?;
    let of_workers = || {
        let what = "workers write this database: run the command where one of them runs, with --data its data folder";
        Failure::new(exit::UNAVAILABLE, what)
    };
    // A shard of its own may be all that workers have; its journal is the topic, and what is appended here would take a place of that.
    let shards = Store::shards(&database).await.map_err(|error| failed(error.to_string()))?;
    if shards.len() > 1 || is_part(&shards).await? {
        return Err(of_workers());
    }
    let store = Store::open(database, true).await.map_err(|error| failed(error.to_string()))?;
    let (answers, _) = mpsc::channel(1);
    let settings = Settings { gateway: "command".into(), clock: ArrivalClock::wall(), tick: Duration::from_secs(5), accept_unknown: false };
    let serve =
        Serve::build(store, Arc::new(Intake::new(0)), Shared::default(), settings, answers).await.map_err(|error| failed(error.to_string()))?;
    serve.append(bodies).await.map_err(|error| failed(error.to_string()))?;
    Ok(())
}
