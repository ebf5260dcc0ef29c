//! A scenario in a file of one's own: a small strict YAML. Mistakes name the line.

use super::schedule::Rates;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a file may say; what it does not say follows from the inventory's targets.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScenarioFile {
    /// Its name; results are compared with earlier ones of the same name.
    pub name: String,
    /// Users online at the same time.
    #[serde(default)]
    pub online: Option<u64>,
    /// Accounts; those beyond `online` are absent and come back.
    #[serde(default)]
    pub users: Option<u64>,
    /// Logins a second.
    #[serde(default)]
    pub login_rate: Option<f64>,
    /// How long it lasts.
    #[serde(default)]
    pub duration: Option<String>,
    /// How often a second each thing happens.
    #[serde(default)]
    pub rates: RatesFile,
    /// Members of a group.
    #[serde(default)]
    pub members: Option<u64>,
    /// Share of messages to one that go to somebody absent, 0 to 1.
    #[serde(default)]
    pub to_absent: Option<f64>,
    /// Bytes of a message's text.
    #[serde(default)]
    pub message_bytes: Option<u64>,
    /// Size of a file, such as `256KiB`.
    #[serde(default)]
    pub file_size: Option<String>,
    /// Goals such as `login-p99: 2s`.
    #[serde(default)]
    pub goals: BTreeMap<String, String>,
}

/// Rates of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RatesFile {
    /// Messages to one.
    #[serde(default)]
    pub chat: f64,
    /// Messages to a group.
    #[serde(default)]
    pub groups: f64,
    /// Returns of somebody who was absent.
    #[serde(default)]
    pub history: f64,
    /// Files.
    #[serde(default)]
    pub uploads: f64,
}

impl From<RatesFile> for Rates {
    fn from(file: RatesFile) -> Self {
        Self { chat: file.chat, groups: file.groups, history: file.history, uploads: file.uploads }
    }
}

/// Reads a scenario; a mistake says `file:line:column`.
pub fn read_scenario(file: &str, text: &str) -> Result<ScenarioFile, String> {
    let read: ScenarioFile = serde_yaml::from_str(text).map_err(|cause| {
        let place = cause.location().map(|place| format!("{}:{}:", place.line(), place.column()));
        let said = cause.without_snippet().to_string();
        let said = said.split(" at line ").next().unwrap_or(&said).trim();
        format!("{file}:{} {said}", place.unwrap_or_default())
    })?;
    let wrong = |key: &str, what: &str| Err(format!("{file}:{}: `{key}` {what}", line_of(text, key)));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if read.name.is_empty() || read.name.len() > 60 || !read.name.chars().all(plain) {
        return wrong("name", "is letters, digits, `-` and `_`");
    }
    if super::NAMES.contains(&&*read.name) {
        return wrong("name", "is that of a built-in scenario; results would be compared with it");
    }
    let rates = read.rates;
    let each = [
        ("chat", rates.chat),
        ("groups", rates.groups),
        ("history", rates.history),
        ("uploads", rates.uploads),
    ];
    for (key, rate) in each {
        if !(0.0..=100_000.0).contains(&rate) {
            return wrong(key, "is 0 to 100,000 a second");
        }
    }
    if read.to_absent.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return wrong("to-absent", "is 0 to 1");
    }
    Ok(read)
}

/// The line on which a key stands; 1 when it does not.
pub fn line_of(text: &str, key: &str) -> usize {
    let stands = |line: &str| {
        line.split(['{', ','])
            .any(|part| part.trim_start().strip_prefix(key).is_some_and(|it| it.starts_with(':')))
    };
    text.lines().position(stands).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name: monday\nonline: 400\nusers: 500\nlogin-rate: 20\nduration: 2m\n\
        rates: { chat: 40, groups: 2, history: 0.5, uploads: 0.2 }\nmembers: 20\nto-absent: 0.1\nmessage-bytes: 120\n\
        file-size: 256KiB\ngoals: { login-p99: 2s }\n";

    #[test]
    fn a_scenario_is_read_from_its_file() {
        let read = read_scenario("monday.yml", GOOD).unwrap();
        assert_eq!((read.online, read.users, read.members), (Some(400), Some(500), Some(20)));
        assert!((Rates::from(read.rates).messages() - 42.0).abs() < 1e-9);
        assert_eq!(read.goals["login-p99"], "2s");
    }

    #[test]
    fn mistakes_name_the_file_and_the_line() {
        for (from, to, place) in [
            ("members:", "member:", "monday.yml:7:"),
            ("online: 400", "online: many", "monday.yml:2:"),
            ("to-absent: 0.1", "to-absent: 7", "monday.yml:8:"),
            ("groups: 2", "groups: -2", "monday.yml:6:"),
            ("name: monday", "name: chat", "monday.yml:1:"),
            ("name: monday", "name: mon day", "monday.yml:1:"),
            ("rates: {", "rates: { mails: 1,", "monday.yml:6:"),
        ] {
            let said = read_scenario("monday.yml", &GOOD.replace(from, to)).unwrap_err();
            assert!(said.starts_with(place) && !said.contains('\n'), "{to}: {said}");
        }
    }
}
