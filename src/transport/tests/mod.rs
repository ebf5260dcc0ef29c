//! The transport against a real SSH server in the same process.

mod fences;
mod files;
mod manners;
mod odd;
mod programs;
mod rekeys;
mod server;
mod shells;
mod trust;
mod ways_in;

use super::{Auth, Exec, Hop, Options, Session, Sudo, Target, connect};
use server::Server;
use std::path::Path;
use std::time::Duration;

/// A folder with a `known_hosts` file that does not exist yet and a password file.
fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "hunter2\n").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

/// The way to a server, with the password of `folder`.
fn hop(server: &Server, folder: &Path) -> Hop {
    Hop {
        address: "127.0.0.1".to_owned(),
        port: server.port,
        user: "root".to_owned(),
        auth: Auth { password_file: Some(folder.join("password")), ..Auth::default() },
        known_hosts: vec![folder.join("known_hosts")],
        alias: None,
        strict: false,
    }
}

fn target(hops: Vec<Hop>) -> Target {
    Target { hops, sudo: Sudo::No }
}

/// Options that accept new hosts and wait five seconds.
fn open() -> Options {
    Options::new(Duration::from_secs(5), true, std::sync::Arc::new(super::Nobody))
}

async fn session(server: &Server, folder: &Path) -> Box<dyn Session> {
    connect(&target(vec![hop(server, folder)]), &open()).await.unwrap()
}

/// A program as the login user, whoever runs the tests.
fn program(script: &str) -> Exec {
    Exec { root: false, ..Exec::new(script, Duration::from_secs(20)) }
}
