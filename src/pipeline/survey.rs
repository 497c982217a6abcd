//! 断链核查 over many shards: one worker of all compares the loggers of every shard, and appends what it finds to the journal. What the
//! survey finds is then the same for every shard, and for whoever reads the journal again.

use super::appending::JournalDesk;
use crate::domain::time::Moment;
use crate::engine::{Body, SURVEY_MS, groups_of, survey};
use crate::registry::Registry;
use crate::store::{LinkStates, PgUrl, StoreError, Surveyor};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// Shards whose times lie further apart than this are not compared: one of them lags, and knows of no silence yet.
const APART_MS: i64 = 2 * SURVEY_MS;

/// Surveys as long as it is polled: takes the lock, or waits until whoever has it is gone.
pub async fn run(database: PgUrl, registry: Arc<ArcSwap<Registry>>, desk: Arc<JournalDesk>, every: Duration) {
    let mut surveyor: Option<Surveyor> = None;
    let mut surveyed = Moment::default();
    loop {
        tokio::time::sleep(every).await;
        if let Err(error) = round(&database, &registry, &desk, &mut surveyor, &mut surveyed).await {
            tracing::warn!(%error, "the links cannot be surveyed; it is tried again");
            surveyor = None;
        }
    }
}

async fn round(
    database: &PgUrl,
    registry: &ArcSwap<Registry>,
    desk: &JournalDesk,
    surveyor: &mut Option<Surveyor>,
    surveyed: &mut Moment,
) -> Result<(), StoreError> {
    let surveyor = match surveyor {
        Some(surveyor) => surveyor,
        None => surveyor.insert(database.surveyor().await?),
    };
    if !surveyor.is_the_one().await? {
        return Ok(());
    }
    let states = surveyor.look().await?;
    let Some(now) = common_time(&states.engine_times).filter(|now| now.0 - surveyed.0 >= SURVEY_MS) else { return Ok(()) };
    let LinkStates { loggers, silences, standing, rules, .. } = &states;
    let registry = registry.load();
    let loggers = || {
        let groups = |(mn, gateway): &(_, String)| (*mn, groups_of(&registry, *mn, Some(gateway.as_str()).filter(|name| !name.is_empty()), now));
        loggers.iter().map(groups).collect()
    };
    if let Some(found) = survey(loggers, &silences.iter().collect::<Vec<_>>(), standing.iter().collect(), rules, now)
        && desk.append(vec![Body::Survey(found)]).await.is_ok()
    {
        *surveyed = now;
    }
    Ok(())
}

/// The time that all shards have reached; none while one of them is far behind.
fn common_time(times: &[Moment]) -> Option<Moment> {
    let (first, last) = (times.iter().min()?, times.iter().max()?);
    (last.0 - first.0 <= APART_MS).then_some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_compared_when_none_of_them_lags() {
        assert_eq!(common_time(&[]), None);
        assert_eq!(common_time(&[Moment(100_000), Moment(100_000 - APART_MS)]), Some(Moment(100_000 - APART_MS)));
        assert_eq!(common_time(&[Moment(100_000), Moment(100_000 - APART_MS - 1)]), None);
    }
}
