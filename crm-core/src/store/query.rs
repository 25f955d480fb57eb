//! Queries: a closed form over declared indexes, so that every store answers the same.

use serde::{Deserialize, Serialize};

use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::order;
use crate::base::record::{KeyBytes, Record};

/// One test of an index key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// The key is one of these.
    In {
        /// The index's place among the kind's indexes.
        index: usize,
        /// The keys, in byte order.
        keys: Vec<KeyBytes>,
    },
    /// The key begins with these bytes.
    Prefix {
        /// The index's place among the kind's indexes.
        index: usize,
        /// The first bytes.
        prefix: KeyBytes,
    },
    /// The key is at or after `from` and before `to`.
    Range {
        /// The index's place among the kind's indexes.
        index: usize,
        /// The first key inside.
        from: Option<KeyBytes>,
        /// The first key outside.
        to: Option<KeyBytes>,
    },
}

/// The place after which a page begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The order index's key of the last record seen; empty when ordered by id alone.
    pub key: KeyBytes,
    /// The id of the last record seen.
    pub id: Id,
}

/// What a store is asked for: the records of a kind that pass every test, ordered by an index and then by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Whose records.
    pub tenant: String,
    /// The kind.
    pub kind: String,
    /// All must hold.
    pub tests: Vec<Test>,
    /// The index to order by, or nothing to order by id alone.
    pub order: Option<usize>,
    /// Turns the order round, ids included.
    pub descending: bool,
    /// Where the page begins.
    pub after: Option<After>,
    /// At most so many records.
    pub limit: usize,
}

impl Test {
    /// Says whether a record passes.
    pub fn holds(&self, record: &Record) -> bool {
        let key = |index: &usize| record.keys.get(*index);
        match self {
            Test::In { index, keys } => key(index).is_some_and(|k| keys.contains(k)),
            Test::Prefix { index, prefix } => key(index).is_some_and(|k| k.starts_with(prefix)),
            Test::Range { index, from, to } => {
                key(index).is_some_and(|k| from.as_ref().is_none_or(|f| k >= f) && to.as_ref().is_none_or(|t| k < t))
            }
        }
    }
}

impl Query {
    /// The records of a kind, ordered by id.
    pub fn of(tenant: &str, kind: &str, limit: usize) -> Self {
        Query {
            tenant: tenant.to_owned(),
            kind: kind.to_owned(),
            tests: Vec::new(),
            order: None,
            descending: false,
            after: None,
            limit,
        }
    }

    /// The key by which a record stands in this query's order.
    pub fn order_key(&self, record: &Record) -> KeyBytes {
        self.order.and_then(|index| record.keys.get(index).cloned()).unwrap_or_default()
    }

    /// The order of two records in this query.
    pub fn compare(&self, a: &Record, b: &Record) -> std::cmp::Ordering {
        let order = self.order_key(a).cmp(&self.order_key(b)).then_with(|| a.id.cmp(&b.id));
        if self.descending { order.reverse() } else { order }
    }

    /// Says whether a record belongs to the answer, the limit left aside.
    pub fn matches(&self, record: &Record) -> bool {
        record.kind == self.kind
            && self.tests.iter().all(|test| test.holds(record))
            && self.after.as_ref().is_none_or(|a| self.is_after(record, a))
    }

    fn is_after(&self, record: &Record, after: &After) -> bool {
        let order = self.order_key(record).cmp(&after.key).then_with(|| record.id.cmp(&after.id));
        if self.descending { order.is_lt() } else { order.is_gt() }
    }

    /// Answers the query from records at hand.
    pub fn select<'a>(&self, records: impl Iterator<Item = &'a Record>) -> Vec<Record> {
        let mut found: Vec<&Record> = records.filter(|r| self.matches(r)).collect();
        self.sort(&mut found);
        found.into_iter().take(self.limit).cloned().collect()
    }

    /// Puts records into the query's order.
    pub fn sort(&self, records: &mut Vec<&Record>) {
        order::sort(records, &|a, b| self.compare(a, b));
    }
}
