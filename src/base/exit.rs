//! The exit codes of imctl, a contract with scripts; `docs/errors.md` lists them from here.

use super::Language;

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

    /// One sentence for people, in a language.
    pub fn meaning_in(self, language: Language) -> &'static str {
        if language == Language::En {
            return self.meaning();
        }
        match self {
            Self::Done => "已完成，或无事可做",
            Self::Bug => "imctl 的缺陷",
            Self::Usage => "用法、清单、产品栈或计划文件有误",
            Self::CheckFailed => "有检查未通过",
            Self::Warnings => "只有警告（--fail-on warn）",
            Self::HostFailed => "有主机失败；再次运行即可继续",
            Self::Locked => "锁被别人占用",
            Self::Unreachable => "主机无法连接、拒绝登录，或主机密钥不同",
            Self::Bundle => "离线包缺失、损坏或不受信任",
            Self::RolledBack => "改动失败，已经回退",
            Self::Changes => "计划中有改动（--detailed-exitcode）",
            Self::Broken => "改动失败，且未能回退",
            Self::Refused => "已拒绝：需要确认",
            Self::Stale => "保存的计划已过时",
            Self::Interrupted => "被中断",
        }
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
