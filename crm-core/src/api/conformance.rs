//! What a caller that is the store itself may begin beside the operations: the conformance suite over its store
//! (`store.conformance`), and the tables in its database: the statements that make them (`store.tables`), or their making
//! (`store.create_tables`).

use serde::{Deserialize, Serialize};

use super::asking::{Board, Caller, DIALECTS, dialect};
use super::prepared::{self, Prepared};
use super::request::{Request, refuse, write};
use super::shape::{self, Shape, optional, required};
use super::statements::RenderingRepository;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::reader;
use crate::base::reason::Explain;
use crate::crm::kinds::KINDS;
use crate::store::conformance::{self, Report};
use crate::store::sql::Dialect;
use crate::store::sql::schema::LAYOUT;

/// The operation that runs the conformance suite.
pub const CONFORMANCE: &str = "store.conformance";
/// The operation that gives the statements for the tables.
pub const TABLES: &str = "store.tables";
/// The operation that makes the tables, or brings older ones up to date.
pub const CREATE_TABLES: &str = "store.create_tables";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    /// What the names of the suite's tenants begin with; one that was never used in this store.
    prefix: String,
}

static SUITE: Shape = Shape::Object(&[required("prefix", &Shape::Text)]);

#[derive(Deserialize)]
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

static NOTHING: Shape = Shape::Object(&[]);

#[derive(Serialize)]
struct Made {
    /// The layout that the database had; none for one without tables.
    before: Option<i64>,
    /// The layout that it has.
    layout: i64,
}

#[derive(Serialize)]
struct Tables {
    /// The layout that the statements bring about.
    layout: i64,
    /// Reads the layout of a database that has tables.
    query: &'static str,
    /// To be executed in order, in one transaction.
    statements: Vec<String>,
}

/// Answers a request whose caller is the store.
pub async fn answer(board: &Board, text: &str) -> String {
    match begun(board, text).await {
        Ok(answer) => answer,
        Err(error) => refuse(&error),
    }
}

async fn begun(board: &Board, text: &str) -> Result<String> {
    let mut request = Request::read_from_store(text)?;
    let caller = Caller::read(request.store.take().map(serde_json::value::RawValue::get))?;
    let repository = caller.repository(board)?;
    Ok(match &*request.op {
        CONFORMANCE => {
            let suite: Suite = input(&request, &SUITE)?;
            let report: Report = conformance::run_in(repository, &suite.prefix).await;
            write(Ok(Decision::plain(report)), Explain::None)
        }
        CREATE_TABLES => {
            let _: Nothing = input(&request, &NOTHING)?;
            write(Ok(Decision::plain(create(&caller.database(board)?).await?)), Explain::None)
        }
        TABLES => {
            let wanted: Wanted = input(&request, &WANTED)?;
            let dialect = dialect(&wanted.sql).map_err(|e| e.at("input"))?;
            write(tables(dialect, wanted.layout).map(Decision::plain), Explain::None)
        }
        _ => prepared::answer(Prepared::of(request)?, repository.as_ref()).await,
    })
}

fn input<'a, T: Deserialize<'a>>(request: &Request<'a>, shape: &'static Shape) -> Result<T> {
    let text = request.input();
    reader::from_str(text).map_err(|e| shape::explain(text, Some(shape), &e).at("input"))
}

/// Makes the tables; to be repeated without harm.
async fn create(database: &RenderingRepository) -> Result<Made> {
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
    Ok(Made { before, layout: tables.layout })
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
