//! The repository contract: four methods that every store, layer and host keeps.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::query::Query;
use crate::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crate::base::error::Result;
use crate::base::json::{FromJson, ToJson};
use crate::base::number::Numbers;
use crate::base::record::{Key, Record};
use crate::base::time::Instant;

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

/// A part of a change set that a store may leave to others; one that it does not execute it refuses, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Unique names.
    Claims,
    /// Counts with limits.
    Counters,
    /// Numbers without gaps.
    Allocate,
    /// Timers, with the reading of those that are due.
    Timers,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 4] = [Part::Claims, Part::Counters, Part::Allocate, Part::Timers];

    /// The name of the part in a change set.
    pub fn name(self) -> &'static str {
        match self {
            Part::Claims => "claims",
            Part::Counters => "counters",
            Part::Allocate => "allocate",
            Part::Timers => "timers",
        }
    }
}

/// What a store promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// What an acknowledged commit outlives: `none`, `process` (a killed process) or `power` (a cut of power, as far as the medium keeps its word).
    pub durability: String,
    /// The most records that one `find` gives.
    pub page: usize,
    /// The parts of a change set that it executes beside records, events and the request's mark.
    pub executes: Vec<Part>,
    /// It works inside a transaction of its host, which sees one state of the records: a conflict is not tried again.
    #[serde(default)]
    pub in_transaction: bool,
    /// It keeps bodies letter by letter; otherwise they come back as the same JSON, written anew.
    #[serde(default)]
    pub exact_text: bool,
}

impl Capabilities {
    /// A store of its own that executes every part and keeps bodies as they are.
    pub fn whole(durability: &str, page: usize) -> Self {
        let executes = Part::ALL.to_vec();
        Capabilities { durability: durability.to_owned(), page, executes, in_transaction: false, exact_text: true }
    }
}

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Committed {
    /// Everything is written.
    Done {
        /// The numbers given out, by token.
        #[serde(default, skip_serializing_if = "Numbers::is_empty")]
        numbers: Numbers,
    },
    /// The same request was committed before: nothing is written, this is its answer.
    Replayed {
        /// The stored answer, JSON text.
        response: String,
        /// The numbers for the tokens in the answer.
        #[serde(default, skip_serializing_if = "Numbers::is_empty")]
        numbers: Numbers,
    },
}

impl Committed {
    /// Everything is written, and no number was given out.
    pub const DONE: Committed = Committed::Done { numbers: Numbers::new() };
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
    /// - A record's `numbers` are those of the commit that wrote it; the body still holds their tokens.
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
    /// - Every `expect` of `requires` must hold: else `version_conflict`. Every one of `puts` and `deletes` too: else `version_conflict`,
    ///   or `record_exists` for `absent`. Nothing is written then.
    /// - A `claim` holds when the name is free or its owner's already: else `claim_taken`. Releases go before claims.
    /// - A `counter` whose `delta` above zero would pass its `max` gives `limit_reached`.
    /// - A timer that says `fires` must be due exactly then: else `version_conflict`. Then timers are set, moved or removed.
    /// - `allocate` gives the next number of its scope, from 1 and without gaps, in the list's order; the numbers are kept beside the
    ///   records, the events and the mark of this commit, and come back in the answer.
    /// - Events are appended in order.
    /// - These are looked at in this order: `requires`, `puts`, `deletes`, `claims`, `counters`, `timers`; within each in the order of
    ///   names, so that two commits at once wait for each other instead of blocking each other.
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

    /// Reads the timers of a tenant that are due, earliest first, then by kind, id and rule.
    ///
    /// # Behavior
    /// - Gives those due at or before `now`, at most `limit`.
    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>>;

    /// Reads which tenants have timers, and when each one's first is due, earliest first, then by tenant; at most `limit`.
    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>>;
}
