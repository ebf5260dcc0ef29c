//! How a server of the tests behaves.

use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use russh::server::{Config, Handle};
use russh::{ChannelId, Limits, MethodKind, MethodSet, Sig};
use std::time::Duration;

/// What a server does instead of what it should.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// Nothing: it behaves.
    No,
    /// Never answers when a session is asked for.
    NoChannel,
    /// Allows no session.
    RefusedChannel,
    /// Never answers when a program is asked for.
    NoExec,
    /// Allows no program.
    RefusedExec,
    /// Runs nothing and answers with this status.
    Status(u32),
    /// Runs nothing and names a signal.
    Signal,
    /// Runs nothing and closes the channel.
    NoStatus,
    /// Runs nothing, ends the output and leaves the channel open.
    Eof,
    /// Names a status before the program runs.
    StatusFirst,
}

/// How a server behaves.
#[derive(Clone)]
pub(super) struct Manners {
    /// Host keys.
    pub(super) keys: Vec<PrivateKey>,
    /// Host certificates.
    pub(super) certificates: Vec<russh::keys::Certificate>,
    /// Public key that may log in.
    pub(super) user_key: Option<russh::keys::PublicKey>,
    /// Password that may log in.
    pub(super) password: Option<String>,
    /// Only through keyboard-interactive.
    pub(super) interactive: bool,
    /// Time before a login is answered.
    pub(super) login_takes: Duration,
    /// Whether ports may be forwarded.
    pub(super) forwarding: bool,
    /// Sessions allowed at a time.
    pub(super) sessions: usize,
    /// What runs before each command, such as a noisy `.bashrc`.
    pub(super) login_shell: String,
    /// Connections dropped before the server says anything.
    pub(super) drop_first: usize,
    /// What it says at the login.
    pub(super) banner: Option<String>,
    /// Changes the keys after so many bytes.
    pub(super) rekey_after: Option<usize>,
    /// What it does instead of what it should.
    pub(super) odd: Odd,
}

impl Manners {
    pub(super) fn good() -> Self {
        Self {
            keys: vec![PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()],
            certificates: vec![],
            user_key: None,
            password: Some("hunter2".to_owned()),
            interactive: false,
            login_takes: Duration::ZERO,
            forwarding: true,
            sessions: 10,
            login_shell: String::new(),
            drop_first: 0,
            banner: None,
            rekey_after: None,
            odd: Odd::No,
        }
    }

    pub(super) fn config(&self) -> Config {
        let methods: &[MethodKind] = if self.interactive {
            &[MethodKind::PublicKey, MethodKind::KeyboardInteractive]
        } else {
            &[MethodKind::PublicKey, MethodKind::Password]
        };
        let mut config = Config {
            keys: self.keys.clone(),
            certificates: self.certificates.clone(),
            methods: MethodSet::from(methods),
            auth_rejection_time: Duration::ZERO,
            nodelay: true,
            window_size: 2 << 20,
            ..Config::default()
        };
        if let Some(bytes) = self.rekey_after {
            config.limits = Limits::new(bytes, bytes, Duration::from_hours(1));
        }
        config
    }
}

/// What a server says instead of running a program; `true` = it runs it all the same.
pub(super) async fn oddly(handle: &Handle, id: ChannelId, odd: Odd) -> bool {
    let sent = match odd {
        Odd::No => return true,
        Odd::StatusFirst => return handle.exit_status_request(id, 0).await.is_ok(),
        Odd::Status(status) => handle.exit_status_request(id, status).await,
        Odd::Signal => handle.exit_signal_request(id, Sig::KILL, false, String::new(), String::new()).await,
        Odd::Eof => handle.eof(id).await,
        _ => Ok(()),
    };
    if sent.is_ok() && odd != Odd::Eof {
        let _ = handle.close(id).await;
    }
    false
}
