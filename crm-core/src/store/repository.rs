//! The repository contract: four methods that every store, layer and host keeps.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::query::Query;
use crate::base::change::{ChangeSet, StoredEvent};
use crate::base::error::Result;
use crate::base::record::{Key, Record};

#[cfg(not(target_arch = "wasm32"))]
mod maybe {
    /// `Send` wherever there are threads.
    pub trait MaybeSend: Send {}
    impl<T: Send + ?Sized> MaybeSend for T {}
    /// `Sync` wherever there are threads.
    pub trait MaybeSync: Sync {}
    impl<T: Sync + ?Sized> MaybeSync for T {}
    /// A boxed future, `Send` wherever there are threads.
    pub type BoxFuture<'a, T> = super::Pin<Box<dyn super::Future<Output = T> + Send + 'a>>;
}

#[cfg(target_arch = "wasm32")]
mod maybe {
    /// `Send` wherever there are threads; WebAssembly has none.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}
    /// `Sync` wherever there are threads; WebAssembly has none.
    pub trait MaybeSync {}
    impl<T: ?Sized> MaybeSync for T {}
    /// A boxed future.
    pub type BoxFuture<'a, T> = super::Pin<Box<dyn super::Future<Output = T> + 'a>>;
}

pub use maybe::{BoxFuture, MaybeSend, MaybeSync};

/// What a store promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// What an acknowledged commit outlives: `none`, `process` (a killed process) or `power` (a cut of power, as far as the medium keeps its word).
    pub durability: String,
    /// The most records that one `find` gives.
    pub page: usize,
}

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Committed {
    /// Everything is written.
    Done {},
    /// The same request was committed before: nothing is written, this is its answer.
    Replayed {
        /// The stored answer, JSON text.
        response: String,
    },
}

/// A store of records and events.
pub trait Repository: MaybeSend + MaybeSync {
    /// What the store promises.
    fn capabilities(&self) -> Capabilities;

    /// Reads records by name.
    ///
    /// # Behavior
    /// - Gives one answer a key, in the keys' order; a missing record is `None`, never an error.
    /// - Sees every commit that was acknowledged before the call.
    /// - The kind `idempotency` reads the mark of a request: its body is `{request_hash, response}`.
    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>>;

    /// Reads the records that a query describes.
    ///
    /// # Behavior
    /// - Orders by the order index's bytes, then by the id's bytes; `descending` turns both round.
    /// - Gives at most `limit` records, all after `after`.
    /// - Compares keys byte by byte and never reads a body.
    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>>;

    /// Writes a change set, whole or not at all.
    ///
    /// # Behavior
    /// - An `idempotency` key that was committed before: with the same hash the stored response and nothing written, with another
    ///   one `idempotency_key_reused`. This is looked at first.
    /// - Every `expect` of `puts`, `deletes` and `requires` must hold: else `version_conflict` (or `record_exists` for `absent`), and nothing is written.
    /// - Events are appended in order.
    /// - A part that the store does not execute is refused as `unsupported_change`, never ignored.
    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>>;

    /// Reads events in the order of their commits.
    ///
    /// # Behavior
    /// - Starts after the opaque cursor, or at the beginning; gives at most `limit`.
    /// - A reader that goes on from the last cursor never skips an event.
    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>>;
}
