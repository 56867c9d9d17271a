//! What people type who come from Hermes' own image, with the real Hermes: docs/from-hermes.md.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::boot::booted;
use crate::docker::{Container, HERMES, Ran, directory, docker, image, mount, until, volume};

const TARGETS: [&str; 4] = ["services", "hook", "s6-rc", "volume"];

fn run(image: &str, options: &[&str], command: &[&str]) -> Ran {
    docker(&[&["run", "--rm"], options, &[image], command].concat())
}

fn owner(volume: &Path, below: &str) -> u32 {
    fs::symlink_metadata(volume.join(below)).unwrap_or_else(|error| panic!("{below}: {error}")).uid()
}

const AS_ROOT: &str = "--env=HERMES_DOCKER_EXEC_AS_ROOT=1";

#[test]
fn docker_run_image_command_is_hermes_or_a_program_as_the_service_user() {
    for target in TARGETS {
        let (image, volume) = (image(target, None), volume(HERMES));
        let data = mount(volume.path(), "/opt/data");
        let chat = run(&image, &[], &["chat", "--help"]);
        assert!(chat.code == 0 && chat.out.starts_with("usage: hermes chat"), "{target}: {chat:?}");
        // If a command of Hermes and a program have the same name, the command of Hermes runs.
        let login = run(&image, &[], &["login", "--help"]);
        assert!(login.out.starts_with("usage: hermes login"), "{target}: {login:?}");
        let set = run(&image, &[&data, "--env=TERM=xterm"], &["config", "set", "_test.key", "1"]);
        assert_eq!((set.code, owner(volume.path(), "config.yaml")), (0, HERMES), "{target}: {set:?}");
        let shell = "id -u; echo $HOME $KEY; pwd; test ! -w /etc; exit 42";
        let said = run(&image, &[&data, "--env=KEY=value", AS_ROOT], &["sh", "-c", shell]);
        assert_eq!(
            (said.code, said.out.as_str()),
            (42, "10000\n/opt/data value\n/opt/data\n"),
            "{target}: {}",
            said.err
        );
        assert_eq!(run(&image, &["--workdir=/tmp"], &["pwd"]).out, "/tmp\n", "{target}");
        let update = run(&image, &[], &["update"]);
        assert!(update.code != 0 || update.out.contains("docker pull"), "{target}: {update:?}");
        let init = run(&image, &["--init"], &[]);
        assert_eq!((init.code, init.err.lines().count()), (2, 1), "{target}: {init:?}");
        assert!(init.err.contains("omit --init"), "{target}: {init:?}");
    }
}

/// The last hook publishes the dashboard. The service directories of s6-rc are there before any hook.
const HOOKS_RAN: &str = "/command/s6-svok /run/service/dashboard";

#[test]
fn docker_exec_hermes_leaves_nothing_of_roots() {
    for target in TARGETS {
        let volume = volume(HERMES);
        let container = Container::run(&image(target, None), &[&mount(volume.path(), "/opt/data")]);
        container.until(HOOKS_RAN);
        let set = |options: &[&str]| {
            let _ = fs::remove_file(volume.path().join("config.yaml"));
            let command = [&["exec"], options, &[container.id(), "hermes", "config", "set", "_test.key", "1"]].concat();
            let ran = docker(&command);
            assert_eq!(ran.code, 0, "{target} {options:?}: {ran:?}");
            owner(volume.path(), "config.yaml")
        };
        assert_eq!(set(&[]), HERMES, "{target}");
        assert_eq!(set(&["--user", "hermes"]), HERMES, "{target}");
        for no in ["0", "false", "", "garbage"] {
            assert_eq!(set(&["--env", &format!("HERMES_DOCKER_EXEC_AS_ROOT={no}")]), HERMES, "{target}");
        }
        assert_eq!(set(&[AS_ROOT]), 0, "{target}: HERMES_DOCKER_EXEC_AS_ROOT=1 keeps root");
        // Nobody else may read it, so no boot gives it away. A message says so.
        container.restart();
        let said = "warning: /opt/data/config.yaml: refusing to give it, because it belongs to root";
        until("the warning", || container.logs().contains(said));
        container.sh("chmod 644 /opt/data/config.yaml");
        container.restart();
        until("the repair", || owner(volume.path(), "config.yaml") == HERMES);
    }
}

/// A process with the terminal of root's shell can type into it. Hermes gets its own terminal, or none.
#[test]
fn hermes_types_nothing_into_a_shell_of_roots() {
    const TYPES: &str = "#!/usr/bin/python3
import fcntl, os, sys, termios
for terminal in ['/dev/tty', 0, 1, 2]:
    try:
        terminal = os.open(terminal, os.O_RDWR) if isinstance(terminal, str) else terminal
        for c in 'touch /run/typed\\n':
            fcntl.ioctl(terminal, termios.TIOCSTI, c)
        print('typed')
    except OSError as error:
        print('refused')
";
    // A shell of root, which afterwards reads what was typed into its terminal.
    const SHELL: &str = "#!/bin/sh
\"$@\"
stty -icanon min 0 time 0
if head -c 200 | grep -q 'touch /run/typed'; then echo found; else echo nothing; fi
";
    let (volume, programs) = (volume(HERMES), directory());
    let program = |name: &str, text: &str| {
        let path = programs.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    };
    let options = [
        mount(volume.path(), "/opt/data"),
        mount(&program("hermes", TYPES), "/opt/hermes/.venv/bin/hermes:ro"),
        mount(&program("shell", SHELL), "/usr/local/bin/shell:ro"),
    ];
    let container = Container::run(&image("volume", None), &options.each_ref().map(String::as_str));
    booted(&container, 1);
    let try_it = |command: &str| {
        let line = format!("docker exec --interactive --tty {} shell {command}", container.id());
        let ran = Command::new("script").args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
        let said = Ran::from(ran).out;
        assert!(said.contains("found") || said.contains("nothing"), "{said}");
        (said.contains("found"), said)
    };
    for command in ["hermes one \"it's two\"", "sh -c 'hermes </dev/null'", "sh -c 'hermes | cat'"] {
        let (typed, said) = try_it(command);
        assert!(!typed, "{command}: {said}");
    }
    // The control: the same without the script that drops.
    if fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti").is_ok_and(|allowed| allowed.trim() == "1") {
        let (typed, said) = try_it("/command/s6-setuidgid hermes /opt/hermes/.venv/bin/hermes");
        assert!(typed, "{said}");
    }
}

#[test]
fn profiles_are_made_started_and_deleted_by_hermes_while_the_container_runs() {
    for user in ["root", "hermes"] {
        let volume = volume(HERMES);
        let container = Container::run(&image("volume", None), &[&mount(volume.path(), "/opt/data")]);
        booted(&container, 1);
        container.until_up("watch");
        let hermes = |command: &[&str]| {
            let ran = docker(&[&["exec", "--user", user, container.id(), "hermes"], command].concat());
            assert_eq!(ran.code, 0, "{user} {command:?}: {ran:?}");
        };
        hermes(&["profile", "create", "writer"]);
        container.until("[ -d /run/service/gateway-writer ]");
        assert_eq!(container.exec(&["gatewayctl", "-q", "status", "writer"]).code, 3);
        hermes(&["-p", "writer", "gateway", "start"]);
        container.until_up("writer");
        container.until("grep -q '\"gateway_state\": *\"running\"' /opt/data/profiles/writer/gateway_state.json");
        hermes(&["-p", "writer", "gateway", "restart"]);
        container.until_up("writer");
        hermes(&["-p", "writer", "gateway", "stop"]);
        container.until("! gatewayctl -q status writer");
        hermes(&["-p", "writer", "gateway", "start"]);
        container.until_up("writer");
        hermes(&["profile", "delete", "writer", "-y"]);
        container.until("[ ! -e /run/service/gateway-writer ]");
        container.until("! pgrep -f 'gateway-[w]riter'");
        // If a process of a deleted profile still ran, Hermes might make the profile's directory again. Here that does not happen.
        assert_eq!(container.sh("gatewayctl list"), "default\n", "{user}");
        // Its last lines are kept, and docker logs shows them with its name.
        assert!(!container.sh("ls /opt/data/logs/gateways/writer").is_empty(), "{user}");
        until("its lines", || container.logs().lines().any(|line| line.starts_with("writer: ")));
        let foreign = container.sh("find /opt/data -ignore_readdir_race ! -user hermes");
        assert_eq!(foreign, "", "{user}");
    }
}

#[test]
fn one_gateway_serves_all_profiles_while_hermes_is_told_so() {
    let volume = volume(HERMES);
    let data = mount(volume.path(), "/opt/data");
    let container = Container::run(
        &image("volume", None),
        &[&data, "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running", "--env=API_SERVER_KEY=a-key-of-a-test"],
    );
    container.until_up("default watch");
    let hermes = |command: &[&str]| {
        let ran = docker(&[&["exec", container.id(), "hermes"], command].concat());
        assert_eq!(ran.code, 0, "{command:?}: {ran:?}");
    };
    let set = |value: &str| hermes(&["config", "set", "gateway.multiplex_profiles", value]);
    hermes(&["profile", "create", "writer"]);
    container.until("/command/s6-svok /run/service/gateway-writer");
    hermes(&["-p", "writer", "gateway", "start"]);
    container.until_up("writer");
    set("true");
    hermes(&["gateway", "restart"]);
    container.until("grep -q served_profiles /opt/data/gateway_state.json");
    // A new profile makes the watch look.
    hermes(&["profile", "create", "second"]);
    container.until("[ \"$(gatewayctl list)\" = default ]");
    container.until("gatewayctl doctor | grep -q 'profiles *nobody serves second: the gateway of default has not looked for profiles since'");
    container.sh("gatewayctl status writer | grep -q served");
    // At a boot, too, the root gateway comes alone.
    container.restart();
    container.until_up("default");
    assert_eq!(container.sh("gatewayctl list"), "default\n");
    assert!(container.logs().contains("served    writer  by the gateway of default"), "{}", container.logs());
    set("false");
    hermes(&["gateway", "restart"]);
    hermes(&["profile", "create", "third"]);
    container.until_up("default writer");
}

#[test]
fn the_dashboard_is_asked_for_and_asks_for_a_password() {
    for target in TARGETS {
        let image = image(target, None);
        let volume = volume(HERMES);
        let data = mount(volume.path(), "/opt/data");
        let container = Container::run(&image, &[&data]);
        container.until("/command/s6-svok /run/service/dashboard");
        assert_eq!(container.exec(&["gatewayctl", "-q", "status", "dashboard"]).code, 3, "{target}");
        drop(container);
        let options = [
            data.as_str(),
            "--env=HERMES_DASHBOARD=1",
            "--env=HERMES_DASHBOARD_PORT=9120",
            "--env=HERMES_DASHBOARD_BASIC_AUTH_USERNAME=admin",
            "--env=HERMES_DASHBOARD_BASIC_AUTH_PASSWORD=a-password-of-a-test",
        ];
        let container = Container::run(&image, &options);
        let answer = "python3 -c 'import urllib.request as r, urllib.error\ntry:\n  print(r.urlopen(\"http://127.0.0.1:9120/api/sessions\", timeout=5).status)\nexcept urllib.error.HTTPError as e:\n  print(e.code)'";
        container.until(&format!("{answer} 2>/dev/null"));
        assert_eq!(container.sh(answer), "401\n", "{target}");
        let pid = "/command/s6-svstat -o pid /run/service/dashboard";
        let before = container.sh(pid);
        container.exec_as_hermes(&["kill", "-KILL", before.trim_end()]).ok();
        container.until(&format!("[ $({pid}) != {} ] && gatewayctl -q status dashboard", before.trim_end()));
        container.exec_as_hermes(&["gatewayctl", "stop", "dashboard"]).ok();
        container.exec_as_hermes(&["gatewayctl", "start", "dashboard"]).ok();
        assert!(!container.sh("gatewayctl logs dashboard").is_empty(), "{target}");
    }
}

#[test]
fn a_volume_of_any_user_works() {
    for target in TARGETS {
        let image = image(target, None);
        let runs_as = |user: u32, options: &[&str], owner: u32| {
            let volume = volume(owner);
            let data = mount(volume.path(), "/opt/data");
            let container = Container::run(
                &image,
                &[&[data.as_str(), "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running"], options].concat(),
            );
            container.until_up("default");
            // The gateway is up from the first line of its run script on. Root runs that script, and changes to the user a moment later.
            container.until(&format!(
                "[ \"$(stat -c %u /proc/\"$(/command/s6-svstat -o pid /run/service/gateway-default)\")\" -eq {user} ]"
            ));
        };
        // By default; with a directory that Docker made for root; and as the user of the host, in each way to say so.
        runs_as(HERMES, &[], 0);
        runs_as(1000, &["--env=HERMES_UID=1000", "--env=HERMES_GID=1000"], 1000);
        runs_as(2000, &["--env=PUID=99", "--env=PGID=100", "--env=HERMES_UID=2000"], 2000);
        runs_as(1000, &["--user=1000:1000", "--tmpfs=/run:exec,uid=1000,gid=1000"], 1000);
        // A file that a former number of the service user owned is given to it. Files beside Hermes' own files stay as they are.
        let mine = volume(HERMES);
        for (name, uid) in [("auth.json", HERMES), ("photo.jpg", 4000)] {
            fs::write(mine.path().join(name), "{}").unwrap();
            chown(mine.path().join(name), Some(uid), Some(uid)).unwrap();
        }
        let container =
            Container::run(&image, &[&mount(mine.path(), "/opt/data"), "--env=PUID=1000", "--env=PGID=1000"]);
        container.until(HOOKS_RAN);
        assert_eq!((owner(mine.path(), "auth.json"), owner(mine.path(), "photo.jpg")), (1000, 4000), "{target}");
        assert_eq!(owner(mine.path(), "."), 1000, "{target}");
    }
    let strange = volume(4000);
    let container = Container::run(&image("volume", None), &[&mount(strange.path(), "/opt/data")]);
    booted(&container, 1);
    assert!(
        container.logs().contains("it belongs to user 4000, and the gateways run as 10000"),
        "{}",
        container.logs()
    );
    let refused = run(&image("volume", None), &["--env=HERMES_UID=0"], &["id"]);
    assert!(refused.code == 1 && refused.err.contains("HERMES_UID=0 is not the number of a user"), "{refused:?}");
}

/// A process that is asked to stop gets the time that it needs, and none of its lines is lost.
#[test]
fn what_needs_long_to_stop_gets_its_time() {
    const SLOW: &str = "#!/bin/sh
case $* in *gateway*) ;; *) exit ;; esac
trap 'sleep 5; echo last words; exit' TERM
echo began
while :; do sleep 0.1; done
";
    let hermes = directory();
    let path = hermes.path().join("hermes");
    fs::write(&path, SLOW).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    for target in TARGETS {
        let volume = volume(HERMES);
        let options = [
            mount(volume.path(), "/opt/data"),
            mount(&path, "/opt/hermes/.venv/bin/hermes:ro"),
            "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running".to_owned(),
            "--stop-timeout=45".to_owned(),
        ];
        // This holds for the command of the container, too, which nobody supervises.
        let name = image(target, None);
        let command = ["sh", "-c", "trap 'sleep 2; echo the command ends; exit 7' TERM; while :; do sleep 0.1; done"];
        let arguments =
            [&["run", "--detach"], &options.each_ref().map(String::as_str)[..], &[&name], &command].concat();
        let container = Container::of(docker(&arguments).ok().trim_end());
        container.until("gatewayctl logs default | grep -q began");
        container.until("pgrep -f 'the command ends'");
        docker(&["stop", container.id()]).ok();
        let said = container.logs();
        assert!(said.contains("default: last words\n") && said.contains("the command ends\n"), "{target}: {said}");
    }
}
