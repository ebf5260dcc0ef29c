//! What imctl is measured against: a bare client that connects, runs one program and reads its answer, and nothing else.
//!
//! `floor program INVENTORY HOST` prints the program that imctl looks at a host with, and `floor check INVENTORY HOST` that of
//! `imctl check`; `floor run KEY PROGRAM` sends one to each address of standard input, a `user@address:port` a line, all at once; `floor upload KEY KNOWN FILE TO
//! PATH` sends a file the way imctl does.

use futures_util::stream::{self, StreamExt as _};
use imctl::resource::{self, Probe};
use imctl::transport::{self, Options, Wish};
use imctl::{desired, facts, inventory, plan, stack, topology};
use russh::client::{self, Config, Handler};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{ChannelMsg, Disconnect, Preferred, cipher};
use std::borrow::Cow;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Done = Result<(), Box<dyn Error + Send + Sync>>;

/// Hosts worked on at the same time, as in imctl.
const AT_ONCE: usize = 64;

fn main() -> Done {
    // `cargo bench` passes an option of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match words.as_slice() {
        ["program", inventory, host] => say(&program(Path::new(inventory), host, false)?),
        ["check", inventory, host] => say(&program(Path::new(inventory), host, true)?),
        ["run", key, file] => runtime.block_on(run(key, file)),
        ["upload", key, known_hosts, file, to, path] => {
            runtime.block_on(upload((key, known_hosts), (file, to, path)))
        }
        // `cargo test --benches` runs it without words.
        [] => Ok(()),
        _ => Err(
            "floor program|check INVENTORY HOST | run KEY PROGRAM <ADDRESSES | upload KEY KNOWN FILE TO PATH"
                .into(),
        ),
    }
}

fn say(text: &str) -> Done {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// The program of imctl's first look at a host: every probe of its resources and all facts.
fn program(path: &Path, host: &str, check: bool) -> Result<String, Box<dyn Error + Send + Sync>> {
    let inventory = inventory::load_alone(path)?;
    let stack = stack::load(&inventory.stack, path.parent().unwrap_or(Path::new(".")))?;
    let topology = topology::build(&inventory, &stack)?;
    let identities = desired::identities(&topology)?;
    let place = topology.hosts.iter().find(|it| it.name.as_str() == host);
    let place = place.ok_or("there is no such host")?;
    let mut probes = plan::probes(&topology, &identities, &place.name);
    let facts = if check { facts::script_with_listeners() } else { facts::script() };
    probes.push(Probe::Script { key: facts::KEY.to_owned(), script: facts });
    if check {
        let script = facts::deep_script(&[]);
        probes.push(Probe::Script { key: facts::DEEP_KEY.to_owned(), script });
    }
    Ok(resource::program(&probes))
}

/// One program on every address of standard input; fails when it fails on one of them.
async fn run(key: &str, file: &str) -> Done {
    let key = Arc::new(load_secret_key(key, None)?);
    let program = Arc::new(std::fs::read(file)?);
    let mut addresses = String::new();
    std::io::stdin().read_to_string(&mut addresses)?;
    let begun = Instant::now();
    let hosts = addresses.lines().filter(|line| !line.is_empty());
    let answers = hosts.map(|address| one(address.to_owned(), Arc::clone(&key), Arc::clone(&program)));
    let answers: Vec<_> = stream::iter(answers).buffer_unordered(AT_ONCE).collect().await;
    let took = begun.elapsed();
    let mut bytes = 0;
    for answer in &answers {
        match answer {
            Ok(answer) => bytes += answer.len(),
            Err(cause) => return Err(cause.to_string().into()),
        }
    }
    say(&format!("{} hosts, {bytes} bytes of answers, {:.3} s\n", answers.len(), took.as_secs_f64()))
}

/// Takes any host key: less work than imctl's, so that the floor is low.
struct Anyone;

impl Handler for Anyone {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

fn config() -> Arc<Config> {
    let ciphers = vec![cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305];
    let compression = Cow::Owned(vec![russh::compression::NONE]);
    let preferred = Preferred { cipher: Cow::Owned(ciphers), compression, ..Preferred::default() };
    Arc::new(Config { preferred, nodelay: true, ..Config::default() })
}

/// Connects, logs in, runs the program with `sh`, reads to the end, says goodbye.
async fn one(
    address: String,
    key: Arc<russh::keys::PrivateKey>,
    program: Arc<Vec<u8>>,
) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let (user, place) = address.split_once('@').ok_or("an address is user@host:port")?;
    let mut line = client::connect(config(), place, Anyone).await?;
    if !line.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, None)).await?.success() {
        return Err(format!("{address} does not take the key").into());
    }
    let mut channel = line.channel_open_session().await?;
    channel.exec(true, "exec sh").await?;
    channel.data_bytes(program.to_vec()).await?;
    channel.eof().await?;
    let (mut answer, mut status) = (Vec::new(), None);
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => answer.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    line.disconnect(Disconnect::ByApplication, "", "en").await?;
    if status == Some(0) { Ok(answer) } else { Err(format!("{address}: status {status:?}").into()) }
}

/// One file over imctl's own transport: temporary name, length checked, fsync, rename.
async fn upload((key, known_hosts): (&str, &str), (file, to, path): (&str, &str, &str)) -> Done {
    let content = std::fs::read(file)?;
    let (user, place) = to.split_once('@').ok_or("an address is user@host:port")?;
    let (address, port) = place.rsplit_once(':').ok_or("an address is user@host:port")?;
    let wish = Wish {
        address: address.to_owned(),
        user: Some(user.to_owned()),
        port: Some(port.parse()?),
        key: Some(key.into()),
        known_hosts: Some(known_hosts.into()),
        config: false,
        ..Wish::default()
    };
    let options = Options::silent(Duration::from_secs(30));
    let link = transport::connect(&wish.target().await?, &options).await?;
    link.upload(path, &content, "0644", "root", "root").await?;
    link.close().await;
    Ok(())
}
