//! `money.round`: one number to a multiple of an increment, in one of ten modes.

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::{Explain, Reason};
use crate::base::rounding::{self, Mode};

/// A number to round: a `value`, or a fraction of `numerator` and `denominator` that need not be a decimal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoundRequest {
    /// The number, unless it is given as a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Dec>,
    /// The fraction's numerator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numerator: Option<Dec>,
    /// The fraction's denominator, not zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<Dec>,
    /// What the result is a multiple of: any decimal above zero, such as `0.01`, `0.05` or `25`.
    pub increment: Dec,
    /// Which neighbour wins; a half goes away from zero unless said otherwise.
    #[serde(default)]
    pub mode: Mode,
}

/// A rounded number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rounded {
    /// The multiple of the increment, with the increment's digits after the point.
    pub result: Dec,
    /// Whether rounding changed the number.
    pub changed: bool,
    /// The increment used.
    pub increment: Dec,
    /// The mode used.
    pub mode: Mode,
}

/// Rounds a number to a multiple of an increment; a fraction is rounded once, without an intermediate quotient.
///
/// # Errors
/// `missing_field` or `conflicting_fields` unless exactly one of `value` and the fraction is given; `invalid_increment`,
/// `division_by_zero`, `decimal_overflow`.
///
/// # Example: a third of ten, in cents
/// ```
/// use crm_core::{base::context::Context, money::round::{round, RoundRequest}};
/// let request = RoundRequest {
///     value: None,
///     numerator: Some("10".parse()?),
///     denominator: Some("3".parse()?),
///     increment: "0.01".parse()?,
///     mode: Default::default(),
/// };
/// assert_eq!(round(&request, &Context::default())?.value.result.to_string(), "3.33");
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
///
/// Source: the modes and their behaviour below zero as in moneyphp, dinero.js and Odoo's own rounding tests.
pub fn round(request: &RoundRequest, context: &Context) -> Result<Decision<Rounded>> {
    let missing = |field: &str| Error::new(Code::MissingField).with("field", field);
    let both = |first: &str| Error::new(Code::ConflictingFields).with("first", first).with("second", "value").at(first);
    let (numerator, denominator) = match (request.value, request.numerator, request.denominator) {
        (Some(value), None, None) => (value, Dec::from(1)),
        (None, Some(numerator), Some(denominator)) => (numerator, denominator),
        (Some(_), Some(_), _) => return Err(both("numerator")),
        (Some(_), None, Some(_)) => return Err(both("denominator")),
        (None, Some(_), None) => return Err(missing("denominator")),
        (None, None, Some(_)) => return Err(missing("numerator")),
        (None, None, None) => return Err(missing("value")),
    };
    let path = |error: Error| match error.id() {
        Code::InvalidIncrement => error.at("increment"),
        Code::DivisionByZero => error.at("denominator"),
        _ => error,
    };
    let (increment, mode) = (request.increment, request.mode);
    let result = rounding::round_fraction(numerator, denominator, increment, mode).map_err(path)?;
    // The value is unchanged exactly when result x denominator is the numerator; a product that is too long to be exact is not.
    let changed = result.mul(denominator) != Ok(numerator);
    let mut reasons = Vec::new();
    if context.explain != Explain::None {
        let exact = request.value.map_or_else(|| format!("{numerator}/{denominator}"), |value| value.to_string());
        let reason = Reason::new(Code::RoundedTo).with("exact", exact).show("rounded", result);
        reasons.push(reason.with("mode", mode.name()).show("increment", increment));
    }
    Ok(Decision::new(Rounded { result, changed, increment, mode }, reasons))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(value: Option<&str>, numerator: Option<&str>, denominator: Option<&str>) -> String {
        let dec = |text: Option<&str>| text.map(|t| t.parse().unwrap());
        let (value, numerator, denominator) = (dec(value), dec(numerator), dec(denominator));
        let request =
            RoundRequest { value, numerator, denominator, increment: "0.1".parse().unwrap(), mode: Mode::default() };
        round(&request, &Context::default()).map_or_else(
            |error| format!("{} at {}", error.code(), error.path()),
            |done| format!("{} {}", done.value.result, done.value.changed),
        )
    }

    #[test]
    fn exactly_one_way_to_say_the_number() {
        assert_eq!(code(Some("1.25"), None, None), "1.3 true");
        assert_eq!(code(Some("1.20"), None, None), "1.2 false");
        assert_eq!(code(None, Some("3"), Some("2")), "1.5 false");
        assert_eq!(code(None, Some("3"), Some("-2")), "-1.5 false");
        assert_eq!(code(None, Some("2"), Some("3")), "0.7 true");
        assert_eq!(code(None, Some("2"), Some("0")), "division_by_zero at denominator");
        assert_eq!(code(None, None, None), "missing_field at ");
        assert_eq!(code(None, Some("2"), None), "missing_field at ");
        assert_eq!(code(Some("1"), Some("2"), Some("3")), "conflicting_fields at numerator");
        assert_eq!(code(Some("1"), None, Some("3")), "conflicting_fields at denominator");
    }
}
