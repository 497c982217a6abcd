//! `hj212d verify`: walks the hash chains of a stored journal, and compares the hourly roots that left the house.

use super::{Failure, exit, readers, small_runtime};
use crate::domain::Mn;
use crate::domain::time::{Hour, Moment};
use crate::engine::Link;
use crate::store::Audit;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  hj212d verify --data data\n  hj212d verify --data data --anchors /mnt/elsewhere/hj212.roots.v1.jsonl")]
pub(super) struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Roots that left the house: the JSON lines of hj212.roots.v1, kept where the database's administrator cannot reach.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut anchors = match &arguments.anchors {
        None => BTreeMap::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::new(exit::NO_INPUT, format!("{}: {error}", path.display())))?;
            let mut anchors = BTreeMap::new();
            for (number, line) in text.lines().enumerate() {
                let root = root_of(line).ok_or_else(|| Failure::new(exit::DATA, format!("{}:{}: no root event", path.display(), number + 1)))?;
                anchors.insert(root.0, root.1);
            }
            anchors
        }
    };
    let asked = anchors.len();
    let audit = small_runtime()?.block_on(async {
        let mut whole = Audit::default();
        let shards = readers::shards(&arguments.data).await?;
        for url in &shards {
            let shard = (shards.len() > 1).then(|| url.shard());
            let each = |hour: Hour, heads: &BTreeMap<Mn, Link>, audit: &mut Audit| {
                let Some(expected) = anchors.remove(&(shard, hour)) else { return };
                let mut hash = Sha256::new();
                for (mn, head) in heads {
                    hash.update(mn.as_str().as_bytes());
                    hash.update([0]);
                    hash.update(head);
                }
                let root: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                if root != expected {
                    audit.faults.push(format!("the root of {} is {root}, the anchor says {expected}", hour.start()));
                }
            };
            let audit = readers::open(url).await?.verify(each).await.map_err(readers::failed(url))?;
            whole.entries += audit.entries;
            whole.links += audit.links;
            whole.chains += audit.chains;
            let named = |fault| shard.map_or_else(|| String::clone(&fault), |shard| format!("shard {shard}: {fault}"));
            whole.faults.extend(audit.faults.into_iter().map(named));
        }
        Ok::<_, Failure>(whole)
    })?;
    say!("{} entries, {} links of {} chains recomputed", audit.entries, audit.links, audit.chains);
    if asked > 0 {
        say!("{} of {asked} anchors compared", asked - anchors.len());
    }
    if audit.faults.is_empty() {
        say!("the journal is as it was written");
        return Ok(());
    }
    for fault in audit.faults.iter().take(100) {
        say!("  {fault}");
    }
    Err(Failure::new(exit::DATA, format!("{} faults: the journal is not as it was written", audit.faults.len())))
}

/// The shard, where there are several, the hour, and its root.
fn root_of(line: &str) -> Option<((Option<u32>, Hour), String)> {
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    let hour = Moment::parse_rfc3339(event["data"]["hour"].as_str()?)?.hour();
    let shard = event["data"]["shard"].as_u64().and_then(|shard| u32::try_from(shard).ok());
    Some(((shard, hour), event["data"]["root"].as_str()?.to_owned()))
}
