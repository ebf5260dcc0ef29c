//! What is drawn of a load test and of the scan's areas.

use super::bars::{Bar, Scale, bars};
use super::view::{LoadRow, ScanView};
use super::words::Words;
use crate::checks::goal_p99;
use crate::record::{Measured, Times};
use serde::Serialize;

/// Milliseconds as people say them.
pub(super) fn ms(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.1} s", value / 1000.0),
        value if value >= 100.0 => format!("{value:.0} ms"),
        value => format!("{value:.1} ms"),
    }
}

/// What is drawn of one kind of thing that took time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    /// What took time.
    title: String,
    /// On average.
    mean: String,
    /// The goal in words; empty = the run had none.
    goal: String,
    /// Bars of the times that half, 95, 99 of 100 and all took at most.
    drawing: String,
}

fn figure(times: &Times, goal: Option<f64>, title: &str, words: &Words) -> Figure {
    let bar = |name: String, amount: f64| Bar { name, amount, light: None, text: ms(amount) };
    let all = [
        bar("p50".to_owned(), times.p50),
        bar("p95".to_owned(), times.p95),
        bar("p99".to_owned(), times.p99),
        bar(words.word("longest"), times.max),
    ];
    let goal = goal.map(|goal| (goal, words.word("goal-p99").replace("{ms}", &ms(goal))));
    let said = goal.as_ref().map(|(_, said)| said.clone()).unwrap_or_default();
    let title = words.word(title);
    let drawing = bars(&all, &Scale { most: None, goal, title: title.clone() });
    Figure { title, mean: ms(times.mean), goal: said, drawing }
}

/// Everything of a load test that took time, each with the goal that the run had.
pub(super) fn figures(row: &LoadRow, words: &Words) -> Vec<Figure> {
    let result = &row.result;
    let all = [
        (&result.logins.times, Measured::Login, "login-times"),
        (&result.messages.times, Measured::Delivery, "delivery-times"),
        (&result.groups, Measured::Group, "group-times"),
        (&result.history.times, Measured::History, "history-times"),
        (&result.uploads.times, Measured::Upload, "upload-times"),
        (&result.gaps.times, Measured::Reconnect, "gap-times"),
    ];
    let done = all.into_iter().filter(|(times, ..)| times.count > 0);
    done.map(|(times, of, title)| figure(times, goal_p99(result, of), title, words)).collect()
}

/// How busy the hosts of a load test were; empty when none was watched.
pub(super) fn hosts(row: &LoadRow, words: &Words) -> String {
    let hosts: Vec<Bar> = row
        .result
        .hosts
        .iter()
        .map(|(host, load)| Bar {
            name: host.clone(),
            amount: load.cpu.0,
            light: Some(load.cpu.1),
            text: format!("{:.0} / {:.0} %", load.cpu.0, load.cpu.1),
        })
        .collect();
    let scale = Scale { most: Some(100.0), goal: None, title: words.word("hosts-load") };
    if hosts.is_empty() { String::new() } else { bars(&hosts, &scale) }
}

/// The scores of the areas that were judged.
pub(super) fn areas(scan: &ScanView, words: &Words) -> String {
    let bar = |name: &str, score: u32| Bar {
        name: words.known("area-", name),
        amount: f64::from(score),
        light: None,
        text: score.to_string(),
    };
    let all: Vec<Bar> = scan.areas.iter().filter_map(|area| Some(bar(&area.area, area.score?))).collect();
    let scale = Scale { most: Some(100.0), goal: None, title: words.word("areas") };
    if all.is_empty() { String::new() } else { bars(&all, &scale) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Goal, LoadResult, Which};

    #[test]
    fn a_run_is_drawn_with_its_own_goals_and_with_all_that_it_did() {
        let times = |p99| Times { count: 9, p99, ..Times::default() };
        let mut result = LoadResult::default();
        (result.logins.times, result.groups, result.gaps.times) = (times(90.0), times(40.0), times(900.0));
        result.goals = vec![Goal { of: Measured::Login, which: Which::P99, most_ms: 500.0 }];
        let row = LoadRow { result, ..LoadRow::default() };
        let drawn = figures(&row, &Words::of("en"));
        assert_eq!(drawn.len(), 3);
        assert_eq!((drawn[0].goal.as_str(), drawn[1].goal.as_str()), ("goal: p99 ≤ 500 ms", ""));
    }
}
