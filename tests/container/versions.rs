//! Runs each release of Hermes that `PyPI` has in the image. It accepts and does what the table of releases says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use gen_service::hermes::{RELEASES, Read, Release, Topology, Version};
use serde_json::Value;

use crate::docker::{Container, build, directory, docker, image, mount, root};

/// `coder` has settings that cannot work: a platform without its telephone number.
const MANIFEST: &str = r#"
[defaults]
hermes-cli = "run"
down = true

[gateways.default]

[gateways.coder]
env = { TWILIO_ACCOUNT_SID = "AC0", TWILIO_AUTH_TOKEN = "t" }
"#;

/// A test for each of these versions, and the list of them.
macro_rules! releases {
    ($($name:ident: $version:literal;)*) => {
        const RUN: &[&str] = &[$($version),*];
        $(
            #[test]
            fn $name() {
                is_as_the_table_says($version);
            }
        )*
    };
}

releases! {
    v0_14_0: "0.14.0";
    v0_15_2: "0.15.2";
    v0_16_0: "0.16.0";
    v0_17_0: "0.17.0";
    v0_18_0: "0.18.0";
    v0_18_2: "0.18.2";
    v0_19_0: "0.19.0";
}

/// The newest version of each row is tested, and no row is tested twice.
#[test]
fn each_release_that_pypi_has_is_run() {
    let rows: Vec<Version> =
        RELEASES.iter().filter(|release| release.read == Read::PyPi).map(|release| release.until).collect();
    let run: Vec<Version> = RUN.iter().map(|version| version.parse().unwrap()).collect();
    assert_eq!(run, rows);
}

/// The value of the build argument is what pip gets.
#[test]
fn a_version_that_pypi_does_not_have_stops_the_build() {
    let said = build("services", None, &["--build-arg", "HERMES_AGENT_VERSION=0.0.7"]).unwrap_err();
    assert!(said.contains("No matching distribution found for hermes-agent==0.0.7"), "{said}");
}

/// One image serves all versions, because an image for each would take minutes. The environment of each version is mounted over the image's own.
fn is_as_the_table_says(version: &str) {
    let release = Release::of(version.parse().unwrap()).unwrap();
    let image = image("services", Some(MANIFEST));
    let environment = directory();
    install(&image, version, environment.path());
    let container = Container::run(&image, &[&mount(environment.path(), "/opt/hermes/.venv:ro")]);
    let hermes = Hermes { container, release };
    hermes
        .container
        .sh(&format!("ls -d /opt/hermes/.venv/lib/python3*/site-packages/hermes_agent-{version}.dist-info"));
    hermes
        .container
        .until("/command/s6-svok /run/service/gateway-default && /command/s6-svok /run/service/gateway-coder");
    hermes.takes_the_options();
    hermes.ends_as_it_says();
    hermes.serves_what_it_says();
}

/// Makes an environment with this version in the directory, as the Dockerfile does for the image: at the same place, with the same Python.
fn install(image: &str, version: &str, directory: &Path) {
    let uv = Command::new("sh").args(["-c", "command -v uv"]).output().unwrap();
    let uv = String::from_utf8(uv.stdout).unwrap();
    assert!(!uv.is_empty(), "uv is needed; tests/run installs it");
    let script = format!(
        "cd /opt/hermes/.venv; uv venv --quiet --allow-existing .; uv pip install --quiet --python bin/python hermes-agent=={version} aiohttp=={}; \
         ln -s /opt/hermes/.install_method lib/python3*/site-packages/",
        aiohttp()
    );
    let uv = mount(Path::new(uv.trim_end()), "/usr/local/bin/uv:ro");
    let place = mount(directory, "/opt/hermes/.venv");
    // If the network needs its own certificates, the image has them, but uv does not.
    let certificates = "--env=SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt";
    // These limits are as patient with a slow network as a person.
    let patience = ["--env=UV_HTTP_TIMEOUT=180", "--env=UV_HTTP_RETRIES=10"];
    let options = ["run", "--rm", "--network=host", "--entrypoint=sh", certificates, &uv, &place];
    docker(&[&options[..], &patience, &[image, "-euc", &script]].concat()).ok();
}

/// The version of aiohttp that the Dockerfile installs.
fn aiohttp() -> String {
    let dockerfile = fs::read_to_string(root().join("docker/Dockerfile")).unwrap();
    let version = dockerfile.lines().find_map(|line| line.strip_prefix("ARG AIOHTTP_VERSION="));
    version.expect("the Dockerfile names the version").to_owned()
}

/// A container with a Hermes, and its row in the table of releases.
struct Hermes {
    container: Container,
    release: &'static Release,
}

impl Hermes {
    fn takes_the_options(&self) {
        let known: BTreeSet<&str> =
            RELEASES.iter().flat_map(|release| release.run.iter().chain(release.start)).copied().collect();
        for (command, expected) in [("run", self.release.run), ("start", self.release.start)] {
            let usage = self.usage(command);
            let words: BTreeSet<&str> = usage.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
            let taken: BTreeSet<&str> = known.intersection(&words).copied().collect();
            assert_eq!(taken, expected.iter().copied().collect(), "gateway {command}: {usage}");
        }
        let refused = self.container.exec(&["hermes", "gateway", "start", "--foreground", "--port", "1"]);
        assert_eq!(refused.code, 2, "{refused:?}");
    }

    /// The synopsis of a command. The rest of the help may name options of other commands.
    fn usage(&self, command: &str) -> String {
        let help = self.container.exec(&["hermes", "gateway", command, "--help"]);
        assert_eq!(help.code, 0, "{help:?}");
        help.out.split("\n\n").next().unwrap_or_default().to_owned()
    }

    fn ends_as_it_says(&self) {
        let exits = self.release.exits;
        self.starts_root();
        assert_eq!(self.ends_of("default", "-t"), exits.term, "a TERM");
        assert_eq!(self.state()["gateway_state"], self.release.after_term);
        self.starts_root();
        assert_eq!(self.ends_of("default", "-1"), exits.restart, "USR1");

        let made = self.container.exec_as_hermes(&["hermes", "profile", "create", "coder"]);
        assert_eq!(made.code, 0, "{made:?}");
        assert_eq!(self.ends_of("coder", "-o"), exits.fatal, "settings that cannot work");
        let said = self.container.log_of("coder");
        assert!(said.contains("non-retryable startup conflict: sms: "), "{said}");
    }

    fn serves_what_it_says(&self) {
        let contenv = "/run/s6/container_environment/GATEWAY_MULTIPLEX_PROFILES";
        self.container.sh(&format!("printf true >{contenv}"));
        self.serves_both(self.release.has_variable);
        let config = "echo 'multiplex_profiles: true' >>/opt/data/config.yaml; chown hermes: /opt/data/config.yaml";
        self.container.sh(&format!("rm {contenv}; {config}"));
        self.serves_both(self.release.topology == Topology::OnRequest);
    }

    /// Starts the gateway of the root profile, and checks whether it serves the other profile, too. Stops it at the end.
    fn serves_both(&self, serves: bool) {
        self.starts_root();
        let recorded = self.state().get("served_profiles").cloned();
        let both = (serves && self.release.has_record).then(|| serde_json::json!(["default", "coder"]));
        assert_eq!(recorded, both);
        // A gateway of the other profile ends beside it. If the root gateway does not serve that profile, its settings cannot work.
        let exits = self.release.exits;
        let expected = if serves { exits.served.unwrap() } else { exits.fatal };
        assert_eq!(self.ends_of("coder", "-o"), expected, "beside the gateway of default");
        self.ends_of("default", "-t");
    }

    /// Starts the gateway of the root profile once, and waits until it has recorded that it runs.
    fn starts_root(&self) {
        self.container.sh("rm -f /opt/data/gateway_state.json; /command/s6-svc -o /run/service/gateway-default");
        self.container.until("grep -q '\"gateway_state\": *\"running\"' /opt/data/gateway_state.json");
    }

    /// Sends this to the supervisor of a gateway, waits until the gateway is down, and returns its exit code.
    fn ends_of(&self, profile: &str, command: &str) -> u8 {
        let service = format!("/run/service/gateway-{profile}");
        let stat = |fields: &str| self.container.sh(&format!("/command/s6-svstat -o {fields} {service}"));
        let before = stat("updownsince");
        self.container.sh(&format!("/command/s6-svc {command} {service}"));
        // The gateway has come up since and is down, or was up and has gone down since.
        let down = format!("false {}", before.trim_end());
        let state = format!("state=$(/command/s6-svstat -o up,updownsince {service})");
        self.container.until(&format!("{state}; case \"$state\" in '{down}' | true*) false ;; esac"));
        let ended = stat("exitcode");
        let code = ended.trim_end().parse().ok();
        code.unwrap_or_else(|| panic!("{profile}: {ended}"))
    }

    /// What the gateway of the root profile has recorded.
    fn state(&self) -> Value {
        serde_json::from_str(&self.container.sh("cat /opt/data/gateway_state.json")).unwrap()
    }
}
