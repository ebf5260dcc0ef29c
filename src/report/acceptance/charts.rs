//! What is drawn of a load test and of the scan's areas.

use super::bars::{Bar, Scale, bars};
use super::view::{LoadRow, ScanView};
use super::words::Words;
use crate::checks::{DELIVERY_MS, LOGIN_MS};
use crate::record::Times;

/// Milliseconds as people say them.
pub(super) fn ms(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.1} s", value / 1000.0),
        value if value >= 100.0 => format!("{value:.0} ms"),
        value => format!("{value:.1} ms"),
    }
}

/// Bars of the times that half, 95, 99 of 100 and all took at most.
fn times(times: &Times, goal: f64, title: &str, words: &Words) -> String {
    let bar = |name: String, amount: f64| Bar { name, amount, light: None, text: ms(amount) };
    let all = [
        bar("p50".to_owned(), times.p50),
        bar("p95".to_owned(), times.p95),
        bar("p99".to_owned(), times.p99),
        bar(words.word("longest"), times.max),
    ];
    let goal = Some((goal, words.word("goal-p99").replace("{ms}", &ms(goal))));
    bars(&all, &Scale { most: None, goal, title: words.word(title) })
}

/// The drawings of a load test: logins, deliveries (empty when there were none), hosts (empty when none was watched).
pub(super) fn load(row: &LoadRow, words: &Words) -> [String; 3] {
    let result = &row.result;
    let deliveries = match result.messages.planned {
        0 => String::new(),
        _ => times(&result.messages.times, DELIVERY_MS, "delivery-times", words),
    };
    let hosts: Vec<Bar> = result
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
    let hosts = if hosts.is_empty() { String::new() } else { bars(&hosts, &scale) };
    [times(&result.logins.times, LOGIN_MS, "login-times", words), deliveries, hosts]
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
