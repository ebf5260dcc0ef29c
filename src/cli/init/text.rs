//! The text of a new inventory.

use super::Draft;
use super::layout::Laid;
use std::fmt::Write as _;

/// What can be said of a size: the key of `targets`, the input of the formulas, and its unit behind the number.
const TARGETS: [(&str, &str, &str); 7] = [
    ("users", "users", ""),
    ("online", "online", ""),
    ("messages-per-user-day", "messages_per_user_day", ""),
    ("message-bytes", "message_bytes", "B"),
    ("retention", "retention_days", "d"),
    ("files-per-user-day", "files_mb_user_day", "MB"),
    ("file-retention", "file_retention_days", "d"),
];

/// A commented inventory.
pub(super) fn inventory(draft: &Draft) -> String {
    let mut text = format!("# {}\n", draft.shape.about);
    let line = |text: &mut String, words: String, comment: &str| {
        let _ = writeln!(text, "{words:35} # {comment}");
    };
    line(
        &mut text,
        format!("name: {}", draft.name),
        "the folder .imctl/ beside this file keeps its notes under this name",
    );
    line(
        &mut text,
        format!("domain: {}", draft.domain),
        "the part after @ of every account; it cannot be changed later",
    );
    line(&mut text, format!("stack: {}", draft.stack), "what is installed");
    let targets: Vec<String> = TARGETS
        .iter()
        .filter_map(|(key, input, unit)| Some(format!("{key}: {}{unit}", draft.asked.given.get(input)?)))
        .collect();
    if !targets.is_empty() {
        text.push_str("\n# How big it is to be. Sizes and settings follow from here; `imctl size` says what from what.\n");
        let _ = writeln!(text, "targets: {{ {} }}", targets.join(", "));
    }
    text.push_str("\n# Who logs in. What is not said here comes from your own ~/.ssh/config; a host may have its own: ssh: { port: 2222 }\n");
    match draft.user.as_deref() {
        None => text.push_str("# ssh: { user: ops, sudo: true, key: ~/.ssh/id_ed25519 }\n"),
        Some("root") => text.push_str("ssh: { user: root }\n"),
        Some(user) => {
            let _ = writeln!(text, "ssh: {{ user: {user}, sudo: true }}");
        }
    }
    text.push_str("\nhosts:\n");
    hosts(draft, &mut text);
    text.push_str("\ntls: { ca: private }                # or: { certificate: im.crt, key: im.key, chain: chain.crt }\n");
    text
}

fn hosts(draft: &Draft, text: &mut String) {
    let entry = |host: &Laid| {
        let roles: Vec<&str> = host.roles.iter().map(crate::base::Role::as_str).collect();
        let quoted =
            if host.address.contains(':') { format!("\"{}\"", host.address) } else { host.address.clone() };
        (format!("{}:", host.name), format!("{{ address: {quoted}, roles: [{}] }}", roles.join(", ")))
    };
    let entries: Vec<(String, String)> = draft.hosts.iter().map(entry).collect();
    let wide = |column: fn(&(String, String)) -> &str| {
        entries.iter().map(|it| console::measure_text_width(column(it))).max().unwrap_or(0)
    };
    let (names, rests) = (wide(|it| &it.0), wide(|it| &it.1));
    for (host, (name, rest)) in draft.hosts.iter().zip(&entries) {
        let pad = |word: &str, width: usize| {
            console::pad_str(word, width, console::Alignment::Left, None).into_owned()
        };
        let need = draft.of(host);
        let mut comment = Vec::new();
        if host.example {
            comment.push("an example: put its address here".to_owned());
        }
        if need.cpu > 0.0 {
            comment.push(format!(
                "{:.0} vCPU, {:.0} GiB memory, {:.0} GiB disk",
                need.cpu.ceil(),
                (need.memory_mib / 1024.0).ceil(),
                need.disk_gib.ceil()
            ));
        }
        let line = format!("  {} {}  # {}", pad(name, names), pad(rest, rests), comment.join("; needs "));
        let _ = writeln!(text, "{}", line.trim_end_matches([' ', '#']));
    }
}
