//! The page in both languages: every section is drawn, nothing leaves it, and every word is there.

use super::sample::{bare, whole};
use super::words::Words;
use super::*;
use crate::checks::CONDITIONS;
use insta::assert_snapshot;

/// The text of a page without its style, a line a row or paragraph.
fn text(page: &str) -> String {
    let body = page.split_once("<body>").expect("a page has a body").1;
    let mut text = String::new();
    let mut inside = false;
    for letter in spaced(body).chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Tags that stand between words on the page do so in its text.
fn spaced(body: &str) -> String {
    let cells = body.replace("</td>", " | ").replace("</th>", " | ").replace("&#x2f;", "/");
    let between = ["</text>", "</span>", "</title>", "</b>", "</p>", "</dt>", "<br>"];
    between.iter().fold(cells, |text, tag| text.replace(tag, " "))
}

#[test]
fn the_page_says_the_same_in_both_languages() {
    assert_snapshot!("acceptance_en", text(&acceptance(&whole("en"), "d1f2")));
    assert_snapshot!("acceptance_zh", text(&acceptance(&whole("zh"), "d1f2")));
}

#[test]
fn what_was_not_recorded_is_said_plainly() {
    let page = text(&acceptance(&bare("en"), ""));
    for said in [
        "No installation is recorded.",
        "No check of the hosts is recorded",
        "No proof of the service is recorded",
        "No load test is recorded",
        "No security scan is recorded",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn nothing_leaves_the_page_and_no_script_stands_in_it() {
    for view in [whole("en"), whole("zh"), bare("en")] {
        let page = acceptance(&view, "").to_lowercase();
        for mark in
            ["<script", "<link", "<img", "<iframe", "<object", "@import", "src=\"", "onload=", "onclick="]
        {
            assert!(!page.contains(mark), "{mark}");
        }
        // Links lead to places of the page alone; what a host answered is text.
        let links = page.match_indices("href=\"").map(|(at, mark)| &page[at + mark.len()..]);
        assert!(links.into_iter().all(|rest| rest.starts_with('#')));
        let drawn = page.match_indices("url(").map(|(at, mark)| &page[at + mark.len()..]);
        assert!(drawn.into_iter().all(|rest| rest.starts_with('#')));
        assert!(page.contains("default-src 'none'; style-src 'sha256-"));
        assert!(!page.contains("style=\""), "the policy would refuse it");
    }
}

#[test]
fn a_name_cannot_leave_the_style_or_the_page() {
    let mut view = whole("en");
    view.deployment = "\"} body { x: url(http://x.example) } </style><b>".into();
    let page = acceptance(&view, "");
    let (_, rest) = page.split_once("<style>").expect("a page has a style");
    let (style, _) = rest.split_once("</style>").expect("and it ends");
    assert!(!style.contains("url(") && !style.contains("\"}"), "{style}");
    assert!(!page.contains("</style><b>"));
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn every_word_is_there_in_both_languages() {
    let words = Words::of("en");
    let holes = |text: &str| text.matches('{').count();
    let latin = ["colon"];
    for (name, [english, chinese]) in words.table() {
        assert!(!english.is_empty() && !chinese.is_empty(), "{name}");
        assert_eq!(holes(english), holes(chinese), "{name}");
        let is_chinese = chinese.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
        assert!(is_chinese || latin.contains(&name.as_str()), "{name}: {chinese}");
    }
    for (condition, _) in CONDITIONS {
        assert!(
            words.get(condition).is_some() && words.get(&format!("is-{condition}")).is_some(),
            "{condition}"
        );
    }
    for input in crate::sizing::INPUTS {
        assert!(words.get(&format!("input-{input}")).is_some(), "{input}");
    }
}

#[test]
fn the_result_is_told_in_a_few_lines_and_by_the_exit_code() {
    let mut out = Vec::new();
    let view = whole("en");
    acceptance_lines(&mut out, &view, "report.html", crate::report::Style::plain(80)).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "acme-im: Not accepted\n✗  Checks of hosts that failed: 1 [C1]\n\
         !  This run is older than the last change of the hosts [V1]\nAcceptance report  report.html\n"
    );
    assert_eq!(view.exit(), crate::base::Exit::CheckFailed);
    assert_eq!(view.json()["format"], 1);
}

#[test]
fn findings_that_say_the_same_stand_in_one_row_and_failures_first() {
    use crate::base::{Finding, HostName, Verdict};
    let one = |host: &str, verdict, because: &str| Finding {
        id: "A-1".into(),
        verdict,
        host: HostName::new(host).ok(),
        what: "w".into(),
        seen: "s".into(),
        needed: "n".into(),
        because: because.into(),
        fix: String::new(),
    };
    let na = Verdict::NotApplicable;
    let all = [
        one("a", Verdict::Passed, ""),
        one("b", Verdict::Passed, ""),
        one("c", Verdict::Failed, ""),
        one("d", na, "x"),
        one("e", na, "x"),
    ];
    let rows = rows(&all);
    assert_eq!((rows.len(), rows[0].hosts.join(","), rows[1].hosts.join(",")), (2, "c".into(), "a,b".into()));
    assert_eq!(counts(&all), [1, 0, 2, 2]);
    let open = untested(&all, "C1");
    assert_eq!((open.len(), open[0].hosts.join(",")), (1, "d,e".into()));
}
