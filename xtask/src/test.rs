//! `cargo xtask test` and `soak`: sets up what the chosen steps need, runs all of them, counts.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::arguments::Arguments;
use crate::count::{Count, Runner};
use crate::postgres::{Durability, Server};
use crate::report::{self, Outcome};
use crate::setup::Need;
use crate::steps::{self, Run, Step};
use crate::{paths, setup, shell};

/// How long the tests may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Minutes, before every change.
    Short,
    /// The long forms, which read `CRM_SOAK=1`.
    Soak,
}

/// Which steps.
pub struct Choice {
    only: Vec<String>,
    fast: bool,
    list: bool,
}

impl Choice {
    /// Reads `--only`, `--fast` and `--list`.
    pub fn from(options: &mut Arguments) -> Result<Self, String> {
        let only = options.value("--only")?.unwrap_or_default();
        let only = only.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(Self { only, fast: options.flag("--fast"), list: options.flag("--list") })
    }

    fn steps(&self, length: Length) -> Result<Vec<&'static Step>, String> {
        if let Some(unknown) = self.only.iter().find(|name| steps::ALL.iter().all(|step| step.name != name.as_str())) {
            let known: Vec<&str> = steps::ALL.iter().map(|step| step.name).collect();
            return Err(format!("unknown step `{unknown}`, choose from {}", known.join(", ")));
        }
        let chosen = steps::ALL.iter().filter(|step| {
            (self.only.is_empty() || self.only.iter().any(|name| name == step.name))
                && (!self.fast || step.needs.iter().all(|need| matches!(need, Need::Deny | Need::Postgres)))
                && (length == Length::Short || step.soak)
        });
        Ok(chosen.collect())
    }
}

/// Runs the chosen steps; every step runs whatever failed before it.
pub fn run(choice: &Choice, length: Length) -> Result<(), String> {
    let steps = choice.steps(length)?;
    if choice.list {
        for step in &steps {
            println!("{:<15} {}", step.name, step.about);
        }
        return Ok(());
    }
    if steps.is_empty() {
        return Err("the options leave no step to run".to_owned());
    }
    let needs: BTreeSet<Need> = steps.iter().flat_map(|step| step.needs.iter().copied()).collect();
    let mut outcomes = vec![set_up(&needs)];
    for step in steps {
        let outcome = perform(step, length);
        outcome.print();
        outcomes.push(outcome);
    }
    report::finish(&outcomes)
}

/// The set-up counts as a step, so that its failure is seen and the other steps still run.
fn set_up(needs: &BTreeSet<Need>) -> Outcome {
    let start = Instant::now();
    let failure = setup::these(needs).err();
    let log = paths::work("logs/setup.log");
    let count = Count { failed: u64::from(failure.is_some()), ..Count::default() };
    let outcome = Outcome { name: "setup", count, failure, figures: Vec::new(), duration: start.elapsed(), log };
    outcome.print();
    outcome
}

fn perform(step: &'static Step, length: Length) -> Outcome {
    let log = paths::work("logs").join(format!("{}.log", step.name));
    let start = Instant::now();
    let started = shell::write(&log, "");
    let result = started.and_then(|()| {
        let postgres = step.needs.contains(&Need::Postgres).then(|| Server::start(Durability::Process)).transpose()?;
        (step.run)(&Run { log: log.clone(), length, postgres })
    });
    let output = std::fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let (count, failure) = judge(step.runner, &output, result);
    let figures = output.lines().filter_map(|line| line.trim().strip_prefix("figure: ")).map(str::to_owned).collect();
    Outcome { name: step.name, count, failure, figures, duration: start.elapsed(), log }
}

/// A step passes when its commands do, at least one test ran, and none failed or was left out.
fn judge(runner: Runner, output: &str, result: Result<(), String>) -> (Count, Option<String>) {
    let mut count = runner.count(output);
    if runner == Runner::Check && result.is_ok() {
        count.passed = 1;
    }
    let failure = match result {
        Err(error) => Some(error),
        Ok(()) if count.failed > 0 => Some(format!("{} failed", count.failed)),
        Ok(()) if count.skipped > 0 => {
            Some(format!("{} skipped; a test that does not run proves nothing", count.skipped))
        }
        Ok(()) if count.passed == 0 => Some("no tests ran".to_owned()),
        Ok(()) => None,
    };
    if failure.is_some() {
        count.failed = count.failed.max(1);
    }
    (count, failure)
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::count::Runner;

    #[test]
    fn a_step_without_tests_fails() {
        let (count, failure) = judge(Runner::Pytest, "no tests ran in 0.01s", Ok(()));
        assert_eq!(count.failed, 1);
        assert_eq!(failure.as_deref(), Some("no tests ran"));
    }

    #[test]
    fn a_skipped_test_fails_the_step() {
        let (count, failure) = judge(Runner::Pytest, "3 passed, 1 skipped in 0.01s", Ok(()));
        assert_eq!((count.passed, count.failed), (3, 1));
        assert!(failure.is_some());
    }

    #[test]
    fn a_failed_command_counts_even_when_all_tests_passed() {
        let (count, failure) = judge(Runner::Cargo, "test result: ok. 3 passed; 0 failed;", Err("killed".to_owned()));
        assert_eq!((count.passed, count.failed, failure.as_deref()), (3, 1, Some("killed")));
    }

    #[test]
    fn a_check_counts_as_one() {
        assert_eq!(judge(Runner::Check, "", Ok(())).0.passed, 1);
        assert_eq!(judge(Runner::Check, "", Err("no".to_owned())).0.failed, 1);
    }
}
