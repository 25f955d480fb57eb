//! `money.convert`: an amount in another currency, by a dated rate that stays with the figure.

use serde::{Deserialize, Serialize};

use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;
use crate::base::money::Money;
pub use crate::base::rates::Converted;
use crate::base::rates::{Rate, RateTable, rounder_for};
use crate::base::rounding::Mode;
use crate::base::time::Date;

/// An amount to convert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConvertRequest {
    /// The amount.
    pub money: Money,
    /// The currency to convert to.
    pub to: Currency,
    /// The day of the conversion; the latest rate on or before it is used.
    pub date: Date,
    /// The rates to choose from, in any order.
    pub rates: Vec<Rate>,
    /// What the converted amount is a multiple of; the minor unit of `to` unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<Dec>,
    /// How the converted amount is rounded.
    #[serde(default)]
    pub mode: Mode,
}

/// Converts an amount with the latest rate on or before a date, directly or by the inverse rate.
///
/// The converted amount is `amount x rate`, or `amount / rate` with an inverse rate, exact until it is rounded once. An amount that
/// already is in the currency stays as it is.
///
/// # Errors
/// `missing_rate`, `invalid_rate`, `rate_to_itself`, `duplicate_rate`, `too_many_items`, `currency_without_minor_unit`,
/// `invalid_increment`, `decimal_overflow`.
///
/// # Example: an older rate serves until there is a newer one
/// ```
/// use crm_core::{base::{context::Context, money::Money, rates::Rate}, money::convert::{convert, ConvertRequest}};
/// let rate = Rate {
///     from: "EUR".parse()?,
///     to: "JPY".parse()?,
///     date: "2026-01-02".parse()?,
///     rate: "180.55".parse()?,
///     source: Some("ECB".to_owned()),
/// };
/// let request = ConvertRequest {
///     money: Money::new("9.99".parse()?, "EUR".parse()?),
///     to: "JPY".parse()?,
///     date: "2026-01-31".parse()?,
///     rates: vec![rate],
///     increment: None,
///     mode: Default::default(),
/// };
/// let figure = convert(&request, &Context::default())?.value;
/// assert_eq!((figure.amount.to_string().as_str(), figure.source.as_deref()), ("1804", Some("ECB")));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn convert(request: &ConvertRequest, _: &Context) -> Result<Decision<Converted>> {
    limits::items(request.rates.len(), limits::LINES, "rates")?;
    let table = RateTable::new(&request.rates)?;
    let path = if request.increment.is_some() { "increment" } else { "to" };
    let rounder = rounder_for(request.to, request.increment, request.mode).map_err(|error| error.at(path))?;
    Ok(Decision::plain(table.convert(&request.money, request.to, request.date, &rounder)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_without_minor_unit_needs_an_increment() {
        let rate = Rate {
            from: "XAU".parse().unwrap(),
            to: "USD".parse().unwrap(),
            date: "2026-01-02".parse().unwrap(),
            rate: "4000".parse().unwrap(),
            source: None,
        };
        let mut request = ConvertRequest {
            money: Money::new("1000".parse().unwrap(), "USD".parse().unwrap()),
            to: "XAU".parse().unwrap(),
            date: "2026-01-31".parse().unwrap(),
            rates: vec![rate],
            increment: None,
            mode: Mode::default(),
        };
        let error = convert(&request, &Context::default()).unwrap_err();
        assert_eq!((error.code(), error.path()), ("currency_without_minor_unit", "to"));
        request.increment = Some("0.001".parse().unwrap());
        let figure = convert(&request, &Context::default()).unwrap().value;
        assert_eq!((figure.amount.to_string().as_str(), figure.inverse), ("0.250", true));
        request.date = "2026-01-01".parse().unwrap();
        assert_eq!(convert(&request, &Context::default()).unwrap_err().code(), "missing_rate");
    }
}
