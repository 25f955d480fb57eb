//! What each node of a condition says of one record.

use serde::{Deserialize, Serialize};

use super::compile::beneath;
use super::predicate::{Against, Moment, Node, Predicate};
use super::row::Row;
use super::wire::ConditionOp;
use crate::base::codes::Code;
use crate::base::json::{FromJson, ToJson};
use crate::base::reason::Reason;
use crate::base::text::clip;

/// What one node of a condition says of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionNode {
    /// Where the node stands, such as `all[0].not`; empty for the whole condition.
    pub path: String,
    /// Says whether it holds.
    pub holds: bool,
    /// The field that it tests; absent for a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How it tests it; absent for a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<ConditionOp>,
    /// What the record has in that field; absent where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What it is held against; absent for presence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

impl Predicate {
    /// Every node's value over a record, each before those beneath it.
    pub fn explain(&self, row: &Row, moment: &Moment) -> Vec<ConditionNode> {
        let mut nodes = Vec::new();
        self.walk(&self.root, "", row, moment, &mut nodes);
        nodes
    }

    fn walk(&self, node: &Node, path: &str, row: &Row, moment: &Moment, nodes: &mut Vec<ConditionNode>) {
        let mut note = ConditionNode {
            path: path.to_owned(),
            holds: self.node(node, row, moment),
            field: None,
            op: None,
            found: None,
            against: None,
        };
        if let Node::Leaf(leaf) = node {
            let shown = |text: String| clip(&text);
            let value = |slot: usize| row.value(slot).map(|datum| shown(datum.to_string()));
            note.field = self.slots.get(leaf.slot).map(|field| field.name.clone());
            note.op = Some(leaf.op);
            note.found = value(leaf.slot);
            note.against = match &leaf.against {
                Against::Nothing => None,
                Against::Value(datum) => Some(shown(datum.to_string())),
                Against::Values(data) => {
                    Some(shown(data.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
                }
                Against::Text(text) => Some(shown(text.clone())),
                Against::Field(slot) => value(*slot),
                Against::Days(days) => moment.today().map(|today| format!("{days} from {today}")),
            };
        }
        nodes.push(note);
        match node {
            Node::All(inner) => self.walk_all(inner, "all", path, row, moment, nodes),
            Node::Any(inner) => self.walk_all(inner, "any", path, row, moment, nodes),
            Node::Not(inner) => self.walk(inner, &beneath(path, "not"), row, moment, nodes),
            Node::Leaf(_) => {}
        }
    }

    fn walk_all(
        &self,
        inner: &[Node],
        group: &str,
        path: &str,
        row: &Row,
        moment: &Moment,
        nodes: &mut Vec<ConditionNode>,
    ) {
        for (place, node) in inner.iter().enumerate() {
            self.walk(node, &beneath(path, &format!("{group}[{place}]")), row, moment, nodes);
        }
    }
}

/// The reason that a condition holds or does not, with the tests of fields beneath it.
pub fn reason(nodes: &[ConditionNode]) -> Reason {
    let holds = nodes.first().is_some_and(|node| node.holds);
    let tests = nodes.iter().filter_map(|node| {
        let code = if node.holds { Code::TestHolds } else { Code::TestFails };
        let reason = Reason::new(code).with("field", node.field.clone()?).with("op", node.op?.name());
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        Some(reason.with("against", shown(&node.against)).with("found", shown(&node.found)))
    });
    Reason::new(if holds { Code::ConditionHolds } else { Code::ConditionFails }).children(tests)
}
