//! From Arrow batches to a table of opportunities, with a report of everything that was guessed, rounded, missing or unreadable.

use std::collections::BTreeMap;

use arrow_array::{Array, RecordBatch};

use super::cells::{self, Cell, Dates, Number, Numbers, Texts, WrongType};
use super::mapping::{Field, Mapping};
use super::options::{FrameOptions, Probabilities};
use super::report::{FrameReport, Rows};
use super::stages::{self, Signs};
use crate::base::codes::Code;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::error::{Error, Result};
use crate::base::rounding::{Mode, Rounder};
use crate::base::text::clip;
use crate::base::time::Zone;
use crate::insight::coded::{Coded, Coder};
use crate::insight::deals::{Amounts, Days, Deals};
use crate::insight::figures::count;
use crate::pipeline::definition::{Pipeline, StageKind};

/// Batches of one table, and how to read them.
pub struct Frame<'a> {
    /// The batches, all of one schema.
    pub batches: &'a [RecordBatch],
    /// What the caller says about them.
    pub options: &'a FrameOptions,
    /// Where the fields stand.
    pub mapping: Mapping,
    /// The zone in which instants become days.
    pub zone: Zone,
    headers: Vec<&'a str>,
}

/// What was read.
pub struct Read {
    /// The table.
    pub deals: Deals,
    /// Its pipeline.
    pub pipeline: Pipeline,
    /// How it was read.
    pub report: FrameReport,
}

impl<'a> Frame<'a> {
    /// Finds the columns.
    ///
    /// # Errors
    /// `missing_column` when there is no stage; mistakes in `columns`.
    pub fn new(batches: &'a [RecordBatch], options: &'a FrameOptions, zone: Zone) -> Result<Self> {
        let schema = batches.first().map(RecordBatch::schema_ref);
        let headers: Vec<&str> =
            schema.map(|s| s.fields().iter().map(|f| f.name().as_str()).collect()).unwrap_or_default();
        let mapping = Mapping::find(&headers, options)?;
        mapping.need(Field::Stage)?;
        Ok(Frame { batches, options, mapping, zone, headers })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).fold(0, usize::saturating_add)
    }

    /// A report that says as yet which columns are read.
    pub fn report(&self) -> FrameReport {
        FrameReport {
            rows: count(self.rows()),
            columns: self.mapping.columns(&self.headers),
            guessed: self.mapping.guessed(),
            unused: self.mapping.unused(&self.headers),
            rounding: self.options.rounding.unwrap_or_default(),
            ..FrameReport::default()
        }
    }

    /// The arrays of a field, each with the number of its first row; nothing when the frame has no column for it.
    pub fn arrays(&self, field: Field) -> impl Iterator<Item = (usize, &'a dyn Array)> + '_ {
        let place = self.mapping.place(field);
        let mut start = 0_usize;
        self.batches.iter().filter_map(move |batch| {
            let first = start;
            start = start.saturating_add(batch.num_rows());
            Some((first, batch.columns().get(place?)?.as_ref()))
        })
    }

    /// The error that a field's column is of a type that cannot hold it.
    pub fn wrong_type(&self, field: Field, expected: &str, array: &dyn Array) -> Error {
        let column = self.mapping.place(field).and_then(|p| self.headers.get(p)).copied().unwrap_or_default();
        let error = Error::new(Code::UnreadableColumn)
            .with("column", clip(column))
            .with("type", clip(&array.data_type().to_string()));
        error.with("expected", expected).at(&format!("frame.columns.{}", field.name()))
    }

    fn texts(&self, field: Field, report: &mut FrameReport) -> Result<Coded<String>> {
        let rows = self.rows();
        if self.mapping.place(field).is_none() {
            return Ok(Coded::empty(rows));
        }
        let mut coder = Coder::with_capacity(rows);
        for (_, array) in self.arrays(field) {
            cells::code(array, &mut coder).map_err(|WrongType| self.wrong_type(field, "text", array))?;
        }
        let column = coder.finish();
        let mut missing = Rows::default();
        (0..rows).filter(|row| column.place(*row).is_none()).for_each(|row| missing.note(row));
        note(&mut report.missing, field, missing);
        Ok(column)
    }

    fn days(&self, field: Field, report: &mut FrameReport) -> Result<Days> {
        if self.mapping.place(field).is_none() {
            return Ok(Days::empty(self.rows()));
        }
        let mut days = Days::default();
        let (mut missing, mut unreadable) = (Rows::default(), Rows::default());
        for (start, array) in self.arrays(field) {
            let dates = Dates::of(array, self.options.date_order(), &self.zone)
                .map_err(|WrongType| self.wrong_type(field, "dates", array))?;
            for row in 0..array.len() {
                let at = start.saturating_add(row);
                match dates.get(row) {
                    Cell::Value(date) => days.push(Some(date)),
                    Cell::Missing => {
                        missing.note(at);
                        days.push(None);
                    }
                    Cell::Unreadable(text) => {
                        unreadable.note_value(at, &text);
                        days.push(None);
                    }
                }
            }
        }
        note(&mut report.missing, field, missing);
        note(&mut report.unreadable, field, unreadable);
        Ok(days)
    }

    fn probabilities(&self, report: &mut FrameReport) -> Result<Coded<Dec>> {
        let field = Field::Probability;
        if self.mapping.place(field).is_none() {
            return Ok(Coded::empty(self.rows()));
        }
        let mut coder = Coder::<Dec>::with_capacity(self.rows());
        let (mut missing, mut unreadable) = (Rows::default(), Rows::default());
        for (start, array) in self.arrays(field) {
            let wrong = |WrongType| self.wrong_type(field, "probabilities", array);
            let texts = Texts::of(array).ok();
            let numbers = if texts.is_some() { None } else { Some(Numbers::of(array).map_err(wrong)?) };
            for row in 0..array.len() {
                let at = start.saturating_add(row);
                let found = match (&texts, &numbers) {
                    (Some(texts), _) => texts.get(row).map_or(Cell::Missing, percent_text),
                    (None, Some(numbers)) => number(numbers.get(row)),
                    (None, None) => Cell::Missing,
                };
                let inside = match found {
                    Cell::Value(value) => self.percent(value),
                    other => other,
                };
                match inside {
                    Cell::Value(percent) => coder.push(Some(&percent)),
                    Cell::Missing => {
                        missing.note(at);
                        coder.push(None);
                    }
                    Cell::Unreadable(text) => {
                        unreadable.note_value(at, &text);
                        coder.push(None);
                    }
                }
            }
        }
        note(&mut report.missing, field, missing);
        note(&mut report.unreadable, field, unreadable);
        Ok(coder.finish())
    }

    fn percent(&self, value: Dec) -> Cell<Dec> {
        let percent = match self.options.probability_scale() {
            Probabilities::Percent => Ok(value),
            Probabilities::Fraction => value.mul(Dec::HUNDRED),
        };
        match percent {
            Ok(percent) if !percent.is_negative() && percent <= Dec::HUNDRED => Cell::Value(percent.normalized()),
            _ => Cell::Unreadable(value.to_string()),
        }
    }

    fn currencies(&self, report: &mut FrameReport) -> Result<Coded<Currency>> {
        let names = self.texts(Field::Currency, report)?;
        let known: Vec<Option<Currency>> = names.values().iter().map(|name| name.trim().parse().ok()).collect();
        let mut coder = Coder::<Currency>::with_capacity(self.rows());
        let mut unreadable = Rows::default();
        for row in 0..self.rows() {
            let code = names.place(row);
            let currency = code.and_then(|code| known.get(code).copied().flatten());
            if let (Some(name), None) = (names.get(row), currency) {
                unreadable.note_value(row, name);
            }
            // A currency that cannot be read is no reason to take another one.
            let usual = if code.is_none() { self.options.currency } else { None };
            coder.push(currency.or(usual).as_ref());
        }
        note(&mut report.unreadable, Field::Currency, unreadable);
        Ok(coder.finish())
    }

    /// Amounts with their currencies: those of the column, those written in front of the digits, or the usual one.
    fn amounts(&self, report: &mut FrameReport) -> Result<(Amounts, Coded<Currency>)> {
        let field = Field::Amount;
        let currencies = self.currencies(report)?;
        if self.mapping.place(field).is_none() {
            return Ok((Amounts::empty(self.rows()), currencies));
        }
        let mut money = MoneyReader::new(self, currencies, report.rounding);
        for (start, array) in self.arrays(field) {
            let texts = Texts::of(array).ok();
            if let Some(texts) = texts {
                for row in 0..array.len() {
                    money.text(start.saturating_add(row), texts.get(row))?;
                }
                continue;
            }
            let numbers = Numbers::of(array).map_err(|WrongType| self.wrong_type(field, "amounts", array))?;
            for row in 0..array.len() {
                money.number(start.saturating_add(row), numbers.get(row))?;
            }
        }
        money.finish(report)
    }

    /// Reads the table; only the wanted fields and the stage.
    ///
    /// # Errors
    /// `unreadable_column`, `missing_currency`, `decimal_overflow`.
    pub fn read(&self, wanted: &[Field], configured: Option<&Pipeline>) -> Result<Read> {
        let mut report = self.report();
        let rows = self.rows();
        let wants = |field: Field| wanted.contains(&field);
        let stage = self.texts(Field::Stage, &mut report)?;
        let probability = self.probabilities(&mut report)?;
        let found = stages::find(&self.signs(&stage, &probability, &mut report)?, self.options, configured)?;
        let stage = stage.map(|name| found.renamed.get(name).unwrap_or(name).clone());
        let kinds: Vec<StageKind> =
            stage.values().iter().map(|id| found.pipeline.stage(id).map(|s| s.kind).unwrap_or_default()).collect();
        let kind = |row: usize| stage.place(row).and_then(|code| kinds.get(code)).copied().unwrap_or_default();
        let status = (0..rows).map(kind).collect();
        let mut text = |field| if wants(field) { self.texts(field, &mut report) } else { Ok(Coded::empty(rows)) };
        let [owner, manager, team] = [text(Field::Owner)?, text(Field::Manager)?, text(Field::Team)?];
        let [product, account, source] = [text(Field::Product)?, text(Field::Account)?, text(Field::Source)?];
        let mut days = |field| if wants(field) { self.days(field, &mut report) } else { Ok(Days::empty(rows)) };
        let [start, closed, expected] = [days(Field::Start)?, days(Field::ClosedOn)?, days(Field::ExpectedClose)?];
        let (amount, currency) =
            if wants(Field::Amount) { self.amounts(&mut report)? } else { (Amounts::empty(rows), Coded::empty(rows)) };
        report.stages = found.pipeline.stages.iter().map(|s| s.id.clone()).collect();
        report.stage_order = found.order;
        let bare = Deals::bare(stage, status);
        let deals = Deals {
            owner,
            manager,
            team,
            product,
            account,
            source,
            probability,
            currency,
            start,
            closed,
            expected,
            amount,
            ..bare
        };
        Ok(Read { deals, pipeline: found.pipeline, report })
    }

    /// What the rows of each stage say about it.
    fn signs(
        &self,
        stage: &Coded<String>,
        probability: &Coded<Dec>,
        report: &mut FrameReport,
    ) -> Result<BTreeMap<String, Signs>> {
        let mut signs = vec![Signs::default(); stage.values().len()];
        for field in [Field::IsClosed, Field::IsWon] {
            let (mut missing, mut unreadable) = (Rows::default(), Rows::default());
            for (start, array) in self.arrays(field) {
                let flags = cells::flags(array).map_err(|WrongType| self.wrong_type(field, "true or false", array))?;
                for (row, flag) in (start..).zip(flags) {
                    let sign = stage.place(row).and_then(|code| signs.get_mut(code));
                    match (flag, sign) {
                        (Cell::Value(set), Some(sign)) => {
                            sign.marked = true;
                            let slot = if field == Field::IsWon { &mut sign.won } else { &mut sign.closed };
                            *slot |= set;
                        }
                        (Cell::Value(_), None) => {}
                        (Cell::Missing, _) => missing.note(row),
                        (Cell::Unreadable(text), _) => unreadable.note_value(row, &text),
                    }
                }
            }
            note(&mut report.missing, field, missing);
            note(&mut report.unreadable, field, unreadable);
        }
        if !probability.is_blank() {
            for row in 0..self.rows() {
                if let (Some(percent), Some(sign)) =
                    (probability.get(row), stage.place(row).and_then(|code| signs.get_mut(code)))
                {
                    sign.probability = (sign.probability.0.add(*percent)?, sign.probability.1.saturating_add(1));
                }
            }
        }
        Ok(stage.values().iter().cloned().zip(signs).collect())
    }
}

/// Puts rows into a report, unless there are none.
pub(super) fn note(into: &mut BTreeMap<String, Rows>, field: Field, rows: Rows) {
    if rows.count > 0 {
        into.insert(field.name().to_owned(), rows);
    }
}

fn number(cell: Cell<Number>) -> Cell<Dec> {
    match cell {
        Cell::Value(Number::Exact(value)) => Cell::Value(value),
        Cell::Value(Number::Float(value)) => {
            cells::shortest(value).map_or_else(|| Cell::Unreadable(value.to_string()), Cell::Value)
        }
        Cell::Missing => Cell::Missing,
        Cell::Unreadable(text) => Cell::Unreadable(text),
    }
}

fn percent_text(text: &str) -> Cell<Dec> {
    let digits = text.trim().trim_end_matches('%').trim_end();
    digits.parse().map_or_else(|_| Cell::Unreadable(text.to_owned()), Cell::Value)
}

/// Reads amounts row by row.
struct MoneyReader<'a> {
    frame: &'a Frame<'a>,
    given: Coded<Currency>,
    mode: Mode,
    rounders: BTreeMap<Currency, Option<Rounder>>,
    amounts: Amounts,
    currencies: Coder<Currency>,
    rounded: Rows,
    missing: Rows,
    unreadable: Rows,
    without_currency: Rows,
}

impl<'a> MoneyReader<'a> {
    fn new(frame: &'a Frame<'a>, given: Coded<Currency>, mode: Mode) -> Self {
        let (amounts, currencies) = (Amounts::with_scale(0, frame.rows()), Coder::with_capacity(frame.rows()));
        let rows = Rows::default;
        let rounders = BTreeMap::new();
        MoneyReader {
            frame,
            given,
            mode,
            rounders,
            amounts,
            currencies,
            rounded: rows(),
            missing: rows(),
            unreadable: rows(),
            without_currency: rows(),
        }
    }

    fn put(&mut self, row: usize, value: Option<Dec>, currency: Option<Currency>) -> Result<()> {
        if value.is_some() && currency.is_none() {
            self.without_currency.note(row);
        }
        self.currencies.push(currency.as_ref());
        self.amounts.push(value.filter(|_| currency.is_some()))
    }

    fn text(&mut self, row: usize, text: Option<&str>) -> Result<()> {
        let given = self.given.get(row).copied();
        let Some(text) = text else {
            self.missing.note(row);
            return self.put(row, None, given);
        };
        match cells::amount(text) {
            Some((value, written))
                if written.is_none()
                    || given.is_none()
                    || written == given
                    || self.frame.mapping.place(Field::Currency).is_none() =>
            {
                self.put(row, Some(value), written.or(given))
            }
            _ => {
                self.unreadable.note_value(row, text);
                self.put(row, None, given)
            }
        }
    }

    fn number(&mut self, row: usize, cell: Cell<Number>) -> Result<()> {
        let given = self.given.get(row).copied();
        match cell {
            Cell::Value(Number::Exact(value)) => self.put(row, Some(value), given),
            Cell::Value(Number::Float(value)) => {
                let read = self.money(row, value, given);
                if read.is_none() {
                    self.unreadable.note_value(row, &value.to_string());
                }
                self.put(row, read, given)
            }
            Cell::Missing => {
                self.missing.note(row);
                self.put(row, None, given)
            }
            Cell::Unreadable(text) => {
                self.unreadable.note_value(row, &text);
                self.put(row, None, given)
            }
        }
    }

    /// A float as money of a currency: its shortest decimal, rounded to the minor unit.
    fn money(&mut self, row: usize, value: f64, currency: Option<Currency>) -> Option<Dec> {
        // Whole numbers of cents below 10^13 come back exactly: their shortest decimal has at most two digits after the point.
        let cents = (value * 100.0).round();
        if currency.and_then(Currency::digits) == Some(2) && cents.abs() < 1e15 && cents / 100.0 == value {
            return Dec::from_parts(i128::from(cents as i64), 2).ok();
        }
        let exact = cells::shortest(value)?;
        let mode = self.mode;
        let rounder =
            |currency: &Currency| currency.increment().and_then(|increment| Rounder::new(increment, mode)).ok();
        let Some(rounder) = currency.and_then(|c| *self.rounders.entry(c).or_insert_with(|| rounder(&c))) else {
            return Some(exact);
        };
        let rounded = rounder.amount(rounder.units(exact).ok()?).ok()?;
        if rounded != exact {
            self.rounded.note_value(row, &exact.to_string());
        }
        Some(rounded)
    }

    fn finish(self, report: &mut FrameReport) -> Result<(Amounts, Coded<Currency>)> {
        let currencies = self.currencies.finish();
        if currencies.is_blank() && self.without_currency.count > 0 {
            return Err(Error::new(Code::MissingCurrency).at("frame.currency"));
        }
        report.rounded = self.rounded;
        note(&mut report.missing, Field::Amount, self.missing);
        note(&mut report.unreadable, Field::Amount, self.unreadable);
        if self.without_currency.count > 0 {
            note(&mut report.missing, Field::Currency, self.without_currency);
        }
        Ok((self.amounts, currencies))
    }
}
