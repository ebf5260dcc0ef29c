//! What was done last, from the operator's folder alone.

use crate::cli::Failure;
use crate::state::State;

/// What is told, and the folder whose newest file tells it. Backups are made by the clock too: their age is a figure of the stack.
const DONE: [(&str, &str); 4] =
    [("verify", "results/verify"), ("scan", "results/scan"), ("load", "load"), ("drill", "results/drill")];

/// When each was done last; `none yet` when never.
pub(super) fn last(state: &State) -> Result<Vec<(String, String)>, Failure> {
    let install = state.releases()?.pop().map(|release| {
        format!("{} ({} {})", release.time.strftime("%F %H:%M UTC"), release.stack, release.version)
    });
    let none = || "none yet".to_owned();
    let mut all = vec![("install".to_owned(), install.unwrap_or_else(none))];
    for (what, folder) in DONE {
        let time = state.newest(folder)?.and_then(|name| minute(&name));
        all.push((what.to_owned(), time.unwrap_or_else(none)));
    }
    Ok(all)
}

/// `2026-11-22T12-03-41-2.json` as people say it.
fn minute(name: &str) -> Option<String> {
    let (day, time) = (name.get(..10)?, name.get(11..16)?);
    Some(format!("{day} {} UTC", time.replace('-', ":")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_result_tells_its_time() {
        assert_eq!(minute("2026-11-22T12-03-41-2.json").as_deref(), Some("2026-11-22 12:03 UTC"));
        assert_eq!(minute("x"), None);
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        assert!(last(&state).unwrap().iter().all(|(_, when)| when == "none yet"));
        state.write("results/drill/2026-11-22T12-03-41.json", b"{}").unwrap();
        assert_eq!(last(&state).unwrap()[4], ("drill".to_owned(), "2026-11-22 12:03 UTC".to_owned()));
    }
}
