//! A column with few different values: each row holds a code, the values stand once.

use std::collections::HashMap;
use std::hash::Hash;

/// The code of a row without a value.
pub const NONE: u32 = u32::MAX;

/// A dictionary-coded column.
#[derive(Clone, Debug, PartialEq)]
pub struct Coded<T> {
    values: Vec<T>,
    codes: Vec<u32>,
}

impl<T> Coded<T> {
    /// A column of rows without values.
    pub fn empty(rows: usize) -> Self {
        Coded { values: Vec::new(), codes: vec![NONE; rows] }
    }

    /// The different values; a row's code is a place among them.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// One code a row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The code of a row, as a place among the values.
    pub fn place(&self, row: usize) -> Option<usize> {
        let code = self.codes.get(row).copied().unwrap_or(NONE);
        if code == NONE { None } else { usize::try_from(code).ok() }
    }

    /// The value of a row.
    pub fn get(&self, row: usize) -> Option<&T> {
        self.values.get(self.place(row)?)
    }

    /// Says whether no row has a value.
    pub fn is_blank(&self) -> bool {
        self.values.is_empty()
    }

    /// The same codes over other values, one for each of the present ones.
    pub fn map<U>(&self, to: impl Fn(&T) -> U) -> Coded<U> {
        Coded { values: self.values.iter().map(to).collect(), codes: self.codes.clone() }
    }
}

/// Fills a coded column row by row.
#[derive(Clone, Debug)]
pub struct Coder<T> {
    /// For looking up alone: the order of the values is that in which they came.
    places: HashMap<T, u32>,
    values: Vec<T>,
    codes: Vec<u32>,
}

impl<T: Eq + Hash + Clone> Default for Coder<T> {
    fn default() -> Self {
        Coder { places: HashMap::new(), values: Vec::new(), codes: Vec::new() }
    }
}

impl<T: Eq + Hash + Clone> Coder<T> {
    /// A coder with room for some rows.
    pub fn with_capacity(rows: usize) -> Self {
        Coder { codes: Vec::with_capacity(rows), ..Coder::default() }
    }

    /// The code of a value.
    pub fn code<Q>(&mut self, value: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(code) = self.places.get(value) {
            return *code;
        }
        // More values than codes cannot be: a row is needed for each, and rows are counted by a smaller number.
        let code = u32::try_from(self.values.len()).unwrap_or(NONE);
        self.places.insert(value.to_owned(), code);
        self.values.push(value.to_owned());
        code
    }

    /// Adds a row.
    pub fn push<Q>(&mut self, value: Option<&Q>)
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        let code = value.map_or(NONE, |v| self.code(v));
        self.codes.push(code);
    }

    /// Adds a row whose code is known.
    pub fn push_code(&mut self, code: u32) {
        self.codes.push(code);
    }

    /// The column.
    pub fn finish(self) -> Coded<T> {
        Coded { values: self.values, codes: self.codes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_code() {
        let mut coder = Coder::<String>::default();
        for value in [Some("a"), None, Some("b"), Some("a")] {
            coder.push(value);
        }
        let column = coder.finish();
        assert_eq!(column.codes(), [0, NONE, 1, 0]);
        assert_eq!((column.get(1), column.get(3).map(String::as_str)), (None, Some("a")));
    }
}
