//! What commands read: every shard of a data folder's database, and of the registers the whole.

use super::{Failure, existing_database, exit};
use crate::domain::time::Moment;
use crate::registry::Files;
use crate::store::{DatabaseUrl, Store, StoreError, Version};
use std::collections::BTreeMap;
use std::path::Path;

/// A reader of each shard of a data folder's database, in order. Whoever writes goes on writing.
pub(super) async fn open(data: &Path) -> Result<Vec<Store>, Failure> {
    let database = existing_database(data)?;
    let stores = shards(&database).await.map_err(|error| Failure::new(exit::SOFTWARE, format!("{database}: {error}")))?;
    if stores.is_empty() {
        return Err(Failure::new(exit::NO_INPUT, format!("nothing was ever written to {database}")));
    }
    Ok(stores)
}

/// A reader of each shard, in order; none: nothing was ever written.
pub(super) async fn shards(database: &DatabaseUrl) -> Result<Vec<Store>, StoreError> {
    let mut stores = Vec::new();
    for shard in Store::shards(database).await? {
        stores.push(Store::read(&shard).await?);
    }
    Ok(stores)
}

/// Every register and rule set that was put in force, oldest first; a register of many shards when all of them have it.
pub(super) async fn versions(stores: &mut [Store]) -> Result<Vec<Version>, StoreError> {
    let mut versions: Vec<Version> = Vec::new();
    let mut parts: BTreeMap<String, BTreeMap<u32, (Moment, u64, Files)>> = BTreeMap::new();
    for (place, store) in stores.iter_mut().enumerate() {
        for version in store.versions().await? {
            if version.registry {
                let files: Files = serde_json::from_slice(&version.content)?;
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
        let newest = parts.values().map(|(at, sequence, _)| (*at, *sequence)).max().unwrap_or_default();
        let parts: Vec<Files> = parts.into_values().map(|(_, _, files)| files).collect();
        if let Some(whole) = Files::join(&parts) {
            versions.push(Version { sequence: newest.1, at: newest.0, registry: true, content: serde_json::to_vec(&whole)? });
        }
    }
    versions.sort_by_key(|version| (version.at, version.sequence));
    Ok(versions)
}
