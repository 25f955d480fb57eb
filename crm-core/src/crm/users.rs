//! Users: create, update, get, find.

use super::records::{self, ById, Search, beginning, prefix};
use super::searching::{self, Where, begins, refers};
use super::session::Session;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::record::KeyBytes;
use crate::people::user::{FindUsers, NewUser, User, UserPage, UserUpdate};

/// Creates a user.
pub(crate) async fn create(session: &mut Session<'_>, request: &NewUser) -> Result<Decision<User>> {
    if request.manager != request.id {
        session.refer::<User>(request.manager.as_ref(), "manager").await?;
    }
    records::create(session, request).await
}

/// Changes a user.
pub(crate) async fn update(session: &mut Session<'_>, request: &UserUpdate) -> Result<Decision<User>> {
    if let crate::base::entity::Set::To(manager) = &request.manager {
        session.refer::<User>(Some(manager), "manager").await?;
    }
    records::update(session, request).await
}

/// Reads a user.
pub(crate) async fn get(session: &mut Session<'_>, request: &ById) -> Result<Decision<User>> {
    records::get(session, request).await
}

/// Reads a page of users.
pub(crate) async fn find(session: &mut Session<'_>, request: &FindUsers) -> Result<Decision<UserPage>> {
    if request.r#where.is_some() || request.order.is_some() {
        let mut filters: Vec<_> =
            request.name_prefix.as_deref().and_then(|text| begins("name", text)).into_iter().collect();
        filters.extend(request.manager.as_ref().map(|id| refers("manager", id)));
        let (condition, order) = (request.r#where.as_ref(), request.order.as_ref());
        let asked = Where { filters, condition, order, limit: request.limit, cursor: request.cursor.as_deref() };
        let (items, cursor, reasons) = searching::find(session, asked).await?;
        return Ok(Decision::new(UserPage { items, cursor }, reasons));
    }
    let mut tests = Vec::new();
    tests.extend(request.name_prefix.as_deref().map(|text| prefix(0, beginning(text))));
    tests.extend(request.manager.as_ref().map(|id| prefix(1, KeyBytes::new().id(Some(id)))));
    let search = Search { tests, order: Some(0) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(UserPage { items, cursor }))
}
