//! Custom fields at a write: checked against the configuration, their references read, their unique values claimed.

use super::session::Session;
use crate::base::codes::Code;
use crate::base::custom::CustomValue;
use crate::base::entity::Entity;
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::record::Key;
use crate::config::Config;
use crate::custom::{CustomField, CustomType, check, unique_name};

/// Brings a new or changed record's custom fields into their one form.
///
/// A new record is checked whether it has any or not, since a field may be required. A change that leaves them as they are is not: a
/// field that became required afterwards stops no other change.
///
/// # Errors
/// Every violation of the custom fields, with those of the record's own; `record_not_found` for a reference; `claim_taken`.
pub async fn settle<E: Entity>(session: &mut Session<'_>, old: Option<&E>, new: &mut E) -> Result<()> {
    let Some(given) = new.custom().cloned() else { return Ok(()) };
    if old.and_then(Entity::custom) == Some(&given) {
        return Ok(());
    }
    if old.is_none() {
        session.read_ahead(Key::new(E::KIND, new.id())).await?;
    }
    let config: std::sync::Arc<Config> = session.config().await?;
    let fields = config.custom_fields(E::KIND);
    let made = check(&fields, &given).map_err(|mut wrong| {
        wrong.extend(new.violations());
        Error::all(wrong).unwrap_or_else(|| Error::new(Code::InvalidRequest))
    })?;
    let before = old.and_then(Entity::custom);
    for field in &fields {
        let (was, now) = (before.and_then(|custom| custom.get(&field.id)), made.get(&field.id));
        if was == now {
            continue;
        }
        if let (CustomType::Reference, Some(CustomValue::Text(id))) = (field.r#type, now) {
            refer(session, field, id).await?;
        }
        if field.unique {
            let name = |value: Option<&CustomValue>| value.and_then(|value| unique_name(field, value));
            let (was, now, scope) = (name(was), name(now), format!("custom.{}.{}", E::KIND, field.id));
            if was != now {
                let owner = Key::new(E::KIND, new.id());
                if let Some(was) = was {
                    session.release(&scope, &was, owner.clone());
                }
                if let Some(now) = now {
                    session.claim(&scope, &now, owner)?;
                }
            }
        }
    }
    new.set_custom(made);
    Ok(())
}

async fn refer(session: &mut Session<'_>, field: &CustomField, id: &str) -> Result<()> {
    match field.refers_to.as_deref() {
        Some(kind) => session.refer_to(kind, &Id::new(id)?, &format!("custom.{}", field.id)).await,
        None => Ok(()),
    }
}
