//! Sorting and gathering into maps, each once for all types: a sort of its own for every type would be a tenth of the WebAssembly builds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The places `0..count`, ordered by a comparison of places; equal ones keep their order.
///
/// A merge sort, because those of the standard library bring several kilobytes each.
pub(crate) fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    let mut merged = Vec::with_capacity(count);
    let mut width = 1_usize;
    while width < count {
        merged.clear();
        for pair in places.chunks(width.saturating_mul(2)) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            let is_sorted = left.last().zip(right.first()).is_none_or(|(a, b)| compare(*a, *b).is_le());
            while let (false, [a, behind_a @ ..], [b, behind_b @ ..]) = (is_sorted, left, right) {
                if compare(*b, *a).is_lt() {
                    merged.push(*b);
                    right = behind_b;
                } else {
                    merged.push(*a);
                    left = behind_a;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut places, &mut merged);
        width = width.saturating_mul(2);
    }
    places
}

/// Sorts items; equal ones keep their order.
#[cfg(any(test, feature = "store"))]
pub(crate) fn sort<T>(items: &mut Vec<T>, compare: &dyn Fn(&T, &T) -> Ordering) {
    let places = order(items.len(), &|a, b| match (items.get(a), items.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    let mut taken: Vec<Option<T>> = items.drain(..).map(Some).collect();
    for place in places {
        items.extend(taken.get_mut(place).and_then(Option::take));
    }
}

/// Gathers a map entry by entry; to collect one would sort its entries first.
pub(crate) fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        map.insert(key, value);
    }
    map
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{order, sort};

    proptest! {
        #[test]
        fn items_are_sorted_and_equal_ones_keep_their_order(keys in proptest::collection::vec(0_u8..12, 0..200)) {
            let mut wanted: Vec<(u8, usize)> = keys.iter().copied().zip(0..).collect();
            let mut found = wanted.clone();
            wanted.sort_by_key(|(key, _)| *key);
            sort(&mut found, &|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(&found, &wanted);
            let places = order(keys.len(), &|a, b| keys[a].cmp(&keys[b]));
            prop_assert_eq!(places, wanted.into_iter().map(|(_, place)| place).collect::<Vec<_>>());
        }
    }
}
