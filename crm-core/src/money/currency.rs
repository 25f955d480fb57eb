//! `currencies.get`: what ISO 4217 says about a currency.

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};

/// A currency to look up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CurrencyRequest {
    /// The three-letter code.
    pub code: Currency,
    /// A whole number of minor units to write in major units, such as 1234 cents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<Dec>,
}

/// The facts of a currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CurrencyFacts {
    /// The three-letter code.
    pub code: Currency,
    /// The three-digit number, with leading zeros.
    pub numeric: String,
    /// The digits of the minor unit; null for metals, funds and test codes, which have none.
    pub minor_unit_digits: Option<u32>,
    /// The English name.
    pub name: String,
    /// The asked minor units in major units, with all digits of the minor unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major: Option<Dec>,
}

/// Looks a currency up and, when asked, writes minor units in major units.
///
/// # Errors
/// `unknown_currency` when the code is read; for `minor`: `amount_not_multiple` unless it is whole, `currency_without_minor_unit`,
/// `decimal_overflow`.
///
/// # Example: the Kuwaiti dinar has three digits
/// ```
/// use crm_core::{base::context::Context, money::currency::{get, CurrencyRequest}};
/// let facts = get(&CurrencyRequest { code: "KWD".parse()?, minor: Some("1234".parse()?) }, &Context::default())?.value;
/// assert_eq!((facts.numeric.as_str(), facts.minor_unit_digits), ("414", Some(3)));
/// assert_eq!(facts.major.map(|m| m.to_string()).as_deref(), Some("1.234"));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
///
/// Source: ISO 4217, as held by the `iso_currency` crate.
pub fn get(request: &CurrencyRequest, _: &Context) -> Result<Decision<CurrencyFacts>> {
    let code = request.code;
    let major = match request.minor {
        Some(minor) => {
            let whole = minor.normalized();
            if whole.scale() > 0 {
                let error = Error::new(Code::AmountNotMultiple).with("amount", minor.to_string());
                return Err(error.with("increment", "1").at("minor"));
            }
            let digits = code.increment().map_err(|error| error.at("code"))?.scale();
            Some(Dec::from_parts(whole.mantissa(), digits).map_err(|error| error.at("minor"))?)
        }
        None => None,
    };
    Ok(Decision::plain(CurrencyFacts {
        code,
        numeric: code.numeric(),
        minor_unit_digits: code.digits(),
        name: code.name().to_owned(),
        major,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_whole_and_need_a_minor_unit() {
        let refusal = |code: &str, minor: &str| {
            let request = CurrencyRequest { code: code.parse().unwrap(), minor: Some(minor.parse().unwrap()) };
            let error = get(&request, &Context::default()).unwrap_err();
            format!("{} at {}", error.code(), error.path())
        };
        assert_eq!(refusal("USD", "1.5"), "amount_not_multiple at minor");
        assert_eq!(refusal("XAU", "1"), "currency_without_minor_unit at code");
    }
}
