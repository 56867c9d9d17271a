//! Power loss. The test records on a real file system what a run of gatewayctl asks of the kernel, and repeats it in a model of a file system, step
//! by step. After each step the power goes, and every change that was not synced is lost or kept. In each of these states a gateway is absent or
//! whole. A gateway that is being updated is old or new, or its old state is kept beside it and the next run makes it whole.
//!
//! `register` and `reconcile` need a live s6-svscan. They publish with the same code as `install`.

mod crash;
mod look;
mod model;
mod record;
mod replay;
mod stage;
mod update;

use std::collections::BTreeMap;
use std::path::Path;

use crash::{Crash, Random, SEED};
use look::{Found, Seen, check, not_needed};
use model::{Recording, Tree};
use stage::Stage;

use crate::support::listing;

/// The number of states that are put on a disk for a real run of the program.
const ON_DISK: usize = 100;

/// Puts some of these states on a disk, one after the other in each of a few threads. `look` sees what a run makes of each state.
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

/// The content of a directory, as text by name. Dot names are there, too.
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

/// An install of two new gateways.
fn install() -> (Stage, Recording) {
    let stage = Stage::new();
    stage.render("tree", &["x", "z"]);
    std::fs::create_dir(stage.path("scandir")).unwrap();
    let recording = stage.record("scandir", &[], &["install", "@/tree", "--into", "@/scandir"], 0);
    (stage, recording)
}

/// Whether each gateway of this tree is absent or whole. All of them are there or none, unless the plan makes the next run take them back. After a
/// successful run, all are there.
fn absent_or_whole(wanted: &BTreeMap<String, Tree>) -> impl Fn(&Found, bool) -> Result<(), String> {
    move |found, ended| {
        for (name, tree) in wanted {
            if !found.is_absent_or(name, tree) {
                return Err(format!("{name} is not whole: {:?}", found.gateways[name]));
            }
        }
        let absent = wanted.keys().find(|name| !found.gateways.contains_key(*name));
        if let Some(name) = absent.filter(|_| ended || !found.has_plan && !found.gateways.is_empty()) {
            return Err(format!("{name} is absent, and no plan says so"));
        }
        let foreign = found.gateways.keys().find(|name| !wanted.contains_key(*name));
        foreign.map_or(Ok(()), |name| Err(format!("{name} belongs to no tree")))
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
    let seen = check(&recording, absent_or_whole(&wanted)).unwrap_or_else(|wrong| panic!("{wrong}"));
    say("install", &recording, &seen);
    let whole = entries(&stage.path("tree"));
    on_disk(&stage, &recording, &seen, |scandir| {
        let ran = stage.gatewayctl(&["install", "@/tree", "--into", &format!("@/{scandir}")]);
        let now = entries(&stage.path(scandir));
        if ran.code == 0 && now == whole { Ok(()) } else { Err(format!("the next run: {}{now:?}", ran.err)) }
    });
}

/// Several gateways are a set: the next run of another command takes the set back, or all of it stays.
#[test]
fn of_several_gateways_all_are_there_or_none_once_the_next_run_has_begun() {
    let (stage, mut recording) = install();
    let wanted = trees(&stage, &mut recording, "tree");
    let seen = check(&recording, absent_or_whole(&wanted)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let whole = entries(&stage.path("tree"));
    on_disk(&stage, &recording, &seen, |scandir| {
        let ran = stage.gatewayctl(&["--scandir", &format!("@/{scandir}"), "unregister", "--if-exists", "nobody"]);
        let now = entries(&stage.path(scandir));
        let held = ran.code == 0 && (now == whole || now.is_empty());
        if held { Ok(()) } else { Err(format!("the next run: {}{now:?}", ran.err)) }
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
    let seen = check(&recording, look).unwrap_or_else(|wrong| panic!("{wrong}"));
    say("unregister", &recording, &seen);
    let mut allowed = [entries(&stage.path("tree")), entries(&stage.path("tree"))];
    allowed[1].remove("gateway-x");
    on_disk(&stage, &recording, &seen, |scandir| {
        let ran = stage.gatewayctl(&["--scandir", &format!("@/{scandir}"), "unregister", "--if-exists", "nobody"]);
        let now = entries(&stage.path(scandir));
        if ran.code == 0 && allowed.contains(&now) { Ok(()) } else { Err(format!("the next run: {}{now:?}", ran.err)) }
    });
}

/// A signal comes after the first rename, and the run takes the rename back.
#[test]
fn an_install_that_a_signal_takes_back_leaves_nothing() {
    let stage = Stage::new();
    stage.render("tree", &["x", "z"]);
    std::fs::create_dir(stage.path("scandir")).unwrap();
    let signal = ["-e", "inject=renameat2:signal=TERM:when=1"];
    let mut recording = stage.record("scandir", &signal, &["install", "@/tree", "--into", "@/scandir"], 143);
    let wanted = trees(&stage, &mut recording, "tree");
    let whole = absent_or_whole(&wanted);
    let look = |found: &Found, ended: bool| match found.gateways.first_key_value() {
        Some((name, _)) if ended => Err(format!("{name} is there, and the run had ended")),
        _ => whole(found, false),
    };
    let seen = check(&recording, look).unwrap_or_else(|wrong| panic!("{wrong}"));
    say("install, taken back", &recording, &seen);
    on_disk(&stage, &recording, &seen, |scandir| {
        let ran = stage.gatewayctl(&["--scandir", &format!("@/{scandir}"), "unregister", "--if-exists", "nobody"]);
        let now = entries(&stage.path(scandir));
        if ran.code == 0 && now.is_empty() { Ok(()) } else { Err(format!("the next run: {}{now:?}", ran.err)) }
    });
}

#[test]
fn without_its_syncs_an_install_leaves_half_a_gateway() {
    let (stage, mut recording) = install();
    let wanted = trees(&stage, &mut recording, "tree");
    let without = recording.without(|_| true);
    let wrong = check(&without, absent_or_whole(&wanted)).unwrap_err();
    assert!(wrong.contains("half a plan"), "{wrong}");
    let without = recording.without(|sync| recording.steps[sync].1.contains("/fresh/gateway-"));
    let wrong = check(&without, absent_or_whole(&wanted)).unwrap_err();
    assert!(wrong.contains("is not whole"), "{wrong}");
    // Empty files have nothing to lose, and the staging directory and `fresh` hold nothing that an install would miss.
    let staging = "/.gatewayctl.tmp";
    let downs = ["x", "z"].map(|name| format!("{staging}/fresh/gateway-{name}/down"));
    let wanted_without = [&downs[0], &downs[1], staging, &format!("{staging}/fresh")];
    assert_eq!(not_needed(&recording, absent_or_whole(&wanted)), wanted_without);
}
