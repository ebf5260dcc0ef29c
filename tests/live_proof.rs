//! The proof against a service that runs already: `IMCTL_LIVE_CA` (PEM file), `IMCTL_LIVE_DOMAIN`,
//! `IMCTL_LIVE_DOORS` (addresses for STARTTLS, comma-separated), `IMCTL_LIVE_HTTPS`, and accounts `live1` and `live2`
//! whose password is in `IMCTL_LIVE_PASSWORD`. Not part of `make test`: that runs `imctl verify` on lab hosts.

use futures_util::future::BoxFuture;
use imctl::base::{HostName, Secret, Verdict};
use imctl::probe::proof::{Entrance, People, Service, Whereabouts, Witness, prove};
use imctl::probe::{Door, Login, Proof, tls};
use std::net::SocketAddr;
use std::time::Duration;

/// Whereabouts as a file's lines say, written by whoever runs the test.
struct Script(String);

impl Witness for Script {
    fn whereabouts<'a>(&'a self, users: &'a [String]) -> BoxFuture<'a, Result<Vec<Whereabouts>, String>> {
        Box::pin(async move {
            let out = tokio::process::Command::new("sh").arg(&self.0).args(users).output().await;
            let text = String::from_utf8_lossy(&out.map_err(|cause| cause.to_string())?.stdout).into_owned();
            let line = |line: &str| {
                let mut fields = line.split('\t').map(ToOwned::to_owned);
                Some(Whereabouts { user: fields.next()?, resource: fields.next()?, node: fields.next()? })
            };
            Ok(text.lines().filter_map(line).collect())
        })
    }
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn addresses(name: &str) -> Vec<SocketAddr> {
    setting(name).split(',').map(|text| text.parse().expect("an address with port")).collect()
}

#[tokio::test]
#[ignore = "needs a running service, named by IMCTL_LIVE_*"]
async fn a_running_service_is_proved() {
    let roots = vec![std::fs::read_to_string(setting("IMCTL_LIVE_CA")).expect("the CA can be read")];
    let config = tls::trusting(&[&roots[0]]).expect("the CA is a root");
    let domain = setting("IMCTL_LIVE_DOMAIN");
    let host = |at: usize| HostName::new(format!("host{at}")).expect("a name");
    let door = |address| Door { address, domain: domain.clone(), direct_tls: false, tls: config.clone() };
    let doors = addresses("IMCTL_LIVE_DOORS").into_iter().enumerate();
    let service = Service {
        entrances: doors.map(|(at, address)| Entrance { host: host(at), door: door(address) }).collect(),
        https: addresses("IMCTL_LIVE_HTTPS").into_iter().enumerate().map(|(at, it)| (host(at), it)).collect(),
        conference: format!("conference.{domain}"),
        upload: Some(format!("upload.{domain}")),
        nodes: addresses("IMCTL_LIVE_DOORS").len(),
        within: Duration::from_secs(10),
        domain: domain.clone(),
        roots,
    };
    let login = |user: &str| Login {
        user: user.to_owned(),
        proof: Proof::Password(Secret::new(setting("IMCTL_LIVE_PASSWORD"))),
        resource: "proof".to_owned(),
    };
    let people = People { one: login("live1"), other: login("live2") };
    let witness = std::env::var("IMCTL_LIVE_WITNESS").ok().map(Script);
    let findings = prove(&service, &people, witness.as_ref().map(|it| it as &dyn Witness)).await;
    let bad: Vec<_> = findings.iter().filter(|finding| finding.verdict == Verdict::Failed).collect();
    let lines: Vec<String> = findings
        .iter()
        .map(|it| format!("{:?} {} {}: {} ({})", it.verdict, it.id, it.what, it.seen, it.because))
        .collect();
    assert!(bad.is_empty(), "{}", lines.join("\n"));
    assert!(std::env::var("IMCTL_LIVE_SHOW").is_err(), "{}", lines.join("\n"));
}

/// Resident memory of this process in kB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("with the resident size");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("in kB")
}

/// The client is the ground of a load generator: an idle session over TLS stays small. Measures its own process, so run it
/// alone: `--ignored idle`.
#[tokio::test]
#[ignore = "needs a running service, named by IMCTL_LIVE_*"]
async fn an_idle_session_is_cheap() {
    let roots = std::fs::read_to_string(setting("IMCTL_LIVE_CA")).expect("the CA can be read");
    let doors = addresses("IMCTL_LIVE_DOORS");
    let config = tls::trusting(&[&roots]).expect("the CA is a root");
    let proof = Proof::Password(Secret::new(setting("IMCTL_LIVE_PASSWORD")));
    let open = |at: usize| {
        let door = Door {
            address: doors[at % doors.len()],
            domain: setting("IMCTL_LIVE_DOMAIN"),
            direct_tls: false,
            tls: config.clone(),
        };
        let user = format!("load{}", at / 8);
        let login = Login { user, proof: proof.clone(), resource: format!("r{at}") };
        async move {
            let mut client =
                imctl::probe::Client::login(&door, &login, Duration::from_secs(30)).await.expect("login");
            client.available().await.expect("presence");
            client
        }
    };
    let mut sessions = Vec::new();
    for at in 0..40 {
        sessions.push(open(at).await);
    }
    let before = resident();
    for at in 40..400 {
        sessions.push(open(at).await);
    }
    let each = (resident() - before) / 360;
    assert!(each < 30, "{each} kB a session");
    assert!(std::env::var("IMCTL_LIVE_SHOW").is_err(), "{each} kB a session");
    for session in sessions {
        session.close().await;
    }
}
