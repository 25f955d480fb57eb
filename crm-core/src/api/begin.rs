//! What a caller that is the store itself may begin: any operation, and beside them the conformance suite over its store
//! (`store.conformance`), and the tables in its database: the statements that make them (`store.tables`), or their making
//! (`store.create_tables`). The suite and the statements are features of their own, which the builds for browsers leave out.

use super::asking::{Board, Caller};
use super::prepared::{self, Prepared};
use super::request::{Request, refuse};
use super::table::elsewhere;
use crate::base::error::Result;
use crate::base::json::Raw;

/// The operation that runs the conformance suite.
pub const CONFORMANCE: &str = "store.conformance";
/// The operation that gives the statements for the tables.
pub const TABLES: &str = "store.tables";
/// The operation that makes the tables, or brings older ones up to date.
pub const CREATE_TABLES: &str = "store.create_tables";

/// Answers a request whose caller is the store.
pub async fn answer(board: &Board, text: &str) -> String {
    match begun(board, text).await {
        Ok(answer) => answer,
        Err(error) => refuse(&error),
    }
}

async fn begun(board: &Board, text: &str) -> Result<String> {
    let mut request = Request::read_from_store(text)?;
    let caller = Caller::read(request.store.take().map(Raw::get))?;
    let repository = caller.repository(board)?;
    match &*request.op {
        #[cfg(feature = "conformance")]
        CONFORMANCE => super::suite::run(&request, repository).await,
        #[cfg(feature = "sql")]
        CREATE_TABLES => super::tables::create(&request, &caller.database(board)?).await,
        #[cfg(feature = "sql")]
        TABLES => super::tables::list(&request),
        op if [CONFORMANCE, CREATE_TABLES, TABLES].contains(&op) => Err(elsewhere(op, "check")),
        _ => Ok(prepared::answer(Prepared::of(request)?, repository.as_ref()).await),
    }
}
