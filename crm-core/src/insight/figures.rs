//! What every figure is made of: fractions, means, medians, and the definition that goes with each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::money::Money;
use crate::base::order;
use crate::base::reason::Reason;
use crate::base::rounding::{Mode, round_fraction};

/// The digits after the point of a percent or a mean; what lies beyond is rounded half away from zero.
pub const DIGITS: u32 = 4;

/// A part of a whole, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fraction {
    /// The part.
    pub numerator: u64,
    /// The whole.
    pub denominator: u64,
    /// The part in percent, rounded half away from zero to four digits after the point; absent when the whole is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Dec>,
}

impl Fraction {
    /// A part of a whole.
    ///
    /// # Errors
    /// `decimal_overflow` beyond 10^24.
    pub fn of(numerator: u64, denominator: u64) -> Result<Self> {
        let percent = if denominator == 0 {
            None
        } else {
            Some(mean(i128::from(numerator).saturating_mul(100), 0, denominator)?)
        };
        Ok(Fraction { numerator, denominator, percent })
    }
}

/// What a figure means, or what was assumed for it: a code of the table, its parameters and the sentence that they make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Definition {
    /// The code.
    pub code: String,
    /// The parameters.
    pub params: BTreeMap<String, String>,
    /// The sentence, in the language of the context.
    pub text: String,
}

impl Definition {
    /// Writes a reason as a definition.
    pub fn of(reason: &Reason, context: &Context) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let params = order::map(reason.params().iter().map(|(name, value)| (name.clone(), text(value))));
        #[cfg(feature = "catalogue")]
        let sentence = if context.locale.starts_with("zh") { reason.chinese() } else { reason.english() };
        #[cfg(not(feature = "catalogue"))]
        let sentence = {
            let _ = context;
            reason.english()
        };
        Definition { code: reason.code().name().to_owned(), params, text: sentence }
    }

    /// Writes several.
    pub fn all(reasons: &[Reason], context: &Context) -> Vec<Self> {
        reasons.iter().map(|reason| Definition::of(reason, context)).collect()
    }
}

/// An answer that carries its definition both as reasons and inside.
pub(super) fn defined<T>(
    reasons: Vec<Reason>,
    context: &Context,
    value: impl FnOnce(Vec<Definition>) -> T,
) -> Decision<T> {
    let value = value(Definition::all(&reasons, context));
    Decision::new(value, reasons)
}

/// A reason about a number of opportunities, unless there are none.
pub(super) fn about(code: Code, count: u64) -> Option<Reason> {
    (count > 0).then(|| Reason::new(code).with("count", count))
}

/// A number of things as it goes over the wire.
pub(super) fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}

pub(super) fn overflow(what: &str) -> Error {
    Error::new(Code::DecimalOverflow).with("what", what)
}

/// A sum of money from its digits, written with at least the digits of the currency's minor unit.
///
/// # Errors
/// `decimal_overflow`.
pub(super) fn money(digits: i128, scale: u32, currency: Currency) -> Result<Money> {
    Ok(Money::new(minor(Dec::from_parts(digits, scale)?, currency), currency))
}

/// An amount written with at least the digits of the currency's minor unit.
pub(super) fn minor(amount: Dec, currency: Currency) -> Dec {
    let plain = amount.normalized();
    let digits = currency.digits().unwrap_or(0);
    if plain.scale() < digits { plain.with_scale(digits) } else { plain }
}

/// `sum / count`, rounded half away from zero to [`DIGITS`] digits after the point.
///
/// # Errors
/// `division_by_zero`, `decimal_overflow`.
pub(super) fn mean(sum: i128, scale: u32, count: u64) -> Result<Dec> {
    let whole = Dec::from_parts(i128::from(count), 0)?;
    round_fraction(Dec::from_parts(sum, scale)?, whole, Dec::from_parts(1, DIGITS)?, Mode::HalfAwayFromZero)
}

/// The middle value, exactly; of an even number of values the mean of the two middle ones. Nothing for no values.
///
/// # Errors
/// `decimal_overflow`.
pub(super) fn median(values: &mut [i128], scale: u32) -> Result<Option<Dec>> {
    let half = values.len() / 2;
    if values.is_empty() {
        return Ok(None);
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable(half);
    let upper = *upper;
    let lower = if even { below.iter().copied().max().unwrap_or(upper) } else { upper };
    let twice = lower.checked_add(upper).and_then(|sum| sum.checked_mul(5)).ok_or_else(|| overflow("median"))?;
    let exact = Dec::from_parts(twice, scale.saturating_add(1))?;
    Ok(Some(exact.normalized()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_nothing_has_no_percent() {
        assert_eq!(Fraction::of(0, 0).unwrap().percent, None);
        assert_eq!(Fraction::of(4238, 6711).unwrap().percent.unwrap().to_string(), "63.1501");
        assert_eq!(Fraction::of(2, 3).unwrap().percent.unwrap().to_string(), "66.6667");
    }

    #[test]
    fn medians_of_odd_and_even_counts_are_exact() {
        let m = |values: &[i128], scale| median(&mut values.to_vec(), scale).unwrap().map(|d| d.to_string());
        assert_eq!(m(&[], 2), None);
        assert_eq!(m(&[300, 100, 200], 2).as_deref(), Some("2"));
        assert_eq!(m(&[1, 4, 2, 3], 0).as_deref(), Some("2.5"));
        assert_eq!(m(&[-1, -2], 0).as_deref(), Some("-1.5"));
    }
}
