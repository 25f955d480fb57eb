//! Sorting and gathering into maps, each once for all types: a sort of its own for every type would be a tenth of the WebAssembly builds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The places `0..count`, ordered by a comparison of places; equal ones keep their order.
pub(crate) fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_unstable_by(|a, b| compare(*a, *b).then(a.cmp(b)));
    places
}

/// Gathers a map entry by entry; to collect one would sort its entries first.
pub(crate) fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        map.insert(key, value);
    }
    map
}
