//! Draws the page and says the result in a few lines of a terminal.

use super::charts;
use super::topology::topology;
use super::view::AcceptanceView;
use super::words::Words;
use crate::base::Exit;
use crate::checks::{CONDITIONS, Overall};
use crate::report::style::{Style, Tone};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const PAGE: &str = include_str!("page.html.j2");
const STYLE: &str = include_str!("style.css");
const PARTS: [(&str, &str); 6] = [
    ("words.html", include_str!("macros.html.j2")),
    ("cover.html", include_str!("cover.html.j2")),
    ("installed.html", include_str!("installed.html.j2")),
    ("load.html", include_str!("load.html.j2")),
    ("security.html", include_str!("security.html.j2")),
    ("end.html", include_str!("end.html.j2")),
];

impl AcceptanceView {
    /// The report for programs.
    pub fn json(&self) -> serde_json::Value {
        let mut all = json!({ "format": 1, "report": "acceptance" });
        let own = serde_json::to_value(self).expect("a view is plain data");
        if let (Some(all), serde_json::Value::Object(own)) = (all.as_object_mut(), own) {
            all.extend(own);
        }
        all
    }

    /// The exit code: what is not accepted is a failed check.
    pub fn exit(&self) -> Exit {
        if self.overall == Overall::NotAccepted { Exit::CheckFailed } else { Exit::Done }
    }
}

/// The page. `data` is the SHA-256 of the data beside it.
pub fn acceptance(view: &AcceptanceView, data: &str) -> String {
    let words = Words::of(&view.language);
    let style = style(view, &words);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(style.as_bytes()))
    );
    let figures = view.loads.iter().map(|row| charts::figures(row, &words));
    let hosts = view.loads.iter().map(|row| Value::from_safe_string(charts::hosts(row, &words)));
    let picture = topology(&view.topology, &words.word("clients"), &words.word("more-hosts"));
    let areas = view.scan.as_ref().map(|scan| charts::areas(scan, &words)).unwrap_or_default();
    let values = context! {
        view => Value::from(Serde(view.json())),
        style => Value::from_safe_string(style),
        policy => Value::from_safe_string(policy),
        picture => Value::from_safe_string(picture),
        figures => Value::from(Serde(json!(figures.collect::<Vec<_>>()))),
        hosts_drawn => hosts.collect::<Vec<_>>(),
        areas => Value::from_safe_string(areas),
        conditions => CONDITIONS.to_vec(),
        data => data,
    };
    let drawn = environment(words).get_template("page.html").and_then(|page| page.render(values));
    drawn.expect("the templates know only the values above; tests render every section")
}

fn environment(words: Words) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(false);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    let signs = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(signs.expect("the usual signs"));
    for (name, text) in PARTS.iter().chain(&[("page.html", PAGE)]) {
        environment.add_template(name, text).expect("a test renders every part");
    }
    let known = words.clone();
    environment.add_function("known", move |prefix: &str, name: &str| known.known(prefix, name));
    environment.add_function("say", move |name: &str, filled: Kwargs| words.say(name, &filled));
    environment.add_filter("ms", charts::ms);
    environment.add_filter("grouped", grouped);
    environment.add_filter("amount", amount);
    environment.add_filter("clock", clock);
    environment
}

/// A whole number in groups of three.
#[expect(clippy::needless_pass_by_value, reason = "a filter takes its value")]
fn grouped(number: Value) -> String {
    let whole = number.to_string();
    whole.parse().map_or(whole, super::super::style::grouped)
}

/// A number with as many places as tell something.
fn amount(number: f64) -> String {
    match number {
        number if number >= 100.0 => grouped(Value::from(format!("{number:.0}"))),
        number if (number - number.round()).abs() < 0.05 => format!("{number:.0}"),
        number => format!("{number:.1}"),
    }
}

/// A recorded time without what nobody reads: `2026-11-22 12:03:41`.
fn clock(time: &str) -> String {
    let seconds = "2026-11-22T12:03:41".len();
    time.get(..seconds).unwrap_or(time).replace('T', " ")
}

/// The style with the words that printed pages carry at their edges.
fn style(view: &AcceptanceView, words: &Words) -> String {
    // In a style sheet a text may not leave its quotes.
    let safe = |text: &str| {
        text.chars()
            .map(|c| if c.is_alphanumeric() || "-_.:".contains(c) { c } else { ' ' })
            .collect::<String>()
    };
    STYLE
        .replace("REPORT", &safe(&format!("{}  {}", view.deployment, words.word("report"))))
        .replace("MADE", &safe(&clock(&view.made.0)))
}

/// Writes the result as a few lines, with where the page is.
pub fn acceptance_lines(
    out: &mut impl Write,
    view: &AcceptanceView,
    page: &str,
    style: Style,
) -> io::Result<()> {
    let words = Words::of(&view.language);
    let (tone, name) = match view.overall {
        Overall::Accepted => (Tone::Good, "accepted"),
        Overall::Remarks => (Tone::Warn, "remarks"),
        Overall::NotAccepted => (Tone::Bad, "not-accepted"),
    };
    writeln!(out, "{}: {}", view.deployment, style.paint(tone, &words.word(name)))?;
    for reason in &view.reasons {
        let (sign, tone) = if reason.grave { ("✗", Tone::Bad) } else { ("!", Tone::Warn) };
        let text = words.word(&reason.condition).replace("{what}", &reason.what);
        let run = if reason.run.is_empty() { String::new() } else { format!(" [{}]", reason.run) };
        writeln!(out, "{}  {text}{}", style.paint(tone, sign), style.paint(Tone::Quiet, &run))?;
    }
    writeln!(out, "{}  {page}", words.word("report"))
}
