//! Who logged in last at a terminal of a host. imctl's own logins have no terminal and are not among them.

/// Key under which a look's answer holds what the script printed.
pub const LOGINS_KEY: &str = "logins";

/// The script: the newest logins as the system keeps them, a line each; a mark when it keeps none.
pub fn logins_script() -> String {
    SCRIPT.to_owned()
}

const SCRIPT: &str = r"if [ -r /var/log/wtmp ] && command -v last >/dev/null; then
  timeout -k 1 3 last -w -n 20 --time-format iso 2>/dev/null | head -n 20
  echo kept
fi
";

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Account.
    pub user: String,
    /// From where; empty at the machine itself.
    pub from: String,
    /// When, as the host says it, such as `2026-11-23T16:00:12+00:00`.
    pub time: String,
}

impl Login {
    /// As people say it.
    pub fn words(&self) -> String {
        let time = self.time.get(..16).unwrap_or(&self.time).replace('T', " ");
        let zone = if self.time.ends_with("+00:00") { " UTC" } else { "" };
        let from = if self.from.is_empty() { String::new() } else { format!(" from {}", self.from) };
        format!("{}{from} on {time}{zone}", self.user)
    }
}

/// What a host knows of its newest login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastLogin {
    /// It keeps no record.
    NoRecord,
    /// Nobody logged in since the record begins.
    Nobody,
    /// This one.
    Was(Login),
}

/// Reads what the script printed.
pub fn parse_logins(answer: &str) -> LastLogin {
    if !answer.lines().any(|line| line == "kept") {
        return LastLogin::NoRecord;
    }
    let login = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (user, terminal) = (*words.first()?, *words.get(1)?);
        if ["reboot", "shutdown", "runlevel", "wtmp"].contains(&user) {
            return None;
        }
        let at = words
            .iter()
            .position(|word| word.len() > 10 && word.get(4..5) == Some("-") && word.contains('T'))?;
        let from = words[2..at].iter().find(|word| **word != terminal).copied().unwrap_or_default();
        Some(Login { user: user.to_owned(), from: from.to_owned(), time: words[at].to_owned() })
    };
    answer.lines().find_map(login).map_or(LastLogin::Nobody, LastLogin::Was)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_login_is_read_past_boots() {
        let answer = "reboot   system boot  6.1.0-28-amd64 2026-11-23T15:00:00+00:00   still running\n\
            mei      pts/0        10.20.0.5        2026-11-23T16:00:12+00:00   still logged in\n\
            ops      tty1                          2026-11-22T10:00:00+00:00 - 2026-11-22T10:01:00+00:00  (00:01)\n\n\
            wtmp begins 2026-11-20T00:00:00+00:00\nkept\n";
        let words = |answer: &str| match parse_logins(answer) {
            LastLogin::Was(login) => login.words(),
            other => format!("{other:?}"),
        };
        assert_eq!(words(answer), "mei from 10.20.0.5 on 2026-11-23 16:00 UTC");
        let local = answer.lines().skip(2).collect::<Vec<_>>().join("\n");
        assert_eq!(words(&local), "ops on 2026-11-22 10:00 UTC");
        assert_eq!((words("kept\n"), words("")), ("Nobody".to_owned(), "NoRecord".to_owned()));
    }
}
