//! The totals of a quote in the company's own currency, by a rate that stays with the quote.
//!
//! Under `line` every rounded amount of a line is converted and rounded by itself; otherwise what the lines came to before rounding is
//! converted, summed up and rounded as under `global`. So a total may differ from the converted total of the document.
//!
//! Source: the two currencies of Odoo's tax totals.

use serde::{Deserialize, Serialize};

use super::discount::{self, Asked, Part};
use super::request::{PriceRequest, TaxRounding};
use super::tax_rules::TaxRules;
use super::tax_settle::{Taxed, settle};
use super::tax_totals::{TaxDetails, Totals};
use super::units::{add, overflow};
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::error::Result;
use crate::base::rates::{Rate, rounder_for};
use crate::base::rounding::{Mode, Rounder, power_of_ten, round_product};

/// The totals in the company's currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompanyTotals {
    /// The company's currency, that of every amount here.
    pub currency: Currency,
    /// The rate by which amounts were converted.
    pub rate: Rate,
    /// The amount after every discount, without tax.
    pub taxable: Dec,
    /// All tax.
    pub tax: Dec,
    /// What cash rounding by `add_line` adds, when there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_rounding: Option<Dec>,
    /// What is to be paid: `taxable + tax`, and `cash_rounding`.
    pub total: Dec,
    /// Every tax, by tax, by group and by subtotal.
    pub tax_details: TaxDetails,
}

/// The company's currency and how amounts become amounts in it.
pub(super) struct Company<'a> {
    rate: &'a Rate,
    currency: Currency,
    pub(super) rounder: Rounder,
    /// Units of the company's increment for one unit of the document's, as a fraction.
    ratio: (i128, i128),
}

impl<'a> Company<'a> {
    /// The company of a request, when it names a rate.
    pub(super) fn of(request: &'a PriceRequest, document: &Rounder) -> Result<Option<Self>> {
        let Some(rate) = &request.company_rate else { return Ok(None) };
        let is_multiplied = rate.from == request.currency;
        let currency = if is_multiplied { rate.to } else { rate.from };
        let rounder = rounder_for(currency, None, document.mode()).map_err(|error| error.at("company_rate"))?;
        let ratio = ratio(document.increment(), rounder.increment(), rate.rate, is_multiplied);
        let ratio = ratio.ok_or_else(|| overflow("rate").at("company_rate"))?;
        Ok(Some(Company { rate, currency, rounder, ratio }))
    }

    /// What was found for single lines, in the company's currency: rounded ones under `line`, fine parts otherwise.
    pub(super) fn settled(&self, found: &Taxed, rules: &TaxRules, place: TaxRounding) -> Result<Taxed> {
        let mode = if place == TaxRounding::Line { self.rounder.mode() } else { Mode::HalfAwayFromZero };
        let converted = found.converted(&|units| round_product(units, self.ratio.0, self.ratio.1, mode))?;
        let place = if place == TaxRounding::Line { place } else { TaxRounding::Global };
        settle(converted, rules, place, self.rounder.mode())
    }

    /// What a discount takes off the total here: the same percent, or an amount in proportion of the totals.
    pub(super) fn taken(
        &self,
        asked: &Asked,
        taken: (i128, Part),
        total: i128,
        company_total: i128,
    ) -> Result<(i128, Part)> {
        let in_proportion = || round_product(taken.0, company_total, total.max(1), self.rounder.mode());
        Ok(match asked {
            Asked::Percent(_) => discount::taken(asked, company_total, &self.rounder)?.unwrap_or(taken),
            _ => (in_proportion()?, taken.1),
        })
    }

    /// The totals in decimals, with what cash rounding adds.
    pub(super) fn answer(&self, totals: &Totals, rules: &TaxRules, added: Option<i128>) -> Result<CompanyTotals> {
        let decimal = |units: i128| self.rounder.amount(units);
        Ok(CompanyTotals {
            currency: self.currency,
            rate: self.rate.clone(),
            taxable: decimal(totals.net)?,
            tax: decimal(totals.tax)?,
            cash_rounding: added.map(decimal).transpose()?,
            total: decimal(add(totals.total()?, added.unwrap_or(0))?)?,
            tax_details: totals.details(rules, &self.rounder)?,
        })
    }
}

/// Units of one increment for one unit of another, as a fraction in lowest terms.
fn ratio(from: Dec, to: Dec, rate: Dec, is_multiplied: bool) -> Option<(i128, i128)> {
    let (from, to, rate) = (from.normalized(), to.normalized(), rate.normalized());
    let tens = |exponent: u32| power_of_ten(exponent);
    let (mut above, mut below) = (from.mantissa(), to.mantissa());
    (above, below) = if is_multiplied {
        let above = above.checked_mul(rate.mantissa())?.checked_mul(tens(to.scale())?)?;
        (above, below.checked_mul(tens(from.scale().checked_add(rate.scale())?)?)?)
    } else {
        let above = above.checked_mul(tens(to.scale().checked_add(rate.scale())?)?)?;
        (above, below.checked_mul(rate.mantissa())?.checked_mul(tens(from.scale())?)?)
    };
    let (mut a, mut b) = (above, below);
    while b != 0 {
        (a, b) = (b, a.checked_rem(b)?);
    }
    Some((above.checked_div(a)?, below.checked_div(a)?))
}
