//! Opportunities: possible sales, with their stage history.

use serde::{Deserialize, Serialize};

use super::definition::StageKind;
use crate::base::codes::Code;
use crate::base::currency::Currency;
use crate::base::custom::CustomFields;
use crate::base::decimal::Dec;
use crate::base::entity::{Entity, unset};
use crate::base::error::Error;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits::{self, NAME, TEXT};
use crate::base::record::KeyBytes;
use crate::base::time::{Date, Instant};
use crate::entity_basics;

/// One entry of a stage history: the opportunity came into a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageEntry {
    /// The stage.
    pub stage: String,
    /// What the stage meant then.
    pub kind: StageKind,
    /// When the opportunity came into it.
    pub entered_at: Instant,
    /// When that was recorded.
    pub recorded_at: Instant,
    /// Who moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// A possible sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Opportunity {
    /// The id.
    pub id: Id,
    /// Counts the changes from 1.
    #[serde(default, skip_serializing_if = "unset")]
    pub version: u64,
    /// The name.
    pub name: String,
    /// The pipeline it moves through.
    #[serde(default)]
    pub pipeline: String,
    /// The stage it is in.
    pub stage: String,
    /// What that stage means: open, won or lost.
    #[serde(default)]
    pub status: StageKind,
    /// The win probability in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<Dec>,
    /// The account that would buy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Id>,
    /// The user who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Id>,
    /// The product it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Id>,
    /// What it is or was worth, in `currency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Dec>,
    /// The currency of the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The day on which it is expected to close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_close: Option<Date>,
    /// The day on which it was won or lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_on: Option<Date>,
    /// Why it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_reason: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What happens next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Anything worth noting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The stages it was in, first to last.
    #[serde(default)]
    pub history: Vec<StageEntry>,
    /// The custom fields, by their ids.
    #[serde(default, skip_serializing_if = "CustomFields::is_empty")]
    pub custom: CustomFields,
    /// When it came into being.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
}

impl Opportunity {
    /// The fields that a host may fill in and a stage may require.
    pub const FIELDS: &'static [&'static str] = &[
        "name",
        "account",
        "owner",
        "product",
        "amount",
        "currency",
        "expected_close",
        "source",
        "next_step",
        "description",
        "lost_reason",
    ];
    /// The most entries of a stage history.
    pub const HISTORY: usize = 1_000;
    /// The place of the index by status, owner and expected close.
    pub const BY_STATUS: usize = 0;
    /// The place of the index by owner, stage and expected close.
    pub const BY_OWNER: usize = 1;
    /// The place of the index by account.
    pub const BY_ACCOUNT: usize = 2;
    /// The place of the index by pipeline, stage and expected close.
    pub const BY_STAGE: usize = 3;
    /// The place of the index by name.
    pub const BY_NAME: usize = 4;

    /// When the opportunity came into its present stage.
    pub fn stage_since(&self) -> Option<Instant> {
        self.history.last().map(|entry| entry.entered_at)
    }
}

impl Entity for Opportunity {
    const KIND: &'static str = "opportunity";
    const INDEXES: &'static [&'static str] = &["status", "owner", "account", "stage", "name"];

    entity_basics!(created_at, custom);

    fn keys(&self) -> Vec<KeyBytes> {
        let key = KeyBytes::new;
        vec![
            key().text(Some(self.status.name())).id(self.owner.as_ref()).date(self.expected_close),
            key().id(self.owner.as_ref()).exact(&self.stage).date(self.expected_close),
            key().id(self.account.as_ref()),
            key().exact(&self.pipeline).exact(&self.stage).date(self.expected_close),
            key().text(Some(&self.name)),
        ]
    }

    fn violations(&self) -> Vec<Error> {
        let mut found: Vec<Error> = limits::text(&self.name, NAME, "name").err().into_iter().collect();
        let texts = [
            (&self.source, NAME, "source"),
            (&self.next_step, TEXT, "next_step"),
            (&self.description, TEXT, "description"),
        ];
        found.extend(
            texts.into_iter().filter_map(|(text, limit, path)| limits::free_text(text.as_deref()?, limit, path).err()),
        );
        if let Some(amount) = self.amount
            && amount.is_negative()
        {
            found.push(Error::new(Code::NegativeNumber).with("value", amount.to_string()).at("amount"));
        }
        if self.amount.is_some() && self.currency.is_none() {
            found.push(Error::new(Code::MissingField).with("field", "currency").at("currency"));
        }
        found
    }
}
