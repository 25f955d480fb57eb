//! Users: who owns opportunities and accounts.

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::entity::Entity;
use crate::base::error::Error;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits::{self, NAME};
use crate::base::record::KeyBytes;
use crate::base::time::Date;
use crate::condition::wire::{Condition, OrderBy};
use crate::{entity, entity_basics};

/// A time in which a user is away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Absence {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The user who acts meanwhile; the manager where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Id>,
}

entity! {
    /// Somebody who works with the CRM.
    User, NewUser, UserUpdate;
    required {
        /// The full name.
        name: String,
    }
    optional {
        /// The e-mail address.
        email: String,
        /// The user whom this one reports to.
        manager: Id,
        /// The team or regional office.
        team: String,
        /// Set to false when the user no longer works here.
        active: bool,
        /// What the user is in the house, such as `sales_manager`; names of the host's own.
        roles: Vec<String>,
        /// When the user is away, and who acts meanwhile.
        absences: Vec<Absence>,
    }
}

impl Entity for User {
    const KIND: &'static str = "user";
    const INDEXES: &'static [&'static str] = &["name", "manager"];

    entity_basics!(created_at, custom);

    fn keys(&self) -> Vec<KeyBytes> {
        vec![KeyBytes::new().text(Some(&self.name)), KeyBytes::new().id(self.manager.as_ref())]
    }

    fn violations(&self) -> Vec<Error> {
        let optional = [(&self.email, "email"), (&self.team, "team")];
        let texts =
            optional.into_iter().filter_map(|(text, path)| limits::free_text(text.as_deref()?, NAME, path).err());
        let itself = self.manager.as_ref().filter(|m| **m == self.id);
        let itself = itself.map(|id| Error::new(Code::RefersToItself).with("id", id.as_str()).at("manager"));
        let name = limits::text(&self.name, NAME, "name").err();
        name.into_iter().chain(texts).chain(itself).chain(self.wrong_roles()).chain(self.wrong_absences()).collect()
    }
}

impl User {
    /// The most roles, and the most absences.
    pub const LIST: usize = 1_000;

    /// The absence that a day falls in; the first one listed where there are several.
    pub fn absence(&self, on: Date) -> Option<&Absence> {
        self.absences.iter().flatten().find(|absence| absence.from <= on && on <= absence.to)
    }

    fn wrong_roles(&self) -> Vec<Error> {
        let roles = self.roles.as_deref().unwrap_or_default();
        let text = |(place, role): (usize, &String)| limits::text(role, NAME, &format!("roles[{place}]")).err();
        let count = limits::items(roles.len(), Self::LIST, "roles").err();
        count.into_iter().chain(roles.iter().enumerate().filter_map(text)).collect()
    }

    fn wrong_absences(&self) -> Vec<Error> {
        let absences = self.absences.as_deref().unwrap_or_default();
        let mut found: Vec<Error> = limits::items(absences.len(), Self::LIST, "absences").err().into_iter().collect();
        for (place, absence) in absences.iter().enumerate() {
            if absence.from > absence.to {
                let error = Error::new(Code::DatesReversed).with("from", absence.from.to_string());
                found.push(error.with("to", absence.to.to_string()).at(&format!("absences[{place}]")));
            }
            if absence.substitute.as_ref() == Some(&self.id) {
                let error = Error::new(Code::RefersToItself).with("id", self.id.as_str());
                found.push(error.at(&format!("absences[{place}].substitute")));
            }
        }
        found
    }
}

/// Which users to find; all of them without a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindUsers {
    /// The beginning of the name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// Whom they report to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Id>,
    /// A condition that they meet, beside the other filters. What is found is ordered by name then, unless `order` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#where: Option<Condition>,
    /// The order; by any field, at its best one that an index gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderBy>,
    /// At most so many, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The cursor of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of users, ordered by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserPage {
    /// The users.
    pub items: Vec<User>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
