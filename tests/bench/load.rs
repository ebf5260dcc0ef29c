//! imctl's load generator alone, with SASL PLAIN over direct TLS, for a comparison with other programs.
//!
//! `load ROOT.pem ADDRESS:PORT DOMAIN NAME PASSWORD SESSIONS LOGINS-A-SECOND MESSAGES MESSAGES-A-SECOND`: users NAME1, NAME2 and so on with
//! PASSWORD1, PASSWORD2 and so on log in, write to each other, two and two, and go. Prints what that cost, a `KEY VALUE` a line.

use imctl::base::Secret;
use imctl::load::{Crowd, Load, Outcome, Progress, Rates, allow_sessions, run};
use imctl::xmpp::{Door, Login, Proof, tls};
use rustix::time::{ClockId, clock_gettime};
use std::error::Error;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Bytes of a message's text.
const BODY: usize = 120;
/// How long a login or an answer may take.
const WITHIN: Duration = Duration::from_mins(1);

/// What the whole process had used at a moment: processor milliseconds, and KiB of memory that were resident then and at most so far.
#[derive(Clone, Copy)]
struct Used {
    cpu_ms: f64,
    kib: f64,
    peak_kib: f64,
}

fn used() -> Result<Used, Box<dyn Error>> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|kib| kib.trim().trim_end_matches(" kB").parse().ok())
    };
    let (kib, peak_kib) = kib("VmRSS:").zip(kib("VmHWM:")).ok_or("no memory is told of")?;
    Ok(Used { cpu_ms: cpu.as_secs_f64() * 1000.0, kib, peak_kib })
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` passes an option of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    // `cargo test --benches` runs it without words.
    if words.is_empty() {
        return Ok(());
    }
    let load = load(&words)?;
    allow_sessions(load.crowd.online as u64)?;
    // Before, when all have logged in, when all messages have gone.
    let seen = Arc::new(Mutex::new(vec![used()?]));
    let tell = {
        let seen = Arc::clone(&seen);
        move |progress| {
            if matches!(progress, Progress::Busy(0, _) | Progress::Settling) {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.extend(used());
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let outcome = runtime.block_on(run(load, tell, CancellationToken::new()))?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    show(&outcome, &seen)
}

fn load(words: &[String]) -> Result<Load, Box<dyn Error>> {
    let [root, address, domain, name, password, sessions, login_rate, messages, rate] = words else {
        let usage = "load ROOT.pem ADDRESS:PORT DOMAIN NAME PASSWORD SESSIONS LOGINS-A-SECOND MESSAGES MESSAGES-A-SECOND";
        return Err(format!("usage: {usage}").into());
    };
    let online: usize = sessions.parse()?;
    let (messages, rate): (f64, f64) = (messages.parse()?, rate.parse()?);
    let login = |number| Login {
        user: format!("{name}{number}"),
        proof: Proof::Plain(Secret::new(format!("{password}{number}"))),
        resource: "load".to_owned(),
    };
    let door = Door {
        address: address.parse()?,
        domain: domain.clone(),
        direct_tls: true,
        tls: tls::trusting(&[&std::fs::read_to_string(root)?])?,
    };
    Ok(Load {
        crowd: Crowd {
            logins: (1..=online).map(login).collect(),
            online,
            doors: vec![door],
            domain: domain.clone(),
            conference: String::new(),
            members: 2,
            to_absent: 0.0,
        },
        rates: Rates { chat: rate, ..Rates::default() },
        login_rate: login_rate.parse()?,
        duration: Duration::from_secs_f64(messages / rate),
        body: BODY,
        within: WITHIN,
        files: None,
        come_back: false,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn show(outcome: &Outcome, seen: &[Used]) -> Result<(), Box<dyn Error>> {
    let [before, stood, done, ..] = seen else { return Err("it did not come to its end".into()) };
    let (sessions, counts) = (outcome.logins.times.len(), outcome.counts);
    let lines = [
        ("sessions", sessions as f64),
        ("sent", counts.sent as f64),
        ("arrived", counts.arrived as f64),
        ("login_ms", (stood.cpu_ms - before.cpu_ms) / sessions as f64),
        ("message_ms", (done.cpu_ms - stood.cpu_ms) / counts.sent as f64),
        ("session_kib", (stood.kib - before.kib) / sessions as f64),
        ("peak_kib", (done.peak_kib - before.kib) / sessions as f64),
    ];
    let mut out = std::io::stdout();
    for (key, value) in lines {
        writeln!(out, "{key} {value:.3}")?;
    }
    for (why, count) in outcome.logins.failed.iter().chain(&outcome.broken) {
        writeln!(std::io::stderr(), "{count} times: {why}")?;
    }
    Ok(())
}
