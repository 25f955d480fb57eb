//! Searching: the records for which a condition holds, page by page, with what the plan leaves open checked here.

use super::plan::{Plan, Sorting};
use super::query::{After, Query};
use super::repository::{BoxFuture, MaybeSync, Repository};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::order;
use crate::base::record::{KeyBytes, Record};
use crate::condition::row::Row;

/// The most records that one search reads.
pub const SCAN: usize = 50_000;
/// The most records that are read at once.
const CHUNK: usize = 1_000;

/// Where records are looked for.
pub trait Finder: MaybeSync {
    /// Reads the records that a query describes.
    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>>;
}

impl Finder for &dyn Repository {
    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        Repository::find(*self, query)
    }
}

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// Whose records.
    pub tenant: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// How they are found.
    pub plan: &'a Plan,
    /// Where the page begins.
    pub after: Option<After>,
    /// The most records of the page.
    pub limit: usize,
    /// The most records to read.
    pub scan: usize,
}

/// A page of records for which the condition holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<After>,
    /// Set when the page is shorter than it could be: so many records were read before it was full.
    pub cut: Option<usize>,
}

impl Search<'_> {
    fn query(&self, order: Option<usize>) -> Query {
        let mut query = Query::of(self.tenant, self.kind, 0);
        query.tests.clone_from(&self.plan.tests);
        query.order = order;
        query.descending = self.plan.descending;
        query
    }

    /// Looks for a page; `keep` says whether the condition holds for a record, `field` reads the field that is sorted by.
    ///
    /// # Errors
    /// `scan_limit_reached` when more records than allowed would have to be sorted; whatever the store meets.
    pub async fn run(
        &self,
        finder: &dyn Finder,
        keep: impl Fn(&Record) -> Result<bool>,
        field: impl Fn(&Record) -> Result<Row>,
    ) -> Result<Found> {
        match &self.plan.sorting {
            _ if self.plan.nothing => Ok(Found { records: Vec::new(), next: None, cut: None }),
            Sorting::Stored(order) => self.in_order(finder, *order, keep).await,
            Sorting::InMemory(_, coding) => {
                let sort = |record: &Record| Ok(coding.add(KeyBytes::new(), field(record)?.value(0)));
                self.sorted(finder, keep, sort).await
            }
        }
    }

    async fn in_order(
        &self,
        finder: &dyn Finder,
        order: Option<usize>,
        keep: impl Fn(&Record) -> Result<bool>,
    ) -> Result<Found> {
        let mut query = self.query(order);
        query.after.clone_from(&self.after);
        query.limit = self.limit.saturating_add(1).min(CHUNK);
        let (mut records, mut read) = (Vec::new(), 0_usize);
        let place = |query: &Query, record: &Record| After { key: query.order_key(record), id: record.id.clone() };
        loop {
            query.limit = query.limit.min(self.scan.saturating_sub(read)).max(1);
            let chunk = finder.find(&query).await?;
            let ended = chunk.len() < query.limit;
            read = read.saturating_add(chunk.len());
            for record in chunk {
                query.after = Some(place(&query, &record));
                if keep(&record)? {
                    records.push(record);
                }
                if records.len() > self.limit {
                    records.truncate(self.limit);
                    let next = records.last().map(|last| place(&query, last)).or_else(|| self.after.clone());
                    return Ok(Found { records, next, cut: None });
                }
            }
            if ended {
                return Ok(Found { records, next: None, cut: None });
            }
            if read >= self.scan {
                return Ok(Found { records, next: query.after, cut: Some(read) });
            }
            query.limit = query.limit.saturating_mul(2).min(CHUNK);
        }
    }

    async fn sorted(
        &self,
        finder: &dyn Finder,
        keep: impl Fn(&Record) -> Result<bool>,
        sort: impl Fn(&Record) -> Result<KeyBytes>,
    ) -> Result<Found> {
        let mut query = self.query(None);
        query.descending = false;
        query.limit = CHUNK;
        let wanted = self.limit.saturating_add(1);
        let (mut found, mut read): (Vec<(KeyBytes, Record)>, usize) = (Vec::new(), 0);
        let compare = |a: &(KeyBytes, Record), b: &(KeyBytes, Record)| {
            let order = a.0.cmp(&b.0).then_with(|| a.1.id.cmp(&b.1.id));
            if self.plan.descending { order.reverse() } else { order }
        };
        loop {
            let chunk = finder.find(&query).await?;
            let ended = chunk.len() < query.limit;
            read = read.saturating_add(chunk.len());
            if read > self.scan {
                return Err(Error::new(Code::ScanLimitReached).with("limit", self.scan));
            }
            for record in chunk {
                query.after = Some(After { key: KeyBytes::new(), id: record.id.clone() });
                if !keep(&record)? {
                    continue;
                }
                let key = sort(&record)?;
                let is_after = self.after.as_ref().is_none_or(|after| {
                    let order = key.cmp(&after.key).then_with(|| record.id.cmp(&after.id));
                    if self.plan.descending { order.is_lt() } else { order.is_gt() }
                });
                if is_after {
                    found.push((key, record));
                }
            }
            order::sort(&mut found, &compare);
            found.truncate(wanted);
            if ended {
                break;
            }
        }
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let next = found.last().filter(|_| more).map(|(key, last)| After { key: key.clone(), id: last.id.clone() });
        Ok(Found { records: found.into_iter().map(|(_, record)| record).collect(), next, cut: None })
    }
}
