//! `money.allocate`: an amount shared by weights, to the last unit.

use serde::{Deserialize, Serialize};

use crate::base::allocate::{RemainderRule, allocate_amount};
use crate::base::codes::Code;
use crate::base::context::Context;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::limits;

/// An amount to share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AllocateRequest {
    /// The amount; a multiple of the increment, above or below zero.
    pub amount: Dec,
    /// The currency; its minor unit is the increment unless one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// What every share is a multiple of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<Dec>,
    /// How much of the amount each share gets, relative to the others: zero or more, any decimals.
    pub weights: Vec<Dec>,
    /// Who gets the units that are left.
    #[serde(default)]
    pub remainder_rule: RemainderRule,
}

/// A shared amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Allocation {
    /// The shares in the order of the weights; they sum to the amount.
    pub shares: Vec<Dec>,
    /// The amount that was shared.
    pub amount: Dec,
    /// Its currency, when one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The increment used.
    pub increment: Dec,
    /// The rule used.
    pub remainder_rule: RemainderRule,
}

/// Shares an amount by weights; the shares sum to it exactly.
///
/// # Errors
/// `missing_field` when neither `currency` nor `increment` is given; `currency_without_minor_unit`, `invalid_increment`,
/// `amount_not_multiple`, `invalid_weights`, `too_many_items`, `decimal_overflow`.
///
/// # Example: a hundred dollars in three
/// ```
/// use crm_core::{base::{context::Context, decimal::Dec}, money::allocate::{allocate, AllocateRequest}};
/// let one: Dec = "1".parse()?;
/// let request = AllocateRequest {
///     amount: "100".parse()?,
///     currency: Some("USD".parse()?),
///     increment: None,
///     weights: vec![one, one, one],
///     remainder_rule: Default::default(),
/// };
/// let shares = allocate(&request, &Context::default())?.value.shares;
/// assert_eq!(shares.iter().map(Dec::to_string).collect::<Vec<_>>(), ["33.34", "33.33", "33.33"]);
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
///
/// Source: the five remainder rules of moneyphp, dinero.js, RubyMoney, Sylius and Vendure; see [`crate::base::allocate`].
pub fn allocate(request: &AllocateRequest, _: &Context) -> Result<Decision<Allocation>> {
    let AllocateRequest { amount, currency, remainder_rule, .. } = *request;
    limits::items(request.weights.len(), limits::LINES, "weights")?;
    let increment = match (request.increment, currency) {
        (Some(increment), _) => increment,
        (None, Some(currency)) => currency.increment().map_err(|error| error.at("currency"))?,
        (None, None) => return Err(Error::new(Code::MissingField).with("field", "currency")),
    };
    let path = |error: Error| match error.id() {
        Code::InvalidIncrement => error.at("increment"),
        Code::InvalidWeights => error.at("weights"),
        Code::AmountNotMultiple => error.at("amount"),
        _ => error,
    };
    let shares = allocate_amount(amount, increment, &request.weights, remainder_rule).map_err(path)?;
    Ok(Decision::plain(Allocation { shares, amount, currency, increment, remainder_rule }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_field() {
        let one: Dec = "1".parse().unwrap();
        let refusal = |amount: &str, currency: Option<&str>, increment: Option<&str>, weights: Vec<Dec>| {
            let request = AllocateRequest {
                amount: amount.parse().unwrap(),
                currency: currency.map(|c| c.parse().unwrap()),
                increment: increment.map(|i| i.parse().unwrap()),
                weights,
                remainder_rule: RemainderRule::default(),
            };
            let error = allocate(&request, &Context::default()).unwrap_err();
            format!("{} at {}", error.code(), error.path())
        };
        assert_eq!(refusal("1", None, None, vec![one]), "missing_field at ");
        assert_eq!(refusal("1", Some("XAU"), None, vec![one]), "currency_without_minor_unit at currency");
        assert_eq!(refusal("1", Some("XAU"), Some("0"), vec![one]), "invalid_increment at increment");
        assert_eq!(refusal("1.5", Some("JPY"), None, vec![one]), "amount_not_multiple at amount");
        assert_eq!(refusal("1", Some("JPY"), None, vec![]), "invalid_weights at weights");
        assert_eq!(refusal("1", Some("JPY"), None, vec![one; limits::LINES + 1]), "too_many_items at weights");
    }
}
