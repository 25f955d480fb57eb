//! The pipeline of a frame: its stages, what they mean and their order.

use std::collections::BTreeMap;

use super::options::{FrameOptions, Source};
use super::report::StageOrder;
use crate::base::codes::Code;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::text::{clip, fold};
use crate::pipeline::definition::{Pipeline, Stage, StageKind};
use crate::pipeline::lint;

/// The id of a pipeline that was found in a frame.
pub const FOUND: &str = "frame";

const SALESFORCE: &[&str] = &[
    "prospecting",
    "qualification",
    "needs analysis",
    "value proposition",
    "id. decision makers",
    "perception analysis",
    "proposal/price quote",
    "negotiation/review",
];
const HUBSPOT: &[&str] = &[
    "appointment scheduled",
    "qualified to buy",
    "presentation scheduled",
    "decision maker bought-in",
    "contract sent",
];

/// What the rows of a stage say about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signs {
    /// Some row is marked as won.
    pub won: bool,
    /// Some row is marked as closed.
    pub closed: bool,
    /// Whether any row is marked at all.
    pub marked: bool,
    /// The sum of the probabilities, and how many.
    pub probability: (Dec, u64),
}

/// A pipeline for the stages of a frame, the order's origin, and the stage id of each name.
pub struct Found {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// How the order was found.
    pub order: StageOrder,
    /// The stage ids by the names of the frame, where they differ.
    pub renamed: BTreeMap<String, String>,
}

/// Finds the pipeline: what the caller named, else the configured one if it has every stage, else what names and rows tell.
///
/// # Errors
/// Everything that is wrong with the stages that the caller named.
pub fn find(signs: &BTreeMap<String, Signs>, options: &FrameOptions, configured: Option<&Pipeline>) -> Result<Found> {
    if let Some(stages) = &options.stages {
        let pipeline = Pipeline { id: FOUND.to_owned(), name: None, stages: stages.clone() };
        // Stages that no row is in need not be named, a pipeline of open stages alone is fine here.
        let wrong = lint::errors(&pipeline).into_iter().filter(|e| e.code() != "pipeline_without_stage");
        let mut wrong: Vec<Error> = wrong.map(|e| e.at("frame")).collect();
        let (renamed, absent) = names(&pipeline, signs);
        // A row in a stage that is not named would be counted as something that it is not.
        for name in absent {
            let error = Error::new(Code::UnnamedStage).with("stage", clip(&name));
            wrong.push(error.at("frame.stages"));
        }
        return match Error::all(wrong) {
            Some(error) => Err(error),
            None => Ok(Found { renamed, pipeline, order: StageOrder::Given }),
        };
    }
    if let Some(pipeline) = configured
        && let (renamed, absent) = names(pipeline, signs)
        && absent.is_empty()
    {
        return Ok(Found { pipeline: pipeline.clone(), order: StageOrder::Configured, renamed });
    }
    let (order, key) = rank(signs, options.source);
    let mut stages: Vec<Stage> = signs.iter().map(|(name, signs)| stage(name, signs)).collect();
    stages.sort_by_cached_key(|stage| {
        (stage.kind, key.get(&stage.id).copied().unwrap_or(u64::MAX), fold(&stage.id), stage.id.clone())
    });
    Ok(Found { pipeline: Pipeline { id: FOUND.to_owned(), name: None, stages }, order, renamed: BTreeMap::new() })
}

/// The stage ids of names that differ from them, and the names for which the pipeline has no stage.
fn names(pipeline: &Pipeline, signs: &BTreeMap<String, Signs>) -> (BTreeMap<String, String>, Vec<String>) {
    let mut out = BTreeMap::new();
    let mut absent = Vec::new();
    for name in signs.keys() {
        let folded = fold(name);
        let fits = |stage: &&Stage| fold(&stage.id) == folded || stage.name.as_ref().is_some_and(|n| fold(n) == folded);
        match pipeline.stages.iter().find(|s| s.id == *name).or_else(|| pipeline.stages.iter().find(fits)) {
            Some(stage) if stage.id != *name => drop(out.insert(name.clone(), stage.id.clone())),
            Some(_) => {}
            None => absent.push(name.clone()),
        }
    }
    (out, absent)
}

fn rank(signs: &BTreeMap<String, Signs>, source: Option<Source>) -> (StageOrder, BTreeMap<String, u64>) {
    let usual = match source {
        Some(Source::Salesforce) => SALESFORCE,
        Some(Source::Hubspot) => HUBSPOT,
        None => &[],
    };
    let place = |name: &String| usual.iter().position(|known| *known == fold(name)).and_then(|p| u64::try_from(p).ok());
    let known: BTreeMap<String, u64> = signs.keys().filter_map(|name| Some((name.clone(), place(name)?))).collect();
    if !known.is_empty() {
        return (StageOrder::Source, known);
    }
    let mean = |signs: &Signs| {
        let (sum, count) = signs.probability;
        let mean = sum.div(Dec::from(i64::try_from(count).ok()?)).ok()?.0;
        let millionths = mean.mul(Dec::from(1_000_000)).ok()?;
        u64::try_from(millionths.into_decimal().trunc().mantissa()).ok()
    };
    let means: BTreeMap<String, u64> =
        signs.iter().filter_map(|(name, signs)| Some((name.clone(), mean(signs)?))).collect();
    if means.is_empty() { (StageOrder::Name, means) } else { (StageOrder::Probability, means) }
}

fn stage(name: &str, signs: &Signs) -> Stage {
    let kind = if signs.marked {
        match (signs.won, signs.closed) {
            (true, _) => StageKind::Won,
            (false, true) => StageKind::Lost,
            (false, false) => StageKind::Open,
        }
    } else {
        kind(name)
    };
    Stage { id: name.to_owned(), name: None, kind, probability: None, moves: None, requires: Vec::new() }
}

/// What a stage's name says about its meaning.
fn kind(name: &str) -> StageKind {
    let letters: String = fold(name).chars().filter(|c| c.is_alphanumeric()).collect();
    let is = |names: &[&str]| {
        names.iter().any(|known| letters == *known)
            || names.iter().any(|known| known.starts_with("closed") && letters.starts_with(known))
    };
    if is(&["won", "closedwon", "赢单", "成交"]) {
        StageKind::Won
    } else if is(&["lost", "closedlost", "输单", "流失"]) {
        StageKind::Lost
    } else {
        StageKind::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(names: &[&str]) -> BTreeMap<String, Signs> {
        names.iter().map(|name| ((*name).to_owned(), Signs::default())).collect()
    }

    fn ids(found: &Found) -> Vec<&str> {
        found.pipeline.stages.iter().map(|s| s.id.as_str()).collect()
    }

    #[test]
    fn names_tell_what_is_closed() {
        let names = signs(&["Won", "Closed Lost", "Engaging", "Closed won (Sales Pipeline)", "Wonderful"]);
        let found = find(&names, &FrameOptions::default(), None).unwrap();
        assert_eq!(ids(&found), ["Engaging", "Wonderful", "Closed won (Sales Pipeline)", "Won", "Closed Lost"]);
        assert_eq!(found.order, StageOrder::Name);
    }

    #[test]
    fn an_export_has_its_usual_order_and_marks_win_over_names() {
        let mut names = signs(&["Closed Won", "Negotiation/Review", "Prospecting", "Piloting", "Gone"]);
        names.get_mut("Gone").unwrap().closed = true;
        names.values_mut().for_each(|s| s.marked = true);
        names.get_mut("Closed Won").unwrap().won = true;
        let options = FrameOptions { source: Some(Source::Salesforce), ..FrameOptions::default() };
        let found = find(&names, &options, None).unwrap();
        assert_eq!(ids(&found), ["Prospecting", "Negotiation/Review", "Piloting", "Closed Won", "Gone"]);
    }

    #[test]
    fn a_configured_pipeline_is_known_by_its_names() {
        let found = find(&signs(&["Proposal", "WON"]), &FrameOptions::default(), Some(&Pipeline::standard())).unwrap();
        assert_eq!(found.order, StageOrder::Configured);
        assert_eq!(found.renamed.get("WON").map(String::as_str), Some("won"));
    }

    #[test]
    fn probabilities_tell_the_order() {
        let mut names = signs(&["A", "B"]);
        names.get_mut("A").unwrap().probability = ("150".parse().unwrap(), 2);
        names.get_mut("B").unwrap().probability = ("20".parse().unwrap(), 1);
        let found = find(&names, &FrameOptions::default(), None).unwrap();
        assert_eq!((ids(&found), found.order), (vec!["B", "A"], StageOrder::Probability));
    }
}
