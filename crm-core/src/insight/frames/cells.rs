//! Values out of Arrow arrays, whatever type the exporting library chose.

use std::str::FromStr;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::{DataType, TimeUnit};

use super::options::DateOrder;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::time::{Date, Instant, Zone};
use crate::insight::coded::{Coder, NONE};
use crate::insight::deals::scaled;

/// One value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<T> {
    /// Nothing stands there.
    Missing,
    /// A value.
    Value(T),
    /// Something that is no such value, as text.
    Unreadable(String),
}

/// The array's type does not hold such values at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WrongType;

enum Strings<'a> {
    Usual(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
    None,
}

impl<'a> Strings<'a> {
    fn of(array: &'a dyn Array) -> Result<Self, WrongType> {
        match array.data_type() {
            DataType::Utf8 => Ok(Strings::Usual(array.as_string())),
            DataType::LargeUtf8 => Ok(Strings::Large(array.as_string())),
            DataType::Utf8View => Ok(Strings::View(array.as_string_view())),
            DataType::Null => Ok(Strings::None),
            _ => Err(WrongType),
        }
    }

    /// The text at a place; an empty one is none.
    fn get(&self, place: usize) -> Option<&'a str> {
        let text = match self {
            Strings::Usual(array) => (place < array.len() && array.is_valid(place)).then(|| array.value(place)),
            Strings::Large(array) => (place < array.len() && array.is_valid(place)).then(|| array.value(place)),
            Strings::View(array) => (place < array.len() && array.is_valid(place)).then(|| array.value(place)),
            Strings::None => None,
        };
        text.filter(|text| !text.is_empty())
    }
}

/// A column of texts, dictionary-coded or not.
pub struct Texts<'a> {
    keys: Option<Vec<usize>>,
    strings: Strings<'a>,
    array: &'a dyn Array,
}

impl<'a> Texts<'a> {
    /// # Errors
    /// When the array holds no text.
    pub fn of(array: &'a dyn Array) -> Result<Self, WrongType> {
        let Some(dictionary) = array.as_any_dictionary_opt() else {
            return Ok(Texts { keys: None, strings: Strings::of(array)?, array });
        };
        let strings = Strings::of(dictionary.values().as_ref())?;
        let keys = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
        Ok(Texts { keys: Some(keys), strings, array })
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&'a str> {
        match &self.keys {
            Some(keys) if self.array.is_valid(row) => self.strings.get(*keys.get(row)?),
            Some(_) => None,
            None => self.strings.get(row),
        }
    }
}

/// Codes a column of texts; numbers are taken as their digits.
///
/// # Errors
/// When the array holds neither.
pub fn code(array: &dyn Array, coder: &mut Coder<String>) -> Result<(), WrongType> {
    let Ok(texts) = Texts::of(array) else {
        let numbers = Numbers::of(array)?;
        for row in 0..array.len() {
            match numbers.get(row) {
                Cell::Value(Number::Exact(value)) => coder.push(Some(value.normalized().to_string().as_str())),
                // A library without missing integers writes ids as floats.
                Cell::Value(Number::Float(value)) => coder.push(Some(value.to_string().as_str())),
                _ => coder.push_code(NONE),
            }
        }
        return Ok(());
    };
    let Some(keys) = &texts.keys else {
        (0..array.len()).for_each(|row| coder.push(texts.strings.get(row)));
        return Ok(());
    };
    let mut codes: Vec<Option<u32>> = Vec::new();
    for row in 0..array.len() {
        let key = keys.get(row).copied().filter(|_| array.is_valid(row));
        let Some(key) = key else {
            coder.push_code(NONE);
            continue;
        };
        if codes.len() <= key {
            codes.resize(key.saturating_add(1), None);
        }
        let known = codes.get(key).copied().flatten();
        let code = known.unwrap_or_else(|| texts.strings.get(key).map_or(NONE, |text| coder.code(text)));
        if let Some(slot) = codes.get_mut(key) {
            *slot = Some(code);
        }
        coder.push_code(code);
    }
    Ok(())
}

/// A number: exact, or a binary float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Exact.
    Exact(Dec),
    /// A binary float.
    Float(f64),
}

type Getter<'a, T> = Box<dyn Fn(usize) -> Cell<T> + 'a>;

/// A column of numbers.
pub struct Numbers<'a> {
    get: Getter<'a, Number>,
}

fn primitive<'a, P: ArrowPrimitiveType, T: 'a>(
    array: &'a dyn Array,
    to: impl Fn(P::Native) -> Cell<T> + 'a,
) -> Getter<'a, T> {
    let array = array.as_primitive::<P>();
    Box::new(move |row| if row < array.len() && array.is_valid(row) { to(array.value(row)) } else { Cell::Missing })
}

fn exact(digits: Option<i128>, scale: i8) -> Cell<Number> {
    let zeros = u32::from(scale.min(0).unsigned_abs());
    let places = u32::from(scale.max(0).unsigned_abs());
    let value = digits.and_then(|d| scaled(d, zeros).ok()).and_then(|d| Dec::from_parts(d, places).ok());
    value.map_or_else(
        || Cell::Unreadable("a number of more than 28 digits".to_owned()),
        |v| Cell::Value(Number::Exact(v)),
    )
}

fn float(value: f64) -> Cell<Number> {
    if value.is_nan() {
        Cell::Missing
    } else if value.is_infinite() {
        Cell::Unreadable(value.to_string())
    } else {
        Cell::Value(Number::Float(value))
    }
}

impl<'a> Numbers<'a> {
    /// # Errors
    /// When the array holds no numbers.
    pub fn of(array: &'a dyn Array) -> Result<Self, WrongType> {
        let whole = |value: i128| exact(Some(value), 0);
        let get: Getter<'a, Number> = match *array.data_type() {
            DataType::Int8 => primitive::<Int8Type, _>(array, move |v| whole(v.into())),
            DataType::Int16 => primitive::<Int16Type, _>(array, move |v| whole(v.into())),
            DataType::Int32 => primitive::<Int32Type, _>(array, move |v| whole(v.into())),
            DataType::Int64 => primitive::<Int64Type, _>(array, move |v| whole(v.into())),
            DataType::UInt8 => primitive::<UInt8Type, _>(array, move |v| whole(v.into())),
            DataType::UInt16 => primitive::<UInt16Type, _>(array, move |v| whole(v.into())),
            DataType::UInt32 => primitive::<UInt32Type, _>(array, move |v| whole(v.into())),
            DataType::UInt64 => primitive::<UInt64Type, _>(array, move |v| whole(v.into())),
            DataType::Decimal32(_, scale) => {
                primitive::<Decimal32Type, _>(array, move |v| exact(Some(v.into()), scale))
            }
            DataType::Decimal64(_, scale) => {
                primitive::<Decimal64Type, _>(array, move |v| exact(Some(v.into()), scale))
            }
            DataType::Decimal128(_, scale) => primitive::<Decimal128Type, _>(array, move |v| exact(Some(v), scale)),
            DataType::Decimal256(_, scale) => primitive::<Decimal256Type, _>(array, move |v| exact(v.to_i128(), scale)),
            DataType::Float32 => primitive::<Float32Type, _>(array, |v| {
                // The shortest decimal of the narrow float, not of its image among the wide ones.
                float(v.to_string().parse().unwrap_or(f64::NAN))
            }),
            DataType::Float64 => primitive::<Float64Type, _>(array, float),
            DataType::Null => Box::new(|_| Cell::Missing),
            _ => return Err(WrongType),
        };
        Ok(Numbers { get })
    }

    /// The number of a row.
    pub fn get(&self, row: usize) -> Cell<Number> {
        (self.get)(row)
    }
}

/// The shortest decimal that stands for a float, when it fits.
pub fn shortest(value: f64) -> Option<Dec> {
    value.to_string().parse().ok()
}

/// An amount in text: digits, perhaps with commas between thousands and a currency's code or dollar sign in front.
pub fn amount(text: &str) -> Option<(Dec, Option<Currency>)> {
    let text = text.trim();
    if let Ok(plain) = text.parse() {
        return Some((plain, None));
    }
    let (negative, body) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (currency, digits) = match body.split_once(' ') {
        Some((code, digits)) => (Some(Currency::from_str(code).ok()?), digits.trim_start()),
        None => (None, body.strip_prefix('$').unwrap_or(body)),
    };
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| !first.is_empty() && (first.len() <= 3 || !whole.contains(',')))?;
    let mut joined = first.to_owned();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        joined.push_str(group);
    }
    if let Some(fraction) = fraction {
        joined.push('.');
        joined.push_str(fraction);
    }
    let value: Dec = joined.parse().ok()?;
    Some((if negative { value.neg() } else { value }, currency))
}

/// A column of dates.
pub struct Dates<'a> {
    get: Getter<'a, Date>,
}

impl<'a> Dates<'a> {
    /// Instants become days in the zone; times without a zone keep their day.
    ///
    /// # Errors
    /// When the array holds no dates.
    pub fn of(array: &'a dyn Array, order: DateOrder, zone: &'a Zone) -> Result<Self, WrongType> {
        let day = |days: i64| {
            let date = i32::try_from(days).ok().and_then(Date::from_days);
            date.map_or_else(|| Cell::Unreadable(format!("day {days}")), Cell::Value)
        };
        const DAY: i64 = 86_400;
        let get: Getter<'a, Date> = match array.data_type() {
            DataType::Date32 => primitive::<Date32Type, _>(array, move |v| day(v.into())),
            DataType::Date64 => primitive::<Date64Type, _>(array, move |v| day(v.div_euclid(DAY.saturating_mul(1000)))),
            DataType::Timestamp(unit, named) => {
                let zoned = named.is_some();
                let at = move |value: i64, per_second: i64| {
                    if !zoned {
                        return day(value.div_euclid(DAY.saturating_mul(per_second)));
                    }
                    let micros = i128::from(value).saturating_mul(1_000_000).div_euclid(i128::from(per_second));
                    let instant = i64::try_from(micros).ok().and_then(Instant::from_micros);
                    instant.map_or_else(|| Cell::Unreadable(value.to_string()), |at| Cell::Value(at.date_in(zone)))
                };
                match unit {
                    TimeUnit::Second => primitive::<TimestampSecondType, _>(array, move |v| at(v, 1)),
                    TimeUnit::Millisecond => primitive::<TimestampMillisecondType, _>(array, move |v| at(v, 1_000)),
                    TimeUnit::Microsecond => primitive::<TimestampMicrosecondType, _>(array, move |v| at(v, 1_000_000)),
                    TimeUnit::Nanosecond => {
                        primitive::<TimestampNanosecondType, _>(array, move |v| at(v, 1_000_000_000))
                    }
                }
            }
            _ => {
                let texts = Texts::of(array)?;
                Box::new(move |row| match texts.get(row) {
                    None => Cell::Missing,
                    Some(text) => {
                        date(text, order, zone).map_or_else(|| Cell::Unreadable(text.to_owned()), Cell::Value)
                    }
                })
            }
        };
        Ok(Dates { get })
    }

    /// The date of a row.
    pub fn get(&self, row: usize) -> Cell<Date> {
        (self.get)(row)
    }
}

/// A date in text, perhaps with a time behind it.
pub fn date(text: &str, order: DateOrder, zone: &Zone) -> Option<Date> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Instant>() {
        return Some(instant.date_in(zone));
    }
    let day = text.split([' ', 'T', ',']).next()?;
    if let Ok(date) = day.parse::<Date>() {
        return Some(date);
    }
    let parts: Vec<u32> = day
        .split(['/', '.', '-'])
        .map(|part| if part.len() <= 4 { part.parse().ok() } else { None })
        .collect::<Option<_>>()?;
    let [first, second, year] = parts.try_into().ok()?;
    let (month, day) = match order {
        DateOrder::Iso => return None,
        DateOrder::MonthFirst => (first, second),
        DateOrder::DayFirst => (second, first),
    };
    let year = if year < 100 { year.saturating_add(2000) } else { year };
    Date::new(i32::try_from(year).ok()?, month, day)
}

/// Whether a row's flag is set.
///
/// # Errors
/// When the array holds no flags.
pub fn flags(array: &dyn Array) -> Result<Vec<Cell<bool>>, WrongType> {
    if let Some(flags) = array.as_boolean_opt() {
        let at = |row: usize| if flags.is_valid(row) { Cell::Value(flags.value(row)) } else { Cell::Missing };
        return Ok((0..array.len()).map(at).collect());
    }
    if let Ok(texts) = Texts::of(array) {
        let flag = |text: &str| match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "1" => Cell::Value(true),
            "false" | "no" | "n" | "0" => Cell::Value(false),
            _ => Cell::Unreadable(text.to_owned()),
        };
        return Ok((0..array.len()).map(|row| texts.get(row).map_or(Cell::Missing, flag)).collect());
    }
    let numbers = Numbers::of(array)?;
    let flag = |row: usize| match numbers.get(row) {
        Cell::Value(Number::Exact(value)) => Cell::Value(!value.is_zero()),
        Cell::Value(Number::Float(value)) => Cell::Value(value != 0.0),
        _ => Cell::Missing,
    };
    Ok((0..array.len()).map(flag).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_people_export_them() {
        let read = |text: &str| amount(text).map(|(a, c)| (a.to_string(), c.map(Currency::code)));
        let plain = |text: &str| Some((text.to_owned(), None));
        assert_eq!(read("12000.50"), plain("12000.50"));
        assert_eq!(read("12,000.50"), plain("12000.50"));
        assert_eq!(read("$1,200"), plain("1200"));
        assert_eq!(read("USD 1,234,567.89"), Some(("1234567.89".to_owned(), Some("USD"))));
        assert_eq!(read("-12,000"), plain("-12000"));
        for bad in ["1,2", "12,00.5", "1200,500", "1.200,50", "", "n/a", "XYZ 5", ",123"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_as_people_export_them() {
        let utc: Zone = "UTC".parse().unwrap();
        let read = |text: &str, order| date(text, order, &utc).map(|d| d.to_string());
        for text in ["2026-01-31", "2026-01-31 09:15", "2026-01-31T09:15:00Z", "2026-01-31T09:15:00"] {
            assert_eq!(read(text, DateOrder::Iso).as_deref(), Some("2026-01-31"), "{text}");
        }
        assert_eq!(read("1/31/2026", DateOrder::MonthFirst).as_deref(), Some("2026-01-31"));
        assert_eq!(read("1/31/2026, 4:05 PM", DateOrder::MonthFirst).as_deref(), Some("2026-01-31"));
        assert_eq!(read("31.1.26", DateOrder::DayFirst).as_deref(), Some("2026-01-31"));
        for bad in ["31/1/2026", "soon", "1/2", "2026-02-30"] {
            assert_eq!(read(bad, DateOrder::MonthFirst), None, "{bad}");
        }
        assert_eq!(read("1/2/2026", DateOrder::Iso), None);
    }
}
