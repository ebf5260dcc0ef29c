//! What a host is busy with, second by second, while something else goes on.

use crate::base::quote;

const PROGRAM: &str = include_str!("sample.pl");

/// What a host was busy with over a while.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Busy {
    /// Percent of all processors on average.
    pub cpu_mean: f64,
    /// Percent of all processors in the busiest second.
    pub cpu_most: f64,
    /// Percent of the memory at most.
    pub memory_most: f64,
    /// Percent of the time that a disk was busy in the busiest second.
    pub disk_most: f64,
    /// Mbit a second in the busiest second, in and out together.
    pub network_most: f64,
}

/// The program that watches a host for so many seconds.
pub fn sample_script(seconds: u64) -> String {
    format!("perl -e {} {seconds}\n", quote(PROGRAM))
}

/// Reads what it printed; none when it saw less than two seconds.
pub fn parse_samples(answer: &str) -> Option<Busy> {
    let line = |line: &str| -> Option<[f64; 6]> {
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        numbers.try_into().ok()
    };
    let samples: Vec<[f64; 6]> = answer.lines().filter_map(line).collect();
    let (first, last) = (samples.first()?, samples.last()?);
    let share = |part: f64, all: f64| if all > 0.0 { 100.0 * part / all } else { 0.0 };
    let mut busy = Busy { cpu_mean: share(last[0] - first[0], last[1] - first[1]), ..Busy::default() };
    for (one, next) in samples.iter().zip(samples.get(1..)?) {
        busy.cpu_most = busy.cpu_most.max(share(next[0] - one[0], next[1] - one[1]));
        busy.memory_most = busy.memory_most.max(share(next[2], next[3]));
        busy.disk_most = busy.disk_most.max(((next[4] - one[4]) / 10.0).min(100.0));
        busy.network_most = busy.network_most.max((next[5] - one[5]) * 8.0 / 1e6);
    }
    (samples.len() > 1).then_some(busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_shares() {
        let busy = parse_samples(
            "100 1000 500 1000 0 0\n150 1200 600 1000 500 1000000\n160 1400 550 1000 500 1000000\n",
        );
        let wanted =
            Busy { cpu_mean: 15.0, cpu_most: 25.0, memory_most: 60.0, disk_most: 50.0, network_most: 8.0 };
        assert_eq!(busy, Some(wanted));
        assert_eq!(parse_samples("1 2 3 4 5 6\n"), None);
        let said = std::process::Command::new("sh").args(["-c", &sample_script(1)]).output().unwrap();
        assert!(parse_samples(&String::from_utf8_lossy(&said.stdout)).is_some());
    }
}
