//! The tables that only grow are cut by month, so that a month can go as a whole. Months of outputs are dropped where the operator
//! sets how many are kept: the journal makes them again. The journal's own months stay: without its beginning nothing could be
//! recomputed. A month is named by its first day.

use super::PgStore;
use crate::domain::time::{Day, Moment};
use crate::store::StoreError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Row};
use std::collections::BTreeSet;
use std::iter;

/// Months that are made before they come.
const MONTHS_AHEAD: usize = 2;
/// Key of the lock under which months are made: "hj212d".
const MONTHS_LOCK: i64 = 0x686A_3231_3264;
/// The first value of a day in the column by which a table is cut.
type Place = fn(Day) -> i64;

/// Those of them that hold outputs, which the journal can make again.
const OUTPUTS: [&str; 2] = ["means", "findings"];

/// The tables that are cut by month, and what a day is in the column by which they are.
const MONTHLY: [(&str, Place); 3] = [("sealed", |day| day.hour(0).0), ("means", |day| day.start().0), ("findings", |day| i64::from(day.0))];

impl PgStore {
    /// Makes this month and the next two. To be called once a day.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn make_months_ahead(&mut self, now: Moment) -> Result<(), StoreError> {
        let ahead = iter::successors(Some(month_of(now.day())), |month| Some(month_after(*month))).take(1 + MONTHS_AHEAD);
        self.make_months(&ahead.collect()).await
    }

    /// Drops the months of outputs that lie more than `keep` whole months before this one; of 0 none. Gives them. To be called once a day.
    ///
    /// # Errors
    /// The database cannot be written, or somebody holds such a month for longer than ten seconds.
    pub async fn drop_old_months(&mut self, now: Moment, keep: u32) -> Result<Vec<Day>, StoreError> {
        if keep == 0 {
            return Ok(Vec::new());
        }
        let first = iter::successors(Some(month_of(now.day())), |month| Some(month_of(Day(month.0 - 1)))).nth(keep as usize);
        let mut transaction = self.connection.begin().await?;
        // Readers of other months wait behind this lock: it is given up soon, and asked for again the next day.
        sqlx::raw_sql("SET LOCAL lock_timeout = '10s'").execute(&mut *transaction).await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MONTHS_LOCK).execute(&mut *transaction).await?;
        let old: Vec<Day> = months_there(&mut transaction).await?.into_iter().filter(|month| first.is_some_and(|first| *month < first)).collect();
        for month in &old {
            for table in OUTPUTS {
                let drop = format!("DROP TABLE IF EXISTS {}", part_name(table, *month));
                sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await?;
        self.months.retain(|month| !old.contains(month));
        Ok(old)
    }

    /// Makes the months that are missing, each attached to its tables without a lock that readers or writers would feel.
    pub(super) async fn make_months(&mut self, months: &BTreeSet<Day>) -> Result<(), StoreError> {
        if months.is_subset(&self.months) {
            return Ok(());
        }
        let mut transaction = self.connection.begin().await?;
        // Several processes may come to a new month at once.
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MONTHS_LOCK).execute(&mut *transaction).await?;
        let there = months_there(&mut transaction).await?;
        for month in months.difference(&there) {
            for (table, place) in MONTHLY {
                let (part, from, to) = (part_name(table, *month), place(*month), place(month_after(*month)));
                // The journal's part of a month stays when those of the outputs are dropped.
                let there: Option<String> = sqlx::query_scalar("SELECT to_regclass($1)::text").bind(&part).fetch_one(&mut *transaction).await?;
                if there.is_none() {
                    let make = format!(
                        "CREATE TABLE {part} (LIKE {table} INCLUDING ALL); ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({from}) TO ({to})"
                    );
                    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *transaction).await?;
                }
            }
        }
        transaction.commit().await?;
        self.months.extend(there);
        self.months.extend(months);
        Ok(())
    }
}

/// The first day of a day's month.
pub(super) fn month_of(day: Day) -> Day {
    day.to_string().rsplit_once('-').and_then(|(month, _)| Day::parse(&format!("{month}-01"))).unwrap_or(day)
}

/// The first day of the month after the one that begins with `month`.
fn month_after(month: Day) -> Day {
    month_of(Day(month.0 + 31))
}

/// The part of a table that holds a month: `means_2026_03`.
fn part_name(table: &str, month: Day) -> String {
    let text = month.to_string();
    format!("{table}_{}", text.rsplit_once('-').map_or(text.as_str(), |(month, _)| month).replace('-', "_"))
}

/// First days of the months that the tables have.
pub(super) async fn months_there(connection: &mut PgConnection) -> Result<BTreeSet<Day>, StoreError> {
    let rows =
        sqlx::query("SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'findings'::regclass")
            .fetch_all(connection)
            .await?;
    let month = |row: &PgRow| Day::parse(&format!("{}-01", row.get::<&str, _>(0).strip_prefix("findings_")?.replace('_', "-")));
    Ok(rows.iter().filter_map(month).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_and_have_their_parts() {
        let day = |text: &str| Day::parse(text).expect("a day");
        assert_eq!(month_of(day("2026-03-14")), day("2026-03-01"));
        assert_eq!(month_after(day("2026-12-01")), day("2027-01-01"));
        assert_eq!(month_after(day("2028-02-01")), day("2028-03-01"));
        assert_eq!(part_name("means", day("2026-03-01")), "means_2026_03");
    }
}
