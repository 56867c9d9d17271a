//! The floor on a live tree: processes that take only the bare steps, with s6's own programs, and check nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{itself, quiet, time};
use crate::svscan::{S6, has_reader, until};

/// The process that takes these steps. `register` and `install` need a tree, `status` and `unregister` use the one that is there.
pub(crate) fn command(word: &str, scandir: &Path, tree: &Path) -> Command {
    let mut command = itself(&["steps", word]);
    command.arg(scandir).arg(tree);
    command
}

pub(crate) fn main(arguments: &[&str]) {
    let &[word, scandir, tree] = arguments else { panic!("steps WORD SCANDIR TREE") };
    let (scandir, tree) = (Path::new(scandir), Path::new(tree));
    match word {
        "register" => register(scandir, tree),
        "unregister" => unregister(scandir),
        "install" => install(scandir, tree),
        "status" => status(scandir),
        _ => panic!("{word}: no such steps"),
    }
}

fn register(scandir: &Path, tree: &Path) {
    let (from, fresh, to) = (tree.join("gateway-bench"), scandir.join(".fresh"), scandir.join("gateway-bench"));
    fs::create_dir_all(fresh.join("log")).unwrap();
    for file in ["type", "run", "finish", "timeout-kill", "down", "log/run", "log/notification-fd"] {
        fs::copy(from.join(file), fresh.join(file)).unwrap();
    }
    fs::rename(fresh, &to).unwrap();
    rescan(scandir, "-a");
    until(|| both(&to, true));
}

fn unregister(scandir: &Path) {
    let gone = scandir.join(".gone");
    fs::rename(scandir.join("gateway-bench"), &gone).unwrap();
    rescan(scandir, "-an");
    until(|| both(&gone, false));
    fs::remove_dir_all(gone).unwrap();
}

fn install(scandir: &Path, tree: &Path) {
    let mut cp = quiet("cp");
    cp.arg("-a").arg(tree.join(".")).arg(scandir);
    time(cp);
    rescan(scandir, "-a");
    for service in services(tree) {
        until(|| both(&scandir.join(&service), true));
    }
}

fn status(scandir: &Path) {
    for service in services(scandir) {
        let service = scandir.join(service);
        let mut svstat = quiet(format!("{S6}/s6-svstat"));
        svstat.args(["-o", "up,wantedup,pid,exitcode,signal,updownfor"]).arg(&service);
        let mut svdt = quiet(format!("{S6}/s6-svdt"));
        svdt.arg(&service);
        time(svstat);
        time(svdt);
    }
}

/// The service directories in this directory.
fn services(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// Whether both supervisors run and answer, or both are gone.
fn both(service: &Path, wanted: bool) -> bool {
    let told = |path: &Path| !wanted || path.join("supervise/status").exists();
    let one = |path: PathBuf| has_reader(&path.join("supervise/control")) == wanted && told(&path);
    one(service.to_owned()) && one(service.join("log"))
}

fn rescan(scandir: &Path, option: &str) {
    let mut command = quiet(format!("{S6}/s6-svscanctl"));
    command.arg(option).arg(scandir);
    time(command);
}
