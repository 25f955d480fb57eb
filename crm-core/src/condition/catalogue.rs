//! The catalogue: which fields conditions may name, with their types; custom fields and further kinds plug in here.

use std::collections::BTreeMap;

use super::wire::ConditionOp;
use crate::base::currency::Currency;

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Free text, compared in any case.
    Text,
    /// A name of the configuration such as a stage's id, compared exactly.
    Name,
    /// The id of a record, compared exactly.
    Id,
    /// A decimal.
    Decimal,
    /// An amount with its currency.
    Money,
    /// The code of a currency.
    Currency,
    /// A calendar date.
    Date,
    /// An instant.
    Instant,
    /// True or false.
    Flag,
    /// One of these names.
    Choice(Vec<String>),
    /// Any of these names; any names at all where none is listed.
    Choices(Vec<String>),
}

impl Type {
    /// The name in messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Name => "name",
            Type::Id => "id",
            Type::Decimal => "decimal",
            Type::Money => "money",
            Type::Currency => "currency",
            Type::Date => "date",
            Type::Instant => "instant",
            Type::Flag => "flag",
            Type::Choice(_) => "choice",
            Type::Choices(_) => "choices",
        }
    }

    /// Says whether an operator means something for fields of this type.
    pub const fn allows(&self, op: ConditionOp) -> bool {
        use ConditionOp as Op;
        match op {
            Op::IsSet | Op::IsEmpty | Op::In | Op::NotIn => true,
            Op::Equal | Op::NotEqual => !matches!(self, Type::Choices(_)),
            Op::LessThan | Op::AtMost | Op::GreaterThan | Op::AtLeast => {
                matches!(self, Type::Text | Type::Decimal | Type::Money | Type::Date | Type::Instant)
            }
            Op::Contains => matches!(self, Type::Text | Type::Choices(_)),
            Op::StartsWith | Op::EndsWith => matches!(self, Type::Text),
            Op::OlderThan | Op::WithinLast | Op::WithinNext | Op::FurtherThan => {
                matches!(self, Type::Date | Type::Instant)
            }
        }
    }
}

/// Where a field's value stands in a record's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the field of this name.
    Own(String),
    /// In a field of the object in a field.
    Inside(String, String),
    /// In the last object of the list in a field.
    LastOf(String, String),
    /// An amount in the first field, its currency in the second.
    Amount(String, String),
}

impl Source {
    /// The body's fields that have to be read.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Source::Own(name) | Source::Inside(name, _) | Source::LastOf(name, _) => (name, None),
            Source::Amount(amount, currency) => (amount, Some(currency)),
        };
        std::iter::once(first.as_str()).chain(second.map(String::as_str))
    }
}

/// A field that conditions may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The type.
    pub kind: Type,
    /// Where its value stands.
    pub source: Source,
}

/// The fields of one kind of record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    fields: BTreeMap<String, Field>,
    currency: Option<Currency>,
}

impl Catalogue {
    /// A catalogue without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field that stands under its own name; money brings `.amount` and `.currency` with it.
    #[must_use]
    pub fn field(mut self, name: &str, kind: Type) -> Self {
        if kind == Type::Money {
            for (part, kind) in [("amount", Type::Decimal), ("currency", Type::Currency)] {
                let source = Source::Inside(name.to_owned(), part.to_owned());
                self = self.from(&format!("{name}.{part}"), kind, source);
            }
        }
        self.from(name, kind, Source::Own(name.to_owned()))
    }

    /// Adds a field that stands elsewhere.
    #[must_use]
    pub fn from(mut self, name: &str, kind: Type, source: Source) -> Self {
        self.fields.insert(name.to_owned(), Field { name: name.to_owned(), kind, source });
        self
    }

    /// Sets the currency of amounts that name none.
    #[must_use]
    pub fn in_currency(mut self, currency: Option<Currency>) -> Self {
        self.currency = currency;
        self
    }

    /// The currency of amounts that name none.
    pub const fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// Finds a field.
    pub fn find(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }

    /// Every field, by name.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values()
    }
}
