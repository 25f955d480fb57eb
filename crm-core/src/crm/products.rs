//! Products: create, update, get, find.

use super::records::{self, ById, Search, beginning, prefix};
use super::searching::{self, Where, begins, equals};
use super::session::Session;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::record::KeyBytes;
use crate::pricing::product::{FindProducts, NewProduct, Product, ProductPage, ProductUpdate};

/// Creates a product.
pub(crate) async fn create(session: &mut Session<'_>, request: &NewProduct) -> Result<Decision<Product>> {
    records::create(session, request).await
}

/// Changes a product.
pub(crate) async fn update(session: &mut Session<'_>, request: &ProductUpdate) -> Result<Decision<Product>> {
    records::update(session, request).await
}

/// Reads a product.
pub(crate) async fn get(session: &mut Session<'_>, request: &ById) -> Result<Decision<Product>> {
    records::get(session, request).await
}

/// Reads a page of products.
pub(crate) async fn find(session: &mut Session<'_>, request: &FindProducts) -> Result<Decision<ProductPage>> {
    if request.r#where.is_some() || request.order.is_some() {
        let mut filters: Vec<_> =
            request.name_prefix.as_deref().and_then(|text| begins("name", text)).into_iter().collect();
        filters.extend(request.code.as_deref().map(|text| equals("code", text)));
        let (condition, order) = (request.r#where.as_ref(), request.order.as_ref());
        let asked = Where { filters, condition, order, limit: request.limit, cursor: request.cursor.as_deref() };
        let (items, cursor, reasons) = searching::find(session, asked).await?;
        return Ok(Decision::new(ProductPage { items, cursor }, reasons));
    }
    let mut tests = Vec::new();
    tests.extend(request.name_prefix.as_deref().map(|text| prefix(0, beginning(text))));
    tests.extend(request.code.as_deref().map(|text| prefix(1, KeyBytes::new().text(Some(text)))));
    let search = Search { tests, order: Some(0) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(ProductPage { items, cursor }))
}
