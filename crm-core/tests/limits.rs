//! Refusals that no vector can show, because the request is too long, or a store too strange, for a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "store")]

use std::sync::Arc;

use crm_core::api::host::Host;
use crm_core::api::steps::HANDLES;
use crm_core::base::change::{ChangeSet, StoredEvent, StoredTimer, TenantDue};
use crm_core::base::error::Result;
use crm_core::base::limits;
use crm_core::base::record::{Key, Record};
use crm_core::base::time::Instant;
use crm_core::store::query::Query;
use crm_core::store::repository::{BoxFuture, Capabilities, Committed, Repository};
use serde_json::{Value, json};

fn error(answer: &str) -> Value {
    serde_json::from_str::<Value>(answer).unwrap()["error"].clone()
}

#[test]
fn lists_and_texts_have_limits() {
    let host = Host::new();
    let lines: Vec<Value> = (0..=limits::LINES).map(|_| json!({"quantity": "1", "unit_price": "1"})).collect();
    let refused =
        error(&host.call(&json!({"op": "quotes.price", "input": {"currency": "USD", "lines": lines}}).to_string()));
    assert_eq!((&refused["code"], &refused["path"]), (&json!("too_many_items"), &json!("lines")));
    let long = format!(r#"{{"op":"quotes.price","input":"{}"}}"#, "x".repeat(limits::REQUEST_BYTES));
    assert_eq!(error(&host.call(&long))["code"], "request_too_large");
    let deep = format!(r#"{{"op":"quotes.price","input":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    assert_eq!(error(&host.call(&deep))["code"], "invalid_json");
}

#[test]
fn running_operations_are_bounded_and_abort_frees_them() {
    let host = Host::new();
    let request = json!({"op": "accounts.get", "input": {"id": "a1"}}).to_string();
    let handles: Vec<u32> = (0..HANDLES)
        .map(|_| {
            u32::try_from(serde_json::from_str::<Value>(&host.begin(&request)).unwrap()["handle"].as_u64().unwrap())
                .unwrap()
        })
        .collect();
    let refused = error(&host.begin(&request));
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("too_many_handles"), &json!(true)));
    assert_eq!(host.abort(handles[0]), r#"{"ok":true}"#);
    assert!(host.begin(&request).contains("handle"));
    assert_eq!(error(&host.abort(handles[0]))["code"], "unknown_handle");
}

/// A store that never answers, or panics.
struct Strange {
    panics: bool,
}

impl Strange {
    fn answer<'a, T>(&self) -> BoxFuture<'a, Result<T>>
    where
        T: Send + 'a,
    {
        assert!(!self.panics, "a store that panics");
        Box::pin(std::future::pending())
    }
}

impl Repository for Strange {
    fn capabilities(&self) -> Capabilities {
        Capabilities::whole("none", 1)
    }

    fn get<'a>(&'a self, _: &'a str, _: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        self.answer()
    }

    fn find<'a>(&'a self, _: &'a Query) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.answer()
    }

    fn commit<'a>(&'a self, _: &'a ChangeSet) -> BoxFuture<'a, Result<Committed>> {
        self.answer()
    }

    fn events<'a>(&'a self, _: &'a str, _: Option<&'a str>, _: usize) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        self.answer()
    }

    fn due<'a>(&'a self, _: &'a str, _: Instant, _: usize) -> BoxFuture<'a, Result<Vec<StoredTimer>>> {
        self.answer()
    }

    fn next_due(&self, _: usize) -> BoxFuture<'_, Result<Vec<TenantDue>>> {
        self.answer()
    }
}

#[test]
fn a_strange_store_is_an_error_and_not_a_crash() {
    let host = Host::new();
    let request = json!({"op": "accounts.get", "input": {"id": "a1"}}).to_string();
    let waits = host.attach(Arc::new(Strange { panics: false }));
    assert_eq!(error(&host.call_on(waits, &request))["code"], "foreign_await");
    let panics = host.attach(Arc::new(Strange { panics: true }));
    assert_eq!(error(&host.call_on(panics, &request))["code"], "internal_error");
    assert!(
        host.call_on(host.attach_memory(), &request).contains("record_not_found"),
        "the host goes on after a panic"
    );
}
