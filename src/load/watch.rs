//! The generator watching itself: what it costs, and whether the machine lets it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;

/// Open files beside the sessions.
const OTHERS: u64 = 256;
/// Ticks of a second in `/proc/self/stat`: Linux shows all architectures that imctl runs on a hundredth.
const TICK: u64 = 100;

/// Takes as many open files as the machine allows; says in words why so many sessions do not fit.
pub fn allow_sessions(sessions: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    let needed = sessions + OTHERS;
    let hard = limit.maximum.unwrap_or(u64::MAX);
    if hard < needed {
        return Err(format!(
            "{sessions} sessions need {needed} open files ({OTHERS} for everything else), and this machine allows a process {hard}"
        ));
    }
    let wanted = Rlimit { current: Some(needed.max(limit.current.unwrap_or(hard))), maximum: limit.maximum };
    setrlimit(Resource::Nofile, wanted).map_err(|cause| format!("{needed} open files are refused: {cause}"))
}

/// Processor time and resident memory (KiB) of this process so far.
pub fn spent() -> (Duration, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |at: usize| after.split_whitespace().nth(at).and_then(|word| word.parse::<u64>().ok());
    let ticks = field(11).unwrap_or(0) + field(12).unwrap_or(0);
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    (Duration::from_millis(ticks * 1000 / TICK), pages * page / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_costs_something_and_nobody_gets_a_billion_files() {
        assert!(spent().1 > 1000);
        assert!(allow_sessions(10).is_ok());
        let why = allow_sessions(u64::MAX - OTHERS).unwrap_err();
        assert!(why.contains("open files"), "{why}");
    }
}
