//! `cargo xtask demo [--lang zh] [--out DIR] [--store ADDRESS]`: the whole line on 8,800 sample deals.
//!
//! [`import`] takes the sample data in through operations ([`plan`] turns rows into requests, [`findings`] keeps what was wrong
//! with them); [`figures`] asks the engine for the figures and [`quote`] for a priced quote; [`sections`] words them, [`console`]
//! and [`page`] show them, [`summary`] keeps them as JSON.

mod charts;
mod console;
mod engine;
mod figures;
mod findings;
mod import;
mod page;
mod plan;
mod quote;
mod sections;
mod source;
mod store;
mod summary;
mod words;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::arguments::Arguments;
use crate::{paths, shell};
use engine::Engine;
use figures::Figures;
use findings::Rule;
use quote::Quote;
use store::Store;
use words::{Lang, amount, count};

/// Runs the demo.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let mut options = Arguments::new(arguments);
    let lang = Lang::read(options.value("--lang")?.as_deref())?;
    let out = options.value("--out")?.map_or_else(|| paths::target().join("demo"), PathBuf::from);
    let store = Store::of(options.value("--store")?, &out)?;
    options.finish()?;
    if matches!(store, Store::Database(_)) && !cfg!(feature = "postgres") {
        // The store on PostgreSQL takes a minute to build, so only those wait who want it.
        let mut again = shell::cargo(&["run", "--quiet", "--package", "xtask", "--features", "postgres", "--", "demo"]);
        again.args(arguments);
        return shell::run(again);
    }
    show(lang, &out, &store).map(|_| ())
}

/// Imports, analyses, quotes; prints the report and writes it. Gives the summary.
fn show(lang: Lang, out: &Path, store: &Store) -> Result<Value, String> {
    let start = Instant::now();
    std::fs::create_dir_all(out).map_err(|error| format!("cannot make `{}`: {error}", out.display()))?;
    println!(
        "{}",
        lang.pick(
            format!(
                "CRM Sales Opportunities (Maven Analytics, a fictitious seller), through crm-core into {}",
                store.name(lang)
            ),
            format!(
                "CRM Sales Opportunities（Maven Analytics，虚构的销售公司），经 crm-core 写入 {}",
                store.name(lang)
            ),
        )
    );
    let engine = Engine::create(store, lang)?;
    let imported = import::run(&engine, lang)?;
    console::import(&imported, lang);
    let figures = Figures::ask(&engine)?;
    let quote = Quote::ask(&engine)?;
    let sections = sections::all(&figures, lang)?;
    let undated = imported.findings.count(Rule::EngageDateMissing);
    let assumptions = sections::assumptions(&figures, undated, lang);
    for section in &sections {
        console::section(section, lang);
    }
    console::list(lang.pick("What is assumed", "假设"), &assumptions);
    console::quote(&quote, lang);
    console::list(lang.pick("In short", "摘要"), &short(&figures, lang));

    let report = page::Report {
        lang,
        imported: &imported,
        figures: &figures,
        sections: &sections,
        assumptions: &assumptions,
        quote: &quote,
    };
    let summary = summary::of(&imported, &figures, &quote);
    let pretty = serde_json::to_string_pretty(&summary).map_err(|error| error.to_string())?;
    shell::write(&out.join("report.html"), page::write(&report)?)?;
    shell::write(&out.join("import-report.csv"), imported.findings.csv(lang)?)?;
    shell::write(&out.join("summary.json"), pretty)?;
    let written = ["report.html", "import-report.csv", "summary.json"].map(str::to_owned);
    let files = store.file(out).into_iter().chain(written).collect::<Vec<_>>().join(", ");
    let (folder, seconds) = (out.strip_prefix(paths::root()).unwrap_or(out).display(), start.elapsed().as_secs_f64());
    let (import, insight) = (imported.took.as_secs_f64(), figures.took.as_secs_f64());
    println!(
        "\n{}",
        lang.pick(
            format!(
                "{seconds:.1} s in all: import {import:.1} s, figures {insight:.1} s. Written to {folder}: {files}"
            ),
            format!("共 {seconds:.1} 秒：导入 {import:.1} 秒，分析 {insight:.1} 秒。已写入 {folder}：{files}"),
        )
    );
    Ok(summary)
}

/// The known figures, a line each.
fn short(figures: &Figures, lang: Lang) -> Vec<String> {
    let stages = ["won", "lost", "engaging", "prospecting"];
    let stages: Vec<String> =
        stages.iter().map(|id| format!("{} {}", sections::stage(id, lang), count(figures.in_stage(id)))).collect();
    let rate = figures.rates.total.rate;
    let percent = rate.percent.map(|p| p.to_string()).unwrap_or_default();
    let of = format!("{} / {} = {percent} %", count(rate.numerator), count(rate.denominator));
    let value = amount(figures.won_value());
    vec![
        stages.join(lang.pick(", ", "，")),
        lang.pick(format!("win rate {of}"), format!("赢单率 {of}")),
        lang.pick(format!("won value USD {value}"), format!("赢单金额 {value} 美元")),
    ]
}

#[cfg(test)]
mod tests;
