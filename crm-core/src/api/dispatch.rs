//! From a request to its answer, for operations that need no store.

use super::request::{Request, refuse, write_text};
use super::table::{Runner, lookup};
#[cfg(feature = "store")]
use crate::base::codes::Code;
#[cfg(feature = "store")]
use crate::base::error::Error;

/// Answers a request that needs no store.
pub fn call(text: &str) -> String {
    let request = match Request::read(text) {
        Ok(request) => request,
        Err(error) => return refuse(&error),
    };
    let result = lookup(&request.op).and_then(|operation| match operation.runner {
        Runner::Pure(run) => run(request.input(), &request.context),
        #[cfg(feature = "store")]
        Runner::Stored(_) => Err(Error::new(Code::NeedsStore).with("op", operation.name)),
    });
    write_text(result, request.explain)
}
