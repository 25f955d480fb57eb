//! Custom fields at a write: checked against the configuration, their references read, their unique values claimed.

use super::session::Session;
use crate::base::codes::Code;
use crate::base::custom::{CustomFields, CustomValue};
use crate::base::entity::{Entity, Held};
use crate::base::error::{Error, Result};
use crate::base::id::Id;
use crate::base::record::Key;
use crate::config::Config;
use crate::custom::{CustomField, CustomType, check, unique_name};
use crate::pipeline::opportunity::Opportunity;

/// Brings a new or changed record's custom fields into their one form.
///
/// A change that leaves them as they are is not checked: a field that became required afterwards stops no other change. Nor is a new
/// record without any, which would cost every creation a read of the configuration; opportunities read it anyway.
///
/// # Errors
/// Every violation of the custom fields, with those of the record's own; `record_not_found` for a reference; `claim_taken`.
pub async fn settle<E: Entity>(session: &mut Session<'_>, old: Option<&E>, new: &mut E) -> Result<()> {
    let old = old.map(|old| -> &dyn Held { old });
    if let Some(made) = settled(session, old, new).await? {
        new.set_custom(made);
    }
    Ok(())
}

/// The custom fields in their one form, where they are to be looked at.
async fn settled(session: &mut Session<'_>, old: Option<&dyn Held>, new: &dyn Held) -> Result<Option<CustomFields>> {
    let Some(given) = new.custom() else { return Ok(None) };
    let kind = new.layout().kind;
    let untouched = old.and_then(Held::custom) == Some(given);
    if untouched || (old.is_none() && given.is_empty() && kind != Opportunity::KIND) {
        return Ok(None);
    }
    let config: std::sync::Arc<Config> = session.config().await?;
    let fields = config.custom_fields(kind);
    let made = check(&fields, given).map_err(|mut wrong| {
        wrong.extend(new.violations());
        Error::all(wrong).unwrap_or_else(|| Error::new(Code::InvalidRequest))
    })?;
    let before = old.and_then(Held::custom);
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
            let (was, now, scope) = (name(was), name(now), format!("custom.{kind}.{}", field.id));
            if was != now {
                let owner = Key::new(kind, new.id());
                if let Some(was) = was {
                    session.release(&scope, &was, owner.clone());
                }
                if let Some(now) = now {
                    session.claim(&scope, &now, owner)?;
                }
            }
        }
    }
    Ok(Some(made))
}

async fn refer(session: &mut Session<'_>, field: &CustomField, id: &str) -> Result<()> {
    match field.refers_to.as_deref() {
        Some(kind) => session.refer_to(kind, &Id::new(id)?, &format!("custom.{}", field.id)).await,
        None => Ok(()),
    }
}
