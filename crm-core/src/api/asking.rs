//! The caller as the store: what a running operation needs is parked on a board until its caller answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use super::shape::{self, Shape, optional};
#[cfg(feature = "sql")]
use super::statements::{Command, RenderingRepository};
#[cfg(not(feature = "sql"))]
use super::table::elsewhere;
use crate::base::change::{ChangeSet, Expect, StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::hint::refused;
use crate::base::json::{FromJson, FromJsonOwned, ToJson, Writer};
use crate::base::limits;
use crate::base::reader;
use crate::base::reason::Reason;
use crate::base::record::{Key, Record};
use crate::base::text::clip;
use crate::base::time::Instant;
use crate::store::accept::accept;
use crate::store::query::Query;
use crate::store::repository::{BoxFuture, Capabilities, Committed, Part, Repository};
#[cfg(feature = "sql")]
use crate::store::sql::Dialect;

/// What an operation needs from the store that runs it.
#[derive(Clone, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// Records by name.
    Get {
        /// Whose.
        tenant: String,
        /// Which.
        keys: Vec<Key>,
    },
    /// Records by query.
    Find(Query),
    /// A commit.
    Commit(Box<ChangeSet>),
    /// Events.
    Events {
        /// Whose.
        tenant: String,
        /// The cursor to go on from.
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
    /// Timers that are due.
    Due {
        /// Whose.
        tenant: String,
        /// At or before when.
        now: Instant,
        /// At most so many.
        limit: usize,
    },
    /// When each tenant is next due.
    NextDue {
        /// At most so many.
        limit: usize,
    },
    /// Statements to execute, for a caller that asked for them instead of all the above.
    #[cfg(feature = "sql")]
    Sql {
        /// In order, up to the first whose expectation does not hold.
        statements: Vec<Command>,
        /// Whether they write: then all of them hold or nothing of them stays.
        write: bool,
    },
}

/// One need; its answer names its id.
#[derive(Clone)]
pub struct Need {
    /// Counts from 0 within an operation.
    pub id: u64,
    /// What is needed.
    pub kind: NeedKind,
}

/// The id and, beside it, the kind with what belongs to it.
impl ToJson for Need {
    fn to_json(&self, writer: &mut Writer) {
        writer.push("{\"id\":");
        self.id.to_json(writer);
        writer.push(",");
        writer.inline(&self.kind);
    }
}

#[derive(Default)]
struct Open {
    made: u64,
    needs: Vec<Need>,
    answers: BTreeMap<u64, Result<String>>,
}

/// Where an operation's needs wait for their answers.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Open>>);

impl Board {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is needed and not answered yet.
    pub fn needs(&self) -> Vec<Need> {
        self.open().needs.clone()
    }

    /// Answers a need with JSON text or an error.
    ///
    /// # Errors
    /// `invalid_answer` when there is no such open need.
    pub fn answer(&self, id: u64, answer: Result<String>) -> Result<()> {
        let mut open = self.open();
        let place = open.needs.iter().position(|need| need.id == id);
        let place = place.ok_or_else(|| unusable(id, Reason::new(Code::NeedNotOpen)))?;
        open.needs.remove(place);
        open.answers.insert(id, answer);
        Ok(())
    }

    /// Asks for something and waits for its answer.
    pub fn ask<'a, T: FromJsonOwned + 'a>(&self, kind: NeedKind) -> BoxFuture<'a, Result<T>> {
        let id = {
            let mut open = self.open();
            let id = open.made;
            open.made = id.saturating_add(1);
            open.needs.push(Need { id, kind });
            id
        };
        let own = self.clone();
        Box::pin(std::future::poll_fn(move |_| match own.open().answers.remove(&id) {
            None => Poll::Pending,
            Some(Err(error)) => Poll::Ready(Err(error)),
            Some(Ok(text)) => Poll::Ready(reader::from_str(&text).map_err(|e| unusable(id, refused(&text, &e)))),
        }))
    }
}

/// The error of an answer that does not fit its need.
pub fn unusable(id: u64, reason: Reason) -> Error {
    Error::new(Code::InvalidAnswer).with("id", id).with("reason", reason)
}

/// What a caller says of itself as a store: the field `store` of its request.
#[derive(Clone, Debug, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// It executes statements of this dialect instead of keeping the contract itself.
    #[serde(default)]
    sql: Option<String>,
    /// It works inside a transaction of its own, which it ends itself.
    #[serde(default)]
    in_transaction: bool,
    /// The parts of a change set that it executes; all unless it says otherwise.
    #[serde(default)]
    executes: Option<Vec<Part>>,
    /// It keeps bodies letter by letter; otherwise they come back as the same JSON, written anew.
    #[serde(default)]
    exact_text: bool,
}

static CALLER: Shape = Shape::Object(&[
    optional("sql", &Shape::Nullable(&Shape::OneOf(DIALECTS))),
    optional("in_transaction", &Shape::Flag),
    optional("executes", &Shape::Nullable(&Shape::List(&Shape::OneOf(&["claims", "counters", "allocate", "timers"])))),
    optional("exact_text", &Shape::Flag),
]);

/// The names of the dialects.
pub static DIALECTS: &[&str] = &["sqlite", "postgres"];

/// The dialect of a name.
///
/// # Errors
/// `unknown_variant`.
#[cfg(feature = "sql")]
pub fn dialect(name: &str) -> Result<Dialect> {
    match name {
        "sqlite" => Ok(Dialect::Sqlite),
        "postgres" => Ok(Dialect::Postgres),
        _ => {
            let error = Error::new(Code::UnknownVariant).with("value", clip(name)).with("known", DIALECTS.to_vec());
            Err(error.with("hint", Reason::new(Code::ChooseListed)).at("sql"))
        }
    }
}

impl Caller {
    /// Reads what a caller says of itself; one that says nothing keeps the whole contract.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or("{}");
        reader::from_str(text).map_err(|e| shape::explain(text, Some(&CALLER), &e).at("store"))
    }

    /// The store that this caller is.
    ///
    /// # Errors
    /// `unknown_variant` for a dialect that is not known; `not_in_this_build` for any in a build without statements.
    pub fn repository(&self, board: &Board) -> Result<Arc<dyn Repository>> {
        if self.sql.is_some() {
            #[cfg(feature = "sql")]
            return Ok(Arc::new(self.database(board)?));
            #[cfg(not(feature = "sql"))]
            return Err(elsewhere("sql", "check").at("store.sql"));
        }
        let whole = self.whole();
        let executes = self.executes.clone().unwrap_or(whole.executes);
        let capabilities = Capabilities { executes, exact_text: self.exact_text, ..whole };
        Ok(Arc::new(AskingRepository { board: board.clone(), capabilities }))
    }

    /// The database in which this caller executes statements.
    ///
    /// # Errors
    /// `missing_field` when it does not; `unknown_variant` for a dialect that is not known.
    #[cfg(feature = "sql")]
    pub fn database(&self, board: &Board) -> Result<RenderingRepository> {
        let missing = || Error::new(Code::MissingField).with("field", "sql").at("store.sql");
        let dialect = dialect(self.sql.as_deref().ok_or_else(missing)?).map_err(|e| e.at("store"))?;
        Ok(RenderingRepository::new(board.clone(), dialect, self.whole()))
    }

    fn whole(&self) -> Capabilities {
        Capabilities { in_transaction: self.in_transaction, ..Capabilities::whole("none", limits::PAGE) }
    }
}

/// A repository that asks its caller.
#[derive(Clone)]
pub struct AskingRepository {
    board: Board,
    capabilities: Capabilities,
}

/// The most that a caller is asked for at once: a number that every language holds exactly.
fn bounded(limit: usize) -> usize {
    limit.min(i32::MAX as usize)
}

impl Repository for AskingRepository {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        let wanted = keys.to_vec();
        let asked = self.board.ask::<Vec<Option<Record>>>(NeedKind::Get { tenant: tenant.to_owned(), keys: wanted });
        Box::pin(async move {
            let found = asked.await?;
            let right = found.len() == keys.len()
                && found.iter().zip(keys).all(|(r, k)| r.as_ref().is_none_or(|r| r.key() == *k));
            if right { Ok(found) } else { Err(unusable(0, Reason::new(Code::RecordEachKey))) }
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        let asked = self.board.ask::<Vec<Record>>(NeedKind::Find(query.clone()));
        Box::pin(async move {
            let found = asked.await?;
            match found.iter().find(|record| !query.matches(record)) {
                None => Ok(found),
                Some(outside) => Err(unusable(
                    0,
                    Reason::new(Code::OutsideQuery).with("kind", clip(&outside.kind)).with("id", outside.id.as_str()),
                )),
            }
        })
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        match accept(changes, &self.capabilities.executes) {
            Ok(()) => {
                let asked = self.board.ask(NeedKind::Commit(Box::new(changes.clone())));
                Box::pin(async move { asked.await.map_err(|error| named(error, changes)) })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        let (tenant, after) = (tenant.to_owned(), after.map(str::to_owned));
        self.board.ask(NeedKind::Events { tenant, after, limit: bounded(limit) })
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.board.ask(NeedKind::Due { tenant: tenant.to_owned(), now, limit: bounded(limit) })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.board.ask(NeedKind::NextDue { limit: bounded(limit) })
    }
}

/// The conflict of a store that does not say which record it met: the only one that it can be.
fn named(error: Error, changes: &ChangeSet) -> Error {
    let is_told = error.details().get("id").is_none_or(|id| id != "?");
    if is_told || !matches!(error.id(), Code::VersionConflict | Code::RecordExists) {
        return error;
    }
    let exists = error.id() == Code::RecordExists;
    let puts = changes.puts.iter().map(|put| (put.record.key(), put.expect));
    let others = changes.deletes.iter().map(|delete| (delete.key.clone(), delete.expect));
    let held = changes.requires.iter().map(|require| (require.key.clone(), require.expect));
    let mut able = puts.chain(others).chain(held).filter(|(_, expect)| (*expect == Expect::Absent) == exists);
    match (able.next(), able.next()) {
        (Some((key, _)), None) => error.with("kind", key.kind.clone()).with("id", key.id.as_str()),
        _ => error,
    }
}
