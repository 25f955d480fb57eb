//! The inner loop: counts and exact sums by code, over columns as they lie in memory.
//!
//! Rows go in blocks. A block whose codes and amounts are small, the usual case, is added up in 64 bits through four interleaved
//! tables, so that neighbouring rows of one code do not wait for each other; any other block is added up in 128 bits, checked.

use super::figures::overflow;
use crate::base::error::Result;

/// Rows of a block: with amounts below 2^50 no 64-bit sum of a block can overflow.
const BLOCK: usize = 4096;
/// Amounts below this are small.
const SMALL: u64 = 1 << 50;
/// Codes below this are small.
const CODES: usize = 256;
const LANES: usize = 4;

/// A code of a dictionary-coded column.
pub trait Key: Copy {
    /// The code as a place; a negative one is beyond every dictionary.
    fn place(self) -> usize;
}

/// The digits of an amount.
pub trait Digits: Copy {
    /// All bits that any of the magnitudes has, or the largest number when they pass 64 bits.
    fn bits(block: &[Self]) -> u64;
    /// The digits in 64 bits, when they are small.
    fn small(self) -> i64;
    /// The digits.
    fn wide(self) -> i128;
}

macro_rules! keys {
    ($($type:ty)*) => { $(impl Key for $type {
        #[inline]
        fn place(self) -> usize {
            usize::try_from(self).unwrap_or(usize::MAX)
        }
    })* };
}

keys!(u8 i8 u16 i16 u32 i32 u64 i64);

macro_rules! narrow {
    ($($type:ty)*) => { $(impl Digits for $type {
        #[inline]
        fn bits(block: &[Self]) -> u64 {
            let all = block.iter().fold(0, |bits: $type, digits| bits | (digits ^ (digits >> (<$type>::BITS - 1))));
            u64::try_from(all).unwrap_or(u64::MAX)
        }

        #[inline]
        fn small(self) -> i64 {
            i64::from(self)
        }

        #[inline]
        fn wide(self) -> i128 {
            i128::from(self)
        }
    })* };
}

narrow!(i8 i16 i32 i64);

impl Digits for i128 {
    #[inline]
    fn bits(block: &[Self]) -> u64 {
        let all = block.iter().fold(0, |bits, digits| bits | (digits ^ (digits >> 127)));
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "only called when the digits fit")]
    fn small(self) -> i64 {
        self as i64
    }

    #[inline]
    fn wide(self) -> i128 {
        self
    }
}

/// Counts and sums, one a code.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// How many rows have the code.
    pub counts: Vec<u64>,
    /// What their amounts add up to.
    pub sums: Vec<i128>,
    /// How many rows have no code, or one beyond the dictionary.
    pub outside: u64,
}

impl Tally {
    /// A tally of codes below a number.
    pub fn new(codes: usize) -> Self {
        Tally { counts: vec![0; codes], sums: vec![0; codes], outside: 0 }
    }

    /// Adds rows: one code and one amount each.
    ///
    /// # Errors
    /// `decimal_overflow` when a sum passes 127 bits.
    pub fn add<K: Key, D: Digits>(&mut self, keys: &[K], amounts: &[D]) -> Result<()> {
        for (keys, amounts) in keys.chunks(BLOCK).zip(amounts.chunks(BLOCK)) {
            let largest = keys.iter().fold(0, |most, key| key.place().max(most));
            if largest < self.counts.len().min(CODES) && D::bits(amounts) < SMALL {
                self.add_small(keys, amounts, largest)?;
            } else {
                keys.iter()
                    .zip(amounts)
                    .try_for_each(|(key, amount)| self.add_row(key.place(), Some(amount.wide())))?;
            }
        }
        Ok(())
    }

    /// Adds one row; its amount may be missing.
    ///
    /// # Errors
    /// `decimal_overflow` when the sum passes 127 bits.
    pub fn add_row(&mut self, place: usize, amount: Option<i128>) -> Result<()> {
        let (Some(count), Some(sum)) = (self.counts.get_mut(place), self.sums.get_mut(place)) else {
            self.outside = self.outside.saturating_add(1);
            return Ok(());
        };
        *count = count.saturating_add(1);
        if let Some(amount) = amount {
            *sum = sum.checked_add(amount).ok_or_else(|| overflow("sum"))?;
        }
        Ok(())
    }

    /// Every code is below `CODES` and every amount below `SMALL`.
    fn add_small<K: Key, D: Digits>(&mut self, keys: &[K], amounts: &[D], largest: usize) -> Result<()> {
        let mut lanes = [[(0_u64, 0_i64); CODES]; LANES];
        let [a, b, c, d] = &mut lanes;
        let mut rows = keys.chunks_exact(LANES).zip(amounts.chunks_exact(LANES));
        let put = |lane: &mut [(u64, i64); CODES], key: K, amount: D| {
            // The mask changes nothing; it tells the compiler that the place is inside.
            if let Some(slot) = lane.get_mut(key.place() & (CODES - 1)) {
                slot.0 = slot.0.wrapping_add(1);
                slot.1 = slot.1.wrapping_add(amount.small());
            }
        };
        for (keys, amounts) in rows.by_ref() {
            if let ([k0, k1, k2, k3], [m0, m1, m2, m3]) = (keys, amounts) {
                put(a, *k0, *m0);
                put(b, *k1, *m1);
                put(c, *k2, *m2);
                put(d, *k3, *m3);
            }
        }
        let done = keys.len().min(amounts.len()) / LANES * LANES;
        for (key, amount) in keys.iter().zip(amounts).skip(done) {
            put(a, *key, *amount);
        }
        let totals = self.counts.iter_mut().zip(&mut self.sums).take(largest.saturating_add(1));
        for (place, (count, sum)) in totals.enumerate() {
            for (rows, part) in lanes.iter().filter_map(|lane| lane.get(place)) {
                *count = count.saturating_add(*rows);
                *sum = sum.checked_add(i128::from(*part)).ok_or_else(|| overflow("sum"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(keys: &[u32], amounts: &[i64], codes: usize) -> Tally {
        let mut tally = Tally::new(codes);
        for (key, amount) in keys.iter().zip(amounts) {
            tally.add_row(key.place(), Some(i128::from(*amount))).unwrap();
        }
        tally
    }

    #[test]
    fn blocks_agree_with_single_rows() {
        let rows = 3 * BLOCK + 7;
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let keys: Vec<u32> = (0..rows).map(|_| u32::try_from(next() % 9).unwrap()).collect();
        let mut amounts: Vec<i64> = (0..rows).map(|_| i64::try_from(next()).unwrap() - (1 << 30)).collect();
        // One amount is large, in the second block alone; code 8 is beyond the dictionary.
        amounts[BLOCK + 5] = i64::MAX;
        let expected = plain(&keys, &amounts, 8);
        let mut tally = Tally::new(8);
        tally.add(&keys, &amounts).unwrap();
        assert_eq!(tally, expected);
        let wide: Vec<i128> = amounts.iter().map(|a| i128::from(*a)).collect();
        let short: Vec<i8> = keys.iter().map(|k| if *k == 8 { -1 } else { i8::try_from(*k).unwrap() }).collect();
        let mut tally = Tally::new(8);
        tally.add(&short, &wide).unwrap();
        assert_eq!(tally, expected);
        let few: Vec<u32> = keys.iter().map(|k| k % 8).collect();
        let mut tally = Tally::new(8);
        tally.add(&few, &amounts).unwrap();
        assert_eq!(tally, plain(&few, &amounts, 8));
    }

    #[test]
    fn sums_beyond_127_bits_are_refused() {
        let mut tally = Tally::new(1);
        assert_eq!(tally.add(&[0_u8, 0], &[i128::MAX, 1]).unwrap_err().code(), "decimal_overflow");
    }
}
