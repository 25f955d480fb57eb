//! The one table of codes: every error and every reason, with its English and Chinese template.
//!
//! A template is a lower-case sentence; `{name}` is replaced by the detail of that name. Codes are never renamed or reused.

use serde_json::Value;

use super::canonical::Fields;
use super::error::Kind;

macro_rules! codes {
    ($($variant:ident = $name:literal, $class:ident, $english:literal, $chinese:literal;)*) => {
        /// A stable code of an error or a reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`: ", $english)] $variant,)*
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The stable snake_case name.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The class of error, or nothing for a code that is only a reason.
            pub const fn kind(self) -> Option<Kind> {
                match self { $(Code::$variant => class!($class),)* }
            }

            /// The English template.
            pub const fn english(self) -> &'static str {
                match self { $(Code::$variant => $english,)* }
            }

            /// The Chinese template.
            #[cfg(feature = "catalogue")]
            pub const fn chinese(self) -> &'static str {
                match self { $(Code::$variant => $chinese,)* }
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

/// Fills a template's `{name}` places from the details; a name without a detail stays as it is.
pub fn render(template: &str, details: &Fields) -> String {
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
            Some(Value::String(text)) => out.push_str(text),
            Some(Value::Array(items)) => {
                let quoted =
                    |item: &Value| format!("`{}`", item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                let texts: Vec<String> = items.iter().map(quoted).collect();
                out.push_str(if texts.is_empty() { "-" } else { "" });
                out.push_str(&texts.join(", "));
            }
            Some(other) => out.push_str(&other.to_string()),
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
