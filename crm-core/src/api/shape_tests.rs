//! The messages of the walker, and the law that it agrees with the typed readers.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::shapes;
use crate::base::reader;

type Reader = fn(&str) -> Result<(), reader::Fault>;

/// The table once more, as names with their typed readers.
macro_rules! operations {
    ($table:ident, $names:ident, #[cfg($gate:meta)];
    $(
        $(#[doc = $about:literal])*
        $area:ident as $type:ident {
            $( $(#[doc = $doc:literal])* $effect:ident $method:ident($input:ty) -> $output:ty = $function:path $(, $mark:ident)?; )*
        }
    )*) => {
        #[cfg($gate)]
        const $table: &[(&str, Reader)] = &[$($(
            (concat!(stringify!($area), ".", stringify!($method)), |text| reader::from_str::<$input>(text).map(|_| ())),
        )*)*];
    };
}

include!("operations.rs");

fn readers() -> Vec<(&'static str, Reader)> {
    let mut all = SMALL.to_vec();
    #[cfg(feature = "store")]
    {
        all.extend(LARGE);
        all.push(("batch", |text| reader::from_str::<crate::api::batch::BatchRequest>(text).map(|_| ())));
        all.push(("config", |text| reader::from_str::<crate::config::Config>(text).map(|_| ())));
    }
    all
}

fn mistakes(operation: &str, value: &Value) -> Vec<(String, &'static str, String)> {
    let mut walk = Walk { mistakes: Vec::new() };
    walk.value(value, shapes::request(operation).unwrap(), "");
    walk.mistakes.iter().map(|e| (e.path().to_owned(), e.code(), e.message())).collect()
}

fn refusal(operation: &str, text: &str) -> Error {
    let (_, reader) = readers().into_iter().find(|(name, _)| *name == operation).unwrap();
    explain(text, shapes::request(operation), &reader(text).unwrap_err())
}

#[test]
fn every_operation_has_a_shape() {
    for (name, _) in readers() {
        assert!(shapes::request(name).is_some(), "{name}");
    }
    assert!(shapes::request("quotes.guess").is_none());
}

#[test]
fn a_misspelt_field_is_reported_once_with_what_was_meant() {
    let found =
        mistakes("quotes.price", &json!({"currency": "USD", "lines": [{"quantiy": "2", "unit_price": "9.99"}]}));
    let message = "there is no field `quantiy` here: did you mean `quantity`?".to_owned();
    assert_eq!(found, [("lines[0].quantiy".to_owned(), "unknown_field", message)]);
}

#[test]
fn an_unknown_field_without_a_near_name_is_to_be_removed() {
    let found = mistakes("currencies.get", &json!({"code": "USD", "colour": 1}));
    let message = "there is no field `colour` here: remove it".to_owned();
    assert_eq!(found, [("colour".to_owned(), "unknown_field", message)]);
}

#[test]
fn a_fraction_is_to_be_written_as_a_string() {
    let found = mistakes("quotes.price", &json!({"currency": "USD", "lines": [{"quantity": 1.5, "unit_price": 2}]}));
    let message =
        "`1.5` is a JSON number with a fraction, which is not exact: write it as a string, such as \"1.5\"".to_owned();
    assert_eq!(found, [("lines[0].quantity".to_owned(), "fractional_number", message)]);
    let found = mistakes("money.round", &json!({"increment": "1", "value": 1e60}));
    assert_eq!(found.first().map(|m| m.1), Some("large_number"));
}

#[test]
fn a_missing_field_is_named() {
    let found = mistakes("quotes.price", &json!({"currency": "USD", "lines": [{"quantity": 1}]}));
    let message = "the field `unit_price` is missing: add it".to_owned();
    assert_eq!(found, [("lines[0].unit_price".to_owned(), "missing_field", message)]);
}

#[test]
fn an_unknown_variant_lists_the_known_ones() {
    let found = mistakes("money.round", &json!({"increment": "1", "value": "2", "mode": "half_evn"}));
    let [(path, code, message)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((path.as_str(), *code), ("mode", "unknown_variant"));
    assert!(message.starts_with("`half_evn` is not one of `floor`, "), "{message}");
    assert!(message.ends_with(": did you mean `half_even`?"), "{message}");
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = r#"{"curency": "USD", "lines": [{"quantity": 0.5, "unit_price": true}, 7, {"quantity": "1,5", "unit_price": "1"}],
        "discount_percent": null, "rounding": {"mode": "up"}}"#;
    let error = refusal("quotes.price", text);
    assert_eq!(error.code(), "invalid_request");
    let list = error.details().get("violations").and_then(Value::as_array).unwrap();
    let found: Vec<(&str, &str)> =
        list.iter().map(|v| (v["path"].as_str().unwrap(), v["code"].as_str().unwrap())).collect();
    let expected = [
        ("curency", "unknown_field"),
        ("lines[0].quantity", "fractional_number"),
        ("lines[0].unit_price", "wrong_type"),
        ("lines[1]", "wrong_type"),
        ("lines[2].quantity", "invalid_decimal"),
        ("rounding.mode", "unknown_variant"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_field_that_stands_twice_is_named_with_its_path() {
    let error =
        refusal("quotes.price", r#"{"currency":"USD","lines":[{"quantity":"1","quantity":"2","unit_price":"1"}]}"#);
    assert_eq!((error.code(), error.path()), ("duplicate_field", "lines[0].quantity"));
    assert_eq!(error.message(), "the field `quantity` stands twice: keep one");
}

#[test]
fn text_that_is_not_json_is_said_to_be_so() {
    assert_eq!(refusal("quotes.price", r#"{"currency":"USD","#).code(), "invalid_json");
}

#[test]
fn a_mistake_in_the_context_has_its_path() {
    let text = r#"{"op":"money.round","context":{"nwo":"2026-01-31T09:00:00Z","zone":8},"explain":"all"}"#;
    let error = crate::api::request::Request::read(text).err().unwrap();
    let list = error.details().get("violations").and_then(Value::as_array).unwrap();
    let found: Vec<&str> = list.iter().map(|v| v["path"].as_str().unwrap()).collect();
    assert_eq!(found, ["context.nwo", "context.zone", "explain"]);
}

const VARIANTS: &Shape =
    &Shape::External(&[("balance", None), ("percent", Some(&Shape::Object(&[required("percent", &Shape::Decimal)])))]);
const TAGGED: &Shape =
    &Shape::Tagged("kind", &[("balance", &[]), ("percent", &[required("percent", &Shape::Decimal)])]);

#[test]
fn enumerations_with_data_are_walked() {
    let codes = |shape: &Shape, value: Value| {
        let mut walk = Walk { mistakes: Vec::new() };
        walk.value(&value, shape, "share");
        walk.mistakes.iter().map(|e| format!("{} {}", e.path(), e.code())).collect::<Vec<_>>()
    };
    assert!(codes(VARIANTS, json!("balance")).is_empty());
    assert!(codes(VARIANTS, json!({"percent": {"percent": "3"}})).is_empty());
    assert_eq!(codes(VARIANTS, json!("percent")), ["share wrong_type"]);
    assert_eq!(codes(VARIANTS, json!({"balance": null})), ["share wrong_type"]);
    assert_eq!(codes(VARIANTS, json!({"percent": {"percnt": "3"}})), ["share.percent.percnt unknown_field"]);
    assert_eq!(codes(VARIANTS, json!({"percnt": {}})), ["share unknown_variant"]);
    assert!(codes(TAGGED, json!({"kind": "percent", "percent": 3})).is_empty());
    assert_eq!(codes(TAGGED, json!({"kind": "balance", "percnt": "3"})), ["share.percnt unknown_field"]);
    assert_eq!(codes(TAGGED, json!({"percent": "3"})), ["share.kind missing_field"]);
    assert_eq!(codes(TAGGED, json!({"kind": "balanc"})), ["share.kind unknown_variant"]);
}

/// Inputs of a shape; one that holds itself is cut off where it may be.
fn valid(shape: &'static Shape) -> BoxedStrategy<Value> {
    within(shape, 9)
}

fn within(shape: &'static Shape, depth: usize) -> BoxedStrategy<Value> {
    let valid = |shape: &'static Shape| within(shape, depth.saturating_sub(1));
    let object = move |fields: &'static [Field]| object(fields, depth.saturating_sub(1));
    let one_of = |texts: &'static [&'static str]| prop::sample::select(texts).prop_map(Value::from).boxed();
    match shape {
        Shape::Any => prop_oneof![Just(json!({"a": [1]})), Just(json!("text"))].boxed(),
        Shape::Text => prop_oneof!["[a-z]{0,8}", Just("é 1.5\n\"".to_owned())].prop_map(Value::from).boxed(),
        Shape::Integer(least, most) => {
            let (least, most) = (*least, *most);
            let low = if least < 0 { Value::from(least) } else { Value::from(least.unsigned_abs()) };
            prop_oneof![Just(low), Just(Value::from(most)), (0..most.min(5)).prop_map(Value::from)].boxed()
        }
        Shape::Flag => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Decimal => prop_oneof![
            "-?[0-9]{1,12}(\\.[0-9]{1,12})?".prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(Value::from(u64::MAX)),
        ]
        .boxed(),
        Shape::Date => one_of(&["2026-01-31", "2024-02-29"]),
        Shape::Instant => one_of(&["2026-01-31T09:00:00Z", "2026-01-31T09:00:00.25+08:00"]),
        Shape::Currency => one_of(&["USD", "JPY", "XAU"]),
        Shape::Id => one_of(&["u1", "42", "cus_9x"]),
        Shape::OneOf(texts) => one_of(texts),
        Shape::Object(fields) => object(fields),
        Shape::Map(item) => prop::collection::btree_map("[a-z]{1,3}", valid(item), 0..3)
            .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into())
            .boxed(),
        Shape::List(_) if depth == 0 => Just(json!([])).boxed(),
        Shape::Nullable(_) if depth == 0 => Just(Value::Null).boxed(),
        Shape::List(item) => prop::collection::vec(valid(item), 0..3).prop_map(Value::from).boxed(),
        Shape::Nullable(inner) => prop_oneof![1 => Just(Value::Null), 4 => valid(inner)].boxed(),
        Shape::External(variants) => prop::sample::select(*variants)
            .prop_flat_map(move |(name, shape)| match shape {
                None => Just(Value::from(name)).boxed(),
                Some(shape) => {
                    within(shape, depth.saturating_sub(1)).prop_map(move |value| json!({name: value})).boxed()
                }
            })
            .boxed(),
        Shape::Tagged(tag, variants) => (0..variants.len())
            .prop_flat_map(move |place| {
                let (name, fields) = variants[place];
                object(fields).prop_map(move |mut value| {
                    value[*tag] = name.into();
                    value
                })
            })
            .boxed(),
        Shape::Either(first, second) => prop_oneof![valid(first), valid(second)].boxed(),
    }
}

fn object(fields: &'static [Field], depth: usize) -> BoxedStrategy<Value> {
    let field = |field: &'static Field| {
        let given = if field.required { Just(true).boxed() } else { any::<bool>().boxed() };
        (given, within(field.shape, depth)).prop_map(|(given, value)| given.then_some((field.name.to_owned(), value)))
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    fields.prop_map(|fields| fields.into_iter().flatten().collect::<Map<_, _>>().into()).boxed()
}

/// How many places a value has: itself and all beneath it.
fn places(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(places).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(places).sum::<usize>(),
        _ => 1,
    }
}

fn place(value: &mut Value, mut wanted: usize) -> &mut Value {
    if wanted == 0 {
        return value;
    }
    wanted -= 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => panic!("no such place"),
    };
    for inner in inner {
        let size = places(inner);
        if wanted < size {
            return place(inner, wanted);
        }
        wanted -= size;
    }
    panic!("no such place")
}

/// Spoils a value at one place.
fn spoil(value: &mut Value, at: prop::sample::Index, how: usize) {
    let target = place(value, at.index(places(value)));
    let instead = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1.5),
        json!(1e60),
        json!(""),
        json!("x y"),
        json!("1,5"),
        json!("2026-02-30"),
        json!("usd"),
        json!("half_even"),
        json!("open"),
        json!([]),
        json!({}),
        json!({"open": null}),
        json!("2026-01-31T09:00:00"),
        json!("a".repeat(65)),
    ];
    if let Some(instead) = instead.get(how) {
        *target = instead.clone();
        return;
    }
    match target {
        Value::Object(map) => {
            let name = map.keys().nth(how % map.len().max(1)).cloned();
            let old = name.as_ref().and_then(|name| map.remove(name));
            match (how % 3, name) {
                (1, Some(name)) => drop(map.insert(format!("{name}s"), old.unwrap_or_default())),
                (2, Some(name)) => map.extend([(name, old.unwrap_or_default()), ("colour".to_owned(), json!(1))]),
                (_, None) => drop(map.insert("colour".to_owned(), json!(1))),
                _ => {}
            }
        }
        Value::Array(items) => items.push(json!(how)),
        other => *other = json!([other.clone()]),
    }
}

/// An input of an operation, spoilt in none to three places.
fn inputs() -> impl Strategy<Value = (&'static str, Reader, Value)> {
    (0..readers().len())
        .prop_flat_map(|which| {
            let (name, reader) = readers()[which];
            let spoils = prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize), 0..3);
            (Just(name), Just(reader), valid(shapes::request(name).unwrap()), spoils)
        })
        .prop_map(|(name, reader, mut value, spoils)| {
            spoils.into_iter().for_each(|(at, how)| spoil(&mut value, at, how));
            (name, reader, value)
        })
}

fn cases() -> u32 {
    if std::env::var_os("CRM_SOAK").is_some() { 200_000 } else { 4_000 }
}

#[test]
fn the_walker_finds_a_mistake_exactly_where_the_typed_reader_refuses() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&inputs(), |(name, reader, value)| {
        let read = reader(&value.to_string());
        let found = mistakes(name, &value);
        prop_assert_eq!(read.is_ok(), found.is_empty(), "{} {} {:?} {:?}", name, value, read, found);
        Ok(())
    });
    outcome.unwrap();
    println!("figure: {} spoilt inputs, refused by both readers or by neither", cases());
}
