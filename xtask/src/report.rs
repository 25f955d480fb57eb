//! What a test run prints: a line per step, the end of a failed step's log, the table, the sum.

use std::path::PathBuf;
use std::time::Duration;

use crate::count::Count;

/// How a step ended.
pub struct Outcome {
    /// The step's name.
    pub name: &'static str,
    /// Its tests.
    pub count: Count,
    /// Why it failed.
    pub failure: Option<String>,
    /// What it says about how much it tried, in lines of its log that begin with `figure: `.
    pub figures: Vec<String>,
    /// How long it took.
    pub duration: Duration,
    /// Everything it wrote.
    pub log: PathBuf,
}

impl Outcome {
    fn mark(&self) -> &'static str {
        if self.failure.is_some() { "FAIL" } else { "pass" }
    }

    fn row(&self) -> String {
        let Count { passed, failed, skipped } = self.count;
        let rest = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        let seconds = self.duration.as_secs_f64();
        format!("{} {:<15} {passed:>5} passed {failed:>4} failed {seconds:>8.1} s{rest}", self.mark(), self.name)
    }

    /// Prints the step's line, and for a failure the last lines of its log.
    pub fn print(&self) {
        println!("{}", self.row());
        let Some(failure) = &self.failure else { return };
        let text = std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let text = text.unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for line in lines.iter().skip(lines.len().saturating_sub(80)) {
            println!("    | {line}");
        }
        println!("    {failure}\n    all of it: {}", self.log.display());
    }
}

/// Prints the table and the sum; an error when anything failed.
pub fn finish(outcomes: &[Outcome]) -> Result<(), String> {
    println!();
    for outcome in outcomes {
        println!("{}", outcome.row());
    }
    for outcome in outcomes {
        outcome.figures.iter().for_each(|figure| println!("     {:<15} {figure}", outcome.name));
    }
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.duration.as_secs_f64()).sum();
    let failures: Vec<&str> =
        outcomes.iter().filter(|outcome| outcome.failure.is_some()).map(|outcome| outcome.name).collect();
    println!("{} steps in {:.0} min {:02.0} s", outcomes.len(), (seconds / 60.0).floor(), seconds % 60.0);
    if !failures.is_empty() {
        eprintln!("error: failed: {}", failures.join(", "));
    }
    let passed: u64 = outcomes.iter().map(|outcome| outcome.count.passed).sum();
    let failed: u64 = outcomes.iter().map(|outcome| outcome.count.failed).sum();
    println!("{passed} passed, {failed} failed");
    if failures.is_empty() { Ok(()) } else { Err(String::new()) }
}
