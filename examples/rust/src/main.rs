//! Deals that live in a table of the application's own: crm-core decides whether one may move, the application writes it.
//!
//! There is no store of crm-core's here. The row goes in as a fact, the decision comes back, and one `UPDATE` in the
//! application's transaction carries it out.

use std::error::Error;

use crm_core::api::host::Host;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// The rules, as the application keeps them.
const RULES: &str = r#"{"version": 1, "pipelines": [{"id": "sales", "stages": [
    {"id": "talking", "probability": "10", "moves": ["offered", "lost"]},
    {"id": "offered", "probability": "50", "moves": ["won", "lost"], "requires": ["amount", "currency"]},
    {"id": "won", "kind": "won"}, {"id": "lost", "kind": "lost"}]}]}"#;

/// Moves a deal to another open stage and gives its new probability in percent.
fn move_deal(db: &mut Connection, id: &str, to: &str, now: &str) -> Result<String, Box<dyn Error>> {
    let change = db.transaction()?;
    let select = "SELECT title, stage, amount, currency, version FROM deals WHERE id = ?1";
    let (version, body) = change.query_row(select, [id], |row| {
        let (title, stage): (String, String) = (row.get(0)?, row.get(1)?);
        let (amount, currency): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
        let body = json!({"name": title, "pipeline": "sales", "stage": stage, "amount": amount, "currency": currency});
        Ok((row.get::<_, u32>(4)?, body))
    })?;
    let fact = json!({"kind": "opportunity", "id": id, "version": version, "body": body});
    let request = json!({"op": "opportunities.advance", "context": {"now": now}, "config": serde_json::from_str::<Value>(RULES)?,
        "input": {"id": id, "to": to}, "facts": [fact]});
    let answer: Value = serde_json::from_str(&Host::new().decide(&request.to_string()))?;
    let Some(deal) = answer.pointer("/value/done/value") else {
        return Err(answer["error"]["message"].as_str().unwrap_or("the decision needs more facts").into());
    };
    let (stage, probability) = (deal["stage"].as_str(), deal["probability"].as_str());
    let update = "UPDATE deals SET stage = ?1, probability = ?2, version = version + 1 WHERE id = ?3 AND version = ?4";
    if change.execute(update, params![stage, probability, id, version])? == 0 {
        return Err("somebody else moved it: read it again".into());
    }
    change.commit()?;
    Ok(probability.unwrap_or_default().to_owned())
}

/// A database with two deals.
fn open() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(
        "CREATE TABLE deals (id TEXT PRIMARY KEY, title TEXT NOT NULL, stage TEXT NOT NULL, amount TEXT, currency TEXT,
                             probability TEXT, version INTEGER NOT NULL DEFAULT 1);
         INSERT INTO deals (id, title, stage, amount, currency) VALUES ('7', 'Ten laptops', 'talking', '9990.00', 'EUR'),
                                                                       ('8', 'A printer', 'talking', NULL, NULL);",
    )?;
    Ok(db)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut db = open()?;
    let now = "2026-01-31T09:00:00Z";
    println!("deal 7 is offered: {} %", move_deal(&mut db, "7", "offered", now)?);
    for (id, to) in [("8", "offered"), ("7", "talking"), ("7", "ofered")] {
        if let Err(refusal) = move_deal(&mut db, id, to, now) {
            println!("deal {id} stays: {refusal}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-31T09:00:00Z";

    fn row(db: &Connection, id: &str) -> (String, u32) {
        db.query_row("SELECT stage, version FROM deals WHERE id = ?1", [id], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    }

    fn refusal(db: &mut Connection, id: &str, to: &str) -> String {
        move_deal(db, id, to, NOW).unwrap_err().to_string()
    }

    #[test]
    fn an_allowed_move_is_written_to_the_own_table() {
        let mut db = open().unwrap();
        assert_eq!(move_deal(&mut db, "7", "offered", NOW).unwrap(), "50");
        assert_eq!(row(&db, "7"), ("offered".to_owned(), 2));
    }

    #[test]
    fn a_refused_move_says_why_and_writes_nothing() {
        let mut db = open().unwrap();
        assert_eq!(refusal(&mut db, "8", "offered"), "`8` cannot move to `offered` yet: fill in `amount`, `currency`");
        assert_eq!(refusal(&mut db, "8", "won"), "the stage `won` is of kind `won`: use `opportunities.win`");
        assert_eq!(
            refusal(&mut db, "8", "ofered"),
            "there is no stage `ofered` in the pipeline `sales`: did you mean `offered`?"
        );
        assert_eq!(row(&db, "8"), ("talking".to_owned(), 1));
        move_deal(&mut db, "7", "offered", NOW).unwrap();
        assert_eq!(
            refusal(&mut db, "7", "talking"),
            "no move leads from `offered` to `talking`: allowed are `won`, `lost`"
        );
    }

    #[test]
    fn the_move_takes_at_most_25_lines() {
        let source = include_str!("main.rs");
        let body = source.split("fn move_deal").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
        assert!(body.lines().count() < 25, "{} lines", body.lines().count() + 1);
    }
}
