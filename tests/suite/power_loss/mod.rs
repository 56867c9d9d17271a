//! Power loss: what a run of gatewayctl asks of the kernel is recorded on a real file system and done again in a model of one, step by
//! step. After each step the power goes, with every change that was not synced lost or kept. In each of these states a gateway is absent
//! or whole; one that is being updated is old or new, or what it was is kept beside it and the next run makes it whole.
//!
//! `register` and `reconcile` need a live s6-svscan. They publish by the same code as `install`.

mod crash;
mod model;
mod record;
mod replay;
mod stage;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crash::{Choice, Crash, Random, SEED};
use model::{ROOT, Recording, State, Tree};
use stage::Stage;

use crate::support::listing;

/// What is there as long as a run is not final.
const PLAN: &str = ".gatewayctl.tmp/plan";

/// What the names of new files begin with that lie beside the old ones.
const TEMPORARY: &str = ".gatewayctl.tmp.";

/// How many of the states are put on a disk, for a run of the program to find.
const ON_DISK: usize = 100;

/// The gateways in a state, and whether the next run has something to take back there.
struct Found {
    gateways: BTreeMap<String, Tree>,
    has_plan: bool,
}

impl Found {
    fn new(recording: &Recording, state: &State) -> Self {
        let (mut gateways, mut has_plan): (BTreeMap<String, Tree>, bool) = (BTreeMap::new(), false);
        for (path, thing) in recording.tree(state, ROOT) {
            has_plan |= path == PLAN;
            let (name, below) = path.split_once('/').unwrap_or((&path, ""));
            // s6-svscan does not look at dot names, and nobody at temporary ones.
            if !name.starts_with('.') && !below.split('/').any(|part| part.starts_with(TEMPORARY)) {
                gateways.entry(name.to_owned()).or_default().insert(below.to_owned(), thing);
            }
        }
        gateways.remove("");
        Self { gateways, has_plan }
    }

    fn is(&self, name: &str, tree: &Tree) -> bool {
        self.gateways.get(name) == Some(tree)
    }

    /// Whether this gateway is not there, or is this.
    fn is_absent_or(&self, name: &str, tree: &Tree) -> bool {
        !self.gateways.contains_key(name) || self.is(name, tree)
    }
}

/// How much was looked at, and the states: by how many steps were done and what of them was kept, each state once.
#[derive(Debug)]
struct Seen {
    combinations: usize,
    states: Vec<(usize, Choice)>,
}

/// Looks at everything that may be on the disk after each of these numbers of steps. What is wrong with a state is told by `look`, which
/// hears whether the run had ended.
fn check(
    recording: &Recording,
    moments: impl IntoIterator<Item = usize>,
    look: impl Fn(&Found, bool) -> Result<(), String>,
) -> Result<Seen, String> {
    let (mut combinations, mut states, mut known) = (0, Vec::new(), HashSet::new());
    for at in moments {
        let ended = at == recording.steps.len();
        let crash = Crash::after(recording, at);
        for choice in crash.choices() {
            combinations += 1;
            let state = crash.state(&choice);
            if known.insert((ended, recording.key(&state))) {
                look(&Found::new(recording, &state), ended)
                    .map_err(|wrong| format!("{wrong}\n{}", crash.shown(&choice)))?;
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

/// Puts some of these states on a disk, one after the other in each of a few threads, and has `look` see what a run makes of each.
fn on_disk(stage: &Stage, recording: &Recording, seen: &Seen, look: impl Fn(&str) -> Result<(), String> + Sync) {
    const THREADS: usize = 4;
    let mut states = seen.states.clone();
    let mut random = Random(SEED);
    for index in 0..states.len().min(ON_DISK) {
        let other = index + random.below(states.len() - index);
        states.swap(index, other);
    }
    states.truncate(ON_DISK);
    std::thread::scope(|scope| {
        for (number, states) in states.chunks(states.len().div_ceil(THREADS)).enumerate() {
            let look = &look;
            scope.spawn(move || {
                let scandir = format!("crashed-{number}");
                for (at, choice) in states {
                    let crash = Crash::after(recording, *at);
                    recording.write(&crash.state(choice), &stage.path(&scandir));
                    if let Err(wrong) = look(&scandir) {
                        panic!("{wrong}\n{}", crash.shown(choice));
                    }
                    std::fs::remove_dir_all(stage.path(&scandir)).unwrap();
                }
            });
        }
    });
    eprintln!("power loss: {} of {} states on a disk", states.len(), seen.states.len());
}

/// What is in a directory, as text by name, dot names as well.
fn entries(directory: &Path) -> BTreeMap<String, String> {
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let mode = std::os::unix::fs::MetadataExt::mode(&entry.metadata().unwrap()) & 0o7777;
        let text = if entry.path().is_dir() { listing(&entry.path()) } else { String::new() };
        (name, format!("{mode:04o}\n{text}"))
    };
    std::fs::read_dir(directory).unwrap().map(entry).collect()
}

fn say(what: &str, recording: &Recording, seen: &Seen) {
    let (steps, states) = (recording.steps.len(), seen.states.len());
    eprintln!("power loss: {what}: {steps} operations, {} combinations, {states} states", seen.combinations);
}

/// An install of two gateways that are new.
fn install() -> (Stage, Recording) {
    let stage = Stage::new();
    stage.render("tree", &["x", "z"]);
    std::fs::create_dir(stage.path("scandir")).unwrap();
    let recording = stage.record("scandir", &[], &["install", "@/tree", "--into", "@/scandir"], 0);
    (stage, recording)
}

/// Whether each gateway of this tree is absent or whole, and there once the run has ended well.
fn absent_or_whole(wanted: &BTreeMap<String, Tree>) -> impl Fn(&Found, bool) -> Result<(), String> {
    move |found, ended| {
        for (name, tree) in wanted {
            if !found.is_absent_or(name, tree) {
                return Err(format!("{name} is not whole: {:?}", found.gateways[name]));
            }
            if ended && !found.gateways.contains_key(name) {
                return Err(format!("{name} is absent, and the run had ended"));
            }
        }
        let foreign = found.gateways.keys().find(|name| !wanted.contains_key(*name));
        foreign.map_or(Ok(()), |name| Err(format!("{name} is nobody's")))
    }
}

/// The gateways of a staging tree.
fn trees(stage: &Stage, recording: &mut Recording, tree: &str) -> BTreeMap<String, Tree> {
    let names = entries(&stage.path(tree)).into_keys();
    names.map(|name| (name.clone(), recording.read(&stage.path(tree).join(&name)))).collect()
}

#[test]
fn what_is_not_synced_may_be_lost_and_nothing_is_half() {
    let (stage, mut recording) = install();
    let wanted = trees(&stage, &mut recording, "tree");
    let seen = check(&recording, every(&recording), absent_or_whole(&wanted)).unwrap_or_else(|wrong| panic!("{wrong}"));
    say("install", &recording, &seen);
    let whole = entries(&stage.path("tree"));
    on_disk(&stage, &recording, &seen, |scandir| {
        let ran = stage.gatewayctl(&["install", "@/tree", "--into", &format!("@/{scandir}")]);
        let now = entries(&stage.path(scandir));
        if ran.code == 0 && now == whole { Ok(()) } else { Err(format!("the next run: {}{now:?}", ran.err)) }
    });
}

/// Several are a set: the next run of another command takes them back, or all of them stand.
#[test]
fn of_several_gateways_all_are_there_or_none_once_the_next_run_has_begun() {
    let (stage, mut recording) = install();
    let wanted = trees(&stage, &mut recording, "tree");
    let seen = check(&recording, every(&recording), absent_or_whole(&wanted)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let whole = entries(&stage.path("tree"));
    on_disk(&stage, &recording, &seen, |scandir| {
        let ran = stage.gatewayctl(&["--scandir", &format!("@/{scandir}"), "unregister", "nobody"]);
        let now = entries(&stage.path(scandir));
        let held = ran.code == 0 && (now == whole || now.is_empty());
        if held { Ok(()) } else { Err(format!("the next run: {}{now:?}", ran.err)) }
    });
}

/// Where files of a live directory are replaced, some may be old and some new for a while: then the plan is there, and what they were.
#[test]
fn an_update_is_old_or_new_once_the_next_run_has_begun() {
    let stage = Stage::new();
    stage.render("old", &["x", "z"]);
    stage.render("new", &["x", "y", "z", "--env", "A=1", "--crash-budget", "off"]);
    std::fs::remove_file(stage.path("new/gateway-x/timeout-kill")).unwrap();
    std::fs::create_dir(stage.path("scandir")).unwrap();
    assert_eq!(stage.gatewayctl(&["install", "@/old", "--into", "@/scandir"]).code, 0);
    let arguments = ["install", "@/new", "--update", "--into", "@/scandir"];
    let mut recording = stage.record("scandir", &[], &arguments, 0);
    let (old, new) = (trees(&stage, &mut recording, "old"), trees(&stage, &mut recording, "new"));
    let look = |found: &Found, ended: bool| -> Result<(), String> {
        for (name, tree) in &new {
            let is_old = old.get(name).map_or(!found.gateways.contains_key(name), |old| found.is(name, old));
            if !found.is(name, tree) && (ended || !found.has_plan && !is_old) {
                return Err(format!(
                    "{name} is neither old nor new, and nothing tells: {:?}",
                    found.gateways.get(name)
                ));
            }
        }
        Ok(())
    };
    let seen = check(&recording, every(&recording), look).unwrap_or_else(|wrong| panic!("{wrong}"));
    say("update", &recording, &seen);
    let (old, new) = (entries(&stage.path("old")), entries(&stage.path("new")));
    on_disk(&stage, &recording, &seen, |scandir| {
        let into = format!("@/{scandir}");
        let ran = stage.gatewayctl(&["--scandir", &into, "unregister", "nobody"]);
        let now = entries(&stage.path(scandir));
        if ran.code != 0 || now != old && now != new {
            return Err(format!("the next run: {}{now:?}", ran.err));
        }
        let ran = stage.gatewayctl(&["install", "@/new", "--update", "--into", &into]);
        let now = entries(&stage.path(scandir));
        if ran.code == 0 && now == new { Ok(()) } else { Err(format!("the run after it: {}{now:?}", ran.err)) }
    });
}

#[test]
fn what_leaves_is_whole_or_gone() {
    let (stage, _) = install();
    let mut recording = stage.record("scandir", &[], &["--scandir", "@/scandir", "unregister", "x"], 0);
    let there = trees(&stage, &mut recording, "tree");
    let look = |found: &Found, _: bool| {
        let whole = found.is_absent_or("gateway-x", &there["gateway-x"]) && found.is("gateway-z", &there["gateway-z"]);
        if whole { Ok(()) } else { Err(format!("not whole: {:?}", found.gateways)) }
    };
    let seen = check(&recording, every(&recording), look).unwrap_or_else(|wrong| panic!("{wrong}"));
    say("unregister", &recording, &seen);
}

#[test]
fn without_its_syncs_an_install_leaves_half_a_gateway() {
    let (stage, mut recording) = install();
    let wanted = trees(&stage, &mut recording, "tree");
    let without = recording.without(|_| true);
    let wrong = check(&without, every(&without), absent_or_whole(&wanted)).unwrap_err();
    assert!(wrong.contains("is not whole"), "{wrong}");
}
