//! Executing rendered statements.

use std::path::Path;

use crm_core::base::change::{ChangeSet, StoredEvent};
use crm_core::base::codes::Code;
use crm_core::base::error::{Error, Result};
use crm_core::base::record::{Key, Record};
use crm_core::base::text::clip;
use crm_core::store::query::Query;
use crm_core::store::repository::Committed;
use crm_core::store::sql::commit::Step;
use crm_core::store::sql::read::{self, Rows};
use crm_core::store::sql::{Dialect, Expected, KEYS, Param, Statement};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};

use crate::failure;

const SQLITE: Dialect = Dialect::Sqlite;

/// The body's place in a record's row: after id, version, schema and the keys.
const BODY: usize = KEYS + 3;

/// Reads records by name, all kinds as of one moment.
pub fn get(connection: &Connection, tenant: &str, keys: &[Key]) -> Result<Vec<Record>> {
    let gets = SQLITE.get(tenant, keys)?;
    let together = gets.len() > 1;
    let mut found = Vec::with_capacity(keys.len());
    if together {
        command(connection, "BEGIN")?;
    }
    let read = gets.iter().try_for_each(|get| {
        each(connection, &get.statement, |row| {
            found.push(match get.rows {
                Rows::Records => record(get.kind, row)?,
                Rows::Marks => read::mark(text(row, 0)?, text(row, 1)?, text(row, 2)?)?,
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
pub fn find(connection: &Connection, query: &Query) -> Result<Vec<Record>> {
    let mut found = Vec::new();
    if let Some(statement) = SQLITE.find(query)? {
        each(connection, &statement, |row| {
            found.push(record(&query.kind, row)?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// Reads events.
pub fn events(connection: &Connection, tenant: &str, after: Option<&str>, limit: usize) -> Result<Vec<StoredEvent>> {
    let mut found = Vec::new();
    each(connection, &SQLITE.events(tenant, after, limit)?, |row| {
        found.push(read::event(row.get(0).map_err(failure::of)?, text(row, 1)?)?);
        Ok(())
    })?;
    Ok(found)
}

/// Commits a change set: all of its statements in one transaction, or none.
pub fn commit(connection: &Connection, changes: &ChangeSet) -> Result<Committed> {
    let steps = SQLITE.commit(changes)?;
    transaction(connection, || {
        let mut current: Option<(&str, CachedStatement<'_>)> = None;
        for step in &steps {
            let text: &str = &step.statement.text;
            let prepared = match &mut current {
                Some((last, prepared)) if *last == text => prepared,
                other => &mut other.insert((text, prepare(connection, text)?)).1,
            };
            if let Some(end) = execute(prepared, step)? {
                return Ok(Finish::Undo(end));
            }
        }
        Ok(Finish::Keep(Committed::Done {}))
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

/// Executes one step; gives the commit's end when its expectation does not hold.
fn execute(prepared: &mut CachedStatement<'_>, step: &Step<'_>) -> Result<Option<Committed>> {
    bind(prepared, &step.statement.params)?;
    let mut first = Vec::new();
    let held = match step.statement.expect {
        Expected::Changed(wanted) => prepared.raw_execute().map_err(failure::of)? == wanted,
        Expected::Found(wanted) => found(prepared, &mut first)? == wanted,
        Expected::Rows => true,
    };
    if held { Ok(None) } else { step.unmet(&first).map(Some) }
}

/// Counts the rows of a question and keeps the first one's texts.
fn found(prepared: &mut CachedStatement<'_>, first: &mut Vec<String>) -> Result<usize> {
    let width = prepared.column_count();
    let mut rows = prepared.raw_query();
    let mut count = 0_usize;
    while let Some(row) = rows.next().map_err(failure::of)? {
        if count == 0 {
            *first = (0..width).map(|n| text(row, n).map(str::to_owned)).collect::<Result<_>>()?;
        }
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Writes a copy as of one moment into a new file.
pub fn snapshot(connection: &Connection, target: &Path) -> Result<()> {
    let failed = |reason: &str| {
        Error::new(Code::StorageFailed).with("reason", format!("`{}` {reason}", clip(&target.display().to_string())))
    };
    if target.exists() {
        return Err(failed("exists already; name a new file"));
    }
    let name = target.to_str().ok_or_else(|| failed("is not a name in UTF-8; name another file"))?;
    connection.execute("VACUUM INTO ?", [name]).map_err(|e| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen) => {
            failed("cannot be written; check that its folder exists and may be written")
        }
        _ => failure::of(e),
    })?;
    // SQLite does not wait for the medium here.
    let written = std::fs::File::open(target).and_then(|file| file.sync_all());
    written.map_err(|_| failed("could not be brought to the disk; repeat"))
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

fn record(kind: &str, row: &Row<'_>) -> Result<Record> {
    let number = |index: usize| row.get::<_, i64>(index).map_err(failure::of);
    let keys = (3..BODY)
        .map(|index| row.get::<_, Vec<u8>>(index))
        .collect::<std::result::Result<_, _>>()
        .map_err(failure::of)?;
    read::record(kind, text(row, 0)?, number(1)?, number(2)?, keys, text(row, BODY)?)
}
