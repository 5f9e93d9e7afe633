//! Forms of what settings of targets say: lists in one text, variables, and names as Kubernetes has them.

/// What stands between commas.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// `A=x, B=y`; `None` where it is not that, or a name comes twice.
pub(super) fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let pairs: Vec<_> =
        items(text).map(|item| item.split_once('=').filter(|(name, _)| !name.is_empty())).collect::<Option<_>>()?;
    let is_once = |(name, _): &(&str, &str)| pairs.iter().filter(|(other, _)| other == name).count() == 1;
    pairs.iter().all(is_once).then_some(pairs)
}

/// Letters, digits and these marks, at least one.
pub(super) fn is_word(text: &str, marks: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || marks.contains(letter))
}

/// The name of a variable that every shell can read.
pub(super) fn is_variable(text: &str) -> bool {
    is_word(text, "_") && !text.starts_with(|letter: char| letter.is_ascii_digit())
}

/// The name of an object of Kubernetes: lower-case letters and digits, with dashes and dots between them.
pub(super) fn is_object(text: &str) -> bool {
    let is_part = |part: &str| {
        let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        !part.is_empty() && part.chars().all(fits) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_part)
}

/// The value of a label, which begins and ends with a letter or digit.
pub(super) fn is_label_value(text: &str) -> bool {
    let is_end = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63 && is_word(text, "_-.") && is_end(text.chars().next()) && is_end(text.chars().next_back())
}

/// The key of a label, or a type of devices: `pool`, `nvidia.com/gpu`.
pub(super) fn is_label_key(text: &str) -> bool {
    let (domain, name) = text.split_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
    domain.is_none_or(is_object) && is_label_value(name)
}

/// The type and the number of `nvidia.com/gpu:1`.
pub(super) fn device(text: &str) -> Option<(&str, &str)> {
    let (kind, count) = text.rsplit_once(':')?;
    let is_count = count.parse::<u32>().is_ok_and(|count| count > 0);
    (is_count && is_label_key(kind)).then_some((kind, count))
}
