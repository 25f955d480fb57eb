//! Keys made anew when another engine's declarations are found.

use crm_core::base::error::Result;
use crm_core::crm::kinds::{KINDS, Kind};
use crm_core::crm::{block_on, reindex};
use rusqlite::{Connection, OptionalExtension};

use crate::{SqliteRepository, failure};

/// Brings the keys of every kind up to what this engine declares.
pub fn bring_up(store: &SqliteRepository) -> Result<()> {
    for kind in KINDS {
        let wanted = reindex::signature(kind);
        if noted(&*store.lock(&store.writer)?, kind)? == Some(wanted) {
            continue;
        }
        let tenants = tenants(&*store.lock(&store.writer)?, kind)?;
        for tenant in &tenants {
            block_on(reindex::all(store, tenant, kind))??;
        }
        note(&*store.lock(&store.writer)?, kind, wanted)?;
    }
    Ok(())
}

fn name(kind: &Kind) -> String {
    format!("indexes:{}", kind.name)
}

fn noted(connection: &Connection, kind: &Kind) -> Result<Option<i64>> {
    let found = connection.query_row("SELECT value FROM crm_meta WHERE name = ?", [name(kind)], |row| row.get(0));
    found.optional().map_err(failure::of)
}

fn note(connection: &Connection, kind: &Kind, signature: i64) -> Result<()> {
    let text = "INSERT INTO crm_meta(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value";
    connection.execute(text, rusqlite::params![name(kind), signature]).map(|_| ()).map_err(failure::of)
}

fn tenants(connection: &Connection, kind: &Kind) -> Result<Vec<String>> {
    let mut statement = connection
        .prepare_cached("SELECT DISTINCT tenant FROM crm_record WHERE kind = ? ORDER BY tenant")
        .map_err(failure::of)?;
    let found = statement.query_map([kind.name], |row| row.get(0)).map_err(failure::of)?;
    found.collect::<std::result::Result<_, _>>().map_err(failure::of)
}
