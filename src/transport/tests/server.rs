//! An SSH server inside the test: runs commands for real, and misbehaves as told.

use super::manners::{Manners, Odd, oddly};
use russh::server::{
    Auth, ChannelOpenHandle, Handle, Handler, Msg, Response, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// A running server; its counters.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) connections: Arc<AtomicUsize>,
    /// Most handshakes that were open at the same time.
    pub(super) logins_tried: Arc<AtomicUsize>,
    /// Subsystems such as sftp that were asked for.
    pub(super) subsystems: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) async fn serve(manners: Manners) -> Server {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (connections, logins_tried) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let config = Arc::new(manners.config());
    let subsystems = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&subsystems);
    let (count, tried) = (Arc::clone(&connections), Arc::clone(&logins_tried));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if count.fetch_add(1, Ordering::SeqCst) < manners.drop_first {
                continue;
            }
            let guest = Guest {
                manners: manners.clone(),
                inputs: Arc::default(),
                forwards: HashMap::new(),
                tried: Arc::clone(&tried),
                subsystems: Arc::clone(&asked),
            };
            let config = Arc::clone(&config);
            tokio::spawn(async move {
                if let Ok(session) = run_stream(config, stream, guest).await {
                    let _ = session.await;
                }
            });
        }
    });
    Server { port, connections, logins_tried, subsystems, task }
}

struct Guest {
    manners: Manners,
    inputs: Arc<Mutex<HashMap<ChannelId, UnboundedSender<Vec<u8>>>>>,
    forwards: HashMap<u32, tokio::task::JoinHandle<()>>,
    tried: Arc<AtomicUsize>,
    subsystems: Arc<AtomicUsize>,
}

impl Guest {
    async fn answer(&self, right: bool) -> Auth {
        self.tried.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.manners.login_takes).await;
        if right { Auth::Accept } else { Auth::reject() }
    }
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, Self::Error> {
        let right = self.manners.password.as_deref() == Some(password);
        Ok(self.answer(right).await)
    }

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.manners.banner.clone())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.subsystems.fetch_add(1, Ordering::SeqCst);
        session.channel_failure(id)
    }

    async fn auth_publickey(&mut self, _user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let right =
            self.manners.user_key.as_ref().is_some_and(|known| known.key_data() == key.public_key.key_data());
        Ok(self.answer(right).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            let prompts = vec![("Password: ".into(), false)].into();
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let given = response.next().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(self.answer(given == self.manners.password).await)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.manners.odd == Odd::NoChannel {
            std::mem::forget(reply);
            return Ok(());
        }
        let refused = self.manners.odd == Odd::RefusedChannel;
        if refused || self.inputs.lock().unwrap().len() >= self.manners.sessions {
            reply.reject(russh::ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        }
        self.inputs.lock().unwrap().insert(channel.id(), unbounded_channel().0);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.manners.odd {
            Odd::NoExec => return Ok(()),
            Odd::RefusedExec => return session.channel_failure(id),
            _ => session.channel_success(id)?,
        }
        let (sender, input) = unbounded_channel();
        self.inputs.lock().unwrap().insert(id, sender);
        let command = format!("{}{}", self.manners.login_shell, String::from_utf8_lossy(command));
        let (handle, inputs, odd) = (session.handle(), Arc::clone(&self.inputs), self.manners.odd);
        tokio::spawn(async move {
            if !oddly(&handle, id, odd).await {
                return;
            }
            program(&handle, id, command, input).await;
            inputs.lock().unwrap().remove(&id);
            let _ = handle.close(id).await;
        });
        Ok(())
    }

    async fn data(&mut self, id: ChannelId, data: &[u8], _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(input) = self.inputs.lock().unwrap().get(&id) {
            // A program that ended reads no more.
            let _ = input.send(data.to_vec());
        }
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(input) = self.inputs.lock().unwrap().get_mut(&id) {
            *input = unbounded_channel().0;
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.inputs.lock().unwrap().remove(&id);
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _from: &str,
        _from_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let to: SocketAddr = format!("{host}:{port}").parse().unwrap();
        reply.accept().await;
        tokio::spawn(async move {
            let mut far = TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut far).await;
        });
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        _host: &str,
        port: &mut u32,
        session: &mut Session,
    ) -> Result<bool, Self::Error> {
        if !self.manners.forwarding {
            return Ok(false);
        }
        let listener =
            TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], u16::try_from(*port).unwrap()))).await?;
        *port = u32::from(listener.local_addr()?.port());
        let (handle, port) = (session.handle(), *port);
        let task = tokio::spawn(async move {
            while let Ok((mut near, from)) = listener.accept().await {
                let handle = handle.clone();
                tokio::spawn(async move {
                    let channel = handle.channel_open_forwarded_tcpip(
                        "127.0.0.1",
                        port,
                        "127.0.0.1",
                        u32::from(from.port()),
                    );
                    if let Ok(channel) = channel.await {
                        let _ = tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut near).await;
                    }
                });
            }
        });
        self.forwards.insert(port, task);
        Ok(true)
    }

    async fn cancel_tcpip_forward(
        &mut self,
        _host: &str,
        port: u32,
        _session: &mut Session,
    ) -> Result<bool, Self::Error> {
        let task = self.forwards.remove(&port);
        Ok(task.map(|task| task.abort()).is_some())
    }
}

/// Runs one command as sshd does: pipes, both outputs, status, close.
async fn program(
    handle: &Handle,
    id: ChannelId,
    command: String,
    mut input: tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>,
) {
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", &command]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::spawn(async move {
        while let Some(data) = input.recv().await {
            if stdin.write_all(&data).await.is_err() {
                break;
            }
        }
    });
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let copy_out = async {
        let mut buffer = vec![0; 1 << 15];
        while let Ok(size @ 1..) = out.read(&mut buffer).await {
            if handle.data(id, buffer[..size].to_vec()).await.is_err() {
                break;
            }
        }
        drop(out);
    };
    let copy_err = async {
        let mut buffer = vec![0; 1 << 15];
        while let Ok(size @ 1..) = err.read(&mut buffer).await {
            if handle.extended_data(id, 1, buffer[..size].to_vec()).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(copy_out, copy_err);
    let status = child.wait().await.unwrap().code().unwrap_or(255);
    let _ = handle.exit_status_request(id, u32::try_from(status).unwrap()).await;
    let _ = handle.eof(id).await;
}
