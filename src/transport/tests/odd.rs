//! Servers that mean harm or are merely odd: each ends in a clear error, in bounded time.

use super::manners::{Manners, Odd};
use super::server::{Server, serve};
use super::{folder, hop, program, session, target};
use crate::transport::{Exec, LinkError, Nobody, Options, Session, connect};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Options with a short limit.
fn hasty() -> Options {
    Options::new(Duration::from_secs(2), true, Arc::new(Nobody))
}

async fn odd(odd: Odd, folder: &Path) -> (Server, Box<dyn Session>) {
    let server = serve(Manners { odd, ..Manners::good() }).await;
    let session = connect(&target(vec![hop(&server, folder)]), &hasty()).await.unwrap();
    (server, session)
}

/// What comes of a connection to a server that says `first` and then `again` without end, or nothing more.
async fn met(first: &'static [u8], again: &'static [u8]) -> LinkError {
    let (folder, spare) = (folder(), serve(Manners::good()).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut way = hop(&spare, folder.path());
    way.port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(first).await;
            while !again.is_empty() && stream.write_all(again).await.is_ok() {}
            open.push(stream);
        }
    });
    let started = Instant::now();
    let refused = connect(&target(vec![way]), &hasty()).await.err().unwrap();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    server.abort();
    refused
}

#[tokio::test]
async fn lines_before_the_version_without_end_are_refused() {
    for (first, again) in [
        (&b""[..], &b"all activity is monitored\r\n"[..]),
        (b"", b"a line without end "),
        (b"", b"\0\0\0\0\0\0\0\0"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"<html>"),
    ] {
        let refused = met(first, again).await;
        assert!(matches!(refused, LinkError::Connect { .. } | LinkError::Deadline { .. }), "{refused}");
    }
}

#[tokio::test]
async fn silence_before_and_during_the_key_exchange_costs_the_limit() {
    for first in [&b""[..], b"SSH-2.0-", b"SSH-2.0-quiet\r\n", b"SSH-2.0-quiet\r\n\0\0\x04\0"] {
        let refused = met(first, b"").await;
        assert!(matches!(refused, LinkError::Deadline { .. }), "{refused}");
    }
    for again in [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x0c\x0a\x02\0\0\0\0\0\0\0\0\0\0"] {
        let refused = met(b"SSH-2.0-loud\r\n", again).await;
        assert!(matches!(refused, LinkError::Connect { .. } | LinkError::Deadline { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_long_banner_at_login_is_not_minded() {
    let (folder, mut manners) = (folder(), Manners::good());
    manners.banner = Some("do not come in\r\n".repeat(10_000));
    let server = serve(manners).await;
    let session = session(&server, folder.path()).await;
    assert_eq!(session.exec(program("echo in")).await.unwrap().text(), "in");
}

#[tokio::test]
async fn no_answer_after_the_login_costs_the_limit_and_not_the_programs_own() {
    for silence in [Odd::NoChannel, Odd::NoExec] {
        let folder = folder();
        let (_server, session) = odd(silence, folder.path()).await;
        let started = Instant::now();
        let long = Exec { within: Duration::from_mins(10), ..program("true") };
        let refused = session.exec(long).await.unwrap_err();
        assert!(matches!(&refused, LinkError::Deadline { within, .. } if within.as_secs() == 2), "{refused}");
        assert!(started.elapsed() < Duration::from_secs(8));
    }
}

#[tokio::test]
async fn a_server_without_any_session_or_any_program_says_so_to_all() {
    for refusal in [Odd::RefusedChannel, Odd::RefusedExec] {
        let folder = folder();
        let (_server, session) = odd(refusal, folder.path()).await;
        let started = Instant::now();
        let all = (0..12).map(|_| session.exec(program("true")));
        for refused in futures_util::future::join_all(all).await {
            assert!(matches!(refused, Err(LinkError::NotAllowed { .. })), "{refused:?}");
        }
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_channel_that_ends_without_our_word_is_no_success_whatever_status_it_bears() {
    for status in [Odd::Status(0), Odd::Status(3), Odd::Status(255), Odd::Status(u32::MAX)] {
        let folder = folder();
        let (_server, session) = odd(status, folder.path()).await;
        let refused = session.exec(program("true")).await.unwrap_err();
        assert!(matches!(&refused, LinkError::Shell { cause, .. } if cause.contains("status")), "{refused}");
    }
    for end in [Odd::Signal, Odd::NoStatus, Odd::Eof] {
        let folder = folder();
        let (_server, session) = odd(end, folder.path()).await;
        let started = Instant::now();
        let refused = session.exec(program("true")).await.unwrap_err();
        let told =
            matches!(refused, LinkError::Lost { .. } | LinkError::Shell { .. } | LinkError::Deadline { .. });
        assert!(told && started.elapsed() < Duration::from_secs(8), "{refused}");
    }
}

#[tokio::test]
async fn a_status_that_comes_before_the_outputs_or_is_wrong_changes_nothing() {
    let folder = folder();
    let (_server, session) = odd(Odd::StatusFirst, folder.path()).await;
    for _ in 0..3 {
        let output = session.exec(program("echo one; echo two >&2; exit 4")).await.unwrap();
        assert_eq!((output.status, &*output.stdout, &*output.stderr), (4, &b"one\n"[..], &b"two\n"[..]));
    }
}

#[tokio::test]
async fn noise_on_either_output_ends_and_late_noise_is_told() {
    for (noise, told) in [
        ("yes >&2; ", Some("without end")),
        ("(sleep 0.7; echo Broadcast message) & ", Some("prints into")),
        ("(sleep 0.7; echo Broadcast message >&2) & ", None),
    ] {
        let folder = folder();
        let server = serve(Manners { login_shell: noise.to_owned(), ..Manners::good() }).await;
        let session = session(&server, folder.path()).await;
        match (session.exec(program("sleep 1.5; echo done")).await, told) {
            (Ok(output), None) => assert_eq!(output.stdout, b"done\n"),
            (Err(LinkError::Shell { cause, .. }), Some(told)) => assert!(cause.contains(told), "{cause}"),
            (other, _) => panic!("{noise}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn endless_output_is_cut_off_on_either_stream() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let flood = session.exec(program("cat /dev/zero >&2")).await;
    assert!(matches!(flood, Err(LinkError::Flood { .. })), "{flood:?}");
    assert_eq!(session.exec(program("echo on")).await.unwrap().text(), "on");
}

#[tokio::test]
async fn no_subsystem_such_as_sftp_is_ever_asked_for() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let path = folder.path().join("file");
    // Who is not root cannot give files away; what matters here is how it was tried.
    let _ = session.upload(path.to_str().unwrap(), b"x", "0600", "root", "root").await;
    assert_eq!(server.subsystems.load(Ordering::SeqCst), 0);
}

/// A line to the server that is reset after so many bytes.
async fn brittle(server: &Server, most: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, here) = (server.port, listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let ((mut from, mut to), (mut back, mut home)) = (near.into_split(), far.into_split());
            let answers = tokio::spawn(async move {
                let _ = tokio::io::copy(&mut back, &mut to).await;
            });
            let mut buffer = vec![0; 1 << 16];
            let mut seen = 0;
            while seen < most
                && let Ok(size @ 1..) = from.read(&mut buffer).await
                && home.write_all(&buffer[..size]).await.is_ok()
            {
                seen += size;
            }
            // What was sent and not read yet makes the end a reset.
            answers.abort();
        }
    });
    here
}

#[tokio::test]
async fn a_connection_reset_in_the_middle_of_an_upload_leaves_the_old_file_and_is_told() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let straight = session(&server, folder.path()).await;
    let path = folder.path().join("file");
    std::fs::write(&path, "old").unwrap();
    let mut way = hop(&server, folder.path());
    way.port = brittle(&server, 8 << 20).await;
    let session = connect(&target(vec![way]), &hasty()).await.unwrap();
    let started = Instant::now();
    let content = vec![7; 40 << 20];
    let lost = session.upload(path.to_str().unwrap(), &content, "0600", "root", "root").await.unwrap_err();
    assert!(matches!(lost, LinkError::Lost { .. }), "{lost}");
    assert!(started.elapsed() < Duration::from_secs(15));
    let next = session.exec(program("true")).await.unwrap_err();
    assert!(matches!(next, LinkError::Lost { .. }), "{next}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let names = || std::fs::read_dir(folder.path()).unwrap().map(name).collect::<Vec<_>>();
    let half = names().iter().filter(|name| name.to_string_lossy().starts_with(".file.imctl-")).count();
    assert!(half <= 1, "{:?}", names());
    if straight.exec(program("id -u")).await.unwrap().text() == "0" {
        straight.upload(path.to_str().unwrap(), b"new", "0600", "root", "root").await.unwrap();
        assert!(!names().iter().any(|name| name.to_string_lossy().contains("imctl")), "{:?}", names());
    }
}
