//! Products: what is sold.

use serde::{Deserialize, Serialize};

use crate::base::entity::Entity;
use crate::base::error::Error;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits::{self, NAME, TEXT};
use crate::base::record::KeyBytes;
use crate::condition::wire::{Condition, OrderBy};
use crate::{entity, entity_basics};

entity! {
    /// Something that is sold.
    Product, NewProduct, ProductUpdate;
    required {
        /// The name.
        name: String,
    }
    optional {
        /// The code or model number.
        code: String,
        /// The category or series.
        category: String,
        /// The unit in which it is sold, such as `piece` or `hour`.
        unit: String,
        /// Anything worth noting.
        description: String,
        /// Set to false when it is no longer sold.
        active: bool,
    }
}

impl Entity for Product {
    const KIND: &'static str = "product";
    const INDEXES: &'static [&'static str] = &["name", "code"];

    entity_basics!(created_at, custom);

    fn keys(&self) -> Vec<KeyBytes> {
        vec![KeyBytes::new().text(Some(&self.name)), KeyBytes::new().text(self.code.as_deref())]
    }

    fn violations(&self) -> Vec<Error> {
        let short = [(&self.code, "code"), (&self.category, "category"), (&self.unit, "unit")];
        let mut found: Vec<Error> = limits::text(&self.name, NAME, "name").err().into_iter().collect();
        found
            .extend(short.into_iter().filter_map(|(text, path)| limits::free_text(text.as_deref()?, NAME, path).err()));
        found.extend(self.description.as_deref().and_then(|d| limits::free_text(d, TEXT, "description").err()));
        found
    }
}

/// Which products to find; all of them without a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindProducts {
    /// The beginning of the name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// The code, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
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

/// A page of products, ordered by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProductPage {
    /// The products.
    pub items: Vec<Product>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
