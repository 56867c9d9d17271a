//! The service user as attacker in containers of the image. These tests need the real layout, the hooks and `docker exec -it`. Each attack has its
//! control, as in `tests/suite/hostile`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode};

use crate::boot::{booted, profile};
use crate::docker::{Container, HERMES, Ran, directory, image, mount, volume};

const MANIFEST: &str = "[defaults]\nhermes-cli = \"start\"\n[gateways.default]\n[gateways.coder]\n";

/// Each time it is asked for its help, it records whether it reaches a terminal.
const PRYING: &str = "#!/bin/sh
case $* in
  *--help*)
    if sh -c ': </dev/tty' 2>/dev/null; then echo tty; else echo nothing; fi >>/opt/data/reached
    echo '--foreground --port' ;;
  *) exec sleep 1000 ;;
esac
";

/// A directory that contains this program as Hermes, and the argument of `docker run` that puts it in the place of the real one.
fn hermes(text: &str) -> (tempfile::TempDir, String) {
    let directory = directory();
    let path = directory.path().join("hermes");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let mounted = mount(&path, "/opt/hermes/.venv/bin/hermes:ro");
    (directory, mounted)
}

/// Runs a command in a container on a new terminal.
fn on_a_terminal(container: &Container, command: &str) -> Ran {
    let line = format!("docker exec --interactive --tty {} {command}", container.id());
    Command::new("script").args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap().into()
}

#[test]
fn what_doctor_asks_has_no_part_of_the_terminal_of_docker_exec() {
    let volume = volume(HERMES);
    let (_keep, hermes) = hermes(PRYING);
    let container = Container::run(&image("hook", Some(MANIFEST)), &[&mount(volume.path(), "/opt/data"), &hermes]);
    container.until_up("coder");
    let reached = || fs::read_to_string(volume.path().join("reached")).unwrap_or_default();
    let ran = on_a_terminal(&container, "gatewayctl doctor");
    assert!(ran.out.contains("hermes takes `gateway start --foreground --port`"), "{ran:?}");
    assert_eq!(reached(), "nothing\n");
    on_a_terminal(&container, "/command/s6-setuidgid hermes hermes --help");
    assert_eq!(reached(), "nothing\ntty\n", "the control");
}

/// Both hooks let the group `hermes` control the gateways. The group gets no access to `event/`.
#[test]
fn the_hooks_let_nobody_lead_a_supervisor_to_a_file_of_roots() {
    for target in ["hook", "volume"] {
        let volume = volume(HERMES);
        let (_keep, hermes) = hermes("#!/bin/sh\nexec sleep 1000\n");
        profile(volume.path(), "coder", Some("running"));
        let options = [&mount(volume.path(), "/opt/data"), &hermes];
        let container = Container::run(&image(target, Some(MANIFEST)), &options.map(String::as_str));
        container.until_up("coder");
        container.sh("echo victim >/root/victim; chmod 600 /root/victim");
        let event = "/run/service/gateway-coder/event";
        let plant = ["ln", "-s", "/root/victim", &format!("{event}/ftrig1:@4000000067432f0a1b2c3d4e:xxxxxx")];
        let planted = container.exec_as_hermes(&plant);
        assert!(planted.code != 0 && planted.err.contains("Permission denied"), "{target}: {planted:?}");
        container.exec_as_hermes(&["gatewayctl", "--quiet", "restart", "coder"]).ok();
        assert_eq!(container.sh("cat /root/victim"), "victim\n", "{target}");

        container.sh("/command/s6-svperms -E hermes /run/service/gateway-coder");
        container.exec_as_hermes(&plant).ok();
        container.exec_as_hermes(&["/command/s6-svc", "-d", "/run/service/gateway-coder"]).ok();
        container.until("[ \"$(head -c 6 /root/victim)\" != victim ]");
    }
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU | Mode::RWXG | Mode::RWXO, 0).unwrap();
    chown(path, Some(HERMES), Some(HERMES)).unwrap();
}

/// The volume has a fifo that nobody writes to, and symlinks that lead elsewhere. The hook ends, and the gateway of the root profile is there.
#[test]
fn nothing_on_the_volume_denies_a_boot() {
    let image = image("volume", Some(MANIFEST));
    let (_keep, hermes) = hermes("#!/bin/sh\nexec sleep 1000\n");
    for fifos in [true, false] {
        let volume = volume(HERMES);
        let path = volume.path();
        fs::create_dir(path.join("logs")).unwrap();
        chown(path.join("logs"), Some(HERMES), Some(HERMES)).unwrap();
        if fifos {
            fifo(&path.join("profiles"));
            fifo(&path.join("logs/container-boot.log"));
        } else {
            for (target, link) in [("/etc", "profiles"), ("/etc/passwd", "logs/container-boot.log")] {
                symlink(target, path.join(link)).unwrap();
                lchown(path.join(link), Some(HERMES), Some(HERMES)).unwrap();
            }
        }
        let container = Container::run(&image, &[&mount(path, "/opt/data"), &hermes]);
        booted(&container, 1);
        let said = container.logs();
        assert_eq!(container.sh("gatewayctl list"), "default\n", "{said}");
        assert_eq!(said.matches("warning: ").count(), 2, "{said}");
        assert!(!container.sh("cat /etc/passwd").contains("profile="), "{said}");
        if fifos {
            // The control: a program that just opens the fifo waits.
            assert_eq!(container.exec(&["timeout", "1", "cat", "/opt/data/logs/container-boot.log"]).code, 124);
        }
    }
}

/// The service user hides the manifest that root saved, and puts it back after root has removed that gateway. This succeeds on the volume. On a
/// second volume, which belongs to root, it does not.
#[test]
fn what_root_saved_on_a_volume_of_its_own_stays_as_root_saved_it() {
    let image = image("volume", Some(MANIFEST));
    let (_keep, hermes) = hermes("#!/bin/sh\nexec sleep 1000\n");
    for own in [false, true] {
        let (data, state) = (volume(HERMES), directory());
        let options = [mount(data.path(), "/opt/data"), hermes.clone(), mount(state.path(), "/var/lib/gateways")];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let container = Container::run(&image, &options[..if own { 3 } else { 2 }]);
        booted(&container, 1);
        let saved = |command: &str| container.sh(&format!("exec 2>/dev/null; gatewayctl --quiet {command} --save"));
        saved("register old --down");
        let hidden = container.exec_as_hermes(&["mv", "/opt/data/gateways.toml", "/opt/data/kept"]);
        assert_eq!(hidden.code == 0, !own, "{hidden:?}");
        saved("unregister old");
        if own {
            // What the attacker would have kept: a file that root wrote in the past.
            fs::write(data.path().join("kept"), "[gateways.old]\ndown = true\n").unwrap();
        }
        container.exec_as_hermes(&["mv", "/opt/data/kept", "/opt/data/gateways.toml"]).ok();
        container.restart();
        booted(&container, 2);
        let back = container.sh("gatewayctl list").contains("old\n");
        assert_eq!(back, !own, "with a volume that belongs to root: {own}");
    }
}
