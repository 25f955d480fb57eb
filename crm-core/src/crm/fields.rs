//! What conditions may name of each kind of record: its fields with their types.

use crate::activities::task::{Task, TaskStatus};
use crate::base::codes::Code;
use crate::base::entity::{Entity, fields};
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::id::Id;
use crate::base::text::clip;
use crate::condition::catalogue::{Catalogue, Source, Type};
use crate::config::Config;
use crate::customers::account::Account;
use crate::people::user::User;
use crate::pipeline::definition::StageKind;
use crate::pipeline::opportunity::Opportunity;
use crate::pricing::price_book::PriceBook;
use crate::pricing::product::Product;
use crate::store::plan::{Coding, Index, index};

use super::session::Session;

/// The kinds that conditions know.
const KINDS: [&str; 6] = [Account::KIND, Opportunity::KIND, PriceBook::KIND, Product::KIND, Task::KIND, User::KIND];

/// The kinds that have fields to be named, in the order of their names.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter()
}

/// The fields of a kind under a configuration.
///
/// # Errors
/// `unknown_kind`.
pub fn catalogue(kind: &str, config: &Config) -> Result<Catalogue> {
    let made = match kind {
        Account::KIND => account(),
        Opportunity::KIND => opportunity(),
        PriceBook::KIND => price_book(),
        Product::KIND => product(),
        Task::KIND => task(),
        User::KIND => user(),
        other => return Err(unknown(other)),
    };
    let own = made.field("id", Type::Id).field("created_at", Type::Instant).field("updated_at", Type::Instant);
    let custom = config.custom_fields(kind).into_iter().fold(own, |made, field| {
        let source = Source::Inside("custom".to_owned(), field.id.clone());
        made.from(&format!("custom.{}", field.id), field.condition_type(), source)
    });
    Ok(custom.in_currency(config.currency))
}

/// The declared indexes of a kind, in the order of its records' keys.
pub fn indexes(kind: &str) -> Vec<Index> {
    let close = ("expected_close", Coding::Date);
    let name = || index(&[("name", Coding::Text)]);
    match kind {
        Account::KIND => {
            vec![name(), index(&[("owner", Coding::Exact)]), index(&[("industry", Coding::Text)])]
        }
        Opportunity::KIND => vec![
            index(&[("status", Coding::Text), ("owner", Coding::Exact), close]),
            index(&[("owner", Coding::Exact), ("stage", Coding::Exact), close]),
            index(&[("account", Coding::Exact)]),
            index(&[("pipeline", Coding::Exact), ("stage", Coding::Exact), close]),
            name(),
        ],
        PriceBook::KIND => vec![name()],
        Product::KIND => vec![name(), index(&[("code", Coding::Text)])],
        User::KIND => vec![name(), index(&[("manager", Coding::Exact)])],
        _ => Vec::new(),
    }
}

fn unknown(kind: &str) -> Error {
    let error = Error::new(Code::UnknownKind).with("kind", clip(kind));
    error.with("hint", hint(kind, KINDS.into_iter())).at("kind")
}

fn account() -> Catalogue {
    texts(&["name", "industry", "country", "region", "website", "phone", "description"])
        .field("employees", Type::Decimal)
        .field("annual_revenue", Type::Money)
        .field("founded", Type::Decimal)
        .field("parent", Type::Id)
        .field("owner", Type::Id)
}

fn opportunity() -> Catalogue {
    let status = [StageKind::Open, StageKind::Won, StageKind::Lost].map(|kind| kind.name().to_owned());
    texts(&["name", "lost_reason", "source", "next_step", "description"])
        .field("pipeline", Type::Name)
        .field("stage", Type::Name)
        .from("stage_since", Type::Instant, Source::LastOf("history".to_owned(), "entered_at".to_owned()))
        .field("status", Type::Choice(status.to_vec()))
        .field("probability", Type::Decimal)
        .field("account", Type::Id)
        .field("owner", Type::Id)
        .field("product", Type::Id)
        .from("amount", Type::Money, Source::Amount("amount".to_owned(), "currency".to_owned()))
        .field("currency", Type::Currency)
        .field("expected_close", Type::Date)
        .field("closed_on", Type::Date)
}

fn price_book() -> Catalogue {
    texts(&["name"]).field("currency", Type::Currency).field("active", Type::Flag)
}

fn product() -> Catalogue {
    texts(&["name", "code", "category", "unit", "description"]).field("active", Type::Flag)
}

fn task() -> Catalogue {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let status = [TaskStatus::Open, TaskStatus::Done, TaskStatus::Cancelled].map(TaskStatus::name);
    let related = |part: &str| Source::Inside("related".to_owned(), part.to_owned());
    texts(&["subject", "description", "outcome"])
        .field("status", Type::Choice(names(&status)))
        .field("priority", Type::Choice(names(&["low", "normal", "high", "urgent"])))
        .field("owner", Type::Id)
        .field("due_on", Type::Date)
        .field("due_at", Type::Instant)
        .field("overdue_at", Type::Instant)
        .field("remind_at", Type::Instant)
        .field("completed_at", Type::Instant)
        .from("related.kind", Type::Name, related("kind"))
        .from("related.id", Type::Id, related("id"))
}

fn user() -> Catalogue {
    texts(&["name", "email", "team"])
        .field("manager", Type::Id)
        .field("active", Type::Flag)
        .field("roles", Type::Choices(Vec::new()))
}

fn texts(names: &[&str]) -> Catalogue {
    names.iter().fold(Catalogue::new(), |made, name| made.field(name, Type::Text))
}

/// The body of a stored record of any of these kinds.
///
/// # Errors
/// `unknown_kind`, `record_not_found`, and whatever reading meets.
pub async fn body(
    session: &mut Session<'_>,
    kind: &str,
    id: &Id,
) -> Result<serde_json::Map<String, serde_json::Value>> {
    let body = match kind {
        Account::KIND => fields(&session.need::<Account>(id, "id").await?),
        Opportunity::KIND => fields(&session.need::<Opportunity>(id, "id").await?),
        PriceBook::KIND => fields(&session.need::<PriceBook>(id, "id").await?),
        Product::KIND => fields(&session.need::<Product>(id, "id").await?),
        Task::KIND => fields(&session.need::<Task>(id, "id").await?),
        User::KIND => fields(&session.need::<User>(id, "id").await?),
        other => return Err(unknown(other)),
    };
    Ok(body.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists, which have no value of their own to be compared.
    const WITHOUT: [(&str, &str); 4] =
        [("opportunity", "history"), ("price_book", "entries"), ("task", "related"), ("user", "absences")];

    #[test]
    fn every_field_of_a_kind_can_be_named() {
        for kind in KINDS {
            let known = catalogue(kind, &Config::default()).unwrap();
            let kind = crate::crm::kinds::find(kind).unwrap();
            for field in kind.fields.iter().chain(kind.own) {
                let left_out = ["version", "custom"].contains(field) || WITHOUT.contains(&(kind.name, *field));
                assert!(left_out || known.find(field).is_some(), "add `{field}` of {} to crm/fields.rs", kind.name);
            }
        }
    }

    #[test]
    fn the_declared_indexes_are_those_of_the_entities() {
        let full = |kind: &str| {
            let mut body = serde_json::json!({"name": "Ünal \u{1F600}", "stage": "lead", "pipeline": "sales", "owner": "U1", "entries": [],
                "account": "a1", "status": "won", "expected_close": "2026-02-01", "industry": "IT Ö", "code": "X-1", "manager": "m", "currency": "USD"});
            let known = crate::crm::kinds::find(kind).unwrap();
            let map = body.as_object_mut().unwrap();
            map.retain(|name, _| known.fields.iter().chain(known.own).any(|field| field == name));
            map.clone()
        };
        // Deadlines are coded in a way of their own, and tasks are found by their own filters.
        for kind in KINDS.into_iter().filter(|kind| *kind != Task::KIND) {
            let made = crate::crm::kinds::find(kind).unwrap();
            assert_eq!(indexes(kind).len(), made.indexes.len(), "{kind}");
            let bodies = [full(kind), {
                let mut least = full(kind);
                least.retain(|name, _| ["name", "stage", "entries", "currency"].contains(&name.as_str()));
                least
            }];
            for body in bodies {
                let record = (made.record)(&Id::new("r1").unwrap(), body, 1).unwrap();
                let fields: Vec<_> = catalogue(kind, &Config::default()).unwrap().fields().cloned().collect();
                let row = crate::condition::row::Row::parse(&fields, record.body.text()).unwrap();
                let value = |name: &str| fields.iter().position(|f| f.name == name).and_then(|slot| row.value(slot));
                let keys: Vec<_> = indexes(kind).iter().map(|index| crate::store::plan::key(index, value)).collect();
                assert_eq!(keys, record.keys, "{kind}");
            }
        }
    }

    #[test]
    fn every_kind_but_the_engines_own_has_a_catalogue() {
        let own = ["configuration", "history", "history_head", "intent", "stuck_timer"];
        for kind in crate::crm::kinds::KINDS.iter().filter(|kind| !own.contains(&kind.name)) {
            assert!(KINDS.contains(&kind.name), "add {} to crm/fields.rs", kind.name);
        }
    }
}
