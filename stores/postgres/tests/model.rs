//! Random records, queries and change sets: PostgreSQL answers as memory does.
#![allow(clippy::unwrap_used)]

mod common;

use common::{fresh, now, put, puts};
use crm_core::base::change::{Delete, Expect, Idempotency, Require};
use crm_core::base::id::Id;
use crm_core::base::record::{Body, Key, KeyBytes, Record};
use crm_core::store::memory::MemoryRepository;
use crm_core::store::query::{After, Query, Test};
use crm_core::store::repository::Repository;
use proptest::prelude::*;

/// Few different bytes, among them the ends of their range, so that keys meet.
fn key() -> impl Strategy<Value = KeyBytes> {
    let byte = prop_oneof![Just(0_u8), Just(1), Just(2), Just(254), Just(255)];
    proptest::collection::vec(byte, 1..4).prop_map(KeyBytes::from_bytes)
}

/// A key, or the empty bytes that only queries hold.
fn bound() -> impl Strategy<Value = KeyBytes> {
    prop_oneof![9 => key(), 1 => Just(KeyBytes::new())]
}

fn id() -> impl Strategy<Value = Id> {
    prop_oneof!["[aBé]{1,2}", "[0-9]{1,2}"].prop_map(|text| Id::new(&text).unwrap())
}

fn record() -> impl Strategy<Value = Record> {
    let kind = prop_oneof![4 => Just("deal"), 1 => Just("user")];
    (kind, id(), proptest::collection::vec(key(), 0..4), any::<i32>(), 1_u64..5).prop_map(
        |(kind, id, keys, n, version)| Record {
            kind: kind.to_owned(),
            id,
            version,
            schema: 1,
            keys,
            body: Body::parse(format!("{{ \"n\" : {n}.50 }}")).unwrap(),
            numbers: Default::default(),
        },
    )
}

fn test() -> impl Strategy<Value = Test> {
    let index = 0_usize..4;
    prop_oneof![
        (index.clone(), proptest::collection::vec(bound(), 0..7)).prop_map(|(index, keys)| Test::In { index, keys }),
        (index.clone(), bound()).prop_map(|(index, prefix)| Test::Prefix { index, prefix }),
        (index, proptest::option::of(bound()), proptest::option::of(bound()))
            .prop_map(|(index, from, to)| Test::Range { index, from, to }),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let order = proptest::option::of(0_usize..4);
    let tests = proptest::collection::vec(test(), 0..3);
    (tests, order, any::<bool>(), proptest::option::of((bound(), id())), 0_usize..30).prop_map(
        |(tests, order, descending, after, limit)| {
            let after = after.map(|(key, id)| After { key: if order.is_some() { key } else { KeyBytes::new() }, id });
            Query { tests, order, descending, after, ..Query::of("t", "deal", limit) }
        },
    )
}

#[derive(Clone, Debug)]
enum Move {
    Put(Record, Expect),
    Delete(Key, Expect),
    Require(Key, Expect),
}

fn expect() -> impl Strategy<Value = Expect> {
    prop_oneof![2 => Just(Expect::Absent), 3 => (1_u64..5).prop_map(Expect::Version)]
}

fn a_move() -> impl Strategy<Value = Move> {
    let key = || id().prop_map(|id| Key { kind: "deal".to_owned(), id });
    prop_oneof![
        6 => (record(), expect()).prop_map(|(r, e)| Move::Put(r, e)),
        1 => (key(), expect()).prop_map(|(k, e)| Move::Delete(k, e)),
        1 => (key(), expect()).prop_map(|(k, e)| Move::Require(k, e)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn queries_agree(records in proptest::collection::vec(record(), 0..60), queries in proptest::collection::vec(query(), 40)) {
        let postgres = fresh("model")();
        let memory = MemoryRepository::new();
        for record in records {
            // The first of a name stays; both refuse the second.
            let changes = puts(vec![put(record, Expect::Absent)]);
            prop_assert_eq!(now(postgres.commit(&changes)), now(memory.commit(&changes)));
        }
        for query in queries {
            prop_assert_eq!(now(postgres.find(&query)), now(memory.find(&query)), "{:?}", query);
        }
    }

    #[test]
    fn commits_agree(commits in proptest::collection::vec((proptest::collection::vec(a_move(), 1..4), 0_u8..12, 0_u8..2), 1..60)) {
        let postgres = fresh("model")();
        let memory = MemoryRepository::new();
        for (moves, mark, hash) in commits {
            let mut changes = puts(Vec::new());
            for change in moves {
                match change {
                    Move::Put(record, expect) => changes.puts.push(put(record, expect)),
                    Move::Delete(key, expect) => changes.deletes.push(Delete { key, expect }),
                    Move::Require(key, expect) => changes.requires.push(Require { key, expect }),
                }
            }
            changes.events.extend(changes.puts.iter().map(|p| common::event(p.record.id.as_str())));
            if mark < 6 {
                changes.idempotency = Some(Idempotency { key: format!("k{mark}"), request_hash: format!("h{hash}"), response: format!("{mark}") });
            }
            prop_assert_eq!(now(postgres.commit(&changes)), now(memory.commit(&changes)), "{:?}", changes);
        }
        for kind in ["deal", "user"] {
            let all = Query::of("t", kind, 1000);
            prop_assert_eq!(now(postgres.find(&all)), now(memory.find(&all)));
        }
        let events = |repository: &dyn Repository| now(repository.events("t", None, 1000)).map(|e| e.into_iter().map(|e| e.event).collect::<Vec<_>>());
        prop_assert_eq!(events(postgres.as_ref()), events(&memory));
    }
}
