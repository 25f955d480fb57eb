//! `quotes.price`: the price of a quote, pure, without configuration.
//!
//! Inside, every amount is a whole number of rounding increments in 128 bits, so sums and differences are exact; a computation that
//! does not fit is refused, never cut. The rounding points, in order:
//! 1. list amount of a line: quantity x unit price;
//! 2. net of a line: quantity x unit price x (100 - discount) / 100, from the exact product, not from the rounded list amount;
//! 3. document discount: percent of the sum of the nets, then shared by the lines in proportion to their nets (`largest_fraction`);
//! 4. tax: percent of what is taxable, on each line (`line`) or once for each tax, then shared by its lines (`document`).
//!
//! With `rounding.tax` `global` points 1, 2 and 4 are left exact on lines and rounded once for the document, in
//! `tax_settle`. Taxes of other kinds than an added percent are found in `tax_line`; then come cash rounding
//! ([`super::cash`]) and the totals in the company's currency ([`super::company`]).
//!
//! Source: one rounding at the end of price x quantity x discount and the two places where tax is rounded are those of Odoo's
//! `round_per_line` and `round_globally`; the document discount before tax is ERPNext's discount on the net total.

use super::answer::PricedQuote;
use super::check::check;
use super::request::{PriceRequest, RoundingChoice};
use super::{plain, taxed, waterfall};
use crate::base::context::Context;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::reason::Explain;

/// The number of the rules in this folder; it changes when any result would.
pub const SEMANTICS: u32 = 1;

/// Prices a quote: line discounts, one document discount, taxes, and totals that the lines sum to.
///
/// # Errors
/// All violations at once, with paths such as `lines[3].quantity`: `quote_without_lines`, `too_many_items`, `negative_number`,
/// `percent_out_of_range`, `invalid_id`, `duplicate_id`, `text_empty`, `text_too_long`, `invalid_text`,
/// `currency_without_minor_unit`, `invalid_increment`, `decimal_overflow`; of taxes `unknown_tax`, `conflicting_fields`,
/// `taxes_leave_no_base`; of the document discount `discount_exceeds_total`, `missing_field`; of the company's rate `invalid_rate`, `rate_to_itself`, `rate_of_other_currencies`; of cash rounding
/// `amount_not_multiple`.
///
/// # Example: two lines, ten percent off, two tax rates
/// ```
/// use crm_core::{base::context::Context, quotes::{price::price, request::PriceRequest}};
/// let request: PriceRequest = serde_json::from_str(r#"{
///     "currency": "EUR",
///     "lines": [
///         {"quantity": "3", "unit_price": "19.99", "discount_percent": "5", "tax_percent": "20"},
///         {"quantity": "1", "unit_price": "4.50", "tax_percent": "5.5"}
///     ],
///     "discount_percent": "10"
/// }"#)?;
/// let quote = price(&request, &Context::default())?.value;
/// let line = &quote.lines[0];
/// // 3 x 19.99 = 59.97; less 5 % = 56.9715, rounded once; 10 % of 61.47 is 6.15, of which 5.70 falls on this line.
/// assert_eq!([line.amount, line.net, line.document_discount].map(|d| d.to_string()), ["59.97", "56.97", "5.70"]);
/// assert_eq!([line.taxable, line.tax, line.total].map(|d| d.to_string()), ["51.27", "10.25", "61.52"]);
/// assert_eq!([quote.taxable, quote.tax, quote.total].map(|d| d.to_string()), ["55.32", "10.47", "65.79"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Example: tax that prices have in them
/// ```
/// use crm_core::{base::context::Context, quotes::{price::price, request::PriceRequest}};
/// let request: PriceRequest = serde_json::from_str(r#"{
///     "currency": "CNY", "prices_include_tax": true,
///     "taxes": [{"id": "vat13", "amount": "13"}, {"id": "vat6", "amount": "6"}],
///     "lines": [
///         {"quantity": "2", "unit_price": "113", "taxes": ["vat13"]},
///         {"quantity": "1", "unit_price": "100", "taxes": ["vat6"]}
///     ]
/// }"#)?;
/// let quote = price(&request, &Context::default())?.value;
/// // The tax is rounded first, the net is what remains: 100 x 6 / 106 = 5.66, 100 - 5.66 = 94.34.
/// assert_eq!([quote.taxable, quote.tax, quote.total].map(|d| d.to_string()), ["294.34", "31.66", "326.00"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn price(request: &PriceRequest, context: &Context) -> Result<Decision<PricedQuote>> {
    let default = RoundingChoice::default();
    let choice = request.rounding.as_ref().unwrap_or(&default);
    let (rounder, ids) = check(request, choice)?;
    let quote = if taxed::is_asked(request) {
        taxed::price(request, ids, choice.tax, &rounder)?
    } else {
        plain::price(request, ids, choice.tax, &rounder)?
    };
    let reasons = match context.explain {
        Explain::None => Vec::new(),
        Explain::Codes => vec![waterfall::total(&quote)],
        Explain::Full => vec![waterfall::whole(request, &quote)],
    };
    Ok(Decision::new(quote, reasons))
}
