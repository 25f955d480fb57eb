//! What a caller that is the store itself may begin: any operation, and beside them the conformance suite over its store
//! (`store.conformance`), and what `tables` makes in its database. The suite and the statements are features of their own, which the
//! builds for browsers leave out.

use super::asking::{Board, Caller};
use super::prepared::{self, Prepared};
use super::request::{Request, refuse};
use super::table::elsewhere;
use crate::base::error::Result;

/// The operation that runs the conformance suite.
pub const CONFORMANCE: &str = "store.conformance";
/// The operation that gives the statements for the tables.
pub const TABLES: &str = "store.tables";
/// The operation that makes the tables, or brings older ones up to date.
pub const CREATE_TABLES: &str = "store.create_tables";
/// The operation that gives the statements for the views, under the request's configuration.
pub const VIEWS: &str = "store.views";
/// The operation that makes the views, or replaces those that changed.
pub const CREATE_VIEWS: &str = "store.create_views";

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
    #[cfg(feature = "sql")]
    if let Some(answer) = super::tables::answer(board, &caller, &request).await? {
        return Ok(answer);
    }
    let repository = caller.repository(board)?;
    match &*request.op {
        #[cfg(feature = "conformance")]
        CONFORMANCE => super::suite::run(&request, repository).await,
        op if [CONFORMANCE, CREATE_TABLES, TABLES, CREATE_VIEWS, VIEWS].contains(&op) => Err(elsewhere(op, "check")),
        _ => Ok(prepared::answer(Prepared::of(request)?, repository.as_ref()).await),
    }
}
