//! Which column holds which field.

use std::collections::BTreeMap;

use super::options::{FrameOptions, Source};
use crate::base::codes::Code;
use crate::base::error::{Error, Result};
use crate::base::hint::{hint, near_or};
use crate::base::text::{clip, suggest};

/// A field that a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The stage.
    Stage,
    /// Whether the opportunity is closed, won or lost.
    IsClosed,
    /// Whether it is won.
    IsWon,
    /// The owner.
    Owner,
    /// The user whom the owner reports to.
    Manager,
    /// The owner's team.
    Team,
    /// The product.
    Product,
    /// The account.
    Account,
    /// Where it came from.
    Source,
    /// What it is or was worth.
    Amount,
    /// The currency of the amount.
    Currency,
    /// The win probability.
    Probability,
    /// The day it began.
    Start,
    /// The day on which it was won or lost.
    ClosedOn,
    /// The day on which it is expected to close.
    ExpectedClose,
}

type Headers = &'static [&'static str];

/// Every field: its name, then its usual headers in plain tables, in Salesforce and in HubSpot, best first.
const FIELDS: &[(Field, &str, Headers, Headers, Headers)] = &[
    (
        Field::Stage,
        "stage",
        &["stage", "deal stage", "stage name", "pipeline stage", "sales stage"],
        &["stage", "stagename"],
        &["deal stage", "dealstage"],
    ),
    (
        Field::IsClosed,
        "is_closed",
        &["is closed"],
        &["closed", "isclosed"],
        &["is deal closed", "is closed", "hs is closed"],
    ),
    (Field::IsWon, "is_won", &["is won"], &["won", "iswon"], &["is closed won", "hs is closed won"]),
    (
        Field::Owner,
        "owner",
        &["owner", "sales agent", "sales rep", "salesperson", "owner name", "agent"],
        &["opportunity owner", "owner full name", "owner name", "owner", "ownerid"],
        &["deal owner", "hubspot owner id", "owner"],
    ),
    (
        Field::Manager,
        "manager",
        &["manager", "sales manager"],
        &["opportunity owner manager", "owner manager"],
        &["manager"],
    ),
    (
        Field::Team,
        "team",
        &["team", "regional office", "region"],
        &["owner role", "opportunity owner role"],
        &["hubspot team", "deal owner team"],
    ),
    (
        Field::Product,
        "product",
        &["product", "product name"],
        &["product name", "primary product", "product"],
        &["product", "product name", "associated line item"],
    ),
    (
        Field::Account,
        "account",
        &["account", "account name", "company", "customer"],
        &["account name", "account", "accountid"],
        &["associated company primary", "associated company", "associated company names", "company name"],
    ),
    (
        Field::Source,
        "source",
        &["source", "lead source", "channel"],
        &["lead source", "leadsource"],
        &["original traffic source", "original source type", "original source"],
    ),
    (
        Field::Amount,
        "amount",
        &["amount", "value", "deal value", "close value", "deal amount"],
        &["amount", "amount converted"],
        &["amount", "amount in deal currency", "amount in company currency"],
    ),
    (
        Field::Currency,
        "currency",
        &["currency", "currency code"],
        &["amount currency", "opportunity currency", "currencyisocode", "currency"],
        &["currency", "deal currency code"],
    ),
    (
        Field::Probability,
        "probability",
        &["probability", "win probability"],
        &["probability"],
        &["deal probability", "forecast probability", "hs deal stage probability"],
    ),
    (
        Field::Start,
        "start",
        &["start", "start date", "engage date", "created", "created at", "created date", "create date", "created on"],
        &["created date", "createddate"],
        &["create date", "createdate"],
    ),
    (
        Field::ClosedOn,
        "closed_on",
        &["closed on", "close date", "closed", "closed at", "closed date"],
        &["close date", "closedate"],
        &["close date", "closedate"],
    ),
    (
        Field::ExpectedClose,
        "expected_close",
        &["expected close", "expected close date", "expected closing"],
        &["close date", "closedate"],
        &["close date", "closedate"],
    ),
];

impl Field {
    /// The name by which a caller maps it.
    pub fn name(self) -> &'static str {
        FIELDS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Every field's name.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        FIELDS.iter().map(|row| row.1)
    }
}

/// Which column holds which field, by the columns' places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    places: BTreeMap<Field, usize>,
    guessed: Vec<Field>,
}

/// A header without case and signs: letters and digits in words with one space between.
fn plain(header: &str) -> String {
    let spaced: String =
        header.chars().flat_map(char::to_lowercase).map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Mapping {
    /// Finds the columns.
    ///
    /// # Errors
    /// `unknown_field` for a name in `columns` that is no field, `missing_column` for one that names no column.
    pub fn find(headers: &[&str], options: &FrameOptions) -> Result<Self> {
        let mut mapping = Mapping::default();
        let mut violations = Vec::new();
        for (name, column) in &options.columns {
            let path = format!("frame.columns.{}", clip(name));
            let Some(row) = FIELDS.iter().find(|row| row.1 == name) else {
                let error =
                    Error::new(Code::UnknownField).with("field", clip(name)).with("hint", hint(name, Field::names()));
                violations.push(error.at(&path));
                continue;
            };
            match headers.iter().position(|header| header == column) {
                Some(place) => drop(mapping.places.insert(row.0, place)),
                None => {
                    let near = suggest(column, headers.iter().copied());
                    let hint = near_or(near, Code::UseHeader);
                    violations.push(
                        Error::new(Code::UnknownColumn).with("column", clip(column)).with("hint", hint).at(&path),
                    );
                }
            }
        }
        if let Some(error) = Error::all(violations) {
            return Err(error);
        }
        if options.guesses() {
            mapping.guess(headers, options.source);
        }
        Ok(mapping)
    }

    fn guess(&mut self, headers: &[&str], source: Option<Source>) {
        let plain: Vec<String> = headers.iter().map(|header| plain(header)).collect();
        for (field, _, usual, salesforce, hubspot) in FIELDS {
            if self.places.contains_key(field) {
                continue;
            }
            let known = match source {
                None => usual,
                Some(Source::Salesforce) => salesforce,
                Some(Source::Hubspot) => hubspot,
            };
            if let Some(place) = known.iter().find_map(|known| plain.iter().position(|header| header == known)) {
                self.places.insert(*field, place);
                self.guessed.push(*field);
            }
        }
    }

    /// The place of a field's column.
    pub fn place(&self, field: Field) -> Option<usize> {
        self.places.get(&field).copied()
    }

    /// The place of a field's column, which must be there.
    ///
    /// # Errors
    /// `missing_column`.
    pub fn need(&self, field: Field) -> Result<usize> {
        self.place(field).ok_or_else(|| Error::new(Code::MissingColumn).with("field", field.name()).at("frame.columns"))
    }

    /// The fields with their columns' names.
    pub fn columns(&self, headers: &[&str]) -> BTreeMap<String, String> {
        let name = |place: &usize| headers.get(*place).map_or_else(String::new, |h| (*h).to_owned());
        self.places.iter().map(|(field, place)| (field.name().to_owned(), name(place))).collect()
    }

    /// The fields that were guessed.
    pub fn guessed(&self) -> Vec<String> {
        self.guessed.iter().map(|field| field.name().to_owned()).collect()
    }

    /// The columns that hold no field.
    pub fn unused(&self, headers: &[&str]) -> Vec<String> {
        let used = |place: usize| self.places.values().any(|p| *p == place);
        headers.iter().enumerate().filter(|(place, _)| !used(*place)).map(|(_, h)| (*h).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_guessed_whatever_their_case_and_signs() {
        let headers = ["OPPORTUNITY OWNER", "Stage", "Probability (%)", "Close Date", "Notes"];
        let options = FrameOptions { source: Some(Source::Salesforce), ..FrameOptions::default() };
        let mapping = Mapping::find(&headers, &options).unwrap();
        assert_eq!((mapping.place(Field::Owner), mapping.place(Field::Probability)), (Some(0), Some(2)));
        assert_eq!((mapping.place(Field::ClosedOn), mapping.place(Field::ExpectedClose)), (Some(3), Some(3)));
        assert_eq!(mapping.unused(&headers), ["Notes"]);
        assert_eq!(mapping.need(Field::Amount).unwrap_err().code(), "missing_column");
    }

    #[test]
    fn a_misspelt_mapping_is_refused_with_the_nearest_name() {
        let columns = [("stage", "Stge"), ("ammount", "Amount")].map(|(f, c)| (f.to_owned(), c.to_owned()));
        let options = FrameOptions { columns: columns.into(), ..FrameOptions::default() };
        let error = Mapping::find(&["Stage", "Amount"], &options).unwrap_err();
        assert_eq!(error.code(), "invalid_request");
        let text = error.to_value().to_string();
        assert!(text.contains("did you mean `Stage`?") && text.contains("did you mean `amount`?"), "{text}");
    }
}
