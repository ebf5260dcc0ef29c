//! The pretended world: hosts, the connections to them, what goes wrong at which call, and everything that happened, in
//! order. Nobody waits for time here: a call gives way to others a few times, different from call to call.

use super::host::{Deed, Host};
use super::look;
use super::watch::{Happened, Watch};
use futures_util::future::BoxFuture;
use imctl::base::HostName;
use imctl::transport::{Exec, Fence, Forward, LinkError, Output, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

/// What goes wrong at one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The program ends with status 1; whether it did its work before.
    Fails { after: bool },
    /// The connection breaks; whether the program did its work before, and whether it stays broken.
    Lost { after: bool, for_good: bool },
    /// The program ends well and did nothing.
    Idle,
    /// A unit of the host dies by itself.
    Dies,
    /// What begins next on the host runs and does not answer.
    Sickens,
    /// A file of the host is changed by somebody.
    Tampered,
    /// The operator presses Ctrl-C.
    Stop,
    /// The lease is lost, on all hosts.
    LeaseLost,
}

/// What a file holds that somebody changed in the middle of a run.
pub(crate) const TAMPERED: &[u8] = b"tampered with";

/// Everything that is shared.
#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) hosts: BTreeMap<HostName, Host>,
    pub(crate) watch: Watch,
    pub(crate) faults: Vec<(usize, Fault)>,
    pub(crate) calls: usize,
    pub(crate) stop: CancellationToken,
    pub(crate) leaseless: bool,
    /// Calls that ended well without doing anything: host and program or path.
    pub(crate) idled: Vec<(HostName, String)>,
    dead: BTreeSet<HostName>,
}

/// The world; clones are the same one.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<Inside>>);

impl World {
    pub(crate) fn new(hosts: impl Iterator<Item = HostName>) -> Self {
        let hosts = hosts.map(|host| (host, Host::default())).collect();
        let inside = Inside { hosts, ..Inside::default() };
        Self(Arc::new(Mutex::new(inside)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn link(&self, host: &HostName) -> Arc<dyn Session> {
        Arc::new(Link { world: self.clone(), host: host.clone() })
    }

    /// Begins another run: its faults, counted from its first call, and nothing broken from before.
    pub(crate) fn begin(&self, faults: Vec<(usize, Fault)>, watch: Watch) -> CancellationToken {
        let mut inside = self.lock();
        inside.faults = faults;
        inside.watch = watch;
        inside.calls = 0;
        inside.leaseless = false;
        inside.idled.clear();
        inside.stop = CancellationToken::new();
        inside.stop.clone()
    }

    /// Ends a run: what was broken is whole again, what was sick answers.
    pub(crate) fn end(&self) {
        let mut inside = self.lock();
        inside.faults.clear();
        inside.dead.clear();
        for it in inside.hosts.values_mut() {
            it.sickens = false;
            it.units.values_mut().for_each(|unit| unit.sick = false);
        }
    }

    /// What happens at this call of a host: faults that are nobody's answer happen at once.
    fn arrive(&self, host: &HostName) -> Option<Fault> {
        let mut inside = self.lock();
        inside.calls += 1;
        let call = inside.calls;
        if inside.dead.contains(host) {
            return Some(Fault::Lost { after: false, for_good: true });
        }
        let fault = inside.faults.iter().find(|(at, _)| *at == call).map(|(_, fault)| fault.clone())?;
        match fault {
            Fault::Stop => {
                inside.stop.cancel();
                inside.watch.note(Happened::Stop);
            }
            Fault::LeaseLost => inside.leaseless = true,
            Fault::Dies => inside.die(host),
            Fault::Sickens => {
                if let Some(it) = inside.hosts.get_mut(host) {
                    it.sickens = true;
                }
            }
            Fault::Tampered => inside.tamper(host),
            answer => return Some(answer),
        }
        None
    }

    /// Lets `work` happen unless the fault keeps it from it, and answers as the fault wants.
    fn answer(
        &self,
        (host, what): (&HostName, &str),
        fault: Option<&Fault>,
        work: impl FnOnce(&mut Inside) -> Output,
    ) -> Result<Output, LinkError> {
        let mut inside = self.lock();
        let lost = || LinkError::Lost { address: host.to_string(), cause: "pretended".to_owned() };
        match fault {
            Some(Fault::Fails { after }) => {
                if *after {
                    work(&mut inside);
                }
                Ok(Output { status: 1, stdout: Vec::new(), stderr: b"pretended failure".to_vec() })
            }
            Some(Fault::Lost { after, for_good }) => {
                if *after {
                    work(&mut inside);
                }
                if *for_good {
                    inside.dead.insert(host.clone());
                }
                Err(lost())
            }
            // A hook, or the note of what is owed, that says it did its work and did not is believed by everybody.
            Some(Fault::Idle) if !["look() {", "imhook", "put() {"].iter().any(|it| what.contains(it)) => {
                inside.idled.push((host.clone(), what.to_owned()));
                Ok(Output::default())
            }
            _ => Ok(work(&mut inside)),
        }
    }
}

impl Inside {
    fn die(&mut self, host: &HostName) {
        let Some(it) = self.hosts.get_mut(host) else { return };
        if let Some((unit, state)) = it.units.iter_mut().find(|(_, unit)| unit.active) {
            state.active = false;
            state.failed = true;
            self.watch.died(host, unit);
        }
    }

    fn tamper(&mut self, host: &HostName) {
        let Some(it) = self.hosts.get_mut(host) else { return };
        if let Some(node) = it.nodes.values_mut().find(|node| !node.folder) {
            node.sha256 = super::host::digest(TAMPERED);
        }
    }

    fn program(&mut self, host: &HostName, exec: &Exec) -> Output {
        let script = exec.script.as_str();
        let Some(it) = self.hosts.get_mut(host) else { return Output { status: 1, ..Output::default() } };
        if script.contains("look() {") {
            return Output { stdout: look::answer(it, script), ..Output::default() };
        }
        if let Some(words) = script.strip_prefix("imhook ") {
            let status = self.hook(host, words);
            return Output { status, ..Output::default() };
        }
        if let Some(component) = script.strip_prefix("imjoined ") {
            let status = i32::from(!it.joined.contains(component));
            return Output { status, ..Output::default() };
        }
        self.watch.note(Happened::Act(host.clone()));
        if script.contains("put() {") {
            it.note(script, exec.input.expose());
            return Output::default();
        }
        let before = it.clone();
        let (status, deeds) = it.obey(script);
        for deed in deeds {
            if let Deed::Disturbed(unit) = deed {
                let well = before.is_well(&unit);
                self.watch.disturbed((host, &unit), well, &self.hosts);
            }
        }
        Output { status, ..Output::default() }
    }

    fn hook(&mut self, at: &HostName, words: &str) -> i32 {
        let words: Vec<&str> = words.split_whitespace().collect();
        let [kind, component, target] = words.as_slice() else { panic!("a hook of three words: {words:?}") };
        let unit = format!("{component}.service");
        let target = HostName::new(*target).expect("a host's name");
        let pair = ((*component).to_owned(), target.to_string());
        let it = self.hosts.get_mut(at).expect("a hook runs on a host");
        match *kind {
            "health" => {
                let well = it.is_well(&unit);
                if well {
                    self.watch.well(component, &target);
                }
                return i32::from(!well);
            }
            "drain" => {
                it.drained.insert(pair);
                self.watch.drained(component, &target, at);
            }
            "undrain" => {
                it.drained.remove(&pair);
                self.watch.undrained(component, &target);
            }
            "join" => drop(it.joined.insert((*component).to_owned())),
            other => panic!("no hook is called {other}"),
        }
        self.watch.note(Happened::Act(at.clone()));
        0
    }
}

struct Link {
    world: World,
    host: HostName,
}

impl Link {
    /// Gives way up to eight times, different from call to call, the same from run to run.
    async fn wait(&self) {
        let calls = self.world.lock().calls;
        let length = self.host.as_str().bytes().map(usize::from).sum::<usize>();
        for _ in 0..(calls * 37 + length * 11) % 9 {
            yield_now().await;
        }
    }
}

impl Session for Link {
    fn exec(&self, exec: Exec) -> BoxFuture<'_, Result<Output, LinkError>> {
        Box::pin(async move {
            self.wait().await;
            let fault = self.world.arrive(&self.host);
            let what = (&self.host, exec.script.as_str());
            let answer = self.world.answer(what, fault.as_ref(), |inside| inside.program(&self.host, &exec));
            self.wait().await;
            answer
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
            self.wait().await;
            let fault = self.world.arrive(&self.host);
            let done = self.world.answer((&self.host, path), fault.as_ref(), |inside| {
                inside.watch.note(Happened::Act(self.host.clone()));
                let host = inside.hosts.get_mut(&self.host).expect("a link leads to a host");
                host.put(path, content, (mode, &format!("{owner}:{group}")));
                Output::default()
            });
            let refused = |cause: String| LinkError::Upload {
                address: self.host.to_string(),
                path: path.to_owned(),
                cause,
            };
            match done? {
                Output { status: 0, .. } => Ok(()),
                output => Err(refused(output.text())),
            }
        })
    }

    fn forward(&self, _port: u16, _to: SocketAddr) -> BoxFuture<'_, Result<Forward, LinkError>> {
        let what = "forwarding".to_owned();
        Box::pin(async move { Err(LinkError::NotAllowed { address: self.host.to_string(), what }) })
    }

    fn again(&self) -> BoxFuture<'_, Result<Box<dyn Session>, LinkError>> {
        let link = Self { world: self.world.clone(), host: self.host.clone() };
        Box::pin(async move { Ok(Box::new(link) as Box<dyn Session>) })
    }

    fn fenced(&self, _fence: Fence) -> Arc<dyn Session> {
        self.world.link(&self.host)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
