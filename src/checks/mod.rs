//! Judging: what was seen, against what is needed, becomes findings. Rules about the protocol are code, rules about a
//! product are data of its stack. Pure: it asks nobody and prints nothing.

mod acceptance;
mod answer;
mod goal;
mod load;
mod members;
mod preflight;
mod product;
mod rule;
mod scan;
mod zh;

pub use acceptance::{CONDITIONS, Evidence, LEFT_OUT, Overall, Reason, Source, is_waived, judge_acceptance};
pub use answer::read;
pub use goal::{goal_p99, goals, read_goal};
pub use load::{Judgement, judge_load};
pub use members::{ClusterView, is_split, membership};
pub use preflight::{
    HostSeen, Judged, LIMITS, Pair, PreflightRule, Site, Trial, preflight, preflight_rules, remedies,
    unknown_limits,
};
pub use product::{Language, Seen, in_chinese, judge};
pub use rule::{RULES, Rule, rule};
pub use scan::{
    AREAS, BEYOND, Guarded, KeptSeen, NetworkSeen, Outcome, Said, ScanRule, SecretFile, WaiverMistake,
    Waivers, areas, encryption, endpoint_name, grade, guarded, in_language, kept, network, scan_rule,
    scan_rules, scanned, total,
};
pub use zh::Chinese;
