//! Finding by a condition, for every kind of record.

use super::fields;
use super::records::page_size;
use super::session::{Session, parse_cursor, write_cursor};
use crate::base::codes::Code;
use crate::base::entity::{Entity, Layout};
use crate::base::error::Result;
use crate::base::id::Id;
use crate::base::order;
use crate::base::reason::Reason;
use crate::base::record::Record;
use crate::base::writer;
use crate::condition::compile::compile;
use crate::condition::row::Row;
use crate::condition::wire::{Condition, ConditionOp, ConditionValue, OrderBy};
use crate::store::plan::{Order, Sorting, plan};
use crate::store::query::Query;
use crate::store::repository::BoxFuture;
use crate::store::search::{Finder, SCAN, Search};

/// What a `find` asks for in words of conditions.
#[derive(Clone, Debug, Default)]
pub struct Where<'a> {
    /// The plain filters of the request, which must hold too.
    pub filters: Vec<Condition>,
    /// The request's own condition.
    pub condition: Option<&'a Condition>,
    /// The order; by name when left out.
    pub order: Option<&'a OrderBy>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The cursor of the page before.
    pub cursor: Option<&'a str>,
}

/// A filter: the field has this value.
pub fn equals(field: &str, value: &str) -> Condition {
    test(field, ConditionOp::Equal, value)
}

/// A filter: the field is the record with this id.
pub fn refers(field: &str, id: &Id) -> Condition {
    equals(field, id.as_str())
}

/// A filter: the text begins with this one; none for an empty one.
pub fn begins(field: &str, text: &str) -> Option<Condition> {
    (!text.is_empty()).then(|| test(field, ConditionOp::StartsWith, text))
}

fn test(field: &str, op: ConditionOp, value: &str) -> Condition {
    Condition {
        field: Some(field.to_owned()),
        op: Some(op),
        value: Some(ConditionValue::Text(value.to_owned())),
        ..Condition::default()
    }
}

/// A page of records, where the next one begins, and a reason when the search ended early.
pub type Page<E> = (Vec<E>, Option<String>, Vec<Reason>);

/// Reads a page of the records for which a condition and the plain filters hold.
///
/// # Errors
/// Everything that is wrong with the condition; `unknown_field` and `order_not_possible` for the order; `number_out_of_range`,
/// `invalid_cursor`, `missing_context`, `scan_limit_reached`.
pub async fn find<E: Entity>(session: &mut Session<'_>, request: Where<'_>) -> Result<Page<E>> {
    let (records, cursor, reasons) = find_records(session, Layout::of::<E>(), request).await?;
    Ok((records.iter().map(E::from_record).collect::<Result<_>>()?, cursor, reasons))
}

async fn find_records(session: &mut Session<'_>, layout: Layout, request: Where<'_>) -> Result<Page<Record>> {
    let limit = page_size(request.limit)?;
    let catalogue = fields::catalogue(layout.kind, &*session.config().await?)?;
    if let Some(own) = request.condition {
        // For its paths; what is joined with the filters is asked.
        compile(own, &catalogue).map_err(|e| e.at("where"))?;
    }
    let all = request.condition.into_iter().cloned().chain(request.filters).collect();
    let whole = Condition { all: Some(all), ..Condition::default() };
    let predicate = compile(&whole, &catalogue)?;
    let moment = predicate.moment(session.context())?;
    let order = request.order.map_or_else(
        || Order { field: "name".to_owned(), descending: false },
        |order| Order { field: order.field.clone(), descending: order.descending },
    );
    let plan = plan(&predicate, &moment, &fields::indexes(layout.kind), &catalogue, &order)?;
    // The cursor belongs to what was asked, not to its plan, which changes with the day.
    let asked = writer::to_string(&whole, 0);
    let asked = format!("{} {} {} {asked}", layout.kind, order.field, order.descending);
    let marked = Query::of(&session.context().tenant, &asked, 0);
    let search = Search {
        tenant: &session.context().tenant,
        kind: layout.kind,
        plan: &plan,
        after: parse_cursor(request.cursor, &marked)?,
        limit,
        scan: SCAN,
    };
    let row = |record: &Record, slots: &[crate::condition::catalogue::Field]| {
        let body = layout.body(record)?;
        Row::parse(slots, body.text())
    };
    let sorted_by: &[_] = match &plan.sorting {
        Sorting::InMemory(field, _) => std::slice::from_ref(field),
        Sorting::Stored(_) => &[],
    };
    let keep = |record: &Record| Ok(predicate.holds(&row(record, predicate.slots())?, &moment));
    let found = search.run(&*session, keep, |record| row(record, sorted_by)).await?;
    let cut = found.cut.map(|read| Reason::new(Code::SearchCut).with("read", read));
    Ok((found.records, write_cursor(found.next, &marked), cut.into_iter().collect()))
}

impl Finder for Session<'_> {
    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Box::pin(async move {
            let own: Vec<&Record> = self.written(&query.kind).collect();
            let mut wide = query.clone();
            // Each own write may hide one stored record.
            wide.limit = query.limit.saturating_add(own.len());
            let mut found = self.repository().find(&wide).await?;
            found = found.into_iter().map(Record::resolved).collect();
            if !own.is_empty() {
                found.retain(|record| !own.iter().any(|o| o.id == record.id));
                found.extend(own.into_iter().filter(|record| query.matches(record)).cloned());
                order::sort(&mut found, &|a, b| query.compare(a, b));
            }
            found.truncate(query.limit);
            Ok(found)
        })
    }
}
