//! What is wrong or doubtful in a condition.

use std::cmp::Ordering;

use super::catalogue::{Catalogue, Type};
use super::compile::{beneath, compile_all};
use super::datum::Datum;
use super::predicate::{Against, Leaf, Node, Predicate};
use super::wire::{Condition, ConditionOp};
use crate::base::codes::Code;
use crate::base::error::Error;
use crate::base::time::Zone;

/// What was found in a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// What has to be mended before it may run.
    pub errors: Vec<Error>,
    /// What is doubtful; only looked for where there is no error.
    pub warnings: Vec<Error>,
    /// The compiled condition, where there is no error.
    pub predicate: Option<Predicate>,
}

/// Looks through a condition: everything that is wrong, then parts that always or never hold and amounts in no currency.
pub fn lint(condition: &Condition, catalogue: &Catalogue) -> Findings {
    let (predicate, errors) = compile_all(condition, catalogue);
    if !errors.is_empty() {
        return Findings { errors, warnings: Vec::new(), predicate: None };
    }
    let mut warnings = Vec::new();
    constants(&predicate, &predicate.root, "", &mut warnings);
    bare_amounts(&predicate, &predicate.root, "", &mut warnings);
    Findings { errors, warnings, predicate: Some(predicate) }
}

/// The constant value of a node, where it is plain that it has one; the outermost such nodes are noted.
fn constants(predicate: &Predicate, node: &Node, path: &str, found: &mut Vec<Error>) -> Option<bool> {
    let mut beneath_it = Vec::new();
    let value = match node {
        Node::All(inner) => {
            let values = each(predicate, inner, "all", path, &mut beneath_it);
            let clash = contradicts(predicate, inner);
            match () {
                () if clash || values.contains(&Some(false)) => Some(false),
                () if values.iter().all(|v| *v == Some(true)) => Some(true),
                () => None,
            }
        }
        Node::Any(inner) => {
            let values = each(predicate, inner, "any", path, &mut beneath_it);
            match () {
                () if values.contains(&Some(true)) => Some(true),
                () if values.iter().all(|v| *v == Some(false)) => Some(false),
                () => None,
            }
        }
        Node::Not(inner) => constants(predicate, inner, &beneath(path, "not"), &mut beneath_it).map(|v| !v),
        Node::Leaf(leaf) => constant(leaf),
    };
    match value {
        Some(always) => {
            let code = if always { Code::AlwaysTrue } else { Code::AlwaysFalse };
            found.push(Error::new(code).at(path));
        }
        None => found.append(&mut beneath_it),
    }
    value
}

fn each(predicate: &Predicate, inner: &[Node], group: &str, path: &str, found: &mut Vec<Error>) -> Vec<Option<bool>> {
    let one = |(place, node)| constants(predicate, node, &beneath(path, &format!("{group}[{place}]")), found);
    inner.iter().enumerate().map(one).collect()
}

fn constant(leaf: &Leaf) -> Option<bool> {
    match (leaf.op, &leaf.against) {
        (ConditionOp::In, Against::Values(values)) if values.is_empty() => Some(false),
        (ConditionOp::NotIn, Against::Values(values)) if values.is_empty() => Some(true),
        (ConditionOp::LessThan | ConditionOp::GreaterThan, Against::Field(other)) if *other == leaf.slot => Some(false),
        _ => None,
    }
}

/// Says whether two tests of one field among these exclude each other.
fn contradicts(predicate: &Predicate, inner: &[Node]) -> bool {
    let leaves: Vec<&Leaf> = inner
        .iter()
        .filter_map(|node| match node {
            Node::Leaf(leaf) => Some(leaf),
            _ => None,
        })
        .collect();
    leaves.iter().enumerate().any(|(place, first)| {
        let later = leaves.iter().skip(place.saturating_add(1));
        later.filter(|second| second.slot == first.slot).any(|second| excludes(predicate, first, second))
    })
}

fn excludes(predicate: &Predicate, a: &Leaf, b: &Leaf) -> bool {
    use ConditionOp as Op;
    let bound = |leaf: &Leaf| match &leaf.against {
        Against::Value(value) => Some(value.clone()),
        _ => None,
    };
    match (a.op, b.op) {
        (Op::IsSet, Op::IsEmpty) | (Op::IsEmpty, Op::IsSet) => return true,
        _ => {}
    }
    let (Some(kind), Some(x), Some(y)) = (predicate.slots.get(a.slot).map(|f| &f.kind), bound(a), bound(b)) else {
        return false;
    };
    // An instant's day needs a zone, and several names may stand side by side.
    if matches!(kind, Type::Choices(_))
        || matches!((kind, &x, &y), (Type::Instant, Datum::Date(_), _) | (Type::Instant, _, Datum::Date(_)))
    {
        return false;
    }
    let Ok(zone) = "UTC".parse::<Zone>() else { return false };
    if let (Datum::Money(_, p), Datum::Money(_, q)) = (&x, &y)
        && p != q
    {
        return false;
    }
    let Some(order) = x.compare(&y, kind, &zone) else { return false };
    let low = |op| matches!(op, Op::Equal | Op::AtLeast | Op::GreaterThan);
    let high = |op| matches!(op, Op::Equal | Op::AtMost | Op::LessThan);
    let strict = |op| matches!(op, Op::LessThan | Op::GreaterThan);
    let apart = |order: Ordering| order.is_gt() || (order.is_eq() && (strict(a.op) || strict(b.op)));
    (low(a.op) && high(b.op) && apart(order)) || (high(a.op) && low(b.op) && apart(order.reverse()))
}

fn bare_amounts(predicate: &Predicate, node: &Node, path: &str, found: &mut Vec<Error>) {
    let mut groups = |inner: &[Node], group: &str| {
        for (place, node) in inner.iter().enumerate() {
            bare_amounts(predicate, node, &beneath(path, &format!("{group}[{place}]")), found);
        }
    };
    match node {
        Node::All(inner) => groups(inner, "all"),
        Node::Any(inner) => groups(inner, "any"),
        Node::Not(inner) => bare_amounts(predicate, inner, &beneath(path, "not"), found),
        Node::Leaf(leaf) => {
            let bare = |datum: &Datum| matches!(datum, Datum::Money(_, None));
            let is_bare = match &leaf.against {
                Against::Value(value) => bare(value),
                Against::Values(values) => values.iter().any(bare),
                _ => false,
            };
            if is_bare {
                let field = predicate.slots.get(leaf.slot).map(|f| f.name.clone()).unwrap_or_default();
                found.push(Error::new(Code::AmountWithoutCurrency).with("field", field).at(path));
            }
        }
    }
}
