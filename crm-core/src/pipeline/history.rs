//! The stage history of an opportunity, with the time spent in each stage.

use serde::{Deserialize, Serialize};

use super::definition::StageKind;
use super::opportunity::Opportunity;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::time::Instant;

/// A stay in one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stay {
    /// The stage.
    pub stage: String,
    /// What the stage meant then.
    pub kind: StageKind,
    /// When the opportunity came into it.
    pub entered_at: Instant,
    /// When it left; absent for the present stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Instant>,
    /// How long it stayed, up to the present for the stage it is in, in whole seconds.
    pub seconds: i64,
    /// Who moved it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// The stage history of an opportunity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct History {
    /// The opportunity.
    pub id: Id,
    /// The stays, first to last.
    pub stays: Vec<Stay>,
}

/// Lists the stays of an opportunity up to an instant.
pub fn history(opportunity: &Opportunity, now: Instant) -> History {
    let next = opportunity.history.iter().skip(1).map(|e| Some(e.entered_at)).chain(std::iter::once(None));
    let stays = opportunity.history.iter().zip(next).map(|(entry, left_at)| {
        let micros = left_at.unwrap_or(now).micros().saturating_sub(entry.entered_at.micros());
        Stay {
            stage: entry.stage.clone(),
            kind: entry.kind,
            entered_at: entry.entered_at,
            left_at,
            seconds: micros.div_euclid(1_000_000).max(0),
            actor: entry.actor.clone(),
        }
    });
    History { id: opportunity.id.clone(), stays: stays.collect() }
}
