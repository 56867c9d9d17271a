//! Runs rendered scripts for real: the kernel starts them by their first line, as root or as the user `hermes`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::pages;
use crate::support::{GATEWAYCTL, GEN_SERVICE, Ran, directory, set_mode, succeeds, tool};

/// The shells that a container may have as `sh`. Only yash gets a locale, because it reads a script in the encoding of the locale.
pub(crate) const SHELLS: [Shell; 5] = [
    Shell { name: "dash", locale: "C" },
    Shell { name: "bash", locale: "C" },
    Shell { name: "busybox", locale: "C" },
    Shell { name: "mksh", locale: "C" },
    Shell { name: "yash", locale: "C.UTF-8" },
];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    locale: &'static str,
}

/// The user who starts a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    Root,
    /// The user `hermes` (10000), as under `docker run --user`.
    Hermes,
}

/// A directory that is `/share` in the sandbox. It has the rendered service directories, the container's environment, and what the stand-in for
/// Hermes recorded.
pub(crate) struct Sandbox {
    directory: TempDir,
    pub(crate) shell: Shell,
}

impl Sandbox {
    /// A sandbox with this shell as its `sh`, and with `gateway-*` rendered from these arguments.
    pub(crate) fn new(shell: Shell, arguments: &[&str]) -> Self {
        let sandbox = Self { directory: directory(), shell };
        for name in ["bin", "container_environment", "record"] {
            fs::create_dir(sandbox.path(name)).unwrap();
        }
        set_mode(sandbox.path("record"), 0o777);
        symlink(tool(shell.name), sandbox.path("bin/sh")).unwrap();
        fs::copy(stand_in("hermes"), sandbox.path("bin/hermes")).unwrap();
        sandbox.set("LC_ALL", shell.locale);
        succeeds(sandbox.path(""), arguments.iter().copied().chain(["--out", "services"]));
        sandbox
    }

    /// A sandbox with both programs on its PATH, and with this stand-in for Hermes.
    pub(crate) fn with_programs(hermes: &str) -> Self {
        let sandbox = Self::new(SHELLS[0], &["rendered"]);
        for program in [GEN_SERVICE, GATEWAYCTL] {
            sandbox.add(Path::new(program));
        }
        fs::write(sandbox.path("bin/hermes"), format!("#!/bin/sh\n{hermes}\n")).unwrap();
        sandbox
    }

    /// Puts a program on its PATH.
    pub(crate) fn add(&self, program: &Path) {
        let place = self.path("bin").join(program.file_name().unwrap());
        fs::hard_link(program, &place).or_else(|_| fs::copy(program, &place).map(drop)).unwrap();
    }

    /// Runs a command of the POSIX shell beside a live s6-svscan on `/run/service`. The output of s6-svscan goes to `/share/scan.log`.
    pub(crate) fn live(&self, command: &str) -> Ran {
        self.live_with("", command)
    }

    /// Like `live`, with these options for s6-svscan.
    pub(crate) fn live_with(&self, options: &str, command: &str) -> Ran {
        let ran = self.sh(&(live(options) + command), b"");
        fs::remove_file(self.path("ready")).unwrap();
        ran
    }

    /// Like `live`, in its own network, so that any port is free.
    pub(crate) fn live_apart(&self, command: &str) -> Ran {
        let inside = format!("{FUNCTIONS}; busybox ip link set lo up; {}{command}\n", live(""));
        fs::write(self.path("apart"), inside).unwrap();
        let ran = self.sh("exec unshare --net dash -eu /share/apart", b"");
        fs::remove_file(self.path("ready")).unwrap();
        ran
    }

    /// A path below `/share`, as seen from outside.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Sets a variable of the container, as s6-overlay does: with a newline after it.
    pub(crate) fn set(&self, name: &str, value: &str) {
        fs::write(self.path("container_environment").join(name), format!("{value}\n")).unwrap();
    }

    /// Runs a command of the POSIX shell inside, as root, in `/share/services`. Lines that say what the command waits for are left out, because on a
    /// busy machine any wait may be long enough to be reported. A test of these lines has `as_told` before them. The command can use a function `up
    /// GATEWAY...` that waits until these gateways, or all, are up: a supervisor is there a moment before its service.
    pub(crate) fn sh(&self, command: &str, input: &[u8]) -> Ran {
        // The script is in a file, so no list of processes shows it.
        fs::write(self.path("command"), format!("{FUNCTIONS}; cd /share/services; {command}\n")).unwrap();
        let mut child = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child"])
            .arg(stand_in("sandbox"))
            .arg(self.directory.path())
            .args(["dash", "-eu", "/share/command"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing has closed the pipe, which does not matter here.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        fs::remove_dir(self.path(".sandbox")).expect("the sandbox could not be set up; the suite needs root");
        let ran = Ran::from(output);
        Ran { out: without_waits(&ran.out), err: without_waits(&ran.err), ..ran }
    }

    /// A shell inside, as root, in a network of its own, beside a live s6-svscan on `/run/service`.
    pub(crate) fn shell(&self) -> pages::Shell {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--net", "--fork", "--kill-child"]).arg(stand_in("sandbox"));
        command.arg(self.directory.path()).arg("dash");
        let mut shell = pages::Shell::of(command, self.directory.path(), "/share");
        shell.prepare(&format!("{FUNCTIONS}; busybox ip link set lo up; {}", live("")));
        shell
    }

    /// Runs a script of a service directory, as s6-supervise would: in that directory, with its name as argument.
    pub(crate) fn script(&self, user: As, directory: &str, script: &str, arguments: &str, input: &[u8]) -> Ran {
        let drop = match user {
            As::Root => "",
            As::Hermes => "setpriv --reuid 10000 --regid 10000 --clear-groups",
        };
        self.sh(&format!("cd {directory}; exec {drop} ./{script} {arguments}"), input)
    }

    /// What the stand-in for Hermes recorded, or `None` if it was not called.
    pub(crate) fn call(&self) -> Option<Call> {
        let read = |name: &str| fs::read(self.path("record").join(name));
        let words = |bytes: Vec<u8>| -> Vec<String> {
            let text = String::from_utf8(bytes).unwrap();
            text.split_terminator('\0').map(str::to_owned).collect()
        };
        let line = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end_matches('\n').to_owned();
        let argv = words(read("argv").ok()?);
        let environment = words(read("environ").unwrap())
            .into_iter()
            .map(|entry| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
            .collect();
        Some(Call {
            // The kernel puts the stand-in's interpreter and path before its arguments.
            argv: argv[2..].to_vec(),
            environment,
            cwd: line(read("cwd").unwrap()),
            ids: line(read("ids").unwrap()),
        })
    }
}

/// The environment of every command inside.
const FUNCTIONS: &str =
    "up() { until gatewayctl -q status \"$@\"; do sleep 0.02; done; }; as_told() { sed 's/^waiting for/told: &/'; }";

/// Starts an s6-svscan with these options on `/run/service`, and waits until it is ready.
fn live(options: &str) -> String {
    format!(
        "mkdir /run/service; s6-svscan -d3 {options} /run/service 3>/share/ready >/share/scan.log 2>&1 & svscan=$!; \
         until [ -s /share/ready ]; do sleep 0.01; done; "
    )
}

/// The output without the lines that say what was waited for.
pub(crate) fn without_waits(said: &str) -> String {
    said.split_inclusive('\n').filter(|line| !line.starts_with("waiting for ")).collect()
}

/// How Hermes was called.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) argv: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) cwd: String,
    /// User, group, and all groups.
    pub(crate) ids: String,
}

fn stand_in(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/stand-ins").join(name)
}
