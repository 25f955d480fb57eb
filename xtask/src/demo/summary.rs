//! The known figures as JSON, for tests and for whoever compares two runs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::figures::Figures;
use super::findings::Rule;
use super::import::Imported;
use super::quote::Quote;

/// Everything that must come out the same on every run; no times.
pub fn of(imported: &Imported, figures: &Figures, quote: &Quote) -> Value {
    let findings = &imported.findings;
    let files: BTreeMap<&str, Value> = findings
        .files
        .iter()
        .map(|(file, (read, taken))| (*file, json!({"read": read, "imported": taken, "refused": read - taken})))
        .collect();
    let rules: BTreeMap<&str, u64> = Rule::ALL.iter().map(|rule| (rule.code(), findings.count(*rule))).collect();
    let stages: BTreeMap<&str, u64> = figures.funnel.stages.iter().map(|s| (s.stage.as_str(), s.count)).collect();
    let rate = figures.rates.total.rate;
    json!({
        "import": {"operations": imported.operations, "commits": imported.commits, "files": files, "refused": findings.refused(), "rules": rules},
        "stages": stages,
        "win_rate": {"won": rate.numerator, "closed": rate.denominator, "percent": rate.percent},
        "won_value": {"amount": figures.won_value(), "currency": "USD"},
        "forecast": figures.forecast.total,
        "imputed": figures.forecast.imputed,
        "median_cycle_days": figures.forecast.median_cycle_days,
        "quote": {"opportunity": quote.deal.id, "total": quote.priced.total, "currency": quote.priced.currency},
    })
}
