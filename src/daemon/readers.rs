//! What commands read: the shards of a data folder's database, one after the other, and of the registers the whole.

use super::{Failure, existing_database, exit};
use crate::domain::time::Moment;
use crate::domain::{OutletId, RuleSet, shard_of};
use crate::registry::{Files, Registry};
use crate::store::{DatabaseUrl, Store, StoreError, Version};
use std::collections::BTreeMap;
use std::path::Path;

/// The shards of a data folder's database that were ever written, in order; at least one.
pub(super) async fn shards(data: &Path) -> Result<Vec<DatabaseUrl>, Failure> {
    let database = existing_database(data)?;
    let shards = Store::shards(&database).await.map_err(failed(&database))?;
    if shards.is_empty() {
        return Err(Failure::new(exit::NO_INPUT, format!("nothing was ever written to {database}")));
    }
    Ok(shards)
}

/// A reader of a shard. Whoever writes it goes on writing.
pub(super) async fn open(shard: &DatabaseUrl) -> Result<Store, Failure> {
    Store::read(shard).await.map_err(failed(shard))
}

/// What is said when a database cannot be read, for `map_err`.
pub(super) fn failed(database: &DatabaseUrl) -> impl Fn(StoreError) -> Failure + Copy + use<'_> {
    move |error| Failure::new(exit::SOFTWARE, format!("{database}: {error}"))
}

/// Every register and rule set that was put in force, oldest first; a register of many shards when all of them have it.
pub(super) async fn versions(shards: &[DatabaseUrl]) -> Result<Vec<Version>, Failure> {
    let unreadable = |sequence: u64, error: serde_json::Error| Failure::new(exit::SOFTWARE, format!("the register of entry {sequence}: {error}"));
    let mut versions: Vec<Version> = Vec::new();
    let mut parts: BTreeMap<String, BTreeMap<u32, (Moment, u64, Files)>> = BTreeMap::new();
    for (place, shard) in shards.iter().enumerate() {
        for version in open(shard).await?.versions().await.map_err(failed(shard))? {
            if version.registry {
                let files: Files = serde_json::from_slice(&version.content).map_err(|error| unreadable(version.sequence, error))?;
                match files.shard() {
                    Some(shard) => drop(parts.entry(files.version()).or_default().insert(shard.number(), (version.at, version.sequence, files))),
                    None => versions.push(version),
                }
            } else if place == 0 {
                versions.push(version);
            }
        }
    }
    for parts in parts.into_values() {
        let (at, sequence) = parts.values().map(|(at, sequence, _)| (*at, *sequence)).max().unwrap_or_default();
        if let Some(whole) = Files::join(parts.values().map(|(_, _, files)| files)) {
            let content = serde_json::to_vec(&whole).map_err(|error| unreadable(sequence, error))?;
            versions.push(Version { sequence, at, registry: true, content });
        }
    }
    versions.sort_by_key(|version| (version.at, version.sequence));
    Ok(versions)
}

/// When the first register of these documents was put in force: nothing is older.
pub(super) fn began(versions: &[Version]) -> Moment {
    versions.iter().filter(|version| version.registry).map(|version| version.at).min().unwrap_or_default()
}

/// The figures in force, of these documents.
pub(super) fn rule_set(versions: &[Version]) -> Result<RuleSet, Failure> {
    let Some(version) = versions.iter().rfind(|version| !version.registry) else { return Ok(RuleSet::default()) };
    let unreadable = |error: serde_json::Error| Failure::new(exit::SOFTWARE, format!("the rule set of entry {}: {error}", version.sequence));
    RuleSet::parse(&String::from_utf8_lossy(&version.content)).map_err(unreadable)
}

/// Outlets by the shard whose engine knows of them: every shard once, whether it has any or not.
pub(super) fn by_shard<'s>(
    shards: &'s [DatabaseUrl],
    registry: &Registry,
    outlets: impl IntoIterator<Item = OutletId>,
) -> Result<Vec<(&'s DatabaseUrl, Vec<OutletId>)>, Failure> {
    let mut parts: Vec<(&DatabaseUrl, Vec<OutletId>)> = shards.iter().map(|shard| (shard, Vec::new())).collect();
    for outlet in outlets {
        let number = shard_of(&registry.key_of_outlet(outlet), shards.len() as u32);
        let part = parts.iter_mut().find(|(shard, _)| shard.shard() == number);
        part.ok_or_else(|| Failure::new(exit::SOFTWARE, format!("the shard {number} of {outlet} was never written")))?.1.push(outlet);
    }
    Ok(parts)
}
