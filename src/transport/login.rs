//! Logging in: keys, agent, password, in that order and never more often than servers forgive.

use super::LinkError;
use super::client::{Client, broken};
use super::keyring::{KeyFile, certificate};
use super::options::Options;
use super::target::Hop;
use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Reply};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::ssh_key::PublicKey;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg};

/// Keys shown to one server: sshd's `MaxAuthTries` is 6, and one more is left for the password.
const KEYS: usize = 5;

type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// One way to log in.
enum Way {
    Agent(Box<AgentIdentity>),
    File(KeyFile),
}

/// A login going on at one server.
pub(super) struct Login<'a> {
    handle: &'a mut Handle<Client>,
    hop: &'a Hop,
    options: &'a Options,
    tried: Vec<String>,
    /// Methods the server still takes; none = not said yet.
    left: Option<Vec<MethodKind>>,
    /// A key was accepted, but the server wants one more proof.
    half: bool,
}

impl<'a> Login<'a> {
    /// Logs in, or says what was tried.
    pub(super) async fn run(
        handle: &'a mut Handle<Client>,
        hop: &'a Hop,
        options: &'a Options,
    ) -> Result<(), LinkError> {
        let mut login = Self { handle, hop, options, tried: vec![], left: None, half: false };
        if login.with_keys().await? || login.with_password().await? {
            return Ok(());
        }
        let tried = if login.tried.is_empty() {
            "nothing: no key, agent or password".to_owned()
        } else {
            login.tried.join(", ")
        };
        Err(LinkError::Login { user: hop.user.clone(), address: hop.label(), tried })
    }

    async fn with_keys(&mut self) -> Result<bool, LinkError> {
        let mut agent = self.agent().await;
        let ways = self.ways(agent.as_mut()).await?;
        for way in ways {
            if self.half || self.tried.len() >= KEYS || !self.takes(MethodKind::PublicKey) {
                break;
            }
            let done = match (way, agent.as_mut()) {
                (Way::Agent(identity), Some(agent)) => self.with_identity(&identity, agent).await?,
                (Way::Agent(_), None) => false,
                (Way::File(file), _) => self.with_file(file).await?,
            };
            if done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The keys to show, in order: what needs no question first.
    async fn ways(&self, agent: Option<&mut Agent>) -> Result<Vec<Way>, LinkError> {
        let mut files = Vec::new();
        for path in &self.hop.auth.keys {
            match KeyFile::read(path) {
                Ok(Some(file)) => files.push(file),
                Ok(None) if self.hop.auth.named => {
                    let cause = "there is no such file".to_owned();
                    return Err(LinkError::File { path: path.display().to_string(), cause });
                }
                Ok(None) => {}
                Err(cause) if self.hop.auth.named => return Err(cause),
                Err(cause) => tracing::warn!("{cause}; the key is not used"),
            }
        }
        let identities = match agent {
            Some(agent) => agent.request_identities().await.unwrap_or_else(|cause| {
                tracing::warn!("the agent does not answer: {cause}");
                vec![]
            }),
            None => vec![],
        };
        let of_file = |identity: &AgentIdentity| {
            files.iter().any(|file| {
                file.public.as_ref().is_some_and(|key| *key.key_data() == *public(identity).key_data())
            })
        };
        let (mut known, others): (Vec<_>, Vec<_>) = identities.into_iter().partition(of_file);
        let held = |file: &KeyFile| {
            file.public
                .as_ref()
                .is_some_and(|key| known.iter().any(|one| *public(one).key_data() == *key.key_data()))
        };
        let (closed, open): (Vec<_>, Vec<_>) = files
            .into_iter()
            .filter(|file| !file.public_only && !held(file))
            .partition(|file| file.encrypted);
        if !self.hop.auth.only {
            known.extend(others);
        }
        let identities = known.into_iter().map(|identity| Way::Agent(Box::new(identity)));
        let named = self.hop.auth.named;
        let (first, last): (Vec<_>, Vec<_>) = open.into_iter().partition(|_| named);
        Ok(first
            .into_iter()
            .map(Way::File)
            .chain(identities)
            .chain(last.into_iter().chain(closed).map(Way::File))
            .collect())
    }

    async fn agent(&self) -> Option<Agent> {
        let socket = self.hop.auth.agent.as_ref()?;
        match AgentClient::connect_uds(socket).await {
            Ok(agent) => Some(agent.dynamic()),
            Err(cause) => {
                tracing::debug!("no agent at {}: {cause}", socket.display());
                None
            }
        }
    }

    async fn with_identity(
        &mut self,
        identity: &AgentIdentity,
        agent: &mut Agent,
    ) -> Result<bool, LinkError> {
        let (user, hash) = (self.hop.user.clone(), self.rsa_hash(&public(identity)).await);
        let result = match identity {
            AgentIdentity::PublicKey { key, comment } => {
                self.tried.push(format!("agent key `{comment}`"));
                self.handle.authenticate_publickey_with(user, key.clone(), hash, agent).await
            }
            AgentIdentity::Certificate { certificate, comment } => {
                self.tried.push(format!("agent certificate `{comment}`"));
                self.handle.authenticate_certificate_with(user, certificate.clone(), hash, agent).await
            }
        };
        match result {
            Ok(result) => self.judge(&result),
            Err(cause) => {
                tracing::warn!("the agent does not sign: {cause}");
                Ok(false)
            }
        }
    }

    async fn with_file(&mut self, file: KeyFile) -> Result<bool, LinkError> {
        let path = file.path.clone();
        let Some(key) = self.options.shared.keys.open(file, &self.options.shared.questions).await? else {
            self.tried.push(format!("`{}` (encrypted, no passphrase)", path.display()));
            return Ok(false);
        };
        self.tried.push(format!("`{}`", path.display()));
        let user = self.hop.user.clone();
        if let Some(certificate) = certificate(&path) {
            let result = self.handle.authenticate_openssh_cert(user.clone(), key.clone(), certificate).await;
            if self.judge(&result.map_err(|cause| broken(self.hop, &cause))?)? {
                return Ok(true);
            }
        }
        let hash = self.rsa_hash(key.public_key()).await;
        let result = self.handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await;
        self.judge(&result.map_err(|cause| broken(self.hop, &cause))?)
    }

    async fn with_password(&mut self) -> Result<bool, LinkError> {
        if self.left.is_none() {
            // Nothing was tried yet: ask what the host takes before anybody is asked for a password.
            let result = self.handle.authenticate_none(self.hop.user.clone()).await;
            if self.judge(&result.map_err(|cause| broken(self.hop, &cause))?)? {
                return Ok(true);
            }
        }
        let interactive = self.left.as_ref().is_some_and(|left| !left.contains(&MethodKind::Password));
        if !self.takes(MethodKind::Password) && !self.takes(MethodKind::KeyboardInteractive) {
            return Ok(false);
        }
        let what = format!("password of `{}` at {}", self.hop.user, self.hop.label());
        let Some(password) = self.options.password(self.hop.auth.password_file.as_deref(), &what).await?
        else {
            return Ok(false);
        };
        self.tried.push("password".to_owned());
        let user = self.hop.user.clone();
        if !interactive {
            let result = self.handle.authenticate_password(user.clone(), password.expose().as_str()).await;
            return self.judge(&result.map_err(|cause| broken(self.hop, &cause))?);
        }
        let mut reply = self.handle.authenticate_keyboard_interactive_start(user, None).await;
        loop {
            reply = match reply.map_err(|cause| broken(self.hop, &cause))? {
                Reply::Success => return Ok(true),
                Reply::Failure { .. } => return Ok(false),
                Reply::InfoRequest { prompts, .. } if prompts.len() > 1 => return Ok(false),
                Reply::InfoRequest { prompts, .. } => {
                    let answers = prompts.iter().map(|_| password.expose().clone()).collect();
                    self.handle.authenticate_keyboard_interactive_respond(answers).await
                }
            };
        }
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.left.as_ref().is_none_or(|left| left.contains(&method))
    }

    fn judge(&mut self, result: &AuthResult) -> Result<bool, LinkError> {
        match result {
            AuthResult::Success => Ok(true),
            AuthResult::Failure { .. } if self.handle.is_closed() => {
                let cause = format!("it hung up during the login; tried {}", self.tried.join(", "));
                Err(LinkError::Lost { address: self.hop.label(), cause })
            }
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.left = Some(remaining_methods.to_vec());
                self.half |= partial_success;
                Ok(false)
            }
        }
    }

    async fn rsa_hash(&self, key: &PublicKey) -> Option<HashAlg> {
        if !key.algorithm().is_rsa() {
            return None;
        }
        let best = self.handle.best_supported_rsa_hash().await.ok().flatten();
        best.unwrap_or(Some(HashAlg::Sha256))
    }
}

fn public(identity: &AgentIdentity) -> PublicKey {
    identity.public_key().into_owned()
}
