//! Conditions: looked through, asked over a record, explained.

use serde::{Deserialize, Serialize};

use super::fields;
use super::session::Session;
use crate::base::canonical::Fields;
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Explain;
use crate::base::time::Instant;
use crate::condition::compile::compile;
use crate::condition::explain::{ConditionNode, reason};
use crate::condition::lint::lint as look_through;
use crate::condition::row::Row;
use crate::condition::wire::Condition;
use crate::config::{Finding, LintReport, Severity};
use crate::store::plan::{Order, plan};

/// A condition to look through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LintConditionRequest {
    /// The kind of record that it is about, such as `opportunity`.
    pub kind: String,
    /// The condition.
    pub condition: Condition,
}

/// A condition to ask over one record: a stored one by its id, or one that is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionRequest {
    /// The kind of record that it is about, such as `opportunity`.
    pub kind: String,
    /// The condition.
    pub condition: Condition,
    /// The stored record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// The record's fields, in place of a stored one; what is left out is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Fields>,
}

/// What a condition says of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionResult {
    /// Says whether it holds.
    pub holds: bool,
}

/// What each part of a condition says of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionExplanation {
    /// Says whether the whole condition holds.
    pub holds: bool,
    /// Every part, each before those beneath it; the first one is the whole.
    pub nodes: Vec<ConditionNode>,
}

/// Looks through a condition: everything that is wrong or doubtful.
pub(crate) async fn lint(session: &mut Session<'_>, request: &LintConditionRequest) -> Result<Decision<LintReport>> {
    let catalogue = fields::catalogue(&request.kind, &*session.config().await?)?;
    let found = look_through(&request.condition, &catalogue);
    let finding = |severity: Severity| {
        move |error: Error| {
            let error = error.at("condition");
            Finding { severity, code: error.code().to_owned(), path: error.path().to_owned(), message: error.message() }
        }
    };
    let mut warnings = found.warnings;
    if let Some(predicate) = &found.predicate {
        let order = Order { field: "id".to_owned(), descending: false };
        // Any day does: which indexes help does not depend on it.
        let context = Context { now: Instant::from_micros(0), ..Context::default() };
        let plan = plan(predicate, &predicate.moment(&context)?, &fields::indexes(&request.kind), &catalogue, &order)?;
        let constant =
            warnings.iter().any(|warning| warning.path().is_empty() && warning.id() != Code::AmountWithoutCurrency);
        if plan.tests.is_empty() && !plan.nothing && !constant {
            warnings.push(Error::new(Code::WithoutIndex).with("kind", request.kind.clone()));
        }
    }
    let valid = found.errors.is_empty();
    let errors = found.errors.into_iter().map(finding(Severity::Error));
    let findings = errors.chain(warnings.into_iter().map(finding(Severity::Warning))).collect();
    Ok(Decision::plain(LintReport { valid, findings }))
}

/// Says whether a condition holds for a record.
pub(crate) async fn test(session: &mut Session<'_>, request: &ConditionRequest) -> Result<Decision<ConditionResult>> {
    let asked = ask(session, request).await?;
    Ok(Decision::new(ConditionResult { holds: asked.value.holds }, asked.reasons))
}

/// Says what each part of a condition makes of a record.
pub(crate) async fn explain(
    session: &mut Session<'_>,
    request: &ConditionRequest,
) -> Result<Decision<ConditionExplanation>> {
    ask(session, request).await
}

async fn ask(session: &mut Session<'_>, request: &ConditionRequest) -> Result<Decision<ConditionExplanation>> {
    let catalogue = fields::catalogue(&request.kind, &*session.config().await?)?;
    let predicate = compile(&request.condition, &catalogue).map_err(|e| e.at("condition"))?;
    let moment = predicate.moment(session.context())?;
    let body = match (&request.id, &request.record) {
        (Some(_), Some(_)) => {
            let error = Error::new(Code::ConflictingFields).with("first", "id");
            return Err(error.with("second", "record").at("record"));
        }
        (None, None) => return Err(Error::new(Code::MissingField).with("field", "record").at("record")),
        (Some(id), None) => fields::body(session, &request.kind, id).await?,
        (None, Some(record)) => record.clone().into_iter().collect(),
    };
    let row = Row::of(predicate.slots(), &body).map_err(|e| e.at("record"))?;
    let nodes = predicate.explain(&row, &moment);
    let holds = predicate.holds(&row, &moment);
    let reasons = if session.context().explain == Explain::None { Vec::new() } else { vec![reason(&nodes)] };
    Ok(Decision::new(ConditionExplanation { holds, nodes }, reasons))
}
