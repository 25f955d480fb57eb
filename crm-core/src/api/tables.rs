//! The tables in a caller's database: the statements that make them, or their making.

use super::asking::{DIALECTS, dialect};
use super::request::{Request, write};
use super::shape::{Shape, optional, required};
use super::statements::RenderingRepository;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Explain;
use crate::crm::kinds::KINDS;
use crate::store::sql::Dialect;
use crate::store::sql::schema::LAYOUT;

#[derive(FromJson)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The dialect.
    sql: String,
    /// The layout that the database has, as the answer's `query` reads it; none for a database without tables.
    #[serde(default)]
    layout: Option<i64>,
}

static WANTED: Shape = Shape::Object(&[
    required("sql", &Shape::OneOf(DIALECTS)),
    optional("layout", &Shape::Nullable(&Shape::Integer(0, i64::MAX as u64))),
]);

#[derive(FromJson)]
#[serde(deny_unknown_fields)]
struct Nothing {}

static NOTHING: Shape = Shape::Object(&[]);

#[derive(ToJson)]
struct Made {
    /// The layout that the database had; none for one without tables.
    before: Option<i64>,
    /// The layout that it has.
    layout: i64,
}

#[derive(ToJson)]
struct Tables {
    /// The layout that the statements bring about.
    layout: i64,
    /// Reads the layout of a database that has tables.
    query: &'static str,
    /// To be executed in order, in one transaction.
    statements: Vec<String>,
}

/// Gives the statements.
pub(super) fn list(request: &Request<'_>) -> Result<String> {
    let wanted: Wanted = request.input_like(&WANTED)?;
    let dialect = dialect(&wanted.sql).map_err(|e| e.at("input"))?;
    Ok(write(tables(dialect, wanted.layout).map(Decision::plain), Explain::None))
}

/// Makes the tables; to be repeated without harm.
pub(super) async fn create(request: &Request<'_>, database: &RenderingRepository) -> Result<String> {
    let _: Nothing = request.input_like(&NOTHING)?;
    let dialect = database.dialect();
    let is_there = match dialect {
        Dialect::Sqlite => "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'crm_meta'",
        Dialect::Postgres => "SELECT CAST(count(to_regclass('crm_meta')) AS bigint)",
    };
    let before = match database.number(is_there).await? {
        Some(1..) => database.number(dialect.layout()).await?,
        _ => None,
    };
    let tables = tables(dialect, before)?;
    database.execute(&tables.statements).await?;
    Ok(write(Ok(Decision::plain(Made { before, layout: tables.layout })), Explain::None))
}

fn tables(dialect: Dialect, layout: Option<i64>) -> Result<Tables> {
    let mut statements = match layout {
        None => dialect.tables(),
        Some(LAYOUT) => Vec::new(),
        Some(found) if found > LAYOUT => {
            return Err(Error::new(Code::StoreFromNewerEngine).with("found", found).with("known", LAYOUT));
        }
        Some(older) => dialect.migration(older),
    };
    let kinds: Vec<(&str, usize)> = KINDS.iter().map(|kind| (kind.name, kind.indexes.len())).collect();
    statements.extend(dialect.indexes(&kinds)?.into_iter().map(|index| index.text));
    Ok(Tables { layout: LAYOUT, query: dialect.layout(), statements })
}
