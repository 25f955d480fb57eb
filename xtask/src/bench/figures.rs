//! The results as tables, and the tables in `docs/benchmarks.md`.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::{paths, shell};

const DOCUMENT: &str = "docs/benchmarks.md";
const START: &str = "<!-- figures: written by `cargo xtask bench` -->";
const END: &str = "<!-- end of figures -->";

/// One contender's result in one race.
#[derive(Debug, Deserialize)]
pub struct Figure {
    #[serde(rename = "where")]
    place: String,
    form: String,
    #[serde(alias = "rows")]
    lines: u64,
    name: String,
    micros: Option<f64>,
    millis: Option<f64>,
    ratio: f64,
    checksum: Option<String>,
}

impl Figure {
    /// Reads a script's line.
    pub fn read(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| format!("`{line}` is not a figure: {error}"))
    }
}

/// A contender that is to be at least so many times slower than one of ours.
struct Goal {
    place: &'static str,
    form: &'static str,
    ours: &'static str,
    lines: Option<u64>,
    name: &'static str,
    times: f64,
}

/// From a JSON text to a JSON text, for us and for them.
const TEXTS: (&str, &str) = ("texts", "crm-core");
/// The same for us alone, while they go from object to object.
const CALL: (&str, &str) = ("objects", "the call alone");

const GOALS: [Goal; 12] = [
    goal("node", TEXTS, Some(10), "dinero.js", 5.0),
    goal("node", TEXTS, Some(1000), "dinero.js", 6.0),
    goal("node", TEXTS, None, "zen", 20.0),
    goal("python", TEXTS, None, "decimal", 1.5),
    goal("python", TEXTS, None, "zen", 20.0),
    goal("node", CALL, Some(10), "dinero.js", 5.0),
    goal("node", CALL, Some(1000), "dinero.js", 6.0),
    goal("node", CALL, None, "zen", 20.0),
    goal("python", CALL, None, "decimal", 1.5),
    goal("python", CALL, None, "zen", 20.0),
    goal("frames", ("integer", "crm-core"), None, "the better one", 3.0),
    goal("frames", ("decimal", "crm-core"), None, "the better one", 3.0),
];

const fn goal(
    place: &'static str,
    (form, ours): (&'static str, &'static str),
    lines: Option<u64>,
    name: &'static str,
    times: f64,
) -> Goal {
    Goal { place, form, ours, lines, name, times }
}

/// The races in the order of the tables: where, in which form, under which heading.
const RACES: [(&str, &str, &str); 8] = [
    ("node", "texts", "Quotes in Node, from JSON text to JSON text"),
    ("node", "objects", "Quotes in Node, from object to object"),
    ("python", "texts", "Quotes in Python, from JSON text to JSON text"),
    ("python", "objects", "Quotes in Python, from dictionary to dictionary (or model)"),
    ("chromium", "texts", "Quotes in Chromium (WebAssembly build `price`), from JSON text to JSON text"),
    ("chromium", "objects", "Quotes in Chromium (WebAssembly build `price`), from object to object"),
    ("frames", "integer", "Funnel over a table, amounts in whole numbers"),
    ("frames", "decimal", "Funnel over a table, amounts in decimals"),
];

/// Refuses figures of contenders that did not compute the same; zen alone may differ by a few cents, because it cannot share.
pub fn check(figures: &[Figure]) -> Result<(), String> {
    for (place, form, _) in RACES {
        for (_, race) in races(figures, place, form) {
            let expected = race.first().and_then(|one| one.checksum.as_ref());
            if let Some(other) = race.iter().find(|one| one.name != "zen" && one.checksum.as_ref() != expected) {
                return Err(format!(
                    "{place}, {form}: `{}` sums to {:?}, crm-core to {expected:?}",
                    other.name, other.checksum
                ));
            }
        }
    }
    Ok(())
}

/// The races of one table by size, smallest first.
fn races<'a>(figures: &'a [Figure], place: &str, form: &str) -> Vec<(u64, Vec<&'a Figure>)> {
    let mut races: Vec<(u64, Vec<&Figure>)> = Vec::new();
    for figure in figures.iter().filter(|figure| figure.place == place && figure.form == form) {
        match races.iter_mut().find(|(lines, _)| *lines == figure.lines) {
            Some((_, race)) => race.push(figure),
            None => races.push((figure.lines, vec![figure])),
        }
    }
    races.sort_by_key(|(lines, _)| *lines);
    races
}

/// Everything that was measured, in Markdown.
pub fn tables(figures: &[Figure], versions: &[String]) -> String {
    let mut text = String::new();
    for line in versions {
        _ = writeln!(text, "- {line}");
    }
    for (place, form, heading) in RACES {
        let races = races(figures, place, form);
        let Some((_, first)) = races.first() else { continue };
        let frames = place == "frames";
        let names: Vec<&str> = first.iter().map(|figure| figure.name.as_str()).collect();
        let (unit, size) = if frames { ("Milliseconds", "rows") } else { ("Microseconds a quote", "lines") };
        _ = writeln!(text, "\n### {heading}\n\n{unit}.\n\n| {size} | {} |", names.join(" | "));
        _ = writeln!(text, "|{}", "---:|".repeat(names.len().saturating_add(1)));
        for (lines, race) in &races {
            let cells: Vec<String> = race.iter().enumerate().map(|(place, figure)| cell(figure, place == 0)).collect();
            _ = writeln!(text, "| {} | {} |", grouped(*lines), cells.join(" | "));
        }
    }
    _ = writeln!(text, "\n### Goals\n\n| where | goal | measured | |\n|---|---|---|---|");
    for goal in &GOALS {
        let measured = measured(figures, goal);
        if measured.is_empty() {
            continue;
        }
        let worst = measured.iter().map(|(_, ratio)| *ratio).fold(f64::INFINITY, f64::min);
        let list: Vec<String> =
            measured.iter().map(|(lines, ratio)| format!("{ratio:.1} ({})", grouped(*lines))).collect();
        let size = goal.lines.map_or(String::new(), |lines| format!(" at {} lines", grouped(lines)));
        let verdict = if worst >= goal.times { "met" } else { "**missed**" };
        let (place, form) = match (goal.place, goal.form) {
            ("frames", form) => ("funnel", form),
            (place, "texts") => (place, "text to text"),
            (place, _) => (place, "the call alone, theirs over objects"),
        };
        _ = writeln!(
            text,
            "| {place}, {form} | at least {} x {}{size} | {} | {verdict} |",
            goal.times,
            goal.name,
            list.join(", ")
        );
    }
    text
}

/// The ratios that a goal speaks of, by size.
fn measured(figures: &[Figure], goal: &Goal) -> Vec<(u64, f64)> {
    let races = races(figures, goal.place, goal.form).into_iter();
    races
        .filter(|(lines, _)| goal.lines.is_none_or(|wanted| wanted == *lines))
        .filter_map(|(lines, race)| {
            let ours = race.iter().find(|one| one.name == goal.ours)?.ratio;
            let others = race.iter().skip(1).filter(|one| goal.place == "frames" || one.name == goal.name);
            let ratio = others.map(|one| one.ratio / ours).fold(f64::INFINITY, f64::min);
            ratio.is_finite().then_some((lines, ratio))
        })
        .collect()
}

fn cell(figure: &Figure, ours: bool) -> String {
    let time = figure.millis.or(figure.micros).unwrap_or(f64::NAN);
    let time = if time < 100.0 { format!("{time:.1}") } else { format!("{time:.0}") };
    if ours { time } else { format!("{time} ({:.1} x)", figure.ratio) }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Puts the tables into the document.
pub fn write(tables: &str) -> Result<(), String> {
    let path = paths::at(DOCUMENT);
    let text = shell::read(&path)?;
    let (Some((before, _)), Some((_, after))) = (text.split_once(START), text.split_once(END)) else {
        return Err(format!("`{DOCUMENT}` has no place for the figures"));
    };
    shell::write(&path, format!("{before}{START}\n\n{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{Figure, check, grouped, tables};

    fn figure(name: &str, ratio: f64, checksum: &str) -> Figure {
        let (place, form) = ("node".to_owned(), "texts".to_owned());
        let (name, checksum) = (name.to_owned(), Some(checksum.to_owned()));
        Figure { place, form, lines: 10, name, micros: Some(12.34), millis: None, ratio, checksum }
    }

    #[test]
    fn a_missed_goal_is_said() {
        let text = tables(&[figure("crm-core", 1.0, "7"), figure("dinero.js", 4.9, "7")], &[]);
        assert!(text.contains("| 10 | 12.3 | 12.3 (4.9 x) |"), "{text}");
        assert!(text.contains("| at least 5 x dinero.js at 10 lines | 4.9 (10) | **missed** |"), "{text}");
        let text = tables(&[figure("crm-core", 1.0, "7"), figure("dinero.js", 5.0, "7")], &[]);
        assert!(text.contains("| 5.0 (10) | met |"), "{text}");
    }

    #[test]
    fn a_contender_that_computed_something_else_is_refused() {
        assert!(check(&[figure("crm-core", 1.0, "7"), figure("dinero.js", 4.9, "7"), figure("zen", 9.0, "8")]).is_ok());
        assert!(check(&[figure("crm-core", 1.0, "7"), figure("dinero.js", 4.9, "8")]).is_err());
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([10, 1_000, 10_000_000].map(grouped), ["10", "1,000", "10,000,000"]);
    }
}
