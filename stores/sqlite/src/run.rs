//! Executing rendered statements.

use std::path::Path;

use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::base::number::Numbers;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::query::Query;
use crm_core::store::repository::Committed;
use crm_core::store::sql::commit::given;
use crm_core::store::sql::host::read::HostRow;
use crm_core::store::sql::read::{self, Rows};
use crm_core::store::sql::renderer::{Find, Renderer};
use crm_core::store::sql::{Dialect, Expected, KEYS, Param, Statement};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};

use crate::failure;

const SQLITE: Dialect = Dialect::Sqlite;

/// The body's place in a record's row: after id, version, schema and the keys.
const BODY: usize = KEYS + 3;

/// Reads records by name, all kinds as of one moment.
pub fn get(connection: &Connection, renderer: &Renderer, tenant: &str, keys: &[Key]) -> Result<Vec<Record>> {
    let gets = renderer.get(tenant, keys)?;
    let together = gets.len() > 1;
    let mut found = Vec::with_capacity(keys.len());
    if together {
        command(connection, "BEGIN")?;
    }
    let read = gets.iter().try_for_each(|get| {
        each(connection, &get.statement, |row| {
            found.push(match (get.rows, renderer.table(get.kind)) {
                (Rows::Host, Some(table)) => table.record(&host_row(row)?)?,
                (Rows::Marks, _) => read::mark(text(row, 0)?, text(row, 1)?, text(row, 2)?, optional(row, 3)?)?,
                _ => record(get.kind, row)?,
            });
            Ok(())
        })
    });
    if together {
        command(connection, "COMMIT")?;
    }
    read.map(|()| found)
}

/// Answers a query.
pub fn find(connection: &Connection, renderer: &Renderer, query: &Query) -> Result<Vec<Record>> {
    let mut found = Vec::new();
    match renderer.find(query)? {
        Find::Nothing => {}
        Find::One(statement) => each(connection, &statement, |row| {
            found.push(record(&query.kind, row)?);
            Ok(())
        })?,
        Find::Pages(mut scan) => {
            while let Some(statement) = scan.ask() {
                let mut rows = Vec::new();
                each(connection, &statement, |row| {
                    rows.push(host_row(row)?);
                    Ok(())
                })?;
                scan.take(&rows)?;
            }
            found = scan.done();
        }
    }
    Ok(found)
}

/// A row of a table of the host's: texts and nulls.
fn host_row(row: &Row<'_>) -> Result<HostRow> {
    (0..row.as_ref().column_count()).map(|index| row.get(index).map_err(failure::of)).collect()
}

/// Reads events.
pub fn events(connection: &Connection, tenant: &str, after: Option<&str>, limit: usize) -> Result<Vec<StoredEvent>> {
    let mut found = Vec::new();
    each(connection, &SQLITE.events(tenant, after, limit)?, |row| {
        found.push(read::event(text(row, 0)?, text(row, 1)?, optional(row, 2)?)?);
        Ok(())
    })?;
    Ok(found)
}

/// Reads the timers that are due.
pub fn due(connection: &Connection, tenant: &str, now: Instant, limit: usize) -> Result<Vec<StoredTimer>> {
    let mut found = Vec::new();
    each(connection, &SQLITE.due(tenant, now, limit), |row| {
        found.push(read::timer(number(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?, number(row, 4)?)?);
        Ok(())
    })?;
    Ok(found)
}

/// Reads when each tenant is next due.
pub fn next_due(connection: &Connection, limit: usize) -> Result<Vec<TenantDue>> {
    let mut found = Vec::new();
    each(connection, &SQLITE.next_due(limit), |row| {
        found.push(read::tenant_due(number(row, 0)?, text(row, 1)?)?);
        Ok(())
    })?;
    Ok(found)
}

/// Commits a change set: all of its statements in one transaction, or none.
pub fn commit(connection: &Connection, renderer: &Renderer, changes: &ChangeSet) -> Result<Committed> {
    let steps = renderer.commit(changes)?;
    transaction(connection, || {
        let mut current: Option<(&str, CachedStatement<'_>)> = None;
        let mut numbers = Numbers::new();
        for step in &steps {
            let text: &str = &step.statement.text;
            let prepared = match &mut current {
                Some((last, prepared)) if *last == text => prepared,
                other => &mut other.insert((text, prepare(connection, text)?)).1,
            };
            let (held, row) = execute(prepared, &step.statement)?;
            if !held {
                return Ok(Finish::Undo(step.unmet(&row)?));
            }
            if step.gives_numbers() {
                numbers = given(&row)?;
            }
        }
        Ok(Finish::Keep(Committed::Done { numbers }))
    })
}

/// How a transaction ends.
pub enum Finish<T> {
    /// What was written stays.
    Keep(T),
    /// What was written goes.
    Undo(T),
}

/// Runs `work` under the write lock; whatever it wrote is kept only when it says so.
pub fn transaction<T>(connection: &Connection, work: impl FnOnce() -> Result<Finish<T>>) -> Result<T> {
    if !connection.is_autocommit() {
        // A panic tore the last one; what it had written must not ride along.
        command(connection, "ROLLBACK")?;
    }
    command(connection, "BEGIN IMMEDIATE")?;
    let undone = match work() {
        Ok(Finish::Keep(value)) => match command(connection, "COMMIT") {
            Ok(()) => return Ok(value),
            Err(error) => Err(error),
        },
        Ok(Finish::Undo(value)) => Ok(value),
        Err(error) => Err(error),
    };
    // SQLite itself rolls back on some failures, a full disk for one.
    if !connection.is_autocommit() {
        command(connection, "ROLLBACK")?;
    }
    undone
}

/// Executes one statement: whether what must happen happened, and the first row that it gave.
fn execute(prepared: &mut CachedStatement<'_>, statement: &Statement<'_>) -> Result<(bool, Vec<String>)> {
    bind(prepared, &statement.params)?;
    let mut first = Vec::new();
    let held = match statement.expect {
        Expected::Changed(wanted) => prepared.raw_execute().map_err(failure::of)? == wanted,
        Expected::Found(wanted) => found(prepared, &mut first)? == wanted,
        Expected::Rows => found(prepared, &mut first).map(|_| true)?,
        Expected::Any => prepared.raw_execute().map(|_| true).map_err(failure::of)?,
    };
    Ok((held, first))
}

/// Counts the rows of a question and keeps the first one's texts.
fn found(prepared: &mut CachedStatement<'_>, first: &mut Vec<String>) -> Result<usize> {
    let width = prepared.column_count();
    let mut rows = prepared.raw_query();
    let mut count = 0_usize;
    while let Some(row) = rows.next().map_err(failure::of)? {
        if count == 0 {
            *first = (0..width).map(|n| optional(row, n).map(str::to_owned)).collect::<Result<_>>()?;
        }
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Writes a copy as of one moment into a new file.
pub fn snapshot(connection: &Connection, target: &Path) -> Result<()> {
    let failed = |reason| Error::new(Code::StorageFailed).with("reason", failure::about(reason, target));
    if target.exists() {
        return Err(failed(Code::FileExists));
    }
    let name = target.to_str().ok_or_else(|| failed(Code::FileNameNotText))?;
    connection.execute("VACUUM INTO ?", [name]).map_err(|e| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen) => failed(Code::FileNotCreated),
        _ => failure::of(e),
    })?;
    // SQLite does not wait for the medium here.
    let written = std::fs::File::open(target).and_then(|file| file.sync_all());
    written.map_err(|_| failed(Code::FileNotSynced))
}

/// Runs a command without parameters or rows.
pub fn command(connection: &Connection, text: &str) -> Result<()> {
    let mut prepared = prepare(connection, text)?;
    prepared.raw_execute().map(|_| ()).map_err(failure::of)
}

fn prepare<'c>(connection: &'c Connection, text: &str) -> Result<CachedStatement<'c>> {
    connection.prepare_cached(text).map_err(failure::of)
}

fn bind(prepared: &mut CachedStatement<'_>, params: &[Param<'_>]) -> Result<()> {
    for (index, param) in params.iter().enumerate() {
        let value = match param {
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Int8(number) => ValueRef::Integer(*number),
            Param::Bytes(bytes) => ValueRef::Blob(bytes),
            Param::Null(_) => ValueRef::Null,
        };
        prepared.raw_bind_parameter(index.saturating_add(1), ToSqlOutput::Borrowed(value)).map_err(failure::of)?;
    }
    Ok(())
}

fn each(
    connection: &Connection,
    statement: &Statement<'_>,
    mut take: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut prepared = prepare(connection, &statement.text)?;
    bind(&mut prepared, &statement.params)?;
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next().map_err(failure::of)? {
        take(row)?;
    }
    Ok(())
}

fn text<'r>(row: &'r Row<'_>, index: usize) -> Result<&'r str> {
    row.get_ref(index).map_err(failure::of)?.as_str().map_err(|e| failure::of(e.into()))
}

fn optional<'r>(row: &'r Row<'_>, index: usize) -> Result<&'r str> {
    row.get_ref(index)
        .map_err(failure::of)?
        .as_str_or_null()
        .map(Option::unwrap_or_default)
        .map_err(|e| failure::of(e.into()))
}

fn number(row: &Row<'_>, index: usize) -> Result<i64> {
    row.get(index).map_err(failure::of)
}

fn record(kind: &str, row: &Row<'_>) -> Result<Record> {
    let mut keys = Vec::with_capacity(KEYS);
    for index in 3..BODY {
        keys.push(row.get_ref(index).and_then(|key| key.as_blob().map_err(Into::into)).map_err(failure::of)?.to_vec());
    }
    let (id, version, schema) = (text(row, 0)?, number(row, 1)?, number(row, 2)?);
    let (body, alloc) = (text(row, BODY)?, optional(row, BODY + 1)?);
    read::record(kind, read::Row { id, version, schema, keys, body, alloc })
}
