//! Hints: what an error proposes, and why a text could not be read, as codes that every language has a sentence for.

use super::codes::Code;
use super::reader::{Fault, OUT_OF_RANGE};
use super::reason::Reason;
use super::text::suggest;

/// The nearest known name, or else another advice.
pub fn near_or(near: Option<&str>, otherwise: Code) -> Reason {
    near.map_or_else(|| Reason::new(otherwise), |near| Reason::new(Code::DidYouMean).with("near", near))
}

/// The nearest known name, or all of them.
pub fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Reason {
    match suggest(name, known.clone()) {
        Some(near) => near_or(Some(near), Code::NoneKnown),
        None if known.clone().next().is_none() => Reason::new(Code::NoneKnown),
        None => Reason::new(Code::KnownAre).with("known", known.collect::<Vec<_>>()),
    }
}

/// Why a text of JSON cannot be read, without the names of our types.
pub fn unreadable(error: &serde_json::Error) -> Reason {
    let text = error.to_string();
    let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    if !error.is_data() {
        let reason = Reason::new(Code::JsonSyntax).with("syntax", said);
        return reason.with("line", error.line()).with("column", error.column());
    }
    data(said)
}

/// Why our own reader refuses a text.
pub(crate) fn refused(text: &str, fault: &Fault) -> Reason {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return unreadable(&error);
    }
    let said = fault.to_string();
    let (said, place) = said.rsplit_once(" at line ").unwrap_or((said.as_str(), ""));
    if said == OUT_OF_RANGE
        && let Some((Ok(line), Ok(column))) =
            place.split_once(" column ").map(|(line, column)| (line.parse::<usize>(), column.parse::<usize>()))
    {
        // No reader of JSON says so that only goes past a number.
        return Reason::new(Code::JsonSyntax).with("syntax", said).with("line", line).with("column", column);
    }
    data(said)
}

fn data(said: &str) -> Reason {
    #[cfg(feature = "store")]
    if let Some(reason) = typed::understood(said) {
        return reason;
    }
    #[cfg(not(feature = "store"))]
    let _ = said;
    Reason::new(Code::AnotherForm)
}

/// The typed reader's refusals, which come as English sentences about Rust types.
#[cfg(feature = "store")]
mod typed {
    use serde_json::Value;

    use super::{Code, Reason, hint, near_or, suggest};
    use crate::base::canonical::Fields;
    use crate::base::codes::{Language, render};
    use crate::base::currency::Currency;
    use crate::base::text::clip;

    pub fn understood(said: &str) -> Option<Reason> {
        let after = |start: &str| said.strip_prefix(start);
        let named = |rest: &str| rest.split('`').next().map(clip);
        if let Some(field) = after("missing field `").and_then(named) {
            return Some(Reason::new(Code::MissingField).with("field", field));
        }
        if let Some(field) = after("duplicate field `").and_then(named) {
            return Some(Reason::new(Code::DuplicateField).with("field", field));
        }
        if let Some(field) = after("unknown field `").and_then(named) {
            let hint = hint(&field, known(said).into_iter());
            return Some(Reason::new(Code::UnknownField).with("field", field).with("hint", hint));
        }
        if let Some(value) = after("unknown variant `").and_then(named) {
            let known = known(said);
            let hint = near_or(suggest(&value, known.iter().copied()), Code::ChooseListed);
            return Some(
                Reason::new(Code::UnknownVariant).with("value", value).with("known", known).with("hint", hint),
            );
        }
        if let Some((was, wanted)) = after("invalid value: ").and_then(|rest| rest.split_once(", expected "))
            && let Some((minimum, maximum)) = bounds(wanted)
        {
            let value = was.split('`').nth(1).map_or_else(|| clip(was), clip);
            let reason = Reason::new(Code::NumberOutOfRange).with("value", value);
            return Some(reason.with("minimum", minimum).with("maximum", maximum));
        }
        if let Some((was, wanted)) =
            after("invalid type: ").or_else(|| after("invalid value: ")).and_then(|rest| rest.split_once(", expected "))
        {
            return Some(Reason::new(Code::WrongType).with("expected", expected(wanted)).with("found", found(was)));
        }
        own(said)
    }

    /// The names behind `expected`.
    fn known(said: &str) -> Vec<&str> {
        let list = said.split_once(", expected ").map_or("", |(_, list)| list);
        list.split('`').skip(1).step_by(2).collect()
    }

    fn bounds(wanted: &str) -> Option<(Value, Value)> {
        Some(match wanted {
            "u8" => (0.into(), u8::MAX.into()),
            "u16" => (0.into(), u16::MAX.into()),
            "u32" => (0.into(), u32::MAX.into()),
            "u64" | "usize" => (0.into(), u64::MAX.into()),
            "i32" => (i32::MIN.into(), i32::MAX.into()),
            "i64" => (i64::MIN.into(), i64::MAX.into()),
            _ => return None,
        })
    }

    fn expected(wanted: &str) -> &'static str {
        const INTEGERS: [&str; 9] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64"];
        match wanted {
            "a sequence" => "a list",
            "a boolean" => "true or false",
            "a map" => "an object",
            "unit" => "null",
            wanted if INTEGERS.contains(&wanted) => "an integer",
            wanted if wanted.contains("string") || wanted.contains("variant") || wanted.contains("identifier") => {
                "a string"
            }
            wanted if wanted.starts_with("struct") || wanted.contains("enum") => "an object",
            wanted if wanted.contains("decimal") => "a decimal string",
            _ => "another value",
        }
    }

    fn found(was: &str) -> &'static str {
        const WORDS: [(&str, &str); 10] = [
            ("null", "null"),
            ("unit", "null"),
            ("boolean", "a boolean"),
            ("integer", "an integer"),
            ("floating", "a fraction"),
            ("number", "a number"),
            ("string", "a string"),
            ("character", "a string"),
            ("sequence", "a list"),
            ("map", "an object"),
        ];
        WORDS.iter().find(|(start, _)| was.starts_with(start)).map_or("another value", |(_, word)| *word)
    }

    /// A refusal of our own readers, such as that of a date: the sentence of a code about one value.
    fn own(said: &str) -> Option<Reason> {
        let value = said.strip_prefix('`')?;
        if let Some((value, _)) = value.split_once("` is not a currency") {
            let error = value.parse::<Currency>().err()?;
            let reason = Reason::new(error.id());
            return Some(error.details().iter().fold(reason, |reason, (name, value)| reason.with(name, value.clone())));
        }
        Code::ALL.iter().find_map(|code| {
            let rest = code.english().strip_prefix("`{value}")?;
            let value = value.strip_suffix(rest)?;
            let params: Fields = crate::base::order::map([("value".to_owned(), value.into())]);
            (render(*code, &params, Language::English) == said).then(|| Reason::new(*code).with("value", value))
        })
    }
}

#[cfg(all(test, feature = "store"))]
mod tests {
    use serde::Deserialize;

    use super::{refused, unreadable};
    use crate::base::json::FromJson;
    use crate::base::reader;
    use crate::base::time::Date;

    #[derive(Debug, Deserialize, FromJson)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Thing {
        count: u32,
        #[serde(default)]
        on: Option<Date>,
        #[serde(default)]
        parts: Vec<Thing>,
        #[serde(default)]
        explain: crate::base::reason::Explain,
    }

    #[test]
    fn refusals_are_said_without_types() {
        for (text, english) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            (r#"{"count": 1,}"#, "trailing comma at line 1 column 13"),
            ("{}", "the field `count` is missing: add it"),
            (r#"{"cuont": 1}"#, "there is no field `cuont` here: did you mean `count`?"),
            (r#"{"count": 1, "count": 2}"#, "the field `count` stands twice: keep one"),
            (r#"{"count": -1}"#, "`-1` is outside 0 to 4294967295: choose a value inside"),
            (r#"{"count": "x"}"#, "expected an integer, found a string: change the value"),
            (r#"{"count": 1, "parts": {}}"#, "expected a list, found an object: change the value"),
            (r#"{"count": 1, "parts": [1]}"#, "expected an object, found an integer: change the value"),
            (r#"{"count": 1, "on": "soon"}"#, "`soon` is not a calendar date: write it as `2026-01-31`"),
            (r#"{"count": 1, "explain": "ful"}"#, "`ful` is not one of `none`, `codes`, `full`: did you mean `full`?"),
        ] {
            let error = serde_json::from_str::<Thing>(text).unwrap_err();
            assert_eq!(unreadable(&error).english(), english, "{text}");
            let fault = reader::from_str::<Thing>(text).unwrap_err();
            assert_eq!(refused(text, &fault).english(), english, "{text}");
        }
    }
}
