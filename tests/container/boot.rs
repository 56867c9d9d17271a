//! Containers of the target `volume`: every profile of the volume has its gateway again after each boot.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use crate::docker::{Container, HERMES, docker, image, mount, read, stand_in_hermes, until, volume};

/// A profile as Hermes makes it, with what Hermes recorded of its gateway.
pub(crate) fn profile(volume: &Path, name: &str, state: Option<&str>) {
    let directory = volume.join("profiles").join(name);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("SOUL.md"), "").unwrap();
    fs::write(directory.join("gateway.pid"), "1").unwrap();
    if let Some(state) = state {
        fs::write(directory.join("gateway_state.json"), format!("{{\"gateway_state\":\"{state}\"}}")).unwrap();
    }
    for path in [volume.join("profiles"), directory.clone()] {
        chown(path, Some(HERMES), Some(HERMES)).unwrap();
    }
    for file in fs::read_dir(directory).unwrap() {
        chown(file.unwrap().path(), Some(HERMES), Some(HERMES)).unwrap();
    }
}

const MANIFEST: &str =
    "[defaults]\nhermes-cli = \"start\"\nenv = { GREETING = \"from the defaults\" }\n\n[gateways.coder]\nport = 9150\n";

/// Waits until the hook has finished this many boots. At its end, it says what became of each profile.
#[track_caller]
pub(crate) fn booted(container: &Container, boots: usize) {
    until("the hook", || container.logs().matches(" default  ").count() == boots);
}

fn states(container: &Container) -> String {
    container.exec(&["sh", "-c", "gatewayctl status 2>/dev/null | tr -s ' ' | cut -d' ' -f1,2 | tail -n +2"]).ok()
}

#[test]
fn a_boot_and_a_restart_bring_back_what_ran() {
    let volume = volume(HERMES);
    for (name, state) in
        [("coder", Some("running")), ("writer", Some("draining")), ("idle", Some("stopped")), ("new", None)]
    {
        profile(volume.path(), name, state);
    }
    profile(volume.path(), "Bad Name", Some("running"));
    let (data, hermes) = (mount(volume.path(), "/opt/data"), stand_in_hermes());
    let container = Container::run(&image("volume", Some(MANIFEST)), &[&data, &hermes]);
    for boot in 1..=2 {
        booted(&container, boot);
        container.until_up("coder writer");
        assert_eq!(states(&container), "coder up\ndefault stopped\nidle stopped\nnew stopped\nwriter up\n");
        container.until("gatewayctl logs coder | grep -q 'gateway start --foreground --port 9150'");
        container.until("gatewayctl logs writer | grep -q 'GREETING=from the defaults'");
        assert!(!volume.path().join("profiles/coder/gateway.pid").exists());
        let log = read(volume.path(), "logs/container-boot.log");
        assert_eq!(log.matches(" profile=coder prior_state=running action=started\n").count(), boot, "{log}");
        assert_eq!(log.lines().count(), boot * 6, "{log}");
        let said = container.logs();
        assert_eq!(said.matches("warning: profile Bad Name: ").count(), boot, "{said}");
        container.exec_as_hermes(&["gatewayctl", "--quiet", "status", "coder"]).ok();
        // There is nothing left to do, and nothing is done.
        let again = container.sh("exec 2>/dev/null; gatewayctl reconcile --manifest /etc/gateways.toml");
        assert_eq!(again.matches("unchanged ").count(), 5, "{again}");
        if boot == 1 {
            container.restart();
        }
    }
    // A gateway that was registered with --save is there after the next boot. A gateway that was only registered is not.
    container
        .sh("exec 2>/dev/null; gatewayctl -q register saved --save --port 9999 --down; gatewayctl -q register lost");
    container.sh("exec 2>/dev/null; gatewayctl -q stop writer --save; gatewayctl -q start idle --save");
    container.restart();
    booted(&container, 3);
    container.until_up("coder idle");
    assert_eq!(states(&container), "coder up\ndefault stopped\nidle up\nnew stopped\nsaved stopped\nwriter stopped\n");
    container.sh("grep -q -- '-p saved gateway start --foreground --port 9999' /run/service/gateway-saved/run");
}

#[test]
fn containers_that_share_a_volume_share_its_profiles() {
    let volume = volume(HERMES);
    let names: Vec<String> = (0..12).map(|number| format!("team-{number}")).collect();
    for name in &names {
        profile(volume.path(), name, Some("running"));
    }
    let (data, hermes) = (mount(volume.path(), "/opt/data"), stand_in_hermes());
    // A manifest can also be settings for all gateways.
    let image = image("volume", Some("[defaults]\nhermes-cli = \"start\"\n"));
    let run = |shard: &str| Container::run(&image, &[&data, &hermes, &format!("--env=GATEWAYS_SHARD={shard}")]);
    let (first, second) = (run("0/2"), run("1/2"));
    let list = |container: &Container, boots: usize| -> Vec<String> {
        booted(container, boots);
        container.sh("gatewayctl list").lines().map(str::to_owned).collect()
    };
    let (one, two) = (list(&first, 1), list(&second, 1));
    let mut all = [one.clone(), two.clone()].concat();
    all.sort();
    let mut expected = [names, vec!["default".to_owned()]].concat();
    expected.sort();
    assert_eq!(all, expected);
    for (container, own) in [(&first, &one), (&second, &two)] {
        let up: Vec<&str> = own.iter().map(String::as_str).filter(|name| *name != "default").collect();
        container.until_up(&up.join(" "));
        let said = container.logs();
        assert!(!said.contains("locked") && !said.contains("warning: profile"), "{said}");
    }
    second.restart();
    assert_eq!(list(&second, 2), two);

    let third = run("1/1x");
    assert_eq!(docker(&["wait", third.id()]).ok(), "1\n");
    assert!(third.logs().contains("error: \"1/1x\" is not a shard; write I/N"), "{}", third.logs());
    let options = ["--env=GATEWAYS_ONLY=team-1*", "--env=GATEWAYS_EXCEPT=*1"];
    let fourth = Container::run(&image, &[&[data.as_str(), &hermes], &options[..]].concat());
    assert_eq!(list(&fourth, 1), ["team-10"]);
}

#[test]
fn the_real_hermes_runs_again_where_it_ran_and_doctor_says_what_it_takes() {
    let volume = volume(HERMES);
    let container = Container::run(&image("volume", None), &[&mount(volume.path(), "/opt/data")]);
    booted(&container, 1);
    let made = container.exec_as_hermes(&["hermes", "profile", "create", "coder"]);
    assert_eq!(made.code, 0, "{made:?}");
    container.sh("exec 2>/dev/null; gatewayctl -q reconcile --manifest /etc/gateways.toml");
    let services = "dashboard stopped\nwatch up\nmetrics stopped\n";
    container.until_up("watch");
    assert_eq!(states(&container), format!("coder stopped\ndefault stopped\n{services}"));
    container.sh("exec 2>/dev/null; gatewayctl -q start coder");
    let state = || read(volume.path(), "profiles/coder/gateway_state.json");
    container.until("grep -q '\"gateway_state\": *\"running\"' /opt/data/profiles/coder/gateway_state.json");
    container.restart();
    booted(&container, 2);
    container.until_up("coder watch");
    assert_eq!(states(&container), format!("coder up\ndefault stopped\n{services}"), "{}", state());

    let doctor = container.exec(&["gatewayctl", "--timeout", "60", "doctor"]);
    assert_eq!((doctor.code, doctor.err.as_str()), (0, ""), "{doctor:?}");
    assert!(doctor.out.lines().all(|line| line.starts_with("OK ")), "{}", doctor.out);
    assert!(
        doctor.out.contains("hermes takes `gateway run --replace`, hermes takes `dashboard --host"),
        "{}",
        doctor.out
    );
    container.sh("exec 2>/dev/null; gatewayctl -q register other --save --down --hermes-cli start");
    let doctor = container.exec(&["gatewayctl", "--timeout", "60", "--quiet", "doctor"]);
    let expected = "ERROR    hermes       hermes does not take `gateway start --foreground --port`; render its gateways with gen-service --hermes-cli run, \
                    which it takes\n";
    assert_eq!((doctor.code, doctor.out.as_str()), (1, expected), "{doctor:?}");

    container.sh("exec 2>/dev/null; gatewayctl -q stop coder --save");
    assert!(state().contains("\"stopped\""), "{}", state());
    container.restart();
    booted(&container, 3);
    let expected = format!("coder stopped\ndefault stopped\nother stopped\n{services}");
    until("what is not a gateway comes after the gateways", || states(&container) == expected);
}
