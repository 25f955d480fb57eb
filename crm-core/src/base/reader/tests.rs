use std::collections::BTreeMap;

use proptest::prelude::*;

use serde::Deserialize;

use super::super::json::Raw;
use super::*;

#[derive(Debug, Default, PartialEq, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    share: Option<Share>,
    #[serde(default)]
    inner: Vec<Line>,
    #[serde(default)]
    named: BTreeMap<String, Line>,
}

#[derive(Debug, PartialEq, Deserialize, FromJson)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Share {
    Balance,
    Percent { percent: u32 },
    Whole(Box<Line>),
}

fn reads(text: &str) -> bool {
    from_str::<Line>(text).is_ok()
}

#[test]
fn objects_are_objects_at_every_depth() {
    assert!(reads(r#"{"note":"a","inner":[{},{"inner":[{}]}],"named":{"x":{"note":null}}}"#));
    for text in ["[]", r#"["a"]"#, r#"{"inner":[[]]}"#, r#"{"inner":[{"inner":[[]]}]}"#, r#"{"named":{"x":[]}}"#] {
        assert!(serde_json::from_str::<Line>(text).is_ok(), "serde alone reads {text}");
        assert!(!reads(text), "{text}");
    }
}

#[test]
fn variants_are_names_or_objects_with_one_field() {
    for text in [r#""balance""#, r#"{"percent":{"percent":3}}"#, r#"{"whole":{"note":"a"}}"#, "null"] {
        assert!(reads(&format!(r#"{{"share":{text}}}"#)), "{text}");
    }
    for text in [
        r#"{"balance":null}"#,
        r#""percent""#,
        r#"{"percent":[3]}"#,
        r#"{"whole":[]}"#,
        "{}",
        "[]",
        "3",
        r#"{"percent":{"percent":3},"balance":null}"#,
        r#"{"percent":{"percnt":3}}"#,
    ] {
        assert!(!reads(&format!(r#"{{"share":{text}}}"#)), "{text}");
    }
}

#[test]
fn raw_text_is_kept_and_what_follows_is_refused() {
    let raw: Raw<'_> = from_str(" [1, {\"a\": 2}] ").unwrap();
    assert_eq!(raw.get(), "[1, {\"a\": 2}]");
    assert!(!reads("{} {}"));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        ".{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(".{0,3}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether serde's own reader takes a text, and this one when it reads the value or goes past it.
fn taken(text: &str) -> [bool; 3] {
    let own = from_str::<serde_json::Value>(text);
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    if let (Ok(own), Ok(theirs)) = (&own, &theirs) {
        assert_eq!(own, theirs, "{text}");
    }
    [
        theirs.is_ok(),
        own.is_ok(),
        from_str::<Raw<'_>>(text).is_ok_and(|raw| raw.get() == text.trim_matches([' ', '\n'])),
    ]
}

proptest! {
    #[test]
    fn json_is_read_as_by_serde_json(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        prop_assert_eq!(taken(&text), [true; 3]);
    }

    #[test]
    fn broken_json_is_refused_as_by_serde_json(value in json(), place: prop::sample::Index, byte in r#"[ -~]?"#) {
        let text = value.to_string();
        let at = place.index(text.len().saturating_add(1));
        if text.is_char_boundary(at) {
            let rest: String = text[at..].chars().skip(1).collect();
            let broken = [&text[..at], &byte, &rest].concat();
            let [theirs, own, raw] = taken(&broken);
            prop_assert_eq!(own, theirs, "{}", broken);
            // Numbers out of range are gone past, here and there.
            prop_assert_eq!(raw, serde_json::from_str::<&serde_json::value::RawValue>(&broken).is_ok(), "{}", broken);
        }
    }
}

#[test]
fn what_is_not_json_is_not_gone_past() {
    for text in [
        "",
        "{",
        "[",
        "}",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "[{} {}]",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "tru",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "+1",
        "[[]",
        "'a'",
    ] {
        assert!(from_str::<Raw<'_>>(text).is_err(), "{text}");
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(text).is_err(), "{text}");
    }
    for text in ["[[],[{}],{\"a\":{}}]", "-0", "1.5e-7", "\"\\u00e9\\ud83d\\ude00\"", " {\"a\" : [ ] , \"b\":null }\n"]
    {
        assert_eq!(from_str::<Raw<'_>>(text).unwrap().get(), text.trim());
    }
    assert!(from_str::<Raw<'_>>(&"[".repeat(100_000)).is_err());
}

#[test]
fn faults_say_where_they_are() {
    let fault = |text: &str| from_str::<Line>(text).unwrap_err().to_string();
    assert_eq!(fault("{\"note\":\n 3}"), "invalid type: integer `3`, expected a string at line 2 column 2");
    assert_eq!(
        fault("{\"nte\":3}"),
        "unknown field `nte`, expected one of `note`, `share`, `inner`, `named` at line 1 column 7"
    );
    assert_eq!(fault("{\"note\":\"a\",\"note\":\"a\"}"), "duplicate field `note` at line 1 column 19");
    assert_eq!(
        fault("{\"share\":\"half\"}"),
        "unknown variant `half`, expected one of `balance`, `percent`, `whole` at line 1 column 15"
    );
    assert_eq!(fault("{} x"), "trailing characters at line 1 column 3");
    assert!(fault(&format!("{}{}", "{\"inner\":[".repeat(100), "]}".repeat(100))).starts_with("recursion limit"));
}
