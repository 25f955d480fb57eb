//! What every store checks of a change set before it looks at any record.

use std::collections::BTreeSet;

use super::repository::Part;
use crate::base::change::ChangeSet;
use crate::base::codes::Code;
use crate::base::error::{Error, Result};

/// The most keys that a record has: a store in a database has a column for each.
pub const KEYS: usize = 12;

/// Refuses a change set that a store executing these parts cannot carry out.
///
/// # Errors
/// `unsupported_change` for a part that is not executed; for a record, claim, counter, number or timer that stands twice (which of the
/// two would hold?); for a record with more keys than stores have columns; and for one with numbers, which only a store gives out.
pub fn accept(changes: &ChangeSet, executes: &[Part]) -> Result<()> {
    let refuse = |part: String| Err(Error::new(Code::UnsupportedChange).with("part", part));
    if let Some(part) = parts(changes).find(|part| !executes.contains(part)) {
        return refuse(part.name().to_owned());
    }
    if let Some(put) = changes.puts.iter().find(|p| p.record.keys.len() > KEYS) {
        return refuse(format!("{} keys of a {}", put.record.keys.len(), put.record.kind));
    }
    if let Some(put) = changes.puts.iter().find(|p| !p.record.numbers.is_empty()) {
        return refuse(format!("numbers of a {}", put.record.kind));
    }
    match twice(changes) {
        Some(what) => refuse(format!("two changes of {what}")),
        None => Ok(()),
    }
}

/// The parts that a change set has.
pub fn parts(changes: &ChangeSet) -> impl Iterator<Item = Part> {
    let there = [
        (Part::Claims, !changes.claims.is_empty()),
        (Part::Counters, !changes.counters.is_empty()),
        (Part::Allocate, !changes.allocate.is_empty()),
        (Part::Timers, !changes.timers.is_empty()),
    ];
    there.into_iter().filter_map(|(part, there)| there.then_some(part))
}

fn twice(changes: &ChangeSet) -> Option<String> {
    let puts = changes.puts.iter().map(|p| (p.record.kind.as_str(), &p.record.id));
    let deletes = changes.deletes.iter().map(|d| (d.key.kind.as_str(), &d.key.id));
    if let Some((kind, id)) = repeated(puts.chain(deletes)) {
        return Some(format!("the {kind} {id}"));
    }
    if let Some((scope, name, _)) = repeated(changes.claims.iter().map(|c| (&c.scope, &c.name, c.release))) {
        return Some(format!("the claim {scope} {name}"));
    }
    if let Some((scope, name)) = repeated(changes.counters.iter().map(|c| (&c.scope, &c.name))) {
        return Some(format!("the counter {scope} {name}"));
    }
    if let Some(token) = repeated(changes.allocate.iter().map(|a| a.token)) {
        return Some(format!("the number {token}"));
    }
    let timer = repeated(changes.timers.iter().map(|t| (&t.key.kind, &t.key.id, &t.rule)));
    timer.map(|(kind, id, rule)| format!("the timer {rule} of the {kind} {id}"))
}

fn repeated<T: Ord + Copy>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().find(|item| !seen.insert(*item))
}
