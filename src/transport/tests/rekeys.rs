//! Large transfers while the keys of the connection are changed again and again.

use super::manners::Manners;
use super::server::serve;
use super::{folder, hop, open, program, target};
use crate::transport::{Exec, connect};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Moves `pieces` pieces of 32 MiB to the host and back, with new keys every so many bytes, asked for by either side.
async fn moved(pieces: usize, ours: usize, theirs: usize) {
    const PIECE: usize = 32 << 20;
    let (folder, mut manners) = (folder(), Manners::good());
    manners.rekey_after = Some(theirs);
    let server = serve(manners).await;
    let mut options = open();
    options.rekey_after = ours;
    let session = connect(&target(vec![hop(&server, folder.path())]), &options).await.unwrap();
    let content: Vec<u8> = (0..pieces * PIECE).map(|at| u8::try_from(at / 7 % 251).unwrap()).collect();
    let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content));
    let path = folder.path().join("file");
    let long = |script: String| Exec { within: Duration::from_mins(15), ..program(&script) };
    let to = long(format!("cat >{0}; sha256sum <{0}", path.display())).input(content.clone());
    assert!(session.exec(to).await.unwrap().text().starts_with(&sum));
    for (at, piece) in content.chunks(PIECE).enumerate() {
        let from = format!("tail -c +{} {} | head -c {PIECE}", at * PIECE + 1, path.display());
        assert!(session.exec(long(from)).await.unwrap().stdout == piece, "piece {at}");
    }
    let wanted = pieces * PIECE / ours.min(theirs) / 2;
    let seen = usize::try_from(options.shared.rekeys.load(Ordering::SeqCst)).unwrap();
    assert!(seen > wanted, "{seen} changes of keys, more than {wanted} wanted");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_stays_whole_while_either_side_changes_the_keys() {
    moved(1, 1 << 30, 4 << 20).await;
    moved(1, 4 << 20, 1 << 30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a long run: make soak"]
async fn a_gibibyte_stays_whole_while_the_keys_change() {
    moved(32, 64 << 20, 48 << 20).await;
}
