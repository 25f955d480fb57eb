//! Grouping: by whom, by what, by when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::coded::{Coded, NONE};
use super::deals::{Days, Deals};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::json::{FromJson, ToJson};
use crate::base::order::{self, order};
use crate::base::time::Date;

/// What figures are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToJson, FromJson)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum GroupBy {
    /// The owner.
    Owner,
    /// The user whom the owner reports to.
    Manager,
    /// The owner's team or regional office.
    Team,
    /// The product.
    Product,
    /// The account.
    Account,
    /// Where the opportunity came from.
    Source,
    /// The calendar month, written `2026-01`.
    Month,
    /// The calendar quarter, written `2026-Q1`.
    Quarter,
}

/// The groups in the order of their keys, the one without a key last, and the group of each row.
pub(super) struct Groups {
    /// One key a group.
    pub keys: Vec<Option<String>>,
    /// The group of each row.
    pub of: Vec<usize>,
}

/// Names of ids, as people know them.
pub type Labels = BTreeMap<String, String>;

impl Groups {
    /// One group of everything.
    pub fn one(rows: usize) -> Self {
        Groups { keys: vec![None], of: vec![0; rows] }
    }

    /// Groups rows; dates are those of `days`.
    pub fn by(deals: &Deals, by: GroupBy, days: &Days) -> Self {
        match by {
            GroupBy::Owner => Groups::coded(&deals.owner),
            GroupBy::Manager => Groups::coded(&deals.manager),
            GroupBy::Team => Groups::coded(&deals.team),
            GroupBy::Product => Groups::coded(&deals.product),
            GroupBy::Account => Groups::coded(&deals.account),
            GroupBy::Source => Groups::coded(&deals.source),
            GroupBy::Month => Groups::dated(deals.rows(), days, |date| date.month_start(), |date| date.month_name()),
            GroupBy::Quarter => Groups::dated(deals.rows(), days, quarter_start, quarter_name),
        }
    }

    fn coded(column: &Coded<String>) -> Self {
        let values = column.values();
        let order = order(values.len(), &|a, b| values.get(a).cmp(&values.get(b)));
        let mut places = vec![0; order.len()];
        for (place, code) in order.iter().enumerate() {
            if let Some(slot) = places.get_mut(*code) {
                *slot = place;
            }
        }
        let blank = order.len();
        let place = |code: &u32| usize::try_from(*code).ok().and_then(|c| places.get(c)).copied().unwrap_or(blank);
        let of = column.codes().iter().map(place).collect();
        let mut keys: Vec<Option<String>> = order.into_iter().map(|code| values.get(code).cloned()).collect();
        if column.codes().contains(&NONE) {
            keys.push(None);
        }
        Groups { keys, of }
    }

    fn dated(rows: usize, days: &Days, start: fn(Date) -> Date, name: fn(Date) -> String) -> Self {
        let starts: Vec<Option<Date>> = (0..rows).map(|row| days.date(row).map(start)).collect();
        let mut places: BTreeMap<Date, usize> = order::map(starts.iter().flatten().map(|date| (*date, 0)));
        places.values_mut().enumerate().for_each(|(place, slot)| *slot = place);
        let blank = places.len();
        let of = starts.iter().map(|date| date.and_then(|d| places.get(&d).copied()).unwrap_or(blank)).collect();
        let mut keys: Vec<Option<String>> = places.keys().map(|date| Some(name(*date))).collect();
        if starts.contains(&None) {
            keys.push(None);
        }
        Groups { keys, of }
    }

    /// The group of a row.
    pub fn group(&self, row: usize) -> usize {
        self.of.get(row).copied().unwrap_or(0)
    }
}

fn quarter_start(date: Date) -> Date {
    let (year, month, _) = date.parts();
    Date::new(year, month.saturating_sub(1) / 3 * 3 + 1, 1).unwrap_or(date)
}

fn quarter_name(date: Date) -> String {
    let (year, month, _) = date.parts();
    format!("{year:04}-Q{}", month.saturating_sub(1) / 3 + 1)
}

/// An inclusive window of days; either end may be open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    from: i32,
    to: i32,
    open: bool,
}

impl Window {
    pub fn new(from: Option<Date>, to: Option<Date>) -> Result<Self> {
        if let (Some(first), Some(last)) = (from, to)
            && first > last
        {
            let error = Error::new(Code::DatesReversed).with("from", first.to_string()).with("to", last.to_string());
            return Err(error.at("from"));
        }
        let open = from.is_none() && to.is_none();
        Ok(Window { from: from.map_or(i32::MIN, Date::days), to: to.map_or(i32::MAX, Date::days), open })
    }

    /// Says whether a day lies inside; for an unknown day nothing, unless both ends are open.
    pub fn holds(&self, day: Option<i32>) -> Option<bool> {
        match day {
            _ if self.open => Some(true),
            Some(day) => Some(self.from <= day && day <= self.to),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_and_months_are_in_order_with_the_undated_last() {
        let mut days = Days::default();
        for text in ["2017-12-31", "2017-03-01", "2017-10-01"] {
            days.push(Some(text.parse().unwrap()));
        }
        days.push(None);
        let groups = Groups::dated(4, &days, quarter_start, quarter_name);
        assert_eq!(groups.keys, [Some("2017-Q1".to_owned()), Some("2017-Q4".to_owned()), None]);
        assert_eq!(groups.of, [1, 0, 1, 2]);
    }

    #[test]
    fn a_window_holds_both_its_ends() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let window = Window::new(Some(day("2026-01-01")), Some(day("2026-01-31"))).unwrap();
        assert_eq!(window.holds(Some(day("2026-01-31").days())), Some(true));
        assert_eq!(window.holds(Some(day("2026-02-01").days())), Some(false));
        assert_eq!((window.holds(None), Window::new(None, None).unwrap().holds(None)), (None, Some(true)));
    }
}
