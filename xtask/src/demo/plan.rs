//! From rows to requests: each row is checked, mended by a named rule, and becomes the operations that store it.

use std::collections::{BTreeMap, BTreeSet};

use crm_core::base::decimal::Dec;
use crm_core::base::time::Date;
use serde_json::{Map, Value, json};

use super::engine::TODAY;
use super::findings::{Findings, Rule};
use super::source::{ACCOUNTS, AccountRow, AgentRow, DealRow, Line, PIPELINE, PRODUCTS, ProductRow, TEAMS};

/// The id of the price book.
pub const BOOK: &str = "list-2017";
/// The reason of every loss, because the data has none.
pub const LOST_REASON: &str = "not recorded";

/// Everything that will be stored.
#[derive(Debug, Default)]
pub struct Plan {
    /// Users, products, the price book and accounts, in an order in which each finds what it refers to.
    pub basics: Vec<Value>,
    /// The operations of each opportunity.
    pub deals: Vec<Vec<Value>>,
    /// What was wrong with the rows.
    pub findings: Findings,
    users: BTreeSet<String>,
    products: BTreeSet<String>,
    accounts: BTreeSet<String>,
}

/// The probabilities of the open stages in percent: the demo's own, the data has none.
pub const CHANCES: [(&str, &str); 2] = [("prospecting", "20"), ("engaging", "60")];

/// The configuration.
pub fn configuration() -> Value {
    let [(_, prospecting), (_, engaging)] = CHANCES;
    json!({"config": {
        "version": 1,
        "currency": "USD",
        "pipelines": [{"id": "hardware", "name": "Hardware sales", "stages": [
            {"id": "prospecting", "name": "Prospecting", "probability": prospecting, "moves": ["engaging", "lost"]},
            {"id": "engaging", "name": "Engaging", "probability": engaging, "moves": ["won", "lost"]},
            {"id": "won", "name": "Won", "kind": "won"},
            {"id": "lost", "name": "Lost", "kind": "lost"},
        ]}],
        "lost_reasons": [LOST_REASON],
    }})
}

/// An operation of a batch.
fn operation(op: &str, input: Value) -> Value {
    json!({"op": op, "input": input})
}

/// An id from a name: `Gekko & Co` becomes `gekko-co`.
fn slug(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-")
}

/// The start of a calendar date; the data has no time of day.
fn instant(date: Date) -> String {
    format!("{date}T00:00:00Z")
}

impl Plan {
    /// Takes a row that could be read; refuses one that could not.
    fn readable<T>(&mut self, file: &'static str, line: Line<T>) -> Option<(u64, T)> {
        match line {
            (row, Ok(value)) => Some((row, value)),
            (row, Err(why)) => {
                self.refuse(file, row, "", Rule::RowUnreadable, &why);
                None
            }
        }
    }

    fn refuse(&mut self, file: &'static str, row: u64, field: &'static str, rule: Rule, found: &str) {
        self.findings.add(file, row, field, rule, found, "");
        self.findings.row(file, false);
    }

    /// Agents and their managers as users; the team is the regional office.
    pub fn users(&mut self, lines: Vec<Line<AgentRow>>) {
        let mut agents = Vec::new();
        for line in lines {
            let Some((row, agent)) = self.readable(TEAMS, line) else { continue };
            let (id, manager) = (slug(&agent.sales_agent), slug(&agent.manager));
            if agents.iter().any(|(known, _, _, _)| *known == id) || self.users.contains(&id) {
                self.refuse(TEAMS, row, "sales_agent", Rule::IdRepeated, &agent.sales_agent);
                continue;
            }
            if self.users.insert(manager.clone()) {
                let user = json!({"id": manager, "name": agent.manager, "team": agent.regional_office});
                self.basics.push(operation("users.create", user));
            }
            agents.push((id, agent.sales_agent, manager, agent.regional_office));
            self.findings.row(TEAMS, true);
        }
        for (id, name, manager, team) in agents {
            self.users.insert(id.clone());
            self.basics
                .push(operation("users.create", json!({"id": id, "name": name, "manager": manager, "team": team})));
        }
    }

    /// Products, and one price book with their list prices.
    pub fn products(&mut self, lines: Vec<Line<ProductRow>>) {
        let mut entries = Vec::new();
        for line in lines {
            let Some((row, product)) = self.readable(PRODUCTS, line) else { continue };
            let id = slug(&product.product);
            if product.sales_price.parse::<Dec>().is_err() {
                self.refuse(PRODUCTS, row, "sales_price", Rule::NumberUnreadable, &product.sales_price);
                continue;
            }
            if !self.products.insert(id.clone()) {
                self.refuse(PRODUCTS, row, "product", Rule::IdRepeated, &product.product);
                continue;
            }
            entries.push(json!({"product": id, "unit_price": product.sales_price}));
            let input = json!({"id": id, "name": product.product, "category": product.series});
            self.basics.push(operation("products.create", input));
            self.findings.row(PRODUCTS, true);
        }
        let book = json!({"id": BOOK, "name": "List prices", "currency": "USD", "entries": entries});
        self.basics.push(operation("price_books.create", book));
    }

    /// Accounts; parents before their subsidiaries.
    pub fn accounts(&mut self, lines: Vec<Line<AccountRow>>) {
        let rows: Vec<(u64, AccountRow)> = lines.into_iter().filter_map(|line| self.readable(ACCOUNTS, line)).collect();
        let (mut waiting, mut rest) = (rows, Vec::new());
        while !waiting.is_empty() {
            let before = waiting.len();
            for (row, account) in waiting {
                let parent = slug(&account.subsidiary_of);
                if parent.is_empty() || self.accounts.contains(&parent) {
                    self.account(row, &account);
                } else {
                    rest.push((row, account));
                }
            }
            if rest.len() == before {
                // Nobody's parent came: it is in no row, or two are each other's.
                for (row, account) in rest.drain(..) {
                    self.refuse(ACCOUNTS, row, "subsidiary_of", Rule::ReferenceUnknown, &account.subsidiary_of);
                }
            }
            waiting = std::mem::take(&mut rest);
        }
    }

    fn account(&mut self, row: u64, account: &AccountRow) {
        let id = slug(&account.account);
        let (founded, employees) = (account.year_established.parse::<u32>(), account.employees.parse::<u64>());
        let millions = account.revenue.parse::<Dec>();
        let revenue = millions.and_then(|millions| millions.mul(Dec::from(1_000_000)));
        let (Ok(founded), Ok(employees), Ok(revenue)) = (founded, employees, revenue) else {
            let found = format!("{}, {}, {}", account.year_established, account.employees, account.revenue);
            return self.refuse(ACCOUNTS, row, "year_established, employees, revenue", Rule::NumberUnreadable, &found);
        };
        if !self.accounts.insert(id.clone()) {
            return self.refuse(ACCOUNTS, row, "account", Rule::IdRepeated, &account.account);
        }
        let revenue = revenue.normalized().to_string();
        self.findings.add(ACCOUNTS, row, "revenue", Rule::RevenueUnit, &account.revenue, &revenue);
        let sector = self.spelt(row, "sector", &account.sector, ("technolgy", "technology", Rule::SectorSpelling));
        let mend = ("Philipines", "Philippines", Rule::CountrySpelling);
        let country = self.spelt(row, "office_location", &account.office_location, mend);
        let mut input = json!({
            "id": id, "name": account.account, "industry": sector, "country": country, "founded": founded, "employees": employees,
            "annual_revenue": {"amount": revenue, "currency": "USD"},
        });
        if let (Some(fields), false) = (input.as_object_mut(), account.subsidiary_of.is_empty()) {
            fields.insert("parent".to_owned(), slug(&account.subsidiary_of).into());
        }
        self.basics.push(operation("accounts.create", input));
        self.findings.row(ACCOUNTS, true);
    }

    fn spelt(
        &mut self,
        row: u64,
        field: &'static str,
        found: &str,
        (wrong, right, rule): (&str, &str, Rule),
    ) -> String {
        if found != wrong {
            return found.to_owned();
        }
        self.findings.add(ACCOUNTS, row, field, rule, found, right);
        right.to_owned()
    }

    /// Opportunities: each is created and moved to its real stage on its real dates.
    pub fn deals(&mut self, lines: Vec<Line<DealRow>>, agents: &[Line<AgentRow>]) {
        let (mut seen, mut deals_of) = (BTreeSet::new(), BTreeMap::<String, u64>::new());
        for line in lines {
            let Some((row, deal)) = self.readable(PIPELINE, line) else { continue };
            if !seen.insert(deal.opportunity_id.clone()) {
                self.refuse(PIPELINE, row, "opportunity_id", Rule::IdRepeated, &deal.opportunity_id);
                continue;
            }
            match self.deal(row, &deal) {
                Ok(operations) => {
                    self.deals.push(operations);
                    self.findings.row(PIPELINE, true);
                    *deals_of.entry(deal.sales_agent).or_default() += 1;
                }
                Err((field, rule, found)) => self.refuse(PIPELINE, row, field, rule, &found),
            }
        }
        for (row, agent) in agents {
            if let Some(agent) = agent.as_ref().ok().filter(|agent| !deals_of.contains_key(&agent.sales_agent)) {
                self.findings.add(
                    TEAMS,
                    *row,
                    "sales_agent",
                    Rule::AgentWithoutDeals,
                    &agent.sales_agent,
                    &agent.sales_agent,
                );
            }
        }
    }

    fn deal(&mut self, row: u64, deal: &DealRow) -> Result<Vec<Value>, (&'static str, Rule, String)> {
        let moves = Moves::read(deal)?;
        let alias = deal.product == "GTXPro";
        let name = if alias { "GTX Pro" } else { &deal.product };
        let (owner, product, account) = (slug(&deal.sales_agent), slug(name), slug(&deal.account));
        let unknown = |field, found: &str| Err((field, Rule::ReferenceUnknown, found.to_owned()));
        if !self.users.contains(&owner) {
            return unknown("sales_agent", &deal.sales_agent);
        }
        if !self.products.contains(&product) {
            return unknown("product", &deal.product);
        }
        if !account.is_empty() && !self.accounts.contains(&account) {
            return unknown("account", &deal.account);
        }
        if alias {
            self.findings.add(PIPELINE, row, "product", Rule::ProductAlias, &deal.product, name);
        }
        let mut input = Map::new();
        let mut set = |field: &str, value: String| input.insert(field.to_owned(), value.into());
        set("id", deal.opportunity_id.clone());
        set("owner", owner);
        set("product", product);
        if account.is_empty() {
            set("name", name.to_owned());
            self.findings.add(PIPELINE, row, "account", Rule::AccountBlank, "", "");
        } else {
            set("name", format!("{name}, {}", deal.account));
            set("account", account);
        }
        match moves.engaged {
            Some(day) => {
                set("effective_at", instant(day));
                self.findings.add(
                    PIPELINE,
                    row,
                    "engage_date",
                    Rule::ProspectingStart,
                    &deal.engage_date,
                    &deal.engage_date,
                );
            }
            None => {
                set("effective_at", format!("{TODAY}T00:00:00Z"));
                set("description", "imputed: the date of creation is the import date, the source has none".to_owned());
                self.findings.add(PIPELINE, row, "engage_date", Rule::EngageDateMissing, "", TODAY);
            }
        }
        let mut operations = vec![operation("opportunities.create", Value::Object(input))];
        let id = &deal.opportunity_id;
        if let Some(day) = moves.engaged {
            operations.push(operation(
                "opportunities.advance",
                json!({"id": id, "to": "engaging", "effective_at": instant(day)}),
            ));
        }
        match moves.closed {
            None => self.findings.add(PIPELINE, row, "close_date", Rule::OpenCloseMissing, "", ""),
            Some((day, Some(value))) => {
                let input = json!({"id": id, "amount": value.to_string(), "effective_at": instant(day)});
                operations.push(operation("opportunities.win", input));
            }
            Some((day, None)) => {
                let input = json!({"id": id, "reason": LOST_REASON, "effective_at": instant(day)});
                operations.push(operation("opportunities.lose", input));
                self.findings.add(PIPELINE, row, "close_value", Rule::LostValueZero, &deal.close_value, "");
                self.findings.add(PIPELINE, row, "lost_reason", Rule::LostReasonMissing, "", LOST_REASON);
            }
        }
        Ok(operations)
    }
}

/// When a deal moved.
struct Moves {
    engaged: Option<Date>,
    /// The day, and the value of a won deal.
    closed: Option<(Date, Option<Dec>)>,
}

impl Moves {
    fn read(deal: &DealRow) -> Result<Self, (&'static str, Rule, String)> {
        let day = |field: &'static str, text: &str| {
            text.parse::<Date>().map_err(|_| (field, Rule::DatesImpossible, text.to_owned()))
        };
        let number = || {
            let failed = |_| ("close_value", Rule::NumberUnreadable, deal.close_value.clone());
            deal.close_value.parse::<Dec>().map_err(failed)
        };
        let engaged = || day("engage_date", &deal.engage_date);
        let moves = match deal.deal_stage.as_str() {
            "Prospecting" if deal.engage_date.is_empty() => Moves { engaged: None, closed: None },
            "Prospecting" => return Err(("engage_date", Rule::DatesImpossible, deal.engage_date.clone())),
            "Engaging" => Moves { engaged: Some(engaged()?), closed: None },
            "Won" => Moves {
                engaged: Some(engaged()?),
                closed: Some((day("close_date", &deal.close_date)?, Some(number()?))),
            },
            "Lost" if number()?.is_zero() => {
                Moves { engaged: Some(engaged()?), closed: Some((day("close_date", &deal.close_date)?, None)) }
            }
            "Lost" => return Err(("close_value", Rule::NumberUnreadable, deal.close_value.clone())),
            other => return Err(("deal_stage", Rule::StageUnknown, other.to_owned())),
        };
        match (moves.engaged, moves.closed) {
            (Some(start), Some((end, _))) if end < start => {
                Err(("close_date", Rule::DatesImpossible, deal.close_date.clone()))
            }
            (_, None) if !deal.close_date.is_empty() || !deal.close_value.is_empty() => {
                Err(("close_date", Rule::DatesImpossible, format!("{} {}", deal.close_date, deal.close_value)))
            }
            _ => Ok(moves),
        }
    }
}
