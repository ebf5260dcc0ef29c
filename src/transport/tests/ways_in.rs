//! Logins, jump hosts, slow and full servers.

use super::manners::Manners;
use super::server::serve;
use super::{folder, hop, open, program, target};
use crate::base::Secret;
use crate::transport::{Asker, LinkError, Options, connect};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Knows one passphrase, after one slip, and one password.
#[derive(Default)]
struct Operator {
    asked: AtomicUsize,
}

impl Asker for Operator {
    fn trust(&self, _host: &str, _kind: &str, _fingerprint: &str) -> bool {
        true
    }
    fn passphrase(&self, _key: &Path) -> Option<Secret<String>> {
        let slip = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        Some(Secret::new(if slip { "wrong".to_owned() } else { "open sesame".to_owned() }))
    }
    fn password(&self, _what: &str) -> Option<Secret<String>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Some(Secret::new("hunter2".to_owned()))
    }
}

fn key_file(path: &Path, passphrase: Option<&str>) -> PrivateKey {
    use std::os::unix::fs::PermissionsExt;
    let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
    let written = match passphrase {
        Some(passphrase) => key.encrypt(&mut safe_rng(), passphrase).unwrap(),
        None => key.clone(),
    };
    std::fs::write(path, written.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    key
}

#[tokio::test]
async fn a_key_file_logs_in_and_a_wrong_password_is_told_as_what_was_tried() {
    let folder = folder();
    let mut manners = Manners::good();
    manners.user_key = Some(key_file(&folder.path().join("key"), None).public_key().clone());
    manners.password = None;
    let server = serve(manners).await;
    let mut way = hop(&server, folder.path());
    let refused = connect(&target(vec![way.clone()]), &open()).await.err().unwrap();
    assert!(matches!(&refused, LinkError::Login { tried, .. } if tried == "password"), "{refused}");
    way.auth.keys = vec![folder.path().join("key")];
    let session = connect(&target(vec![way]), &open()).await.unwrap();
    assert_eq!(session.exec(program("echo in")).await.unwrap().text(), "in");
    assert_eq!(session.again().await.unwrap().exec(program("echo in")).await.unwrap().text(), "in");
}

#[tokio::test]
async fn the_passphrase_of_a_key_is_asked_for_once_for_all_hosts() {
    let folder = folder();
    let mut manners = Manners::good();
    manners.user_key = Some(key_file(&folder.path().join("key"), Some("open sesame")).public_key().clone());
    manners.password = None;
    let (one, two) = (serve(manners.clone()).await, serve(manners).await);
    let operator = Arc::new(Operator::default());
    let options = Options::new(Duration::from_secs(5), true, Arc::clone(&operator) as Arc<dyn Asker>);
    let way = |server| {
        let mut way = hop(server, folder.path());
        way.auth.keys = vec![folder.path().join("key")];
        way.auth.password_file = None;
        target(vec![way])
    };
    let (to_one, to_two) = (way(&one), way(&two));
    let (first, second) = tokio::join!(connect(&to_one, &options), connect(&to_two, &options));
    first.unwrap();
    second.unwrap();
    assert_eq!(operator.asked.load(Ordering::SeqCst), 2, "one slip, one right answer");
}

#[tokio::test]
async fn a_key_that_was_named_and_is_missing_or_open_to_others_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let mut way = hop(&server, folder.path());
    way.auth.keys = vec![folder.path().join("key")];
    way.auth.named = true;
    let refused = connect(&target(vec![way.clone()]), &open()).await.err().unwrap();
    assert!(matches!(&refused, LinkError::File { .. }), "{refused}");
    key_file(&folder.path().join("key"), None);
    std::fs::set_permissions(folder.path().join("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = connect(&target(vec![way]), &open()).await.err().unwrap();
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
}

#[tokio::test]
async fn a_public_key_file_names_the_key_of_the_agent_that_is_meant() {
    let folder = folder();
    let socket = folder.path().join("agent");
    let agent = tokio::process::Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(_agent) = agent else { return };
    let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
    let mut client = loop {
        if let Ok(client) = russh::keys::agent::client::AgentClient::connect_uds(&socket).await {
            break client;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for _ in 0..8 {
        let other = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        client.add_identity(&other, &[]).await.unwrap();
    }
    client.add_identity(&key, &[]).await.unwrap();
    let mut manners = Manners::good();
    manners.user_key = Some(key.public_key().clone());
    manners.password = None;
    let server = serve(manners).await;
    std::fs::write(folder.path().join("key.pub"), key.public_key().to_openssh().unwrap()).unwrap();
    let mut way = hop(&server, folder.path());
    way.auth.agent = Some(socket);
    way.auth.named = true;
    for name in ["key", "key.pub"] {
        way.auth.keys = vec![folder.path().join(name)];
        connect(&target(vec![way.clone()]), &open()).await.unwrap();
    }
    assert_eq!(server.logins_tried.load(Ordering::SeqCst), 2, "the right key came first");
}

#[tokio::test]
async fn a_password_is_given_where_only_questions_are_taken() {
    let mut manners = Manners::good();
    manners.interactive = true;
    let folder = folder();
    // A key is refused first: only then the server has said what it takes.
    key_file(&folder.path().join("key"), None);
    let server = serve(manners).await;
    let mut way = hop(&server, folder.path());
    way.auth.keys = vec![folder.path().join("key")];
    connect(&target(vec![way.clone()]), &open()).await.unwrap();
    way.auth.keys.clear();
    connect(&target(vec![way]), &open()).await.unwrap();
}

#[tokio::test]
async fn never_more_than_five_keys_are_shown() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let mut way = hop(&server, folder.path());
    way.auth.keys = (0..9).map(|at| folder.path().join(format!("key{at}"))).collect();
    way.auth.keys.iter().for_each(|path| drop(key_file(path, None)));
    connect(&target(vec![way]), &open()).await.unwrap();
    assert_eq!(server.logins_tried.load(Ordering::SeqCst), 6, "five keys and the password");
}

#[tokio::test]
async fn a_host_behind_two_jump_hosts_is_reached() {
    let folder = folder();
    let servers = [serve(Manners::good()).await, serve(Manners::good()).await, serve(Manners::good()).await];
    let hops = servers.iter().map(|server| hop(server, folder.path())).collect();
    let session = connect(&target(hops), &open()).await.unwrap();
    assert_eq!(session.exec(program("echo far")).await.unwrap().text(), "far");
    session.close().await;
}

#[tokio::test]
async fn handshakes_that_are_dropped_are_tried_again_and_a_login_is_not() {
    let mut manners = Manners::good();
    manners.drop_first = 2;
    let (folder, server) = (folder(), serve(manners).await);
    connect(&target(vec![hop(&server, folder.path())]), &open()).await.unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 3);
    let mut manners = Manners::good();
    manners.password = None;
    let server = serve(manners).await;
    assert!(connect(&target(vec![hop(&server, folder.path())]), &open()).await.is_err());
    assert_eq!(
        (server.connections.load(Ordering::SeqCst), server.logins_tried.load(Ordering::SeqCst)),
        (1, 1)
    );
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_limit_and_no_more() {
    let folder = folder();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut manners = Manners::good();
    manners.login_takes = Duration::from_mins(1);
    let slow = serve(manners).await;
    let options = Options::new(Duration::from_millis(600), true, Arc::new(super::super::Nobody));
    let mut to_silent = hop(&slow, folder.path());
    to_silent.port = silent.local_addr().unwrap().port();
    for way in [to_silent, hop(&slow, folder.path())] {
        let started = Instant::now();
        let refused = connect(&target(vec![way]), &options).await.err().unwrap();
        assert!(matches!(refused, LinkError::Deadline { .. }), "{refused}");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn nobody_at_the_port_is_told_plainly() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let mut way = hop(&server, folder.path());
    way.port = 1;
    let refused = connect(&target(vec![way]), &open()).await.err().unwrap().to_string();
    assert!(refused.contains("127.0.0.1:1") && refused.contains("refused"), "{refused}");
}
