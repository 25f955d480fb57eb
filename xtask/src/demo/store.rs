//! Where the demo keeps its records: a file of its own, or a database by its address.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crm_core::store::repository::Repository;
use crm_store_sqlite::{Options, SqliteRepository};

use super::words::Lang;

/// Where the records are kept.
pub enum Store {
    /// A new SQLite file; one that is there from an earlier run is removed.
    File(PathBuf),
    /// A new tenant in the schema `crm_demo` of a PostgreSQL database.
    Database(String),
}

impl Store {
    /// The store of an address; without one a file in the demo's folder.
    pub fn of(address: Option<String>, out: &Path) -> Result<Self, String> {
        let Some(address) = address else { return Ok(Store::File(out.join("deals.db"))) };
        if ["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme)) {
            return Ok(Store::Database(address));
        }
        match address.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Store::File(PathBuf::from(path))),
            _ => Err("`--store` takes `sqlite:FILE` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`".to_owned()),
        }
    }

    /// How the report calls it.
    pub fn name(&self, lang: Lang) -> &'static str {
        match self {
            Store::File(_) => "SQLite",
            Store::Database(_) => lang.pick("PostgreSQL, schema crm_demo", "PostgreSQL（模式 crm_demo）"),
        }
    }

    /// The file among what the demo writes, if it is one of its own folder.
    pub fn file(&self, out: &Path) -> Option<String> {
        match self {
            Store::File(file) => Some(file.strip_prefix(out).unwrap_or(file).display().to_string()),
            Store::Database(_) => None,
        }
    }

    /// Opens it, empty for the tenant that comes with it.
    pub fn open(&self) -> Result<(Arc<dyn Repository>, String), String> {
        match self {
            Store::File(file) => Ok((new_file(file)?, "main".to_owned())),
            Store::Database(address) => database(address),
        }
    }
}

fn new_file(file: &Path) -> Result<Arc<dyn Repository>, String> {
    for end in ["", "-wal", "-shm"] {
        let old = file.with_file_name(format!("{}{end}", file.file_name().unwrap_or_default().to_string_lossy()));
        if old.exists() {
            std::fs::remove_file(&old).map_err(|error| format!("cannot remove `{}`: {error}", old.display()))?;
        }
    }
    let store = SqliteRepository::open(&file.display().to_string(), Options::default()).map_err(|e| e.message())?;
    Ok(Arc::new(store))
}

#[cfg(feature = "postgres")]
fn database(address: &str) -> Result<(Arc<dyn Repository>, String), String> {
    use std::time::{SystemTime, UNIX_EPOCH};

    use crm_store_postgres::{BlockingRepository, Options};

    let options = Options { schema: Some("crm_demo".to_owned()), ..Options::default() };
    let store = BlockingRepository::connect(address, options).map_err(|error| error.message())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    Ok((Arc::new(store), format!("demo-{}", now.as_millis())))
}

#[cfg(not(feature = "postgres"))]
fn database(_: &str) -> Result<(Arc<dyn Repository>, String), String> {
    Err("this build of xtask has no PostgreSQL store".to_owned())
}
