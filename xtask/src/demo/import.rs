//! The import: every row of the sample data through operations, many in one commit.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::engine::Engine;
use super::findings::Findings;
use super::plan::{Plan, configuration};
use super::source::{self, ACCOUNTS, PIPELINE, PRODUCTS, TEAMS};
use super::words::Lang;

/// How many opportunities go into one commit.
const CHUNK: usize = 1_000;

/// What the import did.
pub struct Imported {
    /// What was wrong with the rows.
    pub findings: Findings,
    /// How many operations were run.
    pub operations: u64,
    /// In how many commits.
    pub commits: u64,
    /// How long it took.
    pub took: Duration,
}

/// Reads the sample data and stores it.
pub fn run(engine: &Engine, lang: Lang) -> Result<Imported, String> {
    let start = Instant::now();
    let mut plan = read()?;
    plan.findings.check()?;
    let basics = std::mem::take(&mut plan.basics);
    let operations = basics.len() + plan.deals.iter().map(Vec::len).sum::<usize>();
    let bar = bar(lang, plan.deals.len());
    let mut commits = 1;
    engine.commit(std::iter::once(json!({"op": "config.put", "input": configuration()})).chain(basics).collect())?;
    for chunk in plan.deals.chunks(CHUNK) {
        let requests: Vec<Value> = chunk.iter().flatten().cloned().collect();
        engine.commit(requests)?;
        commits += 1;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    Ok(Imported { findings: plan.findings, operations: operations as u64 + 1, commits, took: start.elapsed() })
}

/// Reads and checks all rows.
fn read() -> Result<Plan, String> {
    let mut plan = Plan::default();
    let agents = source::read(TEAMS)?;
    plan.users(agents.clone());
    plan.products(source::read(PRODUCTS)?);
    plan.accounts(source::read(ACCOUNTS)?);
    plan.deals(source::read(PIPELINE)?, &agents);
    Ok(plan)
}

/// A bar on the terminal; nothing where the output goes into a file.
fn bar(lang: Lang, deals: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(deals as u64), ProgressDrawTarget::stderr());
    let text = lang.pick(
        "  importing [{bar:40}] {human_pos} of {human_len} deals, {elapsed}",
        "  导入中 [{bar:40}] {human_pos} / {human_len} 个商机，{elapsed}",
    );
    if let Ok(style) = ProgressStyle::with_template(text) {
        bar.set_style(style.progress_chars("█▉ "));
    }
    bar.tick();
    bar
}
