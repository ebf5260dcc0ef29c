//! How fast the disks under the data are, as measured.

use super::{HostSeen, Judged, PreflightRule, Site, Trial, real};
use crate::facts::DiskSpeed;

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "DISK-07",
        what: "time until a small write is on the disk, 99 of 100",
        needed: "<= LIMIT ms, or what its roles need",
        because: "a message counts as kept only then; everybody waits as long",
        fix: "give HOST a disk with a cache that survives a power cut (SSD), not one that is shared over a slow network",
        judge: slow,
    },
    PreflightRule {
        id: "DISK-08",
        what: "random writes a second that reach the disk",
        needed: "what its roles need at the peak",
        because: "messages queue up behind a disk that is too slow",
        fix: "give HOST a faster disk, or spread its roles over more hosts: imctl size",
        judge: random,
    },
];

/// The worst of a host's disks by a measure, with its path.
fn worst(
    seen: &HostSeen,
    measure: impl Fn(&DiskSpeed) -> Option<f64>,
    worse: impl Fn(f64, f64) -> bool,
) -> Result<Option<(String, f64)>, Judged> {
    let speeds = match &seen.disk {
        Trial::Left(why) => return Err(Judged::Open(why.clone())),
        Trial::Made(speeds) => speeds,
    };
    let mut found: Option<(String, f64)> = None;
    for (path, speed) in speeds {
        let value = match speed {
            Err(why) => return Err(Judged::Doubtful(format!("{path} could not be tried: {why}"), None)),
            Ok(speed) => measure(speed),
        };
        let Some(value) = value else {
            return Err(Judged::Open(format!("the file system of {path} knows no writes past the cache")));
        };
        if found.as_ref().is_none_or(|(_, other)| worse(value, *other)) {
            found = Some((path.clone(), value));
        }
    }
    Ok(found)
}

fn nothing() -> Judged {
    Judged::Good("nothing large is kept here".to_owned())
}

fn slow(seen: &HostSeen, site: &Site) -> Judged {
    let most = seen.sync_ms.unwrap_or_else(|| site.limit("DISK-07"));
    match worst(seen, |speed| Some(real(speed.slow) / 1000.0), |one, other| one > other) {
        Err(judged) => judged,
        Ok(None) => nothing(),
        Ok(Some((path, ms))) => {
            let said = format!("{ms:.1} ms for {path}");
            let needed = Some(format!("<= {most} ms"));
            match ms {
                // Three times as slow is too slow for a start; between the two it is worth a look.
                ms if ms > 3.0 * most => Judged::Bad(said, needed),
                ms if ms > most => Judged::Doubtful(said, needed),
                _ => Judged::Good(said),
            }
        }
    }
}

fn random(seen: &HostSeen, _: &Site) -> Judged {
    match worst(seen, |speed| speed.writes_a_second.map(real), |one, other| one < other) {
        Err(judged) => judged,
        Ok(None) => nothing(),
        Ok(Some((path, writes))) => {
            let said = format!("{writes:.0} for {path}");
            if writes < seen.needs.iops {
                Judged::Bad(said, Some(format!(">= {:.0}", seen.needs.iops.ceil())))
            } else {
                Judged::Good(said)
            }
        }
    }
}
