//! The two languages of the demo, and how numbers read in them.

/// The language of everything that the demo prints and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

impl Lang {
    /// Reads the `--lang` option; English when there is none.
    pub fn read(option: Option<&str>) -> Result<Self, String> {
        match option {
            None | Some("en") => Ok(Lang::English),
            Some("zh") => Ok(Lang::Chinese),
            Some(other) => Err(format!("unknown language `{other}`, choose `en` or `zh`")),
        }
    }

    /// The one of two wordings that is in this language.
    pub fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Lang::English => english,
            Lang::Chinese => chinese,
        }
    }

    /// The language's tag.
    pub fn tag(self) -> &'static str {
        self.pick("en", "zh")
    }

    /// A dash that stands for nothing to show.
    pub fn none(self) -> &'static str {
        self.pick("none", "无")
    }
}

/// A count with thousands separators.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// An amount with thousands separators, without a fraction of zeros: `10005534.00` reads `10,005,534`.
pub fn amount(decimal: impl std::fmt::Display) -> String {
    let text = decimal.to_string();
    let Some((whole, fraction)) = text.split_once('.') else { return grouped(&text) };
    if fraction.chars().all(|digit| digit == '0') { grouped(whole) } else { format!("{}.{fraction}", grouped(whole)) }
}

fn grouped(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How many columns of a terminal a text takes: Chinese characters take two.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if ('\u{2e80}'..='\u{ffef}').contains(&c) { 2 } else { 1 }).sum()
}

/// A text filled up with blanks on its right.
pub fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A text filled up with blanks on its left.
pub fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_empty_fractions_dropped() {
        assert_eq!(amount("10005534.00"), "10,005,534");
        assert_eq!(amount("-1234.50"), "-1,234.50");
        assert_eq!((count(500), count(8800)), ("500".to_owned(), "8,800".to_owned()));
    }

    #[test]
    fn chinese_characters_take_two_columns() {
        assert_eq!((left("赢单", 6), right("won", 5)), ("赢单  ".to_owned(), "  won".to_owned()));
    }
}
