//! The figures, as the engine gives them; nothing is computed here.

use std::time::{Duration, Instant};

use crm_core::insight::figures::Definition;
use crm_core::insight::forecast::Forecast;
use crm_core::insight::funnel::Funnel;
use crm_core::insight::win_rate::WinRates;
use crm_core::insight::won_value::WonValues;
use serde_json::json;

use super::engine::{Engine, TODAY};
use super::plan::BOOK;

/// Everything that the report shows.
pub struct Figures {
    /// `insight.funnel`.
    pub funnel: Funnel,
    /// `insight.win_rate` by owner.
    pub rates: WinRates,
    /// `insight.won_value` by month of the close.
    pub months: WonValues,
    /// `insight.won_value` by product.
    pub products: WonValues,
    /// `insight.forecast`.
    pub forecast: Forecast,
    /// How long the engine took for all of them.
    pub took: Duration,
}

impl Figures {
    /// Asks the engine.
    pub fn ask(engine: &Engine) -> Result<Self, String> {
        let start = Instant::now();
        let policies = json!({"close": "median_cycle", "amount": "list_price", "probability": "deal"});
        let forecast = json!({"as_of": TODAY, "months": 3, "policies": policies, "price_book": BOOK});
        Ok(Figures {
            funnel: engine.ask("insight.funnel", &json!({}))?,
            rates: engine.ask("insight.win_rate", &json!({"group_by": "owner"}))?,
            months: engine.ask("insight.won_value", &json!({"group_by": "month"}))?,
            products: engine.ask("insight.won_value", &json!({"group_by": "product"}))?,
            forecast: engine.ask("insight.forecast", &forecast)?,
            took: start.elapsed(),
        })
    }

    /// How many opportunities stand in a stage now.
    pub fn in_stage(&self, stage: &str) -> u64 {
        self.funnel.stages.iter().filter(|s| s.stage == stage).map(|s| s.count).sum()
    }

    /// What was won in all, in dollars: the data knows no other currency.
    pub fn won_value(&self) -> String {
        let dollars = self.months.total.values.iter().find(|value| value.currency.code() == "USD");
        dollars.map_or_else(String::new, |value| value.sum.to_string())
    }
}

/// The sentences that say what a figure means; what was assumed for it stands in the report's own list.
pub fn meaning(definitions: &[Definition]) -> Vec<String> {
    definitions.iter().filter(|d| d.code.ends_with("_definition")).map(|d| d.text.clone()).collect()
}
