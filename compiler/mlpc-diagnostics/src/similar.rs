//! Near misses: "did you mean".

/// The candidate nearest to `name`, if one is near enough to be a slip of the hand.
///
/// Distance is optimal string alignment (insert, delete, replace, swap neighbours); at most a third of the name's
/// length, at least one. A name of one letter is near to the same letter in the other case only.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = if length > 1 { (length / 3).max(1) } else { 0 };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` and `c`: names in backticks, joined for a sentence.
pub fn list_words<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((tail, head)) => format!("{} {last} {tail}", head.join(", ")),
    }
}

fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let width = right.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    for (row, a) in left.iter().enumerate() {
        let mut current = vec![row + 1; width];
        for (column, b) in right.iter().enumerate() {
            let replace = above.get(column).copied().unwrap_or(0) + usize::from(a != b);
            let delete = above.get(column + 1).copied().unwrap_or(0) + 1;
            let insert = current.get(column).copied().unwrap_or(0) + 1;
            let mut best = replace.min(delete).min(insert);
            let swapped = row > 0 && column > 0 && left.get(row - 1) == Some(b) && right.get(column - 1) == Some(a);
            if swapped {
                best = best.min(before.get(column - 1).copied().unwrap_or(0) + 1);
            }
            if let Some(cell) = current.get_mut(column + 1) {
                *cell = best;
            }
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        assert_eq!(did_you_mean("spceies", ["species", "island"]), Some("species"));
        assert_eq!(did_you_mean("bil_length", ["bill_length", "bill_depth"]), Some("bill_length"));
        assert_eq!(did_you_mean("weight", ["species", "island"]), None);
        assert_eq!(did_you_mean("z", ["x", "Z"]), Some("Z"));
        assert_eq!(did_you_mean("z", ["x", "y"]), None);
    }

    #[test]
    fn words_are_joined_as_in_a_sentence() {
        assert_eq!(list_words(["a"], "or"), "`a`");
        assert_eq!(list_words(["a", "b", "c"], "or"), "`a`, `b` or `c`");
    }
}
