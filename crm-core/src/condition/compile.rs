//! From the JSON tree to a predicate: fields are resolved, values read as the fields' types, everything wrong reported at once.

use super::catalogue::{Catalogue, Field, Type};
use super::datum::Datum;
use super::predicate::{Against, Leaf, Node, Predicate};
use super::wire::{Condition, ConditionOp, ConditionValue};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::hint::hint;
use crate::base::limits;
use crate::base::text::{clip, fold};

/// The deepest nesting of groups.
pub const DEPTH: usize = 32;
/// The most nodes of a condition.
pub const NODES: usize = 1_000;
/// The most values of one list.
pub const VALUES: usize = 1_000;
/// The most days from today.
pub const DAYS: u32 = 100_000;

/// Compiles a condition.
///
/// # Errors
/// Everything that is wrong, each with its path: `invalid_condition`, `unknown_field`, `missing_field`, `operator_not_applicable`,
/// `part_not_used`, `types_differ`, `condition_too_deep`, `condition_too_large`, `too_many_items`, `number_out_of_range`, `text_empty`, and what
/// the type of a field refuses of a value.
///
/// # Example: a value of the wrong type
/// ```
/// use crm_core::condition::{catalogue::{Catalogue, Type}, compile::compile, wire::Condition};
/// let fields = Catalogue::new().field("amount", Type::Decimal);
/// let condition: Condition = serde_json::from_str(r#"{"field":"amount","op":"at_least","value":"much"}"#).unwrap();
/// assert_eq!(compile(&condition, &fields).unwrap_err().code(), "invalid_decimal");
/// ```
pub fn compile(condition: &Condition, catalogue: &Catalogue) -> Result<Predicate> {
    let (predicate, errors) = compile_all(condition, catalogue);
    match Error::all(errors) {
        Some(error) => Err(error),
        None => Ok(predicate),
    }
}

/// Compiles a condition and gives everything that is wrong with it in a list.
pub(super) fn compile_all(condition: &Condition, catalogue: &Catalogue) -> (Predicate, Vec<Error>) {
    let mut compiler = Compiler { catalogue, slots: Vec::new(), errors: Vec::new(), nodes: 0 };
    let root = compiler.node(condition, "", 0);
    (Predicate { root, slots: compiler.slots }, compiler.errors)
}

struct Compiler<'a> {
    catalogue: &'a Catalogue,
    slots: Vec<Field>,
    errors: Vec<Error>,
    nodes: usize,
}

/// What stands for a part that is wrong.
const NONE: Node = Node::Any(Vec::new());

/// A part's path beneath another one.
pub(super) fn beneath(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}

impl Compiler<'_> {
    fn refuse(&mut self, error: Error, path: &str) -> Node {
        if self.errors.len() < 100 {
            self.errors.push(error.at(path));
        }
        NONE
    }

    fn node(&mut self, condition: &Condition, path: &str, depth: usize) -> Node {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > NODES {
            // Said once.
            let first = self.nodes == NODES.saturating_add(1);
            return if first {
                self.refuse(Error::new(Code::ConditionTooLarge).with("limit", NODES), path)
            } else {
                NONE
            };
        }
        if depth >= DEPTH {
            return self.refuse(Error::new(Code::ConditionTooDeep).with("limit", DEPTH), path);
        }
        let parts = [
            ("all", condition.all.is_some()),
            ("any", condition.any.is_some()),
            ("not", condition.not.is_some()),
            ("field", condition.field.is_some()),
        ];
        let found: Vec<&str> = parts.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        if found.len() != 1 {
            return self.refuse(Error::new(Code::InvalidCondition).with("parts", found), path);
        }
        if let Some(field) = &condition.field {
            return match self.leaf(condition, field, path) {
                Ok(leaf) => Node::Leaf(leaf),
                Err((error, part)) => self.refuse(error, &beneath(path, part)),
            };
        }
        let group = found.first().copied().unwrap_or_default();
        for (part, there) in leaf_parts(condition) {
            if there {
                let error = Error::new(Code::PartNotUsed).with("part", part).with("op", group);
                self.refuse(error, &beneath(path, part));
            }
        }
        let below = depth.saturating_add(1);
        if let Some(inner) = &condition.not {
            return Node::Not(Box::new(self.node(inner, &beneath(path, "not"), below)));
        }
        let inner = condition.all.as_ref().or(condition.any.as_ref()).into_iter().flatten();
        let nodes = inner.enumerate().map(|(i, c)| self.node(c, &beneath(path, &format!("{group}[{i}]")), below));
        let nodes = nodes.collect();
        if condition.all.is_some() { Node::All(nodes) } else { Node::Any(nodes) }
    }

    fn slot(&mut self, name: &str) -> Result<usize> {
        if let Some(known) = self.slots.iter().position(|field| field.name == name) {
            return Ok(known);
        }
        let Some(field) = self.catalogue.find(name) else {
            let known: Vec<&str> = self.catalogue.fields().map(|field| field.name.as_str()).collect();
            let error = Error::new(Code::UnknownField).with("field", clip(name));
            return Err(error.with("hint", hint(name, known.into_iter())));
        };
        self.slots.push(field.clone());
        Ok(self.slots.len().saturating_sub(1))
    }

    /// A test; what is wrong with it comes with the part in which it stands.
    fn leaf(&mut self, condition: &Condition, name: &str, path: &str) -> Result<Leaf, (Error, &'static str)> {
        let slot = self.slot(name).map_err(|e| (e, "field"))?;
        let kind = self.catalogue.find(name).map_or(Type::Name, |field| field.kind.clone());
        let Some(op) = condition.op else {
            return Err((Error::new(Code::MissingField).with("field", "op"), "op"));
        };
        if !kind.allows(op) {
            let allowed = ConditionOp::ALL.into_iter().filter(|op| kind.allows(*op)).map(ConditionOp::name);
            let error = Error::new(Code::OperatorNotApplicable).with("op", op.name()).with("field", name);
            return Err((error.with("type", kind.name()).with("allowed", allowed.collect::<Vec<_>>()), "op"));
        }
        let used = used_parts(op, condition, &kind);
        for (part, _) in leaf_parts(condition).iter().filter(|(part, there)| *there && !used.contains(part)) {
            if *part != "op" {
                let error = Error::new(Code::PartNotUsed).with("part", *part).with("op", op.name());
                self.refuse(error, &beneath(path, part));
            }
        }
        let against = self.against(condition, op, &kind, slot)?;
        Ok(Leaf { slot, op, against })
    }

    fn against(
        &mut self,
        condition: &Condition,
        op: ConditionOp,
        kind: &Type,
        slot: usize,
    ) -> Result<Against, (Error, &'static str)> {
        use ConditionOp as Op;
        let missing = |part: &'static str| (Error::new(Code::MissingField).with("field", part), part);
        let currency = condition.currency.or(self.catalogue.currency());
        match op {
            Op::IsSet | Op::IsEmpty => Ok(Against::Nothing),
            Op::OlderThan | Op::WithinLast | Op::WithinNext | Op::FurtherThan => match condition.days {
                None => Err(missing("days")),
                Some(days) if days > DAYS => {
                    let error = Error::new(Code::NumberOutOfRange).with("value", days);
                    Err((error.with("minimum", 0).with("maximum", DAYS), "days"))
                }
                Some(days) => Ok(Against::Days(days)),
            },
            Op::In | Op::NotIn => {
                let values = condition.values.as_ref().ok_or_else(|| missing("values"))?;
                limits::items(values.len(), VALUES, "").map_err(|e| (e, "values"))?;
                let read =
                    |(i, value)| Datum::literal(value, kind, currency).map_err(|e| (e.at(&format!("[{i}]")), "values"));
                Ok(Against::Values(values.iter().enumerate().map(read).collect::<Result<_, _>>()?))
            }
            Op::Contains | Op::StartsWith | Op::EndsWith if *kind == Type::Text => {
                match condition.value.as_ref().ok_or_else(|| missing("value"))? {
                    ConditionValue::Text(text) if text.is_empty() => Err((Error::new(Code::TextEmpty), "value")),
                    value => match Datum::literal(value, kind, None).map_err(|e| (e, "value"))? {
                        Datum::Text(text) => Ok(Against::Text(fold(&text))),
                        other => Ok(Against::Value(other)),
                    },
                }
            }
            _ => match (&condition.value, &condition.other_field) {
                (Some(_), Some(_)) => {
                    let error = Error::new(Code::ConflictingFields).with("first", "value");
                    Err((error.with("second", "other_field"), "other_field"))
                }
                (Some(value), None) => {
                    Datum::literal(value, kind, currency).map(Against::Value).map_err(|e| (e, "value"))
                }
                (None, Some(other)) => {
                    self.other(other, kind, slot).map(Against::Field).map_err(|e| (e, "other_field"))
                }
                (None, None) => Err(missing("value")),
            },
        }
    }

    fn other(&mut self, name: &str, kind: &Type, slot: usize) -> Result<usize> {
        let other = self.slot(name)?;
        let other_kind = self.catalogue.find(name).map_or(Type::Name, |field| field.kind.clone());
        let dated = |kind: &Type| matches!(kind, Type::Date | Type::Instant);
        if *kind != other_kind && !(dated(kind) && dated(&other_kind)) {
            let field = self.slots.get(slot).map(|f| f.name.clone()).unwrap_or_default();
            let error = Error::new(Code::TypesDiffer).with("field", field).with("type", kind.name());
            return Err(error.with("other", name).with("other_type", other_kind.name()));
        }
        Ok(other)
    }
}

/// The parts of a test beside its field, and whether they are given.
fn leaf_parts(condition: &Condition) -> [(&'static str, bool); 6] {
    [
        ("op", condition.op.is_some()),
        ("value", condition.value.is_some()),
        ("values", condition.values.is_some()),
        ("other_field", condition.other_field.is_some()),
        ("days", condition.days.is_some()),
        ("currency", condition.currency.is_some()),
    ]
}

/// The parts that an operator reads.
fn used_parts(op: ConditionOp, condition: &Condition, kind: &Type) -> Vec<&'static str> {
    use ConditionOp as Op;
    let mut used = match op {
        Op::IsSet | Op::IsEmpty => vec![],
        Op::In | Op::NotIn => vec!["values"],
        Op::Contains | Op::StartsWith | Op::EndsWith => vec!["value"],
        Op::OlderThan | Op::WithinLast | Op::WithinNext | Op::FurtherThan => vec!["days"],
        _ => vec!["value", "other_field"],
    };
    if *kind == Type::Money && (condition.value.is_some() || condition.values.is_some()) {
        used.push("currency");
    }
    used
}
