//! Serves a verified bundle's files over HTTP on this machine's loopback; hosts reach it through a remote forward
//! of their SSH connection. Only files of the manifest, checked against it while they are sent.

use super::manifest::{FileEntry, Manifest};
use super::{BundleError, Verified};
use futures_util::stream::{self, Stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use ring::digest::{Context, SHA256};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

type Body = BoxBody<Bytes, io::Error>;

/// A bundle being served until this is dropped.
#[derive(Debug)]
pub(super) struct Served {
    /// Where, on this machine's loopback.
    pub(super) addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is served.
#[derive(Debug)]
struct Shop {
    dir: PathBuf,
    manifest: Manifest,
}

/// Serves a bundle on a free port of 127.0.0.1.
pub(super) async fn serve(verified: &Verified) -> Result<Served, BundleError> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(BundleError::io(Path::new("127.0.0.1")))?;
    let addr = listener.local_addr().map_err(BundleError::io(Path::new("127.0.0.1")))?;
    let shop = Arc::new(Shop { dir: verified.dir().to_owned(), manifest: verified.manifest().clone() });
    let task = tokio::spawn(async move {
        let mut guests = JoinSet::new();
        loop {
            // An accept that fails concerns one guest; the others go on.
            let Ok((stream, _)) = listener.accept().await else { continue };
            guests.spawn(attend(stream, shop.clone()));
            while guests.try_join_next().is_some() {}
        }
    });
    Ok(Served { addr, task })
}

async fn attend(stream: TcpStream, shop: Arc<Shop>) {
    // A guest that leaves early is none of our concern: apt on its host says so.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let shop = shop.clone();
        async move { Ok::<_, Infallible>(shop.answer(&request).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

impl Shop {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let path = decoded(request.uri().path().trim_start_matches('/'));
        let Some(entry) = path.as_ref().and_then(|path| self.manifest.files.get(path)) else {
            return bare(StatusCode::NOT_FOUND);
        };
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return bare(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Ok(file) = File::open(self.dir.join(path.unwrap_or_default())).await else {
            return bare(StatusCode::NOT_FOUND);
        };
        let body = if request.method() == Method::HEAD {
            Empty::new().map_err(|never: Infallible| match never {}).boxed()
        } else {
            BodyExt::boxed(StreamBody::new(checked(file, entry.clone())))
        };
        Response::builder()
            .header(header::CONTENT_LENGTH, entry.size)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body)
            .expect("a number and a word are good headers")
    }
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never: Infallible| match never {}).boxed());
    *response.status_mut() = status;
    response
}

/// The file in blocks. The last block is held back until the digest of the whole is right, so a file that changed
/// on the disk never arrives complete.
fn checked(file: File, entry: FileEntry) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> {
    let start = (file, entry, Context::new(&SHA256), 0_u64);
    stream::try_unfold(start, |(mut file, entry, mut context, sent)| async move {
        if sent >= entry.size {
            return Ok(None);
        }
        let want = usize::try_from((entry.size - sent).min(128 * 1024)).expect("at most 128 KiB");
        let mut block = vec![0; want];
        file.read_exact(&mut block).await?;
        context.update(&block);
        let sent = sent + want as u64;
        if sent == entry.size && hex::encode(context.clone().finish()) != entry.sha256 {
            return Err(io::Error::other("the file changed since it was checked"));
        }
        Ok(Some((Frame::data(Bytes::from(block)), (file, entry, context, sent))))
    })
}

/// Undoes percent-encoding; none when it is broken.
pub(super) fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            bytes.extend(hex::decode(tail.get(..2)?).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_arrive_as_apt_encodes_them() {
        assert_eq!(decoded("apt/pool/a_1%2b2%7ebpo.deb").as_deref(), Some("apt/pool/a_1+2~bpo.deb"));
        assert_eq!(decoded("a%2"), None);
    }
}
