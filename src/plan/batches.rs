//! How many hosts at once: the arithmetic of a rolling change.

/// Cuts a row into batches of at most `at_once`; 0 means all together.
pub fn batches<T: Clone>(row: &[T], at_once: usize) -> Vec<Vec<T>> {
    if row.is_empty() {
        return Vec::new();
    }
    let size = if at_once == 0 { row.len() } else { at_once };
    row.chunks(size).map(<[T]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn no_batch_is_larger_than_allowed_and_none_is_lost() {
        assert_eq!(batches(&[1, 2, 3], 1), vec![vec![1], vec![2], vec![3]]);
        assert_eq!(batches(&[1, 2, 3], 2), vec![vec![1, 2], vec![3]]);
        assert_eq!(batches(&[1, 2, 3], 0), vec![vec![1, 2, 3]]);
        assert_eq!(batches::<u8>(&[], 0), Vec::<Vec<u8>>::new());
    }
}
