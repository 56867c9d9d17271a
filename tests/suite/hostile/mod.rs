//! The service user, uid 10000, as attacker on a live tree. Each attack is real, and the test checks the victim. Each attack has its control, which
//! shows that the attack works without protection.

mod boot;
mod control_group;
mod display;
mod health;
mod helpers;
mod install;
mod locks;
mod logs;
mod metrics;
mod namespace;
mod purge;
mod render;
mod repair;
mod supervise;
mod terminal;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;
use crate::support::Ran;

/// `as COMMAND` runs a command as the service user, and `member COMMAND` as the same user in the control group. `profile NAME [STATE]` makes a
/// profile. `fails COMMAND` shows the output and the exit code. `within N COMMAND` fails the test if the command does not end in N seconds.
pub(super) const ATTACKER: &str = r#"
as() { setpriv --reuid 10000 --regid 10000 --clear-groups "$@"; }
member() { setpriv --reuid 10000 --regid 10000 --groups 10001 "$@"; }
profile() {
  as mkdir -p /opt/data/profiles/"$1"
  as touch /opt/data/profiles/"$1"/SOUL.md
  [ -z "${2-}" ] || printf '{"gateway_state":"%s"}' "$2" | as dd status=none of=/opt/data/profiles/"$1"/gateway_state.json
}
within() { code=0; timeout -k 1 "$@" || code=$?; [ $code != 124 ] && [ $code != 137 ] || echo "HELD UP: $*"; return $code; }
fails() { code=0; "$@" 2>&1 || code=$?; echo "[exit $code]"; }
"#;

/// A Hermes that stays up.
pub(super) const STAYS: &str =
    "case $* in *--help) echo '--foreground --port --replace' ;; *) echo up; exec sleep 1000 ;; esac";

/// How the kernel answers openat2.
#[derive(Debug, Clone, Copy)]
pub(super) enum Openat2 {
    /// As this kernel does.
    Works,
    /// With this error, as the seccomp filter of a container does.
    Fails(&'static str),
}

/// All three, for tests that touch the volume.
pub(super) const OPENAT2: [Openat2; 3] = [Openat2::Works, Openat2::Fails("ENOSYS"), Openat2::Fails("EPERM")];

pub(super) fn sandbox(openat2: Openat2, hermes: &str) -> Sandbox {
    let sandbox = Sandbox::with_programs(hermes);
    if let Openat2::Fails(error) = openat2 {
        let real = sandbox.path("real");
        fs::create_dir(&real).unwrap();
        fs::rename(sandbox.path("bin/gatewayctl"), real.join("gatewayctl")).unwrap();
        let wrapper = format!(
            "#!/bin/sh\nexec strace -f --seccomp-bpf -qq --signal=none -o /dev/null -e trace=openat2 -e inject=openat2:error={error} \
             /share/real/gatewayctl \"$@\"\n"
        );
        fs::write(sandbox.path("bin/gatewayctl"), wrapper).unwrap();
        crate::support::set_mode(sandbox.path("bin/gatewayctl"), 0o755);
    }
    sandbox
}

pub(super) fn live(sandbox: &Sandbox, commands: &str) -> Ran {
    sandbox.live(&format!("{ATTACKER} {commands}"))
}

#[track_caller]
pub(super) fn said(ran: &Ran, out: &str) {
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", out));
}

/// Every test that docs/security.md names exists.
#[test]
fn each_promise_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    let mut directories = vec![root.join("tests")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                tests += &fs::read_to_string(path).unwrap();
            }
        }
    }
    let security = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let rows =
        security.lines().filter(|line| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit()));
    let mut promises = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        promises.extend(cells[0].split(", ").map(str::to_owned));
        for name in cells[2].split(", ").map(|name| name.trim_matches('`')) {
            assert!(tests.contains(&format!("#[test]\nfn {name}() {{")), "{name}");
        }
    }
    assert_eq!(promises.into_iter().collect::<String>(), "123456");
}
