//! Stacks as data: a folder with `stack.yml` and its templates, laid into the program or given by path.
//! It does not know which hosts exist.

mod backup;
mod checks;
mod load;
mod model;
mod passage;
mod rotation;
mod scan;
mod schema;
mod sizing;
mod status;
mod users;

pub use backup::{BackupSpec, RestoreStep};
pub use checks::{
    CheckSpec, ChecksFile, Door, LoadSpec, Outage, Parser, Room, SampleSpec, Service, Severity, Spent,
    Whereabouts, XmppService,
};
pub use load::{Stack, StackError, load, names};
pub use model::{
    ArtifactSource, ArtifactSpec, CertificateSpec, ComponentSpec, DnsSpec, Hook, Hooks, HostsGroup,
    HostsShape, PortSpec, Protocol, RoleSpec, Rollout, SecretSpec, SettingSpec, StackFile, Version,
};
pub use passage::{Keep, Passage, SchemaSpec, Way};
pub use rotation::Rotation;
pub use scan::{ScanFile, ScanSpec};
pub use schema::{Difference, columns, differences};
pub use sizing::{Basis, Constant, DefaultSpec, DerivedSetting, Need, RoleSizing, SizingFile, Term};
pub use status::{FigureSpec, Reading, StatusFile};
pub use users::{AppliedScript, Column, ListScript, RowScript, ScramSpec, UsersFile};
