//! A write set as rows: one statement for many, every column an array.

use super::Sending;
use crate::docket::Case;
use crate::domain::time::Moment;
use crate::domain::{Mn, Outage, OutletDay, Span};
use crate::engine::{DayRow, Entry, Recount, Reopened, WriteSet};
use crate::store::StoreError;
use crate::store::indexes::Indexes;
use crate::store::row::{StoredRow, version_of, write_json, write_profile};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;

/// Rows in one statement: some megabytes of documents.
pub(super) const ROWS_PER_STATEMENT: usize = 1000;

pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).expect("sequences stay below 2^63")
}

/// Loggers that this step met first. Their heads stand in the indexes of the blocks until an hour is sealed.
pub(super) async fn write_loggers(connection: &mut PgConnection, partition: i64, new: &[(u32, Mn)]) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO loggers (partition, id, mn, head) SELECT $1, t.id, t.mn, $2 FROM UNNEST($3::bigint[], $4::bytea[]) AS t (id, mn) \
         ON CONFLICT (partition, id) DO NOTHING",
    )
    .bind(partition)
    .bind(&[0u8; 32][..])
    .bind(new.iter().map(|(id, _)| i64::from(*id)).collect::<Vec<i64>>())
    .bind(new.iter().map(|(_, mn)| mn.as_str().as_bytes()).collect::<Vec<&[u8]>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// By which gateway loggers are heard, where that changed.
pub(super) async fn write_gateways(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    let changed: Vec<(&Mn, &String)> = writes.gateways.iter().collect();
    for rows in changed.chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "UPDATE loggers AS l SET gateway = t.gateway FROM UNNEST($2::bytea[], $3::text[]) AS t (mn, gateway) \
             WHERE l.partition = $1 AND l.mn = t.mn",
        )
        .bind(partition)
        .bind(rows.iter().map(|(mn, _)| mn.as_str().as_bytes()).collect::<Vec<&[u8]>>())
        // A name that stands in the journal, which anybody may have written.
        .bind(rows.iter().map(|(_, gateway)| gateway.replace('\0', "")).collect::<Vec<String>>())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn write_marks(connection: &mut PgConnection, partition: i64, sending: &Sending<'_>, indexes: &Indexes) -> Result<(), StoreError> {
    let writes = sending.writes;
    let hour = |sequence: u64| sending.entries[(sequence - writes.from - 1) as usize].at.hour().0;
    for rows in writes.late.chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO late (partition, logger, day, sequence, hour) \
             SELECT $1, t.* FROM UNNEST($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS t ON CONFLICT DO NOTHING",
        )
        .bind(partition)
        .bind(rows.iter().map(|(mn, _, _)| i64::from(indexes.id(*mn).unwrap_or_default())).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, day, _)| i64::from(*day)).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, _, sequence)| number(*sequence)).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, _, sequence)| hour(*sequence)).collect::<Vec<i64>>())
        .execute(&mut *connection)
        .await?;
    }
    for rows in writes.quarantine.chunks(ROWS_PER_STATEMENT) {
        sqlx::query("INSERT INTO quarantine (partition, sequence, reason) SELECT $1, t.* FROM UNNEST($2::bigint[], $3::text[]) AS t")
            .bind(partition)
            .bind(rows.iter().map(|(sequence, _)| number(*sequence)).collect::<Vec<i64>>())
            .bind(rows.iter().map(|(_, reason)| *reason).collect::<Vec<&str>>())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Registers and rule sets: few, and each its own statement.
pub(super) async fn write_versions(connection: &mut PgConnection, partition: i64, entries: &[Entry]) -> Result<(), StoreError> {
    for entry in entries {
        let Some((kind, content)) = version_of(entry)? else { continue };
        sqlx::query("INSERT INTO versions (partition, sequence, at, kind, content) VALUES ($1, $2, $3, $4, $5)")
            .bind(partition)
            .bind(number(entry.sequence))
            .bind(entry.at.0)
            .bind(kind)
            .bind(content)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Documents of outlets' days, in a table that has nothing else.
async fn write_bodies<T>(
    connection: &mut PgConnection,
    partition: i64,
    table: &'static str,
    documents: &BTreeMap<OutletDay, T>,
    write: impl Fn(&T) -> Result<Vec<u8>, StoreError>,
) -> Result<(), StoreError> {
    let documents: Vec<(&OutletDay, &T)> = documents.iter().collect();
    for rows in documents.chunks(ROWS_PER_STATEMENT) {
        let bodies: Vec<Vec<u8>> = rows.iter().map(|(_, document)| write(document)).collect::<Result<_, _>>()?;
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO {table} (partition, outlet, day, body) SELECT $1, t.* FROM UNNEST($2::text[], $3::bigint[], $4::bytea[]) AS t \
             ON CONFLICT (partition, outlet, day) DO UPDATE SET body = excluded.body"
        )))
        .bind(partition)
        .bind(rows.iter().map(|(key, _)| key.outlet.as_str()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|(key, _)| i64::from(key.day.0)).collect::<Vec<i64>>())
        .bind(bodies)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn write_days(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    let days: Vec<(&OutletDay, &DayRow)> = writes.days.iter().collect();
    for rows in days.chunks(ROWS_PER_STATEMENT) {
        let stored: Vec<StoredRow<Vec<u8>>> = rows.iter().map(|(_, row)| StoredRow::of(row)).collect::<Result<_, _>>()?;
        let (mut bodies, mut cells, mut carries) = (Vec::new(), Vec::new(), Vec::new());
        for row in stored {
            bodies.push(row.document);
            cells.push(row.cells);
            carries.push(row.carry);
        }
        sqlx::query(
            "INSERT INTO hour_cells (partition, outlet, day, confirmed, body, cells, carry) \
             SELECT $1, t.* FROM UNNEST($2::text[], $3::bigint[], $4::boolean[], $5::bytea[], $6::bytea[], $7::bytea[]) AS t \
             ON CONFLICT (partition, outlet, day) DO UPDATE \
             SET confirmed = excluded.confirmed, body = excluded.body, cells = excluded.cells, carry = excluded.carry",
        )
        .bind(partition)
        .bind(rows.iter().map(|(key, _)| key.outlet.as_str()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|(key, _)| i64::from(key.day.0)).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, row)| row.confirmed).collect::<Vec<bool>>())
        .bind(bodies)
        .bind(cells)
        .bind(carries)
        .execute(&mut *connection)
        .await?;
    }
    write_bodies(connection, partition, "profiles", &writes.profiles, write_profile).await?;
    write_bodies(connection, partition, "neighbours", &writes.neighbours, write_json).await?;
    if let Some(day) = writes.neighbours_until {
        let until = sqlx::query("UPDATE shards SET neighbours_until = $1 WHERE partition = $2").bind(i64::from(day.0)).bind(partition);
        until.execute(&mut *connection).await?;
    }
    let (closed, open): (Vec<_>, Vec<_>) = writes.reopened.iter().partition(|(_, reopened)| reopened.is_none());
    for rows in closed.chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "DELETE FROM reopened AS r USING UNNEST($2::text[], $3::bigint[]) AS t (outlet, day) \
             WHERE r.partition = $1 AND r.outlet = t.outlet AND r.day = t.day",
        )
        .bind(partition)
        .bind(rows.iter().map(|(key, _)| key.outlet.as_str()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|(key, _)| i64::from(key.day.0)).collect::<Vec<i64>>())
        .execute(&mut *connection)
        .await?;
    }
    let open: Vec<(&OutletDay, Reopened)> = open.into_iter().filter_map(|(key, reopened)| Some((key, (*reopened)?))).collect();
    for rows in open.chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO reopened (partition, outlet, day, first, due) \
             SELECT $1, t.* FROM UNNEST($2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS t \
             ON CONFLICT (partition, outlet, day) DO UPDATE SET first = excluded.first, due = excluded.due",
        )
        .bind(partition)
        .bind(rows.iter().map(|(key, _)| key.outlet.as_str()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|(key, _)| i64::from(key.day.0)).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, reopened)| reopened.first.0).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, reopened)| reopened.due.0).collect::<Vec<i64>>())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn write_silences(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    let over: Vec<&[u8]> = writes.silences.iter().filter(|(_, silence)| silence.is_none()).map(|(mn, _)| mn.as_str().as_bytes()).collect();
    if !over.is_empty() {
        sqlx::query("DELETE FROM silences WHERE partition = $1 AND mn = ANY($2)").bind(partition).bind(over).execute(&mut *connection).await?;
    }
    let mut silent: (Vec<&[u8]>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for (mn, silence) in &writes.silences {
        if let Some(silence) = silence {
            silent.0.push(mn.as_str().as_bytes());
            silent.1.push(write_json(silence)?);
        }
    }
    if !silent.0.is_empty() {
        sqlx::query(
            "INSERT INTO silences (partition, mn, body) SELECT $1, t.* FROM UNNEST($2::bytea[], $3::bytea[]) AS t \
             ON CONFLICT (partition, mn) DO UPDATE SET body = excluded.body",
        )
        .bind(partition)
        .bind(silent.0)
        .bind(silent.1)
        .execute(&mut *connection)
        .await?;
    }
    // One statement cannot write a row twice: of what was said twice in a step the last holds.
    let outages: BTreeMap<(&str, &str, Moment), &Outage> =
        writes.outages.iter().map(|outage| ((outage.scope.name(), outage.name.as_str(), outage.from), outage)).collect();
    if !outages.is_empty() {
        let bodies: Vec<Vec<u8>> = outages.values().map(|outage| write_json(*outage)).collect::<Result<_, _>>()?;
        sqlx::query(
            "INSERT INTO outages (partition, scope, name, began, body) \
             SELECT $1, t.* FROM UNNEST($2::text[], $3::bytea[], $4::bigint[], $5::bytea[]) AS t \
             ON CONFLICT (partition, scope, name, began) DO UPDATE SET body = excluded.body",
        )
        .bind(partition)
        .bind(outages.keys().map(|(scope, _, _)| *scope).collect::<Vec<&str>>())
        .bind(outages.keys().map(|(_, name, _)| name.as_bytes()).collect::<Vec<&[u8]>>())
        .bind(outages.keys().map(|(_, _, from)| from.0).collect::<Vec<i64>>())
        .bind(bodies)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn write_recounts(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    let done: Vec<&str> = writes.recounts.iter().filter(|(_, recount)| recount.is_none()).map(|(outlet, _)| outlet.as_str()).collect();
    if !done.is_empty() {
        sqlx::query("DELETE FROM recounts WHERE partition = $1 AND outlet = ANY($2)").bind(partition).bind(done).execute(&mut *connection).await?;
    }
    let left: Vec<(&str, Recount)> = writes.recounts.iter().filter_map(|(outlet, recount)| Some((outlet.as_str(), (*recount)?))).collect();
    for rows in left.chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO recounts (partition, outlet, next, last, depth, due) \
             SELECT $1, t.* FROM UNNEST($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[]) AS t \
             ON CONFLICT (partition, outlet) DO UPDATE SET next = excluded.next, last = excluded.last, depth = excluded.depth, due = excluded.due",
        )
        .bind(partition)
        .bind(rows.iter().map(|(outlet, _)| *outlet).collect::<Vec<&str>>())
        .bind(rows.iter().map(|(_, recount)| i64::from(recount.next.0)).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, recount)| i64::from(recount.last.0)).collect::<Vec<i64>>())
        .bind(rows.iter().map(|(_, recount)| recount.depth.name()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|(_, recount)| recount.due.0).collect::<Vec<i64>>())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn write_statements(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    // Under one id the last of a step holds.
    let mut statements: BTreeMap<(&str, String), Vec<u8>> = BTreeMap::new();
    for declaration in &writes.declarations {
        statements.insert(("declaration", declaration.id.clone()), write_json(declaration)?);
    }
    for visit in &writes.visits {
        statements.insert(("visit", visit.id.clone()), write_json(visit)?);
    }
    for comparison in &writes.comparisons {
        let key = format!("{}|{}|{}", comparison.outlet, comparison.factor, comparison.id);
        statements.insert(("comparison", key), write_json(comparison)?);
    }
    if statements.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO statements (partition, kind, key, sequence, body) \
         SELECT $1, t.kind, t.key, $2, t.body FROM UNNEST($3::text[], $4::bytea[], $5::bytea[]) AS t (kind, key, body) \
         ON CONFLICT (partition, kind, key) DO UPDATE SET sequence = excluded.sequence, body = excluded.body",
    )
    .bind(partition)
    .bind(number(writes.to))
    .bind(statements.keys().map(|(kind, _)| *kind).collect::<Vec<&str>>())
    .bind(statements.keys().map(|(_, key)| key.as_bytes()).collect::<Vec<&[u8]>>())
    .bind(statements.values().map(Vec::as_slice).collect::<Vec<&[u8]>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Means and findings: added, never changed.
pub(super) async fn write_outputs(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    for rows in writes.publications.chunks(ROWS_PER_STATEMENT) {
        let bodies: Vec<Vec<u8>> = rows.iter().map(write_json).collect::<Result<_, _>>()?;
        let span = |span: Span| if span == Span::Hour { "hour" } else { "day" };
        sqlx::query(
            "INSERT INTO means (partition, outlet, start, span, revision, body) \
             SELECT $1, t.* FROM UNNEST($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bytea[]) AS t",
        )
        .bind(partition)
        .bind(rows.iter().map(|publication| publication.outlet.as_str()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|publication| publication.start.0).collect::<Vec<i64>>())
        .bind(rows.iter().map(|publication| span(publication.span)).collect::<Vec<&str>>())
        .bind(rows.iter().map(|publication| i64::from(publication.revision)).collect::<Vec<i64>>())
        .bind(bodies)
        .execute(&mut *connection)
        .await?;
    }
    for rows in writes.findings.chunks(ROWS_PER_STATEMENT) {
        let bodies: Vec<Vec<u8>> = rows.iter().map(write_json).collect::<Result<_, _>>()?;
        sqlx::query(
            "INSERT INTO findings (partition, id, revision, outlet, day, body) \
             SELECT $1, t.* FROM UNNEST($2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::bytea[]) AS t",
        )
        .bind(partition)
        .bind(rows.iter().map(|finding| &finding.id.as_bytes()[..]).collect::<Vec<&[u8]>>())
        .bind(rows.iter().map(|finding| i64::from(finding.revision)).collect::<Vec<i64>>())
        .bind(rows.iter().map(|finding| finding.outlet.as_str()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|finding| i64::from(finding.day.0)).collect::<Vec<i64>>())
        .bind(bodies)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Cases as they stand, and each of their steps.
pub(super) async fn write_cases(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    let steps: Vec<(&Case, Vec<u8>)> = writes.cases.iter().map(|case| Ok((case, write_json(case)?))).collect::<Result<_, StoreError>>()?;
    if steps.is_empty() {
        return Ok(());
    }
    // A case may take several steps in one; the last is how it stands.
    let cases: BTreeMap<&[u8], (&str, &[u8])> =
        steps.iter().map(|(case, body)| (&case.id.as_bytes()[..], (case.outlet.as_str(), &body[..]))).collect();
    sqlx::query(
        "INSERT INTO cases (partition, id, outlet, body) SELECT $1, t.* FROM UNNEST($2::bytea[], $3::text[], $4::bytea[]) AS t \
         ON CONFLICT (partition, id) DO UPDATE SET body = excluded.body",
    )
    .bind(partition)
    .bind(cases.keys().copied().collect::<Vec<&[u8]>>())
    .bind(cases.values().map(|(outlet, _)| *outlet).collect::<Vec<&str>>())
    .bind(cases.values().map(|(_, body)| *body).collect::<Vec<&[u8]>>())
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO case_events (partition, id, sequence, body) SELECT $1, t.* FROM UNNEST($2::bytea[], $3::bigint[], $4::bytea[]) AS t")
        .bind(partition)
        .bind(steps.iter().map(|(case, _)| &case.id.as_bytes()[..]).collect::<Vec<&[u8]>>())
        .bind(steps.iter().map(|(case, _)| i64::from(case.sequence)).collect::<Vec<i64>>())
        .bind(steps.iter().map(|(_, body)| &body[..]).collect::<Vec<&[u8]>>())
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// Events for the outbox: their numbers are given in their order.
pub(super) async fn write_events(connection: &mut PgConnection, partition: i64, writes: &WriteSet) -> Result<(), StoreError> {
    for rows in writes.events.chunks(ROWS_PER_STATEMENT) {
        let bodies: Vec<Vec<u8>> = rows.iter().map(write_json).collect::<Result<_, _>>()?;
        sqlx::query(
            "INSERT INTO outbox (partition, topic, key, body) SELECT $1, t.topic, t.key, t.body \
             FROM UNNEST($2::text[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS t (topic, key, body, place) ORDER BY t.place",
        )
        .bind(partition)
        .bind(rows.iter().map(|event| event.topic.name()).collect::<Vec<&str>>())
        .bind(rows.iter().map(|event| event.key.as_bytes()).collect::<Vec<&[u8]>>())
        .bind(bodies)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn forget_events(connection: &mut PgConnection, partition: i64, sent: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM outbox WHERE partition = $1 AND id <= $2").bind(partition).bind(sent).execute(connection).await?;
    Ok(())
}
