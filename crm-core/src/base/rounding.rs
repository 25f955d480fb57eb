//! Rounding to any increment in ten modes, exactly.
//!
//! The mode names say what happens below zero too, because libraries use "half up" for two different things.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::decimal::Dec;
use super::error::Error;
use crate::base::json::{FromJson, ToJson};

/// Which neighbour a value between two multiples of the increment goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToJson, FromJson)]
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

/// Powers of ten that an `i128` holds.
const POWERS: [i128; 39] = {
    let mut table = [1_i128; 39];
    let mut power = 1_i128;
    let mut rest: &mut [i128] = &mut table;
    while let Some((slot, tail)) = rest.split_first_mut() {
        *slot = power;
        power = power.saturating_mul(10);
        rest = tail;
    }
    table
};

/// Ten to a power, when an `i128` holds it.
pub(crate) fn power_of_ten(exponent: u32) -> Option<i128> {
    POWERS.get(usize::try_from(exponent).ok()?).copied()
}

fn overflow(what: &str) -> Error {
    Error::new(Code::DecimalOverflow).with("what", what)
}

/// Divides by a positive number: the quotient toward minus infinity and the rest, which is never negative.
pub(crate) fn floor_ratio(n: i128, d: i128) -> (i128, i128) {
    // Two 64-bit numbers, the usual case, divide several times faster.
    if let (Ok(small_n), Ok(small_d)) = (u64::try_from(n), u64::try_from(d))
        && let (Some(quotient), Some(rest)) = (small_n.checked_div(small_d), small_n.checked_rem(small_d))
    {
        return (i128::from(quotient), i128::from(rest));
    }
    (n.checked_div_euclid(d).unwrap_or(0), n.checked_rem_euclid(d).unwrap_or(0))
}

/// Rounds a fraction of integers to an integer.
///
/// # Errors
/// `division_by_zero`; `decimal_overflow` when a step passes 127 bits.
pub fn round_ratio(numerator: i128, denominator: i128, mode: Mode) -> Result<i128, Error> {
    let too_large = || overflow("fraction");
    if denominator == 0 {
        return Err(Error::new(Code::DivisionByZero));
    }
    let (n, d) = if denominator < 0 {
        (numerator.checked_neg().ok_or_else(too_large)?, denominator.checked_neg().ok_or_else(too_large)?)
    } else {
        (numerator, denominator)
    };
    let (down, rest) = floor_ratio(n, d);
    if rest == 0 {
        return Ok(down);
    }
    // `rest` lies between 0 and `d`, so this cannot overflow.
    let half = rest.cmp(&d.saturating_sub(rest));
    let negative = n < 0;
    let even_below = down & 1 == 0;
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
    if up { down.checked_add(1).ok_or_else(too_large) } else { Ok(down) }
}

/// An increment and a mode made ready for many roundings: amounts become whole numbers of increments (`units`) and back.
///
/// # Example: a price in cents
/// ```
/// use crm_core::base::rounding::{Mode, Rounder};
/// let cents = Rounder::new("0.01".parse()?, Mode::HalfAwayFromZero)?;
/// let units = cents.units("2.345".parse()?)?;
/// assert_eq!((units, cents.amount(units)?.to_string()), (235, "2.35".to_owned()));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounder {
    increment: Dec,
    mantissa: i128,
    scale: u32,
    mode: Mode,
}

impl Rounder {
    /// Takes an increment and a mode.
    ///
    /// # Errors
    /// `invalid_increment` unless the increment is above zero.
    pub fn new(increment: Dec, mode: Mode) -> Result<Self, Error> {
        if increment.is_zero() || increment.is_negative() {
            return Err(Error::new(Code::InvalidIncrement).with("value", increment.to_string()));
        }
        Ok(Rounder { increment, mantissa: increment.mantissa(), scale: increment.scale(), mode })
    }

    /// The increment.
    pub const fn increment(&self) -> Dec {
        self.increment
    }

    /// The mode.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// How many increments a value is, rounded.
    ///
    /// # Errors
    /// `decimal_overflow`.
    pub fn units(&self, value: Dec) -> Result<i128, Error> {
        let direct = self.units_of_parts(value.mantissa(), value.scale());
        direct.or_else(|_| {
            let value = value.normalized();
            self.units_of_parts(value.mantissa(), value.scale())
        })
    }

    /// How many increments `mantissa / 10^scale` is, rounded; the mantissa may have more digits than a decimal holds.
    ///
    /// # Errors
    /// `decimal_overflow`.
    pub fn units_of_parts(&self, mantissa: i128, scale: u32) -> Result<i128, Error> {
        let shifted = |value: i128, digits: u32| {
            power_of_ten(digits).and_then(|p| value.checked_mul(p)).ok_or_else(|| overflow("rounded value"))
        };
        let n = shifted(mantissa, self.scale.saturating_sub(scale))?;
        let d = shifted(self.mantissa, scale.saturating_sub(self.scale))?;
        round_ratio(n, d, self.mode)
    }

    /// The units that a percentage of some units is, rounded.
    ///
    /// # Errors
    /// `decimal_overflow`.
    pub fn percent_of(&self, units: i128, percent: Dec) -> Result<i128, Error> {
        let part = |percent: Dec| {
            let n = units.checked_mul(percent.mantissa())?;
            let d = power_of_ten(percent.scale().saturating_add(2))?;
            Some((n, d))
        };
        let (n, d) = part(percent).or_else(|| part(percent.normalized())).ok_or_else(|| overflow("percentage"))?;
        round_ratio(n, d, self.mode)
    }

    /// The amount that a number of increments is, with the increment's digits after the point.
    ///
    /// # Errors
    /// `decimal_overflow`.
    pub fn amount(&self, units: i128) -> Result<Dec, Error> {
        // 64 bits, the usual case, multiply and are packed several times faster.
        if let (Ok(units), Ok(mantissa)) = (i64::try_from(units), i64::try_from(self.mantissa))
            && let Some(digits) = units.checked_mul(mantissa)
        {
            return Ok(Dec::from_small_parts(digits, self.scale));
        }
        let mantissa = units.checked_mul(self.mantissa).ok_or_else(|| overflow("rounded value"))?;
        Dec::from_parts(mantissa, self.scale)
    }
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
    let rounder = Rounder::new(increment, mode)?;
    rounder.amount(rounder.units(value)?)
}

/// Rounds `numerator / denominator` to a multiple of an increment, without an intermediate rounding.
///
/// # Errors
/// `invalid_increment`, `division_by_zero`, `decimal_overflow`.
pub fn round_fraction(numerator: Dec, denominator: Dec, increment: Dec, mode: Mode) -> Result<Dec, Error> {
    let rounder = Rounder::new(increment, mode)?;
    let (n, d) = fraction(numerator, denominator, increment)
        .or_else(|| fraction(numerator.normalized(), denominator.normalized(), increment.normalized()))
        .ok_or_else(|| overflow("rounded value"))?;
    rounder.amount(round_ratio(n, d, mode)?)
}

/// `numerator / (denominator x increment)` as a fraction of integers.
fn fraction(numerator: Dec, denominator: Dec, increment: Dec) -> Option<(i128, i128)> {
    let below = denominator.mantissa().checked_mul(increment.mantissa())?;
    let below_scale = denominator.scale().checked_add(increment.scale())?;
    let n = numerator.mantissa().checked_mul(power_of_ten(below_scale.saturating_sub(numerator.scale()))?)?;
    let d = below.checked_mul(power_of_ten(numerator.scale().saturating_sub(below_scale))?)?;
    Some((n, d))
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
