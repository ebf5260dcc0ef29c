//! The generator watching itself: what it costs, and whether the machine lets it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Open files beside the sessions.
const OTHERS: u64 = 256;

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

/// What was used so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// Processor time of this thread.
    pub(super) cpu: Duration,
    /// Resident memory of this process, KiB.
    pub(super) memory: u64,
}

/// What was used so far, by the thread that asks.
pub(super) fn spent_here() -> Spent {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    Spent { cpu: Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0)), memory: pages * page / 1024 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_costs_something_and_nobody_gets_a_billion_files() {
        assert!(spent_here().memory > 1000);
        assert!(allow_sessions(10).is_ok());
        let why = allow_sessions(u64::MAX - OTHERS).unwrap_err();
        assert!(why.contains("open files"), "{why}");
    }
}
