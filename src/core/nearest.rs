//! The nearest right spelling of a word, or nothing when no word is near.
//!
//! Case, `_` and `-` do not count, so that `taskDefinition` finds `task_definition`; otherwise one slip in three
//! letters is forgiven. **Invariant:** never guesses: a far word is worse than none.

/// The word of `known` that `found` most likely meant. The first of several equally near words wins.
pub fn nearest<S: AsRef<str>>(found: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let plain = fold(found);
    known
        .into_iter()
        .filter_map(|word| slips(&plain, word.as_ref()).map(|slips| (slips, word)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word.as_ref().to_owned())
}

/// How many slips lie between `plain` and `word`, if they are few enough to be one.
fn slips(plain: &str, word: &str) -> Option<usize> {
    let word = fold(word);
    let slips = strsim::damerau_levenshtein(plain, &word);
    let longest = plain.chars().count().max(word.chars().count());
    (slips <= longest / 3).then_some(slips)
}

fn fold(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let check = |found: &str, expect: Option<&str>| {
            let known = ["cluster", "service", "task_definition", "values"];
            assert_eq!(nearest(found, known).as_deref(), expect, "for {found:?}");
        };
        check("clutser", Some("cluster"));
        check("clusters", Some("cluster"));
        check("taskDefinition", Some("task_definition"));
        check("TASK-DEFINITION", Some("task_definition"));
        check("vaules", Some("values"));
        check("value", Some("values"));
        check("clstr", Some("cluster"));
        check("image", None);
        check("", None);
        check("x", None);
    }
}
