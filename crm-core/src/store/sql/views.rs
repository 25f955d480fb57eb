//! Views: a kind's declared fields as columns with types, for plain SQL and BI tools. The engine itself never reads them.
//!
//! PostgreSQL gets types of its own, read out of the body as `jsonb` inside the view alone. SQLite has no exact decimal: there decimals
//! are texts, dates and instants too, and flags are 0 and 1.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Dialect, literal};
use crate::base::error::Result;
use crate::base::text::hex;
use crate::condition::catalogue::{Catalogue, Field, Source, Type};

/// A view of one kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The kind whose records it shows.
    pub kind: &'static str,
    /// Its name, such as `crm_opportunities`.
    pub name: String,
    /// Makes it.
    pub text: String,
    /// Reads what tells which view of that name there is; no row or null without one.
    pub present: String,
    /// What [`View::present`] gives when it is this one.
    pub mark: String,
    /// Notes the mark, where the database does not keep the text.
    note: Option<String>,
}

impl View {
    /// The statements that put it in the place of any other view of its name, in order.
    pub fn replacement(&self) -> Vec<String> {
        let drop = format!("DROP VIEW IF EXISTS {}", self.name);
        [drop, self.text.clone()].into_iter().chain(self.note.clone()).collect()
    }
}

/// The name of the view of a kind: its plural.
fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) => format!("crm_{stem}ies"),
        None => format!("crm_{kind}s"),
    }
}

impl Dialect {
    /// The view of a kind: tenant, id, version, then every field that has one value, in the order of their names. A `.` in a field's
    /// name becomes `_`.
    ///
    /// # Errors
    /// `unknown_fact_kind` for a kind that cannot stand in a text.
    pub fn view(self, kind: &'static str, catalogue: &Catalogue) -> Result<View> {
        literal(kind)?;
        let name = plural(kind);
        let fields: Vec<&Field> = catalogue.fields().filter(|field| has_one_value(field)).collect();
        let columns: String =
            fields.iter().map(|field| format!(", {} AS {}", self.read(field), named(field))).collect();
        let from = match self {
            Dialect::Sqlite => "crm_record AS r".to_owned(),
            Dialect::Postgres => {
                format!("crm_record AS r, jsonb_to_record(CAST(r.body AS jsonb)) AS b({})", roots(&fields))
            }
        };
        let text = format!(
            "CREATE VIEW {name} AS SELECT r.tenant, r.id, r.version{columns} FROM {from} WHERE r.kind = '{kind}'"
        );
        Ok(match self {
            Dialect::Sqlite => {
                let present = format!("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = '{name}'");
                View { kind, mark: text.clone(), name, text, present, note: None }
            }
            Dialect::Postgres => {
                let mark = format!("made by crm-core: {}", hex(&Sha256::digest(text.as_bytes())));
                let present = format!("SELECT obj_description(to_regclass('{name}'), 'pg_class')");
                let note = Some(format!("COMMENT ON VIEW {name} IS '{mark}'"));
                View { kind, name, text, present, mark, note }
            }
        })
    }

    /// The value of a field, as an expression over the record's row.
    fn read(self, field: &Field) -> String {
        match self {
            Dialect::Sqlite => {
                let path = match &field.source {
                    Source::Own(own) | Source::Amount(own, _) => format!("$.{own}"),
                    Source::Inside(outer, inner) => format!("$.{outer}.{inner}"),
                    Source::LastOf(list, inner) => format!("$.{list}[#-1].{inner}"),
                };
                format!("json_extract(r.body, '{path}')")
            }
            Dialect::Postgres => {
                let inner = match &field.source {
                    Source::Own(own) | Source::Amount(own, _) => return format!("b.\"{own}\""),
                    Source::Inside(outer, inner) => format!("b.\"{outer}\" ->> '{inner}'"),
                    Source::LastOf(list, inner) => format!("b.\"{list}\" -> -1 ->> '{inner}'"),
                };
                match type_of(field) {
                    "text" => format!("({inner})"),
                    other => format!("CAST({inner} AS {other})"),
                }
            }
        }
    }
}

/// Lists have no column, an amount with its currency has one for each, and the id stands in the row itself.
fn has_one_value(field: &Field) -> bool {
    let whole = matches!((&field.kind, &field.source), (Type::Money, Source::Own(_) | Source::Inside(..)));
    !whole && !matches!(field.kind, Type::Choices(_)) && field.name != "id"
}

fn named(field: &Field) -> String {
    format!("\"{}\"", field.name.replace('.', "_"))
}

/// PostgreSQL's type of a field.
fn type_of(field: &Field) -> &'static str {
    match field.kind {
        Type::Decimal | Type::Money => "numeric",
        Type::Date => "date",
        Type::Instant => "timestamptz",
        Type::Flag => "boolean",
        _ => "text",
    }
}

/// The body's fields that are read, each with its type.
fn roots(fields: &[&Field]) -> String {
    let mut roots: BTreeMap<&str, &str> = BTreeMap::new();
    for field in fields {
        match &field.source {
            Source::Own(own) | Source::Amount(own, _) => roots.insert(own, type_of(field)),
            Source::Inside(outer, _) | Source::LastOf(outer, _) => roots.insert(outer, "jsonb"),
        };
    }
    let list: Vec<String> = roots.into_iter().map(|(root, kind)| format!("\"{root}\" {kind}")).collect();
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deals() -> Catalogue {
        Catalogue::new()
            .field("id", Type::Id)
            .field("price", Type::Money)
            .field("tags", Type::Choices(Vec::new()))
            .from("amount", Type::Money, Source::Amount("amount".to_owned(), "currency".to_owned()))
            .from("since", Type::Instant, Source::LastOf("history".to_owned(), "at".to_owned()))
            .from("custom.tier", Type::Text, Source::Inside("custom".to_owned(), "tier".to_owned()))
    }

    #[test]
    fn every_field_with_one_value_is_a_column() {
        let view = Dialect::Postgres.view("category", &deals()).unwrap();
        assert_eq!(
            view.text,
            "CREATE VIEW crm_categories AS SELECT r.tenant, r.id, r.version, b.\"amount\" AS \"amount\", \
             (b.\"custom\" ->> 'tier') AS \"custom_tier\", CAST(b.\"price\" ->> 'amount' AS numeric) AS \"price_amount\", \
             (b.\"price\" ->> 'currency') AS \"price_currency\", CAST(b.\"history\" -> -1 ->> 'at' AS timestamptz) AS \"since\" \
             FROM crm_record AS r, jsonb_to_record(CAST(r.body AS jsonb)) AS b(\"amount\" numeric, \"custom\" jsonb, \
             \"history\" jsonb, \"price\" jsonb) WHERE r.kind = 'category'"
        );
        let view = Dialect::Sqlite.view("deal", &deals()).unwrap();
        assert_eq!((view.name.as_str(), view.replacement().len()), ("crm_deals", 2));
        assert!(view.text.contains("json_extract(r.body, '$.history[#-1].at') AS \"since\""), "{}", view.text);
    }

    #[test]
    fn another_view_has_another_mark() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let (one, other) =
                (dialect.view("deal", &deals()).unwrap(), dialect.view("deal", &Catalogue::new()).unwrap());
            assert_ne!(one.mark, other.mark);
            assert_eq!(dialect.view("deal'", &deals()).unwrap_err().code(), "unknown_fact_kind");
        }
    }
}
