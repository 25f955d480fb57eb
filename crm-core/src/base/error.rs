//! The one error type: kind, stable code, path, details, and a message made from the code's template.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::{Fields, canonical, object};
use super::codes::{Code, Language};
use crate::base::json::{FromJson, ToJson, Writer};

/// The coarse class of an error: what a caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Kind {
    /// The request is wrong; mend it as the message says.
    Validation,
    /// A record that the request names does not exist.
    NotFound,
    /// Somebody else changed what the request relied on; read again and retry.
    Conflict,
    /// The record's state does not allow this move; the details say what is missing.
    InvalidTransition,
    /// The actor may not do this.
    Forbidden,
    /// A size or count limit is passed.
    Limit,
    /// The store failed; `retryable` says whether trying again can help.
    Storage,
    /// The store or build does not offer this.
    Unsupported,
    /// A defect of the engine; please report it.
    Internal,
}

impl Kind {
    /// The stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Validation => "validation",
            Kind::NotFound => "not_found",
            Kind::Conflict => "conflict",
            Kind::InvalidTransition => "invalid_transition",
            Kind::Forbidden => "forbidden",
            Kind::Limit => "limit",
            Kind::Storage => "storage",
            Kind::Unsupported => "unsupported",
            Kind::Internal => "internal",
        }
    }
}

/// A refusal: what is wrong, where, and what to do about it.
///
/// # Example: a stable code, a path and the remedy
/// ```
/// use crm_core::base::{codes::Code, error::{Error, Kind}};
/// let error = Error::new(Code::InvalidDecimal).with("value", "1,5").at("lines[0].quantity");
/// assert_eq!(error.code(), "invalid_decimal");
/// assert_eq!(error.kind(), Kind::Validation);
/// assert_eq!(error.to_string(), "`lines[0].quantity`: `1,5` is not a decimal: write digits with an optional point, such as `12.50`");
/// ```
#[derive(Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    code: Code,
    path: String,
    details: Fields,
    retryable: bool,
    message: Option<String>,
}

/// The result of everything that may refuse.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of a code, without path or details.
    pub fn new(code: Code) -> Self {
        Error(Box::new(Inner {
            code,
            path: String::new(),
            details: Fields::new(),
            retryable: code.retryable(),
            message: None,
        }))
    }

    /// Adds a detail; the message's template may name it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), canonical(value.into()));
        self
    }

    /// Puts a place in front of the error's path (`lines[0]`, then `quantity` inside it).
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        self.0.path = join(prefix, &self.0.path);
        for list in ["violations", "findings"] {
            for item in self.0.details.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(Value::String(path)) = item.get_mut("path") {
                    *path = join(prefix, path);
                }
            }
        }
        self
    }

    /// Sets whether trying again can help, where the code alone does not say.
    #[must_use]
    pub fn retry(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Replaces the template's message; for errors that a host's repository reports in its own words.
    #[must_use]
    pub fn say(mut self, message: &str) -> Self {
        self.0.message = Some(super::text::clip(message));
        self
    }

    /// Gathers several violations into one error; one alone stays itself.
    pub fn all(mut violations: Vec<Error>) -> Option<Error> {
        if violations.len() <= 1 {
            return violations.pop();
        }
        let list = violations.iter().map(Error::to_value).collect::<Vec<_>>();
        Some(Error::new(Code::InvalidRequest).with("count", list.len()).with("violations", list))
    }

    /// The error's class.
    pub fn kind(&self) -> Kind {
        self.0.code.kind().unwrap_or(Kind::Internal)
    }

    /// The stable snake_case code.
    pub fn code(&self) -> &'static str {
        self.0.code.name()
    }

    /// The code as an enum.
    pub fn id(&self) -> Code {
        self.0.code
    }

    /// The place in the request, such as `lines[0].quantity`; empty when it is about the whole.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The facts behind the message.
    pub fn details(&self) -> &Fields {
        &self.0.details
    }

    /// Says whether the same request may succeed when it is tried again.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// The message in English, without the path.
    pub fn message(&self) -> String {
        match &self.0.message {
            Some(own) => own.clone(),
            None => super::codes::render(self.0.code, &self.0.details, Language::English),
        }
    }

    /// The error as it goes over the wire.
    pub fn to_value(&self) -> Value {
        let mut out = Fields::new();
        out.insert("kind".into(), self.kind().name().into());
        out.insert("code".into(), self.code().into());
        out.insert("message".into(), self.message().into());
        out.insert("path".into(), self.path().into());
        out.insert("details".into(), object(self.0.details.clone()));
        if matches!(self.kind(), Kind::Storage | Kind::Conflict | Kind::Limit) {
            out.insert("retryable".into(), self.0.retryable.into());
        }
        object(out)
    }
}

fn join(prefix: &str, path: &str) -> String {
    match (prefix.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (false, true) => prefix.to_owned(),
        (false, false) if path.starts_with('[') => format!("{prefix}{path}"),
        (false, false) => format!("{prefix}.{path}"),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "`{}`: ", self.0.path)?;
        }
        f.write_str(&self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self} {}", self.code(), object(self.0.details.clone()))
    }
}

impl std::error::Error for Error {}

impl ToJson for Error {
    fn to_json(&self, writer: &mut Writer) {
        self.to_value().to_json(writer);
    }
}

impl Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}
