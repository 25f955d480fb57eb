//! How many tests ran, read from the runners' own output.

/// Tests of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that passed.
    pub passed: u64,
    /// Those that failed, or could not be collected.
    pub failed: u64,
    /// Those that were left out.
    pub skipped: u64,
}

/// Whose output it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// A check without tests of its own; counts as one.
    Check,
    /// `cargo nextest` or `cargo test`, doc tests too.
    Cargo,
    /// pytest.
    Pytest,
    /// `node --test` with the TAP reporter.
    Node,
    /// Several of them in one log.
    Mixed,
}

impl Runner {
    /// Sums all summaries in the output.
    pub fn count(self, output: &str) -> Count {
        let mut sum = Count::default();
        // Below nextest, `test result:` only stands in the output of a failed test.
        let nextest = output.lines().any(|line| line.trim_start().starts_with("Summary ["));
        for line in output.lines() {
            let found = match self {
                Self::Check => None,
                Self::Cargo if nextest && line.contains("test result:") => None,
                Self::Cargo => cargo(line),
                Self::Pytest => pytest(line),
                Self::Node => node(line),
                Self::Mixed => cargo(line).or_else(|| node(line)).or_else(|| pytest(line)),
            };
            if let Some(found) = found {
                sum.passed += found.passed;
                sum.failed += found.failed;
                sum.skipped += found.skipped;
            }
        }
        sum
    }
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; ..` or nextest's
/// `Summary [ 0.1s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`.
/// What is ignored there is the other process of a test that starts one, so it is not counted as left out.
fn cargo(line: &str) -> Option<Count> {
    let line = line.trim();
    let summary = if let Some(rest) = line.strip_prefix("test result:") {
        rest.split_once(". ")?.1
    } else {
        line.strip_prefix("Summary [")?.split_once("run:")?.1
    };
    Some(Count {
        passed: before(summary, "passed"),
        failed: before(summary, "failed") + before(summary, "timed"),
        skipped: 0,
    })
}

/// `==== 3 failed, 12 passed, 1 skipped, 2 errors in 0.52s ====`, with or without the frame.
fn pytest(line: &str) -> Option<Count> {
    let (summary, _) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
    let first = summary.split_whitespace().next()?;
    let known = ["passed", "failed", "error", "errors", "skipped", "xfailed", "xpassed", "deselected", "warnings"];
    if first.parse::<u64>().is_err() || !known.iter().any(|word| summary.contains(word)) {
        return None;
    }
    Some(Count {
        passed: before(summary, "passed"),
        failed: before(summary, "failed") + before(summary, "error") + before(summary, "errors"),
        skipped: before(summary, "skipped"),
    })
}

/// `# pass 6`, `# fail 0`, `# cancelled 0`, `# skipped 0`, `# todo 0`, one per line.
fn node(line: &str) -> Option<Count> {
    let (word, number) = line.strip_prefix("# ")?.split_once(' ')?;
    let number = number.trim().parse().ok()?;
    match word {
        "pass" => Some(Count { passed: number, ..Count::default() }),
        "fail" | "cancelled" => Some(Count { failed: number, ..Count::default() }),
        "skipped" | "todo" => Some(Count { skipped: number, ..Count::default() }),
        _ => None,
    }
}

/// The number before a word.
fn before(summary: &str, word: &str) -> u64 {
    let words: Vec<&str> = summary.split([' ', ',', ';', '(', ')']).filter(|word| !word.is_empty()).collect();
    words
        .iter()
        .zip(words.iter().skip(1))
        .find(|(_, following)| **following == word)
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Count, Runner};

    fn count(passed: u64, failed: u64, skipped: u64) -> Count {
        Count { passed, failed, skipped }
    }

    #[test]
    fn cargo_summaries_are_summed() {
        let output = "running 3 tests\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Runner::Cargo.count(output), count(4, 2, 0));
    }

    #[test]
    fn nextest_summaries_are_read() {
        let output = "     Summary [   0.103s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 2 skipped";
        assert_eq!(Runner::Cargo.count(output), count(10, 2, 0));
        assert_eq!(Runner::Cargo.count("     Summary [   0.103s] 1 test run: 1 passed, 0 skipped"), count(1, 0, 0));
    }

    #[test]
    fn the_output_of_a_failed_test_is_not_counted_again() {
        let output = "    test result: FAILED. 0 passed; 1 failed; 0 ignored\n\
                      Summary [   0.103s] 2 tests run: 1 passed, 1 failed, 0 skipped";
        assert_eq!(Runner::Cargo.count(output), count(1, 1, 0));
    }

    #[test]
    fn pytest_summaries_are_read() {
        assert_eq!(Runner::Pytest.count("== 3 failed, 12 passed, 1 skipped, 2 errors in 0.52s =="), count(12, 5, 1));
        assert_eq!(Runner::Pytest.count("12 passed in 61.20s (0:01:01)"), count(12, 0, 0));
        assert_eq!(Runner::Pytest.count("1 error in 0.10s"), count(0, 1, 0));
        assert_eq!(Runner::Pytest.count("no tests ran in 0.01s"), count(0, 0, 0));
        assert_eq!(Runner::Pytest.count("4 apples arrived in time"), count(0, 0, 0));
    }

    #[test]
    fn node_summaries_are_read() {
        let output = "# tests 8\n# suites 0\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0";
        assert_eq!(Runner::Node.count(output), count(5, 2, 1));
    }
}
