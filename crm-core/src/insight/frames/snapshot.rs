//! The funnel of a large frame, counted where the columns lie: nothing is copied.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, ArrowPrimitiveType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, PrimitiveArray};
use arrow_schema::DataType;

use super::cells::Texts;
use super::mapping::Field;
use super::read::{Frame, note};
use super::report::{FrameReport, Rows};
use super::stages::{self, Signs};
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::insight::figures::overflow;
use crate::insight::funnel::{Basis, Cell, Funnel, Parts, snapshot_reasons};
use crate::insight::group::Labels;
use crate::insight::kernel::{Digits, Key, Tally};
use crate::pipeline::definition::Pipeline;

/// The rows of one stage.
#[derive(Default)]
struct Count {
    rows: u64,
    without: u64,
    sum: i128,
}

#[derive(Default)]
struct Counts {
    stages: BTreeMap<String, Count>,
    outside: u64,
    missing_stage: Rows,
    missing_amount: Rows,
}

/// Says whether a frame can be counted this way: the stage is dictionary-coded, amounts are exact, of one currency, and no other
/// column is needed to know what the stages mean.
pub fn applies(frame: &Frame<'_>) -> bool {
    let absent = |field| frame.mapping.place(field).is_none();
    let coded = |array: &dyn Array| {
        matches!(array.data_type(), DataType::Dictionary(_, values) if values.is_string()) && !values_blank(array)
    };
    let exact = |array: &dyn Array| match array.data_type() {
        DataType::Int32 | DataType::Int64 => true,
        DataType::Decimal128(_, scale) => (0..=28).contains(scale),
        _ => false,
    };
    let plain = [Field::Currency, Field::IsClosed, Field::IsWon, Field::Probability].into_iter().all(absent);
    plain
        && (absent(Field::Amount) || frame.options.currency.is_some())
        && frame.arrays(Field::Stage).all(|(_, array)| coded(array))
        && frame.arrays(Field::Amount).all(|(_, array)| exact(array))
}

fn values_blank(array: &dyn Array) -> bool {
    array.as_any_dictionary_opt().is_none_or(|dictionary| dictionary.values().is_empty())
}

/// Counts a frame for which [`applies`] holds.
///
/// # Errors
/// `decimal_overflow`; mistakes in the stages that the caller named.
pub fn funnel(
    frame: &Frame<'_>,
    configured: Option<&Pipeline>,
    context: &Context,
) -> Result<(Decision<Funnel>, FrameReport)> {
    let mut counts = Counts::default();
    let mut scale = 0;
    let mut amounts = frame.arrays(Field::Amount);
    for (start, stage) in frame.arrays(Field::Stage) {
        let amount = amounts.next().map(|(_, array)| array);
        if let Some(DataType::Decimal128(_, digits)) = amount.map(Array::data_type) {
            scale = u32::try_from(*digits).unwrap_or(0);
        }
        with_keys(stage, amount, start, &mut counts)?;
    }
    let signs = counts.stages.keys().map(|name| (name.clone(), Signs::default())).collect();
    let found = stages::find(&signs, frame.options, configured)?;
    let mut cells = vec![Cell::default(); found.pipeline.stages.len()];
    let mut outside = counts.outside;
    let currency = frame.options.currency.filter(|_| frame.mapping.place(Field::Amount).is_some());
    for (name, count) in &counts.stages {
        let id = found.renamed.get(name).unwrap_or(name);
        match found.pipeline.place(id).and_then(|place| cells.get_mut(place)) {
            Some(cell) => cell.merge(&cell_of(count, currency))?,
            None => outside = outside.saturating_add(count.rows),
        }
    }
    let mut report = frame.report();
    report.stages = found.pipeline.stages.iter().map(|s| s.id.clone()).collect();
    report.stage_order = found.order;
    note(&mut report.missing, Field::Stage, counts.missing_stage);
    note(&mut report.missing, Field::Amount, counts.missing_amount);
    let parts = Parts { basis: Basis::Snapshot, scale, outside, total: cells, groups: Vec::new() };
    let reasons = snapshot_reasons(outside);
    Ok((parts.write(&found.pipeline, &Labels::new(), reasons, context)?, report))
}

fn cell_of(count: &Count, currency: Option<Currency>) -> Cell {
    let mut cell = Cell { count: count.rows, without_amount: count.without, ..Cell::default() };
    match currency {
        Some(currency) if count.without < count.rows => drop(cell.sums.insert(currency, count.sum)),
        Some(_) => {}
        None => cell.without_amount = count.rows,
    }
    cell
}

fn with_keys(stage: &dyn Array, amount: Option<&dyn Array>, start: usize, counts: &mut Counts) -> Result<()> {
    let DataType::Dictionary(key, _) = stage.data_type() else { return Ok(()) };
    match **key {
        DataType::Int8 => with_amounts::<Int8Type>(stage, amount, start, counts),
        DataType::Int16 => with_amounts::<Int16Type>(stage, amount, start, counts),
        DataType::Int32 => with_amounts::<Int32Type>(stage, amount, start, counts),
        DataType::Int64 => with_amounts::<Int64Type>(stage, amount, start, counts),
        DataType::UInt8 => with_amounts::<UInt8Type>(stage, amount, start, counts),
        DataType::UInt16 => with_amounts::<UInt16Type>(stage, amount, start, counts),
        DataType::UInt32 => with_amounts::<UInt32Type>(stage, amount, start, counts),
        DataType::UInt64 => with_amounts::<UInt64Type>(stage, amount, start, counts),
        _ => Ok(()),
    }
}

fn with_amounts<K: ArrowDictionaryKeyType>(
    stage: &dyn Array,
    amount: Option<&dyn Array>,
    start: usize,
    counts: &mut Counts,
) -> Result<()>
where
    K::Native: Key,
{
    let keys = stage.as_dictionary::<K>().keys();
    match amount.map(Array::data_type) {
        Some(DataType::Int32) => tally(keys, amount.map(AsArray::as_primitive::<Int32Type>), stage, start, counts),
        Some(DataType::Int64) => tally(keys, amount.map(AsArray::as_primitive::<Int64Type>), stage, start, counts),
        Some(DataType::Decimal128(..)) => {
            tally(keys, amount.map(AsArray::as_primitive::<Decimal128Type>), stage, start, counts)
        }
        _ => tally::<K, Int32Type>(keys, None, stage, start, counts),
    }
}

fn tally<K, A>(
    keys: &PrimitiveArray<K>,
    amounts: Option<&PrimitiveArray<A>>,
    stage: &dyn Array,
    start: usize,
    counts: &mut Counts,
) -> Result<()>
where
    K: ArrowDictionaryKeyType,
    A: ArrowPrimitiveType,
    K::Native: Key,
    A::Native: Digits,
{
    let values = stage.as_any_dictionary_opt().map(|dictionary| dictionary.values().clone());
    let names = values.as_ref().and_then(|values| Texts::of(values.as_ref()).ok());
    let codes = values.as_ref().map_or(0, |values| values.len());
    let mut tally = Tally::new(codes);
    let mut without = vec![0_u64; codes];
    match amounts {
        Some(amounts) if keys.null_count() == 0 && amounts.null_count() == 0 => {
            tally.add(keys.values(), amounts.values())?
        }
        _ => {
            for (row, key) in keys.iter().enumerate() {
                let digits = amounts.and_then(|a| a.is_valid(row).then(|| a.value(row).wide()));
                let place = key.map_or(usize::MAX, Key::place);
                tally.add_row(place, digits)?;
                if key.is_none() {
                    counts.missing_stage.note(start.saturating_add(row));
                }
                if digits.is_none() {
                    if let Some(slot) = without.get_mut(place) {
                        *slot = slot.saturating_add(1);
                    }
                    if amounts.is_some() {
                        counts.missing_amount.note(start.saturating_add(row));
                    }
                }
            }
        }
    }
    counts.outside = counts.outside.saturating_add(tally.outside);
    for (place, ((rows, sum), without)) in
        tally.counts.iter().zip(&tally.sums).zip(&without).enumerate().filter(|(_, ((rows, _), _))| **rows > 0)
    {
        // A dictionary may hold a blank as one of its values.
        let Some(name) = names.as_ref().and_then(|names| names.get(place)) else {
            counts.outside = counts.outside.saturating_add(*rows);
            continue;
        };
        let count = counts.stages.entry(name.to_owned()).or_default();
        count.rows = count.rows.saturating_add(*rows);
        count.without = count.without.saturating_add(*without);
        count.sum = count.sum.checked_add(*sum).ok_or_else(|| overflow("sum"))?;
    }
    Ok(())
}
