//! A compiled condition.

use std::cmp::Ordering;

use super::catalogue::{Field, Type};
use super::datum::Datum;
use super::row::Row;
use super::wire::ConditionOp;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::text::fold;
use crate::base::time::{Date, Zone};

/// A condition with its fields resolved; asked over many records.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    /// The tree.
    pub(super) root: Node,
    /// The fields that it names, each once.
    pub(super) slots: Vec<Field>,
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Every one holds.
    All(Vec<Node>),
    /// One at least holds.
    Any(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A test of one field.
    Leaf(Leaf),
}

/// A test of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The field's place among the predicate's fields.
    pub slot: usize,
    /// The operator.
    pub op: ConditionOp,
    /// What the field is held against.
    pub against: Against,
}

/// What a field is held against.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// Nothing: the presence alone counts.
    Nothing,
    /// A value.
    Value(Datum),
    /// Several values.
    Values(Vec<Datum>),
    /// A text, folded.
    Text(String),
    /// Another field, by its place among the predicate's fields.
    Field(usize),
    /// Days from today.
    Days(u32),
}

/// When and where a predicate is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    today: Option<Date>,
    zone: Zone,
}

impl Moment {
    /// Today's date, where the predicate needs it.
    pub const fn today(&self) -> Option<Date> {
        self.today
    }
}

impl Predicate {
    /// The tree.
    pub const fn root(&self) -> &Node {
        &self.root
    }

    /// The fields that it names, each once.
    pub fn slots(&self) -> &[Field] {
        &self.slots
    }

    /// Takes from the context what the predicate needs.
    ///
    /// # Errors
    /// `missing_context` when it tests dates against today and the context has no time; `unknown_time_zone`, `invalid_date`.
    pub fn moment(&self, context: &Context) -> Result<Moment> {
        let today = if needs_today(&self.root) { Some(context.today()?) } else { None };
        Ok(Moment { today, zone: context.zone()? })
    }

    /// Says whether the condition holds for a record.
    pub fn holds(&self, row: &Row, moment: &Moment) -> bool {
        self.node(&self.root, row, moment)
    }

    /// Says whether a part of the condition holds.
    pub(super) fn node(&self, node: &Node, row: &Row, moment: &Moment) -> bool {
        match node {
            Node::All(inner) => inner.iter().all(|n| self.node(n, row, moment)),
            Node::Any(inner) => inner.iter().any(|n| self.node(n, row, moment)),
            Node::Not(inner) => !self.node(inner, row, moment),
            Node::Leaf(leaf) => self.leaf(leaf, row, moment),
        }
    }

    fn leaf(&self, leaf: &Leaf, row: &Row, moment: &Moment) -> bool {
        use ConditionOp as Op;
        let found = row.value(leaf.slot);
        let compare = |other: &Datum| {
            let kind = self.slots.get(leaf.slot).map_or(&Type::Name, |field| &field.kind);
            found.and_then(|found| found.compare(other, kind, &moment.zone))
        };
        let equal = |other: &Datum| match found {
            Some(Datum::Names(names)) => matches!(other, Datum::Text(name) if names.contains(name)),
            _ => compare(other) == Some(Ordering::Equal),
        };
        let against = match &leaf.against {
            Against::Value(value) => Some(value),
            Against::Field(slot) => row.value(*slot),
            _ => None,
        };
        let order = || against.and_then(&compare);
        match leaf.op {
            Op::IsSet => found.is_some_and(|f| !f.is_blank()),
            Op::IsEmpty => found.is_none_or(Datum::is_blank),
            Op::Equal => against.is_some_and(equal),
            Op::NotEqual => !against.is_some_and(equal),
            Op::LessThan => order().is_some_and(Ordering::is_lt),
            Op::AtMost => order().is_some_and(Ordering::is_le),
            Op::GreaterThan => order().is_some_and(Ordering::is_gt),
            Op::AtLeast => order().is_some_and(Ordering::is_ge),
            Op::In => matches!(&leaf.against, Against::Values(values) if values.iter().any(equal)),
            Op::NotIn => !matches!(&leaf.against, Against::Values(values) if values.iter().any(equal)),
            Op::Contains | Op::StartsWith | Op::EndsWith => match (&leaf.against, found) {
                (Against::Text(wanted), Some(Datum::Text(text))) => match leaf.op {
                    Op::Contains => fold(text).contains(wanted.as_str()),
                    Op::StartsWith => fold(text).starts_with(wanted.as_str()),
                    _ => fold(text).ends_with(wanted.as_str()),
                },
                (Against::Value(wanted), Some(_)) => equal(wanted),
                _ => false,
            },
            Op::OlderThan | Op::WithinLast | Op::WithinNext | Op::FurtherThan => {
                let (Against::Days(days), Some(day), Some(today)) =
                    (&leaf.against, found.and_then(|f| f.day(&moment.zone)), moment.today)
                else {
                    return false;
                };
                let (ahead, days) = (i64::from(day.days()).saturating_sub(today.days().into()), i64::from(*days));
                match leaf.op {
                    Op::OlderThan => ahead < days.saturating_neg(),
                    Op::WithinLast => ahead <= 0 && ahead >= days.saturating_neg(),
                    Op::WithinNext => ahead >= 0 && ahead <= days,
                    _ => ahead > days,
                }
            }
        }
    }
}

fn needs_today(node: &Node) -> bool {
    match node {
        Node::All(inner) | Node::Any(inner) => inner.iter().any(needs_today),
        Node::Not(inner) => needs_today(inner),
        Node::Leaf(leaf) => matches!(leaf.against, Against::Days(_)),
    }
}
