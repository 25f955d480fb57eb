//! Who acts for whom: substitutes during an absence, and the chain of managers.
//!
//! Both follow references from user to user and stop where one was followed already, so that circles do no harm.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::user::User;
use crate::base::codes::Code;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;
use crate::base::time::{Date, Instant};

/// Asks who acts for a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StandInRequest {
    /// The user.
    pub user: Id,
    /// When; the context's `now` by default. The day is that of the context's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
}

/// Who acts for a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StandIn {
    /// The one who acts: the user where present, else whoever stands in; absent when nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Id>,
}

/// Asks for the managers above a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ManagersRequest {
    /// The user.
    pub user: Id,
}

/// The managers above a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Managers {
    /// The managers, the user's own first.
    pub items: Vec<User>,
}

/// The users that were read: none for an id that is nobody's.
pub type Known = BTreeMap<Id, Option<User>>;

/// An answer, or the user who must be read before it can be given.
pub enum Asked<T> {
    /// The answer, with its reasons.
    Known(T, Vec<Reason>),
    /// The user to read.
    Unknown(Id),
}

/// Finds who acts for a user on a day: the user, or else the substitute of the absence, or else the manager; each of these may be away
/// too, and is asked in the same way.
///
/// # Example: the substitute is away as well, and the manager acts
/// ```
/// use crm_core::base::id::Id;
/// use crm_core::people::standing_in::{stand_in, Asked, Known};
/// let user = |text: &str| serde_json::from_str::<crm_core::people::user::User>(text).unwrap();
/// let away = r#"[{"from": "2026-01-01", "to": "2026-01-31", "substitute": "bo"}]"#;
/// let users = [
///     user(&format!(r#"{{"id": "ada", "name": "Ada", "manager": "cy", "absences": {away}}}"#)),
///     user(r#"{"id": "bo", "name": "Bo", "active": false}"#),
///     user(r#"{"id": "cy", "name": "Cy"}"#),
/// ];
/// let known: Known = users.into_iter().map(|user| (user.id.clone(), Some(user))).collect();
/// let Asked::Known(found, reasons) = stand_in(&known, &Id::new("ada")?, "2026-01-15".parse()?) else { panic!() };
/// assert_eq!(found.unwrap().as_str(), "cy");
/// assert_eq!(reasons[1].english(), "`bo` is the substitute of `ada`");
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn stand_in(known: &Known, user: &Id, on: Date) -> Asked<Option<Id>> {
    let mut search = Search { known, on, asked: BTreeSet::new(), reasons: Vec::new() };
    match search.ask(user) {
        Ok(found) => {
            if found.is_none() {
                search.reasons.push(Reason::new(Code::NobodyStandsIn).with("user", user.as_str()));
            }
            Asked::Known(found, search.reasons)
        }
        Err(unknown) => Asked::Unknown(unknown),
    }
}

struct Search<'a> {
    known: &'a Known,
    on: Date,
    asked: BTreeSet<Id>,
    reasons: Vec<Reason>,
}

impl Search<'_> {
    /// Finds who acts for a user, or the user who must be read first.
    fn ask(&mut self, id: &Id) -> Result<Option<Id>, Id> {
        // Whom to ask next, the last one first.
        let mut next = vec![(id.clone(), None)];
        while let Some((id, reason)) = next.pop() {
            self.reasons.extend(reason);
            if !self.asked.insert(id.clone()) {
                self.say(Code::AskedAlready, &id);
                continue;
            }
            let Some(user) = self.known.get(&id).ok_or_else(|| id.clone())? else {
                self.say(Code::UserUnknown, &id);
                continue;
            };
            let absence = user.absence(self.on);
            if user.active != Some(false) && absence.is_none() {
                let reason = Reason::new(Code::UserPresent).with("user", id.as_str()).show("date", self.on);
                self.reasons.push(reason);
                return Ok(Some(id));
            }
            match absence {
                Some(absence) => {
                    let reason = Reason::new(Code::UserAbsent).with("user", id.as_str());
                    self.reasons.push(reason.show("from", absence.from).show("to", absence.to));
                }
                None => self.say(Code::UserInactive, &id),
            }
            let of = |code: Code, user: &Id| Reason::new(code).with("user", user.as_str()).with("of", id.as_str());
            if let Some(manager) = &user.manager {
                next.push((manager.clone(), Some(of(Code::ManagerAsked, manager))));
            }
            if let Some(substitute) = absence.and_then(|absence| absence.substitute.as_ref()) {
                next.push((substitute.clone(), Some(of(Code::SubstituteAsked, substitute))));
            }
        }
        Ok(None)
    }

    fn say(&mut self, code: Code, user: &Id) {
        self.reasons.push(Reason::new(code).with("user", user.as_str()));
    }
}

/// Finds the managers above a user, the user's own first, up to whoever has none.
///
/// # Example: a circle ends where it began
/// ```
/// use crm_core::base::id::Id;
/// use crm_core::people::standing_in::{managers, Asked, Known};
/// let user = |text: &str| serde_json::from_str::<crm_core::people::user::User>(text).unwrap();
/// let users = [user(r#"{"id": "a", "name": "A", "manager": "b"}"#), user(r#"{"id": "b", "name": "B", "manager": "a"}"#)];
/// let known: Known = users.into_iter().map(|user| (user.id.clone(), Some(user))).collect();
/// let Asked::Known(found, reasons) = managers(&known, &Id::new("a")?) else { panic!() };
/// assert_eq!(found.len(), 1);
/// assert_eq!(reasons[1].english(), "`a` was asked already: the circle ends here");
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn managers(known: &Known, user: &Id) -> Asked<Vec<User>> {
    let (mut found, mut reasons, mut asked) = (Vec::new(), Vec::new(), BTreeSet::from([user.clone()]));
    let mut below = user.clone();
    loop {
        let Some(read) = known.get(&below) else { return Asked::Unknown(below) };
        match read {
            Some(read) if below != *user => found.push(read.clone()),
            Some(_) => {}
            None => reasons.push(Reason::new(Code::UserUnknown).with("user", below.as_str())),
        }
        let Some(manager) = read.as_ref().and_then(|read| read.manager.clone()) else { break };
        if !asked.insert(manager.clone()) {
            reasons.push(Reason::new(Code::AskedAlready).with("user", manager.as_str()));
            break;
        }
        let reason = Reason::new(Code::ManagerAsked).with("user", manager.as_str());
        reasons.push(reason.with("of", below.as_str()));
        below = manager;
    }
    Asked::Known(found, reasons)
}
