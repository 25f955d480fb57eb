//! The envelope of a request and of an answer.

use super::shape;
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
#[cfg(feature = "store")]
use crate::base::json::ToJson;
use crate::base::json::{FromJson, Raw};
use crate::base::limits;
use crate::base::reader;
use crate::base::reader::Fault;
use crate::base::reason::{Explain, Reason};
use crate::base::writer;

/// The wire version that this engine speaks.
pub const WIRE: u32 = 1;

/// A request as it comes in.
#[derive(FromJson)]
#[serde(deny_unknown_fields)]
pub struct Request<'a> {
    /// The wire version; 1 when left out.
    #[serde(default = "wire")]
    pub wire: u32,
    /// The operation.
    #[serde(borrow)]
    pub op: std::borrow::Cow<'a, str>,
    /// The context.
    #[serde(default)]
    pub context: Context,
    /// A configuration to use instead of the stored one.
    #[serde(default, borrow)]
    pub config: Option<Raw<'a>>,
    /// The caller's key, by which a repeated request is known.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// The version at which the caller expects the record that it changes.
    #[serde(default)]
    pub expect_version: Option<u64>,
    /// How much explanation is wanted.
    #[serde(default)]
    pub explain: Explain,
    /// The operation's own input.
    #[serde(default, borrow)]
    pub input: Option<Raw<'a>>,
    /// The facts, for `decide` alone.
    #[serde(default, borrow)]
    pub facts: Option<Raw<'a>>,
    /// What the caller says of itself as the store, for `begin` alone.
    #[serde(default, borrow)]
    pub store: Option<Raw<'a>>,
}

fn wire() -> u32 {
    WIRE
}

impl<'a> Request<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// `request_too_large`, `invalid_json`, `unsupported_wire`, and every mistake in the envelope.
    pub fn read(text: &'a str) -> Result<Self> {
        let request = Request::read_from_store(text)?;
        if request.store.is_some() {
            let error = Error::new(Code::UnknownField).with("field", "store");
            return Err(error.with("hint", Reason::new(Code::StoreBegins)).at("store"));
        }
        Ok(request)
    }

    /// Reads a request whose caller is the store, and may say so.
    ///
    /// # Errors
    /// As [`Request::read`].
    pub fn read_from_store(text: &'a str) -> Result<Self> {
        if text.len() > limits::REQUEST_BYTES {
            return Err(Error::new(Code::RequestTooLarge)
                .with("length", text.len())
                .with("limit", limits::REQUEST_BYTES));
        }
        let request = Request::parse(text).map_err(|e| shape::explain(text, shape::envelope(), &e))?;
        if request.wire != WIRE {
            return Err(Error::new(Code::UnsupportedWire).with("wire", request.wire).at("wire"));
        }
        Ok(request)
    }

    /// Reads a request without saying what is wrong with one that cannot be read.
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        let mut request: Request<'a> = reader::from_str(text)?;
        request.context.explain = request.explain;
        Ok(request)
    }

    /// The input's text; an empty object when left out.
    pub fn input(&self) -> &'a str {
        self.input.map_or("{}", Raw::get)
    }

    /// Reads the input of what is no operation of the table.
    ///
    /// # Errors
    /// Every mistake in the input.
    #[cfg(any(feature = "sql", feature = "conformance"))]
    pub(super) fn input_like<T: FromJson<'a>>(&self, shape: &'static shape::Shape) -> Result<T> {
        let text = self.input();
        reader::from_str(text).map_err(|e| shape::explain(text, Some(shape), &e).at("input"))
    }
}

/// Reads an operation's input.
///
/// The typed reader is strict and fast; when it refuses, the shape is walked to report every mistake with its path.
///
/// # Errors
/// Every mistake in the input.
pub fn decode<'a, T: FromJson<'a>>(operation: &str, text: &'a str) -> Result<T> {
    reader::from_str(text).map_err(|e| shape::explain(text, super::shapes::request(operation), &e))
}

/// Writes an answer whose value is a text of JSON already.
pub fn write_text(result: Result<Decision<String>>, explain: Explain) -> String {
    let decision = match result {
        Ok(decision) => decision,
        Err(error) => return refuse(&error),
    };
    let reasons = Reason::trim(decision.reasons, explain);
    let mut text = String::with_capacity(decision.value.len().saturating_add(32));
    text.push_str(r#"{"ok":true,"value":"#);
    text.push_str(&decision.value);
    if !reasons.is_empty() {
        text.extend([r#","reasons":"#, &writer::to_string(&reasons, 0)]);
    }
    text.push('}');
    text
}

/// Writes an answer.
#[cfg(feature = "store")]
pub fn write<T: ToJson>(result: Result<Decision<T>>, explain: Explain) -> String {
    #[derive(ToJson)]
    struct Answer<T> {
        ok: bool,
        value: T,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<Reason>,
    }
    match result {
        Ok(decision) => {
            let reasons = Reason::trim(decision.reasons, explain);
            writer::to_string(&Answer { ok: true, value: decision.value, reasons }, 0)
        }
        Err(error) => refuse(&error),
    }
}

/// Writes a refusal.
pub fn refuse(error: &Error) -> String {
    let text = writer::to_string(&error.to_value(), 0);
    format!(r#"{{"error":{text},"ok":false}}"#)
}
