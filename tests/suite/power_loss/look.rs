//! Every state of the disk that a power loss can leave. The test looks at each state once.

use std::collections::{BTreeMap, HashSet};

use super::crash::{Choice, Crash};
use super::model::{ROOT, Recording, State, Text, Tree};

/// The plan, which is there until a run is final.
const PLAN: &str = ".gatewayctl.tmp/plan";

/// The directory that keeps what an update changes.
const KEPT: &str = ".gatewayctl.tmp/kept/";

/// The beginning of the names of new files beside the old ones.
const TEMPORARY: &str = ".gatewayctl.tmp.";

/// The gateways in a state, and what the next run needs to take them back.
pub(super) struct Found {
    pub(super) gateways: BTreeMap<String, Tree>,
    /// Whether the whole plan is there.
    pub(super) has_plan: bool,
    /// What is kept of gateways that are updated.
    pub(super) kept: BTreeMap<String, Tree>,
}

impl Found {
    /// The content of a state of a run whose plan has this text.
    fn new(recording: &Recording, state: &State, plan: Option<Text>) -> Result<Self, String> {
        let mut found = Self { gateways: BTreeMap::new(), has_plan: false, kept: BTreeMap::new() };
        for (path, thing) in recording.tree(state, ROOT) {
            if path == PLAN {
                found.has_plan = thing.text == plan;
                if !found.has_plan {
                    return Err("there is half a plan".to_owned());
                }
            }
            let (gateways, path) = match path.strip_prefix(KEPT) {
                Some(kept) => (&mut found.kept, kept),
                None => (&mut found.gateways, path.as_str()),
            };
            let (name, below) = path.split_once('/').unwrap_or((path, ""));
            // s6-svscan ignores dot names, and nobody looks at temporary names.
            if !name.starts_with('.') && !below.split('/').any(|part| part.starts_with(TEMPORARY)) {
                gateways.entry(name.to_owned()).or_default().insert(below.to_owned(), thing);
            }
        }
        found.gateways.remove("");
        Ok(found)
    }

    pub(super) fn is(&self, name: &str, tree: &Tree) -> bool {
        self.gateways.get(name) == Some(tree)
    }

    /// Whether this gateway is absent, or is equal to this.
    pub(super) fn is_absent_or(&self, name: &str, tree: &Tree) -> bool {
        !self.gateways.contains_key(name) || self.is(name, tree)
    }
}

/// The text of the plan of this run.
fn plan(recording: &Recording) -> Option<Text> {
    every(recording).find_map(|at| {
        let crash = Crash::after(recording, at);
        let state = crash.state(&vec![0; crash.changes.len()]);
        recording.tree(&state, ROOT).get(PLAN).and_then(|plan| plan.text)
    })
}

/// The amount of work, and the states. Each state is there once, with the number of steps that were done and the changes that were kept.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) combinations: usize,
    pub(super) states: Vec<(usize, Choice)>,
}

/// Looks at everything that may be on the disk at each moment of a run. `look` says what is wrong with a state. It also gets whether the run had
/// ended.
pub(super) fn check(recording: &Recording, look: impl Fn(&Found, bool) -> Result<(), String>) -> Result<Seen, String> {
    let (mut combinations, mut states, mut known) = (0, Vec::new(), HashSet::new());
    let plan = plan(recording);
    let right = |state: &State, ended: bool| {
        let found = Found::new(recording, state, plan)?;
        if found.has_plan && ended {
            Err("the next run takes back what is final".to_owned())
        } else {
            look(&found, ended)
        }
    };
    for at in every(recording) {
        let ended = at == recording.steps.len();
        let crash = Crash::after(recording, at);
        for choice in crash.choices() {
            combinations += 1;
            let state = crash.state(&choice);
            if known.insert((ended, recording.key(&state))) {
                right(&state, ended).map_err(|wrong| format!("{wrong}\n{}", crash.shown(&choice)))?;
                states.push((at, choice));
            }
        }
    }
    Ok(Seen { combinations, states })
}

/// Every moment of a run: before its first step, and after each step.
fn every(recording: &Recording) -> std::ops::RangeInclusive<usize> {
    0..=recording.steps.len()
}

/// The syncs of the run that can be left out, one at a time, without a complaint of `look`.
pub(super) fn not_needed(recording: &Recording, look: impl Fn(&Found, bool) -> Result<(), String>) -> Vec<&str> {
    let is_needed = |sync: usize| {
        let without = recording.without(|number| number == sync);
        check(&without, &look).is_err()
    };
    // strace puts paths in angle brackets.
    let path = |sync: usize| recording.steps[sync].1.split(['<', '>']).nth(1).unwrap();
    recording.syncs().filter(|sync| !is_needed(*sync)).map(path).collect()
}
