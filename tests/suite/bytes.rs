//! Bytes: every case is one snapshot of a whole directory as it is on disk, with path, mode and text.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{GEN_SERVICE, directory, listing, run, snapshot, succeeds, tool};

/// Declares the cases. Each case is a test of what these arguments render, with the same name as its snapshot.
macro_rules! cases {
    ($($name:ident: $arguments:expr;)*) => {
        const CASES: &[(&str, &[&str])] = &[$((stringify!($name), &$arguments)),*];

        $(
            #[test]
            fn $name() {
                is_its_snapshot(stringify!($name), &$arguments);
            }
        )*
    };
}

cases! {
    the_defaults: ["coder"];
    the_root_profile: ["default"];
    environment: ["coder", "--env", "B=plain", "--env", "A=", "--env", "C=it's", "--env", "a_1=two  words"];
    hostile_values: [
        "coder",
        "--env=DOLLAR=$(id) `id` ${HOME} $$",
        "--env=QUOTES='\"' \\ '",
        "--env=LINES_=one\ntwo\n\n# three\nEOF",
        "--env=BANG=a!b!",
        "--env=DASH=-n",
        "--env=GLOB=~ * ? [a] {a,b}",
        "--env=ASSIGN=A=B; C & D | E > F",
        "--env=TEMPLATE={{ profile }} {% raw %} {# #}",
        "--env=UTF_8=héllo 🦀",
        "--env=HTML=<&>",
    ];
    secrets: ["coder", "--secret=TOKEN=/run/secrets/coder", "--secret=KEY=/run/my secrets/it's", "--env=A=1"];
    hermes_run: ["coder", "--hermes-cli", "run"];
    hermes_run_with_port: ["coder", "--hermes-cli", "run", "--port", "8642", "--env", "ZZ=1"];
    hermes_run_beside: ["coder", "--hermes-cli", "run-beside"];
    another_hermes: ["coder", "--hermes", "/opt/my venv/bin/hermes", "--user", "svc.gateway"];
    isolated: ["coder", "--isolated"];
    isolated_with_all: [
        "coder", "--isolated", "--uid=1000", "--hermes-cli=run", "--hermes=/opt/my venv/it's hermes", "--secret=TOKEN=/run/secrets/coder", "--env=A=$1",
        "--log-to=both",
    ];
    log_to_both: ["coder", "--log-to", "both"];
    layout_s6_rc: ["coder", "--layout=s6-rc", "--after=mount-data", "--after=base", "--log-to=both"];
    layout_s6_rc_down: ["coder", "--layout=s6-rc", "--down", "--isolated", "--hermes-cli=run"];
    layout_s6_overlay: ["coder", "--layout=s6-overlay"];
    down_and_numbers: [
        "coder", "--down", "--port=65535", "--stop-timeout=86400", "--log-files=0", "--log-size=4096", "--crash-budget=off",
    ];
}

fn render(arguments: &[&str], umask: &str) -> TempDir {
    let directory = directory();
    let mut command = Command::new("sh");
    command.args(["-c", "umask $0; exec \"$@\"", umask, GEN_SERVICE]).args(arguments).args(["--out", "services"]);
    command.current_dir(directory.path()).env("HERMES_HOME", "/not/for/rendering");
    let ran = run(command);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    directory
}

fn is_its_snapshot(name: &str, arguments: &[&str]) {
    let text = listing(&render(arguments, "022").path().join("services"));
    assert!(!text.contains("/not/for/rendering") && !text.contains("/opt/data/"), "{text}");
    snapshot(name, &format!("gen-service {}", shell_words(arguments)), &text);
}

/// The arguments as a reviewer can type them.
fn shell_words(arguments: &[&str]) -> String {
    let words = arguments.iter().map(|word| shell_escape::unix::escape((*word).into()));
    words.collect::<Vec<_>>().join(" ")
}

/// What a manifest renders besides gateways.
const MANIFESTS: [(&str, &str); 5] = [
    ("dashboard_and_watch", "[gateways.coder]\n[dashboard]\n[watch]\n"),
    ("metrics", "[gateways.coder]\n[metrics]\nlisten = \"[::]:9000\"\ndown = true\n"),
    (
        "watchdog_of_all",
        "[defaults]\nhermes-cli = \"run\"\nwatchdog = 60\n[gateways.asked]\nport = 8642\nsecret = { API_SERVER_KEY = \"/run/secrets/key\" }\n\
         [gateways.mute]\n[gateways.off]\nwatchdog = 0\ncrash-budget = \"off\"\nenv = { API_SERVER_KEY = \"k\" }\n\
         [gateways.own]\nwatchdog = 10\nhermes-cli = \"start\"\ncrash-budget = \"off\"\n",
    ),
    (
        "layout_of_all",
        "[defaults]\nlayout = \"s6-rc\"\nafter = \"mount-data\"\n[gateways.db]\nafter = []\n[gateways.web]\nafter = [\"gateway-db\", \
         \"net@eth0\"]\n[gateways.idle]\ndown = true\n[dashboard]\nafter = [\"gateway-web\"]\ndown = false\n[watch]\n",
    ),
    (
        "dashboard_options",
        r#"
[defaults]
user = "svc.gateway"
hermes = "/opt/venv/bin/hermes"
down = false
stop-timeout = 5
env = { NOT_ITS_OWN = "1" }

[dashboard]
host = "fe80::1"
port = 65535
hermes = "/opt/my venv/it's hermes"
down = false
stop-timeout = 86400
log-files = 0
log-size = 4096
crash-budget = "off"
secret = { TOKEN = "/run/my secrets/it's" }

[dashboard.env]
DOLLAR = "$(id) `id` ${HOME} $$"
QUOTES = "'\"' \\ '"
LINES_ = "one\n: \"${HERMES_DASHBOARD_PORT:=1}\"\n\n# three"
DASH = "--insecure"
TEMPLATE = "{{ profile }} {% raw %} {# #}"
UTF_8 = "héllo 🦀"
"#,
    ),
];

/// Renders a manifest, and returns the directory.
fn rendered(manifest: &str) -> TempDir {
    let directory = directory();
    fs::write(directory.path().join("gateways.toml"), manifest).unwrap();
    succeeds(directory.path(), ["--manifest", "gateways.toml", "--out", "services"]);
    directory
}

#[test]
fn the_dashboard_and_the_watch() {
    for (name, manifest) in MANIFESTS {
        snapshot(name, manifest, &listing(&rendered(manifest).path().join("services")));
    }
}

#[test]
fn the_scripts_of_dashboard_and_watch_are_clean_for_shellcheck_and_shfmt() {
    for (_, manifest) in MANIFESTS {
        let rendered = rendered(manifest);
        all_are_clean(&rendered.path().join("services"));
    }
}

#[test]
fn bytes_and_modes_are_the_same_under_any_umask() {
    for (name, arguments) in CASES {
        let usual = listing(render(arguments, "022").path());
        for umask in ["000", "027", "077", "777"] {
            // Under umask 777 even the directories of the run are closed to their owner, unless the owner is root or sets modes.
            assert_eq!(usual, listing(render(arguments, umask).path()), "{name} {umask}");
        }
    }
}

#[test]
fn the_preview_is_what_is_written() {
    for (name, arguments) in CASES {
        let preview = succeeds("/", arguments.iter().copied());
        let rendered = render(arguments, "022");
        let mut expected = String::new();
        for banner in preview.lines().filter(|line| line.starts_with("==> ")) {
            let path = banner.split(' ').nth(1).unwrap();
            let gap = if expected.is_empty() { "" } else { "\n" };
            let text = fs::read_to_string(rendered.path().join("services").join(path)).unwrap();
            write!(expected, "{gap}{banner}\n{text}").unwrap();
        }
        assert_eq!(preview, expected, "{name}");
        let listed = listing(&rendered.path().join("services"));
        let files = |text: &str| -> Vec<String> {
            let mut files: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with("==> ") && !line.contains("/ "))
                .map(str::to_owned)
                .collect();
            files.sort();
            files
        };
        assert_eq!(files(&listed), files(&preview), "{name}");
    }
}

#[test]
fn every_script_is_clean_for_shellcheck_and_shfmt() {
    for (name, arguments) in CASES {
        let rendered = render(arguments, "022");
        let scripts = all_are_clean(&rendered.path().join("services"));
        assert!((3..=4).contains(&scripts), "{name}");
    }
}

/// Checks each script below a directory, and returns how many there are.
fn all_are_clean(services: &Path) -> usize {
    let listed = listing(services);
    let scripts = listed.lines().filter_map(|line| line.strip_prefix("==> ")?.strip_suffix(" 0755 <=="));
    let scripts: Vec<&str> = scripts.filter(|path| !path.ends_with('/')).collect();
    for script in &scripts {
        is_clean(&services.join(script));
    }
    scripts.len()
}

/// Checks a script with shellcheck and shfmt.
pub(crate) fn is_clean(script: &Path) {
    clean(Command::new(tool("shellcheck")).args(["--enable=all", "--shell=sh"]), script);
    clean(Command::new(tool("shfmt")).args(["-d", "-ln", "posix", "-i", "2", "-ci"]), script);
}

fn clean(command: &mut Command, script: &Path) {
    let output = command.arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", script.display());
}
