//! Which scenario: a name, or a file of one's own.

use super::super::Failure;
use crate::checks::read_goal;
use crate::load::{NAMES, ScenarioFile, line_of, read_scenario};
use std::path::{Path, PathBuf};

/// What the users do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    Login,
    Chat,
    Muc,
    History,
    Upload,
    Mixed,
    Reconnect,
}

impl Scenario {
    const ALL: [Self; 7] =
        [Self::Login, Self::Chat, Self::Muc, Self::History, Self::Upload, Self::Mixed, Self::Reconnect];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// A scenario as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    BuiltIn(Scenario),
    File(PathBuf),
}

impl Typed {
    /// Reads what was typed.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if let Some(kind) = Scenario::ALL.into_iter().find(|kind| kind.name() == text) {
            return Ok(Self::BuiltIn(kind));
        }
        let path = Path::new(text);
        if path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("yml") || it.eq_ignore_ascii_case("yaml"))
        {
            return Ok(Self::File(path.to_owned()));
        }
        Err(format!("there are {}, and files that end in .yml", NAMES.join(", ")))
    }

    /// Whether a node is stopped.
    pub(super) fn stops_a_node(&self) -> bool {
        *self == Self::BuiltIn(Scenario::Reconnect)
    }

    /// The built-in one, or none and what its file says.
    pub(super) fn open(&self) -> Result<(Option<Scenario>, ScenarioFile), Failure> {
        match self {
            Self::BuiltIn(kind) => Ok((Some(*kind), ScenarioFile::default())),
            Self::File(path) => {
                let shown = path.display().to_string();
                let text = std::fs::read_to_string(path)
                    .map_err(|cause| Failure::Usage(format!("the scenario `{shown}`: {cause}")))?;
                let file = read_scenario(&shown, &text).map_err(Failure::Usage)?;
                for (name, time) in &file.goals {
                    read_goal(&format!("{name}={time}")).map_err(|wrong| {
                        Failure::Usage(format!("{shown}:{}: {wrong}", line_of(&text, name)))
                    })?;
                }
                Ok((None, file))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_goal_of_a_file_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.yml");
        for (goals, line) in
            [("{ login-p99: 2s, mail-p99: 2s }", 2), ("\n  login-p99: 2s\n  group-p99: soon", 4)]
        {
            std::fs::write(&path, format!("name: day\ngoals: {goals}\n")).unwrap();
            let Err(Failure::Usage(said)) = Typed::File(path.clone()).open() else { panic!("{goals}") };
            assert!(said.contains(&format!("day.yml:{line}: ")), "{said}");
        }
    }

    #[test]
    fn a_scenario_is_a_name_or_a_file() {
        assert_eq!(Typed::read("muc"), Ok(Typed::BuiltIn(Scenario::Muc)));
        assert_eq!(Typed::read("my/day.yml"), Ok(Typed::File("my/day.yml".into())));
        assert!(Typed::read("mails").unwrap_err().contains("reconnect"));
        assert!(Typed::BuiltIn(Scenario::Reconnect).stops_a_node());
        for kind in Scenario::ALL {
            assert_eq!(Typed::read(kind.name()), Ok(Typed::BuiltIn(kind)));
        }
    }
}
