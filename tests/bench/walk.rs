//! The scan's walk along one TLS endpoint, alone, for a comparison with other programs.
//!
//! `walk ROOT.pem ADDRESS:PORT NAME [starttls]` prints what the endpoint agreed to, a `VERSION CODE` a line such as `TLSv1.2 c02b`, sorted.

use imctl::probe::tls;
use imctl::probe::walk::{Begin, Endpoint, walk};
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` passes an option of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (root, address, name, begin) = match words.as_slice() {
        [root, address, name] => (root, address, name, Begin::AtOnce),
        [root, address, name, "starttls"] => (root, address, name, Begin::AfterStarttls),
        // `cargo test --benches` runs it without words.
        [] => return Ok(()),
        _ => return Err("usage: walk ROOT.pem ADDRESS:PORT NAME [starttls]".into()),
    };
    let root = std::fs::read_to_string(root)?;
    let roots = Arc::new(tls::roots(&[&root])?);
    let endpoint = Endpoint { address: address.parse()?, name: (*name).to_owned(), begin, roots };
    let walked = tokio::runtime::Runtime::new()?.block_on(walk(&endpoint));
    if let Some(why) = walked.broken {
        return Err(why.into());
    }
    let mut lines = Vec::new();
    for (version, suites) in &walked.versions {
        let version = serde_json::to_value(version)?;
        let version = version.as_str().unwrap_or_default();
        lines.extend(suites.iter().map(|suite| format!("{version} {:04x}", suite.code)));
    }
    lines.sort();
    writeln!(std::io::stdout(), "{}", lines.join("\n"))?;
    Ok(())
}
