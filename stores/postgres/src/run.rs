//! Running what crm-core renders: statements on a connection, sent together where none waits for another's answer.

use crm_core::base::change::{StoredEvent, StoredTimer, TenantDue};
use crm_core::base::error::Result;
use crm_core::base::number::Numbers;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::query::Query;
use crm_core::store::repository::Committed;
use crm_core::store::sql::commit::{Step, given};
use crm_core::store::sql::host::read::HostRow;
use crm_core::store::sql::read::{self, Rows};
use crm_core::store::sql::renderer::{Find, Renderer};
use crm_core::store::sql::{Dialect, Expected, KEYS, Statement};
use futures_util::future::{join, join_all, join3};
use tokio_postgres::Row;

use crate::connection::{Connection, Failure};
use crate::failure;

pub const POSTGRES: Dialect = Dialect::Postgres;

/// How many statements are sent before the first answer is awaited. Up to 30 futures are polled, and so sent, in their order.
const TOGETHER: usize = 30;

/// The body's place in a record's row: after id, version, schema and the keys.
const BODY: usize = KEYS + 3;

/// Reads records by name. With `is_open` a transaction is open already; otherwise several statements are sent in one of their own, so
/// that they see the same moment.
pub async fn get<C: Connection>(
    connection: &C,
    renderer: &Renderer,
    tenant: &str,
    keys: &[Key],
    is_open: bool,
) -> Result<Vec<Record>> {
    let gets = renderer.get(tenant, keys)?;
    let mut ready = Vec::with_capacity(gets.len());
    for get in &gets {
        ready.push(connection.ready(&get.statement).await.map_err(failure::of)?);
    }
    let is_alone = is_open || gets.len() == 1;
    if !is_alone && gets.len() > TOGETHER {
        connection.command(SNAPSHOT).await.map_err(failure::of)?;
    }
    let mut found = Vec::with_capacity(keys.len());
    for (some, ready) in gets.chunks(TOGETHER).zip(ready.chunks(TOGETHER)) {
        let asked = join_all(some.iter().zip(ready).map(|(get, ready)| connection.rows(ready, &get.statement)));
        let answers = if is_alone || gets.len() > TOGETHER {
            asked.await
        } else {
            // All in one round trip, in this order.
            let (begun, answers, ended) =
                join3(connection.command(SNAPSHOT), asked, connection.command("COMMIT")).await;
            begun.and(ended).map_err(failure::of)?;
            answers
        };
        for (get, rows) in some.iter().zip(answers) {
            for row in &rows.map_err(failure::of)? {
                found.push(match (get.rows, renderer.table(get.kind)) {
                    (Rows::Host, Some(table)) => table.record(&host_row(row)?)?,
                    (Rows::Marks, _) => read::mark(text(row, 0)?, text(row, 1)?, text(row, 2)?, optional(row, 3)?)?,
                    _ => record(get.kind, row)?,
                });
            }
        }
    }
    if !is_alone && gets.len() > TOGETHER {
        connection.command("COMMIT").await.map_err(failure::of)?;
    }
    Ok(found)
}

/// Begins a transaction whose statements all see one moment.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Answers a query.
pub async fn find<C: Connection>(connection: &C, renderer: &Renderer, query: &Query) -> Result<Vec<Record>> {
    match renderer.find(query)? {
        Find::Nothing => Ok(Vec::new()),
        Find::One(statement) => each(connection, &statement, |row| record(&query.kind, row)).await,
        Find::Pages(mut scan) => {
            while let Some(statement) = scan.ask() {
                scan.take(&each(connection, &statement, host_row).await?)?;
            }
            Ok(scan.done())
        }
    }
}

/// Reads events.
pub async fn events<C: Connection>(
    connection: &C,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StoredEvent>> {
    let statement = POSTGRES.events(tenant, after, limit)?;
    each(connection, &statement, |row| read::event(text(row, 0)?, text(row, 1)?, optional(row, 2)?)).await
}

/// Says whether there are events that cannot be read yet.
pub async fn is_unsettled<C: Connection>(connection: &C, tenant: &str, after: Option<&str>) -> Result<bool> {
    match POSTGRES.unsettled(tenant, after)? {
        None => Ok(false),
        Some(statement) => Ok(!each(connection, &statement, |_| Ok(())).await?.is_empty()),
    }
}

/// Reads the timers that are due.
pub async fn due<C: Connection>(connection: &C, tenant: &str, now: Instant, limit: usize) -> Result<Vec<StoredTimer>> {
    let statement = POSTGRES.due(tenant, now, limit);
    each(connection, &statement, |row| {
        read::timer(number(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?, number(row, 4)?)
    })
    .await
}

/// Reads when each tenant is next due.
pub async fn next_due<C: Connection>(connection: &C, limit: usize) -> Result<Vec<TenantDue>> {
    let statement = POSTGRES.next_due(limit);
    each(connection, &statement, |row| read::tenant_due(number(row, 0)?, text(row, 1)?)).await
}

/// How the steps of a commit went.
pub enum Went {
    /// Every expectation held; these numbers were given out.
    Well(Numbers),
    /// One did not; what was written must go.
    Unmet(Result<Committed>),
    /// The server failed; what was written must go.
    Failed(Failure),
}

/// Runs the steps of a commit in an open transaction; `before` is sent ahead of the first.
pub async fn steps<C: Connection>(connection: &C, before: Option<&str>, steps: &[Step<'_>]) -> Went {
    match attempt(connection, before, steps).await {
        Ok(went) => went,
        Err(failure) => Went::Failed(failure),
    }
}

async fn attempt<C: Connection>(connection: &C, mut before: Option<&str>, steps: &[Step<'_>]) -> Result<Went, Failure> {
    let mut numbers = Numbers::new();
    for some in steps.chunks(TOGETHER.saturating_sub(1)) {
        let mut ready = Vec::with_capacity(some.len());
        for step in some {
            ready.push(connection.ready(&step.statement).await?);
        }
        let asked = some.iter().zip(&ready).map(|(step, ready)| execute(connection, ready, step));
        let answers = match before.take() {
            None => join_all(asked).await,
            Some(text) => {
                // The first one is polled, and so sent, first.
                let (begun, answers) = join(connection.command(text), join_all(asked)).await;
                begun?;
                answers
            }
        };
        for (step, answer) in some.iter().zip(answers) {
            let (held, row) = answer?;
            if !held {
                return Ok(Went::Unmet(step.unmet(&row)));
            }
            if step.gives_numbers() {
                match given(&row) {
                    Ok(given) => numbers = given,
                    Err(error) => return Ok(Went::Unmet(Err(error))),
                }
            }
        }
    }
    Ok(Went::Well(numbers))
}

/// Executes one step: whether what must happen happened, and the first row that it gave.
async fn execute<C: Connection>(
    connection: &C,
    ready: &C::Ready,
    step: &Step<'_>,
) -> Result<(bool, Vec<String>), Failure> {
    let statement = &step.statement;
    Ok(match statement.expect {
        Expected::Changed(wanted) => (connection.changed(ready, statement).await? == wanted as u64, Vec::new()),
        Expected::Any => connection.changed(ready, statement).await.map(|_| (true, Vec::new()))?,
        Expected::Found(wanted) => {
            let rows = connection.rows(ready, statement).await?;
            (rows.len() == wanted, first(&rows)?)
        }
        Expected::Rows => (true, first(&connection.rows(ready, statement).await?)?),
    })
}

fn first(rows: &[Row]) -> Result<Vec<String>, Failure> {
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    (0..row.len()).map(|n| Ok(row.try_get::<_, Option<&str>>(n)?.unwrap_or_default().to_owned())).collect()
}

async fn each<C: Connection, T>(
    connection: &C,
    statement: &Statement<'_>,
    take: impl Fn(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    let ready = connection.ready(statement).await.map_err(failure::of)?;
    let rows = connection.rows(&ready, statement).await.map_err(failure::of)?;
    rows.iter().map(take).collect()
}

fn text(row: &Row, index: usize) -> Result<&str> {
    row.try_get(index).map_err(failure::of)
}

fn optional(row: &Row, index: usize) -> Result<&str> {
    row.try_get::<_, Option<&str>>(index).map(Option::unwrap_or_default).map_err(failure::of)
}

/// A row of a table of the host's: texts and nulls.
fn host_row(row: &Row) -> Result<HostRow> {
    (0..row.len()).map(|index| row.try_get(index).map_err(failure::of)).collect()
}

fn number(row: &Row, index: usize) -> Result<i64> {
    row.try_get(index).map_err(failure::of)
}

fn record(kind: &str, row: &Row) -> Result<Record> {
    let keys = (3..BODY)
        .map(|index| row.try_get::<_, Vec<u8>>(index))
        .collect::<std::result::Result<_, _>>()
        .map_err(failure::of)?;
    let (id, version, schema) = (text(row, 0)?, number(row, 1)?, number(row, 2)?);
    let (body, alloc) = (text(row, BODY)?, optional(row, BODY + 1)?);
    read::record(kind, read::Row { id, version, schema, keys, body, alloc })
}
