//! The configuration document and the record that stores it.

use crate::base::json::{FromJson, ToJson};
use crate::base::text::hex;
use crate::base::writer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::codes::Code;
use crate::base::currency::Currency;
use crate::base::entity::{Entity, unset};
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::id::Id;
use crate::base::record::KeyBytes;
use crate::base::time::Instant;
use crate::custom::CustomField;
use crate::pipeline::definition::Pipeline;
use crate::{entity_basics, pipeline};

/// The id of the stored configuration: a tenant has one.
pub const STORED_ID: &str = "current";

/// The rules of a tenant. A host that gives none gets [`Config::default`]: one standard pipeline.
///
/// # Example: the standard pipeline ends in won and lost
/// ```
/// use crm_core::config::Config;
/// use crm_core::pipeline::definition::StageKind;
/// let config = Config::default();
/// assert_eq!(config.pipeline(None)?.first(StageKind::Won)?.id, "won");
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Config {
    /// The version of the document's layout: 1.
    pub version: u32,
    /// The currency of amounts that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The pipelines; the first one is the default.
    pub pipelines: Vec<Pipeline>,
    /// The reasons for which an opportunity may be lost; any text when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_reasons: Vec<String>,
    /// The fields that are added to kinds of records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<CustomField>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            version: Config::VERSION,
            currency: None,
            pipelines: vec![Pipeline::standard()],
            lost_reasons: Vec::new(),
            custom_fields: Vec::new(),
        }
    }
}

impl Config {
    /// The layout that this engine writes.
    pub const VERSION: u32 = 1;

    /// Finds a pipeline, or the first one when none is named.
    ///
    /// # Errors
    /// `unknown_pipeline`, with the nearest known one.
    pub fn pipeline(&self, id: Option<&str>) -> Result<&Pipeline> {
        let found = match id {
            None => self.pipelines.first(),
            Some(id) => self.pipelines.iter().find(|p| p.id == id),
        };
        let name = id.unwrap_or_default();
        found.ok_or_else(|| {
            let error = Error::new(Code::UnknownPipeline).with("pipeline", crate::base::text::clip(name));
            error.with("hint", hint(name, self.pipelines.iter().map(|p| p.id.as_str()))).at("pipeline")
        })
    }

    /// The custom fields of a kind of record.
    pub fn custom_fields(&self, kind: &str) -> Vec<&CustomField> {
        self.custom_fields.iter().filter(|field| field.kind == kind).collect()
    }

    /// The SHA-256 of the document, in hex: two equal documents have equal hashes.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(writer::to_string(self, 0).as_bytes()))
    }

    /// Refuses a configuration with errors, all of them at once.
    ///
    /// # Errors
    /// `invalid_configuration` with the findings.
    pub fn check(&self) -> Result<()> {
        let report = super::lint::lint(self);
        let errors: Vec<_> = report.findings.iter().filter(|f| f.severity == super::lint::Severity::Error).collect();
        if errors.is_empty() {
            return Ok(());
        }
        let findings = writer::to_value(&errors);
        Err(Error::new(Code::InvalidConfiguration).with("count", errors.len()).with("findings", findings))
    }

    /// Every pipeline's errors, with paths into the document.
    pub(super) fn pipeline_errors(&self) -> Vec<Error> {
        let at = |place: usize| format!("pipelines[{place}]");
        self.pipelines
            .iter()
            .enumerate()
            .flat_map(|(i, p)| pipeline::lint::errors(p).into_iter().map(move |e| e.at(&at(i))))
            .collect()
    }

    /// Every pipeline's warnings, with paths into the document.
    pub(super) fn pipeline_warnings(&self) -> Vec<Error> {
        let at = |place: usize| format!("pipelines[{place}]");
        self.pipelines
            .iter()
            .enumerate()
            .flat_map(|(i, p)| pipeline::lint::warnings(p).into_iter().map(move |e| e.at(&at(i))))
            .collect()
    }
}

/// The stored configuration of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigRecord {
    /// Always `current`.
    pub id: Id,
    /// Counts the changes from 1; 0 for the built-in configuration of a tenant that stored none.
    #[serde(default, skip_serializing_if = "unset")]
    pub version: u64,
    /// The SHA-256 of the document.
    pub hash: String,
    /// The document.
    pub config: Config,
    /// When it was last changed; absent for the built-in configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
}

impl Entity for ConfigRecord {
    const KIND: &'static str = "configuration";
    const INDEXES: &'static [&'static str] = &[];

    entity_basics!();

    fn keys(&self) -> Vec<KeyBytes> {
        Vec::new()
    }

    fn violations(&self) -> Vec<Error> {
        self.config.check().err().into_iter().collect()
    }
}
