//! Price books: create, update, get, find.

use super::records::{self, ById, Search, beginning, prefix};
use super::session::Session;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::pricing::lookup::{self, FoundPrices, LookupRequest};
use crate::pricing::price_book::{FindPriceBooks, NewPriceBook, PriceBook, PriceBookPage, PriceBookUpdate, PriceEntry};
use crate::pricing::product::Product;

/// Creates a price book; every product in it must exist.
pub(crate) async fn create(session: &mut Session<'_>, request: &NewPriceBook) -> Result<Decision<PriceBook>> {
    products_exist(session, &request.entries).await?;
    records::create(session, request).await
}

/// Changes a price book; `entries` replaces the whole list.
pub(crate) async fn update(session: &mut Session<'_>, request: &PriceBookUpdate) -> Result<Decision<PriceBook>> {
    products_exist(session, request.entries.0.as_deref().unwrap_or_default()).await?;
    records::update(session, request).await
}

/// Reads a price book.
pub(crate) async fn get(session: &mut Session<'_>, request: &ById) -> Result<Decision<PriceBook>> {
    records::get(session, request).await
}

/// Reads a page of price books.
pub(crate) async fn find(session: &mut Session<'_>, request: &FindPriceBooks) -> Result<Decision<PriceBookPage>> {
    let tests = request.name_prefix.as_deref().map(|text| prefix(0, beginning(text))).into_iter().collect();
    let search = Search { tests, order: Some(0) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(PriceBookPage { items, cursor }))
}

/// Says what products cost in a price book.
pub(crate) async fn lookup(session: &mut Session<'_>, request: &LookupRequest) -> Result<Decision<FoundPrices>> {
    let book = session.need::<PriceBook>(&request.price_book, "price_book").await?;
    lookup::lookup(request, &book)
}

async fn products_exist(session: &mut Session<'_>, entries: &[PriceEntry]) -> Result<()> {
    for (place, entry) in entries.iter().enumerate() {
        session.refer::<Product>(Some(&entry.product), &format!("entries[{place}].product")).await?;
    }
    Ok(())
}
