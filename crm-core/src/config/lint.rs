//! The linter: everything that is wrong or doubtful in a configuration, with paths.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::document::Config;
use crate::base::codes::Code;
use crate::base::error::Error;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Severity {
    /// The configuration may not run.
    Error,
    /// It may run, but look at this.
    Warning,
}

/// One thing that the linter found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The stable code.
    pub code: String,
    /// Where in the document.
    pub path: String,
    /// What is wrong and what to do about it, in English.
    pub message: String,
}

/// What the linter found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LintReport {
    /// Says whether the configuration may run: there is no error.
    pub valid: bool,
    /// The findings, errors first.
    pub findings: Vec<Finding>,
}

/// Looks through a configuration.
pub fn lint(config: &Config) -> LintReport {
    let mut errors = Vec::new();
    if config.version != Config::VERSION {
        errors.push(Error::new(Code::UnsupportedConfiguration).with("version", config.version).at("version"));
    }
    if config.pipelines.is_empty() {
        errors.push(Error::new(Code::MissingField).with("field", "pipelines").at("pipelines"));
    }
    let mut seen = BTreeSet::new();
    for (place, pipeline) in config.pipelines.iter().enumerate() {
        let path = format!("pipelines[{place}].id");
        errors.extend(limits::text(&pipeline.id, limits::NAME, &path).err());
        if !seen.insert(pipeline.id.as_str()) {
            errors.push(Error::new(Code::DuplicateId).with("id", pipeline.id.clone()).at(&path));
        }
    }
    for (place, reason) in config.lost_reasons.iter().enumerate() {
        errors.extend(limits::text(reason, limits::NAME, &format!("lost_reasons[{place}]")).err());
    }
    errors.extend(config.pipeline_errors());
    errors.extend(crate::custom::errors(&config.custom_fields).into_iter().map(|e| e.at("custom_fields")));
    let valid = errors.is_empty();
    let as_finding = |severity| {
        move |e: Error| Finding { severity, code: e.code().to_owned(), path: e.path().to_owned(), message: e.message() }
    };
    let warnings = if valid { config.pipeline_warnings() } else { Vec::new() };
    let findings = errors
        .into_iter()
        .map(as_finding(Severity::Error))
        .chain(warnings.into_iter().map(as_finding(Severity::Warning)));
    LintReport { valid, findings: findings.collect() }
}
