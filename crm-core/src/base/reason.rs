//! Reasons: why a decision came out as it did, as data.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::canonical::{Fields, canonical, object};
use super::codes::{Code, Language};
use crate::base::json::{Fault, FromJson, Reader, ToJson, Writer};

/// How much explanation a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Explain {
    /// No reasons at all.
    None,
    /// The reasons themselves, without what lies beneath them.
    #[default]
    Codes,
    /// The whole tree.
    Full,
}

/// One step of an explanation: a code, its parameters, and the reasons beneath it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    code: Code,
    params: Fields,
    children: Vec<Reason>,
}

impl Reason {
    /// Makes a reason without parameters.
    pub fn new(code: Code) -> Self {
        Reason { code, params: Fields::new(), children: Vec::new() }
    }

    /// Adds a parameter that the code's template may name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), canonical(value.into()));
        self
    }

    /// Adds a decimal or any other value that prints as text.
    #[must_use]
    pub fn show(self, name: &str, value: impl std::fmt::Display) -> Self {
        self.with(name, value.to_string())
    }

    /// Adds a reason beneath this one.
    #[must_use]
    pub fn child(mut self, child: Reason) -> Self {
        self.children.push(child);
        self
    }

    /// Adds reasons beneath this one.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Reason>) -> Self {
        self.children.extend(children);
        self
    }

    /// The reason's code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The reason's parameters.
    pub fn params(&self) -> &Fields {
        &self.params
    }

    /// The reasons beneath this one.
    pub fn beneath(&self) -> &[Reason] {
        &self.children
    }

    /// Cuts an explanation down to what was asked for.
    pub fn trim(reasons: Vec<Reason>, explain: Explain) -> Vec<Reason> {
        match explain {
            Explain::None => Vec::new(),
            Explain::Codes => reasons.into_iter().map(|r| Reason { children: Vec::new(), ..r }).collect(),
            Explain::Full => reasons,
        }
    }

    /// The reason as a sentence in English.
    pub fn english(&self) -> String {
        super::codes::render(self.code, &self.params, Language::English)
    }

    /// The reason as a sentence in Chinese.
    #[cfg(feature = "catalogue")]
    pub fn chinese(&self) -> String {
        super::codes::render(self.code, &self.params, Language::Chinese)
    }
}

/// A reason as a detail of an error or of another reason: a hint, or what lies behind a failure. What is beneath it is left out.
impl From<Reason> for Value {
    fn from(reason: Reason) -> Value {
        let mut map = serde_json::Map::new();
        map.insert("code".to_owned(), reason.code.name().into());
        map.insert("params".to_owned(), object(reason.params));
        Value::Object(map)
    }
}

impl ToJson for Reason {
    fn to_json(&self, writer: &mut Writer) {
        let skip = u64::from(self.children.is_empty()) << 2;
        writer.fields(&["code", "params", "children"], skip, &[&self.code.name(), &self.params, &self.children]);
    }
}

/// A reason as it is written.
#[derive(Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
struct Read {
    code: String,
    #[serde(default)]
    params: Fields,
    #[serde(default)]
    children: Vec<Reason>,
}

impl Read {
    const UNKNOWN: &str = "there is no such reason code";

    fn reason(self) -> Option<Reason> {
        Some(Reason { code: Code::find(&self.code)?, params: self.params, children: self.children })
    }
}

impl<'de> FromJson<'de> for Reason {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        Read::from_json(reader)?.reason().ok_or_else(|| Fault::new(&Read::UNKNOWN))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = if self.children.is_empty() { 2 } else { 3 };
        let mut out = serializer.serialize_struct("Reason", fields)?;
        out.serialize_field("code", self.code.name())?;
        out.serialize_field("params", &self.params)?;
        if !self.children.is_empty() {
            out.serialize_field("children", &self.children)?;
        }
        out.end()
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read::deserialize(deserializer)?.reason().ok_or_else(|| serde::de::Error::custom(Read::UNKNOWN))
    }
}
