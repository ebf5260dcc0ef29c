//! SHA-256 of files, read as a stream.

use super::BundleError;
use ring::digest::{Context, SHA256, digest};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Lower-case hex of the digest, and the size in bytes.
pub(super) fn of_file(path: &Path) -> Result<(String, u64), BundleError> {
    let mut file = File::open(path).map_err(BundleError::io(path))?;
    let mut context = Context::new(&SHA256);
    let mut block = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let read = file.read(&mut block).map_err(BundleError::io(path))?;
        if read == 0 {
            return Ok((hex::encode(context.finish()), size));
        }
        context.update(&block[..read]);
        size += read as u64;
    }
}

/// Lower-case hex of the digest.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}
