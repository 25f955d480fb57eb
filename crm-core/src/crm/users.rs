//! Users: create, update, get, find; who acts for whom.

use super::records::{self, ById, Search, beginning, prefix};
use super::searching::{self, Where, begins, refers};
use super::session::Session;
use crate::base::decision::Decision;
use crate::base::error::Result;
use crate::base::id::Id;
use crate::base::record::KeyBytes;
use crate::base::time::Instant;
use crate::people::standing_in::{self, Asked, Known, Managers, ManagersRequest, StandIn, StandInRequest};
use crate::people::user::{Absence, FindUsers, NewUser, User, UserPage, UserUpdate};

/// Creates a user.
pub(crate) async fn create(session: &mut Session<'_>, request: &NewUser) -> Result<Decision<User>> {
    if request.manager != request.id {
        session.refer::<User>(request.manager.as_ref(), "manager").await?;
    }
    substitutes(session, request.absences.as_deref(), request.id.as_ref()).await?;
    records::create(session, request).await
}

/// Changes a user.
pub(crate) async fn update(session: &mut Session<'_>, request: &UserUpdate) -> Result<Decision<User>> {
    if let crate::base::entity::Set::To(manager) = &request.manager {
        session.refer::<User>(Some(manager), "manager").await?;
    }
    if let crate::base::entity::Set::To(absences) = &request.absences {
        substitutes(session, Some(absences), Some(&request.id)).await?;
    }
    records::update(session, request).await
}

/// Makes sure that every substitute exists; one's own id is refused by the record itself.
async fn substitutes(session: &mut Session<'_>, absences: Option<&[Absence]>, own: Option<&Id>) -> Result<()> {
    for (place, absence) in absences.unwrap_or_default().iter().enumerate() {
        let substitute = absence.substitute.as_ref().filter(|substitute| Some(*substitute) != own);
        session.refer::<User>(substitute, &format!("absences[{place}].substitute")).await?;
    }
    Ok(())
}

/// Finds who acts for a user.
pub(crate) async fn stand_in(session: &mut Session<'_>, request: &StandInRequest) -> Result<Decision<StandIn>> {
    session.need::<User>(&request.user, "user").await?;
    let at = request.at.map_or_else(|| session.context().now(), Ok)?;
    who_acts(session, &request.user, at).await
}

/// Finds who acts for a user, who may be unknown.
pub(super) async fn who_acts(session: &mut Session<'_>, user: &Id, at: Instant) -> Result<Decision<StandIn>> {
    let on = session.context().date_of(at)?;
    let mut known = Known::new();
    loop {
        match standing_in::stand_in(&known, user, on) {
            Asked::Known(user, reasons) => return Ok(Decision::new(StandIn { user }, reasons)),
            Asked::Unknown(id) => {
                let read = session.get::<User>(&id).await?;
                known.insert(id, read);
            }
        }
    }
}

/// Finds the managers above a user.
pub(crate) async fn managers(session: &mut Session<'_>, request: &ManagersRequest) -> Result<Decision<Managers>> {
    session.need::<User>(&request.user, "user").await?;
    let mut known = Known::new();
    loop {
        match standing_in::managers(&known, &request.user) {
            Asked::Known(items, reasons) => return Ok(Decision::new(Managers { items }, reasons)),
            Asked::Unknown(id) => {
                let read = session.get::<User>(&id).await?;
                known.insert(id, read);
            }
        }
    }
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
