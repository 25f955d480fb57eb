//! Text that comes from outside: limits, clipping for messages, suggestions for misspelt names.

/// The longest piece of foreign text that an error message repeats.
pub const CLIP: usize = 60;

/// Cuts foreign text for a message, on a character boundary, and turns control characters into spaces.
pub fn clip(text: &str) -> String {
    let mut out: String = text.chars().take(CLIP).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(CLIP).is_some() {
        out.push('…');
    }
    out
}

/// Folds case for comparing and indexing: Unicode lower case, character by character.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Gives the known name nearest to a misspelt one, when it is near enough to be worth proposing.
///
/// Distance is Damerau's (insert, delete, replace, swap of neighbours) over case-folded text; at most a third of the name may differ.
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = fold(name).chars().take(CLIP).collect();
    let limit = (wanted.len() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&wanted, &fold(candidate).chars().collect::<Vec<_>>()), candidate))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        for (j, cb) in b.iter().enumerate() {
            let at = |r: &[usize], k: usize| r.get(k).copied().unwrap_or(usize::MAX / 2);
            let j1 = j.saturating_add(1);
            let replace = at(&row, j).saturating_add(usize::from(ca != cb));
            let mut best = replace.min(at(&row, j1).saturating_add(1)).min(at(&next, j).saturating_add(1));
            let swapped =
                i > 0 && j > 0 && a.get(i.wrapping_sub(1)) == Some(cb) && b.get(j.wrapping_sub(1)) == Some(ca);
            if swapped {
                best = best.min(at(&before, j.wrapping_sub(1)).saturating_add(1));
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_proposed_and_far_ones_are_not() {
        let known = ["quantity", "unit_price", "discount_percent"];
        assert_eq!(suggest("quantiy", known), Some("quantity"));
        assert_eq!(suggest("quantiyt", known), Some("quantity"));
        assert_eq!(suggest("unitPrice", known), Some("unit_price"));
        assert_eq!(suggest("colour", known), None);
    }

    #[test]
    fn clipping_keeps_one_line() {
        assert_eq!(clip("a\nb"), "a b");
        assert!(clip(&"x".repeat(100)).chars().count() == CLIP + 1);
    }
}
