//! Goals of a load test as people write them: `login-p99=2s`. Pure.

use crate::base::duration;
use crate::record::{Attempts, Goal, LoadResult, Measured, Times, Which};

const ALL: [(Measured, &str, &str, f64); 6] = [
    (Measured::Login, "login", "login", 2000.0),
    (Measured::Delivery, "delivery", "delivery", 1000.0),
    (Measured::Group, "group", "delivery to a group", 1000.0),
    (Measured::History, "history", "history after an absence", 5000.0),
    (Measured::Upload, "upload", "file", 5000.0),
    (Measured::Reconnect, "reconnect", "gap", 30_000.0),
];

const WHICH: [(Which, &str); 4] =
    [(Which::P50, "p50"), (Which::P95, "p95"), (Which::P99, "p99"), (Which::Max, "max")];

/// Goals that hold unless somebody names another for the same time: 99 of 100.
fn usual_goals() -> Vec<Goal> {
    ALL.map(|(of, _, _, most_ms)| Goal { of, which: Which::P99, most_ms }).into()
}

/// Reads `login-p99=2s`.
pub fn read_goal(text: &str) -> Result<Goal, String> {
    let (name, time) =
        text.split_once('=').ok_or_else(|| format!("`{text}` is no goal such as login-p99=2s"))?;
    let wrong = || {
        let names: Vec<&str> = ALL.iter().map(|(_, name, _, _)| *name).collect();
        format!("`{name}` is no goal; there are {}, each with -p50, -p95, -p99 or -max", names.join(", "))
    };
    let (of, which) = name.trim().rsplit_once('-').ok_or_else(wrong)?;
    let of = ALL.iter().find(|(_, known, _, _)| *known == of).ok_or_else(wrong)?.0;
    let which = WHICH.iter().find(|(_, known)| *known == which).ok_or_else(wrong)?.0;
    let time = duration(time).map_err(|cause| cause.to_string())?;
    if time.is_zero() {
        return Err(format!("`{text}`: nothing is done within no time"));
    }
    Ok(Goal { of, which, most_ms: time.as_secs_f64() * 1000.0 })
}

/// The usual goals, with what was asked for in the place of those of the same time. While a node is away messages wait for
/// their readers: then there is no usual goal for them.
pub fn goals(asked: &[Goal], a_node_goes: bool) -> Vec<Goal> {
    let mut all = usual_goals();
    all.retain(|goal| !(a_node_goes && goal.of == Measured::Delivery));
    for goal in asked {
        all.retain(|one| !(one.of == goal.of && one.which == goal.which));
        all.push(goal.clone());
    }
    all
}

/// What a run was judged by.
pub(super) fn of_run(result: &LoadResult) -> Vec<Goal> {
    if result.goals.is_empty() { usual_goals() } else { result.goals.clone() }
}

/// Milliseconds that 99 of 100 of a run might take at most; none when it had no such goal.
pub fn goal_p99(result: &LoadResult, of: Measured) -> Option<f64> {
    of_run(result).iter().find(|goal| goal.of == of && goal.which == Which::P99).map(|goal| goal.most_ms)
}

/// What was missed, in words; none when it was met, or nothing of the kind was done.
pub(super) fn missed(goal: &Goal, result: &LoadResult) -> Option<String> {
    let Attempts { times: history, .. } = &result.history;
    let times: &Times = match goal.of {
        Measured::Login => &result.logins.times,
        Measured::Delivery => &result.messages.times,
        Measured::Group => &result.groups,
        Measured::History => history,
        Measured::Upload => &result.uploads.times,
        Measured::Reconnect => &result.gaps.times,
    };
    let took = match goal.which {
        Which::P50 => times.p50,
        Which::P95 => times.p95,
        Which::P99 => times.p99,
        Which::Max => times.max,
    };
    let words = ALL.iter().find(|(of, _, _, _)| *of == goal.of).map_or("", |(_, _, words, _)| words);
    let which = WHICH.iter().find(|(which, _)| *which == goal.which).map_or("", |(_, name)| name);
    (took > goal.most_ms).then(|| format!("{words} {which} {took:.0} ms, at most {:.0}", goal.most_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_read_as_people_write_them_and_take_the_place_of_the_usual_ones() {
        let goal = read_goal("delivery-p95=250ms").unwrap();
        assert_eq!((goal.of, goal.which, goal.most_ms), (Measured::Delivery, Which::P95, 250.0));
        assert_eq!(goals(std::slice::from_ref(&goal), false).len(), 7);
        assert_eq!(goals(&[goal], true).len(), 6);
        let strict = goals(&[read_goal("login-p99=1s").unwrap()], false);
        assert_eq!(strict.len(), 6);
        let result = LoadResult {
            logins: crate::record::Logins {
                times: Times { p99: 1500.0, ..Times::default() },
                ..Default::default()
            },
            ..LoadResult::default()
        };
        let found: Vec<String> = strict.iter().filter_map(|goal| missed(goal, &result)).collect();
        assert_eq!(found, ["login p99 1500 ms, at most 1000"]);
        assert!(usual_goals().iter().all(|goal| missed(goal, &result).is_none()));
    }

    #[test]
    fn what_is_no_goal_is_refused_with_what_there_is() {
        for wrong in ["login", "login=2s", "login-p98=2s", "mail-p99=2s", "login-p99=fast", "login-p99=0s"] {
            let said = read_goal(wrong).unwrap_err();
            assert!(!said.is_empty(), "{wrong}");
        }
        assert!(read_goal("mail-p99=2s").unwrap_err().contains("history, upload, reconnect"));
    }
}
