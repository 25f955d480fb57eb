//! What a caller that is the store itself may ask for about its database: the engine's tables and the views of what they hold.
//!
//! `store.tables` and `store.views` give statements, for migrations of the caller's own; `store.create_tables` and `store.create_views`
//! have them executed, and may be repeated.

use serde::{Deserialize, Serialize};

use super::asking::{Board, Caller, DIALECTS, dialect};
use super::begin::{CREATE_TABLES, CREATE_VIEWS, TABLES, VIEWS};
use super::request::{Request, decode, write};
use super::shape::{Shape, optional, required};
use super::statements::RenderingRepository;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::reason::Explain;
use crate::config::Config;
use crate::crm::kinds::KINDS;
use crate::crm::views::views;
use crate::store::sql::Dialect;
use crate::store::sql::schema::LAYOUT;
use crate::store::sql::views::View;

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
struct Spoken {
    /// The dialect.
    sql: String,
}

static SPOKEN: Shape = Shape::Object(&[required("sql", &Shape::OneOf(DIALECTS))]);

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

#[derive(Serialize)]
struct Views {
    /// The names of the views.
    views: Vec<String>,
    /// To be executed in order, in one transaction.
    statements: Vec<String>,
}

#[derive(Serialize)]
struct Viewed {
    /// The views that were made or replaced.
    made: Vec<String>,
    /// Those that were there as they should be.
    kept: Vec<String>,
}

/// Answers a request about the caller's database; nothing for another one.
///
/// # Errors
/// Every mistake in the request; whatever the database refuses.
pub(super) async fn answer(board: &Board, caller: &Caller, request: &Request<'_>) -> Result<Option<String>> {
    let plain = |value| Some(write(Ok(Decision::plain(value)), Explain::None));
    Ok(match &*request.op {
        CREATE_TABLES => {
            let _: Nothing = request.input_like(&NOTHING)?;
            plain(create(&caller.database(board)?).await?)
        }
        TABLES => {
            let wanted: Wanted = request.input_like(&WANTED)?;
            let dialect = dialect(&wanted.sql).map_err(|e| e.at("input"))?;
            Some(write(tables(dialect, wanted.layout).map(Decision::plain), Explain::None))
        }
        CREATE_VIEWS => {
            let _: Nothing = request.input_like(&NOTHING)?;
            let database = caller.database(board)?;
            let mut views = configured(request, database.dialect())?;
            // What lives in a table of the host's has that table.
            views.retain(|view| database.hosted().find(view.kind).is_none());
            Some(write(view(&database, views).await.map(Decision::plain), Explain::None))
        }
        VIEWS => {
            let wanted: Spoken = request.input_like(&SPOKEN)?;
            let views = configured(request, dialect(&wanted.sql).map_err(|e| e.at("input"))?)?;
            let names = views.iter().map(|view| view.name.clone()).collect();
            let statements = views.iter().flat_map(View::replacement).collect();
            Some(write(Ok(Decision::plain(Views { views: names, statements })), Explain::None))
        }
        _ => None,
    })
}

fn configured(request: &Request<'_>, dialect: Dialect) -> Result<Vec<View>> {
    let config = request.config.map(|raw| decode::<Config>("config", raw.get())).transpose();
    views(dialect, &config.map_err(|e| e.at("config"))?.unwrap_or_default()).map_err(|e| e.at("config"))
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
    // A table or column of the host's that is not there is told by the database, by its name.
    database.texts(&database.hosted().all().iter().map(|table| table.probe(dialect)).collect::<Vec<_>>()).await?;
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

/// Makes the views; one that is as it should be is left alone, with the rights that others were given to it.
async fn view(database: &RenderingRepository, views: Vec<View>) -> Result<Viewed> {
    let present = database.texts(&views.iter().map(|view| view.present.clone()).collect::<Vec<_>>()).await?;
    let found = views.into_iter().zip(present);
    let (kept, stale): (Vec<_>, Vec<_>) = found.partition(|(view, mark)| mark.as_deref() == Some(view.mark.as_str()));
    let statements: Vec<String> = stale.iter().flat_map(|(view, _)| view.replacement()).collect();
    if !statements.is_empty() {
        database.execute(&statements).await?;
    }
    let names = |views: Vec<(View, Option<String>)>| views.into_iter().map(|(view, _)| view.name).collect();
    Ok(Viewed { made: names(stale), kept: names(kept) })
}
