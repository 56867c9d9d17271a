//! Containers of the image, with a stand-in for a Hermes that accepts `gateway start --foreground --port`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::boot::profile;
use crate::docker::{self, Container, HERMES, Ran, directory, docker, image, mount, read, stand_in_hermes, until};

const MANIFEST: &str = r#"
[defaults]
crash-budget = "3/600"
env = { GREETING = "it's $HOME" }

[gateways.coder]
[gateways.config]
[gateways.crash]
[gateways.keeper]
secret = { TOKEN = "/run/secrets/token" }

[metrics]
down = true
"#;

/// All targets, and whether the service directory in the scandir is a symlink.
const TARGETS: [(&str, bool); 4] = [("services", true), ("hook", false), ("s6-rc", true), ("volume", false)];

/// A volume for a container of this target. If the image has no gateways, they come from the profiles that ran.
fn volume(target: &str) -> TempDir {
    let volume = docker::volume(HERMES);
    make_profiles(target, volume.path());
    volume
}

fn make_profiles(target: &str, home: &Path) {
    if target == "volume" {
        for name in ["coder", "config", "crash", "keeper"] {
            profile(home, name, Some("running"));
        }
    }
}

/// The root profile is on every volume, and does not matter here.
const NAMED_ONLY: &str = "--env=GATEWAYS_EXCEPT=default";

/// The path of the logger after the path of its service directory.
fn logger(target: &str) -> &'static str {
    if target == "s6-rc" { "-log" } else { "/log" }
}

/// A container of this target, with this volume for `/opt/data` and these options.
fn run(target: &str, volume: &Path, options: &[&str]) -> Container {
    let (data, hermes) = (mount(volume, "/opt/data"), stand_in_hermes());
    Container::run(&image(target, Some(MANIFEST)), &[&[data.as_str(), hermes.as_str(), NAMED_ONLY], options].concat())
}

const PID: &str = "/command/s6-svstat -o pid /run/service/gateway-coder";

#[test]
fn the_metrics_server_starts_if_the_container_says_where() {
    for (target, _) in TARGETS {
        let volume = volume(target);
        let container =
            run(target, volume.path(), &["--env=GATEWAYS_METRICS=127.0.0.1:9000", "--env=GATEWAYS_SHARD=0/1"]);
        container.until_up("coder metrics");
        let asked = "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:9000/metrics\", timeout=10).read().decode())'";
        container.until(&format!("{asked} 2>/dev/null"));
        let said = container.sh(asked);
        for line in [
            "hermes_gateway_up{shard=\"0\",profile=\"coder\"} 1\n",
            "hermes_service_up{shard=\"0\",service=\"metrics\"} 1\n",
            "\n# EOF\n",
        ] {
            assert!(said.contains(line), "{target}: {said}");
        }
        assert_ne!(container.stop(), 137, "{target}");
        let container = run(target, volume.path(), &[]);
        container.until_up("coder");
        container.until("gatewayctl status metrics | grep -q ' stopped '");
    }
}

#[test]
fn an_operator_controls_the_gateways_by_docker_exec() {
    for (target, link) in TARGETS {
        let volume = volume(target);
        let container = run(target, volume.path(), &[]);
        container.until_up("coder");
        assert_eq!(container.sh("cat /proc/1/comm"), "s6-svscan\n");
        assert!(!container.sh("echo $PATH").contains("/command"));
        assert_eq!(container.sh("gatewayctl detect"), "s6\n");
        let log = logger(target);
        container.sh(&format!("for d in '' {log}; do /command/s6-svok /run/service/gateway-coder$d; done"));
        assert_eq!(container.exec(&["test", "-L", "/run/service/gateway-coder"]).code == 0, link, "{target}");
        assert_eq!(container.sh("gatewayctl list"), "coder\nconfig\ncrash\nkeeper\n");
        container.until("gatewayctl logs coder | grep -q 'as 10000:10000 in /opt/data'");
        let uids = container.sh(&format!("sed -n 's/^[UG]id:\t//p' /proc/$({PID})/status"));
        assert_eq!(uids, "10000\t10000\t10000\t10000\n".repeat(2));

        let sh = |script: &str| container.sh(&format!("exec 2>/dev/null; {script}"));
        assert_eq!(sh("gatewayctl stop coder"), "stopped coder\n");
        assert_eq!(container.exec(&["gatewayctl", "-q", "status", "coder"]).code, 3);
        assert_eq!(sh("gatewayctl start coder"), "started coder\n");
        assert_eq!(sh(&format!("old=$({PID}); gatewayctl restart coder; [ $({PID}) != $old ]")), "restarted coder\n");
        assert_eq!(sh("gatewayctl register writer --port 9999"), "registered /run/service/gateway-writer  port 9999\n");
        container.until_up("writer coder");
        container.until("gatewayctl logs writer | grep -q -- '-p writer gateway start --foreground --port 9999'");
        assert_eq!(sh("gatewayctl unregister writer"), "unregistered /run/service/gateway-writer\n", "{target}");
        let (code, left) = if target == "s6-rc" { (1, "coder\n") } else { (0, "") };
        let ran = container.exec(&["gatewayctl", "unregister", "coder"]);
        assert_eq!(ran.code, code, "{target}: {}", ran.err);
        assert_eq!(container.sh("gatewayctl list"), format!("{left}config\ncrash\nkeeper\n"), "{target}");
    }
}

#[test]
fn a_gateway_that_is_killed_is_back_and_one_that_cannot_run_is_left_down() {
    for (target, _) in TARGETS {
        let volume = volume(target);
        let container = run(target, volume.path(), &[]);
        container.until_up("coder");
        let before = container.sh(PID);
        container.sh(&format!("kill -KILL {before}"));
        container.until(&format!("gatewayctl -q status coder && [ $({PID}) != {} ]", before.trim_end()));

        let down = |profile: &str| {
            let state = "/command/s6-svstat -o up,wantedup /run/service/gateway";
            // The logger is down, too, until it is told to start.
            let ended = format!("gatewayctl status {profile} | grep -q 'exit [1-9]'");
            container.until(&format!("{ended}; [ \"$({state}-{profile})\" = 'false false' ]"));
            container.log_of(profile)
        };
        let permanent = "gateway-config: exit 78, a configuration error: down until it is started again\n";
        assert_eq!(down("config"), format!("nothing to talk to\n{permanent}"));
        let crashed = down("crash");
        assert!(crashed.trim_end().contains("PERMANENT FAILURE"), "{crashed}");
        assert_eq!(container.sh("/command/s6-svdt /run/service/gateway-crash | wc -l"), "3\n");
        let no_secret = "gateway-keeper: cannot read the secret TOKEN from /run/secrets/token";
        assert!(down("keeper").contains(no_secret), "{}", down("keeper"));
    }
}

#[test]
fn docker_restart_brings_all_back_and_docker_stop_loses_no_line() {
    for (target, _) in TARGETS {
        let volume = volume(target);
        let container = run(target, volume.path(), &[]);
        container.until_up("coder");
        container.until("gatewayctl logs coder | grep -q GREETING");
        container.restart();
        container.until_up("coder");
        assert_eq!(container.sh("gatewayctl list"), "coder\nconfig\ncrash\nkeeper\n");
        let log = || read(volume.path(), "logs/gateways/coder/current");
        until("the second start", || log().matches("GREETING").count() == 2);
        assert_eq!(log().matches("last line").count(), 500, "{target}");

        // A gateway that is not in the image is stopped like those that are.
        container.sh("gatewayctl --quiet register writer");
        container
            .until("gatewayctl logs writer 2>/dev/null | grep -q GREETING || gatewayctl logs writer | grep -q PATH=");
        assert_ne!(container.stop(), 137, "{target}: killed at the end of the grace period");
        for (profile, stops) in [("coder", 2), ("writer", 1)] {
            let log = read(volume.path(), &format!("logs/gateways/{profile}/current"));
            assert_eq!(log.matches("last line").count(), stops * 500, "{target} {profile}");
            assert!(log.ends_with(" last line 500\n"), "{target} {profile}");
        }
    }
}

#[test]
fn the_control_group_controls_without_root() {
    for (target, profile) in
        [("hook", "coder"), ("volume", "coder"), ("hook", "writer"), ("services", "writer"), ("s6-rc", "writer")]
    {
        let volume = volume(target);
        let container = run(target, volume.path(), &[]);
        if profile == "writer" {
            container.until_up("coder");
            container.sh("gatewayctl --quiet register writer --control-group hermes");
        }
        container.until_up(profile);
        for (command, said) in [("stop", "stopped"), ("start", "started"), ("restart", "restarted")] {
            let ran = container.exec_as_hermes(&["gatewayctl", command, profile]);
            assert_eq!((ran.code, ran.out), (0, format!("{said} {profile}\n")), "{target}: {}", ran.err);
        }
        container.exec_as_hermes(&["gatewayctl", "--quiet", "status", profile]).ok();
        let ran = container.exec_as_hermes(&["gatewayctl", "register", "another"]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{target}");
        assert!(ran.err.contains("permission denied"), "{target}: {}", ran.err);
    }
}

#[test]
fn hermes_home_moves_everything_and_variables_reach_the_gateway() {
    for (target, _) in TARGETS {
        let volume = docker::volume(HERMES);
        let data = mount(volume.path(), "/data");
        let hermes = stand_in_hermes();
        let home = volume.path().join("my hermes");
        fs::create_dir(&home).unwrap();
        std::os::unix::fs::chown(&home, Some(HERMES), Some(HERMES)).unwrap();
        make_profiles(target, &home);
        let options = [
            NAMED_ONLY,
            data.as_str(),
            hermes.as_str(),
            "--env=HERMES_HOME=/data/my hermes",
            "--env=LINES_=one\ntwo",
            "--env=EMPTY=",
            "--env=ODD=it's \"$HOME\" `id` \\ *",
        ];
        let container = Container::run(&image(target, Some(MANIFEST)), &options);
        container.until_up("coder");
        container.until("gatewayctl logs coder | grep -q '^[^ ]* [^ ]*  PWD='");
        let log = read(&home, "logs/gateways/coder/current");
        for line in [
            " as 10000:10000 in /data/my hermes\n",
            "  HERMES_HOME=/data/my hermes\n",
            "  HOME=/data/my hermes\n",
            "  LINES_=one|two\n",
            "  EMPTY=\n",
            "  ODD=it's \"$HOME\" `id` \\ *\n",
            "  GREETING=it's $HOME\n",
        ] {
            assert!(log.contains(line), "{target}: {line:?} in {log}");
        }
        assert_eq!(container.sh("ls -A /opt/data"), "", "{target}");
    }
}

#[test]
fn a_secret_reaches_its_gateway_and_is_in_no_layer() {
    const VALUE: &str = "sesame-5f2c61d0a7b94e";
    for (target, _) in TARGETS {
        let (volume, secrets) = (volume(target), directory());
        let file = secrets.path().join("token");
        fs::write(&file, format!("{VALUE}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
        let container = run(target, volume.path(), &[&mount(&file, "/run/secrets/token:ro")]);
        container.until_up("keeper");
        container.until(&format!("gatewayctl logs keeper | grep -q '  TOKEN={VALUE}$'"));
        assert!(!container.log_of("coder").contains(VALUE), "only the gateway of the secret has it");

        let image = image(target, Some(MANIFEST));
        let history = docker(&["history", "--no-trunc", &image]).ok();
        assert!(history.contains("gen-service --manifest") && !history.contains(VALUE));
        // The search works, because it finds the path of the file in the rendered script.
        let script = format!("docker save {image} | grep -a -o -e {VALUE} -e /run/secrets/token | sort -u");
        let found: Ran = Command::new("sh").args(["-c", &script]).output().unwrap().into();
        assert_eq!(found.ok(), "/run/secrets/token\n", "{target}");
    }
}

#[test]
fn a_home_that_is_not_there_or_not_writable_is_one_line_and_no_loop() {
    let somebodys = docker::volume(4000);
    let somebodys = mount(somebodys.path(), "/data");
    let hermes = stand_in_hermes();
    // In the target `volume`, such a home has no profile for a gateway.
    for (target, _) in TARGETS.into_iter().filter(|(target, _)| *target != "volume") {
        for (home, reason) in [
            ("/missing/home", "cannot create directory '/missing': Permission denied"),
            ("/data", "cannot create directory '/data/logs': Permission denied"),
        ] {
            let home_is = format!("--env=HERMES_HOME={home}");
            let container = Container::run(&image(target, Some(MANIFEST)), &[&somebodys, &hermes, &home_is]);
            let down = "[ \"$(/command/s6-svstat -o up,wantedup /run/service/gateway-coder$d)\" = 'false false' ]";
            // The logger is down, too, until it is told to start.
            let ended = "gatewayctl status coder | grep -q 'exit 78'";
            container.until(&format!("{ended}; for d in '' {}; do {down}; done", logger(target)));
            let status = container.exec(&["gatewayctl", "status", "coder"]);
            assert!(status.code == 3 && status.out.contains("exit 78"), "{status:?}");
            let said = container.logs();
            let whose = format!("gateway-coder{}: ", logger(target));
            let lines: Vec<&str> = said.lines().filter(|line| line.contains(&whose)).collect();
            let expected = format!("{whose}cannot log to {home}/logs/gateways/coder: mkdir: {reason}");
            assert_eq!(lines.iter().map(|line| line.replace(['‘', '’'], "'")).collect::<Vec<_>>(), [expected]);
        }
    }
}

#[test]
fn a_hook_that_cannot_publish_stops_the_container() {
    let nothing = directory();
    let empty = mount(nothing.path(), "/opt/gateways");
    let container = Container::run(&image("hook", Some(MANIFEST)), &[&empty]);
    assert_eq!(docker(&["wait", container.id()]).ok(), "1\n");
    let said = container.logs();
    assert!(said.contains("error: /opt/gateways holds no gateway-<profile>"), "{said}");
}

/// This holds as far as s6-overlay allows. docs/image.md says what does not hold.
#[test]
fn a_read_only_root_and_an_ordinary_user() {
    let read_only = ["--read-only", "--env=S6_READ_ONLY_ROOT=1"];
    for (target, _) in TARGETS {
        for options in [
            [&read_only[..], &["--tmpfs=/run:exec"]].concat(),
            vec!["--user=10000:10000", "--tmpfs=/run:exec,uid=10000,gid=10000"],
            [&read_only[..], &["--user=10000:10000", "--tmpfs=/run:exec,uid=10000,gid=10000"]].concat(),
        ] {
            let volume = volume(target);
            let container = run(target, volume.path(), &options);
            container.until_up("coder");
            container.until("gatewayctl logs coder | grep -q 'as 10000:10000 in /opt/data'");
            container.sh("exec 2>/dev/null; gatewayctl -q restart coder; gatewayctl -q register writer");
            container.until_up("writer coder");
            container.until("gatewayctl logs writer 2>/dev/null | grep -q 'as 10000:10000 in /opt/data'");
            assert_ne!(container.stop(), 137, "{target} {options:?}");
            let log = read(volume.path(), "logs/gateways/writer/current");
            assert!(log.ends_with(" last line 500\n"), "{target} {options:?}: {log}");
        }
    }
}
