//! The smallest words of a drawing: text that is safe in it, and how wide it will be.

use std::fmt::Write as _;

/// A text inside SVG.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// About how wide a text is at 12 px; wide characters take two.
pub(super) fn width(text: &str) -> f64 {
    let columns = u32::try_from(console::measure_text_width(text)).unwrap_or(u32::MAX);
    f64::from(columns) * 6.6
}

/// The text, or as much of it as fits.
pub(super) fn fitting(text: &str, room: f64) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut cut = String::new();
    for letter in text.chars() {
        if width(&cut) + width(letter.encode_utf8(&mut [0; 4])) + 7.0 > room {
            break;
        }
        cut.push(letter);
    }
    cut + "…"
}

/// A drawing of a size, made of parts, with what it shows for those who cannot see it.
pub(super) fn svg((width, height): (f64, f64), title: &str, parts: &str) -> String {
    let mut text = format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\"><title>");
    let _ = write!(text, "{}</title>{parts}</svg>", escaped(title));
    text
}

/// A text at a place; `class` says how it looks and where it is anchored.
pub(super) fn label((x, y): (f64, f64), class: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_safe_and_fits() {
        assert_eq!(
            label((1.0, 2.0), "a", "<b> & \"c\""),
            "<text x=\"1.0\" y=\"2.0\" class=\"a\">&lt;b&gt; &amp; &quot;c&quot;</text>"
        );
        assert_eq!(fitting("database", 100.0), "database");
        assert_eq!(fitting("database", 40.0), "datab…");
        assert_eq!(fitting("数据库主机", 40.0), "数据…");
    }
}
