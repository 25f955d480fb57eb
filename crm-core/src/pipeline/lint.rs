//! What is wrong or doubtful in a pipeline's definition.

use std::collections::BTreeSet;

use super::definition::{Pipeline, StageKind};
use super::opportunity::Opportunity;
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::Error;
use crate::base::hint::hint;
use crate::base::limits;

/// Everything that forbids using a pipeline, with paths inside it.
pub fn errors(pipeline: &Pipeline) -> Vec<Error> {
    let mut found = Vec::new();
    for kind in [StageKind::Open, StageKind::Won, StageKind::Lost] {
        found.extend(pipeline.first(kind).err().map(|e| e.at("stages")));
    }
    let mut seen = BTreeSet::new();
    for (place, stage) in pipeline.stages.iter().enumerate() {
        let at = |field: &str| format!("stages[{place}].{field}");
        found.extend(limits::text(&stage.id, limits::NAME, &at("id")).err());
        if !seen.insert(stage.id.as_str()) {
            found.push(Error::new(Code::DuplicateId).with("id", stage.id.clone()).at(&at("id")));
        }
        match (stage.kind, stage.probability) {
            (StageKind::Open, Some(p)) if p.is_negative() || p > Dec::HUNDRED => {
                let error = Error::new(Code::PercentOutOfRange)
                    .with("value", p.to_string())
                    .with("minimum", "0")
                    .with("maximum", "100");
                found.push(error.at(&at("probability")));
            }
            (StageKind::Won | StageKind::Lost, Some(p)) if p != stage.percent() => {
                let error =
                    Error::new(Code::FixedProbability).with("kind", stage.kind.name()).with("stage", stage.id.clone());
                found.push(error.with("probability", stage.percent().to_string()).at(&at("probability")));
            }
            _ => {}
        }
        for (i, target) in stage.moves.iter().flatten().enumerate() {
            found.extend(pipeline.stage(target).err().map(|e| e.at(&format!("stages[{place}].moves[{i}]"))));
        }
        for (i, field) in stage.requires.iter().enumerate() {
            if !Opportunity::FIELDS.contains(&field.as_str()) {
                let error = Error::new(Code::UnknownRequiredField).with("field", field.clone());
                found.push(
                    error
                        .with("hint", hint(field, Opportunity::FIELDS.iter().copied()))
                        .at(&format!("stages[{place}].requires[{i}]")),
                );
            }
        }
    }
    found
}

/// What may be meant but looks odd: stages that nothing leads to or from, probabilities that fall.
pub fn warnings(pipeline: &Pipeline) -> Vec<Error> {
    let mut found = Vec::new();
    let about = |code, place: usize, id: &str, field: &str| {
        let error = Error::new(code).with("stage", id.to_owned()).with("pipeline", pipeline.id.clone());
        error.at(&format!("stages[{place}].{field}"))
    };
    let mut before: Option<Dec> = None;
    for (place, stage) in pipeline.stages.iter().enumerate() {
        let reached = pipeline.stages.iter().any(|s| s.id != stage.id && s.leads_to(&stage.id));
        let is_start = pipeline.first(StageKind::Open).is_ok_and(|first| first.id == stage.id);
        if !reached && !is_start {
            found.push(about(Code::UnreachableStage, place, &stage.id, "id"));
        }
        if stage.kind != StageKind::Open {
            continue;
        }
        if stage.moves.as_ref().is_some_and(|moves| !moves.iter().any(|m| *m != stage.id)) {
            found.push(about(Code::DeadEndStage, place, &stage.id, "moves"));
        }
        if before.is_some_and(|b| stage.percent() < b) {
            found.push(about(Code::ProbabilityNotRising, place, &stage.id, "probability"));
        }
        before = Some(stage.percent());
    }
    found
}
