//! The 43 properties that Hermes' own container tests check in an image. Each is checked with the words of docs/from-hermes.md, in every target in
//! which it makes sense.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::docker::{Container, HERMES, Ran, docker, image, mount, until, volume};

/// This image does not have these. docs/from-hermes.md says why.
const NOT_HERE: [(u8, &str); 3] =
    [(19, "the bundle of the TUI"), (20, "a config.yaml that boot migrates"), (27, "Chromium")];

/// Only gateways of profiles on the volume have these.
const OF_VOLUME: [u8; 5] = [25, 26, 40, 42, 43];

/// The properties that were checked, and those that did not hold.
#[derive(Default)]
struct Asked(BTreeMap<u8, Vec<String>>);

impl Asked {
    /// This property holds if this is so. Otherwise this was seen.
    fn ask(&mut self, number: u8, holds: bool, seen: &impl std::fmt::Debug) {
        let failures = self.0.entry(number).or_default();
        if !holds {
            failures.push(format!("{number}: {seen:?}"));
        }
    }

    /// This command of the shell succeeds in the container, now or soon.
    fn inside(&mut self, number: u8, container: &Container, command: &str) {
        let mut last = None;
        let began = std::time::Instant::now();
        while last.as_ref().is_none_or(|ran: &Ran| ran.code != 0) && began.elapsed().as_secs() < 30 {
            last = Some(container.exec(&["sh", "-euc", command]));
        }
        let last = last.unwrap();
        self.ask(number, last.code == 0, &(command, last));
    }

    fn end(self, target: &str) {
        let failures: Vec<&String> = self.0.values().flatten().collect();
        assert!(failures.is_empty(), "{target}: {failures:#?}");
        let not_here = NOT_HERE.iter().map(|(number, _)| *number);
        let left_out: Vec<u8> = not_here.chain(OF_VOLUME.into_iter().filter(|_| target != "volume")).collect();
        let expected: Vec<u8> = (1..=43).filter(|number| !left_out.contains(number)).collect();
        assert_eq!(self.0.into_keys().collect::<Vec<_>>(), expected, "{target}");
    }
}

fn run(image: &str, options: &[&str], command: &[&str]) -> Ran {
    docker(&[&["run", "--rm"], options, &[image], command].concat())
}

/// Sets the password of the dashboard, for its API.
const AUTHENTICATION: [&str; 4] = [
    "--env=HERMES_DASHBOARD=1",
    "--env=HERMES_DASHBOARD_HOST=0.0.0.0",
    "--env=HERMES_DASHBOARD_BASIC_AUTH_USERNAME=admin",
    "--env=HERMES_DASHBOARD_BASIC_AUTH_PASSWORD=a-password-of-a-test",
];

/// Prints the status of the dashboard's answer to this path.
const ANSWER: &str = r#"answer() { python3 -c 'import sys, urllib.request as r, urllib.error
try: print(r.urlopen("http://127.0.0.1:9119" + sys.argv[1], timeout=5).status)
except urllib.error.HTTPError as e: print(e.code)' "$1"; }; "#;

fn commands(asked: &mut Asked, image: &str) {
    let usage = |words: &[&str], start: &str| {
        let ran = run(image, &[], words);
        (ran.code == 0 && ran.out.starts_with(start), ran)
    };
    for (words, start) in [(&["--help"][..], "usage: hermes"), (&["chat", "--help"], "usage: hermes chat")] {
        let (holds, ran) = usage(words, start);
        asked.ask(1, holds, &ran);
    }
    let ran = run(image, &["--workdir=/tmp"], &["sh", "-c", "echo said; pwd; exit 42"]);
    asked.ask(2, ran.out.starts_with("said\n"), &ran);
    asked.ask(3, ran.code == 42, &ran);
    asked.ask(4, ran.out.ends_with("/tmp\n"), &ran);
    let line = format!("stty cols 123; docker run --rm -t {image} sh -c 'test -t 1 && stty size'");
    let terminal = Command::new("script").args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    let terminal = Ran::from(terminal);
    asked.ask(5, terminal.out.lines().any(|line| line.trim_end().ends_with(" 123")), &terminal);
    let ran = run(image, &["--entrypoint=/usr/bin/tini"], &["-g", "-p", "SIGTERM", "--", "chat", "--help"]);
    asked.ask(7, ran.code == 0 && ran.out.starts_with("usage: hermes chat"), &ran);
    let ran = run(image, &["--user=10000:10000"], &["id", "-u"]);
    asked.ask(8, (ran.code, ran.out.as_str()) == (0, "10000\n"), &ran);
    // Hermes' own image refuses this user. Here it works.
    let volume = volume(1000);
    let ran = run(image, &["--user=1000:1000", &mount(volume.path(), "/opt/data")], &["id", "-u"]);
    asked.ask(9, (ran.code, ran.out.as_str()) == (0, "1000\n"), &ran);
    let writes = ["sh", "-c", "id -u; id -g; touch /opt/data/file && stat -c %u /opt/data/file"];
    let ran = run(image, &["--env=PUID=99", "--env=PGID=100"], &writes);
    asked.ask(10, ran.out == "99\n100\n99\n", &ran);
    let numbers = ["--env=PUID=99", "--env=PGID=100", "--env=HERMES_UID=2000", "--env=HERMES_GID=2001"];
    let ran = run(image, &numbers, &writes);
    asked.ask(11, ran.out == "2000\n2001\n2000\n", &ran);
    let writes = "for f in /opt/hermes /opt/hermes/.venv /opt/hermes/.venv/lib/python3*/site-packages/hermes_cli/main.py; do test ! -w $f; done; \
                  test -w /opt/data; env; cat /opt/hermes/.install_method; test ! -e /opt/data/.install_method; head -c 1 /opt/hermes/LICENSE >/dev/null";
    let ran = run(image, &["--entrypoint=sh", "--user=hermes"], &["-euc", writes]);
    asked.ask(14, ran.code == 0, &ran);
    let is_set = |line: &str| ran.out.lines().any(|said| said == line);
    let environment = ["HERMES_HOME=/opt/data", "HERMES_DISABLE_LAZY_INSTALLS=1", "PYTHONDONTWRITEBYTECODE=1"];
    asked.ask(15, environment.into_iter().all(is_set), &ran);
    asked.ask(16, ran.code == 0 && is_set("docker"), &ran);
    asked.ask(18, ran.code == 0, &ran);
    let update = run(image, &[], &["update"]);
    asked.ask(16, (update.out.clone() + &update.err).contains("docker pull"), &update);
    let dump = run(image, &[], &["dump"]);
    asked.ask(17, dump.code == 0 && dump.out.contains("0.19"), &dump);
}

/// Runs Hermes as a user who is not root.
fn hermes(container: &Container, command: &[&str]) -> Ran {
    docker(&[&["exec", "--user", "hermes", container.id(), "hermes"], command].concat())
}

/// The checks of a container with its dashboard on.
fn inside(asked: &mut Asked, container: &Container, target: &str) {
    asked.inside(6, container, "sh -c 'sleep 0.2 & exec true'; sleep 0.5; test -z \"$(ps -eo stat= | grep ^Z)\"");
    for user in ["root", "hermes"] {
        let ran = docker(&["exec", "--user", user, container.id(), "hermes", "config", "set", "_a.b", "1"]);
        asked.ask(12, ran.code == 0, &ran);
    }
    asked.inside(12, container, "test \"$(stat -c %U:%G /opt/data/config.yaml)\" = hermes:hermes; test -z \"$(find /opt/data -ignore_readdir_race -maxdepth 2 ! -user hermes)\"");
    for (value, owner) in [("1", "root"), ("0", "hermes"), ("2", "hermes"), ("garbage", "hermes")] {
        container.sh("rm /opt/data/config.yaml");
        let variable = format!("--env=HERMES_DOCKER_EXEC_AS_ROOT={value}");
        let ran = docker(&["exec", &variable, container.id(), "hermes", "config", "set", "_a.b", "1"]);
        let seen = container.sh("stat -c %U /opt/data/config.yaml");
        asked.ask(13, ran.code == 0 && seen.trim_end() == owner, &(value, seen));
    }
    container.sh("rm /opt/data/config.yaml");
    asked.inside(21, container, "test \"$(stat -c %U /opt/data/logs /opt/data/logs/gateways | sort -u)\" = hermes");
    asked.inside(29, container, &format!("{ANSWER} gatewayctl -q status dashboard; test $(answer /api/status) = 200"));
    let pid = container.sh("/command/s6-svstat -o pid /run/service/dashboard");
    let pid = pid.trim_end();
    let environment = container.exec_as_hermes(&["cat", &format!("/proc/{pid}/environ")]);
    asked.ask(31, environment.out.split('\0').any(|entry| entry == "HOME=/opt/data"), &environment);
    asked.inside(32, container, &format!("{ANSWER} test $(answer /api/sessions) = 401"));
    container.exec_as_hermes(&["kill", "-KILL", pid]).ok();
    asked.inside(30, container, &format!("{ANSWER} test $(/command/s6-svstat -o pid /run/service/dashboard) != {pid}; test $(answer /api/status) = 200"));
    // With the watch, Hermes itself makes the gateway, whoever runs Hermes. Without the watch, an operator of this image does.
    let is_volume = target == "volume";
    let made = hermes(container, &["profile", "create", "writer"]);
    asked.ask(36, made.code == 0, &made);
    if !is_volume {
        container.sh("gatewayctl -q register writer --hermes-cli run --down --control-group hermes");
    }
    for (word, wanted) in [("start", "up"), ("stop", "down"), ("start", "up")] {
        asked.inside(36, container, "/command/s6-svok /run/service/gateway-writer");
        let ran = hermes(container, &["-p", "writer", "gateway", word]);
        asked.ask(36, ran.code == 0, &ran);
        asked.inside(
            36,
            container,
            &format!("test $(/command/s6-svstat -o wantedup /run/service/gateway-writer) = {}", wanted == "up"),
        );
    }
    let deleted = hermes(container, &["profile", "delete", "writer", "--yes"]);
    asked.ask(37, deleted.code == 0, &deleted);
    if !is_volume {
        container.sh("gatewayctl -q unregister writer");
    }
    asked.inside(37, container, "test ! -e /run/service/gateway-writer");
    asked.inside(37, container, "! pgrep -f 'gateway-[w]riter'");
    let own = "gatewayctl -q register other --down --save; /command/s6-svstat /run/service/gateway-other >/dev/null; gatewayctl list | grep -qx other; \
               gatewayctl -q unregister other --save; test ! -e /run/service/gateway-other; ! gatewayctl list | grep -qx other";
    asked.inside(38, container, own);
    let dotted = "mkdir /run/service/.half; printf '#!/bin/sh\nexec sleep 1000\n' >/run/service/.half/run; chmod 755 /run/service/.half/run; \
                  /command/s6-svscanctl -a /run/service; gatewayctl -q register third --down; test ! -e /run/service/.half/supervise; \
                  rm -r /run/service/.half; gatewayctl -q unregister third";
    asked.inside(39, container, dotted);
    asked.inside(35, container, "grep -q ⚕ /opt/data/logs/gateways/default/current");
    asked.ask(
        35,
        container.logs().lines().any(|line| line.starts_with("default: ") && line.contains('⚕')),
        &container.logs(),
    );
}

/// The checks after `docker restart`: of files that are there, and of gateways that should run or not.
fn over_a_restart(asked: &mut Asked, container: &Container, target: &str, volume: &Path) {
    let is_volume = target == "volume";
    // The next boot gives the service user the files that root left, if all users can read them. It does not give away files that are not Hermes'.
    container.sh("umask 022; cd /opt/data; mkdir -p cron; echo x >cron/roots; echo x >profiles/roots; echo x >state.db; echo x >notes; \
                  ln -sf /etc/hostname auth.json");
    if is_volume {
        for name in ["runs", "stopped"] {
            let made = hermes(container, &["profile", "create", name]);
            asked.ask(40, made.code == 0, &made);
            asked.inside(40, container, &format!("/command/s6-svok /run/service/gateway-{name}"));
        }
        asked.ask(40, hermes(container, &["-p", "runs", "gateway", "start"]).code == 0, &"start");
        asked.ask(42, hermes(container, &["-p", "stopped", "gateway", "start"]).code == 0, &"start");
        asked.inside(
            40,
            container,
            "grep -q '\"gateway_state\": *\"running\"' /opt/data/profiles/runs/gateway_state.json",
        );
        asked.ask(42, hermes(container, &["-p", "stopped", "gateway", "stop"]).code == 0, &"stop");
        asked.inside(
            42,
            container,
            "grep -q '\"desired_state\": *\"stopped\"' /opt/data/profiles/stopped/gateway_state.json",
        );
        for file in ["gateway.pid", "processes.json"] {
            fs::write(volume.join("profiles/stopped").join(file), "{}").unwrap();
        }
    }
    container.restart();
    asked.inside(41, container, "gatewayctl -q status default");
    if is_volume {
        asked.inside(40, container, "gatewayctl -q status runs; grep -q 'profile=runs .*action=started' /opt/data/logs/container-boot.log; test ! -e /run/service/gateway-runs/down");
        asked.inside(42, container, "test -e /run/service/gateway-stopped/down; ! gatewayctl -q status stopped");
        asked.inside(43, container, "cd /opt/data/profiles/stopped; test ! -e gateway.pid; test ! -e processes.json");
    }
    asked.inside(
        22,
        container,
        "cd /opt/data; test \"$(stat -c %U cron profiles cron/roots profiles/roots state.db | sort -u)\" = hermes",
    );
    asked.inside(23, container, "test $(stat -c %U /opt/data/notes) = root");
    asked.inside(24, container, "test -L /opt/data/auth.json; test $(stat -c %U /etc/hostname) = root");
    asked.ask(24, container.logs().contains("/opt/data/auth.json: refusing"), &container.logs());
}

/// The checks of a container with another command or another volume.
fn others(asked: &mut Asked, image: &str, target: &str) {
    let volume = volume(HERMES);
    let data = mount(volume.path(), "/opt/data");
    let start = |options: &[&str], command: &[&str]| {
        Container::of(docker(&[&["run", "--detach", &data], options, &[image], command].concat()).ok().trim_end())
    };
    let supervised = start(&[], &["gateway", "run"]);
    asked.inside(33, &supervised, "test $(/command/s6-svstat -o wantedup /run/service/gateway-default) = true; test $(pgrep -fc '[h]ermes gateway run') -le 1");
    until("the hint", || supervised.logs().contains("--no-supervise"));
    asked.ask(33, supervised.logs().contains("s6"), &supervised.logs());
    asked.inside(28, &supervised, "/command/s6-svok /run/service/dashboard; test $(/command/s6-svstat -o up /run/service/dashboard) = false; ! pgrep -f '[h]ermes dashboard'");
    drop(supervised);
    fs::remove_file(volume.path().join("gateway_state.json")).ok();
    // If the manifest names the gateway, it must say that it is down. Otherwise there would be two.
    let down = "[defaults]\nhermes-cli = \"run\"\n\n[gateways.default]\ndown = true\n";
    let alone = crate::docker::image(target, (target != "volume").then_some(down));
    for (options, command) in [
        (&[][..], &["gateway", "run", "--no-supervise"][..]),
        (&["--env=HERMES_GATEWAY_NO_SUPERVISE=1"], &["gateway", "run"]),
    ] {
        let arguments = [&["run", "--detach", &data], options, &[&alone], command].concat();
        let foreground = Container::of(docker(&arguments).ok().trim_end());
        asked.inside(34, &foreground, "pgrep -f '[h]ermes gateway run' >/dev/null");
        asked.inside(34, &foreground, "test $(/command/s6-svstat -o wantedup /run/service/gateway-default) = false");
        drop(foreground);
        fs::remove_file(volume.path().join("gateway_state.json")).ok();
    }
    if target != "volume" {
        return;
    }
    let state = volume.path().join("gateway_state.json");
    for value in ["stopped", "Running", "1"] {
        let container = start(&[&format!("--env=HERMES_GATEWAY_BOOTSTRAP_STATE={value}")], &[]);
        asked.inside(25, &container, "grep -q profile=default /opt/data/logs/container-boot.log");
        asked.ask(25, !state.exists(), &value);
        drop(container);
        fs::remove_file(volume.path().join("logs/container-boot.log")).unwrap();
    }
    let running = "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running";
    fs::write(&state, "{\"gateway_state\":\"stopped\"}").unwrap();
    let container = start(&[running], &[]);
    asked.inside(
        26,
        &container,
        "grep -q profile=default /opt/data/logs/container-boot.log; ! gatewayctl -q status default",
    );
    asked.ask(26, fs::read_to_string(&state).unwrap().contains("\"stopped\""), &"it was written over");
    drop(container);
    fs::remove_file(&state).unwrap();
    let container = start(&[running], &[]);
    asked.inside(25, &container, "gatewayctl -q status default; grep -q running /opt/data/gateway_state.json");
}

fn all(target: &str) {
    let (image, volume) = (image(target, None), volume(HERMES));
    let mut asked = Asked::default();
    commands(&mut asked, &image);
    let data = mount(volume.path(), "/opt/data");
    let options = [&[data.as_str(), "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running"], &AUTHENTICATION[..]].concat();
    let container = Container::run(&image, &options);
    container.until_up("default");
    inside(&mut asked, &container, target);
    over_a_restart(&mut asked, &container, target, volume.path());
    drop(container);
    others(&mut asked, &image, target);
    asked.end(target);
}

#[test]
fn all_that_hermes_asks_of_an_image_holds_for_volume() {
    all("volume");
}

#[test]
fn all_that_hermes_asks_of_an_image_holds_for_services() {
    all("services");
}

#[test]
fn all_that_hermes_asks_of_an_image_holds_for_hook() {
    all("hook");
}

#[test]
fn all_that_hermes_asks_of_an_image_holds_for_s6_rc() {
    all("s6-rc");
}
