//! `money.sum`: mixed amounts as one sum per currency, and as one total only with rates.

use serde::{Deserialize, Serialize};

use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;
use crate::base::money::{Bag, Money};
use crate::base::rates::{Converted, Rate, RateTable, rounder_for};
use crate::base::rounding::Mode;
use crate::base::time::Date;

/// Amounts to add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SumRequest {
    /// The amounts, of any currencies.
    pub amounts: Vec<Money>,
    /// The currency of the one total; without it there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Currency>,
    /// The day of the conversion; the context's present day unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// The rates to choose from; they go with `to`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<Rate>,
}

/// Amounts added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sum {
    /// One exact sum a currency, in the order of the currency codes.
    pub sums: Vec<Money>,
    /// The one total, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<ConvertedSum>,
}

/// A total of converted amounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConvertedSum {
    /// The total: the sum of the figures.
    pub total: Money,
    /// Every amount as converted, in the request's order, with its rate.
    pub figures: Vec<Converted>,
}

/// Adds amounts per currency; into one total only when `to` is named.
///
/// Each amount is converted and rounded (half away from zero, to the minor unit of `to`) by itself and then added, so the figures
/// sum to the total exactly.
///
/// # Errors
/// `missing_field` for rates without `to`; `missing_context` when a total has neither `date` nor a present; `missing_rate` for each
/// amount without a rate; `invalid_rate`, `rate_to_itself`, `duplicate_rate`, `too_many_items`, `currency_without_minor_unit`,
/// `decimal_overflow`.
///
/// # Example: two currencies stay two sums
/// ```
/// use crm_core::{base::{context::Context, money::Money}, money::sum::{sum, SumRequest}};
/// let money = |amount: &str, currency: &str| Ok::<_, crm_core::base::error::Error>(Money::new(amount.parse()?, currency.parse()?));
/// let amounts = vec![money("10", "USD")?, money("5", "EUR")?, money("2.50", "USD")?];
/// let request = SumRequest { amounts, to: None, date: None, rates: Vec::new() };
/// let done = sum(&request, &Context::default())?.value;
/// assert_eq!(done.sums, [money("5", "EUR")?, money("12.50", "USD")?]);
/// assert!(done.converted.is_none());
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
pub fn sum(request: &SumRequest, context: &Context) -> Result<Decision<Sum>> {
    limits::items(request.amounts.len(), limits::LINES, "amounts")?;
    limits::items(request.rates.len(), limits::LINES, "rates")?;
    let mut bag = Bag::default();
    for money in &request.amounts {
        bag.add(money)?;
    }
    let converted = match request.to {
        Some(to) => Some(total(request, to, context)?),
        None if request.rates.is_empty() => None,
        None => return Err(Error::new(Code::MissingField).with("field", "to")),
    };
    Ok(Decision::plain(Sum { sums: bag.sums(), converted }))
}

fn total(request: &SumRequest, to: Currency, context: &Context) -> Result<ConvertedSum> {
    let date = request.date.map_or_else(|| context.today(), Ok)?;
    let table = RateTable::new(&request.rates)?;
    let rounder = rounder_for(to, None, Mode::default()).map_err(|error| error.at("to"))?;
    let mut figures = Vec::with_capacity(request.amounts.len());
    let mut violations = Vec::new();
    for (index, money) in request.amounts.iter().enumerate() {
        match table.convert(money, to, date, &rounder) {
            Ok(figure) => figures.push(figure),
            Err(error) => violations.push(error.at(&format!("amounts[{index}]"))),
        }
    }
    if let Some(error) = Error::all(violations) {
        return Err(error);
    }
    let mut total = Money::new(rounder.amount(0)?, to);
    for figure in &figures {
        total = total.add(&Money::new(figure.amount, to))?;
    }
    Ok(ConvertedSum { total, figures })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> SumRequest {
        let money = |amount: &str, currency: &str| Money::new(amount.parse().unwrap(), currency.parse().unwrap());
        let rate = |from: &str, date: &str, rate: &str| Rate {
            from: from.parse().unwrap(),
            to: "USD".parse().unwrap(),
            date: date.parse().unwrap(),
            rate: rate.parse().unwrap(),
            source: Some("ECB".to_owned()),
        };
        SumRequest {
            amounts: vec![money("10", "USD"), money("0.33", "EUR"), money("100", "JPY"), money("0.33", "EUR")],
            to: Some("USD".parse().unwrap()),
            date: Some("2026-01-31".parse().unwrap()),
            rates: vec![rate("EUR", "2026-01-30", "1.05"), rate("JPY", "2026-01-30", "0.0065")],
        }
    }

    #[test]
    fn figures_sum_to_the_total() {
        let done = sum(&request(), &Context::default()).unwrap().value;
        let converted = done.converted.unwrap();
        let amounts: Vec<String> = converted.figures.iter().map(|f| f.amount.to_string()).collect();
        assert_eq!(amounts, ["10", "0.35", "0.65", "0.35"]);
        assert_eq!(converted.total.amount.to_string(), "11.35");
        let sums: Vec<String> = done.sums.iter().map(|m| format!("{} {}", m.amount, m.currency)).collect();
        assert_eq!(sums, ["0.66 EUR", "100 JPY", "10 USD"]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut asked = request();
        asked.date = None;
        assert_eq!(sum(&asked, &Context::default()).unwrap_err().code(), "missing_context");
        asked.date = Some("2026-01-01".parse().unwrap());
        let error = sum(&asked, &Context::default()).unwrap_err();
        assert_eq!((error.code(), error.details()["count"].as_u64()), ("invalid_request", Some(3)));
        asked.to = None;
        assert_eq!(sum(&asked, &Context::default()).unwrap_err().code(), "missing_field");
    }
}
