//! "Did you mean": the known word nearest to one that is not known.

/// Returns the candidate that the word was most likely meant to be; none when nothing is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let letters = wanted.chars().count();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let longer = letters.max(candidate.chars().count());
            *distance <= (longer / 3).max(1) && *distance < longer
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let keys = ["address", "roles", "ssh", "limits"];
        assert_eq!(nearest("adress", keys), Some("address"));
        assert_eq!(nearest("rolse", keys), Some("roles"));
        assert_eq!(nearest("app3", ["app1", "db1"]), Some("app1"));
        assert_eq!(nearest("数据库2", ["数据库1", "app1"]), Some("数据库1"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("x", keys), None);
    }
}
