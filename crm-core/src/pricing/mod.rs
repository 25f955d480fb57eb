//! Pricing: products and the price books that say what they cost. Start at [`product::Product`].

pub mod lookup;
pub mod price_book;
pub mod product;
