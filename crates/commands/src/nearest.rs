//! The nearest of some known words: for "did you mean".

/// Longer than any word that is known, with what may be wrong in it: longer ones are compared with nothing.
const MAX_TYPED: usize = 64;

/// The one of `known` that `typed` most likely was, when it is near enough and no other is as near.
pub fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if typed.chars().nth(MAX_TYPED).is_some() {
        return None;
    }
    let typed = typed.to_lowercase();
    let length = typed.chars().count();
    let tolerated = match length {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let mut best: Option<(usize, &str)> = None;
    let mut alone = true;
    for candidate in known {
        let distance = distance(&typed, &candidate.to_lowercase());
        match best {
            Some((least, other)) if distance == least => alone &= other == candidate,
            Some((least, _)) if distance > least => {}
            _ => (best, alone) = (Some((distance, candidate)), true),
        }
    }
    best.filter(|(distance, _)| alone && *distance <= tolerated && *distance < length).map(|(_, candidate)| candidate)
}

/// How many letters are to be typed, left out, changed or swapped with their neighbour to make `a` of `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, typed) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, wanted) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&last, column) + usize::from(typed != *wanted))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let neighbour = column.checked_sub(1).and_then(|before| b.get(before).map(|letter| (before, letter)));
            if let Some((before, letter)) = neighbour
                && previous == Some(*wanted)
                && typed == *letter
            {
                cost = cost.min(at(&before_last, before) + 1);
            }
            current.push(cost);
        }
        previous = Some(typed);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_any_word_is_compared_with_none() {
        let known = || std::iter::once_with(|| panic!("compared"));
        assert_eq!(nearest(&"x".repeat(MAX_TYPED + 1), known()), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), known()), None);
    }

    #[test]
    fn the_nearest_word_is_found_when_it_is_near_and_alone() {
        let known = ["issue list", "issue view", "project list", "org list"];
        assert_eq!(nearest("issu lst", known), Some("issue list"));
        assert_eq!(nearest("isuse view", known), Some("issue view"));
        assert_eq!(nearest("porject list", known), Some("project list"));
        assert_eq!(nearest("something else", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("bat", ["cat", "hat"]), None);
        assert_eq!(nearest("GLOBEX-ECU", ["globex-eu", "globex-us"]), Some("globex-eu"));
    }

    #[test]
    fn a_swap_is_one_mistake() {
        assert_eq!(distance("lsit", "list"), 1);
        assert_eq!(distance("", "list"), 4);
        assert_eq!(distance("list", ""), 4);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
