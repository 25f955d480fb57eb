//! Money: an amount with its currency, and bags of several currencies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::currency::Currency;
use super::decimal::Dec;
use super::error::Error;
use super::rounding::{Mode, round};
use crate::base::json::{FromJson, ToJson};

/// An amount in one currency.
///
/// # Example: two currencies do not add
/// ```
/// use crm_core::base::money::Money;
/// let usd = Money::new("10".parse()?, "USD".parse()?);
/// let eur = Money::new("5".parse()?, "EUR".parse()?);
/// assert_eq!(usd.add(&eur).map_err(|e| e.code()), Err("currency_mismatch"));
/// # Ok::<(), crm_core::base::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Money {
    /// The amount in major units.
    pub amount: Dec,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Makes an amount in a currency.
    pub const fn new(amount: Dec, currency: Currency) -> Self {
        Money { amount, currency }
    }

    /// Adds two amounts of one currency, exactly.
    ///
    /// # Errors
    /// `currency_mismatch`, `decimal_overflow`.
    pub fn add(&self, other: &Money) -> Result<Money, Error> {
        if self.currency != other.currency {
            return Err(Error::new(Code::CurrencyMismatch)
                .with("left", self.currency.code())
                .with("right", other.currency.code()));
        }
        Ok(Money::new(self.amount.add(other.amount)?, self.currency))
    }

    /// Rounds the amount to the currency's minor unit.
    ///
    /// # Errors
    /// `currency_without_minor_unit`, `decimal_overflow`.
    pub fn rounded(&self, mode: Mode) -> Result<Money, Error> {
        Ok(Money::new(round(self.amount, self.currency.increment()?, mode)?, self.currency))
    }
}

/// A sum per currency, in the order of the currency codes: what mixed amounts add up to when nobody gave rates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bag(BTreeMap<Currency, Dec>);

impl Bag {
    /// Adds an amount to its currency's sum.
    ///
    /// # Errors
    /// `decimal_overflow`.
    pub fn add(&mut self, money: &Money) -> Result<(), Error> {
        let sum = self.0.entry(money.currency).or_insert(Dec::ZERO);
        *sum = sum.add(money.amount)?;
        Ok(())
    }

    /// The sums, one a currency.
    pub fn sums(&self) -> Vec<Money> {
        self.0.iter().map(|(currency, amount)| Money::new(*amount, *currency)).collect()
    }
}
