//! Currencies of ISO 4217: code, number, minor unit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::codes::Code;
use super::decimal::Dec;
use super::error::Error;
use super::reason::Reason;
use super::text::clip;

/// A currency of ISO 4217, written as its three capital letters.
///
/// # Example: minor units differ
/// ```
/// use crm_core::base::currency::Currency;
/// let digits = |code: &str| code.parse::<Currency>().map(Currency::digits);
/// assert_eq!((digits("USD")?, digits("JPY")?, digits("KWD")?, digits("XAU")?), (Some(2), Some(0), Some(3), None));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The three-digit number, with leading zeros.
    pub fn numeric(self) -> String {
        format!("{:03}", self.0.numeric())
    }

    /// The English name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The digits of the minor unit, or nothing for metals, funds and test codes.
    pub fn digits(self) -> Option<u32> {
        self.0.exponent().map(u32::from)
    }

    /// The smallest amount: `0.01` for USD.
    ///
    /// # Errors
    /// `currency_without_minor_unit`.
    pub fn increment(self) -> Result<Dec, Error> {
        let digits =
            self.digits().ok_or_else(|| Error::new(Code::CurrencyWithoutMinorUnit).with("currency", self.code()))?;
        Dec::from_parts(1, digits)
    }
}

impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        iso_currency::Currency::from_code(text).map(Currency).ok_or_else(|| {
            let hint = match iso_currency::Currency::from_code(&text.to_ascii_uppercase()) {
                Some(known) => Reason::new(Code::WriteValue).with("value", known.code()),
                None => Reason::new(Code::WriteCurrencyCode),
            };
            Error::new(Code::UnknownCurrency).with("value", clip(text)).with("hint", hint)
        })
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|e: Error| serde::de::Error::custom(e.message()))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "currency", "minLength": 3, "maxLength": 3, "description": "A currency code of ISO 4217."})
    }
}
