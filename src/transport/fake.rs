//! A session that only pretends: scripted answers, a record of everything asked for, failures on demand.

use super::{Exec, Fence, Forward, LinkError, Output, Session};
use futures_util::future::BoxFuture;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One thing that was asked of a fake, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A program ran, with its input.
    Exec {
        /// The program.
        script: String,
        /// Its input.
        input: Vec<u8>,
    },
    /// A file was written.
    Upload {
        /// Path.
        path: String,
        /// Content.
        content: Vec<u8>,
        /// Mode.
        mode: String,
        /// `owner:group`.
        owner: String,
    },
    /// A port was forwarded.
    Forward(u16),
    /// A second connection was made.
    Again,
    /// The connection was closed.
    Close,
}

type Answer = Arc<dyn Fn(&Exec) -> Output + Send + Sync>;

/// A session for tests. Clones, and connections made by `again`, share the record and the answers.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    answers: Vec<(String, Answer)>,
    calls: Vec<Call>,
    failures: Vec<usize>,
}

impl Fake {
    /// A fake that answers every program with status 0 and nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers programs that contain `part`; of several that fit, the one added last counts.
    #[must_use]
    pub fn answer(self, part: impl Into<String>, status: i32, stdout: impl Into<Vec<u8>>) -> Self {
        let stdout = stdout.into();
        self.answer_with(part, move |_| Output { status, stdout: stdout.clone(), stderr: vec![] })
    }

    /// Answers programs that contain `part` by a function, which may count or look at the input.
    #[must_use]
    pub fn answer_with(
        self,
        part: impl Into<String>,
        answer: impl Fn(&Exec) -> Output + Send + Sync + 'static,
    ) -> Self {
        self.inside().answers.push((part.into(), Arc::new(answer)));
        self
    }

    /// Loses the connection at the `nth` exec, upload, forward or again, counted from 1.
    #[must_use]
    pub fn fail_at(self, nth: usize) -> Self {
        self.inside().failures.push(nth);
        self
    }

    /// Everything asked for so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.inside().calls.clone()
    }

    /// The programs that ran so far, in order.
    pub fn scripts(&self) -> Vec<String> {
        let script = |call: &Call| match call {
            Call::Exec { script, .. } => Some(script.clone()),
            _ => None,
        };
        self.inside().calls.iter().filter_map(script).collect()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, call: Call) -> Result<(), LinkError> {
        let mut inside = self.inside();
        inside.calls.push(call);
        let nth = inside.calls.iter().filter(|call| !matches!(call, Call::Close)).count();
        if inside.failures.contains(&nth) {
            return Err(LinkError::Lost {
                address: "fake:22".to_owned(),
                cause: format!("call {nth} was to fail"),
            });
        }
        Ok(())
    }
}

impl Session for Fake {
    fn exec(&self, exec: Exec) -> BoxFuture<'_, Result<Output, LinkError>> {
        Box::pin(async move {
            self.note(Call::Exec { script: exec.script.clone(), input: exec.input.expose().clone() })?;
            let fits = |(part, _): &&(String, Answer)| exec.script.contains(part);
            let answer = self.inside().answers.iter().rev().find(fits).map(|(_, answer)| Arc::clone(answer));
            Ok(answer.map(|answer| answer(&exec)).unwrap_or_default())
        })
    }

    fn upload<'a>(
        &'a self,
        path: &'a str,
        content: &'a [u8],
        mode: &'a str,
        owner: &'a str,
        group: &'a str,
    ) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            let owner = format!("{owner}:{group}");
            self.note(Call::Upload { path: path.into(), content: content.to_vec(), mode: mode.into(), owner })
        })
    }

    fn forward(&self, port: u16, _to: SocketAddr) -> BoxFuture<'_, Result<Forward, LinkError>> {
        Box::pin(async move {
            self.note(Call::Forward(port))?;
            Ok(Forward { port: if port == 0 { 40_000 } else { port }, guard: Box::new(()) })
        })
    }

    fn again(&self) -> BoxFuture<'_, Result<Box<dyn Session>, LinkError>> {
        Box::pin(async move {
            self.note(Call::Again)?;
            Ok(Box::new(self.clone()) as Box<dyn Session>)
        })
    }

    fn fenced(&self, _fence: Fence) -> Arc<dyn Session> {
        Arc::new(self.clone())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.inside().calls.push(Call::Close);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_fake_answers_records_and_fails_where_it_is_told() {
        let fake = Fake::new().answer("id", 0, "root\n").fail_at(2);
        let exec = || Exec::new("id -un", Duration::from_secs(1));
        assert_eq!(fake.exec(exec()).await.unwrap().stdout, b"root\n");
        assert!(matches!(fake.exec(exec()).await, Err(LinkError::Lost { .. })));
        fake.upload("/etc/motd", b"hi", "0644", "root", "root").await.unwrap();
        assert_eq!(fake.scripts().len(), 2);
        assert!(matches!(&fake.calls()[2], Call::Upload { path, .. } if path == "/etc/motd"));
    }
}
