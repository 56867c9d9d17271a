//! Containers in which s6-rc runs the gateways, from source definitions (layouts `s6-overlay` and `s6-rc`), beside definitions of other people.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::boot::profile;
use crate::docker::{Container, HERMES, Ran, directory, docker, image, mount, read, stand_in_hermes, volume};

/// Renders a manifest into what is mounted at `/etc/s6-overlay`, together with these definitions, a file each.
fn rendered(manifest: &str, layout: &str, others: &[(&str, &str)]) -> TempDir {
    let directory = directory();
    let path = directory.path();
    // What s6-overlay itself has there.
    let all =
        [("user-bundles.d/user/type", "bundle\n"), ("user-bundles.d/user2/type", "bundle\n"), ("s6-rc.d/.keep", "")];
    for (file, text) in all.iter().chain(others) {
        let file = path.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
    }
    for bundle in ["user", "user2"] {
        fs::create_dir_all(path.join("user-bundles.d").join(bundle).join("contents.d")).unwrap();
    }
    fs::write(path.join("gateways.toml"), manifest).unwrap();
    let out = if layout == "s6-rc" { "s6-rc.d" } else { "." };
    let ran: Ran = Command::new(env!("CARGO_BIN_EXE_gen-service"))
        .args(["--quiet", "--manifest", "gateways.toml", "--layout", layout, "--out", out])
        .current_dir(path)
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, 0, "{}", ran.err);
    directory
}

/// A container with these definitions, this volume for `/opt/data`, and these options.
fn run(definitions: &Path, volume: &Path, options: &[&str]) -> Container {
    let mounts = [mount(definitions, "/etc/s6-overlay"), mount(volume, "/opt/data"), stand_in_hermes()];
    let container =
        Container::run(&image("runtime", None), &[&mounts.each_ref().map(String::as_str)[..], options].concat());
    // This is the last step of a boot. Before it, a call of s6-rc could take the lock, and the s6-rc of the boot does not wait for the lock.
    container.until("[ -d /run/s6/legacy-services ]");
    container
}

/// Runs s6-rc when no other s6-rc changes anything. A gateway that gives up calls s6-rc, too.
fn s6_rc(container: &Container, words: &str) -> Ran {
    container.exec(&["sh", "-c", &format!("PATH=/command:$PATH; exec s6-rc -b {words}")])
}

/// Checks that s6-rc takes these for up, or for down.
#[track_caller]
fn assert_up(container: &Container, names: &[(&str, bool)]) {
    let list = s6_rc(container, "-a list").ok();
    for (name, up) in names {
        assert_eq!(list.lines().any(|line| line == *name), *up, "{name} in {list}");
    }
}

#[test]
fn every_rendered_set_compiles() {
    let longest = "x".repeat(231);
    let everything = format!(
        "[defaults]\nstop-timeout = 7\ncrash-budget = \"off\"\n[gateways.a]\n[gateways.a-b]\nafter = [\"gateway-a\", \"mount-data\"]\ndown = true\n\
         [gateways.x]\nafter = \"gateway-{longest}\"\nlog-to = \"both\"\n[gateways.{longest}]\nisolated = true\n[dashboard]\n[watch]\n"
    );
    let oneshot = [("s6-rc.d/mount-data/type", "oneshot\n"), ("s6-rc.d/mount-data/up", "true\n")];
    for (manifest, layout, others) in [
        ("[gateways.default]\n", "s6-overlay", &[][..]),
        ("[gateways.default]\n", "s6-rc", &[]),
        (&everything, "s6-overlay", &oneshot),
        (&everything, "s6-rc", &oneshot),
    ] {
        let definitions = rendered(manifest, layout, others);
        let has_bundles = definitions.path().join("s6-rc.d/user").exists();
        let bundles = if has_bundles { "" } else { "/etc/s6-overlay/user-bundles.d" };
        let compile = format!(
            "mkdir -p /etc/s6-overlay/s6-rc.d; cd /etc/s6-overlay; [ -z '{bundles}' ] && mkdir -p s6-rc.d/user2/contents.d && echo bundle >s6-rc.d/user2/type; \
             /command/s6-rc-compile /tmp/db s6-rc.d {bundles} /package/admin/s6-overlay/etc/s6-rc/sources && ls /tmp/db/servicedirs"
        );
        let mounted = mount(definitions.path(), "/etc/s6-overlay");
        let ran = docker(&["run", "--rm", "--entrypoint", "sh", &mounted, &image("runtime", None), "-uc", &compile]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{layout}: {manifest}");
        assert!(ran.out.contains("gateway-"), "{layout}: {}", ran.out);
    }
}

/// Definitions of other people, which say when they come and go.
const SAYING: [(&str, &str); 7] = [
    ("s6-rc.d/mount-data/type", "oneshot\n"),
    ("s6-rc.d/mount-data/up", "/etc/s6-overlay/say mounted\n"),
    ("s6-rc.d/mount-data/down", "/etc/s6-overlay/say unmounted\n"),
    ("s6-rc.d/mount-data/dependencies.d/base", ""),
    ("user-bundles.d/user2/contents.d/mount-data", ""),
    ("say", "#!/bin/sh\necho \"$1\" >>/record/order\n"),
    (
        "hermes",
        "#!/bin/sh\ntrap '/etc/s6-overlay/say \"$2 ends\"; exit 0' TERM\n/etc/s6-overlay/say \"$2 begins\"\nwhile :; do sleep 0.1; done\n",
    ),
];

#[test]
fn gateways_come_and_go_in_their_order() {
    let manifest =
        "[defaults]\nafter = \"mount-data\"\n[gateways.a]\nafter = [\"mount-data\", \"gateway-b\"]\n[gateways.b]\n";
    let definitions = rendered(manifest, "s6-overlay", &SAYING);
    let (data, record) = (volume(HERMES), volume(HERMES));
    // Root writes to the file first, and the gateways after that.
    fs::write(record.path().join("order"), "").unwrap();
    chown(record.path().join("order"), Some(HERMES), Some(HERMES)).unwrap();
    let options = [
        mount(data.path(), "/opt/data"),
        mount(definitions.path(), "/etc/s6-overlay:ro"),
        mount(&definitions.path().join("hermes"), "/opt/hermes/.venv/bin/hermes:ro"),
        mount(record.path(), "/record"),
    ];
    let container = Container::run(&image("runtime", None), &options.each_ref().map(String::as_str));
    container.until_up("a b");
    // A gateway is up before it has done anything.
    container.until("[ $(grep -c begins /record/order) = 2 ]");
    let order = || read(record.path(), "order");
    assert!(order().starts_with("mounted\n"), "{}", order());
    // A gateway that depends on the stopped one stops first, and does not start again with it.
    let stopped = container.exec(&["gatewayctl", "stop", "b"]);
    assert_eq!((stopped.code, stopped.out.as_str()), (0, "stopped b\n"), "{}", stopped.err);
    assert!(stopped.err.contains("gateway a stops too, because it depends on gateway b"), "{}", stopped.err);
    assert!(order().ends_with("a ends\nb ends\n"), "{}", order());
    container.sh("exec 2>/dev/null; gatewayctl -q start a");
    container.until("[ $(grep -c begins /record/order) = 4 ]");
    container.until_up("a b");
    assert_ne!(container.stop(), 137);
    assert!(order().ends_with("a ends\nb ends\nunmounted\n"), "{}", order());
}

#[test]
fn gatewayctl_and_s6_rc_agree() {
    let manifest = "[defaults]\ncrash-budget = \"3/600\"\n[gateways.coder]\n[gateways.crash]\n[gateways.config]\n[gateways.idle]\ndown = true\n";
    let definitions = rendered(manifest, "s6-overlay", &[]);
    let volume = volume(HERMES);
    let container = run(definitions.path(), volume.path(), &[]);
    container.until_up("coder");
    assert_eq!(container.sh("gatewayctl list"), "coder\nconfig\ncrash\nidle\n");
    let sh = |script: &str| container.sh(&format!("exec 2>/dev/null; {script}"));
    let agree = || assert_eq!(s6_rc(&container, "diff").ok(), "");

    // A gateway that gives up is down for s6 and for s6-rc. Its logger stays.
    container.until("! PATH=/command:$PATH s6-rc -b -a list | grep -E '^gateway-(crash|config)$'");
    agree();
    assert_up(&container, &[("gateway-crash-log", true), ("gateway-idle", false), ("gateway-idle-log", false)]);
    assert!(container.log_of("crash").contains("PERMANENT FAILURE"));

    assert_eq!(sh("gatewayctl stop coder"), "stopped coder\n");
    assert_up(&container, &[("gateway-coder", false), ("gateway-coder-log", true)]);
    agree();
    assert_eq!(sh("gatewayctl start coder idle"), "started coder\nstarted idle\n");
    assert_up(&container, &[("gateway-coder", true), ("gateway-idle", true), ("gateway-idle-log", true)]);
    let pid = "/command/s6-svstat -o pid /run/service/gateway-coder";
    assert_eq!(sh(&format!("old=$({pid}); gatewayctl restart coder; [ $({pid}) != $old ]")), "restarted coder\n");
    agree();
    assert_eq!(s6_rc(&container, "-d change gateway-coder").ok(), "");
    assert_eq!(container.exec(&["gatewayctl", "-q", "status", "coder"]).code, 3);
    assert_eq!(s6_rc(&container, "-u change gateway-coder-pipeline").ok(), "");
    container.until_up("coder");
    agree();
    assert!(container.log_of("coder").contains("-p coder gateway start --foreground --port"));
    assert!(container.sh("gatewayctl doctor || :").contains("it runs 4 gateways, and knows the state of each"));
}

#[test]
fn an_update_of_the_definitions_leaves_alone_what_it_can() {
    let oneshot = [("s6-rc.d/mount-data/type", "oneshot\n"), ("s6-rc.d/mount-data/up", "true\n")];
    let definitions = rendered("[gateways.a]\n[gateways.b]\n", "s6-overlay", &oneshot);
    let volume = volume(HERMES);
    let container = run(definitions.path(), volume.path(), &[]);
    container.until_up("a b");
    let pids = || container.sh("for gateway in a b; do /command/s6-svstat -o pid /run/service/gateway-$gateway; done");
    let update = |change: &str, number: u32| {
        container.sh(&format!(
            "exec 2>/dev/null; PATH=/command:$PATH; {change}; \
             s6-rc-compile /run/s6/db-{number} /etc/s6-overlay/s6-rc.d /etc/s6-overlay/user-bundles.d \
             /package/admin/s6-overlay/etc/s6-rc/sources && s6-rc-update -b /run/s6/db-{number}"
        ))
    };
    let agree = || assert_eq!(s6_rc(&container, "diff").ok(), "");
    let before = pids();

    let gen_service = "gen-service -q --layout s6-overlay --out /etc/s6-overlay";
    update(
        &format!(
            "{gen_service} a --stop-timeout 7; {gen_service} b --after mount-data; {gen_service} c --after gateway-b"
        ),
        2,
    );
    // `a` runs on with its new definition. `b` depends on something that was not up. `c` is new.
    let (now, before): (Vec<_>, Vec<_>) = (pids().lines().map(str::to_owned).collect(), before.lines().collect());
    assert!(now[0] == before[0] && now[1] != before[1], "{before:?} {now:?}");
    assert_eq!(container.sh("cat /run/service/gateway-a/timeout-kill"), "7000\n");
    assert_up(&container, &[("gateway-a", true), ("mount-data", true), ("gateway-b", true), ("gateway-c", false)]);
    agree();
    container.sh("exec 2>/dev/null; gatewayctl -q start c");
    container.until_up("a b c");
    container.until("gatewayctl logs c | grep -q 'gateway start --foreground'");
    agree();

    update("rm -r /etc/s6-overlay/s6-rc.d/gateway-c* /etc/s6-overlay/user-bundles.d/user2/contents.d/gateway-c-*", 3);
    assert_eq!(container.sh("gatewayctl list"), "a\nb\n");
    assert_eq!(pids().lines().collect::<Vec<_>>(), now);
    agree();
    container.sh("exec 2>/dev/null; gatewayctl -q restart a; gatewayctl -q stop b; gatewayctl -q start b");
    agree();
    assert_ne!(container.stop(), 137);
    assert!(read(volume.path(), "logs/gateways/a/current").ends_with(" last line 500\n"));
}

#[test]
fn what_is_of_s6_rc_is_left_to_it() {
    let definitions = rendered("[gateways.coder]\n", "s6-overlay", &[]);
    let volume = volume(HERMES);
    let container = run(definitions.path(), volume.path(), &[]);
    container.until_up("coder");
    for command in ["unregister coder", "register coder"] {
        let ran = container.exec(&["sh", "-c", &format!("gatewayctl {command}")]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{command}: {}", ran.err);
        assert!(ran.err.contains("s6-rc-update"), "{command}: {}", ran.err);
    }
    container.sh("gen-service -q coder --out /tmp/tree");
    for command in ["install /tmp/tree", "install /tmp/tree --update"] {
        let ran = container.exec(&["sh", "-c", &format!("gatewayctl {command}")]);
        assert!(ran.code == 1 && ran.err.contains("s6-rc-update"), "{command}: {ran:?}");
    }
    profile(volume.path(), "coder", Some("stopped"));
    let reconciled = container.sh("exec 2>/dev/null; gatewayctl reconcile --most 9");
    assert!(reconciled.contains("to s6-rc, which runs it"), "{reconciled}");
    container.until_up("coder");
    assert_up(&container, &[("gateway-coder", true)]);
}

#[test]
fn doctor_finds_what_was_changed_behind_the_back_of_s6_rc() {
    let definitions = rendered("[gateways.coder]\n", "s6-overlay", &[]);
    let volume = volume(HERMES);
    let container = run(definitions.path(), volume.path(), &[]);
    container.until_up("coder");
    let finding = || container.sh("gatewayctl doctor | grep ' s6-rc ' || :");
    let sound = "it runs 1 gateway, and knows the state of each";
    assert!(finding().contains(sound), "{}", finding());

    container.sh("/command/s6-svc -wD -d /run/service/gateway-coder");
    assert!(finding().contains("gateway coder is down, but s6-rc believes that it is up"), "{}", finding());
    container.sh("exec 2>/dev/null; gatewayctl -q start coder");
    assert!(finding().contains(sound), "{}", finding());

    assert_eq!(s6_rc(&container, "-d change gateway-coder").ok(), "");
    container.sh("/command/s6-svc -wu -u /run/service/gateway-coder");
    assert!(finding().contains("gateway coder is up, but s6-rc believes that it is down"), "{}", finding());
    container.sh("exec 2>/dev/null; gatewayctl -q stop coder; gatewayctl -q start coder");
    assert!(finding().contains(sound), "{}", finding());

    let out = "rm /run/service/gateway-coder; /command/s6-svscanctl -an /run/service";
    container.sh(out);
    assert!(
        finding().contains("s6-rc believes that gateway-coder, of gateway coder, is up, but somebody took it out"),
        "{}",
        finding()
    );
    // The remedy of doctor works.
    let said = finding();
    let remedy = said.trim_end().rsplit("; ").next().unwrap();
    container.sh(&format!("PATH=/command:$PATH; {remedy}"));
    container.until_up("coder");
    container.until(&format!("gatewayctl doctor | grep -q '{sound}'"));
}

/// If the bundles are among the definitions, the services of /etc/services.d depend on them, and s6-rc would stop those services, too.
#[test]
fn a_stop_stops_nothing_else_in_a_bundle_that_others_are_after() {
    let definitions = rendered("[gateways.coder]\n", "s6-rc", &[]);
    let (volume, services) = (volume(HERMES), directory());
    let probe = services.path().join("probe");
    fs::create_dir(&probe).unwrap();
    fs::write(probe.join("run"), "#!/bin/sh\nexec sleep 1000\n").unwrap();
    fs::set_permissions(probe.join("run"), Permissions::from_mode(0o755)).unwrap();
    let container = run(definitions.path(), volume.path(), &[&mount(services.path(), "/etc/services.d:ro")]);
    container.until_up("coder");
    container.until("/command/s6-svstat -o up /run/service/probe | grep -q true");
    let pid = container.sh("/command/s6-svstat -o pid /run/service/probe");
    let stopped = container.exec(&["gatewayctl", "stop", "coder"]);
    assert_eq!((stopped.code, stopped.out.as_str()), (0, "stopped coder\n"), "{}", stopped.err);
    assert!(stopped.err.contains("so gatewayctl stops gateway coder without s6-rc"), "{}", stopped.err);
    assert_eq!(container.exec(&["gatewayctl", "-q", "status", "coder"]).code, 3);
    container.sh("exec 2>/dev/null; gatewayctl -q start coder");
    container.until_up("coder");
    assert_eq!(container.sh("/command/s6-svstat -o pid /run/service/probe"), pid, "it ran all the time");
    assert_ne!(container.stop(), 137);
    assert!(read(volume.path(), "logs/gateways/coder/current").ends_with(" last line 500\n"));
}

#[test]
fn the_longest_profile_has_its_gateway() {
    let name = "x".repeat(231);
    let definitions = rendered(&format!("[gateways.{name}]\n"), "s6-overlay", &[]);
    let volume = volume(HERMES);
    let container = run(definitions.path(), volume.path(), &[]);
    container.until_up(&name);
    container.until(&format!("gatewayctl logs {name} | grep -q 'gateway start --foreground'"));
    container.sh(&format!("exec 2>/dev/null; gatewayctl -q stop {name}; gatewayctl -q start {name}"));
    container.until_up(&name);
}

/// A user who can read the lock of s6-rc can hold it, and keep s6-rc from every change.
#[test]
fn the_service_user_cannot_hold_up_s6_rc() {
    const HOLD: &str = "import fcntl, os, sys, time
file = open('/run/s6-rc/lock')
fcntl.lockf(file, fcntl.LOCK_SH) # as s6-rc locks it
fcntl.flock(file, fcntl.LOCK_SH)
open('/tmp/held', 'w')
time.sleep(1000)";
    let definitions = rendered("[gateways.coder]\nstop-timeout = 1\n", "s6-overlay", &[]);
    let volume = volume(HERMES);
    let container = run(definitions.path(), volume.path(), &[]);
    container.until_up("coder");
    let held = container.exec_as_hermes(&["python3", "-c", HOLD]);
    assert!(held.code == 1 && held.err.contains("Permission denied"), "{held:?}");
    container.sh("exec 2>/dev/null; gatewayctl -q stop coder; gatewayctl -q start coder");

    // The control: with the lock as s6-rc makes it.
    container.sh("chmod 644 /run/s6-rc/lock");
    docker(&["exec", "--detach", "--user", "hermes", container.id(), "python3", "-c", HOLD]).ok();
    container.until("[ -e /tmp/held ]");
    let stopped = container.exec(&["gatewayctl", "-q", "--timeout", "2", "stop", "coder"]);
    assert_eq!(stopped.code, 1, "{stopped:?}");
    container.sh("pkill -u hermes python3");
}
