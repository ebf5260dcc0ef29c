//! What is left on hosts after a removal, and why: seen there, not guessed. One exec a host.

use crate::base::{HostName, Sink, quote};
use crate::cli::road::Road;
use crate::cli::{Failure, Global, connect};
use crate::exec;
use crate::plan::{BEFORE_KEY, Manifest, lease_folder, manifest_path};
use crate::record::Observed;
use crate::resource::{Probe, Resource};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One thing that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) what: String,
    pub(super) why: String,
}

/// What stays, by host.
#[derive(Debug, Default)]
pub(super) struct Stays(pub(super) BTreeMap<HostName, Vec<Stay>>);

impl Stays {
    pub(super) fn json(&self) -> Value {
        let host = |(host, lines): (&HostName, &Vec<Stay>)| {
            let lines = lines.iter().map(|it| json!({ "what": it.what, "why": it.why }));
            (host.to_string(), lines.collect::<Value>())
        };
        Value::Object(self.0.iter().map(host).collect())
    }
}

const KEY: &str = "stays";

/// Looks at the hosts once more; `then` is what was there before the removal.
pub(super) async fn look(
    road: &Road,
    global: &Global,
    then: &BTreeMap<HostName, Observed>,
) -> Result<Stays, Failure> {
    let (fleet, silent) = connect::some(road, global, &road.hosts, &Sink::none()).await?;
    let probe = |(host, seen): (&HostName, &Observed)| {
        let script = script(&road.inventory().name, &Manifest::seen(seen));
        (host.clone(), vec![Probe::Script { key: KEY.to_owned(), script }])
    };
    let seen = exec::look(&fleet, &then.iter().map(probe).collect()).await;
    fleet.close().await;
    let mut stays = Stays::default();
    for (host, seen) in seen {
        let lines = match (seen, then.get(&host)) {
            (Ok(now), Some(then)) => {
                let said = now.scripts.get(KEY).map(|it| it.out.clone()).unwrap_or_default();
                told(then, &said)
            }
            _ => {
                vec![Stay { what: "unknown".to_owned(), why: "the host did not answer any more".to_owned() }]
            }
        };
        stays.0.insert(host, lines);
    }
    for it in silent {
        let why = format!("it was not looked at: {}", it.cause);
        stays.0.insert(it.host, vec![Stay { what: "unknown".to_owned(), why }]);
    }
    Ok(stays)
}

/// Paths of the manifest and imctl's own that are there still; all packages, all users.
fn script(deployment: &str, manifest: &Manifest) -> String {
    let own = manifest_path(deployment);
    let own = own.trim_end_matches("/manifest.json");
    let shared = [own, "/var/lib/imctl", "/etc/imctl", "/var/cache/imctl", &lease_folder(deployment)];
    let kept = manifest.resources.iter().flat_map(|kept| kept.resource.kind().probes());
    let kept = kept.filter_map(|probe| if let Probe::Path(path) = probe { Some(path) } else { None });
    let paths: BTreeSet<String> = kept.chain(shared.map(str::to_owned)).collect();
    let paths: Vec<String> = paths.iter().map(|path| quote(path)).collect();
    SCRIPT.replace("%PATHS%", &paths.join(" "))
}

const SCRIPT: &str = r#"for it in %PATHS%; do
  if [ -L "$it" ]; then echo "link $it $(readlink -- "$it")"
  elif [ -d "$it" ]; then echo "folder $it $(find "$it" -xdev -mindepth 1 2>/dev/null | head -n 10000 | wc -l) $(find "$it" -xdev -mindepth 1 -print -quit)"
  elif [ -e "$it" ]; then echo "file $it"; fi
done
dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^ii */package /p; s/^rc */rest /p'
getent passwd | sed 's/:.*//; s/^/user /'
"#;

/// The lines of a host.
fn told(then: &Observed, said: &str) -> Vec<Stay> {
    let manifest = Manifest::seen(then);
    let before = then.scripts.get(BEFORE_KEY).map(|it| it.out.as_str()).unwrap_or_default();
    let of = |text: &str, word: &str| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ').map(str::to_owned))
            .collect()
    };
    let mut stays: Vec<Stay> = said.lines().filter_map(|line| path(line, &manifest)).collect();
    let mut add = |names: Vec<String>, noun: &str, why: &str| {
        if !names.is_empty() {
            let noun = if names.len() == 1 { noun.to_owned() } else { format!("{noun}s") };
            stays.push(Stay { what: format!("{noun} {}", names.join(" ")), why: why.to_owned() });
        }
    };
    let (old, new) = (of(before, "package"), of(said, "package"));
    if !old.is_empty() {
        let more: Vec<String> = new.difference(&old).cloned().collect();
        add(
            more,
            "package",
            "came since imctl did; other installed packages need them, or somebody installed them",
        );
        let gone: Vec<String> = old.difference(&new).cloned().collect();
        add(
            gone,
            "missing package",
            "stood here before and gave way to one of ours; apt-get install brings it back",
        );
        let users: Vec<String> = of(said, "user").difference(&of(before, "user")).cloned().collect();
        add(
            users,
            "user",
            "no later user shall get their numbers: made by packages that leave them, or they own files",
        );
    }
    let rest = of(said, "rest").into_iter().collect();
    add(rest, "configuration of package", "removed and not purged: apt-get purge takes it away");
    stays.extend(of_kinds(&manifest));
    stays
}

/// What no look can show.
fn of_kinds(manifest: &Manifest) -> Vec<Stay> {
    let any = |is: fn(&Resource) -> bool| manifest.resources.iter().any(|kept| is(&kept.resource));
    let stay = |what: &str, why: &str| Stay { what: what.to_owned(), why: why.to_owned() };
    let mut stays = Vec::new();
    if any(|it| matches!(it, Resource::Sysctl(_))) {
        stays.push(stay("kernel settings", "in force until the next boot; their files are gone"));
    }
    if any(|it| matches!(it, Resource::Updates(_))) {
        stays.push(stay("security updates", "packages that stood here before keep them"));
    }
    if any(|it| matches!(it, Resource::Package(_))) {
        stays.push(stay("logs below /var/log and the journal", "what happened here is the host's to tell"));
        stays.push(stay(
            "what removed packages leave",
            "empty folders, and their first page below /var/www; dpkg knows it no more",
        ));
        stays.push(stay("apt's and dpkg's own records", "they tell what was installed and removed"));
    }
    stays
}

fn path(line: &str, manifest: &Manifest) -> Option<Stay> {
    let mut words = line.split(' ');
    let (kind, path) = (words.next()?, words.next()?);
    let data = manifest.resources.iter().find_map(|kept| match &kept.resource {
        Resource::Data(it) if it.path == path => Some(it.about.as_str()),
        _ => None,
    });
    let rest: Vec<&str> = words.collect();
    let why = match (kind, rest.as_slice()) {
        ("folder", ["0", ..]) => {
            "empty, and held by the host: a mount point, or made before imctl came".to_owned()
        }
        ("folder", _) if path.starts_with("/run/imctl/lease/") => {
            "the empty lock files of the deployment, gone after the next boot".to_owned()
        }
        ("folder", [count, first @ ..]) => match data {
            Some(about) => format!("data: {about}"),
            None => format!("holds {count} that imctl did not put there, such as {}", first.join(" ")),
        },
        ("link", to) => format!("is a link to {}, and imctl follows none", to.join(" ")),
        ("file", _) => "could not be removed".to_owned(),
        _ => return None,
    };
    Some(Stay { what: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::MANIFEST_KEY;
    use crate::record::Answer;

    #[test]
    fn what_stays_is_told_with_its_reason() {
        let answer = |out: &str| Answer { status: 0, out: out.to_owned() };
        let manifest = r#"{"format":1,"release":"relay 1","resources":[{"component":"relay","resource":{"data":{"path":"/var/lib/relay","about":"the ring"}}}]}"#;
        let then = Observed {
            scripts: [
                (MANIFEST_KEY.to_owned(), answer(manifest)),
                (BEFORE_KEY.to_owned(), answer("package perl\npackage timesync\nuser root\n")),
            ]
            .into(),
            ..Observed::default()
        };
        let said = "folder /var/lib/relay 3 /var/lib/relay/members\nfolder /etc/relay 1 /etc/relay/notes\n\
            package perl\npackage libx\nuser root\nuser relay\n";
        let told: Vec<String> =
            told(&then, said).iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
        assert_eq!(told[0], "/var/lib/relay: data: the ring");
        assert_eq!(told[1], "/etc/relay: holds 1 that imctl did not put there, such as /etc/relay/notes");
        assert!(told[2].starts_with("package libx: ") && told[3].starts_with("missing package timesync: "));
        assert!(told[4].starts_with("user relay: "), "{told:?}");
    }
}
