//! Rounding to any increment in ten modes, exactly.
//!
//! The mode names say what happens below zero too, because libraries use "half up" for two different things.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::decimal::Dec;
use super::error::Error;

/// Which neighbour a value between two multiples of the increment goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Mode {
    /// Toward minus infinity.
    Floor,
    /// Toward plus infinity.
    Ceiling,
    /// Toward zero (cut off).
    TowardZero,
    /// Away from zero.
    AwayFromZero,
    /// To the nearest; a half to the even multiple (bankers' rounding).
    HalfEven,
    /// To the nearest; a half to the odd multiple.
    HalfOdd,
    /// To the nearest; a half away from zero (what invoices usually do).
    #[default]
    HalfAwayFromZero,
    /// To the nearest; a half toward zero.
    HalfTowardZero,
    /// To the nearest; a half toward plus infinity.
    HalfTowardPositiveInfinity,
    /// To the nearest; a half toward minus infinity.
    HalfTowardNegativeInfinity,
}

impl Mode {
    /// Every mode with its wire name.
    pub const ALL: &'static [(Mode, &'static str)] = &[
        (Mode::Floor, "floor"),
        (Mode::Ceiling, "ceiling"),
        (Mode::TowardZero, "toward_zero"),
        (Mode::AwayFromZero, "away_from_zero"),
        (Mode::HalfEven, "half_even"),
        (Mode::HalfOdd, "half_odd"),
        (Mode::HalfAwayFromZero, "half_away_from_zero"),
        (Mode::HalfTowardZero, "half_toward_zero"),
        (Mode::HalfTowardPositiveInfinity, "half_toward_positive_infinity"),
        (Mode::HalfTowardNegativeInfinity, "half_toward_negative_infinity"),
    ];

    /// The wire name.
    pub fn name(self) -> &'static str {
        Mode::ALL.iter().find(|(mode, _)| *mode == self).map_or("", |(_, name)| name)
    }
}

/// Rounds a fraction of integers to an integer.
///
/// # Errors
/// `division_by_zero`; `decimal_overflow` when a step passes 127 bits.
pub fn round_ratio(numerator: i128, denominator: i128, mode: Mode) -> Result<i128, Error> {
    let overflow = || Error::new(Code::DecimalOverflow).with("what", "fraction");
    if denominator == 0 {
        return Err(Error::new(Code::DivisionByZero));
    }
    let (n, d) = if denominator < 0 {
        (numerator.checked_neg().ok_or_else(overflow)?, denominator.checked_neg().ok_or_else(overflow)?)
    } else {
        (numerator, denominator)
    };
    let down = n.div_euclid(d);
    let rest = n.rem_euclid(d);
    if rest == 0 {
        return Ok(down);
    }
    let half = rest.cmp(&d.checked_sub(rest).ok_or_else(overflow)?);
    let negative = n < 0;
    let even_below = down.rem_euclid(2) == 0;
    let up = match mode {
        Mode::Floor => false,
        Mode::Ceiling => true,
        Mode::TowardZero => negative,
        Mode::AwayFromZero => !negative,
        _ => match half {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => match mode {
                Mode::HalfEven => !even_below,
                Mode::HalfOdd => even_below,
                Mode::HalfTowardZero => negative,
                Mode::HalfTowardPositiveInfinity => true,
                Mode::HalfTowardNegativeInfinity => false,
                _ => !negative,
            },
        },
    };
    if up { down.checked_add(1).ok_or_else(overflow) } else { Ok(down) }
}

/// Rounds a value to a multiple of an increment; the result has the increment's digits after the point.
///
/// # Errors
/// `invalid_increment` unless the increment is above zero; `decimal_overflow`.
///
/// # Example: cash in steps of five centimes
/// ```
/// use crm_core::base::rounding::{round, Mode};
/// assert_eq!(round("1.78".parse()?, "0.05".parse()?, Mode::HalfAwayFromZero)?.to_string(), "1.80");
/// assert_eq!(round("-2.5".parse()?, "1".parse()?, Mode::HalfTowardPositiveInfinity)?.to_string(), "-2");
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn round(value: Dec, increment: Dec, mode: Mode) -> Result<Dec, Error> {
    round_fraction(value, Dec::from(1), increment, mode)
}

/// Rounds `numerator / denominator` to a multiple of an increment, without an intermediate rounding.
///
/// # Errors
/// `invalid_increment`, `division_by_zero`, `decimal_overflow`.
pub fn round_fraction(numerator: Dec, denominator: Dec, increment: Dec, mode: Mode) -> Result<Dec, Error> {
    if increment.is_zero() || increment.is_negative() {
        return Err(Error::new(Code::InvalidIncrement).with("value", increment.to_string()));
    }
    let units = units_of(numerator, denominator, increment, mode)?;
    let mantissa = units.checked_mul(increment.mantissa()).ok_or_else(|| Error::new(Code::DecimalOverflow).with("what", "rounded value"))?;
    Dec::from_parts(mantissa, increment.scale())
}

/// How many increments `numerator / denominator` is, rounded.
fn units_of(numerator: Dec, denominator: Dec, increment: Dec, mode: Mode) -> Result<i128, Error> {
    let overflow = || Error::new(Code::DecimalOverflow).with("what", "rounded value");
    let step = if denominator == Dec::from(1) { increment.normalized() } else { increment.normalized().mul(denominator.normalized())? };
    let value = if value_fits(numerator, step) { numerator } else { numerator.normalized() };
    let shift = |mantissa: i128, digits: u32| 10_i128.checked_pow(digits).and_then(|p| mantissa.checked_mul(p)).ok_or_else(overflow);
    let n = shift(value.mantissa(), step.scale().saturating_sub(value.scale()))?;
    let d = shift(step.mantissa(), value.scale().saturating_sub(step.scale()))?;
    round_ratio(n, d, mode)
}

fn value_fits(value: Dec, step: Dec) -> bool {
    value.scale().saturating_sub(step.scale()) <= 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_modes_on_both_sides_of_zero() {
        let r = |v: &str, mode| round(v.parse().unwrap(), "1".parse().unwrap(), mode).unwrap().to_string();
        let expected = [
            (Mode::Floor, "2", "-3"),
            (Mode::Ceiling, "3", "-2"),
            (Mode::TowardZero, "2", "-2"),
            (Mode::AwayFromZero, "3", "-3"),
            (Mode::HalfEven, "2", "-2"),
            (Mode::HalfOdd, "3", "-3"),
            (Mode::HalfAwayFromZero, "3", "-3"),
            (Mode::HalfTowardZero, "2", "-2"),
            (Mode::HalfTowardPositiveInfinity, "3", "-2"),
            (Mode::HalfTowardNegativeInfinity, "2", "-3"),
        ];
        for (mode, up, down) in expected {
            assert_eq!((r("2.5", mode).as_str(), r("-2.5", mode).as_str()), (up, down), "{}", mode.name());
        }
    }
}
