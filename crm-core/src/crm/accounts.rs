//! Accounts: create, update, get, find.

use super::records::{self, ById, Search, beginning, prefix};
use super::searching::{self, Where, begins, equals, refers};
use super::session::Session;
use crate::base::decision::Decision;
use crate::base::entity::Set;
use crate::base::error::Result;
use crate::base::record::KeyBytes;
use crate::customers::account::{Account, AccountPage, AccountUpdate, FindAccounts, NewAccount};
use crate::people::user::User;

/// Creates an account.
pub(crate) async fn create(session: &mut Session<'_>, request: &NewAccount) -> Result<Decision<Account>> {
    session.refer::<User>(request.owner.as_ref(), "owner").await?;
    if request.parent != request.id {
        session.refer::<Account>(request.parent.as_ref(), "parent").await?;
    }
    records::create(session, request).await
}

/// Changes an account.
pub(crate) async fn update(session: &mut Session<'_>, request: &AccountUpdate) -> Result<Decision<Account>> {
    if let Set::To(owner) = &request.owner {
        session.refer::<User>(Some(owner), "owner").await?;
    }
    if let Set::To(parent) = &request.parent {
        session.refer::<Account>(Some(parent), "parent").await?;
    }
    records::update(session, request).await
}

/// Reads an account.
pub(crate) async fn get(session: &mut Session<'_>, request: &ById) -> Result<Decision<Account>> {
    records::get(session, request).await
}

/// Reads a page of accounts.
pub(crate) async fn find(session: &mut Session<'_>, request: &FindAccounts) -> Result<Decision<AccountPage>> {
    if request.r#where.is_some() || request.order.is_some() {
        let mut filters: Vec<_> =
            request.name_prefix.as_deref().and_then(|text| begins("name", text)).into_iter().collect();
        filters.extend(request.owner.as_ref().map(|id| refers("owner", id)));
        filters.extend(request.industry.as_deref().map(|text| equals("industry", text)));
        let (condition, order) = (request.r#where.as_ref(), request.order.as_ref());
        let asked = Where { filters, condition, order, limit: request.limit, cursor: request.cursor.as_deref() };
        let (items, cursor, reasons) = searching::find(session, asked).await?;
        return Ok(Decision::new(AccountPage { items, cursor }, reasons));
    }
    let mut tests = Vec::new();
    tests.extend(request.name_prefix.as_deref().map(|text| prefix(0, beginning(text))));
    tests.extend(request.owner.as_ref().map(|id| prefix(1, KeyBytes::new().id(Some(id)))));
    tests.extend(request.industry.as_deref().map(|text| prefix(2, KeyBytes::new().text(Some(text)))));
    let search = Search { tests, order: Some(0) };
    let (items, cursor) = records::find(session, search, request.limit, request.cursor.as_deref()).await?;
    Ok(Decision::plain(AccountPage { items, cursor }))
}
