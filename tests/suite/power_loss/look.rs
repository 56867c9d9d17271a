//! Every state of the disk that a power loss can leave, each looked at once.

use std::collections::{BTreeMap, HashSet};

use super::crash::{Choice, Crash};
use super::model::{ROOT, Recording, State, Text, Tree};

/// What is there as long as a run is not final.
const PLAN: &str = ".gatewayctl.tmp/plan";

/// Where what an update changes is kept.
const KEPT: &str = ".gatewayctl.tmp/kept/";

/// What the names of new files begin with that lie beside the old ones.
const TEMPORARY: &str = ".gatewayctl.tmp.";

/// The gateways in a state, and what the next run has to take them back.
pub(super) struct Found {
    pub(super) gateways: BTreeMap<String, Tree>,
    /// Whether the plan is there, all of it.
    pub(super) has_plan: bool,
    /// What is kept of gateways that are updated.
    pub(super) kept: BTreeMap<String, Tree>,
}

impl Found {
    /// What is in a state of a run whose plan has this text.
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
            // s6-svscan does not look at dot names, and nobody at temporary ones.
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

    /// Whether this gateway is not there, or is this.
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

/// How much was looked at, and the states: by how many steps were done and what of them was kept, each state once.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) combinations: usize,
    pub(super) states: Vec<(usize, Choice)>,
}

/// Looks at everything that may be on the disk at each moment of a run. What is wrong with a state is told by `look`, which hears whether
/// the run had ended.
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

/// Every moment of a run: before its first step, and after each.
fn every(recording: &Recording) -> std::ops::RangeInclusive<usize> {
    0..=recording.steps.len()
}

/// What is synced although `look` finds nothing wrong if that one sync is left out.
pub(super) fn not_needed(recording: &Recording, look: impl Fn(&Found, bool) -> Result<(), String>) -> Vec<&str> {
    let is_needed = |sync: usize| {
        let without = recording.without(|number| number == sync);
        check(&without, &look).is_err()
    };
    // strace has its path in angle brackets.
    let path = |sync: usize| recording.steps[sync].1.split(['<', '>']).nth(1).unwrap();
    recording.syncs().filter(|sync| !is_needed(*sync)).map(path).collect()
}
