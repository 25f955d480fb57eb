//! A store that only executes statements: the contract in SQL, asked of the caller's own connection.
//!
//! The caller runs the statements of a need in order, stops at the first whose expectation does not hold, and then undoes what the
//! need's statements wrote. It answers with one result a statement that it ran: rows, or how many rows were changed.

use super::asking::{Board, NeedKind, unusable};
use crate::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::json::{Fault, FromJson, Reader, ToJson};
use crate::base::number::Numbers;
use crate::base::reason::Reason;
use crate::base::record::{Key, KeyBytes, Record};
use crate::base::time::Instant;
use crate::store::query::Query;
use crate::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use crate::store::sql::commit::given;
use crate::store::sql::read::{self, Rows, arrange};
use crate::store::sql::{Dialect, Expected, KEYS, Param, Statement, Type};

/// A statement as it goes to the caller.
#[derive(Clone, Debug, ToJson)]
pub struct Command {
    text: String,
    params: Vec<Given>,
    expect: Wanted,
}

/// A parameter; integers are written as text, which every language reads exactly.
#[derive(Clone, Debug, ToJson)]
#[serde(rename_all = "snake_case")]
enum Given {
    Text(String),
    Int8(String),
    Bytes(KeyBytes),
    Null(&'static str),
}

#[derive(Clone, Copy, Debug, ToJson)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    Rows,
    Found(usize),
    Changed(usize),
    Any,
}

impl Command {
    fn of(statement: &Statement<'_>) -> Self {
        let params = statement.params.iter().map(|param| match param {
            Param::Text(text) => Given::Text(text.clone().into_owned()),
            Param::Int8(number) => Given::Int8(number.to_string()),
            Param::Bytes(bytes) => Given::Bytes(KeyBytes::from_bytes(bytes.clone().into_owned())),
            Param::Null(Type::Int8) => Given::Null("int8"),
        });
        let expect = match statement.expect {
            Expected::Rows => Wanted::Rows,
            Expected::Found(count) => Wanted::Found(count),
            Expected::Changed(count) => Wanted::Changed(count),
            Expected::Any => Wanted::Any,
        };
        Command { text: statement.text.clone().into_owned(), params: params.collect(), expect }
    }
}

/// What one statement came to.
#[derive(Clone, Debug, FromJson)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Ran {
    /// Its rows.
    Rows(Vec<Vec<Cell>>),
    /// How many rows it changed.
    Changed(u64),
}

/// A value of a row: null, an integer (as a number or as text), text, or bytes in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    Null,
    Integer(i64),
    Text(String),
}

impl<'de> FromJson<'de> for Cell {
    fn from_json(reader: &mut Reader<'de>) -> std::result::Result<Self, Fault> {
        match reader.peek() {
            b'"' => String::from_json(reader).map(Cell::Text),
            b'-' | b'0'..=b'9' => i64::from_json(reader).map(Cell::Integer),
            b'n' => reader.word("null").map(|()| Cell::Null),
            _ => Err(reader.mismatch("null, an integer or a text")),
        }
    }
}

fn misfit() -> Error {
    unusable(0, Reason::new(Code::StatementResult))
}

impl Cell {
    fn text(&self) -> Result<&str> {
        match self {
            Cell::Text(text) => Ok(text),
            _ => Err(misfit()),
        }
    }

    /// Text, empty for null.
    fn optional(&self) -> Result<&str> {
        if *self == Cell::Null { Ok("") } else { self.text() }
    }

    fn number(&self) -> Result<i64> {
        match self {
            Cell::Integer(number) => Ok(*number),
            Cell::Text(text) => text.parse().map_err(|_| misfit()),
            Cell::Null => Err(misfit()),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let text = self.text()?;
        KeyBytes::parse(text).map(|key| key.bytes().to_vec()).ok_or_else(misfit)
    }

    fn into_text(self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Integer(number) => number.to_string(),
            Cell::Text(text) => text,
        }
    }
}

/// A repository in the caller's database.
pub struct RenderingRepository {
    board: Board,
    dialect: Dialect,
    capabilities: Capabilities,
}

impl RenderingRepository {
    /// Renders for a dialect.
    pub fn new(board: Board, dialect: Dialect, capabilities: Capabilities) -> Self {
        RenderingRepository { board, dialect, capabilities }
    }

    /// The dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn ask(&self, statements: Vec<Command>, write: bool) -> BoxFuture<'static, Result<Vec<Ran>>> {
        self.board.ask(NeedKind::Sql { statements, write })
    }

    /// The rows of questions, each with its own.
    async fn rows(&self, commands: Vec<Command>) -> Result<Vec<Vec<Vec<Cell>>>> {
        let count = commands.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let ran = self.ask(commands, false).await?;
        if ran.len() != count {
            return Err(misfit());
        }
        let rows = ran.into_iter().map(|ran| match ran {
            Ran::Rows(rows) => Ok(rows),
            Ran::Changed(_) => Err(misfit()),
        });
        rows.collect()
    }

    /// The first number that a question without parameters gives.
    ///
    /// # Errors
    /// `invalid_answer`, or what the caller reports.
    pub async fn number(&self, text: &str) -> Result<Option<i64>> {
        let command = Command { text: text.to_owned(), params: Vec::new(), expect: Wanted::Rows };
        let rows = self.rows(vec![command]).await?;
        rows.first().and_then(|rows| rows.first()?.first()).map(Cell::number).transpose()
    }

    /// Has commands without parameters executed, all or none.
    ///
    /// # Errors
    /// `invalid_answer`, or what the caller reports.
    pub async fn execute(&self, texts: &[String]) -> Result<()> {
        let command = |text: &String| Command { text: text.clone(), params: Vec::new(), expect: Wanted::Any };
        let ran = self.ask(texts.iter().map(command).collect(), true).await?;
        if ran.len() == texts.len() { Ok(()) } else { Err(misfit()) }
    }

    async fn one(&self, statement: &Statement<'_>) -> Result<Vec<Vec<Cell>>> {
        let rows = self.rows(vec![Command::of(statement)]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}

fn record(kind: &str, row: &[Cell]) -> Result<Record> {
    let [id, version, schema, keys @ .., body, alloc] = row else { return Err(misfit()) };
    if keys.len() != KEYS {
        return Err(misfit());
    }
    let keys = keys.iter().map(Cell::bytes).collect::<Result<_>>()?;
    let row = read::Row {
        id: id.text()?,
        version: version.number()?,
        schema: schema.number()?,
        keys,
        body: body.text()?,
        alloc: alloc.optional()?,
    };
    read::record(kind, row)
}

fn mark(row: &[Cell]) -> Result<Record> {
    let [key, hash, response, alloc] = row else { return Err(misfit()) };
    read::mark(key.text()?, hash.text()?, response.text()?, alloc.optional()?)
}

fn event(row: &[Cell]) -> Result<StoredEvent> {
    let [cursor, data, alloc] = row else { return Err(misfit()) };
    read::event(cursor.text()?, data.text()?, alloc.optional()?)
}

fn timer(row: &[Cell]) -> Result<StoredTimer> {
    let [due, kind, id, rule, failures] = row else { return Err(misfit()) };
    read::timer(due.number()?, kind.text()?, id.text()?, rule.text()?, failures.number()?)
}

fn tenant_due(row: &[Cell]) -> Result<TenantDue> {
    let [due, tenant] = row else { return Err(misfit()) };
    read::tenant_due(due.number()?, tenant.text()?)
}

/// Whether a statement's expectation holds, and its first row as texts.
fn judged(expect: Expected, ran: Ran) -> Result<(bool, Vec<String>)> {
    let changed = |count: u64| usize::try_from(count).map_err(|_| misfit());
    Ok(match (expect, ran) {
        (Expected::Rows, Ran::Rows(rows)) => (true, first(rows)),
        (Expected::Found(wanted), Ran::Rows(rows)) => (rows.len() == wanted, first(rows)),
        (Expected::Changed(wanted), Ran::Changed(count)) => (changed(count)? == wanted, Vec::new()),
        (Expected::Any, Ran::Changed(_)) => (true, Vec::new()),
        _ => return Err(misfit()),
    })
}

fn first(rows: Vec<Vec<Cell>>) -> Vec<String> {
    rows.into_iter().next().into_iter().flatten().map(Cell::into_text).collect()
}

impl Repository for RenderingRepository {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            let gets = self.dialect.get(tenant, keys)?;
            let answers = self.rows(gets.iter().map(|get| Command::of(&get.statement)).collect()).await?;
            let mut found = Vec::with_capacity(keys.len());
            for (get, rows) in gets.iter().zip(&answers) {
                for row in rows {
                    found.push(match get.rows {
                        Rows::Records => record(get.kind, row)?,
                        Rows::Marks => mark(row)?,
                    });
                }
            }
            Ok(arrange(keys, found))
        })
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(async move {
            match self.dialect.find(query)? {
                None => Ok(Vec::new()),
                Some(statement) => self.one(&statement).await?.iter().map(|row| record(&query.kind, row)).collect(),
            }
        })
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        Box::pin(async move {
            let steps = self.dialect.commit(changes)?;
            let commands: Vec<Command> = steps.iter().map(|step| Command::of(&step.statement)).collect();
            if commands.is_empty() {
                return Ok(Committed::DONE);
            }
            let ran = self.ask(commands, true).await?;
            let (count, mut numbers) = (ran.len(), Numbers::new());
            for (place, (step, ran)) in (1..).zip(steps.iter().zip(ran)) {
                let (held, row) = judged(step.statement.expect, ran)?;
                if !held {
                    // What comes after it must not have been executed.
                    return if place == count { step.unmet(&row) } else { Err(misfit()) };
                }
                if step.gives_numbers() {
                    numbers = given(&row)?;
                }
            }
            if count == steps.len() { Ok(Committed::Done { numbers }) } else { Err(misfit()) }
        })
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(async move {
            let statement = self.dialect.events(tenant, after, limit)?;
            self.one(&statement).await?.iter().map(|row| event(row)).collect()
        })
    }

    fn due<'a>(&'a self, tenant: &'a str, now: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        Box::pin(async move {
            let statement = self.dialect.due(tenant, now, limit);
            self.one(&statement).await?.iter().map(|row| timer(row)).collect()
        })
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        Box::pin(async move {
            let statement = self.dialect.next_due(limit);
            self.one(&statement).await?.iter().map(|row| tenant_due(row)).collect()
        })
    }
}
