//! What a caller says about a frame.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::currency::Currency;
use crate::base::json::{FromJson, ToJson};
use crate::base::rounding::Mode;
use crate::insight::forecast::Prices;
use crate::pipeline::definition::Stage;

/// How a frame is to be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameOptions {
    /// Which column holds which field; a field that is not named is guessed from the headers unless `guess` is false.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// The system that exported the table: its headers, dates and percents are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Whether fields that `columns` does not name are guessed; yes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guess: Option<bool>,
    /// The currency of amounts without one; the configuration's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// How binary floats become money: each is taken as the shortest decimal that stands for it and rounded to the currency's minor
    /// unit in this mode; half away from zero by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Mode>,
    /// How dates in text are written, beside `2026-01-31`, which is always understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
    /// What a probability of 1 means: one percent, or certainty. Percent by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Probabilities>,
    /// The stages in their order; guessed from the table by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<Stage>>,
    /// The prices of the `list_price` policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
}

/// A system whose exports are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Source {
    /// A report on opportunities, exported by Salesforce.
    Salesforce,
    /// A deals export of HubSpot.
    Hubspot,
}

/// How dates in text are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DateOrder {
    /// `2026-01-31`, with or without a time behind.
    #[default]
    Iso,
    /// `1/31/2026`.
    MonthFirst,
    /// `31/1/2026` or `31.1.2026`.
    DayFirst,
}

/// What a probability of 1 means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Probabilities {
    /// One percent.
    #[default]
    Percent,
    /// Certainty.
    Fraction,
}

impl FrameOptions {
    /// How dates in text are written.
    pub fn date_order(&self) -> DateOrder {
        let usual = if self.source == Some(Source::Salesforce) { DateOrder::MonthFirst } else { DateOrder::Iso };
        self.dates.unwrap_or(usual)
    }

    /// What a probability of 1 means.
    pub fn probability_scale(&self) -> Probabilities {
        let usual = if self.source == Some(Source::Hubspot) { Probabilities::Fraction } else { Probabilities::Percent };
        self.probabilities.unwrap_or(usual)
    }

    /// Whether fields may be guessed.
    pub fn guesses(&self) -> bool {
        self.guess.unwrap_or(true)
    }
}
