//! The report of a run as one HTML file that opens anywhere: no script, nothing from outside.

use super::install::InstallView;
use super::plan_view::PlanView;
use super::style::spoken;
use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("page.html.j2");

/// The report of a run: what was planned, what was done on each host, what was proved.
pub fn page(plan: &PlanView, run: &InstallView, who: &str, now: Timestamp) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the usual signs"),
    );
    let values = context! {
        plan => of(plan),
        run => of(&run.json()),
        hosts => of(&hosts(run)),
        signs => of(&signs()),
        took => spoken(run.execution.took),
        who => who,
        time => now.strftime("%F %T UTC").to_string(),
    };
    let drawn = environment.render_str(TEMPLATE, values);
    drawn.expect("the template knows only the values above; a test renders it")
}

fn of(value: &impl serde::Serialize) -> minijinja::Value {
    let plain = serde_json::to_value(value).expect("views are plain data");
    minijinja::Value::from(Serde(plain))
}

/// Each host's steps with how they ended.
fn hosts(run: &InstallView) -> Value {
    let hosts = run.execution.hosts.iter().map(|(name, host)| {
        let steps = host.steps.iter().map(|(step, result, took)| {
            use crate::record::StepResult::{Done, Drifted, Failed, NotReached};
            let (word, why) = match result {
                Done => ("done", ""),
                Failed(why) => ("failed", why.as_str()),
                Drifted(why) => ("drifted", why.as_str()),
                NotReached => ("not reached", ""),
            };
            json!({ "step": step, "result": word, "why": why, "seconds": format!("{:.1}", took.as_secs_f64()) })
        });
        json!({ "name": name, "done": host.done(), "steps": steps.collect::<Vec<_>>() })
    });
    hosts.collect()
}

fn signs() -> Value {
    json!({ "create": "+", "update": "~", "remove": "-", "restart": "^", "hook": "!", "later": "?" })
}
