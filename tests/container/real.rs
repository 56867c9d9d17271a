//! Containers of the image with the real Hermes, as published.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use crate::docker::{Container, Events, HERMES, directory, docker, image, mount, until_within, volume};

const KEY: &str = "a-key-of-the-api-server-0123456789";

#[test]
fn two_profiles_serve_their_api() {
    let manifest = r#"
[defaults]
hermes-cli = "run"
env = { API_SERVER_ENABLED = "true" }
secret = { API_SERVER_KEY = "/run/secrets/api-server-key" }

[gateways.coder]
port = 8642

[gateways.writer]
port = 8643
"#;
    for target in ["services", "hook", "s6-rc"] {
        let (volume, secrets) = (volume(HERMES), directory());
        let key = secrets.path().join("key");
        fs::write(&key, KEY).unwrap();
        let options = [mount(volume.path(), "/opt/data"), mount(&key, "/run/secrets/api-server-key:ro")];
        let image = image(target, Some(manifest));

        // The profiles are made first, as the user of the gateways.
        let create = "hermes profile create coder && hermes profile create writer";
        let arguments = ["run", "--rm", "--user", "hermes", "--entrypoint", "sh", &options[0], &image, "-euc", create];
        let made = crate::docker::docker(&arguments);
        assert_eq!(made.code, 0, "{made:?}");

        let container = Container::run(&image, &[&options[0], &options[1]]);
        container.until_up("coder writer");
        for (profile, port) in [("coder", 8642), ("writer", 8643)] {
            let asked = format!(
                "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:{port}/health\", timeout=5).read().decode())'"
            );
            container.until(&format!("{asked} 2>/dev/null"));
            let health = container.sh(&asked);
            assert!(health.contains("\"ok\"") && health.contains("hermes"), "{health}");
            let pid = container.sh(&format!("/command/s6-svstat -o pid /run/service/gateway-{profile}"));
            let process =
                format!("tr '\\0' ' ' </proc/{0}/cmdline; sed -n 's/^Uid:\t//p' /proc/{0}/status", pid.trim_end());
            let process = container.sh(&process);
            assert!(process.contains(&format!("hermes -p {profile} gateway run --replace")), "{process}");
            assert!(process.ends_with("10000\t10000\t10000\t10000\n"), "{process}");
        }
        // A restart is graceful, and afterwards another process serves the API.
        let asked = "python3 -c 'import urllib.request as r; r.urlopen(\"http://127.0.0.1:8642/health\", timeout=5)' 2>/dev/null";
        container.sh("exec 2>/dev/null; gatewayctl --quiet --timeout 40 restart coder");
        container.until(asked);
        assert_ne!(container.stop(), 137, "{target}: killed at the end of the grace period");
        let owners =
            std::process::Command::new("find").arg(volume.path()).args(["!", "-user", "10000"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&owners.stdout), "", "the service user owns everything on the volume");
    }
}

/// On a busy machine, four Hermes that start at once are slow. With a shorter time, the watchdog would end them.
const LONG: Duration = Duration::from_secs(180);

/// The gateway is up for its supervisor, and dead for its users. Docker sees that, and the watchdog ends it.
#[test]
fn a_hermes_that_does_not_answer_is_unhealthy_and_restarted() {
    let manifest = format!(
        "[defaults]\nhermes-cli = \"run\"\n[gateways.default]\nport = 8642\nwatchdog = 30\nenv = {{ API_SERVER_KEY = \"{KEY}\" }}\n"
    );
    let containers: Vec<(&str, TempDir, Container)> = ["services", "hook", "s6-rc", "volume"]
        .map(|target| {
            let volume = volume(HERMES);
            let options = [
                &mount(volume.path(), "/opt/data"),
                "--health-interval=1s",
                "--health-start-period=0s",
                "--health-retries=1",
                "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running",
            ];
            let container = Container::run(&image(target, Some(&manifest)), &options);
            (target, volume, container)
        })
        .into();
    let health = |container: &Container, wanted: &str| {
        until_within(LONG, wanted, || {
            docker(&["inspect", "--format", "{{.State.Health.Status}}", container.id()]).out.trim_end() == wanted
        });
    };
    let pid = "/command/s6-svstat -o pid /run/service/gateway-default";
    for (target, _, container) in &containers {
        health(container, "healthy");
        assert_eq!(container.sh("gatewayctl health; gatewayctl health --live"), "", "{target}");
        container.sh("/command/s6-svok /run/service/watchdog");
        let doctor = container.exec(&["gatewayctl", "doctor"]).out;
        assert!(doctor.contains("looks after gateway default"), "{target}: {doctor}");
    }
    // It may be healthy again before the test looks.
    let events = Events::since_now(&["event=health_status"], "{{.ID}} {{.Status}}");
    let before: Vec<String> = containers.iter().map(|(_, _, container)| container.sh(pid)).collect();
    for ((_, _, container), pid) in containers.iter().zip(&before) {
        container.sh(&format!("kill -STOP {pid}"));
    }
    for ((target, _, container), before) in containers.iter().zip(before) {
        let unhealthy = format!("{} health_status: unhealthy", container.id());
        until_within(LONG, "unhealthy", || events.said().contains(&unhealthy));
        until_within(LONG, "another process", || container.sh(pid) != before);
        health(container, "healthy");
        let why = "gateway-default: it has not answered at 127.0.0.1:8642 for ";
        assert!(container.log_of("default").contains(why), "{target}: {}", container.log_of("default"));
        assert!(container.logs().contains("the watchdog restarts it"), "{target}");
        assert_ne!(container.stop(), 137, "{target}");
    }
}

/// The output that docs/image.md shows.
#[test]
fn a_hermes_without_the_command_line_of_start_fails_clearly_and_is_left_down() {
    let volume = volume(HERMES);
    let data = mount(volume.path(), "/opt/data");
    let image = image("services", Some("[defaults]\ncrash-budget = \"3/600\"\n\n[gateways.default]\nport = 9150\n"));
    let container = Container::run(&image, &[&data]);
    let state = "/command/s6-svstat -o up,wantedup /run/service/gateway-default";
    container.until(&format!("[ \"$({state})\" = 'false false' ]"));
    let log = container.log_of("default");
    let usage = "hermes: error: unrecognized arguments: --foreground --port 9150";
    assert_eq!(log.lines().filter(|line| *line == usage).count(), 3, "{log}");
    assert!(log.lines().last().unwrap().contains("PERMANENT FAILURE"), "{log}");
    let status = container.exec(&["gatewayctl", "status"]);
    assert!(status.code == 3 && status.out.contains("exit 2"), "{status:?}");
}
