//! What the end-to-end tests stand on: the built program, a folder of their own, labs that go away with the test.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

static SAID: std::sync::Once = std::sync::Once::new();

/// Whether these tests may run here; says why not, once a test.
pub(crate) fn may_run() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let wanted = std::env::var_os("IMCTL_E2E").is_some();
    if !root || !wanted {
        // Past the test runner's capture, or nobody would read it.
        SAID.call_once(|| {
            let line = "skipped: end-to-end tests need root and IMCTL_E2E=1; `sudo make test` runs them";
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }
    root && wanted
}

/// A lab and a folder for one test; both go when the test ends, also when it fails.
pub(crate) struct World {
    /// The lab's name.
    pub(crate) lab: String,
    folder: tempfile::TempDir,
    started: Instant,
}

impl World {
    /// A world whose lab has a name that no other test has.
    pub(crate) fn new(name: &str) -> Self {
        let lab = format!("e2e-{name}-{}", std::process::id());
        Self { lab, folder: tempfile::tempdir().expect("a folder can be made"), started: Instant::now() }
    }

    /// A path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes the lab from a template and returns its inventory.
    pub(crate) fn up(&self, template: &str) -> PathBuf {
        let inventory = self.path("lab.yml");
        self.imctl(&["lab", "up", "--name", &self.lab, "--template", template, "--out", text(&inventory)]);
        self.say(&format!("{template} is up"));
        inventory
    }

    /// Runs imctl, which must succeed, and returns what it printed.
    pub(crate) fn imctl(&self, words: &[&str]) -> String {
        let (code, out) = self.imctl_ends(words);
        assert_eq!(code, 0, "`imctl {}` failed:\n{out}", words.join(" "));
        out
    }

    /// Runs imctl and returns its exit code with all it printed.
    pub(crate) fn imctl_ends(&self, words: &[&str]) -> (i32, String) {
        let started = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_imctl"))
            .args(words)
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("IMCTL_INVENTORY")
            .output()
            .expect("imctl can be started");
        let code = output.status.code().unwrap_or(-1);
        self.say(&format!(
            "imctl {}: {code} after {:.1} s",
            words.join(" "),
            started.elapsed().as_secs_f64()
        ));
        (code, both(&output))
    }

    /// Runs a command in a host of the lab, past the network; its exit code and all it printed.
    pub(crate) fn host(&self, host: &str, script: &str) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_imctl"))
            .args(["lab", "exec", "--name", &self.lab, host, "--", "sh", "-c", script])
            .output()
            .expect("imctl can be started");
        (output.status.code().unwrap_or(-1), both(&output))
    }

    /// One line of progress with its time.
    pub(crate) fn say(&self, what: &str) {
        let _ = writeln!(std::io::stderr(), "[{:6.1} s] {what}", self.started.elapsed().as_secs_f64());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("IMCTL_KEEP").is_some() {
            let _ =
                writeln!(std::io::stderr(), "kept: lab {} and {}", self.lab, self.folder.path().display());
            self.folder.disable_cleanup(true);
            return;
        }
        let down =
            Command::new(env!("CARGO_BIN_EXE_imctl")).args(["lab", "down", "--name", &self.lab]).output();
        if let Ok(down) = down
            && !down.status.success()
            && !std::thread::panicking()
            && Path::new("/var/lib/imctl-lab").join(&self.lab).exists()
        {
            panic!("the lab does not go down:\n{}", both(&down));
        }
    }
}

/// Waits until something is so; fails after the time given.
pub(crate) fn until(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < within, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A path as the text it is.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("the test's paths are text")
}

/// Both streams of a program as one text.
pub(crate) fn both(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams.map(|stream| String::from_utf8_lossy(stream).into_owned()).concat()
}

/// Changes a file's text.
pub(crate) fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).expect("the file is there");
    std::fs::write(path, change(text)).expect("it can be written");
}
