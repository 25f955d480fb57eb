//! Records: what a store keeps, and the order-preserving keys by which it finds them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::decimal::Dec;
use super::id::Id;
use super::json::{FromJson, Json, ToJson};
use super::number::{Numbers, resolve};
use super::text::{fold, hex};
use super::time::{Date, Instant};

/// The name of a record: its kind and id, within a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The kind, such as `opportunity`.
    pub kind: String,
    /// The id.
    pub id: Id,
}

impl Key {
    /// Names a record.
    pub fn new(kind: &str, id: &Id) -> Self {
        Key { kind: kind.to_owned(), id: id.clone() }
    }
}

/// A record as stores keep it: the body is JSON text that no adapter reads, the keys are bytes that every adapter compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The kind, such as `opportunity`.
    pub kind: String,
    /// The id, unique within tenant and kind.
    pub id: Id,
    /// Counts the changes from 1.
    pub version: u64,
    /// The version of the body's layout.
    pub schema: u32,
    /// One key a declared index of the kind, in the declared order.
    pub keys: Vec<KeyBytes>,
    /// The body.
    pub body: Body,
    /// The numbers given out for the tokens in the body; empty in what is written.
    #[serde(default, skip_serializing_if = "Numbers::is_empty")]
    pub numbers: Numbers,
}

impl Record {
    /// The record's name.
    pub fn key(&self) -> Key {
        Key { kind: self.kind.clone(), id: self.id.clone() }
    }

    /// The record with its numbers where their tokens stood.
    #[must_use]
    pub fn resolved(mut self) -> Self {
        if !self.numbers.is_empty()
            && let Ok(mut body) = super::reader::from_str(self.body.text())
        {
            resolve(&mut body, &self.numbers);
            self.body = Body::write(&body);
            self.numbers.clear();
        }
        self
    }
}

/// A body: JSON text, kept as it was written.
#[derive(Clone)]
pub struct Body(Json);

impl Body {
    /// Writes a value as a body.
    pub fn write(value: &dyn ToJson) -> Self {
        Body(super::writer::to_json(value))
    }

    /// Takes JSON text as a body.
    ///
    /// # Errors
    /// The parser's error when the text is not JSON.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<serde::de::IgnoredAny>(&text)?;
        Ok(Body(Json::of(text)))
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl ToJson for Body {
    fn to_json(&self, writer: &mut super::json::Writer) {
        writer.push(self.text());
    }
}

impl<'de> FromJson<'de> for Body {
    fn from_json(reader: &mut super::json::Reader<'de>) -> Result<Self, super::json::Fault> {
        Json::from_json(reader).map(Body)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.text()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Body(Json::of(raw.get().to_owned())))
    }
}

/// The bytes of one index key; compared byte by byte they order as the values do. On the wire lower-case hex.
///
/// Missing is `00`, present begins with `01`. Text is case-folded, cut at 800 bytes and ended by `00`.
///
/// # Example: decimals order as numbers, not as text
/// ```
/// use crm_core::base::record::KeyBytes;
/// let key = |text: &str| text.parse().map(|d| KeyBytes::new().decimal(Some(d)));
/// assert!(key("-1")? < key("0")? && key("9.5")? < key("10.0")?);
/// assert_eq!(key("10")?, key("10.00")?);
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBytes(Vec<u8>);

impl KeyBytes {
    /// The longest text that a key holds, in bytes after case folding: any name fits, so that no two names share a key.
    pub const TEXT: usize = 4 * crate::base::limits::NAME;

    /// An empty key, to which fields are added in the index's order.
    pub fn new() -> Self {
        KeyBytes(Vec::new())
    }

    /// Takes bytes as a key.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        KeyBytes(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Says whether this key begins with another one.
    pub fn starts_with(&self, prefix: &KeyBytes) -> bool {
        self.0.starts_with(&prefix.0)
    }

    fn present(mut self, bytes: impl IntoIterator<Item = u8>) -> Self {
        self.0.push(1);
        self.0.extend(bytes);
        self
    }

    fn missing(mut self) -> Self {
        self.0.push(0);
        self
    }

    /// Adds text, case-folded and cut on a character boundary.
    #[must_use]
    pub fn text(self, value: Option<&str>) -> Self {
        let Some(value) = value else { return self.missing() };
        let folded = fold(value);
        let end = folded
            .char_indices()
            .map(|(i, c)| i.saturating_add(c.len_utf8()))
            .take_while(|end| *end <= Self::TEXT)
            .last()
            .unwrap_or(0);
        let cut = folded.get(..end).unwrap_or_default().bytes().collect::<Vec<_>>();
        let mut key = self.present(cut);
        key.0.push(0);
        key
    }

    /// Adds an id, exactly as written.
    #[must_use]
    pub fn id(self, value: Option<&Id>) -> Self {
        match value {
            None => self.missing(),
            Some(id) => self.exact(id.as_str()),
        }
    }

    /// Adds a name of the configuration, such as a stage's id, exactly as written.
    #[must_use]
    pub fn exact(self, value: &str) -> Self {
        let mut key = self.present(value.bytes());
        key.0.push(0);
        key
    }

    /// Adds a calendar date.
    #[must_use]
    pub fn date(self, value: Option<Date>) -> Self {
        match value {
            None => self.missing(),
            Some(date) => self.present((i64::from(date.days()).wrapping_add(1 << 31) as u32).to_be_bytes()),
        }
    }

    /// Adds an instant.
    #[must_use]
    pub fn instant(self, value: Option<Instant>) -> Self {
        match value {
            None => self.missing(),
            Some(instant) => self.present((instant.micros() as u64 ^ (1 << 63)).to_be_bytes()),
        }
    }

    /// Adds a yes or no.
    #[must_use]
    pub fn flag(self, value: Option<bool>) -> Self {
        match value {
            None => self.missing(),
            Some(flag) => self.present([u8::from(flag)]),
        }
    }

    /// Adds a decimal: sign, position of the first digit, digits; complemented below zero.
    #[must_use]
    pub fn decimal(self, value: Option<Dec>) -> Self {
        let Some(value) = value else { return self.missing() };
        let value = value.normalized();
        if value.is_zero() {
            return self.present([0x80]);
        }
        let digits = value.mantissa().unsigned_abs().to_string();
        let position = (digits.len() as i64).wrapping_sub(i64::from(value.scale()));
        let mut bytes = vec![(position.wrapping_add(64)) as u8];
        bytes.extend(digits.trim_end_matches('0').bytes().map(|b| b.wrapping_sub(b'0').wrapping_add(1)));
        bytes.push(0);
        if value.is_negative() {
            self.present(std::iter::once(0x40).chain(bytes.into_iter().map(|b| !b)))
        } else {
            self.present(std::iter::once(0xC0).chain(bytes))
        }
    }
}

impl KeyBytes {
    /// What a key is refused for that is not written in hex.
    const HEX: &str = "a key is written in hex";

    /// The bytes in lower-case hex.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads hex.
    pub fn parse(text: &str) -> Option<Self> {
        let nibbles: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
        let nibbles = nibbles.filter(|n| n.len().is_multiple_of(2))?;
        let pairs = nibbles.chunks_exact(2).map(|pair| pair.iter().fold(0_u8, |byte, nibble| (byte << 4) | nibble));
        Some(KeyBytes(pairs.collect()))
    }
}

impl ToJson for KeyBytes {
    fn to_json(&self, writer: &mut super::json::Writer) {
        writer.word(&self.hex());
    }
}

impl<'de> FromJson<'de> for KeyBytes {
    fn from_json(reader: &mut super::json::Reader<'de>) -> Result<Self, super::json::Fault> {
        KeyBytes::parse(&reader.text()?).ok_or_else(|| super::json::Fault::new(&KeyBytes::HEX))
    }
}

impl Serialize for KeyBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for KeyBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        KeyBytes::parse(&text).ok_or_else(|| serde::de::Error::custom(KeyBytes::HEX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimal_keys_order_as_decimals(a in any::<i64>(), b in any::<i64>(), sa in 0_u32..20, sb in 0_u32..20) {
            let (x, y) = (Dec::from_parts(a.into(), sa).unwrap(), Dec::from_parts(b.into(), sb).unwrap());
            let key = |d| KeyBytes::new().decimal(Some(d));
            prop_assert_eq!(x.cmp(&y), key(x).cmp(&key(y)));
        }

        #[test]
        fn hex_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let key = KeyBytes::from_bytes(bytes);
            let text = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<KeyBytes>(&text).unwrap(), key);
        }

        #[test]
        fn dates_and_instants_order(a in -100_000_i32..100_000, b in -100_000_i32..100_000) {
            let key = |d| KeyBytes::new().date(Date::from_days(d));
            prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
            let at = |d: i32| KeyBytes::new().instant(Instant::from_micros(i64::from(d)));
            prop_assert_eq!(a.cmp(&b), at(a).cmp(&at(b)));
        }
    }
}
