//! What a decision may know beside its request: tenant, time, zone, actor, seed, language.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::error::Error;
use super::limits;
use super::reason::Explain;
use super::time::{Date, Instant, Zone};
use crate::base::json::{FromJson, ToJson};

/// The context of one request, given by the host.
///
/// Nothing in it is read from the surroundings: the same request in the same context gives the same answer, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Context {
    /// Whose data this is; tenants share nothing.
    #[serde(default = "main_tenant")]
    pub tenant: String,
    /// The present, as far as the decision is concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Instant>,
    /// The time zone in which instants become calendar dates: `UTC`, an offset or an IANA name.
    #[serde(default = "utc")]
    pub zone: String,
    /// The user who acts, as an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Entropy from the host, from which new ids are derived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// The language of rendered texts.
    #[serde(default = "english")]
    pub locale: String,
    /// An id that ties events to the host's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// For the import of history: timers that would be due at or before this instant are not set, so that what is long past sets off
    /// no reminder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_until: Option<Instant>,
    /// How much explanation the request asks for; set from the request's envelope.
    #[serde(skip)]
    pub explain: Explain,
}

fn main_tenant() -> String {
    "main".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

fn english() -> String {
    "en".to_owned()
}

impl Default for Context {
    fn default() -> Self {
        Context {
            tenant: main_tenant(),
            now: None,
            zone: utc(),
            actor: None,
            seed: None,
            locale: english(),
            correlation: None,
            quiet_until: None,
            explain: Explain::default(),
        }
    }
}

impl Context {
    /// Refuses names that cannot be meant: an empty tenant, control characters, a whole text.
    ///
    /// # Errors
    /// `text_empty`, `text_too_long`, `invalid_text`.
    pub fn check(&self) -> Result<(), Error> {
        limits::text(&self.tenant, limits::NAME, "context.tenant")?;
        for (name, path) in [(&self.actor, "context.actor"), (&self.correlation, "context.correlation")] {
            if let Some(name) = name {
                limits::text(name, limits::NAME, path)?;
            }
        }
        Ok(())
    }

    /// The present.
    ///
    /// # Errors
    /// `missing_context` when the host gave none.
    pub fn now(&self) -> Result<Instant, Error> {
        self.now.ok_or_else(|| missing("now"))
    }

    /// The time zone.
    ///
    /// # Errors
    /// `unknown_time_zone`.
    pub fn zone(&self) -> Result<Zone, Error> {
        self.zone.parse::<Zone>().map_err(|e| e.at("context.zone"))
    }

    /// Today's date in the context's zone.
    ///
    /// # Errors
    /// `missing_context`, `unknown_time_zone`.
    pub fn today(&self) -> Result<Date, Error> {
        self.date_of(self.now()?)
    }

    /// The date of an instant in the context's zone.
    ///
    /// # Errors
    /// `unknown_time_zone`; `invalid_date` where the zone leads out of the years 1 to 9999, whose dates alone can be read again.
    pub fn date_of(&self, at: Instant) -> Result<Date, Error> {
        let date = at.date_in(&self.zone()?);
        if (1..=9999).contains(&date.parts().0) {
            Ok(date)
        } else {
            Err(Error::new(Code::InvalidDate).with("value", date.to_string()).at("context.zone"))
        }
    }

    /// The host's entropy.
    ///
    /// # Errors
    /// `missing_context` when the host gave none.
    pub fn seed(&self) -> Result<&str, Error> {
        self.seed.as_deref().filter(|s| !s.is_empty()).ok_or_else(|| missing("seed"))
    }
}

fn missing(field: &str) -> Error {
    Error::new(Code::MissingContext).with("field", field).at("context")
}
