//! The repository's promises, kept by the memory and the SQLite store alike.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{folder, fresh, now};
use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::error::Result;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::conformance::{Report, run, run_in};
use crm_core::store::memory::MemoryRepository;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use crm_core::store::searches;

fn kept(report: &Report) {
    assert!(report.is_kept() && report.ran.len() == 15, "{report:?}");
}

#[test]
fn memory_keeps_every_promise() {
    kept(&now(run(|| Arc::new(MemoryRepository::new()))));
    kept(&now(run_in(Arc::new(MemoryRepository::new()), "check.")));
}

#[test]
fn sqlite_keeps_every_promise() {
    let (folder, _) = folder();
    kept(&now(run(fresh(&folder))));
    kept(&now(run_in(fresh(&folder)(), "check.")));
}

/// A store that breaks one promise at a time, to see that the suite notices.
struct Sloppy {
    inner: MemoryRepository,
    flaw: &'static str,
    tenant: Mutex<String>,
}

impl Repository for Sloppy {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn get<'a>(&'a self, tenant: &'a str, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        let found = now(self.inner.get(tenant, keys));
        Box::pin(std::future::ready(found.map(|mut f| {
            if self.flaw == "get drops missing" {
                f.retain(Option::is_some);
            }
            f
        })))
    }

    fn find<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        let mut query = query.clone();
        match self.flaw {
            "find forgets the cursor" => query.after = None,
            "find forgets the tests" => query.tests.clear(),
            "find ignores the direction" => query.descending = false,
            _ => {}
        }
        Box::pin(std::future::ready(now(self.inner.find(&query))))
    }

    fn commit<'a>(&'a self, changes: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        let mut changes = changes.clone();
        match self.flaw {
            "commit forgets requires" => changes.requires.clear(),
            "commit forgets marks" => changes.idempotency = None,
            "commit forgets claims" => changes.claims.clear(),
            "commit forgets counters" => changes.counters.clear(),
            "commit forgets what fires" => changes.timers.iter_mut().for_each(|t| t.fires = None),
            "commit puts a record twice" => changes.puts.dedup_by(|a, b| a.record.id == b.record.id),
            "commit forgets numbers" => changes.allocate.truncate(1),
            "commit forgets deletes" => changes.deletes.clear(),
            "commit is not whole" => {
                let events = ChangeSet {
                    tenant: changes.tenant.clone(),
                    events: std::mem::take(&mut changes.events),
                    ..ChangeSet::default()
                };
                now(self.inner.commit(&events)).unwrap();
            }
            "tenants are one" => changes.tenant = std::mem::take(&mut *self.tenant.lock().unwrap()),
            _ => {}
        }
        Box::pin(std::future::ready(now(self.inner.commit(&changes))))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        let after = if self.flaw == "events forget the cursor" { None } else { after };
        self.inner.events(tenant, after, limit)
    }

    fn due<'a>(&'a self, tenant: &'a str, at: Instant, limit: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        let late = "2999-01-01T00:00:00Z".parse().unwrap();
        self.inner.due(tenant, if self.flaw == "due forgets the time" { late } else { at }, limit)
    }

    fn next_due(&self, limit: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.inner.next_due(limit)
    }
}

#[test]
fn a_broken_promise_is_noticed() {
    for (flaw, check) in [
        ("get drops missing", "records_come_back"),
        ("find forgets the cursor", "finds_order_and_page"),
        ("find ignores the direction", "finds_order_and_page"),
        ("find forgets the tests", "finds_test_keys"),
        ("commit forgets requires", "expectations_are_kept"),
        ("commit forgets marks", "repeats_change_nothing"),
        ("commit forgets claims", "claims_are_unique"),
        ("commit forgets counters", "counters_keep_limits"),
        ("commit forgets what fires", "timers_fire_once"),
        ("commit puts a record twice", "what_is_not_executed_is_refused"),
        ("commit forgets numbers", "numbers_have_no_gaps"),
        ("due forgets the time", "timers_fire_once"),
        ("commit forgets deletes", "deletes_remove"),
        ("commit is not whole", "commits_are_whole"),
        ("tenants are one", "tenants_are_apart"),
        ("events forget the cursor", "events_follow_commits"),
    ] {
        let sloppy = || -> Arc<dyn Repository> {
            Arc::new(Sloppy { inner: MemoryRepository::new(), flaw, tenant: Mutex::new(String::new()) })
        };
        let report = now(run(sloppy));
        assert!(report.broken.iter().any(|b| b.check == check), "{flaw}: {report:?}");
    }
}

#[test]
fn sqlite_answers_conditions_as_brute_force() {
    let (folder, _) = folder();
    let rounds = if std::env::var_os("CRM_SOAK").is_some() { 20_000 } else { 250 };
    let done = now(searches::run(&*fresh(&folder)(), "t", 7, 90, rounds)).unwrap();
    assert!(done.is_kept(), "{done:?}");
}
