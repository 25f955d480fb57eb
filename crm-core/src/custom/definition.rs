//! The declaration of a custom field.

use serde::{Deserialize, Serialize};

use crate::base::json::{FromJson, ToJson};
use crate::condition::catalogue::Type;

/// The type of a custom field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CustomType {
    /// Free text of at most 10,000 characters.
    Text,
    /// An exact decimal.
    #[serde(rename = "decimal")]
    Number,
    /// An integer.
    Integer,
    /// A calendar date.
    Date,
    /// An instant.
    Instant,
    /// True or false.
    Flag,
    /// One of the options.
    Picklist,
    /// Any of the options, each at most once.
    MultiPicklist,
    /// The id of a record.
    Reference,
}

impl CustomType {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            CustomType::Text => "text",
            CustomType::Number => "decimal",
            CustomType::Integer => "integer",
            CustomType::Date => "date",
            CustomType::Instant => "instant",
            CustomType::Flag => "flag",
            CustomType::Picklist => "picklist",
            CustomType::MultiPicklist => "multi_picklist",
            CustomType::Reference => "reference",
        }
    }
}

/// A field that a tenant adds to a kind of record. It stands in the record's `custom` and in conditions as `custom.<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomField {
    /// The kind of record, such as `opportunity`.
    pub kind: String,
    /// The id: lower-case letters, digits and `_`, beginning with a letter.
    pub id: String,
    /// The type.
    pub r#type: CustomType,
    /// The name that people read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Set when a record cannot be without it.
    #[serde(default)]
    pub required: bool,
    /// Set when no two records of the kind may have the same value; texts count as the same in any case.
    #[serde(default)]
    pub unique: bool,
    /// What may be picked, for `picklist` and `multi_picklist`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The kind of record that a `reference` leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<String>,
}

impl CustomField {
    /// The type under which conditions know it.
    pub fn condition_type(&self) -> Type {
        match self.r#type {
            CustomType::Text => Type::Text,
            CustomType::Number | CustomType::Integer => Type::Decimal,
            CustomType::Date => Type::Date,
            CustomType::Instant => Type::Instant,
            CustomType::Flag => Type::Flag,
            CustomType::Picklist => Type::Choice(self.options.clone()),
            CustomType::MultiPicklist => Type::Choices(self.options.clone()),
            CustomType::Reference => Type::Id,
        }
    }
}
