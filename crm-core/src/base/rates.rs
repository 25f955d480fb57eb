//! Dated exchange rates, and amounts converted with them.
//!
//! A rate says how many units of `to` one unit of `from` was worth on a date, and who said so. A conversion on a day uses the latest
//! rate on or before that day, in either direction; at the same date the direct rate wins over the inverse one. Nothing is converted
//! through a third currency. A converted figure keeps its rate, the rate's date and source, and the original amount.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::currency::Currency;
use super::decimal::Dec;
use super::error::{Error, Result};
use super::limits;
use super::money::Money;
use super::rounding::{Mode, Rounder, round_fraction};
use super::time::Date;
use crate::base::json::{FromJson, ToJson};

/// What one unit of a currency was worth in another on a date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rate {
    /// The currency of which one unit is priced.
    pub from: Currency,
    /// The currency in which the price is given.
    pub to: Currency,
    /// The first day on which the rate holds; it holds until a later one.
    pub date: Date,
    /// Units of `to` for one unit of `from`, above zero.
    pub rate: Dec,
    /// Who published the rate, such as `ECB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// An amount in another currency, with everything that led to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Converted {
    /// The converted amount, rounded.
    pub amount: Dec,
    /// The currency converted to.
    pub currency: Currency,
    /// The rate as published; 1 when the original already is in the currency.
    pub rate: Dec,
    /// Whether the rate was published from `currency` to the original's currency, so that the original was divided by it.
    pub inverse: bool,
    /// The date of the rate.
    pub rate_date: Date,
    /// Who published the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The amount as it was.
    pub original: Money,
}

/// Rates by pair of currencies and date.
#[derive(Clone, Debug, Default)]
pub struct RateTable<'a>(BTreeMap<(Currency, Currency), BTreeMap<Date, &'a Rate>>);

impl<'a> RateTable<'a> {
    /// Takes rates in any order and reports everything that is wrong with them, with paths such as `rates[3].rate`.
    ///
    /// # Errors
    /// `invalid_rate`, `rate_to_itself`, `duplicate_rate` (two different rates of one pair and date), `text_too_long`, `invalid_text`.
    pub fn new(rates: &'a [Rate]) -> Result<Self> {
        let mut table = RateTable::default();
        let mut violations = Vec::new();
        for (index, rate) in rates.iter().enumerate() {
            let at = |error: Error, field: &str| error.at(field).at(&format!("rates[{index}]"));
            if rate.rate.is_zero() || rate.rate.is_negative() {
                violations.push(at(Error::new(Code::InvalidRate).with("value", rate.rate.to_string()), "rate"));
            }
            if rate.from == rate.to {
                violations.push(at(Error::new(Code::RateToItself).with("currency", rate.to.code()), "to"));
            }
            let source = rate.source.as_deref().map(|source| limits::free_text(source, limits::NAME, ""));
            violations.extend(source.and_then(Result::err).map(|error| at(error, "source")));
            let before = table.0.entry((rate.from, rate.to)).or_default().insert(rate.date, rate);
            if before.is_some_and(|before| before.rate != rate.rate) {
                let error = Error::new(Code::DuplicateRate).with("from", rate.from.code()).with("to", rate.to.code());
                violations.push(at(error.with("date", rate.date.to_string()), "rate"));
            }
        }
        Error::all(violations).map_or(Ok(table), Err)
    }

    /// The latest rate on or before a date, and whether it is to be inverted.
    pub fn find(&self, from: Currency, to: Currency, on: Date) -> Option<(&'a Rate, bool)> {
        let latest = |from, to| self.0.get(&(from, to))?.range(..=on).next_back().map(|(_, rate)| *rate);
        match (latest(from, to), latest(to, from)) {
            (Some(direct), Some(inverse)) if inverse.date > direct.date => Some((inverse, true)),
            (Some(direct), _) => Some((direct, false)),
            (None, inverse) => inverse.map(|rate| (rate, true)),
        }
    }

    /// Converts an amount with the latest rate on or before a date, rounding once at the end.
    ///
    /// An amount that already is in the currency stays as it is, with rate 1.
    ///
    /// # Errors
    /// `missing_rate`; `decimal_overflow`.
    ///
    /// # Example: the rate stays with the figure
    /// ```
    /// use crm_core::base::{money::Money, rates::{Rate, RateTable}, rounding::{Mode, Rounder}};
    /// let rates = [Rate { from: "EUR".parse()?, to: "USD".parse()?, date: "2026-01-02".parse()?, rate: "1.25".parse()?, source: None }];
    /// let table = RateTable::new(&rates)?;
    /// let cents = Rounder::new("0.01".parse()?, Mode::HalfAwayFromZero)?;
    /// let figure = table.convert(&Money::new("10".parse()?, "USD".parse()?), "EUR".parse()?, "2026-01-31".parse()?, &cents)?;
    /// assert_eq!((figure.amount.to_string().as_str(), figure.inverse, figure.rate_date.to_string().as_str()), ("8.00", true, "2026-01-02"));
    /// assert_eq!(table.convert(&figure.original, "EUR".parse()?, "2026-01-01".parse()?, &cents).map_err(|e| e.code()), Err("missing_rate"));
    /// # Ok::<(), crm_core::base::error::Error>(())
    /// ```
    pub fn convert(&self, money: &Money, to: Currency, on: Date, rounder: &Rounder) -> Result<Converted> {
        if money.currency == to {
            let (rate, source) = (Dec::from(1), None);
            return Ok(Converted {
                amount: money.amount,
                currency: to,
                rate,
                inverse: false,
                rate_date: on,
                source,
                original: *money,
            });
        }
        let (rate, inverse) = self.find(money.currency, to, on).ok_or_else(|| {
            let error = Error::new(Code::MissingRate).with("from", money.currency.code()).with("to", to.code());
            error.with("date", on.to_string())
        })?;
        let amount = if inverse {
            round_fraction(money.amount, rate.rate, rounder.increment(), rounder.mode())?
        } else {
            product(money.amount, rate.rate, rounder)?
        };
        Ok(Converted {
            amount,
            currency: to,
            rate: rate.rate,
            inverse,
            rate_date: rate.date,
            source: rate.source.clone(),
            original: *money,
        })
    }
}

/// The rounder for amounts of a currency: its minor unit unless an increment is named.
///
/// # Errors
/// `currency_without_minor_unit`, `invalid_increment`.
pub fn rounder_for(currency: Currency, increment: Option<Dec>, mode: Mode) -> Result<Rounder> {
    Rounder::new(increment.map_or_else(|| currency.increment(), Ok)?, mode)
}

/// A product rounded once; the exact product may have more digits than a decimal holds.
fn product(a: Dec, b: Dec, rounder: &Rounder) -> Result<Dec> {
    let units = |a: Dec, b: Dec| {
        let mantissa = a.mantissa().checked_mul(b.mantissa());
        let mantissa = mantissa.ok_or_else(|| Error::new(Code::DecimalOverflow).with("what", "conversion"))?;
        rounder.units_of_parts(mantissa, a.scale().saturating_add(b.scale()))
    };
    rounder.amount(units(a, b).or_else(|_| units(a.normalized(), b.normalized()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(from: &str, to: &str, date: &str, rate: &str) -> Rate {
        Rate {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            date: date.parse().unwrap(),
            rate: rate.parse().unwrap(),
            source: Some("ECB".to_owned()),
        }
    }

    #[test]
    fn the_latest_rate_on_or_before_the_day_wins_in_either_direction() {
        let rates = [
            rate("EUR", "USD", "2026-01-01", "1.10"),
            rate("EUR", "USD", "2026-01-10", "1.20"),
            rate("USD", "EUR", "2026-01-05", "0.80"),
            rate("USD", "EUR", "2026-01-10", "0.90"),
        ];
        let table = RateTable::new(&rates).unwrap();
        let find = |day: &str| {
            let found = table.find("EUR".parse().unwrap(), "USD".parse().unwrap(), day.parse().unwrap());
            found.map(|(rate, inverse)| (rate.rate.to_string(), inverse))
        };
        assert_eq!(find("2025-12-31"), None);
        assert_eq!(find("2026-01-04"), Some(("1.10".into(), false)));
        assert_eq!(find("2026-01-09"), Some(("0.80".into(), true)));
        assert_eq!(find("2026-02-01"), Some(("1.20".into(), false)));
    }

    #[test]
    fn every_wrong_rate_is_reported() {
        let rates = [
            rate("EUR", "USD", "2026-01-01", "0"),
            rate("EUR", "EUR", "2026-01-01", "1"),
            rate("GBP", "USD", "2026-01-01", "1.5"),
            rate("GBP", "USD", "2026-01-01", "1.50"),
            rate("GBP", "USD", "2026-01-01", "1.6"),
            Rate { source: Some("x".repeat(limits::NAME + 1)), ..rate("GBP", "EUR", "2026-01-01", "1.6") },
        ];
        let error = RateTable::new(&rates).unwrap_err();
        let list = error.details()["violations"].as_array().unwrap().clone();
        let found: Vec<_> = list.iter().map(|v| (v["code"].as_str().unwrap(), v["path"].as_str().unwrap())).collect();
        assert_eq!(
            found,
            [
                ("invalid_rate", "rates[0].rate"),
                ("rate_to_itself", "rates[1].to"),
                ("duplicate_rate", "rates[4].rate"),
                ("text_too_long", "rates[5].source")
            ]
        );
    }
}
