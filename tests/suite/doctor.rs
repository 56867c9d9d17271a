//! `gatewayctl doctor`: each of its findings, on a machine that has the problem.

use std::fs;

use crate::sandbox::Sandbox;
use crate::support::snapshot;

/// The name of a profile says what its gateway does. The stand-in accepts both command lines.
const HERMES: &str = r#"
case $* in
  'gateway start --help') echo 'usage: hermes gateway start [-h] [--foreground] [--port PORT]' ;;
  'gateway run --help') echo 'usage: hermes gateway run [-h] [--replace]' ;;
  *crashes*) printf "it's \\033[31mbroken\\n"; exit 1 ;;
  *silent*) exit 1 ;;
  *misconfigured*) echo 'no such model'; exit 78 ;;
  *rude*) trap 'exit 3' TERM; echo ready; while :; do sleep 0.02; done ;;
  *) echo running; exec sleep 1000 ;;
esac"#;

/// `finds WHAT [OPTION...]` shows the findings of doctor, except those that are as they should be, and its exit code.
const FINDS: &str = r#"
finds() { what=$1; shift; printf '# %s\n' "$what"; gatewayctl -q doctor "$@" 2>&1 || echo "[exit $?]"; echo; }
as() { setpriv --reuid 10000 --regid 10000 --clear-groups "$@"; }
"#;

fn session(options: &str, commands: &str) -> String {
    let sandbox = Sandbox::with_programs(HERMES);
    let ran = sandbox.live_with(options, &format!("{FINDS} {commands}"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran.out
}

#[test]
fn all_is_well() {
    let said = session(
        "",
        "gatewayctl doctor; gatewayctl -q register a; gatewayctl -q register b --hermes-cli run; up; gatewayctl doctor; \
         gatewayctl doctor --json | head -n 14; gatewayctl -q doctor",
    );
    snapshot("doctor_healthy", "", &said);
}

#[test]
fn s6_and_its_tree() {
    let said = session(
        "-c 20",
        "gatewayctl -q register a; gatewayctl -q register b; up; finds nothing; \
         cp -r /command /tmp/s6; rm /tmp/s6/with-contenv /tmp/s6/s6-log; finds 'programs that run scripts call' --s6-bin-dir /tmp/s6; \
         rm /tmp/s6/s6-setuidgid /tmp/s6/s6-envuidgid; finds 'programs that doctor calls' --s6-bin-dir /tmp/s6; \
         rm /tmp/s6/s6-svc; finds 'programs that it calls itself' --s6-bin-dir /tmp/s6; \
         finds 'no scandir' --scandir /nowhere; mkdir /tmp/scandir; finds 'no s6-svscan' --scandir /tmp/scandir; \
         ln -s nowhere /run/service/away; finds 'a dangling symlink'; rm /run/service/away; \
         gen-service -q late --out /tmp/tree; cp -r /tmp/tree/gateway-late /run/service/; finds 'a directory that nobody had scanned'; \
         rm -r /run/service/gateway-late; kill -STOP $svscan; s6-svc -xd /run/service/gateway-b/log; s6-svwait -D /run/service/gateway-b/log 2>/tmp/log || :; \
         s6-svc -x /run/service/gateway-b/log 2>/tmp/log || :; while s6-svok /run/service/gateway-b/log; do sleep 0.02; done; \
         finds 'a logger without supervisor'; kill -CONT $svscan; s6-svscanctl -a /run/service; up; \
         until s6-svok /run/service/gateway-b/log; do sleep 0.02; done; \
         (strace -qq -o /dev/null -e inject=renameat2:signal=SIGKILL gatewayctl -q register killed || :) 2>/tmp/log; finds 'a killed register'; \
         gatewayctl -q register c --down; for n in d e f g h i j k; do gatewayctl -q register $n --down; done; finds 'little room'; \
         gatewayctl -q unregister c d e f g h i j k; \
         mkdir /run/other; mount -t tmpfs -o noexec,mode=755 none /run/other; s6-svscan -d3 /run/other 3>/tmp/ready >/tmp/log 2>&1 & \
         until [ -s /tmp/ready ]; do sleep 0.01; done; finds noexec --scandir /run/other; \
         mount --bind /run/service /run/service; mount -o remount,bind,ro /run/service; finds read-only; umount /run/service; finds nothing",
    );
    snapshot("doctor_tree", "", &said);
}

#[test]
fn who_can_change_what_root_runs() {
    let said = session(
        "",
        "gatewayctl -q register a; gatewayctl -q register b; up; s=/run/service; g=$s/gateway-a; \
         try() { finds \"$*\"; }; \
         chmod 1777 $s; try a scandir that all can write; chmod 755 $s; chown hermes $s; try a scandir of the service user; chown 0 $s; \
         chmod o+w $s/.s6-svscan; try s6-svscan\\'s own; chmod 700 $s/.s6-svscan; \
         chown hermes $g; try a service directory; chown 0 $g; chmod g+w $g/run; try a script; chmod 755 $g/run; \
         chown hermes $g/log/run; try a script of a logger; chown 0 $g/log/run; \
         chown hermes $g/supervise; try supervise; chown 0 $g/supervise; chmod 777 $g/log/supervise; try supervise of a logger; \
         chmod 700 $g/log/supervise; \
         as mkdir /opt/data/mine; as touch /opt/data/mine/run; ln -s /opt/data/mine $s/gateway-c; try a symlink to what is a user\\'s; \
         rm $s/gateway-c; s6-ipcserver-socketbinder -a 0777 $g/s true; stat -c %a $g/s; try a socket for all; try nothing",
    );
    snapshot("doctor_ownership", "", &said);
}

#[test]
fn users_homes_and_ports() {
    let said = session(
        "",
        "g='gatewayctl -q register --down'; $g a; $g b; $g c; h=/opt/data; finds nothing; \
         $g ghost --user casper; finds 'no such user'; gatewayctl -q unregister ghost; \
         finds 'no home' --hermes-home /nowhere; chown root $h; finds 'a home of root'; chown hermes $h; \
         gatewayctl -q start a b; l=$h/logs/gateways; for n in a b; do until grep -qs running $l/$n/current; do sleep 0.02; done; done; \
         chown root $l/a; finds 'a log directory of root'; chown hermes $l/a; chown root $l/b/current $l/a/lock; \
         chmod 600 $l/b/current $l/a/lock; finds 'logs of root'; chown hermes $l/b/current $l/a/lock; \
         mount -t tmpfs -o ro none $h; finds 'a read-only home'; umount $h; \
         echo '[gateways.evil]' | as dd status=none of=$h/gateways.toml; finds 'a manifest of the user'; rm $h/gateways.toml; \
         $g p1 --port 9999; $g p2 --port 9999; $g p3 --port 9999 --hermes-cli run; finds 'a port of three'; gatewayctl -q unregister p1 p2 p3; \
         as gatewayctl doctor || echo \"[exit $?]\"; finds nothing",
    );
    snapshot("doctor_home", "", &said);
}

#[test]
fn gateways_that_gave_up() {
    let said = session(
        "",
        "for n in crashes silent misconfigured; do gatewayctl -q register $n --crash-budget 1/60; done; gatewayctl -q register rude; up rude; \
         until gatewayctl logs rude 2>/tmp/log | grep -q ready; do sleep 0.02; done; \
         gatewayctl -q register stopped; up stopped; \
         for n in crashes silent misconfigured; do \
           until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-$n)\" = 'false false' ]; do sleep 0.02; done; \
           until gatewayctl logs $n | grep -q 'exit 78, a\\|permafailon'; do sleep 0.02; done; done; \
         gatewayctl -q stop rude stopped; finds 'gateways that gave up'; \
         rm -r /opt/data/logs/gateways/crashes; finds 'one without a log'; gatewayctl -q unregister crashes silent misconfigured rude; finds nothing",
    );
    snapshot("doctor_crashes", "", &said);
}

#[test]
fn hermes_that_takes_another_command_line() {
    let sandbox = Sandbox::with_programs(HERMES);
    for (name, text) in [
        // Like hermes-agent 0.19.
        (
            "pypi",
            "case $* in 'gateway start --help') echo 'usage: hermes gateway start [--system]' ;; 'gateway run --help') echo 'usage: hermes gateway run [-q] [--replace]' ;; esac",
        ),
        (
            "start-only",
            "case $* in 'gateway start --help') echo '--foreground --port' ;; *) echo 'usage: hermes' >&2; exit 2 ;; esac",
        ),
        ("neither", "echo 'usage: hermes chat' >&2; echo 'hermes: invalid choice: gateway' >&2; exit 2"),
        (
            "broken",
            "echo 'Traceback (most recent call last):' >&2; echo \"ModuleNotFoundError: No module named 'yaml'\" >&2; exit 1",
        ),
        ("mute", "exit 1"),
        ("deaf", "sleep 1000"),
        (
            "prying",
            "[ -r /etc/shadow ] || [ \"$HOME\" != /opt/data ] || [ \"$HERMES_HOME\" != /opt/data ] || echo '--foreground --port --replace'",
        ),
    ] {
        let path = sandbox.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        crate::support::set_mode(&path, 0o755);
    }
    let ran = sandbox.live(&format!(
        "{FINDS} try() {{ gatewayctl -q register a --down \"$@\"; finds \"$*\" --timeout 1; gatewayctl -q unregister a; }}; \
         try --hermes pypi; try --hermes pypi --hermes-cli run; try --hermes start-only; try --hermes start-only --hermes-cli run; \
         try --hermes neither; try --hermes broken; try --hermes mute; try --hermes deaf; try --hermes prying; try --hermes /nowhere/hermes; \
         try --hermes nosuch",
    ));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("doctor_hermes", "", &ran.out);
}

#[test]
fn a_tree_of_an_ordinary_user() {
    let sandbox = Sandbox::with_programs(HERMES);
    let ran = sandbox.sh(
        "mkdir /run/service; chown hermes /run/service; cat >/tmp/script <<'EOF'\n\
         s6-svscan -d3 /run/service 3>/tmp/ready >/tmp/log & until [ -s /tmp/ready ]; do sleep 0.01; done\n\
         gatewayctl -q register a; until gatewayctl -q status a; do sleep 0.02; done; gatewayctl doctor\nEOF\n\
         setpriv --reuid 10000 --regid 10000 --clear-groups dash -eu /tmp/script; gatewayctl doctor",
        b"",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("doctor_unprivileged", "", &ran.out);
}
