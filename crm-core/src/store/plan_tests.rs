//! What conditions become over indexes.

use super::*;
use crate::base::context::Context;
use crate::condition::compile::compile;
use crate::condition::wire::Condition;

fn catalogue() -> Catalogue {
    Catalogue::new()
        .field("owner", Type::Id)
        .field("stage", Type::Name)
        .field("close", Type::Date)
        .field("name", Type::Text)
        .field("tags", Type::Choices(Vec::new()))
}

fn planned(condition: &str, order: &str) -> Result<Plan> {
    let condition: Condition = serde_json::from_str(condition).unwrap();
    let predicate = compile(&condition, &catalogue()).unwrap();
    let context = Context { now: "2026-01-31T00:00:00Z".parse().ok(), ..Context::default() };
    let indexes = [
        index(&[("owner", Coding::Exact), ("stage", Coding::Exact), ("close", Coding::Date)]),
        index(&[("name", Coding::Text)]),
    ];
    let order = Order { field: order.to_owned(), descending: false };
    plan(&predicate, &predicate.moment(&context).unwrap(), &indexes, &catalogue(), &order)
}

fn key() -> KeyBytes {
    KeyBytes::new()
}

#[test]
fn equal_parts_become_a_prefix_and_give_the_order_behind_them() {
    let both = r#"{"all":[{"field":"owner","op":"equal","value":"u1"},{"field":"stage","op":"in","values":["lead"]}]}"#;
    let plan = planned(both, "close").unwrap();
    assert_eq!(plan.tests, [Test::Prefix { index: 0, prefix: key().exact("u1").exact("lead") }]);
    assert_eq!(plan.sorting, Sorting::Stored(Some(0)));
    let one = planned(r#"{"field":"owner","op":"equal","value":"u1"}"#, "close").unwrap();
    assert!(matches!(one.sorting, Sorting::InMemory(..)), "the stage stands between");
}

#[test]
fn a_range_behind_equal_parts_is_a_range_of_keys() {
    let all = r#"{"all":[{"field":"owner","op":"equal","value":"u1"},{"field":"stage","op":"equal","value":"lead"},
        {"field":"close","op":"within_next","days":1}]}"#;
    let start = || key().exact("u1").exact("lead");
    let day = |text: &str| start().date(text.parse().ok());
    let plan = planned(all, "id").unwrap();
    let [Test::Range { index: 0, from: Some(from), to: Some(to) }] = plan.tests.as_slice() else { panic!("{plan:?}") };
    assert_eq!(*from, day("2026-01-31"));
    assert!(*to > day("2026-02-01") && *to <= day("2026-02-02"));
}

#[test]
fn alternatives_of_one_field_are_joined_and_contradictions_read_nothing() {
    let any =
        r#"{"any":[{"field":"name","op":"equal","value":"A"},{"not":{"field":"name","op":"not_equal","value":"b"}}]}"#;
    let keys = vec![key().text(Some("a")), key().text(Some("b"))];
    assert_eq!(planned(any, "name").unwrap().tests, [Test::In { index: 1, keys }]);
    let mixed = r#"{"any":[{"field":"name","op":"equal","value":"A"},{"field":"close","op":"is_set"}]}"#;
    assert!(planned(mixed, "name").unwrap().tests.is_empty());
    let never = r#"{"all":[{"field":"owner","op":"equal","value":"u1"},{"field":"owner","op":"equal","value":"u2"}]}"#;
    assert!(planned(never, "name").unwrap().nothing);
}

#[test]
fn an_order_needs_a_field_with_one_value() {
    let all = r#"{"all":[]}"#;
    assert_eq!(planned(all, "tags").unwrap_err().code(), "order_not_possible");
    assert_eq!(planned(all, "tag").unwrap_err().code(), "unknown_field");
}
