//! Writing: a change set as statements that run in one transaction, in order, up to the first whose expectation does not hold.

use std::borrow::Cow;

use super::{Dialect, Expected, KEYS, Param, Statement, Type};
use crate::base::change::{ChangeSet, Event, Expect, Idempotency, Put};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::record::{Key, KeyBytes};
use crate::store::accept::accept;
use crate::store::memory::unmet;
use crate::store::repository::Committed;

const MARK: &str = "SELECT hash, response FROM crm_idem WHERE tenant = ? AND key = ?";
const HELD: &str = "SELECT id FROM crm_record WHERE tenant = ? AND kind = ? AND id = ? AND version = ?";
const ABSENT: &str = "SELECT id FROM crm_record WHERE tenant = ? AND kind = ? AND id = ?";
const INSERT: &str = "INSERT INTO crm_record(k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, schema, body, version, tenant, kind, id) \
                      VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE crm_record SET k1 = ?, k2 = ?, k3 = ?, k4 = ?, k5 = ?, k6 = ?, k7 = ?, k8 = ?, k9 = ?, k10 = ?, k11 = ?, k12 = ?, \
                      schema = ?, body = ?, version = ? WHERE tenant = ? AND kind = ? AND id = ? AND version = ?";
const DELETE: &str = "DELETE FROM crm_record WHERE tenant = ? AND kind = ? AND id = ? AND version = ?";
const EVENT: &str = "INSERT INTO crm_event(tenant, data) VALUES(?, ?)";
const NOTE: &str = "INSERT INTO crm_idem(tenant, key, hash, response, at) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

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
    Hold(&'a str, &'a Id, Expect),
    Write,
}

impl Dialect {
    /// The steps of a commit: the mark of the request first, then what must hold, then what is written.
    ///
    /// # Errors
    /// `unsupported_change` before anything is written, `internal_error` when an event cannot be written as JSON.
    pub fn commit<'a>(self, changes: &'a ChangeSet) -> Result<Vec<Step<'a>>> {
        accept(changes)?;
        let Dialect::Sqlite = self;
        let tenant = changes.tenant.as_str();
        let mut steps = Vec::with_capacity(changes.puts.len().saturating_add(changes.events.len()).saturating_add(4));
        if let Some(mark) = &changes.idempotency {
            let statement = Statement {
                text: MARK.into(),
                params: vec![Param::text(tenant), Param::text(&mark.key)],
                expect: Expected::Found(0),
            };
            steps.push(Step { statement, purpose: Purpose::Mark(mark) });
        }
        for require in &changes.requires {
            steps.push(hold(tenant, &require.key, require.expect, HELD, Expected::Found(1))?);
        }
        for put in &changes.puts {
            steps.push(self::put(tenant, put)?);
        }
        for delete in &changes.deletes {
            steps.push(hold(tenant, &delete.key, delete.expect, DELETE, Expected::Changed(1))?);
        }
        for event in &changes.events {
            let params = vec![Param::text(tenant), Param::Text(Cow::Owned(write(event)?))];
            steps.push(Step::write(EVENT, params));
        }
        if let Some(mark) = &changes.idempotency {
            let at = changes.events.first().map_or(Param::Null(Type::Int8), |e| Param::Int8(e.recorded_at.micros()));
            let params = vec![
                Param::text(tenant),
                Param::text(&mark.key),
                Param::text(&mark.request_hash),
                Param::text(&mark.response),
                at,
            ];
            steps.push(Step::write(NOTE, params));
        }
        Ok(steps)
    }
}

impl<'a> Step<'a> {
    fn write(text: &'static str, params: Vec<Param<'a>>) -> Self {
        Step {
            statement: Statement { text: text.into(), params, expect: Expected::Changed(1) },
            purpose: Purpose::Write,
        }
    }

    /// How a commit ends at this step when its expectation does not hold; `row` is the first row that it gave, column by column.
    ///
    /// # Errors
    /// `idempotency_key_reused`, `record_exists`, `version_conflict`, or `storage_failed` when a row was not written.
    pub fn unmet(&self, row: &[String]) -> Result<Committed> {
        match (&self.purpose, row) {
            (Purpose::Mark(mark), [hash, response]) if *hash == mark.request_hash => {
                Ok(Committed::Replayed { response: response.clone() })
            }
            (Purpose::Mark(mark), _) => Err(Error::new(Code::IdempotencyKeyReused).with("key", mark.key.clone())),
            (Purpose::Hold(kind, id, expect), _) => Err(unmet(&Key::new(kind, id), *expect)),
            (Purpose::Write, _) => Err(Error::new(Code::StorageFailed)
                .with("reason", "a row was not written; repeat the request")
                .retry(true)),
        }
    }
}

/// A step about a record at a version; with `absent` the record is only looked for.
fn hold<'a>(tenant: &'a str, key: &'a Key, expect: Expect, text: &'static str, expected: Expected) -> Result<Step<'a>> {
    let mut params = vec![Param::text(tenant), Param::text(&key.kind), Param::text(key.id.as_str())];
    let (text, expected) = match expect {
        Expect::Absent => (ABSENT, Expected::Found(0)),
        Expect::Version(version) => {
            params.push(Param::number(version)?);
            (text, expected)
        }
    };
    let statement = Statement { text: text.into(), params, expect: expected };
    Ok(Step { statement, purpose: Purpose::Hold(&key.kind, &key.id, expect) })
}

fn put<'a>(tenant: &'a str, put: &'a Put) -> Result<Step<'a>> {
    let record = &put.record;
    let mut params = Vec::with_capacity(KEYS.saturating_add(7));
    params
        .extend(record.keys.iter().map(KeyBytes::bytes).chain(std::iter::repeat(&[][..])).take(KEYS).map(Param::bytes));
    params.push(Param::Int8(i64::from(record.schema)));
    params.push(Param::text(record.body.text()));
    params.push(Param::number(record.version)?);
    params.push(Param::text(tenant));
    params.push(Param::text(&record.kind));
    params.push(Param::text(record.id.as_str()));
    let text = match put.expect {
        Expect::Absent => INSERT,
        Expect::Version(version) => {
            params.push(Param::number(version)?);
            UPDATE
        }
    };
    let statement = Statement { text: text.into(), params, expect: Expected::Changed(1) };
    Ok(Step { statement, purpose: Purpose::Hold(&record.kind, &record.id, put.expect) })
}

fn write(event: &Event) -> Result<String> {
    serde_json::to_string(event).map_err(|e| Error::new(Code::InternalError).with("reason", e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_parameter_for_each_marker() {
        let changes: ChangeSet = serde_json::from_value(serde_json::json!({
            "tenant": "t",
            "puts": [
                {"record": {"kind": "deal", "id": "1", "version": 1, "schema": 1, "keys": ["0102"], "body": {}}, "changed": {}, "expect": "absent"},
                {"record": {"kind": "deal", "id": "2", "version": 4, "schema": 1, "keys": [], "body": {}}, "changed": {}, "expect": {"version": 3}},
            ],
            "deletes": [{"key": {"kind": "deal", "id": "3"}, "expect": {"version": 3}}, {"key": {"kind": "deal", "id": "4"}, "expect": "absent"}],
            "requires": [{"key": {"kind": "user", "id": "3"}, "expect": {"version": 3}}, {"key": {"kind": "user", "id": "4"}, "expect": "absent"}],
            "idempotency": {"key": "k", "request_hash": "h", "response": "{}"},
        }))
        .unwrap();
        let steps = Dialect::Sqlite.commit(&changes).unwrap();
        assert_eq!(steps.len(), 8);
        for step in &steps {
            assert_eq!(
                step.statement.text.matches('?').count(),
                step.statement.params.len(),
                "{}",
                step.statement.text
            );
        }
        assert_eq!(
            steps[0].unmet(&["h".to_owned(), "{}".to_owned()]).unwrap(),
            Committed::Replayed { response: "{}".to_owned() }
        );
        assert_eq!(
            steps[0].unmet(&["other".to_owned(), "{}".to_owned()]).unwrap_err().code(),
            "idempotency_key_reused"
        );
        assert_eq!(steps[3].unmet(&[]).unwrap_err().code(), "record_exists");
        assert_eq!(steps[4].unmet(&[]).unwrap_err().code(), "version_conflict");
    }
}
