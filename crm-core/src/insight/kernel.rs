//! The inner loop: counts and exact sums by code, over columns as they lie in memory.
//!
//! Rows go in blocks, through four interleaved tables, so that neighbouring rows of one code do not wait for each other. A slot of a
//! table is one 64-bit number that holds a count above bit 52 and a sum below it: one addition a row. A block whose codes or amounts
//! are too large for that, which its bits tell afterwards, is added up again row by row in 128 bits, checked.

use super::figures::overflow;
use crate::base::error::Result;

/// Rows of a block.
const BLOCK: usize = 4096;
/// Codes below this fit a table.
const CODES: usize = 256;
const LANES: usize = 4;
/// Where the count begins in a slot.
const COUNT: u32 = 52;
/// Amounts of a magnitude below this fit: a lane has at most 1,024 rows of a block, so a slot's sum stays below 2^51.
const SMALL: u64 = 1 << 41;

type Lane = [i64; CODES];

/// A code of a dictionary-coded column.
pub trait Key: Copy {
    /// The code as a place; a negative one is beyond every dictionary.
    fn place(self) -> usize;
}

/// The digits of an amount.
pub trait Digits: Copy {
    /// The digits in 64 bits, the higher ones cut off.
    fn low(self) -> i64;
    /// The bits that are lost by cutting; zero when the low ones say everything.
    fn lost(self) -> u64;
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
        fn low(self) -> i64 {
            i64::from(self)
        }

        #[inline]
        fn lost(self) -> u64 {
            0
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
    fn low(self) -> i64 {
        self as i64
    }

    #[inline]
    fn lost(self) -> u64 {
        (((self >> 64) as i64) ^ (self.low() >> 63)) as u64
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
        let mut lanes = [[0; CODES]; LANES];
        for (keys, amounts) in keys.chunks(BLOCK).zip(amounts.chunks(BLOCK)) {
            let (codes, magnitude, lost) = fill(&mut lanes, keys, amounts);
            if codes < CODES && magnitude < SMALL && lost == 0 {
                self.flush(&mut lanes, codes)?;
            } else {
                lanes = [[0; CODES]; LANES];
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

    /// Takes over what the lanes hold of the codes up to one, and empties them.
    fn flush(&mut self, lanes: &mut [Lane; LANES], last: usize) -> Result<()> {
        for slot in lanes.iter_mut().flat_map(|lane| lane.iter_mut().take(last.saturating_add(1)).enumerate()) {
            let (place, packed) = (slot.0, std::mem::take(slot.1));
            if packed == 0 {
                continue;
            }
            let rows = packed.wrapping_add(1 << (COUNT - 1)) >> COUNT;
            let part = packed.wrapping_sub(rows << COUNT);
            let rows = u64::try_from(rows).unwrap_or(0);
            match (self.counts.get_mut(place), self.sums.get_mut(place)) {
                (Some(count), Some(sum)) => {
                    *count = count.saturating_add(rows);
                    *sum = sum.checked_add(i128::from(part)).ok_or_else(|| overflow("sum"))?;
                }
                _ => self.outside = self.outside.saturating_add(rows),
            }
        }
        Ok(())
    }
}

/// Adds a block's rows to the lanes; tells all bits that any code has, any magnitude, and any part of an amount beyond 64 bits.
fn fill<K: Key, D: Digits>(lanes: &mut [Lane; LANES], keys: &[K], amounts: &[D]) -> (usize, u64, u64) {
    let [a, b, c, d] = lanes;
    let (mut codes, mut magnitude, mut lost) = (0_usize, 0_u64, 0_u64);
    let mut put = |lane: &mut Lane, key: K, amount: D| {
        let (place, low) = (key.place(), amount.low());
        codes |= place;
        magnitude |= (low ^ (low >> 63)) as u64;
        lost |= amount.lost();
        // The mask tells the compiler that the place is inside; what it changes, the bits tell.
        if let Some(slot) = lane.get_mut(place & (CODES - 1)) {
            *slot = slot.wrapping_add(low.wrapping_add(1 << COUNT));
        }
    };
    let mut key_rows = keys.chunks_exact(LANES);
    let mut amount_rows = amounts.chunks_exact(LANES);
    for (keys, amounts) in key_rows.by_ref().zip(amount_rows.by_ref()) {
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
    (codes, magnitude, lost)
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
    fn magnitudes_at_every_bit_are_exact() {
        for bit in 0..127 {
            for value in [1_i128 << bit, -(1_i128 << bit), (1_i128 << bit) - 1] {
                let amounts = vec![value; 9];
                let mut tally = Tally::new(2);
                match value.checked_mul(9) {
                    Some(sum) => {
                        tally.add(&[1_u16; 9], &amounts).unwrap();
                        assert_eq!((tally.counts[1], tally.sums[1]), (9, sum), "bit {bit}");
                    }
                    None => assert!(tally.add(&[1_u16; 9], &amounts).is_err()),
                }
            }
        }
    }

    #[test]
    fn a_full_block_of_the_largest_small_amounts_is_exact() {
        let most = i64::try_from(SMALL).unwrap() - 1;
        for amount in [most, -most - 1] {
            let mut tally = Tally::new(1);
            tally.add(&vec![0_u8; BLOCK], &vec![amount; BLOCK]).unwrap();
            assert_eq!((tally.counts[0], tally.sums[0]), (BLOCK as u64, i128::from(amount) * BLOCK as i128));
        }
    }

    #[test]
    fn sums_beyond_127_bits_are_refused() {
        let mut tally = Tally::new(1);
        assert_eq!(tally.add(&[0_u8, 0], &[i128::MAX, 1]).unwrap_err().code(), "decimal_overflow");
    }
}
