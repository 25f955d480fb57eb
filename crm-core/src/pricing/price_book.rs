//! Price books: what each product costs, in one currency.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::entity::Entity;
use crate::base::error::Error;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits::{self, NAME};
use crate::base::record::KeyBytes;
use crate::{entity, entity_basics};

/// The price of one product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceEntry {
    /// The product.
    pub product: Id,
    /// The price of one unit, in the book's currency.
    pub unit_price: Dec,
}

entity! {
    /// A list of prices in one currency.
    PriceBook, NewPriceBook, PriceBookUpdate;
    required {
        /// The name.
        name: String,
        /// The currency of every price in it.
        currency: Currency,
        /// The prices, one a product.
        entries: Vec<PriceEntry>,
    }
    optional {
        /// Set to false when it is no longer used.
        active: bool,
    }
}

impl PriceBook {
    /// The most prices in a book.
    pub const ENTRIES: usize = 10_000;

    /// The price of a product, when the book has one.
    pub fn unit_price(&self, product: &Id) -> Option<Dec> {
        self.entries.iter().find(|entry| entry.product == *product).map(|entry| entry.unit_price)
    }
}

impl Entity for PriceBook {
    const KIND: &'static str = "price_book";
    const INDEXES: &'static [&'static str] = &["name"];

    entity_basics!(created_at, custom);

    fn keys(&self) -> Vec<KeyBytes> {
        vec![KeyBytes::new().text(Some(&self.name))]
    }

    fn violations(&self) -> Vec<Error> {
        let mut found: Vec<Error> = limits::text(&self.name, NAME, "name").err().into_iter().collect();
        found.extend(limits::items(self.entries.len(), Self::ENTRIES, "entries").err());
        let mut seen = BTreeSet::new();
        for (place, entry) in self.entries.iter().enumerate() {
            if !seen.insert(&entry.product) {
                found.push(
                    Error::new(Code::DuplicateId)
                        .with("id", entry.product.as_str())
                        .at(&format!("entries[{place}].product")),
                );
            }
            if entry.unit_price.is_negative() {
                found.push(
                    Error::new(Code::NegativeNumber)
                        .with("value", entry.unit_price.to_string())
                        .at(&format!("entries[{place}].unit_price")),
                );
            }
        }
        found
    }
}

/// Which price books to find; all of them without a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindPriceBooks {
    /// The beginning of the name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// At most so many, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The cursor of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of price books, ordered by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceBookPage {
    /// The price books.
    pub items: Vec<PriceBook>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
