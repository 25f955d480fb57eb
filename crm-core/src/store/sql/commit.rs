//! Writing: a change set as statements that run in one transaction, in order, up to the first whose expectation does not hold.
//!
//! Numbers are given out by statements too: a series is counted up first, and what is written afterwards notes the numbers by
//! reading the series in the same statement, so an adapter never has to carry a value from one statement to another.

use std::borrow::Cow;

use super::host::HostTables;
use super::locks::{self, changed};
use super::texts::{EVENT, INSERTS, NOTE, NUMBERED_EVENT, Noting, UPDATE};
use super::{Dialect, Expected, Hold, KEYS, Param, Statement, Type};
use crate::base::change::{Allocate, ChangeSet, Claim, Counter, Event, Expect, Idempotency, Put, Timer};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::number::Numbers;
use crate::base::reason::Reason;
use crate::base::record::{Key, KeyBytes};
use crate::base::writer;
use crate::store::accept::accept;
use crate::store::memory::{fired, raced, reached, sorted, taken, unmet};
use crate::store::repository::{Committed, Part};

const MARK: &str = "SELECT hash, response, alloc FROM crm_idem WHERE tenant = ? AND key = ?";
const HELD: &str = "SELECT id FROM crm_record WHERE tenant = ? AND kind = ? AND id = ? AND version = ?";
const ABSENT: &str = "SELECT id FROM crm_record WHERE tenant = ? AND kind = ? AND id = ?";
const DELETE: &str = "DELETE FROM crm_record WHERE tenant = ? AND kind = ? AND id = ? AND version = ?";
const RELEASE: &str = "DELETE FROM crm_claim WHERE tenant = ? AND scope = ? AND name = ? AND kind = ? AND id = ?";
const CLAIM: &str = "INSERT INTO crm_claim(tenant, scope, name, kind, id) VALUES(?, ?, ?, ?, ?) \
                     ON CONFLICT(tenant, scope, name) DO UPDATE SET kind = excluded.kind \
                     WHERE crm_claim.kind = excluded.kind AND crm_claim.id = excluded.id";
const COUNTER: &str = "INSERT INTO crm_counter(tenant, scope, name, value) VALUES(?, ?, ?, 0) ON CONFLICT DO NOTHING";
const COUNT: &str = "UPDATE crm_counter SET value = value + ? WHERE tenant = ? AND scope = ? AND name = ? AND value >= ? AND value <= ?";
const FIRES: &str = "SELECT rule FROM crm_timer WHERE tenant = ? AND kind = ? AND id = ? AND rule = ? AND due = ?";
const SET: &str = "INSERT INTO crm_timer(tenant, kind, id, rule, due, failures) VALUES(?, ?, ?, ?, ?, ?) \
                   ON CONFLICT(tenant, kind, id, rule) DO UPDATE SET due = excluded.due, failures = excluded.failures";
const UNSET: &str = "DELETE FROM crm_timer WHERE tenant = ? AND kind = ? AND id = ? AND rule = ?";
const SERIES: &str = "INSERT INTO crm_series(tenant, scope, value) VALUES(?, ?, 0) ON CONFLICT DO NOTHING";
const NEXT: &str = "UPDATE crm_series SET value = value + ? WHERE tenant = ? AND scope = ?";
/// One statement of a commit, and what it is there for.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// The statement.
    pub statement: Statement<'a>,
    purpose: Purpose<'a>,
}

#[derive(Clone, Debug, PartialEq)]
enum Purpose<'a> {
    Mark(&'a Idempotency),
    Require(&'a Key),
    Hold(&'a str, &'a Id, Expect),
    Claim(&'a Claim),
    Count(&'a Counter),
    Fire(&'a Timer),
    Write,
    Numbers,
}

impl Dialect {
    /// The steps of a commit: the mark of the request first, then what must hold, then what is written.
    ///
    /// Within each part they are in the order of names, so that two commits which run at once wait for each other instead of blocking
    /// each other.
    ///
    /// # Errors
    /// `unsupported_change` before anything is written, `internal_error` when an event cannot be written as JSON.
    pub fn commit<'a>(self, changes: &'a ChangeSet) -> Result<Vec<Step<'a>>> {
        steps(self, &HostTables::default(), changes)
    }

    fn timer<'a>(self, tenant: &'a str, timer: &'a Timer, steps: &mut Vec<Step<'a>>) {
        let name: Vec<Param<'a>> =
            [tenant, &timer.key.kind, timer.key.id.as_str(), &timer.rule].map(Param::text).into();
        let with = |more: &[Param<'a>]| name.iter().chain(more).cloned().collect::<Vec<_>>();
        if let Some(fires) = timer.fires {
            let params = with(&[Param::Int8(fires.micros())]);
            steps.push(Step::new(self.locking(FIRES, Hold::Alone), params, Expected::Found(1), Purpose::Fire(timer)));
        }
        steps.push(match timer.due {
            Some(due) => {
                let params = with(&[Param::Int8(due.micros()), Param::Int8(i64::from(timer.failures))]);
                Step::new(SET, params, Expected::Changed(1), Purpose::Write)
            }
            None => Step::new(UNSET, name, Expected::Any, Purpose::Write),
        });
    }
}

/// The steps of a commit into the engine's tables and the host's.
pub(super) fn steps<'a>(dialect: Dialect, hosted: &HostTables, changes: &'a ChangeSet) -> Result<Vec<Step<'a>>> {
    accept(changes, &Part::ALL)?;
    let tenant = changes.tenant.as_str();
    let mut steps = Vec::with_capacity(changes.puts.len().saturating_add(changes.events.len()).saturating_add(4));
    if dialect == Dialect::Postgres {
        locks::add(changes, &mut steps);
    }
    if let Some(mark) = &changes.idempotency {
        let params = vec![Param::text(tenant), Param::text(&mark.key)];
        steps.push(Step::new(MARK, params, Expected::Found(0), Purpose::Mark(mark)));
    }
    // Only PostgreSQL holds what is written in another way than what is only needed.
    let written = if dialect == Dialect::Postgres { changed(changes) } else { Default::default() };
    for require in sorted(&changes.requires, |r| &r.key) {
        let held = if written.contains(&require.key) { Hold::Alone } else { Hold::Shared };
        if let Some(table) = hosted.find(&require.key.kind) {
            steps.extend(table.require(dialect, tenant, require, held)?);
            continue;
        }
        let step = hold(tenant, &require.key, require.expect, dialect.locking(HELD, held), Expected::Found(1))?;
        steps.push(Step { purpose: Purpose::Require(&require.key), ..step });
    }
    let numbers = allocate(tenant, &changes.allocate, &mut steps);
    for put in sorted(&changes.puts, |p| (&p.record.kind, &p.record.id)) {
        match hosted.find(&put.record.kind) {
            Some(table) => steps.extend(table.put(dialect, tenant, put)?),
            None => steps.push(self::put(dialect, tenant, put, &numbers)?),
        }
    }
    for delete in sorted(&changes.deletes, |d| &d.key) {
        match hosted.find(&delete.key.kind) {
            Some(table) => steps.extend(table.delete(dialect, tenant, delete)?),
            None => steps.push(hold(tenant, &delete.key, delete.expect, DELETE.into(), Expected::Changed(1))?),
        }
    }
    claims(tenant, &sorted(&changes.claims, |c| (&c.scope, &c.name)), &mut steps);
    for counter in sorted(&changes.counters, |c| (&c.scope, &c.name)) {
        count(tenant, counter, &mut steps);
    }
    for timer in sorted(&changes.timers, |t| (&t.key, &t.rule)) {
        dialect.timer(tenant, timer, &mut steps);
    }
    let event_text = if dialect == Dialect::Postgres { &NUMBERED_EVENT } else { &EVENT };
    for event in &changes.events {
        let params = vec![Param::text(tenant), Param::Text(Cow::Owned(write(event)?))];
        steps.push(numbers.write(event_text, params));
    }
    if let Some(mark) = &changes.idempotency {
        let recorded = changes.at.or(changes.events.first().map(|e| e.recorded_at));
        let at = recorded.map_or(Param::Null(Type::Int8), |at| Param::Int8(at.micros()));
        let texts = [tenant, &mark.key, &mark.request_hash, &mark.response];
        let params = texts.map(Param::text).into_iter().chain([at]).collect();
        steps.push(numbers.write(&NOTE, params));
    }
    if let Some(expression) = &numbers.expression {
        let text = format!("SELECT {expression}");
        steps.push(Step::new(text, numbers.params.clone(), Expected::Rows, Purpose::Numbers));
    }
    if dialect != Dialect::Sqlite {
        for step in &mut steps {
            let text = std::mem::take(&mut step.statement.text);
            step.statement.text = dialect.mark(text, &step.statement.params);
        }
    }
    Ok(steps)
}

/// The numbers of a commit, as SQL that reads them from their series: `"0":42,"1":7`.
struct Given<'a> {
    expression: Option<String>,
    params: Vec<Param<'a>>,
}

impl<'a> Given<'a> {
    fn write(&self, text: &Noting, params: Vec<Param<'a>>) -> Step<'a> {
        self.step(text, params, [], Purpose::Write)
    }

    /// A step that notes the numbers between its texts; `after` are the parameters behind that place.
    fn step<const N: usize>(
        &self,
        text: &Noting,
        before: Vec<Param<'a>>,
        after: [Param<'a>; N],
        purpose: Purpose<'a>,
    ) -> Step<'a> {
        let mut params = before;
        let text: Cow<'static, str> = match &self.expression {
            None => text.plain.into(),
            Some(expression) => {
                params.extend(self.params.iter().cloned());
                [text.before, expression, text.after].concat().into()
            }
        };
        params.extend(after);
        Step::new(text, params, Expected::Changed(1), purpose)
    }
}

fn allocate<'a>(tenant: &'a str, wanted: &'a [Allocate], steps: &mut Vec<Step<'a>>) -> Given<'a> {
    let mut terms = Vec::new();
    let mut params = Vec::new();
    let mut scopes: Vec<&str> = wanted.iter().map(|a| a.scope.as_str()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    for scope in scopes {
        let count = wanted.iter().filter(|a| a.scope == scope).count();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let name = [Param::text(tenant), Param::text(scope)];
        steps.push(Step::new(SERIES, name.to_vec(), Expected::Any, Purpose::Write));
        let next = [Param::Int8(count)].into_iter().chain(name).collect();
        steps.push(Step::new(NEXT, next, Expected::Changed(1), Purpose::Write));
    }
    for (place, number) in wanted.iter().enumerate() {
        // How many of the same series come after this one.
        let later = wanted.iter().skip(place.saturating_add(1)).filter(|a| a.scope == number.scope).count();
        terms.push("? || CAST((SELECT value - ? FROM crm_series WHERE tenant = ? AND scope = ?) AS text)");
        let comma = if place == 0 { "" } else { "," };
        params.push(Param::Text(Cow::Owned(format!("{comma}\"{}\":", number.token))));
        params.push(Param::Int8(i64::try_from(later).unwrap_or(i64::MAX)));
        params.push(Param::text(tenant));
        params.push(Param::text(&number.scope));
    }
    Given { expression: (!terms.is_empty()).then(|| terms.join(" || ")), params }
}

fn claims<'a>(tenant: &'a str, claims: &[&'a Claim], steps: &mut Vec<Step<'a>>) {
    for (release, text) in [(true, RELEASE), (false, CLAIM)] {
        for claim in claims.iter().filter(|c| c.release == release) {
            let params = [tenant, &claim.scope, &claim.name, &claim.owner.kind, claim.owner.id.as_str()];
            let params = params.map(Param::text).into();
            steps.push(match release {
                true => Step::new(text, params, Expected::Any, Purpose::Write),
                false => Step::new(text, params, Expected::Changed(1), Purpose::Claim(claim)),
            });
        }
    }
}

/// Counts: the row comes into being at zero, and is moved only from where it may be moved.
fn count<'a>(tenant: &'a str, counter: &'a Counter, steps: &mut Vec<Step<'a>>) {
    let name: Vec<Param<'a>> = [tenant, &counter.scope, &counter.name].map(Param::text).into();
    steps.push(Step::new(COUNTER, name.clone(), Expected::Any, Purpose::Write));
    let (lowest, highest) = match counter.delta > 0 {
        true => (i64::MIN, counter.max.unwrap_or(i64::MAX).saturating_sub(counter.delta)),
        false => (i64::MIN.saturating_sub(counter.delta), i64::MAX),
    };
    let bounds = [Param::Int8(lowest), Param::Int8(highest)];
    let params = [Param::Int8(counter.delta)].into_iter().chain(name).chain(bounds).collect();
    steps.push(Step::new(COUNT, params, Expected::Changed(1), Purpose::Count(counter)));
}

impl<'a> Step<'a> {
    /// A lock, which waits and never fails.
    pub(super) fn lock(text: String, params: Vec<Param<'a>>) -> Self {
        Step::new(text, params, Expected::Any, Purpose::Write)
    }

    /// A question about a record that was read.
    pub(super) fn require(text: Cow<'static, str>, params: Vec<Param<'a>>, expect: Expected, key: &'a Key) -> Self {
        Step::new(text, params, expect, Purpose::Require(key))
    }

    /// A step about a record that is written.
    pub(super) fn hold(
        text: String,
        params: Vec<Param<'a>>,
        expected: Expected,
        kind: &'a str,
        id: &'a Id,
        expect: Expect,
    ) -> Self {
        Step::new(text, params, expected, Purpose::Hold(kind, id, expect))
    }

    fn new(text: impl Into<Cow<'static, str>>, params: Vec<Param<'a>>, expect: Expected, purpose: Purpose<'a>) -> Self {
        Step { statement: Statement { text: text.into(), params, expect }, purpose }
    }

    /// Says whether the step's one row holds the numbers that the commit gave out; see [`given`].
    pub fn gives_numbers(&self) -> bool {
        self.purpose == Purpose::Numbers
    }

    /// How a commit ends at this step when its expectation does not hold; `row` is the first row that it gave, column by column, with
    /// empty text for null.
    ///
    /// # Errors
    /// `idempotency_key_reused`, `record_exists`, `version_conflict`, `claim_taken`, `limit_reached`, or `storage_failed` when a row
    /// was not written.
    pub fn unmet(&self, row: &[String]) -> Result<Committed> {
        match (&self.purpose, row) {
            (Purpose::Mark(mark), [hash, response, alloc]) if *hash == mark.request_hash => {
                Ok(Committed::Replayed { response: response.clone(), numbers: super::read::numbers(alloc)? })
            }
            (Purpose::Mark(mark), _) => Err(Error::new(Code::IdempotencyKeyReused).with("key", mark.key.clone())),
            (Purpose::Require(key), _) => Err(raced(key)),
            (Purpose::Hold(kind, id, expect), _) => Err(unmet(&Key::new(kind, id), *expect)),
            (Purpose::Claim(claim), _) => Err(taken(claim)),
            (Purpose::Count(counter), _) => Err(reached(counter)),
            (Purpose::Fire(timer), _) => Err(fired(timer)),
            (Purpose::Write | Purpose::Numbers, _) => {
                Err(Error::new(Code::StorageFailed).with("reason", Reason::new(Code::RowNotWritten)).retry(true))
            }
        }
    }
}

/// A step about a record at a version; with `absent` the record is only looked for.
fn hold<'a>(
    tenant: &'a str,
    key: &'a Key,
    expect: Expect,
    text: Cow<'static, str>,
    expected: Expected,
) -> Result<Step<'a>> {
    let mut params = vec![Param::text(tenant), Param::text(&key.kind), Param::text(key.id.as_str())];
    let (text, expected) = match expect {
        Expect::Absent => (ABSENT.into(), Expected::Found(0)),
        Expect::Version(version) => {
            params.push(Param::number(version)?);
            (text, expected)
        }
    };
    Ok(Step::new(text, params, expected, Purpose::Hold(&key.kind, &key.id, expect)))
}

fn put<'a>(dialect: Dialect, tenant: &'a str, put: &'a Put, numbers: &Given<'a>) -> Result<Step<'a>> {
    let record = &put.record;
    let mut params = Vec::with_capacity(KEYS.saturating_add(7));
    params.extend(record.keys.iter().map(KeyBytes::bytes).map(Param::bytes));
    if dialect != Dialect::Sqlite || put.expect != Expect::Absent {
        // Keys that the record had before go. A new one in SQLite leaves out what it has not: an empty parameter costs as much as a full one.
        params.resize(KEYS, Param::bytes(&[]));
    }
    let insert = INSERTS.get(params.len());
    params.push(Param::Int8(i64::from(record.schema)));
    params.push(Param::text(record.body.text()));
    params.push(Param::number(record.version)?);
    let name = [Param::text(tenant), Param::text(&record.kind), Param::text(record.id.as_str())];
    let purpose = Purpose::Hold(&record.kind, &record.id, put.expect);
    match (put.expect, insert) {
        (Expect::Version(version), _) => {
            let [tenant, kind, id] = name;
            Ok(numbers.step(&UPDATE, params, [tenant, kind, id, Param::number(version)?], purpose))
        }
        (Expect::Absent, Some(insert)) => {
            params.extend(name);
            Ok(numbers.step(insert, params, [], purpose))
        }
        // A change set with such a record is refused before.
        (Expect::Absent, None) => Err(Error::new(Code::UnsupportedChange).with("part", "keys")),
    }
}

fn write(event: &Event) -> Result<String> {
    writer::to_string(event, 256).map_err(|e| Error::new(Code::InternalError).with("reason", e.to_string()))
}

/// What a commit gives out, from the row of the step that [`Step::gives_numbers`].
///
/// # Errors
/// `corrupt_record`.
pub fn given(row: &[String]) -> Result<Numbers> {
    super::read::numbers(row.first().map_or("", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> ChangeSet {
        serde_json::from_value(serde_json::json!({
            "tenant": "t",
            "puts": [
                {"record": {"kind": "deal", "id": "2", "version": 4, "schema": 1, "keys": [], "body": {}}, "changed": {}, "expect": {"version": 3}},
                {"record": {"kind": "deal", "id": "1", "version": 1, "schema": 1, "keys": ["0102"], "body": {}}, "changed": {}, "expect": "absent"},
            ],
            "deletes": [{"key": {"kind": "deal", "id": "3"}, "expect": {"version": 3}}, {"key": {"kind": "deal", "id": "4"}, "expect": "absent"}],
            "requires": [
                {"key": {"kind": "user", "id": "3"}, "expect": {"version": 3}},
                {"key": {"kind": "user", "id": "4"}, "expect": "absent"},
                {"key": {"kind": "deal", "id": "2"}, "expect": {"version": 3}},
            ],
            "claims": [
                {"scope": "s", "name": "n", "owner": {"kind": "deal", "id": "1"}},
                {"scope": "s", "name": "o", "owner": {"kind": "deal", "id": "1"}, "release": true},
            ],
            "counters": [{"scope": "s", "name": "n", "delta": 1, "max": 3}],
            "allocate": [{"token": 0, "scope": "s"}, {"token": 1, "scope": "s"}],
            "events": [{"kind": "deal.won", "record_kind": "deal", "record_id": "1", "effective_at": "2026-01-31T09:00:00Z", "recorded_at": "2026-01-31T09:00:00Z", "data": {}}],
            "timers": [{"key": {"kind": "deal", "id": "1"}, "rule": "r", "due": "2026-01-31T09:00:00Z", "fires": "2026-01-31T09:00:00Z"}],
            "idempotency": {"key": "k", "request_hash": "h", "response": "{}"},
        }))
        .unwrap()
    }

    #[test]
    fn every_text_has_a_parameter_for_each_marker() {
        let changes = changes();
        let steps = Dialect::Sqlite.commit(&changes).unwrap();
        assert_eq!(steps.len(), 19);
        for step in &steps {
            assert_eq!(
                step.statement.text.matches('?').count(),
                step.statement.params.len(),
                "{}",
                step.statement.text
            );
        }
        assert_eq!(
            steps[0].unmet(&["h".to_owned(), "{}".to_owned(), "\"0\":7".to_owned()]).unwrap(),
            Committed::Replayed { response: "{}".to_owned(), numbers: Numbers::from([(0, 7)]) }
        );
        assert_eq!(
            steps[0].unmet(&["other".to_owned(), "{}".to_owned(), String::new()]).unwrap_err().code(),
            "idempotency_key_reused"
        );
        let codes: Vec<String> =
            steps.iter().skip(1).filter_map(|s| s.unmet(&[]).err()).map(|e| e.code().to_owned()).collect();
        for code in ["record_exists", "version_conflict", "claim_taken", "limit_reached"] {
            assert!(codes.iter().any(|c| c == code), "{code}");
        }
        assert!(steps.last().unwrap().gives_numbers());
    }

    #[test]
    fn postgres_locks_what_must_hold() {
        let changes = changes();
        let steps = Dialect::Postgres.commit(&changes).unwrap();
        let texts: Vec<&str> = steps.iter().map(|s| &*s.statement.text).collect();
        for step in &steps {
            let count = step.statement.params.len();
            assert!(!step.statement.text.contains('?'), "{}", step.statement.text);
            assert!(step.statement.text.contains(&format!("${count}::")), "{}", step.statement.text);
            assert!(!step.statement.text.contains(&format!("${}::", count + 1)), "{}", step.statement.text);
        }
        // Two locks alone: the request's key and the new record; and shared ones for two records that must be absent.
        assert_eq!(texts[0].matches("pg_advisory_xact_lock(").count(), 4);
        assert_eq!(texts[1].matches("pg_advisory_xact_lock_shared(").count(), 4);
        let holds: Vec<&str> = texts.iter().copied().filter(|t| t.contains(" FOR ")).collect();
        let held = "SELECT id FROM crm_record WHERE tenant = $1::text AND kind = $2::text AND id = $3::text AND version = $4::int8";
        // The deal is written too, so nobody else may hold it; then the user; then the timer.
        assert_eq!(holds[0], format!("{held} FOR UPDATE"));
        assert_eq!(holds[1], format!("{held} FOR SHARE"));
        assert!(holds[2].starts_with("SELECT rule FROM crm_timer") && holds[2].ends_with(" FOR UPDATE"));
        assert!(texts.iter().any(|t| t.starts_with("INSERT INTO crm_event") && t.contains("pg_current_xact_id()")));
        // The first record by name is the first that is written.
        let first = texts.iter().position(|t| t.starts_with("INSERT INTO crm_record")).unwrap();
        let second = texts.iter().position(|t| t.starts_with("UPDATE crm_record")).unwrap();
        assert!(first < second);
    }
}
