//! 断链核查 and 邻点比对 over many shards: one worker of all compares the loggers of every shard, and once a day the outlets, and appends
//! what it finds to the journal. What the survey finds is then the same for every shard, and for whoever reads the journal again.

use super::appending::JournalDesk;
use super::neighbours::Comparing;
use crate::domain::time::{Day, Moment};
use crate::engine::{Body, SURVEY_MS, groups_of, survey};
use crate::registry::Registry;
use crate::rules::neighbours;
use crate::store::{DatabaseUrl, LinkStates, PgUrl, StoreError, Surveyor};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// Shards whose times lie further apart than this are not compared: one of them lags, and knows of no silence yet.
const APART_MS: i64 = 2 * SURVEY_MS;

/// Surveys as long as it is polled: takes the lock, or waits until whoever has it is gone.
pub async fn run(database: PgUrl, shards: u32, registry: Arc<ArcSwap<Registry>>, desk: Arc<JournalDesk>, every: Duration) {
    let mut rounds =
        Rounds { database, shards, registry, desk, surveyor: None, surveyed: Moment::default(), comparing: Comparing::default(), compared: None };
    loop {
        tokio::time::sleep(every).await;
        if let Err(error) = rounds.next().await {
            tracing::warn!(%error, "the links cannot be surveyed; it is tried again");
            // The lock is gone with the connection: who has it now compares anew.
            (rounds.surveyor, rounds.comparing) = (None, Comparing::default());
        }
    }
}

struct Rounds {
    database: PgUrl,
    shards: u32,
    registry: Arc<ArcSwap<Registry>>,
    desk: Arc<JournalDesk>,
    surveyor: Option<Surveyor>,
    surveyed: Moment,
    comparing: Comparing,
    /// The last day whose comparison was appended by this process; the shards may not have taken it yet.
    compared: Option<Day>,
}

impl Rounds {
    async fn next(&mut self) -> Result<(), StoreError> {
        let surveyor = match &mut self.surveyor {
            Some(surveyor) => surveyor,
            None => self.surveyor.insert(self.database.surveyor().await?),
        };
        if !surveyor.is_the_one().await? {
            self.comparing = Comparing::default();
            return Ok(());
        }
        let states = surveyor.look().await?;
        let now = common_time(&states.engine_times);
        self.compare(&states, now).await;
        let Some(now) = now.filter(|now| now.0 - self.surveyed.0 >= SURVEY_MS) else { return Ok(()) };
        let LinkStates { loggers, silences, standing, rules, .. } = &states;
        let registry = self.registry.load();
        let loggers = || {
            let groups = |(mn, gateway): &(_, String)| (*mn, groups_of(&registry, *mn, Some(gateway.as_str()).filter(|name| !name.is_empty()), now));
            loggers.iter().map(groups).collect()
        };
        if let Some(found) = survey(loggers, &silences.iter().collect::<Vec<_>>(), standing.iter().collect(), rules, now)
            && self.desk.append(vec![Body::Survey(found)]).await.is_ok()
        {
            self.surveyed = now;
        }
        Ok(())
    }

    /// Begins the comparison of a day that is due, and appends what one has found.
    async fn compare(&mut self, states: &LinkStates, now: Option<Moment>) {
        let entries = self.comparing.entries();
        let done = entries.iter().find_map(|entry| if let Body::NeighboursDone { day } = entry { Some(*day) } else { None });
        // Where one is refused none was appended: each has its own try then.
        if !entries.is_empty() && self.desk.append(entries.clone()).await.is_err() {
            for entry in entries {
                if self.desk.append(vec![entry]).await.is_err() {
                    tracing::error!("what a day shows between outlets is longer than the journal takes; it is left out");
                }
            }
        }
        self.compared = done.or(self.compared);
        // Any day that has left a profile may be asked for: there is nothing to be said of one that left none.
        let began = states.has_profiles.then_some(Day(i32::MIN));
        let until = states.neighbours_until.max(self.compared);
        let due = now.and_then(|now| neighbours::due(&states.rules, now, until, began, |day| neighbours::confirmed_by(&states.rules, day)));
        let known = self.registry.load().version() != Registry::default().version();
        if let Some(day) = due.filter(|_| known && self.comparing.is_idle()) {
            let shards = (0..self.shards).map(|shard| DatabaseUrl::Postgres(self.database.of_shard(shard))).collect();
            self.comparing.begin(shards, self.registry.load_full(), states.rules.clone(), day);
        }
    }
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
