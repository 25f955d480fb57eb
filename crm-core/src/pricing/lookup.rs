//! What a product costs in a price book.

use serde::{Deserialize, Serialize};

use super::price_book::PriceBook;
use crate::base::codes::Code;
use crate::base::currency::Currency;
use crate::base::decimal::Dec;
use crate::base::decision::Decision;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;

/// Asks what products cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookupRequest {
    /// The price book.
    pub price_book: Id,
    /// The products, at most 1,000.
    pub products: Vec<Id>,
}

/// What one product costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundPrice {
    /// The product.
    pub product: Id,
    /// The price of one unit.
    pub unit_price: Dec,
}

/// What products cost in a price book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundPrices {
    /// The price book.
    pub price_book: Id,
    /// The currency of every price.
    pub currency: Currency,
    /// The prices, in the order of the request.
    pub prices: Vec<FoundPrice>,
}

/// Finds the price of each product in a book.
///
/// Prices are per unit, in the book's currency, as they stand in the book: nothing is rounded.
///
/// # Errors
/// `product_without_price` for each product that the book does not price, all at once.
///
/// # Example: a product that the book does not price
/// ```
/// use crm_core::pricing::lookup::{lookup, LookupRequest};
/// use crm_core::pricing::price_book::PriceBook;
/// let book: PriceBook = serde_json::from_str(
///     r#"{"id": "list", "name": "List", "currency": "USD", "entries": [{"product": "gtx", "unit_price": "4821"}]}"#,
/// ).unwrap();
/// let ask = |product: &str| LookupRequest { price_book: book.id.clone(), products: vec![serde_json::from_value(product.into()).unwrap()] };
/// assert_eq!(lookup(&ask("gtx"), &book).unwrap().value.prices[0].unit_price.to_string(), "4821");
/// assert_eq!(lookup(&ask("gtk"), &book).unwrap_err().code(), "product_without_price");
/// ```
pub fn lookup(request: &LookupRequest, book: &PriceBook) -> Result<Decision<FoundPrices>> {
    crate::base::limits::items(request.products.len(), crate::base::limits::PAGE, "products")?;
    let (mut prices, mut reasons, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (place, product) in request.products.iter().enumerate() {
        match book.unit_price(product) {
            Some(unit_price) => {
                let reason = Reason::new(Code::PriceFound)
                    .with("product", product.as_str())
                    .with("price_book", book.name.clone());
                reasons.push(reason.show("unit_price", unit_price).with("currency", book.currency.code()));
                prices.push(FoundPrice { product: product.clone(), unit_price });
            }
            None => {
                let error = Error::new(Code::ProductWithoutPrice)
                    .with("product", product.as_str())
                    .with("price_book", book.id.as_str());
                refused.push(error.at(&format!("products[{place}]")));
            }
        }
    }
    match Error::all(refused) {
        Some(error) => Err(error),
        None => {
            Ok(Decision::new(FoundPrices { price_book: book.id.clone(), currency: book.currency, prices }, reasons))
        }
    }
}
