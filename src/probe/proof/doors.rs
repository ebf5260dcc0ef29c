//! Every door: certificate, TLS, login with the right password and with a wrong one.

use super::{Entrance, Service, known};
use crate::base::{Finding, Secret, Verdict};
use crate::probe::{Client, Login, Proof, Stream, Wrong, tls};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::time::Duration;

const DAY: i64 = 86_400;
const DAYS_LEFT: i64 = 60;

pub(super) async fn prove(service: &Service, login: &Login) -> Vec<Finding> {
    let through = service.entrances.iter().map(|entrance| door(entrance, login, service.within));
    let mut findings: Vec<Finding> = join_all(through).await.into_iter().flatten().collect();
    if let Some(entrance) = service.entrances.first() {
        findings.push(wrong_password(entrance, login, service.within).await);
    }
    findings
}

/// Every door without an account: certificate and TLS.
pub(super) async fn look(service: &Service) -> Vec<Finding> {
    let through = service.entrances.iter().map(|entrance| async move {
        let place = place(entrance);
        match Stream::open(&entrance.door, service.within).await {
            Ok((stream, _)) => {
                let findings = stream.agreed().map(|agreed| certificate(entrance, &agreed, &place));
                stream.close().await;
                findings.unwrap_or_default()
            }
            Err(wrong) => {
                vec![known("TLS-01").judged::<String>(Some(&entrance.host), Err(format!("{place}: {wrong}")))]
            }
        }
    });
    join_all(through).await.into_iter().flatten().collect()
}

fn place(entrance: &Entrance) -> String {
    let kind = if entrance.door.direct_tls { "TLS" } else { "STARTTLS" };
    format!("port {}, {kind}", entrance.door.address.port())
}

async fn door(entrance: &Entrance, login: &Login, within: Duration) -> Vec<Finding> {
    let host = Some(&entrance.host);
    let place = place(entrance);
    let client = match Client::login(&entrance.door, login, within).await {
        Ok(client) => client,
        Err(Wrong::Tls(why)) => {
            return vec![known("TLS-01").judged::<String>(host, Err(format!("{place}: {why}")))];
        }
        Err(wrong) => {
            return vec![known("LOGIN-01").judged::<String>(host, Err(format!("{place}: {wrong}")))];
        }
    };
    let mut findings =
        client.agreed().map(|agreed| certificate(entrance, &agreed, &place)).unwrap_or_default();
    let seen = format!("{place}: {}", client.mechanism());
    findings.push(known("LOGIN-01").judged::<String>(host, Ok(seen)));
    client.close().await;
    findings
}

fn certificate(entrance: &Entrance, agreed: &tls::Agreed, place: &str) -> Vec<Finding> {
    let host = Some(&entrance.host);
    let good = agreed.suite.contains("GCM") || agreed.suite.contains("CHACHA20");
    let forward = agreed.version == "TLS 1.3" || agreed.suite.contains("ECDHE");
    let verdict = if good && forward { Verdict::Passed } else { Verdict::Failed };
    let suite = format!("{place}: {}, {}", agreed.version, agreed.suite);
    let mut findings = vec![known("TLS-03").finding(verdict, host, suite)];
    let Some(certificate) = &agreed.certificate else {
        findings.push(
            known("TLS-01").judged::<String>(host, Err(format!("{place}: the certificate cannot be read"))),
        );
        return findings;
    };
    let names = match certificate.names.as_slice() {
        [] => "no name".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    findings.push(
        known("TLS-01").judged::<String>(host, Ok(format!("{place}: {names}, by {}", certificate.issuer))),
    );
    let left = (certificate.not_after - Timestamp::now().as_second()) / DAY;
    let verdict = if left < DAYS_LEFT { Verdict::Warning } else { Verdict::Passed };
    findings.push(known("TLS-02").finding(verdict, host, format!("{place}: {left} days")));
    findings
}

async fn wrong_password(entrance: &Entrance, login: &Login, within: Duration) -> Finding {
    let wrong = Login { proof: Proof::Password(Secret::new("not-the-password".to_owned())), ..login.clone() };
    match Client::login(&entrance.door, &wrong, within).await {
        Err(Wrong::Refused(why)) => known("LOGIN-02").judged::<String>(None, Ok(why)),
        Err(other) => known("LOGIN-02").judged::<String>(None, Err(other.to_string())),
        Ok(client) => {
            client.close().await;
            known("LOGIN-02").judged::<String>(None, Err("it was let in".to_owned()))
        }
    }
}
