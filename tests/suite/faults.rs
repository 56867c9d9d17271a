//! Faults: a run is killed at each of its system calls in turn, and each of them fails in each of these ways. The tree has each service directory
//! whole or not at all, a failed run changes nothing, and a second run gets everything right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{GATEWAYCTL, GEN_SERVICE, directory, listing, run, succeeds, tool};

/// How a tree is written: what a run may do to what it finds.
const KINDS: [&str; 3] = ["--prune", "--force", S6_RC];

/// A tree for s6-rc, which is also pruned. In it, a gateway is two directories and a file in a bundle that belongs to others.
const S6_RC: &str = "--layout=s6-rc";

/// Calls that ask for memory, or for nothing. If they fail, the machine is at its end.
pub(crate) const NOT_OURS: [&str; 7] = ["brk", "mmap", "munmap", "mremap", "madvise", "sigaltstack", "exit_group"];

/// Calls that Linux never lets fail in any of these ways, so Rust's own library and rustix take them for granted. Signals are here, too, because they
/// do nothing.
pub(crate) fn can_fail(name: &str) -> bool {
    const GRANTED: [&str; 7] =
        ["clock_nanosleep", "futex", "geteuid", "getrandom", "restart_syscall", "sched_getaffinity", "umask"];
    !GRANTED.contains(&name) && !name.starts_with("rt_sig")
}

/// Only every n-th point is tried with this fault. Each fault begins at another point, so together they cover most points. With `FAULTS=all` each
/// point is tried with each fault, which takes half an hour.
pub(crate) fn share(fault: &str) -> usize {
    match fault {
        _ if std::env::var("FAULTS").is_ok_and(|which| which == "all") => 1,
        "signal=KILL" | "signal=HUP" | "error=EINTR" => 1,
        "signal=TERM" => 4,
        _ => 3,
    }
}

/// A system call of a run: its name, and its number among the calls of that name.
pub(crate) type Point = (String, usize);

struct Faults {
    kind: &'static str,
    template: TempDir,
    points: Vec<Point>,
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
}

impl Faults {
    /// A tree in which a run has one directory to create, one to update, one to leave and one to remove, and in which a killed run has left
    /// something. Or a tree in which somebody else's directory is in the way.
    fn new(kind: &'static str) -> Self {
        let template = directory();
        let path = template.path();
        fs::write(path.join("gateways.toml"), "[gateways.a]\ndown = true\n[gateways.b]\n[gateways.c]\n").unwrap();
        let layout = if kind == S6_RC { S6_RC } else { "--layout=s6" };
        succeeds(path, ["a", "b", "--out", "out", layout]);
        if kind == S6_RC {
            fs::write(path.join("out/user/contents.d/mine"), "").unwrap();
        }
        if kind == "--prune" || kind == S6_RC {
            succeeds(path, ["old", "--out", "out", layout]);
        } else {
            fs::write(path.join("out/gateway-a/notes.txt"), "mine").unwrap();
            fs::write(path.join("out/gateway-c"), "mine").unwrap();
        }
        fs::create_dir_all(path.join("out/.gen-service.tmp/fresh/gateway-c")).unwrap();
        let before = directories(path);
        let copy = copy(path);
        let trace = path.join("trace");
        let strace = strace(kind, copy.path(), &["-o", trace.to_str().unwrap()]);
        assert_eq!(strace.0, 0, "{}", strace.1);
        let points = points(&fs::read_to_string(trace).unwrap(), "\"out");
        Self { kind, points, before, after: directories(copy.path()), template }
    }

    /// Runs once for each point, with the fault at that point. Returns each run's point, copy of the tree, exit code and error.
    fn each(&self, fault: &str, only: &[&str], check: impl Fn(&Point, &Path, i32, &str)) {
        assert!(self.points.len() > 50, "{:?}", self.points);
        let mut tried = 0;
        let killed = fault.contains("signal");
        let is_tried =
            |(name, _): &&Point| (only.is_empty() || only.contains(&name.as_str())) && (killed || can_fail(name));
        // The two kinds of run do mostly the same, so one kind is tried at fewer points.
        let each = share(fault) * if self.kind == "--prune" { 1 } else { 3 };
        for point in self.points.iter().filter(is_tried).skip(fault.len() % each).step_by(each) {
            tried += 1;
            let copy = copy(self.template.path());
            let inject = format!("inject={}:{fault}:when={}", point.0, point.1);
            let (code, error) = strace(self.kind, copy.path(), &["-o", "/dev/null", "-e", &inject]);
            check(point, copy.path(), code, &error);
            succeeds(copy.path(), arguments(self.kind, true));
            assert_eq!(directories(copy.path()), self.after, "{point:?} {fault}: {error}");
            succeeds(copy.path(), arguments(self.kind, false));
        }
        assert!(tried > 5, "{fault}");
        eprintln!("gen-service {}: {tried} points tried with {fault}, all held", self.kind);
    }
}

/// The calls of a run that writes a tree of this kind, or that checks it.
fn arguments(kind: &'static str, writes: bool) -> Vec<&'static str> {
    let which = match (writes, kind) {
        (false, _) => "--check",
        (true, S6_RC) => "--prune",
        (true, kind) => kind,
    };
    let layout = if kind == S6_RC { S6_RC } else { "--layout=s6" };
    vec!["--manifest", "gateways.toml", "--out", "out", layout, which]
}

/// The calls from the first one on that names something.
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

/// The exit code (137 if it was killed) and the standard error of a run under strace.
fn strace(kind: &'static str, directory: &Path, options: &[&str]) -> (i32, String) {
    let mut command = Command::new(tool("strace"));
    command
        .args(["-qq", "--signal=none"])
        .args(options)
        .arg(GEN_SERVICE)
        .args(arguments(kind, true))
        .current_dir(directory);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    // strace ends as its child does.
    (output.status.code().unwrap_or(137), error)
}

/// Each service directory below `out` as text, and anything that is in the place of one. Dot names do not count. Each member of the bundle is here,
/// too.
fn directories(path: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for above in ["out", "out/user", "out/user/contents.d"] {
        for entry in fs::read_dir(path.join(above)).into_iter().flatten() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !name.starts_with('.') && name != "user" && name != "contents.d" {
                let path = entry.path();
                let text = if path.is_dir() { listing(&path) } else { fs::read_to_string(path).unwrap() };
                found.insert(format!("{above}/{name}"), text);
            }
        }
    }
    found
}

/// Each directory is whole, old or new. The next command there takes the whole set back, or all of the set stays.
#[test]
fn killed_at_each_system_call() {
    for kind in KINDS {
        let faults = Faults::new(kind);
        faults.each("signal=KILL", &[], |point, path, code, error| {
            assert_eq!(code, 137, "{point:?}: {error}");
            for (name, text) in directories(path) {
                let whole = [faults.before.get(&name), faults.after.get(&name)].contains(&Some(&text));
                assert!(whole, "{point:?}: {name}\n{text}");
            }
            for name in ["gateway-a", "gateway-b"] {
                assert!(directories(path).contains_key(&format!("out/{name}")), "{point:?}: {name} is gone");
            }
            succeeds(path, ["other", "--out", "out"]);
            fs::remove_dir_all(path.join("out/gateway-other")).unwrap();
            let now = directories(path);
            assert!(now == faults.before || now == faults.after, "{point:?}: {:?}", now.keys());
        });
    }
}

fn fails_cleanly(errno: &str, text: &str, only: &[&str]) {
    for kind in KINDS {
        let faults = Faults::new(kind);
        faults.each(&format!("error={errno}"), only, |point, path, code, error| {
            let now = directories(path);
            match code {
                // Nothing depends on this call. It is a close, or a check that can be made in another way.
                0 => assert_eq!((&now, error), (&faults.after, ""), "{point:?}"),
                1 => {
                    let one_line = error.strip_suffix('\n').is_some_and(|line| !line.contains('\n'));
                    assert!(
                        one_line && error.starts_with("error: cannot ") && error.contains(text),
                        "{point:?}: {error}"
                    );
                    let done = error.contains("cannot clean up") || error.contains("standard output");
                    assert_eq!(&now, if done { &faults.after } else { &faults.before }, "{point:?}: {error}");
                }
                _ => panic!("{point:?}: exit {code}: {error}"),
            }
        });
    }
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

#[test]
fn no_descriptor_is_left_at_each_system_call_that_makes_one() {
    fails_cleanly("EMFILE", "", &["openat", "openat2", "fcntl", "dup"]);
}

/// A signal before the run is final takes all of it back. A later signal changes nothing any more.
#[test]
fn a_signal_at_each_system_call() {
    for (kind, signal, number) in [("--prune", "INT", 2), ("--force", "TERM", 15), ("--prune", "HUP", 1)] {
        let faults = Faults::new(kind);
        faults.each(&format!("signal={signal}"), &[], |point, path, code, error| {
            let said = format!("error: interrupted by SIG{signal}; the changes are taken back\n");
            let now = directories(path);
            if code == 0 {
                assert_eq!((&now, error), (&faults.after, ""), "{point:?}");
            } else {
                assert_eq!((code, error, &now), (128 + number, said.as_str(), &faults.before), "{point:?}");
            }
        });
    }
}

/// The disk becomes full at each page in turn: a write is short, and the next one fails. Nothing is half written.
#[test]
fn a_disk_that_gets_full_at_any_page() {
    let directory = directory();
    let ran = run({
        let mut command = Command::new("unshare");
        command.args(["--mount", "dash", "-euc", FULL, GEN_SERVICE, GATEWAYCTL]).current_dir(directory.path());
        command
    });
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let (full, done) = ran.out.trim().split_once(' ').unwrap();
    assert!(full.parse::<u32>().unwrap() > 5 && done.parse::<u32>().unwrap() > 3, "{}", ran.out);
}

/// `$0` is gen-service, `$1` gatewayctl. Each file takes its own pages, so each file is once the first that does not fit.
const FULL: &str = r#"
mkdir disk
env=$(head -c 9000 /dev/zero | tr '\0' x)
$0 -q a b --out old; $0 -q a b c --env "A=${env}" --out new
full=0; done=0; pages=0
while [ ${done} -lt 4 ]; do
  pages=$((pages + 1))
  mount -t tmpfs -o size=$((pages * 4))k,mode=755 none disk
  if ! { $0 -q a b --out disk/tree && mkdir disk/scan && $1 -q --s6-bin-dir /usr/bin --scandir disk/scan install old; } 2>/dev/null; then
    umount disk
    continue
  fi
  code=0; $0 -q a b c --env "A=${env}" --out disk/tree 2>err || code=$?
  case ${code} in
    0) diff -r new disk/tree && done=$((done + 1)) ;;
    *) grep -q '^error: cannot .*: no space left on device$' err || cat err; diff -r old disk/tree; full=$((full + 1)) ;;
  esac
  rm -rf disk/tree
  code=0; $1 -q --s6-bin-dir /usr/bin --scandir disk/scan install new --update 2>err || code=$?
  case ${code} in
    0) diff -r new disk/scan && done=$((done + 1)) ;;
    *) grep -q '^error: cannot .*: no space left on device$' err || cat err; diff -r old disk/scan; full=$((full + 1)) ;;
  esac
  umount disk
done
echo "${full} ${done}"
"#;
