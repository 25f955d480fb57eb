//! Moves: may this opportunity go there, and what changes when it does.
//!
//! Status follows the stage's kind, never its name. A move is refused with everything that is missing at once.

use super::definition::{Pipeline, Stage, StageKind};
use super::opportunity::{Opportunity, StageEntry};
use super::requests::Requirements;
use crate::base::codes::Code;
use crate::base::entity::fields;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::limits;
use crate::base::reason::Reason;
use crate::base::time::{Date, Instant};
use crate::base::writer;

/// When and by whom a move is made.
pub struct Moment<'a> {
    /// When it takes effect.
    pub at: Instant,
    /// The present.
    pub now: Instant,
    /// The date of `at` in the context's zone.
    pub date: Date,
    /// Who moves.
    pub actor: Option<&'a str>,
}

/// Sees a row of a host's own table as an opportunity: without a pipeline it is in the first one, and its status is what its stage means.
pub fn placed(mut opportunity: Opportunity, pipelines: &[Pipeline]) -> Opportunity {
    if opportunity.pipeline.is_empty() {
        opportunity.pipeline = pipelines.first().map(|p| p.id.clone()).unwrap_or_default();
    }
    let pipeline = pipelines.iter().find(|p| p.id == opportunity.pipeline);
    if let Some(stage) = pipeline.and_then(|p| p.stages.iter().find(|s| s.id == opportunity.stage)) {
        opportunity.status = stage.kind;
    }
    opportunity
}

/// Says what a move to a stage would need.
///
/// # Errors
/// `unknown_stage`.
pub fn requirements(opportunity: &Opportunity, pipeline: &Pipeline, to: &str) -> Result<(Requirements, Vec<Reason>)> {
    let target = pipeline.stage(to).map_err(|e| e.at("to"))?;
    // Out of a stage that the pipeline no longer has, every move is allowed: there is no other way back.
    let move_allowed = pipeline.stage(&opportunity.stage).map_or(true, |from| from.leads_to(&target.id))
        && opportunity.stage != target.id;
    let filled = fields(opportunity);
    let is_missing = |field: &&String| match filled.get(field.as_str()) {
        None | Some(serde_json::Value::Null) => true,
        Some(serde_json::Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    let missing: Vec<String> = target.requires.iter().filter(is_missing).cloned().collect();
    let mut reasons = Vec::new();
    let step = if move_allowed { Code::MoveAllowed } else { Code::MoveNotAllowed };
    let allowed = allowed_from(opportunity, pipeline);
    let reason = Reason::new(step).with("from", opportunity.stage.clone()).with("to", target.id.clone());
    reasons.push(if move_allowed { reason } else { reason.with("allowed", allowed) });
    for field in &target.requires {
        let code = if missing.contains(field) { Code::RequirementMissing } else { Code::RequirementMet };
        reasons.push(Reason::new(code).with("field", field.clone()));
    }
    let possible =
        move_allowed && missing.is_empty() && (opportunity.status == StageKind::Open || target.kind == StageKind::Open);
    let answer = Requirements {
        id: opportunity.id.clone(),
        from: opportunity.stage.clone(),
        to: target.id.clone(),
        possible,
        move_allowed,
        missing,
    };
    Ok((answer, reasons))
}

fn allowed_from(opportunity: &Opportunity, pipeline: &Pipeline) -> Vec<String> {
    let from = pipeline.stage(&opportunity.stage).ok();
    let leads_to = |s: &&Stage| s.id != opportunity.stage && from.is_none_or(|from| from.leads_to(&s.id));
    pipeline.stages.iter().filter(leads_to).map(|s| s.id.clone()).collect()
}

/// Moves an open opportunity to another open stage.
///
/// # Errors
/// `unknown_stage`, `already_closed`, `already_in_stage`, `wrong_stage_kind` for a won or lost stage, `move_not_allowed`,
/// `requirements_not_met` with every missing field, `date_before_history`, `date_in_future`.
pub fn advance(opportunity: &Opportunity, pipeline: &Pipeline, to: &str, moment: &Moment<'_>) -> Result<Opportunity> {
    let target = pipeline.stage(to).map_err(|e| e.at("to"))?;
    must_be_open(opportunity)?;
    must_be_kind(target, StageKind::Open)?;
    let mut moved = enter(opportunity, pipeline, target, moment)?;
    moved.probability = Some(target.percent());
    Ok(moved)
}

/// Closes an open opportunity as won; its probability is 100 from then on.
///
/// # Errors
/// As [`advance`], and `pipeline_without_stage`.
pub fn win(
    opportunity: &Opportunity,
    pipeline: &Pipeline,
    stage: Option<&str>,
    moment: &Moment<'_>,
) -> Result<Opportunity> {
    close(opportunity, pipeline, stage, StageKind::Won, moment)
}

/// Closes an open opportunity as lost, with the reason; its probability is 0 from then on.
///
/// # Errors
/// As [`win`], `text_empty` and `unknown_lost_reason`.
pub fn lose(
    opportunity: &Opportunity,
    pipeline: &Pipeline,
    stage: Option<&str>,
    reason: &str,
    known: &[String],
    moment: &Moment<'_>,
) -> Result<Opportunity> {
    limits::text(reason, limits::NAME, "reason")?;
    if !known.is_empty() && !known.iter().any(|k| k == reason) {
        let error = Error::new(Code::UnknownLostReason).with("reason", crate::base::text::clip(reason));
        return Err(error.with("hint", hint(reason, known.iter().map(String::as_str))).at("reason"));
    }
    let mut with_reason = opportunity.clone();
    with_reason.lost_reason = Some(reason.to_owned());
    close(&with_reason, pipeline, stage, StageKind::Lost, moment)
}

fn close(
    opportunity: &Opportunity,
    pipeline: &Pipeline,
    stage: Option<&str>,
    kind: StageKind,
    moment: &Moment<'_>,
) -> Result<Opportunity> {
    let target = match stage {
        Some(id) => pipeline.stage(id).map_err(|e| e.at("stage"))?,
        None => pipeline.first(kind)?,
    };
    must_be_open(opportunity)?;
    must_be_kind(target, kind)?;
    let mut closed = enter(opportunity, pipeline, target, moment)?;
    closed.probability = Some(target.percent());
    closed.closed_on = Some(moment.date);
    Ok(closed)
}

/// Opens a won or lost opportunity again.
///
/// # Errors
/// `not_closed`, `unknown_stage`, `wrong_stage_kind`, `requirements_not_met`, `date_before_history`, `date_in_future`.
pub fn reopen(
    opportunity: &Opportunity,
    pipeline: &Pipeline,
    to: Option<&str>,
    moment: &Moment<'_>,
) -> Result<Opportunity> {
    if opportunity.status == StageKind::Open {
        return Err(Error::new(Code::NotClosed).with("id", opportunity.id.as_str()));
    }
    let last_open = || {
        opportunity.history.iter().rev().find(|e| e.kind == StageKind::Open).and_then(|e| pipeline.stage(&e.stage).ok())
    };
    let target = match to {
        Some(id) => pipeline.stage(id).map_err(|e| e.at("to"))?,
        None => {
            last_open().filter(|s| s.kind == StageKind::Open).map_or_else(|| pipeline.first(StageKind::Open), Ok)?
        }
    };
    must_be_kind(target, StageKind::Open)?;
    let (needs, reasons) = requirements(opportunity, pipeline, &target.id)?;
    if !needs.missing.is_empty() {
        return Err(unmet(opportunity, target, needs.missing, &reasons));
    }
    let mut opened = opportunity.clone();
    opened.closed_on = None;
    opened.lost_reason = None;
    let mut opened = enter_unchecked(&opened, target, moment)?;
    opened.probability = Some(target.percent());
    Ok(opened)
}

fn unmet(opportunity: &Opportunity, target: &Stage, missing: Vec<String>, reasons: &[Reason]) -> Error {
    let error =
        Error::new(Code::RequirementsNotMet).with("id", opportunity.id.as_str()).with("stage", target.id.clone());
    error.with("missing", missing).with("reasons", writer::to_value(&reasons))
}

fn must_be_open(opportunity: &Opportunity) -> Result<()> {
    if opportunity.status == StageKind::Open {
        return Ok(());
    }
    Err(Error::new(Code::AlreadyClosed).with("id", opportunity.id.as_str()).with("status", opportunity.status.name()))
}

fn must_be_kind(stage: &Stage, kind: StageKind) -> Result<()> {
    if stage.kind == kind {
        return Ok(());
    }
    let verb = match stage.kind {
        StageKind::Open => "advance",
        StageKind::Won => "win",
        StageKind::Lost => "lose",
    };
    Err(Error::new(Code::WrongStageKind)
        .with("stage", stage.id.clone())
        .with("kind", stage.kind.name())
        .with("verb", verb))
}

/// Enters a stage after asking for its requirements and the pipeline's moves.
fn enter(opportunity: &Opportunity, pipeline: &Pipeline, target: &Stage, moment: &Moment<'_>) -> Result<Opportunity> {
    if opportunity.stage == target.id {
        return Err(Error::new(Code::AlreadyInStage)
            .with("id", opportunity.id.as_str())
            .with("stage", target.id.clone()));
    }
    let (needs, reasons) = requirements(opportunity, pipeline, &target.id)?;
    if !needs.move_allowed {
        let error =
            Error::new(Code::MoveNotAllowed).with("from", opportunity.stage.clone()).with("to", target.id.clone());
        return Err(error.with("allowed", allowed_from(opportunity, pipeline)));
    }
    if !needs.missing.is_empty() {
        let error =
            Error::new(Code::RequirementsNotMet).with("id", opportunity.id.as_str()).with("stage", target.id.clone());
        let reasons = writer::to_value(&reasons);
        return Err(error.with("missing", needs.missing).with("reasons", reasons));
    }
    enter_unchecked(opportunity, target, moment)
}

fn enter_unchecked(opportunity: &Opportunity, target: &Stage, moment: &Moment<'_>) -> Result<Opportunity> {
    // The latest move may lie ahead of a clock that was set back.
    if moment.at > opportunity.stage_since().map_or(moment.now, |latest| latest.max(moment.now)) {
        let error =
            Error::new(Code::DateInFuture).with("value", moment.at.to_string()).with("now", moment.now.to_string());
        return Err(error.at("effective_at"));
    }
    if let Some(latest) = opportunity.stage_since()
        && moment.at < latest
    {
        let error =
            Error::new(Code::DateBeforeHistory).with("value", moment.at.to_string()).with("latest", latest.to_string());
        return Err(error.at("effective_at"));
    }
    // A full history takes no more moves between open stages, but it can always be closed.
    if target.kind == StageKind::Open {
        limits::items(opportunity.history.len().saturating_add(1), Opportunity::HISTORY, "history")?;
    }
    let mut moved = opportunity.clone();
    moved.stage = target.id.clone();
    moved.status = target.kind;
    moved.updated_at = moved.updated_at.max(Some(moment.at));
    moved.history.push(StageEntry {
        stage: target.id.clone(),
        kind: target.kind,
        entered_at: moment.at,
        recorded_at: moment.now,
        actor: moment.actor.map(str::to_owned),
    });
    Ok(moved)
}

/// Puts a new opportunity into its first stage.
///
/// # Errors
/// `wrong_stage_kind` for a won or lost stage, `requirements_not_met`, `date_in_future`.
pub fn start(
    opportunity: &Opportunity,
    target: &Stage,
    pipeline: &Pipeline,
    moment: &Moment<'_>,
) -> Result<Opportunity> {
    must_be_kind(target, StageKind::Open).map_err(|e| e.at("stage"))?;
    let (needs, _) = requirements(opportunity, pipeline, &target.id)?;
    if !needs.missing.is_empty() {
        let error =
            Error::new(Code::RequirementsNotMet).with("id", opportunity.id.as_str()).with("stage", target.id.clone());
        return Err(error.with("missing", needs.missing));
    }
    let mut started = enter_unchecked(opportunity, target, moment)?;
    started.probability = Some(target.percent());
    Ok(started)
}
