//! How long deriving the credentials of an import takes on one core: `tests/bench/accounts.sh [ACCOUNTS]`.
//! Target: 100,000 accounts within 60 s.

use imctl::base::scram::ScramKeys;
use std::io::Write as _;
use std::time::Instant;

fn main() {
    // `cargo bench` passes options of its own; the first plain number counts.
    let accounts: u32 = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(10_000);
    let begun = Instant::now();
    let mut witness = 0u8;
    for account in 0..accounts {
        let password = format!("abcd-efgh-jkmn-{account:04}");
        let mut salt = [0u8; 16];
        salt[..4].copy_from_slice(&account.to_be_bytes());
        let keys = ScramKeys::derive(password.as_bytes(), &salt, 4096);
        witness ^= keys.stored[0] ^ keys.server[0];
    }
    let took = begun.elapsed().as_secs_f64();
    let all = took / f64::from(accounts) * 100_000.0;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{accounts} accounts in {took:.2} s on one thread; 100,000 would take {all:.1} s ({witness:02x})"
    )
    .expect("standard output takes a line");
}
