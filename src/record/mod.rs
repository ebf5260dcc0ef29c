//! Data that rooms hand to each other: what was seen on a host, what was done. Types only;
//! it does not know who makes or reads them.

mod backup;
mod execution;
mod judged;
mod lease;
mod load;
mod observed;
mod walk;

pub use backup::{BackupEvent, BackupFailed, BackupFile, BackupPart, BackupSet, BackupState, SET_FORMAT};
pub use execution::{Execution, HostResult, StepResult};
pub use judged::{AreaScore, Danger, Disk, Judged, Machine, ScanResult, Scanned, Waived, Words};
pub use lease::{Holder, LeaseSeen};
pub use load::{
    Attempts, Calibrated, Generator, Goal, HostLoad, HostSample, LoadResult, Logins, Measured, Messages,
    Outage, Times, Which,
};
pub use observed::{Answer, Observed, PathKind, PathState, UnitState};
pub use walk::{CertificateSeen, SuiteSeen, TlsVersion, Walk};
