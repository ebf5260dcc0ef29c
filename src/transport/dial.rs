//! Making a connection: address, gate, handshake with a checked key, login; hop by hop through jump hosts.

use super::LinkError;
use super::client::{Broken, Client, Gone};
use super::forward::Forwards;
use super::hostkey::HostKeys;
use super::login::Login;
use super::options::Options;
use super::target::{Hop, Target};
use russh::client::{Config, Handle, connect_stream};
use russh::keys::PublicKey;
use russh::{Limits, Preferred, cipher};
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

/// Bytes the kernel may keep unsent: what a sign of life has to wait behind on a slow line.
const SEND_BUFFER: u32 = 256 << 10;

/// One open and logged-in connection.
pub(super) struct Line {
    pub(super) handle: Arc<Handle<Client>>,
    pub(super) forwards: Forwards,
    pub(super) gone: Gone,
    /// Connections to jump hosts that carry this one.
    pub(super) carriers: Vec<Arc<Handle<Client>>>,
}

/// Connects to a target through all its hops.
pub(super) async fn dial(target: &Target, options: &Options) -> Result<Line, LinkError> {
    let mut carriers: Vec<Arc<Handle<Client>>> = Vec::new();
    let mut road = String::new();
    let mut line = None;
    for hop in &target.hops {
        road = format!("{road} {}", hop.label());
        let _place = options.gate(&road).await;
        let via = carriers.last().cloned();
        let made = options.limited(leg(hop, via, options)).await;
        let late = || LinkError::Deadline { address: hop.label(), within: options.within };
        let (handle, forwards, gone) = made.ok_or_else(late)??;
        let handle = Arc::new(handle);
        line = Some(Line { handle: Arc::clone(&handle), forwards, gone, carriers: carriers.clone() });
        carriers.push(handle);
    }
    Ok(line.expect("a target has at least one hop"))
}

/// The key that a target shows now, without judging it and without logging in there; jump hosts are passed as always.
pub async fn shown_key(target: &Target, options: &Options) -> Result<PublicKey, LinkError> {
    let (hop, before) = target.hops.split_last().expect("a target has at least one hop");
    let way = match before {
        [] => None,
        _ => Some(dial(&Target { hops: before.to_vec(), sudo: target.sudo.clone() }, options).await?),
    };
    let via = way.as_ref().map(|line| &*line.handle);
    let seen = Arc::default();
    let client = Client {
        keys: HostKeys::looking(hop, options, &seen),
        forwards: Forwards::default(),
        gone: Gone::default(),
    };
    let late = || LinkError::Deadline { address: hop.label(), within: options.within };
    let ended = options.limited(shake(hop, via, options, client)).await.ok_or_else(late)?;
    if let Some(key) = seen.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Ok(key);
    }
    let cause = match ended {
        Ok(_) => "it shows no key".to_owned(),
        Err(Broken::Ours(cause)) => return Err(cause),
        Err(Broken::Ssh(cause)) => plainly(&cause),
    };
    Err(LinkError::Connect { address: hop.label(), cause })
}

/// One hop: handshake and login. Only what breaks before the login is tried again: a server drops handshakes at
/// random when too many come at once.
async fn leg(
    hop: &Hop,
    via: Option<Arc<Handle<Client>>>,
    options: &Options,
) -> Result<(Handle<Client>, Forwards, Gone), LinkError> {
    let mut pause = Duration::from_millis(250);
    for tries_left in (0..4).rev() {
        let (forwards, gone) = (Forwards::default(), Gone::default());
        match shake(
            hop,
            via.as_deref(),
            options,
            Client { keys: HostKeys::new(hop, options), forwards: forwards.clone(), gone: Arc::clone(&gone) },
        )
        .await
        {
            Ok(mut handle) => {
                Login::run(&mut handle, hop, options).await?;
                return Ok((handle, forwards, gone));
            }
            Err(Broken::Ours(cause)) => return Err(cause),
            Err(Broken::Ssh(cause)) if tries_left == 0 || !fleeting(&cause) => {
                let cause = plainly(&cause);
                return Err(LinkError::Connect { address: hop.label(), cause });
            }
            Err(Broken::Ssh(_)) => tokio::time::sleep(pause).await,
        }
        pause *= 2;
    }
    unreachable!("the last try returns")
}

async fn shake(
    hop: &Hop,
    via: Option<&Handle<Client>>,
    options: &Options,
    client: Client,
) -> Result<Handle<Client>, Broken> {
    let config = Arc::new(config(client.keys.preferred().map_err(Broken::Ours)?, options));
    match via {
        Some(via) => {
            let channel =
                via.channel_open_direct_tcpip(&*hop.address, u32::from(hop.port), "127.0.0.1", 0).await?;
            connect_stream(config, channel.into_stream(), client).await
        }
        None => connect_stream(config, plug(hop, options).await.map_err(Broken::Ours)?, client).await,
    }
}

/// A TCP connection to the first address that answers.
async fn plug(hop: &Hop, options: &Options) -> Result<TcpStream, LinkError> {
    let failed = |cause: String| LinkError::Connect { address: hop.label(), cause };
    let addresses = options.shared.names.addresses(&hop.address).await.map_err(failed)?;
    let mut causes = Vec::new();
    for address in addresses {
        match tcp(address, hop.port).await {
            Ok(stream) => return Ok(stream),
            Err(cause) => causes.push(format!("{address}: {cause}")),
        }
    }
    Err(failed(if causes.is_empty() { "the name has no address".to_owned() } else { causes.join("; ") }))
}

async fn tcp(address: IpAddr, port: u16) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_send_buffer_size(SEND_BUFFER)?;
    let stream = socket.connect(SocketAddr::new(address, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn config(mut preferred: Preferred, options: &Options) -> Config {
    // AES-128-GCM is not in russh's list; with AES instructions chacha20 costs 1.6 times the CPU.
    let ours = [
        cipher::AES_128_GCM,
        cipher::AES_256_GCM,
        cipher::CHACHA20_POLY1305,
        cipher::AES_256_CTR,
        cipher::AES_128_CTR,
    ];
    preferred.cipher = Cow::Owned(ours.to_vec());
    preferred.compression = Cow::Owned(vec![russh::compression::NONE]);
    Config {
        preferred,
        nodelay: true,
        keepalive_interval: Some(Duration::from_secs(5)),
        keepalive_max: 3,
        maximum_packet_size: 65535,
        channel_buffer_size: 256,
        limits: Limits::new(options.rekey_after, options.rekey_after, Duration::from_hours(1)),
        ..Config::default()
    }
}

/// Whether a handshake that broke like this may work the next time.
fn fleeting(cause: &russh::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match cause {
        russh::Error::IO(cause) => {
            matches!(cause.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
        }
        russh::Error::Disconnect | russh::Error::HUP => true,
        _ => false,
    }
}

fn plainly(cause: &russh::Error) -> String {
    match cause {
        russh::Error::Disconnect | russh::Error::HUP => {
            "it closes the connection before the login".to_owned()
        }
        russh::Error::ChannelOpenFailure(why) => format!("the jump host cannot reach it ({why:?})"),
        other => other.to_string(),
    }
}
