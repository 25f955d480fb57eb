//! Planning: from a condition to a query over declared indexes.
//!
//! The query finds every record for which the condition can hold, and maybe more: what it finds is asked once more ([`super::search`]).
//! So a plan may be coarse, but never too narrow.

use std::collections::BTreeMap;

use super::query::Test;
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::order;
use crate::base::record::KeyBytes;
use crate::base::text::clip;
use crate::base::time::{Date, Instant};
use crate::condition::catalogue::{Catalogue, Field, Type};
use crate::condition::datum::Datum;
use crate::condition::predicate::{Against, Leaf, Moment, Node, Predicate};
use crate::condition::wire::ConditionOp;

/// How a field's value becomes the part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Case-folded text.
    Text,
    /// A name or an id, exactly as written.
    Exact,
    /// A calendar date.
    Date,
    /// An instant.
    Instant,
    /// A yes or no.
    Flag,
    /// A decimal, or an amount without its currency.
    Decimal,
}

/// A part of an index: a field and how it is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The field.
    pub field: String,
    /// The coding.
    pub coding: Coding,
}

/// A declared index: its parts in order. A kind's indexes stand in the order of its records' keys.
pub type Index = Vec<Part>;

/// Writes down an index.
pub fn index(parts: &[(&str, Coding)]) -> Index {
    parts.iter().map(|(field, coding)| Part { field: (*field).to_owned(), coding: *coding }).collect()
}

/// The key of an index for a record's values, the same that its entity makes.
pub fn key<'a>(index: &Index, value: impl Fn(&str) -> Option<&'a Datum>) -> KeyBytes {
    index.iter().fold(KeyBytes::new(), |key, part| part.coding.add(key, value(&part.field)))
}

impl Coding {
    /// How a field of a type is coded when it is sorted without an index; nothing for several names.
    pub const fn of(kind: &Type) -> Option<Coding> {
        Some(match kind {
            Type::Text => Coding::Text,
            Type::Name | Type::Id | Type::Currency | Type::Choice(_) => Coding::Exact,
            Type::Decimal | Type::Money => Coding::Decimal,
            Type::Date => Coding::Date,
            Type::Instant => Coding::Instant,
            Type::Flag => Coding::Flag,
            Type::Choices(_) => return None,
        })
    }

    /// Adds a value to a key.
    #[must_use]
    pub fn add(self, key: KeyBytes, value: Option<&Datum>) -> KeyBytes {
        match (self, value) {
            (Coding::Text, Some(Datum::Text(text))) => key.text(Some(text)),
            (Coding::Exact, Some(Datum::Text(text))) => key.exact(text),
            (Coding::Date, Some(Datum::Date(date))) => key.date(Some(*date)),
            (Coding::Instant, Some(Datum::Instant(instant))) => key.instant(Some(*instant)),
            (Coding::Flag, Some(Datum::Flag(flag))) => key.flag(Some(*flag)),
            (Coding::Decimal, Some(Datum::Number(number) | Datum::Money(number, _))) => key.decimal(Some(*number)),
            _ => key.text(None),
        }
    }
}

/// How the records are to be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field; the id decides between equals, and alone where this is `id`.
    pub field: String,
    /// Turns the order round, ids included.
    pub descending: bool,
}

/// How a plan's order comes about.
#[derive(Clone, Debug, PartialEq)]
pub enum Sorting {
    /// The store gives it: by an index, or by id alone.
    Stored(Option<usize>),
    /// All that match are read and sorted by this field.
    InMemory(Field, Coding),
}

/// What the store is asked for, and how the rest is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The tests of the query; every record for which the condition can hold passes them.
    pub tests: Vec<Test>,
    /// Says that no record can match.
    pub nothing: bool,
    /// The order.
    pub sorting: Sorting,
    /// Turns the order round.
    pub descending: bool,
}

/// Plans a search.
///
/// # Errors
/// `unknown_field` for an order by a field that the catalogue does not have; `order_not_possible` for one of several values.
pub fn plan(
    predicate: &Predicate,
    moment: &Moment,
    indexes: &[Index],
    catalogue: &Catalogue,
    order: &Order,
) -> Result<Plan> {
    let mut codings = BTreeMap::new();
    for part in indexes.iter().flatten() {
        codings.insert(part.field.as_str(), part.coding);
    }
    let planner = Planner { predicate, moment, codings };
    let regions = planner.regions(predicate.root(), false);
    let nothing = regions.is_none();
    let regions = regions.unwrap_or_default();
    let region =
        |field: &str| predicate.slots().iter().position(|slot| slot.name == field).and_then(|slot| regions.get(&slot));
    let mut found: Vec<Candidate> =
        indexes.iter().enumerate().filter_map(|(place, index)| candidate(place, index, &region)).collect();
    let sorting = sorting(indexes, catalogue, order, &region)?;
    // The most telling index first; one that only repeats what others test is left out, unless the order needs it.
    let rank = |c: &Candidate| std::cmp::Reverse((Some(c.place) == stored(&sorting), c.pinned, c.fields.len()));
    order::sort(&mut found, &|a, b| rank(a).cmp(&rank(b)));
    let (mut tests, mut covered) = (Vec::new(), Vec::new());
    for candidate in found {
        if Some(candidate.place) == stored(&sorting) || candidate.fields.iter().any(|f| !covered.contains(f)) {
            covered.extend(candidate.fields);
            tests.push(candidate.test);
        }
    }
    Ok(Plan { tests, nothing, sorting, descending: order.descending })
}

const fn stored(sorting: &Sorting) -> Option<usize> {
    match sorting {
        Sorting::Stored(index) => *index,
        Sorting::InMemory(..) => None,
    }
}

/// The index that gives an order: the field is its last part, and every part before has one value alone.
fn sorting<'r>(
    indexes: &[Index],
    catalogue: &Catalogue,
    order: &Order,
    region: &impl Fn(&str) -> Option<&'r Region>,
) -> Result<Sorting> {
    if order.field == "id" {
        return Ok(Sorting::Stored(None));
    }
    let Some(field) = catalogue.find(&order.field) else {
        let names: Vec<&str> = catalogue.fields().map(|field| field.name.as_str()).collect();
        let hint = hint(&order.field, names.iter().copied());
        let error = Error::new(Code::UnknownField).with("field", clip(&order.field)).with("hint", hint);
        return Err(error.at("order.field"));
    };
    let gives = |index: &Index| {
        index.split_last().is_some_and(|(last, before)| {
            last.field == order.field && before.iter().all(|part| region(&part.field).is_some_and(is_one_point))
        })
    };
    if let Some(place) = indexes.iter().position(gives) {
        return Ok(Sorting::Stored(Some(place)));
    }
    let Some(coding) = Coding::of(&field.kind) else {
        let error = Error::new(Code::OrderNotPossible).with("field", order.field.clone());
        return Err(error.at("order.field"));
    };
    Ok(Sorting::InMemory(field.clone(), coding))
}

/// The parts of keys between two bounds; `to` is outside. A point is every key that begins with one part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Interval {
    from: Vec<u8>,
    to: Vec<u8>,
    point: bool,
}

/// Where a field's part of a key can lie for the condition to hold; sorted and apart.
type Region = Vec<Interval>;

/// What each field's part of a key must lie in; nothing at all when the condition can never hold.
type Regions = Option<BTreeMap<usize, Region>>;

fn is_one_point(region: &Region) -> bool {
    matches!(region.as_slice(), [only] if only.point)
}

/// The first bytes after everything that begins with these.
fn successor(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte != u8::MAX).unwrap_or(0);
    let mut out = bytes.get(..=end).unwrap_or_default().to_vec();
    if let Some(last) = out.last_mut() {
        *last = last.saturating_add(1);
    }
    out
}

fn point(key: &KeyBytes) -> Interval {
    Interval { from: key.bytes().to_vec(), to: successor(key.bytes()), point: true }
}

fn range(from: Vec<u8>, to: Vec<u8>) -> Interval {
    Interval { from, to, point: false }
}

/// Every present value.
fn present() -> Interval {
    range(vec![1], vec![2])
}

fn joined(mut intervals: Region) -> Region {
    order::sort(&mut intervals, &Ord::cmp);
    intervals.dedup();
    let mut out: Region = Vec::new();
    for next in intervals {
        match out.last_mut() {
            Some(last) if next.from < last.to => {
                last.to = last.to.clone().max(next.to);
                last.point = false;
            }
            _ => out.push(next),
        }
    }
    out
}

fn intersected(a: &Region, b: &Region) -> Region {
    let mut out = Vec::new();
    for x in a {
        for y in b {
            let (from, to) = (x.from.clone().max(y.from.clone()), x.to.clone().min(y.to.clone()));
            if from < to {
                let whole = |i: &Interval| i.point && i.from == from && i.to == to;
                out.push(Interval { point: whole(x) || whole(y), from, to });
            }
        }
    }
    joined(out)
}

struct Planner<'a> {
    predicate: &'a Predicate,
    moment: &'a Moment,
    codings: BTreeMap<&'a str, Coding>,
}

impl Planner<'_> {
    fn regions(&self, node: &Node, negated: bool) -> Regions {
        match (node, negated) {
            (Node::Not(inner), _) => self.regions(inner, !negated),
            (Node::All(inner), false) | (Node::Any(inner), true) => {
                let mut all: BTreeMap<usize, Region> = BTreeMap::new();
                for node in inner {
                    for (slot, region) in self.regions(node, negated)? {
                        let both = all.get(&slot).map_or_else(|| region.clone(), |known| intersected(known, &region));
                        if both.is_empty() {
                            return None;
                        }
                        all.insert(slot, both);
                    }
                }
                Some(all)
            }
            (Node::Any(inner), false) | (Node::All(inner), true) => {
                let branches: Vec<_> = inner.iter().filter_map(|node| self.regions(node, negated)).collect();
                let (first, rest) = branches.split_first()?;
                let shared = first.iter().filter_map(|(slot, region)| {
                    let mut union = region.clone();
                    for branch in rest {
                        union.extend(branch.get(slot)?.iter().cloned());
                    }
                    Some((*slot, joined(union)))
                });
                Some(order::map(shared))
            }
            (Node::Leaf(leaf), _) => match self.leaf(leaf, negated) {
                None => Some(BTreeMap::new()),
                Some(region) if region.is_empty() => None,
                Some(region) => Some(order::map([(leaf.slot, joined(region))])),
            },
        }
    }

    /// Where the field's part of a key can lie; nothing when it may lie anywhere or has no index.
    fn leaf(&self, leaf: &Leaf, negated: bool) -> Option<Region> {
        use ConditionOp as Op;
        let field = self.predicate.slots().get(leaf.slot)?;
        let coding = *self.codings.get(field.name.as_str())?;
        let op = match (leaf.op, negated) {
            (op, false) => op,
            (Op::NotEqual, true) => Op::Equal,
            (Op::NotIn, true) => Op::In,
            (Op::IsSet, true) => Op::IsEmpty,
            (Op::IsEmpty, true) => Op::IsSet,
            _ => return None,
        };
        match (op, &leaf.against) {
            (Op::NotEqual | Op::NotIn, _) => None,
            // A blank text is empty too, but not missing; an id is never blank.
            (Op::IsEmpty, _) => match field.kind {
                Type::Id | Type::Date | Type::Instant | Type::Flag | Type::Decimal => {
                    Some(vec![point(&KeyBytes::new().text(None))])
                }
                _ => None,
            },
            (Op::In, Against::Values(values)) => {
                values.iter().map(|value| equal(coding, value)).collect::<Option<Vec<_>>>()
            }
            (Op::Equal, Against::Value(value)) => Some(vec![equal(coding, value)?]),
            (Op::LessThan | Op::AtMost, Against::Value(value)) => Some(vec![range(vec![1], equal(coding, value)?.to)]),
            (Op::GreaterThan | Op::AtLeast, Against::Value(value)) => {
                Some(vec![range(equal(coding, value)?.from, vec![2])])
            }
            (Op::StartsWith, Against::Text(text)) => {
                let key = KeyBytes::new().text(Some(text));
                let start = key.bytes().split_last().map(|(_, start)| start.to_vec()).unwrap_or_default();
                let end = successor(&start);
                Some(vec![range(start, end)])
            }
            (Op::OlderThan | Op::WithinLast | Op::WithinNext | Op::FurtherThan, Against::Days(days)) => {
                let (today, days) = (self.moment.today()?, i64::from(*days));
                let bound = |days: i64| today.plus_days(days).and_then(|day| equal(coding, &Datum::Date(day)));
                let from = |days: i64| bound(days).map_or(vec![1], |interval| interval.from);
                let to = |days: i64| bound(days).map_or(vec![2], |interval| interval.to);
                let back = days.saturating_neg();
                Some(vec![match op {
                    Op::OlderThan => range(vec![1], to(back)),
                    Op::WithinLast => range(from(back), to(0)),
                    Op::WithinNext => range(from(0), to(days)),
                    _ => range(from(days), vec![2]),
                }])
            }
            _ => Some(vec![present()]),
        }
    }
}

/// The keys of a value: a point, or for a date against instants the instants of that day in any zone.
fn equal(coding: Coding, value: &Datum) -> Option<Interval> {
    if let (Coding::Instant, Datum::Date(day)) = (coding, value) {
        let edge = |days: i64| day.plus_days(days).map(Date::midnight_utc).map(|at| instant(at).from);
        return Some(range(edge(-2).unwrap_or(vec![1]), edge(3).unwrap_or(vec![2])));
    }
    let fits = matches!(
        (coding, value),
        (Coding::Text | Coding::Exact, Datum::Text(_))
            | (Coding::Date, Datum::Date(_))
            | (Coding::Instant, Datum::Instant(_))
            | (Coding::Flag, Datum::Flag(_))
            | (Coding::Decimal, Datum::Number(_) | Datum::Money(..))
    );
    fits.then(|| point(&coding.add(KeyBytes::new(), Some(value))))
}

fn instant(at: Instant) -> Interval {
    point(&KeyBytes::new().instant(Some(at)))
}

/// A test that an index offers.
struct Candidate {
    place: usize,
    test: Test,
    fields: Vec<String>,
    pinned: usize,
}

/// The most keys that one test lists.
const LIST: usize = 64;

fn candidate<'r>(place: usize, index: &Index, region: &impl Fn(&str) -> Option<&'r Region>) -> Option<Candidate> {
    let mut starts: Vec<Vec<u8>> = vec![Vec::new()];
    let (mut fields, mut pinned, mut bounds) = (Vec::new(), 0_usize, None);
    for part in index {
        let Some(region) = region(&part.field) else { break };
        fields.push(part.field.clone());
        if region.iter().all(|i| i.point) && starts.len().saturating_mul(region.len()) <= LIST {
            let longer =
                |start: &Vec<u8>| region.iter().map(|i| [start.as_slice(), &i.from].concat()).collect::<Vec<_>>();
            starts = starts.iter().flat_map(longer).collect();
            pinned = pinned.saturating_add(1);
            continue;
        }
        bounds = Some((region.first()?.from.clone(), region.last()?.to.clone()));
        break;
    }
    if fields.is_empty() {
        return None;
    }
    order::sort(&mut starts, &Ord::cmp);
    let key = |bytes: Vec<u8>| KeyBytes::from_bytes(bytes);
    let (first, last) = (starts.first()?.clone(), starts.last()?.clone());
    let test = match bounds {
        Some((from, to)) => {
            Test::Range { index: place, from: Some(key([first, from].concat())), to: Some(key([last, to].concat())) }
        }
        None if pinned == index.len() => Test::In { index: place, keys: starts.into_iter().map(key).collect() },
        None if starts.len() == 1 => Test::Prefix { index: place, prefix: key(first) },
        None => Test::Range { index: place, from: Some(key(first)), to: Some(key(successor(&last))) },
    };
    Some(Candidate { place, test, fields, pinned })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
