//! The exit codes of imctl, a contract with scripts; `docs/errors.md` lists them from here.

/// How a command ended, as the number its caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// A bug of imctl.
    Bug = 1,
    /// Usage, inventory, stack or plan file is wrong.
    Usage = 2,
    /// A check failed.
    CheckFailed = 3,
    /// Warnings only, with `--fail-on warn`.
    Warnings = 4,
    /// Some host failed; run again to continue.
    HostFailed = 5,
    /// Somebody else holds the lock.
    Locked = 6,
    /// A host is unreachable, refuses the login, or shows another host key.
    Unreachable = 7,
    /// The bundle is missing, corrupt or not trusted.
    Bundle = 8,
    /// The change failed and was rolled back.
    RolledBack = 9,
    /// The plan has changes (`--detailed-exitcode`).
    Changes = 10,
    /// The change failed and could not be rolled back.
    Broken = 11,
    /// Refused: needs a confirmation.
    Refused = 12,
    /// The saved plan is stale.
    Stale = 13,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// All codes in order.
    pub const ALL: [Self; 15] = [
        Self::Done,
        Self::Bug,
        Self::Usage,
        Self::CheckFailed,
        Self::Warnings,
        Self::HostFailed,
        Self::Locked,
        Self::Unreachable,
        Self::Bundle,
        Self::RolledBack,
        Self::Changes,
        Self::Broken,
        Self::Refused,
        Self::Stale,
        Self::Interrupted,
    ];

    /// The number the caller sees.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// One sentence for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or nothing to do",
            Self::Bug => "a bug of imctl",
            Self::Usage => "usage, inventory, stack or plan file is wrong",
            Self::CheckFailed => "a check failed",
            Self::Warnings => "warnings only, with --fail-on warn",
            Self::HostFailed => "some host failed; run again to continue",
            Self::Locked => "somebody else holds the lock",
            Self::Unreachable => "a host is unreachable, refuses the login, or shows another host key",
            Self::Bundle => "the bundle is missing, corrupt or not trusted",
            Self::RolledBack => "the change failed and was rolled back",
            Self::Changes => "the plan has changes (--detailed-exitcode)",
            Self::Broken => "the change failed and could not be rolled back",
            Self::Refused => "refused: needs a confirmation",
            Self::Stale => "the saved plan is stale",
            Self::Interrupted => "interrupted",
        }
    }
}
