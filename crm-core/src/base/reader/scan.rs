//! Going through JSON text: bytes, words, numbers, texts, and what is inside brackets.

use std::borrow::Cow;
use std::fmt::{self, Display};

/// What a text is refused for.
#[derive(Debug)]
pub struct Fault(Box<Message>);

#[derive(Debug)]
struct Message {
    text: String,
}

impl Fault {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(text: &dyn Display) -> Self {
        Fault(Box::new(Message { text: text.to_string() }))
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// An integer outside what a type holds.
    #[cold]
    #[inline(never)]
    pub(crate) fn outside(number: i128, wanted: &str) -> Self {
        Fault::new(&format_args!("invalid value: integer `{number}`, expected {wanted}"))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn missing(field: &str) -> Self {
        Fault::new(&format_args!("missing field `{field}`"))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn duplicate(field: &str) -> Self {
        Fault::new(&format_args!("duplicate field `{field}`"))
    }
}

/// Where the reading stands in a text.
pub struct Reader<'de> {
    pub(super) text: &'de str,
    pub(super) at: usize,
    pub(super) room: u8,
}

pub(crate) enum Number {
    Natural(u64),
    Negative(i64),
    Fraction,
}

impl<'de> Reader<'de> {
    #[cold]
    #[inline(never)]
    pub(super) fn placed(&self, fault: Fault) -> Fault {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        let column = before.len().saturating_sub(before.rfind('\n').map_or(0, |end| end.saturating_add(1)));
        Fault::new(&format_args!("{fault} at line {line} column {column}"))
    }

    #[inline]
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(super) fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// The next byte that is no white space; nought at the end.
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.step(),
                other => return other.unwrap_or(0),
            }
        }
    }

    /// Goes past a byte if it stands here.
    pub(super) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == wanted;
        if found {
            self.step();
        }
        found
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn expected(&self, what: &str) -> Fault {
        Fault::new(&format_args!("expected {what}"))
    }

    /// Says what stands here instead of what is wanted.
    #[cold]
    #[inline(never)]
    pub(crate) fn mismatch(&mut self, what: &str) -> Fault {
        let kind = match self.peek() {
            b'{' => return self.expected_not("map", what),
            b'[' => return self.expected_not("sequence", what),
            b'n' => return self.expected_not("null", what),
            b'"' => "string ",
            b't' | b'f' => "boolean ",
            b'-' | b'0'..=b'9' => "integer ",
            _ => return self.expected(what),
        };
        match self.skip() {
            Ok(text) if text.starts_with('"') => self.expected_not(&[kind, text].concat(), what),
            Ok(text) => self.expected_not(&[kind, "`", text, "`"].concat(), what),
            Err(fault) => fault,
        }
    }

    pub(super) fn expected_not(&self, found: &str, what: &str) -> Fault {
        Fault::new(&format_args!("invalid type: {found}, expected {what}"))
    }

    pub(super) fn need(&mut self, wanted: u8, what: &str) -> Result<(), Fault> {
        if self.take(wanted) { Ok(()) } else { Err(self.expected(what)) }
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.peek();
        if self.at < self.text.len() { Err(self.placed(Fault::new(&"trailing characters"))) } else { Ok(()) }
    }

    pub(crate) fn word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.expected(word));
        }
        self.at = self.at.saturating_add(word.len());
        Ok(())
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Fault> {
        let flag = self.peek() == b't';
        self.word(if flag { "true" } else { "false" }).map(|()| flag)
    }

    pub(super) fn digits(&mut self) -> Result<(), Fault> {
        if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.expected("a digit"));
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.step();
        }
        Ok(())
    }

    pub(crate) fn number(&mut self) -> Result<Number, Fault> {
        let negative = self.take(b'-');
        let start = self.at;
        self.digits()?;
        let whole = self.text.get(start..self.at).unwrap_or_default();
        if whole.len() > 1 && whole.starts_with('0') {
            return Err(self.expected("a number without a leading zero"));
        }
        let mut is_whole = true;
        if self.byte() == Some(b'.') {
            self.step();
            self.digits()?;
            is_whole = false;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.step();
            if let Some(b'+' | b'-') = self.byte() {
                self.step();
            }
            self.digits()?;
            is_whole = false;
        }
        let natural = if is_whole { whole.parse::<u64>().ok() } else { None };
        Ok(match natural {
            Some(natural) if !negative => Number::Natural(natural),
            // Minus zero is a float elsewhere too.
            Some(natural) if natural > 0 => {
                0_i64.checked_sub_unsigned(natural).map_or(Number::Fraction, Number::Negative)
            }
            _ => Number::Fraction,
        })
    }

    /// Goes past a text.
    pub(super) fn pass_text(&mut self) -> Result<(), Fault> {
        self.need(b'"', "a string")?;
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let ends = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < b' ';
            let Some(length) = rest.iter().position(ends) else {
                self.at = bytes.len();
                return Err(self.expected("the end of a string"));
            };
            self.at = self.at.saturating_add(length);
            match self.byte() {
                Some(b'"') => {
                    self.step();
                    return Ok(());
                }
                Some(b'\\') => self.pass_escape()?,
                _ => return Err(self.expected("no control character in a string")),
            }
        }
    }

    pub(super) fn pass_escape(&mut self) -> Result<(), Fault> {
        self.step();
        let digits = match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0_usize,
            Some(b'u') => 4,
            _ => return Err(self.expected("an escape")),
        };
        self.step();
        for _ in 0..digits {
            if !self.byte().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return Err(self.expected("a hexadecimal digit"));
            }
            self.step();
        }
        Ok(())
    }

    pub(crate) fn text(&mut self) -> Result<Cow<'de, str>, Fault> {
        if self.peek() != b'"' {
            return Err(self.mismatch("a string"));
        }
        // A text without an escape, the usual case, is looked through once.
        let start = self.at.saturating_add(1);
        let rest = self.text.get(start..).unwrap_or_default();
        if let Some(length) = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')
            && let Some((text, rest)) = rest.split_at_checked(length)
            && rest.starts_with('"')
        {
            self.at = start.saturating_add(length).saturating_add(1);
            return Ok(Cow::Borrowed(text));
        }
        let start = self.at;
        self.pass_text()?;
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(quoted).map(Cow::Owned).map_err(|error| Fault::new(&error))
    }

    /// Goes past any value and gives its text.
    pub(crate) fn skip(&mut self) -> Result<&'de str, Fault> {
        self.peek();
        let start = self.at;
        // The closing brackets that are still to come.
        let mut open = Vec::new();
        loop {
            let bracket = match self.peek() {
                b'{' => b'}',
                b'[' => b']',
                _ => 0,
            };
            if bracket == 0 {
                self.skip_plain()?;
            } else {
                self.step();
                open.push(bracket);
            }
            let mut is_first = bracket != 0;
            loop {
                let Some(close) = open.last().copied() else {
                    return Ok(self.text.get(start..self.at).unwrap_or_default());
                };
                if !self.more(close, &mut is_first)? {
                    open.pop();
                    is_first = false;
                    continue;
                }
                if close == b'}' {
                    self.pass_text()?;
                    self.need(b':', "`:`")?;
                }
                break;
            }
        }
    }

    pub(super) fn skip_plain(&mut self) -> Result<(), Fault> {
        match self.peek() {
            b'"' => self.pass_text(),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            b't' | b'f' => self.flag().map(drop),
            _ => self.word("null"),
        }
    }

    /// Says whether something stands before the closing bracket, and goes past the comma before it or past the bracket.
    pub(super) fn more(&mut self, close: u8, is_first: &mut bool) -> Result<bool, Fault> {
        if self.take(close) {
            return Ok(false);
        }
        if !std::mem::take(is_first) {
            self.need(b',', "`,` or the end")?;
        }
        Ok(true)
    }

    pub(super) fn open(&mut self, bracket: u8) -> Result<Inside<'_, 'de>, Fault> {
        if !self.take(bracket) {
            return Err(self.mismatch(if bracket == b'{' { "a map" } else { "a sequence" }));
        }
        self.room = self.room.checked_sub(1).ok_or_else(|| Fault::new(&"recursion limit exceeded"))?;
        // `{` and `}` are two apart, and so are `[` and `]`.
        Ok(Inside { reader: self, close: bracket.saturating_add(2), is_first: true, ended: false, names: &[], next: 0 })
    }
}

/// What is inside brackets.
pub(super) struct Inside<'r, 'de> {
    pub(super) reader: &'r mut Reader<'de>,
    pub(super) close: u8,
    pub(super) is_first: bool,
    pub(super) ended: bool,
    /// The names of a struct's fields.
    pub(super) names: &'static [&'static str],
    /// The field that comes next where they stand in their order.
    pub(super) next: usize,
}

impl<'de> Inside<'_, 'de> {
    pub(super) fn more(&mut self) -> Result<bool, Fault> {
        if self.ended {
            return Ok(false);
        }
        let more = self.reader.more(self.close, &mut self.is_first)?;
        self.ended = !more;
        Ok(more)
    }

    pub(super) fn name(&mut self) -> Result<Cow<'de, str>, Fault> {
        self.reader.peek();
        let name = self.reader.text()?;
        self.reader.need(b':', "`:`")?;
        Ok(name)
    }

    pub(super) fn place(&mut self, name: &str) -> Option<usize> {
        let place = match self.names.get(self.next) {
            Some(next) if *next == name => Some(self.next),
            _ => place(self.names, name),
        };
        self.next = place.map_or(self.next, |place| place.saturating_add(1));
        place
    }

    pub(super) fn close(mut self) -> Result<(), Fault> {
        if self.more()? {
            return Err(self.reader.expected("the end"));
        }
        self.reader.room = self.reader.room.saturating_add(1);
        Ok(())
    }
}

pub(super) fn place(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}
