//! Pipelines as configuration: stages, probabilities, allowed moves, required fields.

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::json::{FromJson, ToJson};

/// What a stage means, whatever it is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StageKind {
    /// Still being worked on.
    #[default]
    Open,
    /// Won: the customer buys.
    Won,
    /// Lost: the customer does not buy.
    Lost,
}

impl StageKind {
    /// The wire name.
    pub const fn name(self) -> &'static str {
        match self {
            StageKind::Open => "open",
            StageKind::Won => "won",
            StageKind::Lost => "lost",
        }
    }
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stage {
    /// The id, by which opportunities name it.
    pub id: String,
    /// The name that people see; the id by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the stage means.
    #[serde(default)]
    pub kind: StageKind,
    /// The win probability of an open stage in percent; a won stage has 100, a lost one 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<Dec>,
    /// The stages that can be reached from here; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<Vec<String>>,
    /// The fields of the opportunity that must be filled in to enter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
}

impl Stage {
    /// The win probability in percent.
    pub fn percent(&self) -> Dec {
        match self.kind {
            StageKind::Won => Dec::HUNDRED,
            StageKind::Lost => Dec::ZERO,
            StageKind::Open => self.probability.unwrap_or(Dec::ZERO),
        }
    }

    /// Says whether a move from here to another stage is allowed.
    pub fn leads_to(&self, to: &str) -> bool {
        self.moves.as_ref().is_none_or(|moves| moves.iter().any(|m| m == to))
    }
}

/// A pipeline: its stages in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pipeline {
    /// The id, by which opportunities name it.
    pub id: String,
    /// The name that people see; the id by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The stages, first to last.
    pub stages: Vec<Stage>,
}

impl Pipeline {
    /// Finds a stage.
    ///
    /// # Errors
    /// `unknown_stage`, with the nearest known one.
    pub fn stage(&self, id: &str) -> Result<&Stage> {
        self.stages.iter().find(|stage| stage.id == id).ok_or_else(|| {
            let known = self.stages.iter().map(|s| s.id.as_str());
            let error = Error::new(Code::UnknownStage)
                .with("stage", crate::base::text::clip(id))
                .with("pipeline", self.id.clone());
            error.with("hint", hint(id, known))
        })
    }

    /// The place of a stage in the pipeline, from 0.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.id == id)
    }

    /// The first stage of a kind.
    ///
    /// # Errors
    /// `pipeline_without_stage`.
    pub fn first(&self, kind: StageKind) -> Result<&Stage> {
        self.stages.iter().find(|stage| stage.kind == kind).ok_or_else(|| {
            Error::new(Code::PipelineWithoutStage).with("pipeline", self.id.clone()).with("kind", kind.name())
        })
    }

    /// The pipeline of a host that configured none: the usual five steps from the first talk to the decision.
    pub fn standard() -> Self {
        let open = |id: &str, name: &str, percent: i64| Stage {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            kind: StageKind::Open,
            probability: Some(Dec::from(percent)),
            moves: None,
            requires: Vec::new(),
        };
        let closed = |id: &str, name: &str, kind| Stage { kind, probability: None, ..open(id, name, 0) };
        Pipeline {
            id: "sales".to_owned(),
            name: Some("Sales".to_owned()),
            stages: vec![
                open("prospecting", "Prospecting", 10),
                open("qualification", "Qualification", 25),
                open("proposal", "Proposal", 50),
                open("negotiation", "Negotiation", 75),
                closed("won", "Won", StageKind::Won),
                closed("lost", "Lost", StageKind::Lost),
            ],
        }
    }
}
