//! Notices → logs and metrics. The core notices; this is where it is spoken.

pub mod metric;

use crate::engine::Notice;
use metrics::counter;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Telemetry could not be set up: it is set up once per process.
#[derive(Debug, thiserror::Error)]
#[error("telemetry: {0}")]
pub struct TelemetryError(String);

/// Starts logging. `filter` is a tracing filter, `info` or `hj212d=debug,info`.
///
/// # Errors
/// The filter cannot be read, or logging runs already.
pub fn start_logs(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| TelemetryError(format!("log filter {filter:?}: {error}")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    // Nobody reads the log any more: that must not be said on the same stream, where saying it ends the thread that wanted to.
    let builder = builder.log_internal_errors(false);
    match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|error| TelemetryError(error.to_string()))
}

/// Installs the recorder and describes every metric.
///
/// # Errors
/// A recorder is installed already.
pub fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let buckets = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| TelemetryError(error.to_string()))?;
    metric::describe();
    Ok(handle)
}

/// Counts a notice; speaks of the ones a person should read.
pub fn note(notice: Notice, count: u64) {
    match notice {
        Notice::Accepted => counter!(metric::PACKETS, "fate" => "accepted").increment(count),
        Notice::Repeat => counter!(metric::PACKETS, "fate" => "repeat").increment(count),
        Notice::Quarantined(reason) => {
            counter!(metric::PACKETS, "fate" => "quarantined").increment(count);
            counter!(metric::QUARANTINED, "reason" => reason).increment(count);
        }
        Notice::Quirk(name) => counter!(metric::QUIRKS, "quirk" => name).increment(count),
        Notice::Unusable(reason) => counter!(metric::UNUSABLE, "reason" => reason).increment(count),
        Notice::Readings => counter!(metric::READINGS).increment(count),
        Notice::Late => counter!(metric::LATE).increment(count),
        Notice::Parts(outcome) => counter!(metric::PARTS, "outcome" => outcome).increment(count),
        Notice::Published(span) => counter!(metric::MEANS, "span" => span).increment(count),
        Notice::Finding => counter!(metric::FINDINGS).increment(count),
        Notice::Referral(change) => {
            counter!(metric::REFERRALS, "change" => change).increment(count);
            tracing::info!(change, count, "referral");
        }
        Notice::Statement(fate) => counter!(metric::STATEMENTS, "fate" => fate).increment(count),
        Notice::Outage(scope) => {
            counter!(metric::OUTAGES, "scope" => scope).increment(count);
            if count > 0 {
                tracing::warn!(scope, "an outage: silence in its time is referred of nobody");
            }
        }
        Notice::Recounted => counter!(metric::RECOUNTED).increment(count),
        Notice::Unreadable => {
            counter!(metric::REJECTED, "reason" => "unreadable").increment(count);
            tracing::error!(count, "a journalled frame cannot be read: register and link disagree");
        }
        Notice::BadVersion => {
            counter!(metric::BAD_VERSIONS).increment(count);
            tracing::error!(count, "an entry could not be put in force; what was in force stays");
        }
    }
}
