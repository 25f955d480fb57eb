//! The four files of the sample data, row by row.

use std::fs::File;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::paths;

/// The companies that are sold to.
pub const ACCOUNTS: &str = "accounts.csv";
/// What is sold.
pub const PRODUCTS: &str = "products.csv";
/// Who sells.
pub const TEAMS: &str = "sales_teams.csv";
/// The opportunities.
pub const PIPELINE: &str = "sales_pipeline.csv";

/// A row of `accounts.csv`.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountRow {
    pub account: String,
    pub sector: String,
    pub year_established: String,
    /// In millions of USD a year.
    pub revenue: String,
    pub employees: String,
    pub office_location: String,
    pub subsidiary_of: String,
}

/// A row of `products.csv`.
#[derive(Clone, Debug, Deserialize)]
pub struct ProductRow {
    pub product: String,
    pub series: String,
    /// The list price in USD.
    pub sales_price: String,
}

/// A row of `sales_teams.csv`.
#[derive(Clone, Debug, Deserialize)]
pub struct AgentRow {
    pub sales_agent: String,
    pub manager: String,
    pub regional_office: String,
}

/// A row of `sales_pipeline.csv`.
#[derive(Clone, Debug, Deserialize)]
pub struct DealRow {
    pub opportunity_id: String,
    pub sales_agent: String,
    pub product: String,
    pub account: String,
    pub deal_stage: String,
    pub engage_date: String,
    pub close_date: String,
    /// In USD; 0 on lost deals.
    pub close_value: String,
}

/// A row and its number as a spreadsheet shows it: the header is row 1. What cannot be read says why.
pub type Line<T> = (u64, Result<T, String>);

/// Reads a file of `examples/data`.
pub fn read<T: DeserializeOwned>(file: &str) -> Result<Vec<Line<T>>, String> {
    let path = paths::at("examples/data").join(format!("{file}.gz"));
    let open = File::open(&path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    parse(GzDecoder::new(open)).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn parse<T: DeserializeOwned>(bytes: impl std::io::Read) -> Result<Vec<Line<T>>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut lines = Vec::new();
    for (record, number) in reader.records().zip(2..) {
        let record = record.map_err(|error| error.to_string())?;
        let row = if record.len() == headers.len() {
            record.deserialize(Some(&headers)).map_err(|error| error.to_string())
        } else {
            Err(format!("{} cells instead of {}", record.len(), headers.len()))
        };
        lines.push((number, row));
    }
    Ok(lines)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn rows_carry_their_number_and_a_short_one_says_so() {
        let text = "product,series,sales_price\r\nA,S,1\r\nB,S\r\nC,S,3\r\n";
        let lines: Vec<Line<ProductRow>> = parse(text.as_bytes()).unwrap();
        let numbers: Vec<u64> = lines.iter().map(|(line, _)| *line).collect();
        assert_eq!(numbers, [2, 3, 4]);
        assert_eq!(lines[1].1.as_ref().unwrap_err(), "2 cells instead of 3");
        assert_eq!(lines[2].1.as_ref().unwrap().product, "C");
    }
}
