//! Bars that compare a few amounts, with the amount beside each and, where there is one, the goal as a line.

use super::drawing::{escaped, label, svg, width};
use std::fmt::Write as _;

const ROW: f64 = 22.0;
const WIDE: f64 = 640.0;
/// Room for the amounts at the end.
const END: f64 = 92.0;

/// One bar; `light` is a second amount behind it, such as a peak.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) amount: f64,
    pub(super) light: Option<f64>,
    pub(super) text: String,
}

/// What the bars are drawn on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// The amount at the right end; none = a bit more than the largest.
    pub(super) most: Option<f64>,
    /// The goal, with its words; drawn when it is not far outside.
    pub(super) goal: Option<(f64, String)>,
    pub(super) title: String,
}

/// Draws them.
pub(super) fn bars(bars: &[Bar], scale: &Scale) -> String {
    let largest = bars.iter().map(|bar| bar.amount.max(bar.light.unwrap_or(0.0))).fold(0.0, f64::max);
    let goal = scale.goal.as_ref().filter(|(goal, _)| *goal <= largest * 3.0);
    let top = largest.max(goal.map_or(0.0, |(goal, _)| *goal));
    let most = scale.most.unwrap_or(top * 1.02).max(f64::MIN_POSITIVE);
    let names = bars.iter().map(|bar| width(&bar.name)).fold(40.0, f64::max).min(200.0) + 10.0;
    let room = WIDE - names - END;
    let at = |amount: f64| names + room * (amount / most).clamp(0.0, 1.0);
    let mut parts = String::new();
    let mut y = 4.0;
    for bar in bars {
        let _ = write!(
            parts,
            "<text x=\"0\" y=\"{:.1}\" class=\"start\">{}</text>",
            y + 13.0,
            escaped(&super::drawing::fitting(&bar.name, names - 8.0))
        );
        for (amount, class) in [(bar.light, "bar light"), (Some(bar.amount), "bar")] {
            let Some(amount) = amount else { continue };
            let _ = write!(
                parts,
                "<rect x=\"{names:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"15\" rx=\"2\" class=\"{class}\"/>",
                (at(amount) - names).max(1.0)
            );
        }
        let end = at(bar.amount.max(bar.light.unwrap_or(0.0)));
        parts.push_str(&label((end + 6.0, y + 12.0), "start", &bar.text));
        y += ROW;
    }
    if let Some((goal, words)) = goal {
        let x = at(*goal);
        let _ = write!(parts, "<line x1=\"{x:.1}\" y1=\"0\" x2=\"{x:.1}\" y2=\"{y:.1}\" class=\"goal\"/>");
        parts.push_str(&label((x, y + 11.0), if x > WIDE - 160.0 { "end" } else { "mid" }, words));
        y += 16.0;
    }
    svg((WIDE, y), &scale.title, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, amount: f64) -> Bar {
        Bar { name: name.into(), amount, light: None, text: format!("{amount} ms") }
    }

    #[test]
    fn bars_are_in_proportion_and_a_goal_far_away_is_left_out() {
        let scale = |goal| Scale { most: Some(100.0), goal: Some((goal, "goal".into())), title: "t".into() };
        let drawn = bars(&[bar("p50", 50.0), bar("p99", 100.0)], &scale(80.0));
        assert!(drawn.contains("width=\"249.0\"") && drawn.contains("width=\"498.0\""), "{drawn}");
        assert!(drawn.contains("class=\"goal\"") && drawn.contains(">100 ms<"));
        assert!(!bars(&[bar("p50", 50.0)], &scale(5000.0)).contains("class=\"goal\""));
    }

    #[test]
    fn nothing_at_all_is_still_a_drawing() {
        let scale = Scale { most: None, goal: None, title: String::new() };
        assert!(bars(&[bar("p50", 0.0)], &scale).contains("width=\"1.0\""));
    }
}
