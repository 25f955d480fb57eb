//! The conformance suite over a caller's own store.

use std::sync::Arc;

use super::request::{Request, write};
use super::shape::{Shape, required};
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::json::FromJson;
use crate::base::reason::Explain;
use crate::store::conformance;
use crate::store::repository::Repository;

#[derive(FromJson)]
#[serde(deny_unknown_fields)]
struct Suite {
    /// What the names of the suite's tenants begin with; one that was never used in this store.
    prefix: String,
}

static SUITE: Shape = Shape::Object(&[required("prefix", &Shape::Text)]);

/// Runs it and says which promises are not kept.
pub(super) async fn run(request: &Request<'_>, repository: Arc<dyn Repository>) -> Result<String> {
    let suite: Suite = request.input_like(&SUITE)?;
    let report = conformance::run_in(repository, &suite.prefix).await;
    Ok(write(Ok(Decision::plain(report)), Explain::None))
}
