//! A stretch: steps of a lane that follow each other and need no look between them. They are looked at together, done in
//! one program, and looked at together again.

use super::act::{MINUTES, READ_UNITS, Site, act, failure};
use super::lane::{End, Touched, find};
use super::look::look_at;
use super::run::Run;
use super::view::same;
use crate::plan::{Act, Step, Verb};
use crate::record::Observed;
use crate::resource::{Action, Probe, Resource};
use crate::transport::{Deed, Series};
use std::time::{Duration, Instant};

/// So many steps make a stretch at most: an operator sees it move, and an interruption does not wait long.
const MOST: usize = 64;

/// So many services: each may take its time to start.
const MOST_SERVICES: usize = 8;

/// So much content of files at most travels in one stretch, in bytes.
const MOST_CONTENT: usize = 1 << 20;

/// One step with what it is about.
pub(super) type Item<'a> = (&'a Step, &'a Resource);

/// The steps at the front that make a stretch: one at least, when the first is about a resource. Things whose effect is
/// themselves alone come first, then services.
pub(super) fn stretch<'a>(run: &Run<'a>, steps: &'a [Step]) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = Vec::new();
    let (mut content, mut services) = (0, 0);
    for step in steps {
        let Act::Apply { component, id } = &step.act else { break };
        let Some(resource) = find(run, component, &step.on, id) else { break };
        content += size(resource);
        let is_service = matches!(resource, Resource::Service(_));
        let fits = company(resource)
            && step.on == steps[0].on
            && items.len() < MOST
            && (if is_service { services < MOST_SERVICES } else { services == 0 })
            && content <= MOST_CONTENT;
        let alone = items.first().is_some_and(|(_, first)| !company(first));
        if !items.is_empty() && (alone || !fits) {
            break;
        }
        services += usize::from(is_service);
        items.push((step, resource));
    }
    items
}

/// Kinds that can stand in one stretch: what they are depends on nothing that others of them do but the reading of units.
fn company(resource: &Resource) -> bool {
    use Resource::{Directory, File, Service, Sysctl, User};
    matches!(resource, User(_) | Directory(_) | File(_) | Sysctl(_) | Service(_))
}

fn size(resource: &Resource) -> usize {
    if let Resource::File(file) = resource { file.content.as_ref().map_or(0, String::len) } else { 0 }
}

/// What these items look at.
pub(super) fn probes(items: &[Item<'_>]) -> Vec<Probe> {
    items.iter().flat_map(|(_, resource)| resource.kind().probes()).collect()
}

/// What an earlier look saw for a stretch, and what its own last look is to see for the next.
pub(super) struct Looks<'a> {
    pub(super) before: Option<Observed>,
    pub(super) next: Vec<Probe>,
    pub(super) ahead: &'a mut Option<Observed>,
}

/// Does a stretch. One end for each step up to the first that is not done; those after it were not begun.
pub(super) async fn apply(
    run: &Run<'_>,
    site: Site<'_>,
    items: &[Item<'_>],
    looks: Looks<'_>,
    touched: &Touched,
) -> Vec<(End, Duration)> {
    let begun = Instant::now();
    let seen = match looks.before {
        Some(seen) => seen,
        None => match look_at(site.link, &probes(items)).await {
            Ok(seen) => seen,
            Err(cause) => return vec![(End::Failed(cause.to_string()), begun.elapsed())],
        },
    };
    let drifted = items.iter().position(|item| has_drifted(run, *item, &seen, touched));
    let (items, stray) = items.split_at(drifted.unwrap_or(items.len()));
    let mut ends = change(site, items, &seen).await;
    for ((step, _), _) in items.iter().zip(&ends) {
        touched.lock().expect("no holder of this lock panics").note(site.host, &step.kind);
    }
    if ends.iter().any(|(end, _)| matches!(end, End::Acted)) {
        let next = if ends.len() == items.len() && stray.is_empty() { looks.next } else { Vec::new() };
        *looks.ahead = agree(site, items, &mut ends, next).await;
    }
    if let Some((_, resource)) = stray.first()
        && ends.iter().all(|(end, _)| matches!(end, End::Done))
    {
        let why = format!("{} changed on the host since the plan was made", resource.id());
        ends.push((End::Drifted(why), Duration::ZERO));
    }
    // The looks count too.
    let known: Duration = ends.iter().map(|(_, took)| *took).sum();
    if let Some((_, took)) = ends.last_mut() {
        *took += begun.elapsed().saturating_sub(known);
    }
    ends
}

fn has_drifted(run: &Run<'_>, (step, resource): Item<'_>, seen: &Observed, touched: &Touched) -> bool {
    let Some(planned) = run.observed.get(&step.on) else { return false };
    let own_doing = touched.lock().expect("no holder of this lock panics").explain(&step.on, &step.kind);
    !own_doing && step.verb != Verb::Known && !same(&resource.kind().probes(), planned, seen)
}

/// Acts where something differs. One end a step, up to the first that failed.
async fn change(site: Site<'_>, items: &[Item<'_>], seen: &Observed) -> Vec<(End, Duration)> {
    let mut wanted: Vec<Vec<Action>> = Vec::new();
    for (_, resource) in items {
        let kind = resource.kind();
        wanted.push(if kind.diff(seen).is_some() { kind.actions(seen) } else { Vec::new() });
    }
    if let [actions] = wanted.as_slice() {
        let end = if actions.is_empty() { End::Done } else { alone(site, actions).await };
        return vec![(end, Duration::ZERO)];
    }
    let is_service = |(_, resource): &Item<'_>| matches!(resource, Resource::Service(_));
    together(site, &wanted, items.iter().position(is_service).unwrap_or(items.len())).await
}

/// The actions of one step, one after the other.
async fn alone(site: Site<'_>, actions: &[Action]) -> End {
    if let Some(deeds) = actions.iter().map(deed).collect::<Option<Vec<_>>>()
        && deeds.len() > 1
    {
        return match site.link.series(&deeds).await {
            Ok(Series { failure: None, .. }) => End::Acted,
            Ok(Series { failure: Some(output), took }) => {
                End::Failed(reason(deeds.get(took.len()), output.status, &output.text()))
            }
            Err(cause) => End::Failed(cause.to_string()),
        };
    }
    for action in actions {
        if let Err(why) = act(site, action).await {
            return End::Failed(why);
        }
    }
    End::Acted
}

/// An action as a deed of a series; `None` for those that are more than that.
fn deed(action: &Action) -> Option<Deed<'_>> {
    match action {
        Action::Run { script, input, within } if input.expose().is_empty() => {
            Some(Deed::Run { script, within: *within })
        }
        Action::Upload { path, content, mode, owner, group } => {
            Some(Deed::Upload { path, content: content.expose(), mode, owner, group })
        }
        Action::ReadUnits => Some(Deed::Run { script: READ_UNITS, within: MINUTES }),
        _ => None,
    }
}

fn reason(deed: Option<&Deed<'_>>, status: i32, said: &str) -> String {
    match deed {
        Some(Deed::Upload { path, .. }) => format!("cannot write `{path}`: {said}"),
        _ => failure(status, said),
    }
}

/// The actions of several steps as deeds, each with the place of its step.
struct Deeds<'a> {
    deeds: Vec<Deed<'a>>,
    owners: Vec<usize>,
}

impl<'a> Deeds<'a> {
    /// systemd reads its files once: after all that is written, and before services move.
    fn of(wanted: &'a [Vec<Action>], moves_from: usize) -> Self {
        let mut it = Self { deeds: Vec::new(), owners: Vec::new() };
        let mut later = Vec::new();
        let mut reads = None;
        for (at, actions) in wanted.iter().enumerate() {
            let read = actions.iter().rposition(|action| matches!(action, Action::ReadUnits));
            reads = read.map(|_| at).or(reads);
            let first = if at >= moves_from { read.unwrap_or(0) } else { actions.len() };
            it.take(at, &actions[..first]);
            later.push((at, &actions[first..]));
        }
        if let Some(at) = reads {
            it.push(at, Deed::Run { script: READ_UNITS, within: MINUTES });
        }
        for (at, actions) in later {
            it.take(at, actions);
        }
        it
    }

    fn take(&mut self, at: usize, actions: &'a [Action]) {
        for action in actions.iter().filter(|action| !matches!(action, Action::ReadUnits)) {
            self.push(at, deed(action).expect("a stretch of several steps holds scripts and files"));
        }
    }

    fn push(&mut self, at: usize, deed: Deed<'a>) {
        self.deeds.push(deed);
        self.owners.push(at);
    }
}

/// The actions of several steps in one program; those from `moves_from` on are services.
async fn together(site: Site<'_>, wanted: &[Vec<Action>], moves_from: usize) -> Vec<(End, Duration)> {
    let Deeds { deeds, owners } = Deeds::of(wanted, moves_from);
    let done = |actions: &Vec<Action>| if actions.is_empty() { End::Done } else { End::Acted };
    let mut ends: Vec<_> = wanted.iter().map(|actions| (done(actions), Duration::ZERO)).collect();
    if deeds.is_empty() {
        return ends;
    }
    let (took, broke) = match site.link.series(&deeds).await {
        Ok(Series { took, failure: None }) => (took, None),
        Ok(Series { took, failure: Some(output) }) => {
            let why = reason(deeds.get(took.len()), output.status, &output.text());
            (took, Some(why))
        }
        // Nobody knows how far it came: the next run looks.
        Err(cause) => (Vec::new(), Some(cause.to_string())),
    };
    for (at, took) in owners.iter().zip(&took) {
        ends[*at].1 += *took;
    }
    if let Some(why) = broke {
        let failing = owners.get(took.len()).copied().unwrap_or_default();
        // A service before it may have been prepared and not moved yet.
        for (at, deed) in owners.iter().zip(&deeds).skip(took.len()) {
            if !matches!(deed, Deed::Run { script: READ_UNITS, .. }) {
                ends[*at].0 = End::NotReached;
            }
        }
        ends.truncate(failing + 1);
        ends[failing].0 = End::Failed(why);
        let read =
            deeds.iter().take(took.len()).any(|deed| matches!(deed, Deed::Run { script: READ_UNITS, .. }));
        if !read && wanted[..failing].iter().flatten().any(|action| matches!(action, Action::ReadUnits)) {
            // What stands there already is read all the same; where that fails, the next look says so.
            let _ = act(site, &Action::ReadUnits).await;
        }
    }
    ends
}

/// Looks once more: what was acted on and is still different has failed. What was seen for the next stretch.
async fn agree(
    site: Site<'_>,
    items: &[Item<'_>],
    ends: &mut Vec<(End, Duration)>,
    next: Vec<Probe>,
) -> Option<Observed> {
    let looks_ahead = !next.is_empty();
    let mut looked = probes(&items[..ends.len()]);
    looked.extend(next);
    let seen = match look_at(site.link, &looked).await {
        Ok(seen) => seen,
        Err(cause) => {
            let first = ends.iter().position(|(end, _)| matches!(end, End::Acted)).unwrap_or_default();
            ends.truncate(first + 1);
            ends[first].0 = End::Failed(cause.to_string());
            return None;
        }
    };
    for ((_, resource), (end, _)) in items.iter().zip(ends.iter_mut()) {
        if matches!(end, End::Acted) {
            *end = match resource.kind().diff(&seen) {
                None => End::Done,
                Some(change) => {
                    End::Failed(format!("it is still not right after the change: {}", change.summary))
                }
            };
        }
    }
    looks_ahead.then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> Action {
        Action::run(script)
    }

    fn scripts(wanted: &[Vec<Action>], moves_from: usize) -> (Vec<&str>, Vec<usize>) {
        let Deeds { deeds, owners } = Deeds::of(wanted, moves_from);
        let script = |deed: Deed<'_>| if let Deed::Run { script, .. } = deed { script.len() } else { 0 };
        let names = ["", "a", "bb", "ccc", "dddd"];
        let name = |deed: &Deed<'_>| names.get(script(*deed)).copied().unwrap_or("read");
        (deeds.iter().map(name).collect(), owners)
    }

    #[test]
    fn units_are_read_once_after_all_that_is_written_and_before_services_move() {
        let wanted = [
            vec![run("a"), Action::ReadUnits],
            vec![],
            vec![run("bb"), Action::ReadUnits, run("ccc")],
            vec![run("dddd")],
        ];
        let (order, owners) = scripts(&wanted, 2);
        assert_eq!(order, ["a", "bb", "read", "ccc", "dddd"]);
        assert_eq!(owners, [0, 2, 2, 2, 3]);
        let nothing_to_read = [vec![run("a")], vec![run("bb")]];
        assert_eq!(scripts(&nothing_to_read, 1).0, ["a", "bb"]);
    }

    #[tokio::test]
    async fn a_deed_that_fails_is_its_steps_and_what_was_only_prepared_is_not_reached() {
        let host = crate::base::HostName::new("h").unwrap();
        let fake = crate::transport::Fake::new().answer("dddd", 7, "no\n");
        let site = Site { host: &host, link: &fake, depot: &NoDepot };
        let wanted = [
            vec![run("a"), Action::ReadUnits],
            vec![run("bb"), Action::ReadUnits, run("ccc")],
            vec![run("dddd"), Action::ReadUnits, run("eeeee")],
            vec![run("ffffff")],
        ];
        let ends = together(site, &wanted, 1).await;
        let ends: Vec<End> = ends.into_iter().map(|(end, _)| end).collect();
        assert!(
            matches!(&ends[..], [End::Acted, End::NotReached, End::Failed(why)] if why == "no"),
            "{} ends",
            ends.len()
        );
        // What the first wrote is read all the same.
        assert_eq!(fake.scripts(), ["a", "bb", "dddd", READ_UNITS]);
    }

    struct NoDepot;

    impl crate::exec::Depot for NoDepot {
        fn packages<'a>(
            &'a self,
            _host: &'a crate::base::HostName,
            _link: &'a dyn crate::transport::Session,
            _names: &'a [String],
            _masks: &'a [String],
        ) -> futures_util::future::BoxFuture<'a, Result<(), String>> {
            Box::pin(async { Err("there is no bundle".to_owned()) })
        }

        fn artifact(&self, name: &str) -> Result<Vec<u8>, String> {
            Err(name.to_owned())
        }
    }
}
