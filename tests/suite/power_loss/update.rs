//! While an update replaces files of a live directory, some may be old and some new. During that time the plan is there, and so are the old files.

use std::collections::BTreeMap;

use super::look::{Found, check, not_needed};
use super::model::{Recording, Tree};
use super::stage::Stage;
use super::{entries, on_disk, say, trees};
use crate::support::set_mode;

const UPDATE: [&str; 5] = ["install", "@/new", "--update", "--into", "@/scandir"];

/// An update of two gateways, and a new gateway. One gateway loses a file, and in the other a directory gets another mode.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.render("old", &["x", "z"]);
    stage.render("new", &["x", "y", "z", "--env", "A=1", "--crash-budget", "off"]);
    std::fs::remove_file(stage.path("new/gateway-x/timeout-kill")).unwrap();
    for (tree, mode) in [("old", 0o755), ("new", 0o700)] {
        std::fs::create_dir(stage.path(tree).join("gateway-z/data")).unwrap();
        std::fs::write(stage.path(tree).join("gateway-z/data/notes"), "keep this\n").unwrap();
        set_mode(stage.path(tree).join("gateway-z/data"), mode);
    }
    // This directory goes. It is below a set-gid directory, and must not inherit the bit.
    std::fs::create_dir_all(stage.path("old/gateway-x/data/inner")).unwrap();
    std::fs::write(stage.path("old/gateway-x/data/inner/notes"), "and this\n").unwrap();
    set_mode(stage.path("old/gateway-x/data/inner"), 0o755);
    set_mode(stage.path("old/gateway-x/data"), 0o2750);
    std::fs::create_dir(stage.path("scandir")).unwrap();
    assert_eq!(stage.gatewayctl(&["install", "@/old", "--into", "@/scandir"]).code, 0);
    stage
}

/// The state before an update, and after it.
struct Wanted {
    old: BTreeMap<String, Tree>,
    new: BTreeMap<String, Tree>,
}

impl Wanted {
    fn new(stage: &Stage, recording: &mut Recording) -> Self {
        Self { old: trees(stage, recording, "old"), new: trees(stage, recording, "new") }
    }

    /// Whether all gateways are old, or all are new, or the plan says that they are in between and their old state is kept. Also, what they are after
    /// the run has ended.
    fn look(&self, at_last: &BTreeMap<String, Tree>) -> impl Fn(&Found, bool) -> Result<(), String> {
        move |found, ended| {
            if found.has_plan {
                let kept = |name: &str| found.kept.get(name).map(lasting);
                let lost = self.old.iter().find(|(name, old)| kept(name) != Some(lasting(old)));
                return lost.map_or(Ok(()), |(name, _)| {
                    Err(format!("the old state of {name} is not kept completely: {:?}", found.kept))
                });
            }
            let allowed = if ended { vec![at_last] } else { vec![&self.old, &self.new] };
            if allowed.contains(&&found.gateways) {
                return Ok(());
            }
            Err(format!("the gateways are neither old nor new, and no plan says so: {:?}", found.gateways))
        }
    }
}

/// What is kept of a gateway: not the files that start and stop make, and not the mode of the directory itself.
fn lasting(tree: &Tree) -> Tree {
    tree.iter()
        .filter(|(path, _)| !["", "down"].contains(&path.as_str()))
        .map(|(path, thing)| (path.clone(), *thing))
        .collect()
}

/// Looks at every state of a run that ends with the last of these trees. Then puts some states on a disk. The next run of another command makes one
/// of these trees from each, and an update makes all of it new.
fn converges(what: &str, stage: &Stage, mut recording: Recording, allowed: &[&str]) {
    let wanted = Wanted::new(stage, &mut recording);
    let at_last = if allowed.ends_with(&["new"]) { &wanted.new } else { &wanted.old };
    let seen = check(&recording, wanted.look(at_last)).unwrap_or_else(|wrong| panic!("{wrong}"));
    say(what, &recording, &seen);
    let new = entries(&stage.path("new"));
    let allowed: Vec<_> = allowed.iter().map(|tree| entries(&stage.path(tree))).collect();
    on_disk(stage, &recording, &seen, |scandir| {
        let into = format!("@/{scandir}");
        let ran = stage.gatewayctl(&["--scandir", &into, "unregister", "--if-exists", "nobody"]);
        let now = entries(&stage.path(scandir));
        if ran.code != 0 || !allowed.contains(&now) {
            return Err(format!("the next run: {}{now:?}", ran.err));
        }
        let ran = stage.gatewayctl(&["install", "@/new", "--update", "--into", &into]);
        let now = entries(&stage.path(scandir));
        if ran.code == 0 && now == new { Ok(()) } else { Err(format!("the run after it: {}{now:?}", ran.err)) }
    });
}

#[test]
fn an_update_is_old_or_new_once_the_next_run_has_begun() {
    let stage = stage();
    let recording = stage.record("scandir", &[], &UPDATE, 0);
    converges("update", &stage, recording, &["old", "new"]);
}

#[test]
fn an_update_that_a_signal_takes_back_is_old() {
    let stage = stage();
    let recording = stage.record("scandir", &["-e", "inject=renameat2:signal=TERM:when=1"], &UPDATE, 143);
    converges("update, taken back", &stage, recording, &["old"]);
}

#[test]
fn the_run_that_takes_an_update_back_may_be_cut_off_itself() {
    let stage = stage();
    // The first gateway gives the plan its name.
    stage.killed("inject=renameat:signal=KILL:when=4", &UPDATE);
    let recording = stage.record("scandir", &[], &["--scandir", "@/scandir", "unregister", "--if-exists", "nobody"], 0);
    converges("the next run", &stage, recording, &["old"]);
}

#[test]
fn each_sync_of_an_update_is_needed() {
    let stage = stage();
    let mut recording = stage.record("scandir", &[], &UPDATE, 0);
    let wanted = Wanted::new(&stage, &mut recording);
    let look = wanted.look(&wanted.new);
    // An empty file has nothing to lose. `fresh` matters only for exchanged files, and an update exchanges none.
    let wanted = ["/.gatewayctl.tmp/fresh/gateway-y/down", "/.gatewayctl.tmp/fresh"];
    assert_eq!(not_needed(&recording, look), wanted);
}
