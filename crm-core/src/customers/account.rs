//! Accounts: the companies and persons that are sold to.

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::entity::Entity;
use crate::base::error::Error;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits::{self, NAME, TEXT};
use crate::base::money::Money;
use crate::base::record::KeyBytes;
use crate::condition::wire::{Condition, OrderBy};
use crate::{entity, entity_basics};

entity! {
    /// A company or person that is sold to.
    Account, NewAccount, AccountUpdate;
    required {
        /// The name.
        name: String,
    }
    optional {
        /// The industry.
        industry: String,
        /// The country of the head office.
        country: String,
        /// The region in which it is sold to.
        region: String,
        /// The web site.
        website: String,
        /// The telephone number, as written.
        phone: String,
        /// The number of employees.
        employees: u64,
        /// The revenue of a year.
        annual_revenue: Money,
        /// The year in which it was founded.
        founded: u32,
        /// The account that this one belongs to.
        parent: Id,
        /// The user who owns it.
        owner: Id,
        /// Anything worth noting.
        description: String,
    }
}

impl Entity for Account {
    const KIND: &'static str = "account";
    const INDEXES: &'static [&'static str] = &["name", "owner", "industry"];

    entity_basics!(created_at, custom);

    fn keys(&self) -> Vec<KeyBytes> {
        let name = || KeyBytes::new().text(Some(&self.name));
        vec![name(), KeyBytes::new().id(self.owner.as_ref()), KeyBytes::new().text(self.industry.as_deref())]
    }

    fn violations(&self) -> Vec<Error> {
        let short = [
            (&self.industry, "industry"),
            (&self.country, "country"),
            (&self.region, "region"),
            (&self.website, "website"),
            (&self.phone, "phone"),
        ];
        let mut found: Vec<Error> = limits::text(&self.name, NAME, "name").err().into_iter().collect();
        found
            .extend(short.into_iter().filter_map(|(text, path)| limits::free_text(text.as_deref()?, NAME, path).err()));
        found.extend(self.description.as_deref().and_then(|d| limits::free_text(d, TEXT, "description").err()));
        if self.parent.as_ref() == Some(&self.id) {
            found.push(Error::new(Code::RefersToItself).with("id", self.id.as_str()).at("parent"));
        }
        found
    }
}

/// Which accounts to find; all of them without a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindAccounts {
    /// The beginning of the name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// The user who owns them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Id>,
    /// The industry, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
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

/// A page of accounts, ordered by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountPage {
    /// The accounts.
    pub items: Vec<Account>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
