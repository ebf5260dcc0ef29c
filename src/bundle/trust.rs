//! Adds a key to the inventory's `bundle: trusted-keys:` as text, so that comments and layout stay. Pure; the
//! caller reads the result once more before it replaces the file.

/// The inventory's text with the key added; unchanged when it is there already.
pub fn with_trusted_key(text: &str, key: &str) -> String {
    if text.contains(key) {
        return text.to_owned();
    }
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    match lines.iter().position(|line| line.starts_with("bundle:")) {
        None => lines.extend(["bundle:".into(), "  trusted-keys:".into(), format!("    - {key}")]),
        Some(at) if lines[at].contains('{') => lines[at] = in_flow(&lines[at], key),
        Some(at) => in_block(&mut lines, at, key),
    }
    lines.join("\n") + "\n"
}

/// `bundle: { … }` on one line.
fn in_flow(line: &str, key: &str) -> String {
    if line.contains("trusted-keys:") {
        return into_list(line, key);
    }
    let (head, rest) = line.split_once('{').expect("the caller saw the brace");
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{head}{{ trusted-keys: [{key}]{comma} {}", rest.trim_start())
}

/// `bundle:` with lines below.
fn in_block(lines: &mut Vec<String>, at: usize, key: &str) {
    let below =
        |line: &String| line.starts_with([' ', '\t']) || line.trim().is_empty() || line.starts_with('#');
    let end = lines[at + 1..].iter().position(|line| !below(line)).map_or(lines.len(), |more| at + 1 + more);
    let indent = lines[at + 1..end].iter().find(|line| !line.trim().is_empty() && line.starts_with(' '));
    let indent = indent.map_or_else(|| "  ".to_owned(), |line| blank(line).to_owned());
    match lines[at + 1..end].iter().position(|line| line.trim_start().starts_with("trusted-keys:")) {
        None => {
            lines.insert(at + 1, format!("{indent}trusted-keys:"));
            lines.insert(at + 2, format!("{indent}  - {key}"));
        }
        Some(more) if lines[at + 1 + more].contains('[') => {
            let line = at + 1 + more;
            lines[line] = into_list(&lines[line], key);
        }
        Some(more) => {
            let line = at + 1 + more;
            let item = lines.get(line + 1).filter(|next| next.trim_start().starts_with('-'));
            let indent = item.map_or_else(|| format!("{indent}  "), |next| blank(next).to_owned());
            lines.insert(line + 1, format!("{indent}- {key}"));
        }
    }
}

/// Adds to the list in brackets after `trusted-keys:`.
fn into_list(line: &str, key: &str) -> String {
    let (head, rest) = line.split_once("trusted-keys:").expect("the caller saw the word");
    let Some((open, rest)) = rest.split_once('[') else { return line.to_owned() };
    let comma = if rest.trim_start().starts_with(']') { "" } else { ", " };
    format!("{head}trusted-keys:{open}[{key}{comma}{rest}")
}

fn blank(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_its_place_in_every_notation() {
        for (before, after) in [
            ("name: a # mine\n", "name: a # mine\nbundle:\n  trusted-keys:\n    - RWk\n"),
            ("bundle: {}\nname: a\n", "bundle: { trusted-keys: [RWk] }\nname: a\n"),
            ("bundle: { path: b }\n", "bundle: { trusted-keys: [RWk], path: b }\n"),
            (
                "bundle: { trusted-keys: [RWa], path: b } # x\n",
                "bundle: { trusted-keys: [RWk, RWa], path: b } # x\n",
            ),
            (
                "bundle:\n    path: b\nname: a\n",
                "bundle:\n    trusted-keys:\n      - RWk\n    path: b\nname: a\n",
            ),
            ("bundle:\n  trusted-keys: []\n", "bundle:\n  trusted-keys: [RWk]\n"),
            (
                "bundle:\n  # ours\n  trusted-keys:\n  - RWa\n",
                "bundle:\n  # ours\n  trusted-keys:\n  - RWk\n  - RWa\n",
            ),
            ("bundle:\n  trusted-keys:\n    - RWk\n", "bundle:\n  trusted-keys:\n    - RWk\n"),
        ] {
            assert_eq!(with_trusted_key(before, "RWk"), after);
        }
    }
}
