//! The columnar table that every figure is computed from.

use super::coded::{Coded, Coder};
use super::figures::overflow;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::error::Result;
use crate::base::rounding::power_of_ten;
use crate::base::time::{Date, Zone};
use crate::pipeline::definition::StageKind;
use crate::pipeline::opportunity::{Opportunity, StageEntry};

/// A day that is not known.
const NO_DAY: i32 = i32::MIN;
/// An amount that is not known.
const NO_AMOUNT: i128 = i128::MIN;

/// Opportunities by column, all of one pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Deals {
    pub(super) rows: usize,
    /// The present stage.
    pub stage: Coded<String>,
    /// What that stage means.
    pub status: Vec<StageKind>,
    /// The owner.
    pub owner: Coded<String>,
    /// The user whom the owner reports to.
    pub manager: Coded<String>,
    /// The owner's team or regional office.
    pub team: Coded<String>,
    /// The product.
    pub product: Coded<String>,
    /// The account.
    pub account: Coded<String>,
    /// Where it came from.
    pub source: Coded<String>,
    /// The win probability in percent.
    pub probability: Coded<Dec>,
    /// The currency of the amount.
    pub currency: Coded<Currency>,
    /// The day it began.
    pub start: Days,
    /// The day on which it was won or lost.
    pub closed: Days,
    /// The day on which it is expected to close.
    pub expected: Days,
    /// What it is or was worth.
    pub amount: Amounts,
    /// The stages it was in; nothing when no row has a history.
    pub history: Option<Histories>,
}

/// One day a row, or none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Days(Vec<i32>);

/// One amount a row, or none: whole numbers of 10^-scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amounts {
    digits: Vec<i128>,
    scale: u32,
}

/// A stage history of each row, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Histories {
    ends: Vec<usize>,
    stage: Coded<String>,
    /// What the stage meant then, and when it was entered, in microseconds since 1970.
    moves: Vec<(StageKind, i64)>,
}

/// An entry of a stage history: the code of its stage, what that meant, and when it was entered (microseconds since 1970).
pub type Entry = (Option<usize>, StageKind, i64);

impl Days {
    /// Every row without a day.
    pub fn empty(rows: usize) -> Self {
        Days(vec![NO_DAY; rows])
    }

    /// Adds a row.
    pub fn push(&mut self, date: Option<Date>) {
        self.0.push(date.map_or(NO_DAY, Date::days));
    }

    /// Adds a row, in days since 1970-01-01.
    pub fn push_days(&mut self, days: Option<i32>) {
        self.0.push(days.unwrap_or(NO_DAY));
    }

    /// The day of a row, in days since 1970-01-01.
    pub fn days(&self, row: usize) -> Option<i32> {
        self.0.get(row).copied().filter(|day| *day != NO_DAY)
    }

    /// The day of a row.
    pub fn date(&self, row: usize) -> Option<Date> {
        self.days(row).and_then(Date::from_days)
    }
}

impl Amounts {
    /// Every row without an amount.
    pub fn empty(rows: usize) -> Self {
        Amounts { digits: vec![NO_AMOUNT; rows], scale: 0 }
    }

    /// Amounts of one scale.
    pub fn with_scale(scale: u32, rows: usize) -> Self {
        Amounts { digits: Vec::with_capacity(rows), scale }
    }

    /// The digits after the point.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// Adds a row whose digits are of this column's scale.
    pub fn push_digits(&mut self, digits: Option<i128>) {
        self.digits.push(digits.unwrap_or(NO_AMOUNT));
    }

    /// Adds a row.
    ///
    /// # Errors
    /// `decimal_overflow` when the amounts differ by too many digits.
    pub fn push(&mut self, amount: Option<Dec>) -> Result<()> {
        let Some(amount) = amount else {
            self.digits.push(NO_AMOUNT);
            return Ok(());
        };
        if amount.scale() > self.scale {
            let plain = amount.normalized();
            self.refine(plain.scale())?;
            return self.push_scaled(plain);
        }
        self.push_scaled(amount)
    }

    fn push_scaled(&mut self, amount: Dec) -> Result<()> {
        let digits = scaled(amount.mantissa(), self.scale.saturating_sub(amount.scale()))?;
        self.digits.push(digits);
        Ok(())
    }

    /// Gives the column more digits after the point.
    fn refine(&mut self, scale: u32) -> Result<()> {
        let more = scale.saturating_sub(self.scale);
        if more > 0 {
            for digits in self.digits.iter_mut().filter(|d| **d != NO_AMOUNT) {
                *digits = scaled(*digits, more)?;
            }
            self.scale = scale;
        }
        Ok(())
    }

    /// The digits of a row's amount.
    pub fn get(&self, row: usize) -> Option<i128> {
        self.digits.get(row).copied().filter(|digits| *digits != NO_AMOUNT)
    }
}

/// Appends zeros to a number.
pub(super) fn scaled(digits: i128, zeros: u32) -> Result<i128> {
    power_of_ten(zeros).and_then(|p| digits.checked_mul(p)).ok_or_else(|| overflow("amount"))
}

impl Histories {
    /// The entries of a row, first to last.
    pub fn of(&self, row: usize) -> impl DoubleEndedIterator<Item = Entry> + ExactSizeIterator + '_ {
        let end = self.ends.get(row).copied().unwrap_or(0);
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        (start..end).map(|place| {
            let (kind, at) = self.moves.get(place).copied().unwrap_or_default();
            (self.stage.place(place), kind, at)
        })
    }

    /// The stages that occur, which an entry's code is a place among.
    pub fn stages(&self) -> &[String] {
        self.stage.values()
    }
}

/// Collects stage histories row by row.
#[derive(Default)]
struct HistoryBuilder {
    ends: Vec<usize>,
    stage: Coder<String>,
    moves: Vec<(StageKind, i64)>,
}

impl HistoryBuilder {
    fn push(&mut self, entries: &[StageEntry]) {
        for entry in entries {
            self.stage.push(Some(entry.stage.as_str()));
            self.moves.push((entry.kind, entry.entered_at.micros()));
        }
        self.ends.push(self.moves.len());
    }

    fn finish(self) -> Option<Histories> {
        if self.moves.is_empty() {
            None
        } else {
            Some(Histories { ends: self.ends, stage: self.stage.finish(), moves: self.moves })
        }
    }
}

impl Deals {
    /// A table whose rows have a stage and what it means, and nothing else yet.
    pub fn bare(stage: Coded<String>, status: Vec<StageKind>) -> Self {
        let rows = status.len();
        let text = || Coded::empty(rows);
        Deals {
            rows,
            stage,
            status,
            owner: text(),
            manager: text(),
            team: text(),
            product: text(),
            account: text(),
            source: text(),
            probability: Coded::empty(rows),
            currency: Coded::empty(rows),
            start: Days::empty(rows),
            closed: Days::empty(rows),
            expected: Days::empty(rows),
            amount: Amounts::empty(rows),
            history: None,
        }
    }

    /// The table of some opportunities; instants become days in the zone.
    ///
    /// An opportunity starts when it comes into being; manager and team stay blank until [`Deals::teams`] fills them.
    ///
    /// # Errors
    /// `decimal_overflow` when amounts differ by too many digits to be added.
    pub fn of(opportunities: &[Opportunity], zone: &Zone) -> Result<Self> {
        let rows = opportunities.len();
        let mut stage = Coder::<String>::with_capacity(rows);
        let mut texts: [Coder<String>; 4] = Default::default();
        let (mut probability, mut currency) =
            (Coder::<Dec>::with_capacity(rows), Coder::<Currency>::with_capacity(rows));
        let (mut start, mut closed, mut expected) = (Days::default(), Days::default(), Days::default());
        let (mut amount, mut history) = (Amounts::default(), HistoryBuilder::default());
        for deal in opportunities {
            stage.push(Some(deal.stage.as_str()));
            let ids =
                [deal.owner.as_ref(), deal.product.as_ref(), deal.account.as_ref()].map(|id| id.map(|id| id.as_str()));
            let values = ids.into_iter().chain([deal.source.as_deref()]);
            texts.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
            probability.push(deal.probability.as_ref());
            currency.push(deal.currency.as_ref());
            start.push(deal.created_at.map(|at| at.date_in(zone)));
            closed.push(deal.closed_on);
            expected.push(deal.expected_close);
            amount.push(deal.amount)?;
            history.push(&deal.history);
        }
        let [owner, product, account, source] = texts.map(Coder::finish);
        let status = opportunities.iter().map(|deal| deal.status).collect();
        let table = Deals {
            owner,
            product,
            account,
            source,
            start,
            closed,
            expected,
            amount,
            ..Deals::bare(stage.finish(), status)
        };
        Ok(Deals { probability: probability.finish(), currency: currency.finish(), history: history.finish(), ..table })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What a row's stage means.
    pub fn kind(&self, row: usize) -> StageKind {
        self.status.get(row).copied().unwrap_or_default()
    }

    /// Fills manager and team from what is known of each owner.
    pub fn teams<'a>(&mut self, of: impl Fn(&str) -> (Option<&'a str>, Option<&'a str>)) {
        let (managers, teams): (Vec<_>, Vec<_>) = self.owner.values().iter().map(|owner| of(owner)).unzip();
        let column = |known: &[Option<&'a str>]| {
            let mut coder = Coder::<String>::with_capacity(self.rows);
            (0..self.rows)
                .for_each(|row| coder.push(self.owner.place(row).and_then(|p| known.get(p).copied().flatten())));
            coder.finish()
        };
        (self.manager, self.team) = (column(&managers), column(&teams));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_different_scales_stay_exact() {
        let mut amounts = Amounts::default();
        for text in ["10", "2.50", "0.125"] {
            amounts.push(Some(text.parse().unwrap())).unwrap();
        }
        amounts.push(None).unwrap();
        let all: Vec<_> = (0..4).map(|row| amounts.get(row)).collect();
        assert_eq!((amounts.scale(), all), (3, vec![Some(10_000), Some(2_500), Some(125), None]));
        amounts.push(Some("79228162514264337593543950335".parse().unwrap())).unwrap();
        assert!(amounts.push(Some("0.00000000000000000001".parse().unwrap())).is_err());
    }
}
