//! Products: create, update, get, find.

use super::records::{self, ById, Search, beginning, prefix};
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
    let mut tests = Vec::new();
    tests.extend(request.name_prefix.as_deref().map(|text| prefix(0, beginning(text))));
    tests.extend(request.code.as_deref().map(|text| prefix(1, KeyBytes::new().text(Some(text)))));
    let search = Search { tests, order: Some(0) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(ProductPage { items, cursor }))
}
