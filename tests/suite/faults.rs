//! Faults: a run is killed at each of its system calls in turn, and each of them fails in each of these ways. The tree has
//! each service directory whole or not at all, a failed run changes nothing, and a second run gets everything right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{GEN_SERVICE, directory, listing, succeeds, tool};

const ARGUMENTS: [&str; 5] = ["--manifest", "gateways.toml", "--out", "out", "--prune"];

/// Calls that ask for memory, or for nothing; where they fail, the machine is at its end.
pub(crate) const NOT_OURS: [&str; 7] = ["brk", "mmap", "munmap", "mremap", "madvise", "sigaltstack", "exit_group"];

/// Calls that no Linux lets fail in any of these ways, which Rust's own library and rustix therefore take for granted; and signals, by
/// which nothing is done.
pub(crate) fn can_fail(name: &str) -> bool {
    const GRANTED: [&str; 7] =
        ["clock_nanosleep", "futex", "geteuid", "getrandom", "restart_syscall", "sched_getaffinity", "umask"];
    !GRANTED.contains(&name) && !name.starts_with("rt_sig")
}

/// A system call of a run: its name, and the how-many-th call of that name it is.
pub(crate) type Point = (String, usize);

struct Faults {
    template: TempDir,
    points: Vec<Point>,
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
}

impl Faults {
    /// A tree in which a run has one directory to create, one to update, one to leave and one to remove, and in which a
    /// killed run has left something.
    fn new() -> Self {
        let template = directory();
        let path = template.path();
        fs::write(path.join("gateways.toml"), "[gateways.a]\ndown = true\n[gateways.b]\n[gateways.c]\n").unwrap();
        succeeds(path, ["a", "b", "old", "--out", "out"]);
        fs::create_dir_all(path.join("out/.gen-service.tmp/fresh/gateway-c")).unwrap();
        let before = directories(path);
        let copy = copy(path);
        let trace = path.join("trace");
        let strace = strace(copy.path(), &["-o", trace.to_str().unwrap()]);
        assert_eq!(strace.0, 0, "{}", strace.1);
        Self {
            points: points(&fs::read_to_string(trace).unwrap(), "\"out"),
            before,
            after: directories(copy.path()),
            template,
        }
    }

    /// Runs once for each point, with this fault there; gives each run's point, copy of the tree, exit code and error.
    fn each(&self, fault: &str, only: &[&str], check: impl Fn(&Point, &Path, i32, &str)) {
        assert!(self.points.len() > 50, "{:?}", self.points);
        let mut tried = 0;
        let killed = fault.contains("signal");
        let is_tried =
            |(name, _): &&Point| (only.is_empty() || only.contains(&name.as_str())) && (killed || can_fail(name));
        for point in self.points.iter().filter(is_tried) {
            tried += 1;
            let copy = copy(self.template.path());
            let inject = format!("inject={}:{fault}:when={}", point.0, point.1);
            let (code, error) = strace(copy.path(), &["-o", "/dev/null", "-e", &inject]);
            check(point, copy.path(), code, &error);
            succeeds(copy.path(), ARGUMENTS);
            assert_eq!(directories(copy.path()), self.after, "{point:?} {fault}: {error}");
            succeeds(copy.path(), [&ARGUMENTS[..4], &["--check"]].concat());
        }
        eprintln!("{tried} points with {fault}");
    }
}

/// The calls from the first on that names something.
pub(crate) fn points(trace: &str, first: &str) -> Vec<Point> {
    let mut counts = BTreeMap::new();
    let mut points = Vec::new();
    let mut begun = false;
    for line in trace.lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let count: &mut usize = counts.entry(name.to_owned()).or_default();
        *count += 1;
        begun |= name != "execve" && rest.contains(first);
        if begun && !NOT_OURS.contains(&name) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            points.push((name.to_owned(), *count));
        }
    }
    points
}

fn copy(template: &Path) -> TempDir {
    let copy = directory();
    let status = Command::new("cp").arg("-a").arg(template.join(".")).arg(copy.path()).status().unwrap();
    assert!(status.success());
    copy
}

/// Exit code (137 where it was killed) and standard error of a run under strace.
fn strace(directory: &Path, options: &[&str]) -> (i32, String) {
    let mut command = Command::new(tool("strace"));
    command.args(["-qq", "--signal=none"]).args(options).arg(GEN_SERVICE).args(ARGUMENTS).current_dir(directory);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    // strace ends as its child does.
    (output.status.code().unwrap_or(137), error)
}

/// Each service directory below `out`, as text; what is dot-named is none.
fn directories(path: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path.join("out")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with('.') {
            found.insert(name, listing(&entry.path()));
        }
    }
    found
}

#[test]
fn killed_at_each_system_call() {
    let faults = Faults::new();
    faults.each("signal=KILL", &[], |point, path, code, error| {
        assert_eq!(code, 137, "{point:?}: {error}");
        for (name, text) in directories(path) {
            let whole = [faults.before.get(&name), faults.after.get(&name)].contains(&Some(&text));
            assert!(whole, "{point:?}: {name}\n{text}");
        }
        for name in ["gateway-a", "gateway-b"] {
            assert!(directories(path).contains_key(name), "{point:?}: {name} is gone");
        }
    });
}

fn fails_cleanly(errno: &str, text: &str, only: &[&str]) {
    let faults = Faults::new();
    faults.each(&format!("error={errno}"), only, |point, path, code, error| {
        let now = directories(path);
        match code {
            // Nothing depends on this call: a close, a look that has another way.
            0 => assert_eq!((&now, error), (&faults.after, ""), "{point:?}"),
            1 => {
                let one_line = error.strip_suffix('\n').is_some_and(|line| !line.contains('\n'));
                assert!(one_line && error.starts_with("error: cannot ") && error.contains(text), "{point:?}: {error}");
                let done = error.contains("cannot clean up") || error.contains("standard output");
                assert_eq!(&now, if done { &faults.after } else { &faults.before }, "{point:?}: {error}");
            }
            _ => panic!("{point:?}: exit {code}: {error}"),
        }
    });
}

#[test]
fn no_space_at_each_system_call() {
    fails_cleanly("ENOSPC", "no space left on device", &[]);
}

#[test]
fn an_io_error_at_each_system_call() {
    fails_cleanly("EIO", "input/output error", &[]);
}

#[test]
fn an_interrupted_system_call_at_each_read_and_close() {
    fails_cleanly("EINTR", "interrupted system call", &["read", "close"]);
}

#[test]
fn a_read_only_file_system_at_each_system_call() {
    fails_cleanly("EROFS", "read-only file system", &[]);
}

#[test]
fn permission_denied_at_each_system_call() {
    fails_cleanly("EACCES", "permission denied", &[]);
}
