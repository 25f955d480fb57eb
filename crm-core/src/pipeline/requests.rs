//! What the operations on opportunities are asked and answer.

use serde::{Deserialize, Serialize};

use super::definition::StageKind;
use super::opportunity::Opportunity;
use crate::base::currency::Currency;
use crate::base::custom::{self, CustomChanges, CustomFields};
use crate::base::decimal::Dec;
use crate::base::entity::{Given, Set, Updates};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::time::{Date, Instant};
use crate::condition::wire::{Condition, OrderBy};

/// What is given to create an opportunity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewOpportunity {
    /// The id, if the host has one of its own; otherwise the engine makes a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// The name.
    pub name: String,
    /// The pipeline; the configuration's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// The open stage it starts in; the pipeline's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The account that would buy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Id>,
    /// The user who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Id>,
    /// The product it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Id>,
    /// What it is worth, in `currency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Dec>,
    /// The currency of the amount; the configuration's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The day on which it is expected to close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_close: Option<Date>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What happens next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Anything worth noting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The custom fields, by their ids.
    #[serde(default, skip_serializing_if = "CustomFields::is_empty")]
    pub custom: CustomFields,
    /// When it came into being; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// What is given to change an opportunity: a field left out stays, null empties it. Stages are changed by moves alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpportunityUpdate {
    /// Which one.
    pub id: Id,
    /// The name.
    #[serde(default, skip_serializing_if = "Given::is_none")]
    pub name: Given<String>,
    /// The account that would buy.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub account: Set<Id>,
    /// The user who owns it.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub owner: Set<Id>,
    /// The product it is about.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub product: Set<Id>,
    /// What it is worth, in `currency`.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub amount: Set<Dec>,
    /// The currency of the amount.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub currency: Set<Currency>,
    /// The day on which it is expected to close.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub expected_close: Set<Date>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub source: Set<String>,
    /// What happens next.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub next_step: Set<String>,
    /// Anything worth noting.
    #[serde(default, skip_serializing_if = "Set::is_keep")]
    pub description: Set<String>,
    /// Changes of custom fields, by their ids: one left out stays, null empties it.
    #[serde(default, skip_serializing_if = "CustomChanges::is_empty")]
    pub custom: CustomChanges,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

impl Updates for OpportunityUpdate {
    type Entity = Opportunity;

    fn given(&self) -> (&Id, Option<Instant>) {
        (&self.id, self.effective_at)
    }

    fn apply(&self, to: &mut Opportunity) {
        if let Some(name) = &self.name.0 {
            to.name = name.clone();
        }
        self.account.apply(&mut to.account);
        self.owner.apply(&mut to.owner);
        self.product.apply(&mut to.product);
        self.amount.apply(&mut to.amount);
        self.currency.apply(&mut to.currency);
        self.expected_close.apply(&mut to.expected_close);
        self.source.apply(&mut to.source);
        self.next_step.apply(&mut to.next_step);
        self.description.apply(&mut to.description);
        custom::apply(&self.custom, &mut to.custom);
    }

    fn touch(to: &mut Opportunity, at: Instant) {
        to.updated_at = to.updated_at.max(Some(at));
    }
}

/// Which opportunities to find; all of them without a filter. Ordered by expected close where a filter allows it, else by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindOpportunities {
    /// Open, won or lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StageKind>,
    /// The user who owns them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Id>,
    /// The account that would buy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Id>,
    /// The pipeline; with `stage` the configuration's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// The stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The beginning of the name, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
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

/// A page of opportunities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpportunityPage {
    /// The opportunities.
    pub items: Vec<Opportunity>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Asks what a move would need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequirementsRequest {
    /// The opportunity.
    pub id: Id,
    /// The stage it should move to.
    pub to: String,
}

/// What a move would need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requirements {
    /// The opportunity.
    pub id: Id,
    /// The stage it is in.
    pub from: String,
    /// The stage it should move to.
    pub to: String,
    /// Says whether the move can be made now.
    pub possible: bool,
    /// Says whether the pipeline has this move at all.
    pub move_allowed: bool,
    /// The required fields that are not filled in, in the stage's order.
    pub missing: Vec<String>,
}

/// Moves an open opportunity to another open stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdvanceRequest {
    /// The opportunity.
    pub id: Id,
    /// The stage to move to.
    pub to: String,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// Closes an open opportunity as won.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WinRequest {
    /// The opportunity.
    pub id: Id,
    /// What was sold in the end, in the opportunity's currency; the amount stays when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Dec>,
    /// The won stage; the pipeline's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// Closes an open opportunity as lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoseRequest {
    /// The opportunity.
    pub id: Id,
    /// Why; one of the configuration's lost reasons, where it has any.
    pub reason: String,
    /// The lost stage; the pipeline's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}

/// Opens a won or lost opportunity again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReopenRequest {
    /// The opportunity.
    pub id: Id,
    /// The open stage to go on in; the last open one it was in by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// When it takes effect; the context's `now` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
}
