//! PostgreSQL's locks for what has no row: a record that must stay absent, and a request that is being carried out.
//!
//! Whoever writes a new record locks its name alone, whoever needs it absent locks it shared: so many commits may rely on the same
//! absence at once, and none of them meets a record that comes into being. A commit that writes many records of a kind locks the kind
//! instead, because the server has room for only some thousands of locks; those that need a record absent lock its kind shared too.
//! A request's key is locked alone: one that is sent again while it is still running waits for its end and then finds its mark.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::commit::Step;
use super::{Param, padded};
use crate::base::change::{ChangeSet, Expect};
use crate::base::record::Key;

/// The most new records of a kind that are locked one by one.
const FEW: usize = 64;

/// The records that a change set writes or removes.
pub fn changed(changes: &ChangeSet) -> BTreeSet<Key> {
    if changes.requires.is_empty() {
        return BTreeSet::new();
    }
    changes.puts.iter().map(|p| p.record.key()).chain(changes.deletes.iter().map(|d| d.key.clone())).collect()
}

/// Adds the locks of a change set: those held alone, then those shared, each in the order of their numbers.
pub fn add<'a>(changes: &'a ChangeSet, steps: &mut Vec<Step<'a>>) {
    let tenant = changes.tenant.as_str();
    let mut alone = BTreeSet::new();
    if let Some(mark) = &changes.idempotency {
        alone.insert(number(&["request", tenant, &mark.key]));
    }
    let mut fresh: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for put in changes.puts.iter().filter(|p| p.expect == Expect::Absent) {
        fresh.entry(&put.record.kind).or_default().push(put.record.id.as_str());
    }
    for (kind, ids) in fresh {
        if ids.len() > FEW {
            alone.insert(number(&["kind", tenant, kind]));
        } else {
            alone.extend(ids.into_iter().map(|id| number(&["record", tenant, kind, id])));
        }
    }
    let mut shared = BTreeSet::new();
    let deletes = changes.deletes.iter().map(|d| (&d.key, d.expect));
    for (key, expect) in changes.requires.iter().map(|r| (&r.key, r.expect)).chain(deletes) {
        if expect == Expect::Absent {
            shared.insert(number(&["record", tenant, &key.kind, key.id.as_str()]));
            shared.insert(number(&["kind", tenant, &key.kind]));
        }
    }
    for (function, numbers) in [("pg_advisory_xact_lock", alone), ("pg_advisory_xact_lock_shared", shared)] {
        let numbers: Vec<i64> = numbers.into_iter().collect();
        for some in numbers.chunks(FEW) {
            let size = padded(some.len());
            let last = some.last().copied().unwrap_or_default();
            let params = some.iter().copied().chain(std::iter::repeat(last)).take(size).map(Param::Int8).collect();
            let call = format!("{function}(?)");
            steps.push(Step::lock(format!("SELECT {}", vec![call; size].join(", ")), params));
        }
    }
}

/// The number of a lock; the parts are told apart by their lengths.
fn number(parts: &[&str]) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut first = [0_u8; 8];
    first.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_run_into_each_other() {
        assert_ne!(number(&["record", "a", "bc"]), number(&["record", "ab", "c"]));
        assert_eq!(number(&["record", "a", "b"]), number(&["record", "a", "b"]));
    }

    #[test]
    fn many_new_records_lock_their_kind() {
        let put = |id: usize| serde_json::json!({"record": {"kind": "deal", "id": id.to_string(), "version": 1, "schema": 1, "keys": [], "body": {}}, "changed": {}, "expect": "absent"});
        for (count, locks) in [(1, 1), (3, 4), (FEW, FEW), (FEW + 1, 1)] {
            let puts: Vec<_> = (0..count).map(put).collect();
            let changes: ChangeSet = serde_json::from_value(serde_json::json!({"tenant": "t", "puts": puts})).unwrap();
            let mut steps = Vec::new();
            add(&changes, &mut steps);
            assert_eq!(steps.len(), 1);
            assert_eq!(steps[0].statement.params.len(), locks);
        }
    }
}
