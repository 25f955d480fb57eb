//! Ids: opaque strings, the engine's own or the host's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use super::codes::Code;
use super::context::Context;
use super::error::Error;
use super::text::clip;

/// An opaque id of 1 to 64 characters: a UUID of the engine's or whatever the host uses (`42`, `cus_9x`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// The longest id in characters.
    pub const MAX: usize = 64;

    /// Takes a text as an id.
    ///
    /// # Errors
    /// `invalid_id` when it is empty, too long, or holds white space or control characters.
    pub fn new(text: &str) -> Result<Self, Error> {
        let length = text.chars().take(Id::MAX.saturating_add(1)).count();
        if length == 0 || length > Id::MAX || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Error::new(Code::InvalidId).with("value", clip(text)));
        }
        Ok(Id(text.to_owned()))
    }

    /// Derives a UUID of version 7 from the context's time and seed, the operation and a counter.
    ///
    /// The same four give the same id, so a retry and a test never make another one; different ones never collide in practice
    /// (74 bits of SHA-256).
    ///
    /// # Errors
    /// `missing_context` without a time or a seed.
    pub fn derive(context: &Context, operation: &str, counter: u64) -> Result<Self, Error> {
        let mut hash = Sha256::new();
        for part in [context.seed()?, &context.tenant, operation] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(counter.to_be_bytes());
        let digest = hash.finalize();
        let mut random = [0_u8; 10];
        random.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        let millis = u64::try_from(context.now()?.millis()).unwrap_or(0);
        Ok(Id(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Id::new(&text).map_err(|e| serde::de::Error::custom(e.message()))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "id", "minLength": 1, "maxLength": 64, "description": "An opaque id: the engine's own UUID or the host's."})
    }
}
