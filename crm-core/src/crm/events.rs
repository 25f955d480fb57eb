//! Events: what happened, in the order in which it was committed.

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::base::change::StoredEvent;
use crate::base::codes::Code;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;

/// Asks for events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListEvents {
    /// The cursor of the last event seen; from the beginning when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventPage {
    /// The events, oldest first.
    pub items: Vec<StoredEvent>,
    /// Where to go on reading; the request's own cursor when there was nothing new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Reads events after a cursor.
pub(crate) async fn list(session: &mut Session<'_>, request: &ListEvents) -> Result<Decision<EventPage>> {
    let limit = request.limit.map_or(Ok(100), usize::try_from).unwrap_or(usize::MAX);
    if limit == 0 || limit > limits::PAGE {
        let error = Error::new(Code::NumberOutOfRange)
            .with("value", request.limit.unwrap_or(0))
            .with("minimum", 1)
            .with("maximum", limits::PAGE);
        return Err(error.at("limit"));
    }
    let items = session.repository().events(&session.context().tenant, request.after.as_deref(), limit).await?;
    let items: Vec<StoredEvent> = items.into_iter().map(StoredEvent::resolved).collect();
    let cursor = items.last().map(|e| e.cursor.clone()).or_else(|| request.after.clone());
    Ok(Decision::plain(EventPage { items, cursor }))
}
