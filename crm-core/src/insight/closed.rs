//! What the questions about closed opportunities have in common: which ones, and in which groups.

use serde::{Deserialize, Serialize};

use super::deals::Deals;
use super::group::{GroupBy, Groups, Window};
use crate::base::error::Result;
use crate::base::json::{FromJson, ToJson};
use crate::base::time::Date;
use crate::pipeline::definition::StageKind;

/// Which closed opportunities to look at, and how to group them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClosedRequest {
    /// The pipeline; the configuration's first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// What to group by; months and quarters are those of the close. Nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<GroupBy>,
    /// The first day of closing to count; unbounded by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_from: Option<Date>,
    /// The last day of closing to count; unbounded by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_to: Option<Date>,
}

/// The kinds of closed stages.
pub(super) const CLOSED: &[StageKind] = &[StageKind::Won, StageKind::Lost];

/// Closed opportunities sorted into one pot a group.
pub(super) struct Sorted<P> {
    /// The groups in the order of their keys, the one without a key last; one without a key when nothing was grouped by.
    pub groups: Vec<(Option<String>, P)>,
    /// How many were left out because a date is missing.
    pub left_out: u64,
}

impl<P: Clone + Default> Sorted<P> {
    /// Sorts the rows of some kinds inside the window; `take` puts a row into its group's pot and says whether it could be used.
    ///
    /// # Errors
    /// `dates_reversed`.
    pub fn sort(
        deals: &Deals,
        request: &ClosedRequest,
        kinds: &[StageKind],
        take: impl Fn(&mut P, usize, StageKind) -> bool,
    ) -> Result<Self> {
        let window = Window::new(request.closed_from, request.closed_to)?;
        let grouped = request.group_by.map(|by| Groups::by(deals, by, &deals.closed));
        let groups = grouped.unwrap_or_else(|| Groups::one(deals.rows()));
        let mut pots = vec![P::default(); groups.keys.len()];
        let mut left_out = 0_u64;
        for row in 0..deals.rows() {
            let kind = deals.kind(row);
            let (true, Some(pot)) = (kinds.contains(&kind), pots.get_mut(groups.group(row))) else { continue };
            let used = match window.holds(deals.closed.days(row)) {
                Some(true) => take(pot, row, kind),
                Some(false) => true,
                None => false,
            };
            left_out = left_out.saturating_add(u64::from(!used));
        }
        Ok(Sorted { groups: groups.keys.into_iter().zip(pots).collect(), left_out })
    }
}
