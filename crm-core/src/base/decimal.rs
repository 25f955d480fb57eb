//! Exact decimal numbers: the only number type of money, quantities and percents.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::codes::Code;
use super::error::Error;
use super::json::{Fault, FromJson, Reader, ToJson, Writer};

/// An exact decimal with up to 28 significant digits.
///
/// On the wire it is a decimal string (`"12.50"`); an integer is accepted on input, a JSON number with a fraction is refused because it
/// was a binary float somewhere before. Arithmetic never rounds silently: [`Dec::mul`] is exact or an error, [`Dec::div`] says that it rounded.
///
/// # Example: exact or refused
/// ```
/// use crm_core::base::decimal::Dec;
/// let price: Dec = "19.99".parse()?;
/// assert_eq!(price.mul("3".parse()?)?.to_string(), "59.97");
/// assert!("1e5".parse::<Dec>().is_err());
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dec(Decimal);

// The arithmetic refuses what is not exact, so it cannot be the operators of the standard traits.
#[allow(clippy::should_implement_trait)]
impl Dec {
    /// Zero.
    pub const ZERO: Dec = Dec(Decimal::ZERO);
    /// One hundred, the base of percents.
    pub const HUNDRED: Dec = Dec(Decimal::ONE_HUNDRED);
    /// The longest decimal text that is read, sign and point included.
    pub const MAX_TEXT: usize = 40;

    /// The name under which a decimal is read, and written as a text that has nothing to be escaped.
    pub(super) const PLAIN: &str = "$plain";

    /// Wraps a `rust_decimal` value.
    pub const fn from_decimal(value: Decimal) -> Self {
        Dec(value)
    }

    /// Gives the wrapped `rust_decimal` value.
    pub const fn into_decimal(self) -> Decimal {
        self.0
    }

    /// Makes a decimal from an integer mantissa and the number of digits after the point.
    ///
    /// # Errors
    /// `decimal_overflow` when the mantissa has more than 96 bits or `scale` is above 28.
    pub fn from_parts(mantissa: i128, scale: u32) -> Result<Self, Error> {
        Decimal::try_from_i128_with_scale(mantissa, scale).map(Dec).map_err(|_| overflow("number"))
    }

    /// Makes a decimal from an integer mantissa and at most 28 digits after the point.
    pub(crate) fn from_small_parts(mantissa: i64, scale: u32) -> Self {
        Dec(Decimal::new(mantissa, scale.min(Decimal::MAX_SCALE)))
    }

    /// The integer that the digits spell without the point.
    pub fn mantissa(self) -> i128 {
        self.0.mantissa()
    }

    /// The number of digits after the point.
    pub fn scale(self) -> u32 {
        self.0.scale()
    }

    /// Says whether the value is below zero.
    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// Says whether the value is zero.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Adds exactly.
    ///
    /// # Errors
    /// `decimal_overflow` when the exact sum needs more than 28 digits.
    pub fn add(self, other: Dec) -> Result<Dec, Error> {
        let sum = self.0.checked_add(other.0).ok_or_else(|| overflow("sum"))?;
        // A sum that lost digits has a smaller scale than its finest term.
        let finest = self.0.normalize().scale().max(other.0.normalize().scale());
        if sum.scale() < finest { Err(overflow("sum")) } else { Ok(Dec(sum)) }
    }

    /// Subtracts exactly.
    ///
    /// # Errors
    /// `decimal_overflow` when the exact difference needs more than 28 digits.
    pub fn sub(self, other: Dec) -> Result<Dec, Error> {
        self.add(Dec(-other.0))
    }

    /// Multiplies exactly.
    ///
    /// # Errors
    /// `decimal_overflow` when the exact product needs more than 28 digits; nothing is rounded away.
    pub fn mul(self, other: Dec) -> Result<Dec, Error> {
        let product = self.0.checked_mul(other.0).ok_or_else(|| overflow("product"))?;
        if product.is_zero() {
            return if self.0.is_zero() || other.0.is_zero() { Ok(Dec::ZERO) } else { Err(overflow("product")) };
        }
        if product.scale() == self.0.scale().saturating_add(other.0.scale()) {
            return Ok(Dec(product));
        }
        // Trailing zeros may have cost the digits: try once more without them.
        let (a, b) = (self.0.normalize(), other.0.normalize());
        let product = a.checked_mul(b).ok_or_else(|| overflow("product"))?;
        if product.scale() == a.scale().saturating_add(b.scale()) { Ok(Dec(product)) } else { Err(overflow("product")) }
    }

    /// Divides to 28 significant digits and says whether the quotient was rounded.
    ///
    /// # Errors
    /// `division_by_zero`; `decimal_overflow` when the quotient does not fit.
    pub fn div(self, other: Dec) -> Result<(Dec, bool), Error> {
        if other.0.is_zero() {
            return Err(Error::new(Code::DivisionByZero));
        }
        let quotient = Dec(self.0.checked_div(other.0).ok_or_else(|| overflow("quotient"))?);
        let exact = quotient.mul(other).is_ok_and(|back| back == self);
        Ok((quotient, !exact))
    }

    /// A hundredth of the value, exactly.
    ///
    /// # Errors
    /// `decimal_overflow` when two more digits after the point do not fit.
    pub fn hundredth(self) -> Result<Dec, Error> {
        let mut value = self.0;
        let scale = value.scale().saturating_add(2);
        if value.set_scale(scale).is_ok() {
            return Ok(Dec(value));
        }
        let mut value = self.0.normalize();
        let scale = value.scale().saturating_add(2);
        value.set_scale(scale).map(|()| Dec(value)).map_err(|_| overflow("percent"))
    }

    /// The same value with the sign turned.
    pub fn neg(self) -> Dec {
        Dec(-self.0)
    }

    /// The value without its sign.
    pub fn abs(self) -> Dec {
        Dec(self.0.abs())
    }

    /// The same value without trailing zeros after the point (`"5.0"` becomes `"5"`).
    pub fn normalized(self) -> Dec {
        Dec(self.0.normalize())
    }

    /// The same value written with exactly `scale` digits after the point, when that loses nothing; otherwise the value as it is.
    pub fn with_scale(self, scale: u32) -> Dec {
        let mut value = self.0;
        value.rescale(scale);
        if value == self.0 { Dec(value) } else { self }
    }
}

fn overflow(what: &str) -> Error {
    Error::new(Code::DecimalOverflow).with("what", what)
}

/// Reads a number of up to 18 digits, the usual case, without the general machinery; anything else is left to it.
fn read_short(text: &str) -> Option<Dec> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if digits.len() > 19 || digits.starts_with('.') || digits.ends_with('.') {
        return None;
    }
    let (mut mantissa, mut point) = (0_i64, None);
    for (at, byte) in digits.bytes().enumerate() {
        match byte {
            // Eighteen digits fit; more are left to the general machinery below.
            b'0'..=b'9' => mantissa = mantissa.wrapping_mul(10).wrapping_add(i64::from(byte & 15)),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let count = digits.len().saturating_sub(usize::from(point.is_some()));
    let scale = point.map_or(0, |at| count.saturating_sub(at));
    let signed = if negative { mantissa.wrapping_neg() } else { mantissa };
    (1..=18).contains(&count).then(|| Dec(Decimal::new(signed, u32::try_from(scale).unwrap_or(0))))
}

/// Room for the longest spelling of 64 bits: 28 places with a digit before them, a point and a sign.
///
/// Aligned and full of text, so that it is looked through in words, which is faster than in a part.
#[repr(align(8))]
struct Spelling([u8; 32]);

impl Spelling {
    const fn new() -> Self {
        Spelling([b'0'; 32])
    }

    /// Spells a number whose digits fit 64 bits, the usual case; anything else is left to the general machinery.
    fn spell(&mut self, value: Decimal) -> Option<&str> {
        let parts = value.unpack();
        if parts.hi != 0 {
            return None;
        }
        let digits = u64::from(parts.mid) << 32 | u64::from(parts.lo);
        let negative = parts.negative && digits != 0;
        let places = usize::try_from(parts.scale).ok()?;
        match u32::try_from(digits) {
            Ok(few) if few < 100_000_000 && places < 8 && !negative => self.spell_few(few, places),
            _ => self.spell_many(digits, places, negative),
        }
    }

    /// Eight digits at once: they are divided out of each other side by side in one word.
    fn spell_few(&mut self, digits: u32, places: usize) -> Option<&str> {
        let fours = u64::from(digits / 10_000) | u64::from(digits % 10_000) << 32;
        let hundreds = fours.wrapping_mul(10_486) >> 20 & 0x7f_0000_007f;
        let twos = hundreds | fours.wrapping_sub(hundreds.wrapping_mul(100)) << 16;
        let tens = twos.wrapping_mul(103) >> 10 & 0xf_000f_000f_000f;
        let ones = tens | twos.wrapping_sub(tens.wrapping_mul(10)) << 8;
        // The first digit is in the lowest byte; one digit at least stands before the point.
        let text = ones | 0x3030_3030_3030_3030;
        let whole = 8_usize.saturating_sub(places);
        let start = usize::try_from(ones.trailing_zeros() / 8).ok()?.min(whole.saturating_sub(1));
        let (front, _) = self.0.split_first_chunk_mut::<16>()?;
        *front.first_chunk_mut()? = text.to_le_bytes();
        let mut end = whole;
        if places != 0 {
            // The digits after the point once more, one byte further; zeros follow, which are text too.
            *front.get_mut(whole)? = b'.';
            let point = u32::try_from(whole.saturating_mul(8)).ok()?;
            let fraction = text.checked_shr(point)? | 0x3030_3030_3030_3030;
            let after = whole.saturating_add(1)..whole.saturating_add(9);
            front.get_mut(after)?.first_chunk_mut().map(|slot| *slot = fraction.to_le_bytes())?;
            end = 9;
        }
        std::str::from_utf8(front).ok()?.get(start..end)
    }

    fn spell_many(&mut self, mut digits: u64, places: usize, negative: bool) -> Option<&str> {
        let mut start = self.0.len();
        let mut place = 0_usize;
        for (at, slot) in self.0.iter_mut().enumerate().rev() {
            if place == places && places != 0 && start.saturating_add(places) == 32 {
                *slot = b'.';
            } else if digits == 0 && place > places {
                if negative {
                    *slot = b'-';
                    start = at;
                }
                break;
            } else {
                *slot = b'0'.saturating_add(u8::try_from(digits % 10).ok()?);
                digits /= 10;
                place = place.saturating_add(1);
            }
            start = at;
        }
        std::str::from_utf8(&self.0).ok()?.get(start..)
    }
}

impl From<i64> for Dec {
    fn from(value: i64) -> Self {
        Dec(Decimal::from(value))
    }
}

impl FromStr for Dec {
    type Err = Error;

    /// Reads digits with an optional sign and point, exactly.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::new(Code::InvalidDecimal).with("value", super::text::clip(text));
        if let Some(value) = read_short(text) {
            return Ok(value);
        }
        if text.is_empty() || text.len() > Dec::MAX_TEXT {
            return Err(bad());
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || fraction.is_some_and(|f| !all_digits(f)) {
            return Err(bad());
        }
        let value = Decimal::from_str_exact(text).map_err(|_| bad())?;
        // Minus zero is zero: one value, one spelling.
        Ok(Dec(if value.is_zero() && value.is_sign_negative() { -value } else { value }))
    }
}

impl fmt::Display for Dec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Spelling::new().spell(self.0) {
            Some(text) if f.precision().is_none() => f.pad(text),
            // Minus zero is zero.
            _ if self.0.is_zero() => fmt::Display::fmt(&self.0.abs(), f),
            _ => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl fmt::Debug for Dec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ToJson for Dec {
    fn to_json(&self, writer: &mut Writer) {
        match Spelling::new().spell(self.0) {
            Some(text) => writer.word(text),
            None => writer.word(&self.to_string()),
        }
    }
}

impl<'de> FromJson<'de> for Dec {
    fn from_json(reader: &mut Reader<'de>) -> Result<Self, Fault> {
        match reader.peek() {
            b'"' => reader.text()?.parse().map_err(|error: Error| Fault::new(&error.message())),
            b'-' | b'0'..=b'9' => {
                // Of 64 bits, so it fits.
                Decimal::try_from_i128_with_scale(reader.integer()?, 0).map(Dec).map_err(|error| Fault::new(&error))
            }
            _ => Err(reader.mismatch("a decimal string such as \"12.50\"")),
        }
    }
}

impl Serialize for Dec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Spelling::new().spell(self.0) {
            // A reserved name says that there is nothing in the text to be escaped; for others it is a text.
            Some(text) => serializer.serialize_newtype_struct(Dec::PLAIN, text),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Dec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Dec::PLAIN, DecVisitor)
    }
}

struct DecVisitor;

impl<'de> Visitor<'de> for DecVisitor {
    type Value = Dec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal string such as \"12.50\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Dec, E> {
        text.parse().map_err(|e: Error| E::custom(e.message()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Dec, E> {
        Ok(Dec::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Dec, E> {
        Ok(Dec(Decimal::from(value)))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Dec, E> {
        Err(E::custom("a number with a fraction is not exact: write it as a string"))
    }

    /// Readers that do not know the reserved name come here.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Dec, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Dec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let text = schemars::json_schema!({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "maxLength": 40});
        if generator.contract().is_serialize() {
            return schemars::json_schema!({"type": "string", "format": "decimal", "description": "An exact decimal as a string.", "pattern": r"^-?\d+(\.\d+)?$"});
        }
        schemars::json_schema!({"format": "decimal", "description": "An exact decimal as a string; an integer is accepted.", "anyOf": [text, {"type": "integer"}]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_digits_with_an_optional_sign_and_point_are_read() {
        for (text, back) in
            [("0", "0"), ("-0.00", "0.00"), ("007", "7"), ("1.50", "1.50"), ("-1.05", "-1.05"), ("0.005", "0.005")]
        {
            assert_eq!(text.parse::<Dec>().unwrap().to_string(), back);
        }
        let longest = "79228162514264337593543950335";
        assert_eq!(longest.parse::<Dec>().unwrap().to_string(), longest);
        for bad in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "-.5",
            "+1",
            "1e5",
            "1,5",
            "1.2.3",
            " 1",
            "1_000",
            "٣",
            "--1",
            "79228162514264337593543950336",
        ] {
            assert_eq!(bad.parse::<Dec>().unwrap_err().code(), "invalid_decimal", "{bad}");
        }
        assert!("0.00000000000000000000000000001".parse::<Dec>().is_err(), "29 places are not rounded to 28");
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        let dec = |text: &str| text.parse::<Dec>().unwrap();
        assert_eq!(dec("0.1").add(dec("0.2")).unwrap().to_string(), "0.3");
        let tiny = dec("0.0000000000000000000000000001");
        assert_eq!(tiny.mul(dec("0.1")).unwrap_err().code(), "decimal_overflow");
        assert_eq!(dec("1000000000000000").add(tiny).unwrap_err().code(), "decimal_overflow");
        assert_eq!(dec("1").div(dec("8")).unwrap(), (dec("0.125"), false));
        assert!(dec("1").div(dec("3")).unwrap().1);
        assert_eq!(dec("1").div(dec("0.0")).unwrap_err().code(), "division_by_zero");
        assert_eq!(format!("{:>8}|{:<8}|{:.1}", dec("1.25"), dec("-1.25"), dec("1.25")), "    1.25|-1.25   |1.2");
    }

    proptest! {
        #[test]
        fn spelling_and_reading_agree_with_the_general_machinery(
            mantissa in prop_oneof![any::<i64>().prop_map(i128::from), -(1_i128 << 95)..(1_i128 << 95)],
            scale in 0_u32..=28,
        ) {
            let value = Dec::from_parts(mantissa, scale).unwrap();
            let general = if value.is_zero() { value.0.abs().to_string() } else { value.0.to_string() };
            prop_assert_eq!(value.to_string(), &general[..]);
            prop_assert_eq!(serde_json::to_string(&value).unwrap(), format!("\"{general}\""));
            let back: Dec = general.parse().unwrap();
            prop_assert_eq!(back, value);
            prop_assert_eq!((back.mantissa(), back.scale()), (value.mantissa(), value.scale()));
        }
    }
}
