//! The stored configuration: lint, put, get.

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::base::canonical::Fields;
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decision::Decision;
use crate::base::entity::Entity;
use crate::base::error::Result;
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;
use crate::config::{self, Config, ConfigRecord, LintReport, STORED_ID};

/// Carries a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigRequest {
    /// The document.
    pub config: Config,
}

/// Asks for the configuration in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GetConfig {}

/// Looks through a configuration without storing it.
pub(crate) fn lint(request: &ConfigRequest, _: &Context) -> Result<Decision<LintReport>> {
    Ok(Decision::plain(config::lint(&request.config)))
}

/// Stores the tenant's configuration; one with errors is refused.
pub(crate) async fn put(session: &mut Session<'_>, request: &ConfigRequest) -> Result<Decision<ConfigRecord>> {
    request.config.check().map_err(|e| e.at("config"))?;
    let id = Id::new(STORED_ID)?;
    let at = session.context().now()?;
    let old = session.get::<ConfigRecord>(&id).await?;
    let hash = request.config.hash();
    let new = ConfigRecord { id, version: 0, hash: hash.clone(), config: request.config.clone(), updated_at: Some(at) };
    let mut data = Fields::new();
    data.insert("hash".to_owned(), hash.into());
    let about = |code| Reason::new(code).with("kind", ConfigRecord::KIND).with("id", STORED_ID);
    let (saved, reason) = match old {
        Some(old) if old.hash == new.hash => {
            session.check_version(&old)?;
            session.keep();
            return Ok(Decision::new(old, vec![about(Code::NothingChanged)]));
        }
        Some(old) => (session.save(&old, &new)?, about(Code::RecordUpdated).with("fields", vec!["config"])),
        None => (session.create(&new).await?, about(Code::RecordCreated)),
    };
    session.event("stored", &saved, at, data)?;
    session.forget_config();
    Ok(Decision::new(saved, vec![reason]))
}

/// Reads the configuration in force: the one that the request carries or the built-in one with version 0, else the stored one.
pub(crate) async fn get(session: &mut Session<'_>, _: &GetConfig) -> Result<Decision<ConfigRecord>> {
    let id = Id::new(STORED_ID)?;
    let config = if session.is_config_given() {
        session.config().await?.as_ref().clone()
    } else if let Some(stored) = session.get::<ConfigRecord>(&id).await? {
        return Ok(Decision::plain(stored));
    } else {
        Config::default()
    };
    Ok(Decision::plain(ConfigRecord { id, version: 0, hash: config.hash(), config, updated_at: None }))
}
