//! What happened when a frame was read: nothing is guessed, rounded or dropped in silence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::json::{FromJson, ToJson};
use crate::base::rounding::Mode;
use crate::base::text::clip;

/// At most so many rows are listed by number; all are counted.
pub const LISTED: usize = 20;

/// How a frame was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameReport {
    /// How many rows.
    pub rows: u64,
    /// Which column was read for which field.
    pub columns: BTreeMap<String, String>,
    /// The fields of `columns` that were guessed from the headers.
    pub guessed: Vec<String>,
    /// The columns that were not read.
    pub unused: Vec<String>,
    /// The stages in the order that was used.
    pub stages: Vec<String>,
    /// How that order was found.
    pub stage_order: StageOrder,
    /// How binary floats became money.
    pub rounding: Mode,
    /// The rows whose amount was changed by rounding.
    pub rounded: Rows,
    /// By field, the rows without a value.
    pub missing: BTreeMap<String, Rows>,
    /// By field, the rows whose value cannot be read; they count as missing.
    pub unreadable: BTreeMap<String, Rows>,
}

/// How the order of the stages was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StageOrder {
    /// The caller named the stages.
    Given,
    /// The configuration's pipeline has all of them.
    Configured,
    /// The usual order of the exporting system, unknown ones before the closed ones.
    Source,
    /// By their mean probability.
    Probability,
    /// By their names, closed ones last.
    #[default]
    Name,
}

/// Some rows: how many, and the first few.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// The numbers of the first ones, counted from 0.
    pub rows: Vec<u64>,
    /// What stood there, for the same rows; empty where nothing did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl Rows {
    /// Adds a row.
    pub fn note(&mut self, row: usize) {
        self.count = self.count.saturating_add(1);
        if self.rows.len() < LISTED {
            self.rows.push(super::super::figures::count(row));
        }
    }

    /// Adds a row with what stood there.
    pub fn note_value(&mut self, row: usize, value: &str) {
        if self.rows.len() < LISTED {
            self.values.push(clip(value));
        }
        self.note(row);
    }
}
