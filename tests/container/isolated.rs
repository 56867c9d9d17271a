//! Isolated gateways in containers of the image. Each runs any code, as its own user, against another isolated gateway and against the gateways that
//! share a home. Every attack has its control: the same attack succeeds for the victim's own user.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::docker::{Container, HERMES, directory, image, mount, volume};

const MANIFEST: &str = r#"
[defaults]
hermes-cli = "run"

[gateways.default]

[gateways.alice]
isolated = true
uid = 21001
port = 9301
env = { API_SERVER_ENABLED = "true" }
secret = { API_SERVER_KEY = "/run/secrets/alice" }

[gateways.bob]
isolated = true
port = 9302
env = { API_SERVER_ENABLED = "true" }
secret = { API_SERVER_KEY = "/run/secrets/bob" }

[dashboard]
host = "0.0.0.0"
env = { HERMES_DASHBOARD_BASIC_AUTH_USERNAME = "admin" }
secret = { HERMES_DASHBOARD_BASIC_AUTH_PASSWORD = "/run/secrets/dashboard" }
"#;

const ALICES_KEY: &str = "the-key-of-alice-0123456789";
const BOBS_KEY: &str = "the-key-of-bob-9876543210";
const PASSWORD: &str = "the-password-of-the-dashboard";

/// The user that the name `bob` gives.
const BOB: u32 = 22_712;

/// Keeps running, and allows tracing, so that only the user decides.
const STAYS: &str = r#"#!/usr/bin/python3
import ctypes, fcntl, os, sys, time
if '--help' in sys.argv: sys.exit(print('--replace --host --port --no-open'))
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
home = os.environ['HERMES_HOME']
if 'HERMES_GATEWAY_LOCK_DIR' in os.environ:
    os.makedirs(os.environ['HERMES_GATEWAY_LOCK_DIR'], exist_ok=True)
    lock = open(os.environ['HERMES_GATEWAY_LOCK_DIR'] + '/lock', 'w')
    fcntl.flock(lock, fcntl.LOCK_SH)
open(home + '/gateway_state.json', 'w').write('{"gateway_state":"running"}')
open(os.environ.get('TMPDIR', '/tmp') + '/result', 'w').write('a result')
print('up', flush=True)
while True: time.sleep(1000)
"#;

/// The attacks on bob. Each is a name and a command of the shell, which succeeds if the attack does. `$P` is bob's process.
const ATTACKS: [(&str, &str); 20] = [
    ("list its home", "ls -A /opt/homes/bob"),
    ("read its state", "cat /opt/homes/bob/gateway_state.json"),
    ("read its environment", "tr '\\0' '\\n' </proc/$P/environ | grep -q API_SERVER_KEY"),
    ("go to its working directory", "cd /proc/$P/cwd && ls -A"),
    ("open what it has open", "ls -l /proc/$P/fd && head -c 0 /proc/$P/fd/0"),
    (
        "read its memory",
        "head -c 1 /proc/$P/mem || [ \"$(dd if=/proc/$P/mem bs=1 count=0 2>&1 | grep -c denied)\" = 0 ]",
    ),
    (
        "trace it",
        "python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), 0, 0) != 0)' $P",
    ),
    ("signal it", "kill -0 $P"),
    ("read its log", "cat /opt/homes/bob/logs/gateways/bob/current"),
    ("write to its log", ": >>/opt/homes/bob/logs/gateways/bob/current"),
    ("take the lock of its log", "s6-setlock -n /opt/homes/bob/logs/gateways/bob/lock true || [ $? = 1 ]"),
    ("open the lock of its gateway", ": >>/opt/homes/bob/gateway-locks/lock"),
    ("read what it has put aside", "cat /opt/homes/bob/tmp/result"),
    ("put something in its home", "touch /opt/homes/bob/planted && rm /opt/homes/bob/planted"),
    ("read its secret", "cat /run/secrets/bob"),
    ("make a home beside it", "mkdir /opt/homes/mallory"),
    ("take its home away", "mv /opt/homes/bob /opt/homes/bob.gone && mv /opt/homes/bob.gone /opt/homes/bob"),
    ("control its supervisor", "printf '' >/run/service/gateway-bob/supervise/control"),
    ("see its state", "s6-svstat /run/service/gateway-bob"),
    ("change its service directory", "touch /run/service/gateway-bob/run /run/service/gateway-bob/event"),
];

/// These attacks work only for root, so root is their control. The control of the others is bob.
const OF_ROOT: [&str; 6] = [
    "read its secret",
    "make a home beside it",
    "take its home away",
    "control its supervisor",
    "see its state",
    "change its service directory",
];

/// A directory with the two keys and the password, and the arguments that mount them. Only root can read them.
fn secrets() -> (TempDir, [String; 3]) {
    let secrets = directory();
    let all = [("alice", ALICES_KEY), ("bob", BOBS_KEY), ("dashboard", PASSWORD)];
    let mounted = all.map(|(name, key)| {
        let path = secrets.path().join(name);
        fs::write(&path, key).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        mount(&path, &format!("/run/secrets/{name}:ro"))
    });
    (secrets, mounted)
}

fn stays() -> (TempDir, String) {
    let directory = directory();
    let path = directory.path().join("hermes");
    fs::write(&path, STAYS).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mounted = mount(&path, "/opt/hermes/.venv/bin/hermes:ro");
    (directory, mounted)
}

/// The attacks that succeed for a user in its own group and in these other groups.
fn attack(container: &Container, uid: u32, groups: &str) -> Vec<&'static str> {
    let mut script = "PATH=/command:$PATH; ".to_owned();
    for (name, command) in ATTACKS {
        writeln!(script, "( {command} ) >/dev/null 2>&1 && echo '{name}'").unwrap();
    }
    let uid = uid.to_string();
    let words =
        ["/command/s6-applyuidgid", "-u", &uid, "-g", &uid, "-G", groups, "env", &format!("P={}", pid(container))];
    let through = container.exec(&[&words[..], &["sh", "-c", &script]].concat()).out;
    ATTACKS.iter().map(|(name, _)| *name).filter(|name| through.lines().any(|line| line == *name)).collect()
}

fn pid(container: &Container) -> String {
    container.sh("/command/s6-svstat -o pid /run/service/gateway-bob").trim_end().to_owned()
}

/// The attacker is alice, an isolated gateway. Or it is a user who shares a home with others and is in the control group.
#[test]
fn an_instance_is_apart_from_all_others() {
    for target in ["services", "hook", "s6-rc", "volume"] {
        let (_keys, [alice, bob, _]) = secrets();
        let (_stays, hermes) = stays();
        let volume = volume(HERMES);
        let options = [&mount(volume.path(), "/opt/data"), &alice, &bob, &hermes];
        let started = ["--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running"];
        let options: Vec<&str> = options.map(String::as_str).into_iter().chain(started).collect();
        let container = Container::run(&image(target, Some(MANIFEST)), &options);
        container.until_up("alice bob default");
        container.until("test -s /opt/homes/bob/tmp/result && test -s /opt/homes/bob/logs/gateways/bob/current");
        let homes = container.sh("stat -c '%a %u:%g %n' /opt/homes /opt/homes/*");
        let expected =
            format!("755 0:0 /opt/homes\n700 21001:21001 /opt/homes/alice\n700 {BOB}:{BOB} /opt/homes/bob\n");
        assert_eq!(homes, expected, "{target}");
        for (uid, groups) in [(21_001, ""), (HERMES, ""), (HERMES, "10000")] {
            assert_eq!(attack(&container, uid, groups), Vec::<&str>::new(), "{target}: what {uid} does");
        }
        let all = |of_root: bool| -> Vec<&str> {
            ATTACKS.iter().map(|(name, _)| *name).filter(|name| OF_ROOT.contains(name) == of_root).collect()
        };
        assert_eq!(attack(&container, BOB, ""), all(false), "{target}: the control, bob itself");
        let root = attack(&container, 0, "");
        assert!(all(true).iter().all(|name| root.contains(name)), "{target}: the control, root: {root:?}");
        container.sh("rmdir /opt/homes/mallory");
        // gatewayctl refuses it, too, although the group of the service user may control the gateways that share a home.
        for words in [["gatewayctl", "stop", "bob"], ["gatewayctl", "restart", "bob"], ["gatewayctl", "logs", "bob"]] {
            assert_ne!(container.exec_as_hermes(&words).code, 0, "{target}: {words:?}");
        }
        container.until_up("bob");
        assert!(container.log_of("bob").contains("up"), "{target}");
        // Root uses the same commands as for any other gateway.
        container.sh("exec 2>/dev/null; gatewayctl -q restart bob; gatewayctl -q stop bob; gatewayctl -q start bob");
        let doctor = container.sh("gatewayctl doctor | grep -E ' (isolated|ports|home) '");
        assert!(doctor.contains("2 isolated gateways, each with its own user and home"), "{target}: {doctor}");
        let instance = ["env", "HERMES_INSTANCE=bob", "hermes", "--help"];
        assert!(container.exec(&instance).out.contains("--replace"), "{target}");
    }
}

/// Prints the answer on this port to this key, at this path or at the path of the models.
const ASK: &str = r#"ask() { python3 -c 'import sys, urllib.error, urllib.request as r
q = r.Request("http://127.0.0.1:%s%s" % (sys.argv[1], sys.argv[3]), headers={"Authorization": "Bearer " + sys.argv[2]} if sys.argv[2] else {})
try: print(r.urlopen(q, timeout=5).status)
except urllib.error.HTTPError as e: print(e.code)
except OSError: print("nobody")' "$1" "$2" "${3-/v1/models}"; }; "#;

fn answers(container: &Container) -> String {
    container.sh(&format!(
        "{ASK} for port in 9301 9302; do for key in {ALICES_KEY} {BOBS_KEY} ''; do ask $port \"$key\"; done; done | tr '\\n' ' '"
    ))
}

/// The fewest capabilities with which everything works. docs/image.md has them, too.
const CAPABILITIES: &str =
    "--cap-drop=ALL --cap-add=CHOWN --cap-add=DAC_OVERRIDE --cap-add=KILL --cap-add=SETGID --cap-add=SETUID";

const READ_ONLY: &str = "--read-only --tmpfs=/run:exec --tmpfs=/tmp --env=S6_READ_ONLY_ROOT=1";

/// The real Hermes: each instance answers to its own key, and to no other key. This also holds after a restart, and with fewer rights than root has.
#[test]
fn two_instances_of_hermes_answer_each_for_itself() {
    let image = image("volume", Some(MANIFEST));
    for less in ["", READ_ONLY, CAPABILITIES, &format!("{READ_ONLY} {CAPABILITIES} --security-opt=no-new-privileges")] {
        let (_keys, [alice, bob, dashboard]) = secrets();
        let options =
            [&alice, &bob, &dashboard, "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running", "--env=HERMES_DASHBOARD=1"];
        let options: Vec<&str> = options.into_iter().chain(less.split_whitespace()).collect();
        let container = Container::run(&image, &options);
        let expected = "200 401 401 401 200 401 ";
        for round in ["first", "restarted"] {
            container.until(&format!("{ASK} [ \"$(ask 9301 {ALICES_KEY})$(ask 9302 {BOBS_KEY})\" = 200200 ]"));
            assert_eq!(answers(&container), expected, "{less}: {round}");
            let owners =
                container.sh("find /opt/homes -mindepth 1 -ignore_readdir_race -printf '%U %H\\n' | sort -u | cut -d' ' -f1 | tr '\\n' ' '");
            assert_eq!(owners, format!("21001 {BOB} "), "{less}: {round}");
            // The dashboard belongs to the shared home, and asks everybody for a password. alice finds the password nowhere. The control is root.
            container.until(&format!("{ASK} [ \"$(ask 9119 '' /api/status)\" = 200 ]"));
            assert_eq!(container.sh(&format!("{ASK} ask 9119 '' /api/sessions")), "401\n", "{less}: {round}");
            let look = "cat /run/service/*/run /etc/gateways.toml /run/s6/container_environment/* /proc/[0-9]*/environ /run/secrets/* 2>/dev/null";
            let look = format!("{look} | tr '\\0' '\\n' | grep -c {PASSWORD} || :");
            let alice = format!("/command/s6-applyuidgid -u 21001 -g 21001 -G '' sh -c \"{look}\"");
            assert_eq!(container.sh(&alice), "0\n", "{less}: {round}");
            assert_ne!(container.sh(&look), "0\n", "{less}: {round}: the control");
            assert_eq!(container.exec(&["sh", "-c", "gatewayctl doctor | grep -c 'dashboard.*isolated'"]).out, "0\n");
            if round == "first" {
                container.restart();
            }
        }
        assert_ne!(container.stop(), 137, "{less}");
    }
}

/// If a gateway is started where it cannot be isolated, it says so in one line and stays down. Nothing is made.
#[test]
fn where_it_cannot_be_apart_it_stays_down() {
    let image = image("hook", Some("[gateways.bob]\nisolated = true\n"));
    for (options, said) in [
        (&["--env=HERMES_HOMES=homes"][..], "HERMES_HOMES must be an absolute path, not 'homes'"),
        (&["--env=HERMES_HOMES=/no/such"], "cannot enter HERMES_HOMES, '/no/such': is the volume there?"),
        (&["--env=HERMES_HOMES=/opt/data"], "users other than root can change HERMES_HOMES, '/opt/data'"),
        (&["--env=HERMES_UID=22712"], "uid 22712 belongs to 'hermes', too: give the gateway another uid"),
        (&["--user=10000:10000"], "only root can change to the gateway's own user: start the container without --user"),
    ] {
        let container = Container::run(&image, options);
        container.until("[ \"$(/command/s6-svstat -o up,wantedup /run/service/gateway-bob)\" = 'false false' ]");
        container.until("[ \"$(/command/s6-svstat -o up,wantedup /run/service/gateway-bob/log)\" = 'false false' ]");
        let logs = container.logs();
        let lines: Vec<&str> = logs.lines().filter(|line| line.starts_with("gateway-bob")).collect();
        assert!(lines.len() == 1 && lines[0].contains(said), "{options:?}: {logs}");
        assert_eq!(container.sh("ls -A /opt/homes"), "", "{options:?}");
    }
}

/// The content of the homes volume outlives the container, and belongs to the same users.
#[test]
fn the_volume_of_homes_is_found_again() {
    let (_keys, [alice, bob, _]) = secrets();
    let (_stays, hermes) = stays();
    let homes = directory();
    let mounted = mount(homes.path(), "/opt/homes");
    let image = image("services", Some(MANIFEST));
    for _ in 0..2 {
        let container = Container::run(&image, &[&alice, &bob, &hermes, &mounted]);
        container.until_up("alice bob");
        container.until("test -s /opt/homes/bob/tmp/result");
        container.sh("ls /opt/homes/bob/before 2>/dev/null || /command/s6-applyuidgid -u 22712 -g 22712 -G '' touch /opt/homes/bob/before");
    }
    assert!(Path::new(&homes.path().join("bob/before")).exists());
    // The home goes with its gateway only if an operator says so.
    let container = Container::run(&image, &[&alice, &bob, &hermes, &mounted]);
    container.until_up("bob");
    let purged = container.sh("gatewayctl unregister bob --purge --yes");
    assert_eq!(purged, "unregistered /run/service/gateway-bob\npurged       /opt/homes/bob\n");
    assert!(!homes.path().join("bob").exists() && homes.path().join("alice").exists());
}
