//! What a caller that is the store itself may begin beside the operations: the conformance suite over its store
//! (`store.conformance`), and what [`super::tables`] makes in its database.

use serde::Deserialize;

use super::asking::{Board, Caller};
use super::prepared::{self, Prepared};
use super::request::{Request, refuse, write};
use super::shape::{self, Shape, required};
use super::tables;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::reader;
use crate::base::reason::Explain;
use crate::store::conformance::{self, Report};

/// The operation that runs the conformance suite.
pub const CONFORMANCE: &str = "store.conformance";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    /// What the names of the suite's tenants begin with; one that was never used in this store.
    prefix: String,
}

static SUITE: Shape = Shape::Object(&[required("prefix", &Shape::Text)]);

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
    if let Some(answer) = tables::answer(board, &caller, &request).await? {
        return Ok(answer);
    }
    let repository = caller.repository(board)?;
    Ok(match &*request.op {
        CONFORMANCE => {
            let suite: Suite = input(&request, &SUITE)?;
            let report: Report = conformance::run_in(repository, &suite.prefix).await;
            write(Ok(Decision::plain(report)), Explain::None)
        }
        _ => prepared::answer(Prepared::of(request)?, repository.as_ref()).await,
    })
}

/// Reads the input of an operation of a caller that is the store.
pub(super) fn input<'a, T: Deserialize<'a>>(request: &Request<'a>, shape: &'static Shape) -> Result<T> {
    let text = request.input();
    reader::from_str(text).map_err(|e| shape::explain(text, Some(shape), &e).at("input"))
}
