//! Digits of instants and dates, written without the machinery of format strings.

use chrono::{Datelike, NaiveDate};

/// Room for the longest spelling of the years 0 to 9999: `2026-01-31T09:00:00.000001Z`.
pub(super) struct Spelling {
    bytes: [u8; 27],
    length: usize,
}

impl Spelling {
    pub(super) const fn new() -> Self {
        Spelling { bytes: [b'0'; 27], length: 0 }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    /// The last `places` digits of a number.
    pub(super) fn digits(&mut self, number: u32, places: usize) {
        let end = self.length.saturating_add(places);
        let mut rest = number;
        for slot in self.bytes.get_mut(self.length..end).unwrap_or_default().iter_mut().rev() {
            *slot = b'0'.saturating_add((rest % 10) as u8);
            rest /= 10;
        }
        self.length = end;
    }

    /// Spells a date of these years; others are left to the general machinery.
    pub(super) fn date(&mut self, date: NaiveDate) -> Option<()> {
        let year = u32::try_from(date.year()).ok().filter(|year| *year <= 9999)?;
        self.digits(year, 4);
        for number in [date.month(), date.day()] {
            self.byte(b'-');
            self.digits(number, 2);
        }
        Some(())
    }

    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.length)?).ok()
    }
}
