//! Whether the instances of a cluster see each other: judged over all of them, since each half of a split cluster thinks
//! that it is whole.

use std::collections::{BTreeMap, BTreeSet};

/// What one instance sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// Its host, as people call it.
    pub host: String,
    /// Its name in the cluster.
    pub member: String,
    /// Members that it sees; none when it did not answer.
    pub sees: Option<BTreeSet<String>>,
}

/// Whether instances see different members: parts of the cluster go on without each other.
pub fn is_split(views: &[ClusterView]) -> bool {
    let seen: BTreeSet<&BTreeSet<String>> = views.iter().filter_map(|view| view.sees.as_ref()).collect();
    seen.len() > 1
}

/// What is wrong with a cluster, a sentence each; nothing when every instance sees all.
pub fn membership(views: &[ClusterView]) -> Vec<String> {
    let names: Names<'_> = views.iter().map(|view| (view.member.as_str(), view.host.as_str())).collect();
    let mut groups: Vec<(&BTreeSet<String>, Vec<&str>)> = Vec::new();
    for view in views {
        let Some(sees) = &view.sees else { continue };
        match groups.iter_mut().find(|(set, _)| *set == sees) {
            Some((_, hosts)) => hosts.push(&view.host),
            None => groups.push((sees, vec![&view.host])),
        }
    }
    match &groups[..] {
        [] => Vec::new(),
        [(sees, _)] => agreed(views, sees, &names),
        _ => {
            let side = |(sees, hosts): &(&BTreeSet<String>, Vec<&str>)| {
                let verb = if hosts.len() == 1 { "sees" } else { "see" };
                format!("{} {verb} {}", hosts.join(", "), told(sees, &names))
            };
            let sides: Vec<String> = groups.iter().map(side).collect();
            vec![format!("split cluster: {}", sides.join("; "))]
        }
    }
}

/// Hosts by their names in the cluster.
type Names<'a> = BTreeMap<&'a str, &'a str>;

/// Members as people call them.
fn told(members: &BTreeSet<String>, names: &Names<'_>) -> String {
    let name = |member: &String| names.get(member.as_str()).copied().unwrap_or(member).to_owned();
    let mut all: Vec<String> = members.iter().map(name).collect();
    all.sort();
    all.join(", ")
}

/// What is wrong where all that answer see the same members.
fn agreed(views: &[ClusterView], sees: &BTreeSet<String>, names: &Names<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let missing = views.iter().filter(|view| !sees.contains(&view.member));
    let missing: Vec<&str> = missing.map(|view| view.host.as_str()).collect();
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "is no member" } else { "are no members" };
        wrong.push(format!("{} {verb} of the cluster of {}", missing.join(", "), told(sees, names)));
    }
    let strangers: Vec<&str> =
        sees.iter().map(String::as_str).filter(|member| !names.contains_key(member)).collect();
    if !strangers.is_empty() {
        let strangers = strangers.join(", ");
        wrong.push(format!("the cluster has members that the inventory does not know: {strangers}"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(views: &[(&str, Option<&[&str]>)]) -> Vec<String> {
        let view = |(host, sees): &(&str, Option<&[&str]>)| ClusterView {
            host: (*host).to_owned(),
            member: format!("{host}.acme"),
            sees: sees.map(|sees| sees.iter().map(|one| format!("{one}.acme")).collect()),
        };
        membership(&views.iter().map(view).collect::<Vec<_>>())
    }

    #[test]
    fn a_split_cluster_is_called_by_its_name() {
        let all: Option<&[&str]> = Some(&["a", "b", "c"]);
        let none: [&str; 0] = [];
        assert_eq!(judged(&[("a", all), ("b", all), ("c", all)]), none);
        assert_eq!(
            judged(&[("a", Some(&["a"])), ("b", Some(&["b"]))]),
            ["split cluster: a sees a; b sees b"]
        );
        assert_eq!(
            judged(&[("a", Some(&["a", "b"])), ("b", Some(&["a", "b"])), ("c", Some(&["c"]))]),
            ["split cluster: a, b see a, b; c sees c"]
        );
    }

    #[test]
    fn who_is_missing_or_unknown_is_named_and_silence_judges_nothing() {
        let two: Option<&[&str]> = Some(&["a", "b"]);
        assert_eq!(judged(&[("a", two), ("b", two), ("c", None)]), ["c is no member of the cluster of a, b"]);
        assert!(judged(&[("a", None), ("b", None)]).is_empty());
        let stranger: Option<&[&str]> = Some(&["a", "x"]);
        assert_eq!(
            judged(&[("a", stranger)]),
            ["the cluster has members that the inventory does not know: x.acme"]
        );
    }
}
