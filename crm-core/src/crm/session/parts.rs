//! What a session changes beside records and events: timers, claims, counters, numbers.

use serde_json::Value;

use super::Session;
use crate::base::change::{Allocate, Claim, Counter, Timer};
use crate::base::error::Result;
use crate::base::record::Key;
use crate::base::time::Instant;

impl Session<'_> {
    /// Sets or moves the timer of a record and rule; one that is due at or before the context's `quiet_until` is not set, and one that
    /// was set before is removed.
    pub fn timer(&mut self, key: Key, rule: &str, due: Instant) {
        let due = Some(due).filter(|due| !self.is_quiet(*due));
        self.set_timer(key, rule, due);
    }

    /// Says whether a timer due at that moment is not to be set.
    pub fn is_quiet(&self, due: Instant) -> bool {
        self.context.quiet_until.is_some_and(|until| due <= until)
    }

    /// Removes the timer of a record and rule, if it is set.
    pub fn cancel_timer(&mut self, key: Key, rule: &str) {
        self.set_timer(key, rule, None);
    }

    /// Carries out the occurrence of a timer that is due at `fires`, after `failures` failures in a row; the timer is then due at `next`,
    /// or removed. The commit is refused unless the timer is still due exactly then.
    pub fn fire_timer(&mut self, key: Key, rule: &str, fires: Instant, next: Option<Instant>, failures: u32) {
        self.timers.retain(|timer| timer.key != key || timer.rule != rule);
        self.timers.push(Timer { key, rule: rule.to_owned(), due: next, fires: Some(fires), failures });
    }

    /// Sets, moves or removes the timer of a record and rule, whatever is quiet.
    pub fn set_timer(&mut self, key: Key, rule: &str, due: Option<Instant>) {
        match self.timers.iter_mut().find(|timer| timer.key == key && timer.rule == rule) {
            Some(timer) => timer.due = due,
            None => self.timers.push(Timer { key, rule: rule.to_owned(), due, fires: None, failures: 0 }),
        }
    }

    /// Takes a name that only one record of its scope may hold.
    ///
    /// # Errors
    /// `claim_taken` when another record of this session takes it; one of the store is found at the commit.
    pub fn claim(&mut self, scope: &str, name: &str, owner: Key) -> Result<()> {
        let taken = |claim: &&Claim| !claim.release && claim.scope == scope && claim.name == name;
        match self.claims.iter().find(taken) {
            Some(claim) if claim.owner == owner => Ok(()),
            Some(claim) => Err(crate::store::memory::taken(claim)),
            None => {
                self.claims.push(Claim { scope: scope.to_owned(), name: name.to_owned(), owner, release: false });
                Ok(())
            }
        }
    }

    /// Gives a name back.
    pub fn release(&mut self, scope: &str, name: &str, owner: Key) {
        // Releases go before claims in a commit, so what this session took itself is taken out.
        self.claims.retain(|c| c.release || c.scope != scope || c.name != name || c.owner != owner);
        if !self.claims.iter().any(|c| c.release && c.scope == scope && c.name == name) {
            self.claims.push(Claim { scope: scope.to_owned(), name: name.to_owned(), owner, release: true });
        }
    }

    /// Adds to a count that may not pass `max`; a window such as a day is part of its name.
    ///
    /// # Errors
    /// `limit_reached` when this session alone passes the limit; the store's own count is looked at by the commit.
    pub fn count(&mut self, scope: &str, name: &str, delta: i64, max: Option<i64>) -> Result<()> {
        let own = Counter { scope: scope.to_owned(), name: name.to_owned(), delta, max };
        match self.counters.iter_mut().find(|counter| counter.scope == scope && counter.name == name) {
            None => self.counters.push(own),
            Some(counter) => {
                counter.max = counter.max.into_iter().chain(max).min();
                counter.delta = counter.delta.checked_add(delta).ok_or_else(|| crate::store::memory::reached(&own))?;
            }
        }
        Ok(())
    }

    /// Asks for the next number of a series; the token stands for it in bodies, events and the answer until the commit gives it out.
    pub fn number(&mut self, scope: &str, prefix: &str, width: u8) -> Value {
        let place = u32::try_from(self.allocate.len()).unwrap_or(u32::MAX);
        self.allocate.push(Allocate { token: place, scope: scope.to_owned() });
        crate::base::number::token(place, prefix, width)
    }
}
