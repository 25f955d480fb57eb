//! The one table of codes: every error and every reason, with its English and Chinese template.
//!
//! A template is a lower-case sentence; `{name}` is replaced by the detail of that name. Codes are never renamed or reused.

use serde_json::Value;

use super::canonical::Fields;
use super::error::Kind;
use super::writer;

macro_rules! codes {
    ($($(#[$gate:meta])* $variant:ident = $name:literal, $class:ident, $english:literal, $chinese:literal;)*) => {
        /// A stable code of an error or a reason. Those that only operations with a store raise are not in builds without one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$gate])* #[doc = concat!("`", $name, "`: ", $english)] $variant,)*
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &'static [Code] = &[$($(#[$gate])* Code::$variant,)*];

            /// The stable snake_case name.
            pub const fn name(self) -> &'static str {
                match self { $($(#[$gate])* Code::$variant => $name,)* }
            }

            /// The class of error, or nothing for a code that is only a reason.
            pub const fn kind(self) -> Option<Kind> {
                match self { $($(#[$gate])* Code::$variant => class!($class),)* }
            }

            /// The English template.
            pub const fn english(self) -> &'static str {
                match self { $($(#[$gate])* Code::$variant => $english,)* }
            }

            /// The Chinese template.
            #[cfg(feature = "catalogue")]
            pub const fn chinese(self) -> &'static str {
                match self { $($(#[$gate])* Code::$variant => $chinese,)* }
            }
        }
    };
}

macro_rules! class {
    (Reason) => {
        None
    };
    ($kind:ident) => {
        Some(Kind::$kind)
    };
}

include!("codes_table.rs");

impl Code {
    /// Says whether an error of this code may pass when tried again, unless the error itself says otherwise.
    pub const fn retryable(self) -> bool {
        matches!(self, Code::VersionConflict | Code::StorageLocked | Code::TooManyHandles)
    }

    /// Finds a code by its name.
    pub fn find(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// A language of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    #[cfg(feature = "catalogue")]
    Chinese,
}

impl Language {
    fn template(self, code: Code) -> &'static str {
        match self {
            Language::English => code.english(),
            #[cfg(feature = "catalogue")]
            Language::Chinese => code.chinese(),
        }
    }

    /// The language's own word for a value of a detail; English shows the value itself.
    #[cfg_attr(not(feature = "catalogue"), allow(unused_variables))]
    fn word<'v>(self, name: &str, value: &'v str) -> &'v str {
        match self {
            Language::English => value,
            #[cfg(feature = "catalogue")]
            Language::Chinese => super::words::chinese(name, value).unwrap_or(value),
        }
    }
}

/// The sentence of a code: its template with each `{name}` filled from the details; a name without a detail stays as it is.
///
/// A detail `{code, params}`, such as a hint, is a sentence of its own in the same language.
pub fn render(code: Code, details: &Fields, language: Language) -> String {
    let template = language.template(code);
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            break;
        };
        match details.get(name) {
            Some(Value::String(text)) => out.push_str(language.word(name, text)),
            Some(Value::Array(items)) => {
                let quoted = |item: &Value| {
                    format!("`{}`", item.as_str().map_or_else(|| writer::to_string(item, 0), str::to_owned))
                };
                let texts: Vec<String> = items.iter().map(quoted).collect();
                out.push_str(if texts.is_empty() { "-" } else { "" });
                out.push_str(&texts.join(", "));
            }
            Some(other) => match sentence(other) {
                Some((code, params)) => out.push_str(&render(code, &params, language)),
                None => out.push_str(&writer::to_string(other, 0)),
            },
            None => {
                out.push('{');
                out.push_str(name);
                out.push('}');
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The code and the parameters of a detail that is a sentence of its own.
fn sentence(value: &Value) -> Option<(Code, Fields)> {
    let code = Code::find(value.get("code")?.as_str()?)?;
    let params = value.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
    Some((code, super::order::map(params)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_snake_case() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.name()), "{} stands twice", code.name());
            assert!(
                code.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()),
                "{}",
                code.name()
            );
        }
    }

    #[cfg(feature = "catalogue")]
    #[test]
    fn both_languages_name_the_same_details() {
        let names = |t: &str| -> std::collections::BTreeSet<String> {
            t.split('{').skip(1).filter_map(|p| p.split_once('}').map(|(n, _)| n.to_owned())).collect()
        };
        for code in Code::ALL {
            assert_eq!(names(code.english()), names(code.chinese()), "{}", code.name());
            assert!(!code.english().ends_with('.') && !code.english().contains('\n'), "{}", code.name());
        }
    }
}
