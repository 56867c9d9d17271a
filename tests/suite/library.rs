//! The library as another Rust program uses it: the programs of `examples/` run, and docs/library.md shows lines of them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use gen_service::spec::options::HermesCli;
use gen_service::spec::{EnvName, EnvSource, EnvValue, EnvironmentError, Gateway, Options, SpecError};

use crate::control::NOTHING_LEFT;
use crate::pages::blocks_of;
use crate::sandbox::Sandbox;
use crate::support::{GEN_SERVICE, Ran, directory, listing, run, succeeds};

/// The directory of the built examples, beside the programs. `cargo test --test suite` does not build them, and would leave older ones there.
static EXAMPLES: LazyLock<PathBuf> = LazyLock::new(|| {
    let programs = Path::new(GEN_SERVICE).parent().unwrap();
    let profile = match programs.file_name().and_then(OsStr::to_str).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--offline", "--examples", "--profile", profile, "--target-dir"])
        .arg(programs.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    programs.join("examples")
});

/// Runs an example without any environment variable, because the library needs none.
fn example(name: &str, arguments: &[&Path]) -> Ran {
    let mut command = Command::new(EXAMPLES.join(name));
    command.args(arguments).env_clear();
    run(command)
}

fn assert_ran(ran: &Ran, code: i32, out: &str, err: &str) {
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, out, err));
}

#[test]
fn render_prints_what_gen_service_prints() {
    let greeting = "GREETING=it's $HOME, unexpanded";
    let same = ["coder", "--hermes-cli", "run", "--env", greeting];
    assert_ran(&example("render", &["coder".as_ref()]), 0, &succeeds("/", same), "");
    let with_port = succeeds("/", same.into_iter().chain(["--port", "9150"]));
    assert_ran(&example("render", &["coder".as_ref(), "9150".as_ref()]), 0, &with_port, "");

    assert_ran(&example("render", &[]), 1, "", "error: usage: render PROFILE [PORT]\n");
    let ran = example("render", &["Coder".as_ref()]);
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.starts_with("error: ") && ran.err.contains("Coder"));
}

#[test]
fn publish_makes_a_whole_tree_appear_or_nothing() {
    let directory = directory();
    let (tree, scandir) = (directory.path().join("tree"), directory.path().join("service"));
    fs::create_dir(&scandir).unwrap();
    let publish = || example("publish", &[&tree, &scandir, "/usr/bin".as_ref()]);
    let starts = format!("they start when an s6-svscan watches {}\n", scandir.display());

    succeeds(directory.path(), ["coder", "writer", "--out", "tree"]);
    fs::remove_file(tree.join("gateway-writer/run")).unwrap();
    let ran = publish();
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.contains("gateway-writer/run"), "{}", ran.err);
    assert_eq!(listing(&scandir), "", "one that cannot be published stops all");

    succeeds(directory.path(), ["coder", "writer", "--force", "--out", "tree"]);
    assert_ran(&publish(), 0, &format!("created gateway-coder\ncreated gateway-writer\n{starts}"), "");
    let published = listing(&scandir);
    assert_eq!(published, listing(&tree));
    assert_ran(&publish(), 0, &format!("unchanged gateway-coder\nunchanged gateway-writer\n{starts}"), "");

    succeeds(directory.path(), ["added", "coder", "--stop-timeout", "7", "--out", "tree"]);
    let coder = scandir.join("gateway-coder");
    let differs = "is already registered and differs; unregister it first, or use install --update";
    assert_ran(&publish(), 1, "", &format!("error: {} {differs}\n", coder.display()));
    assert_eq!(listing(&scandir), published, "one that differs stops all");
}

/// In a live scandir, what is published runs.
#[test]
fn register_waits_until_the_gateway_is_up() {
    let sandbox = Sandbox::with_programs("exec sleep 1000");
    for name in ["publish", "register"] {
        sandbox.add(&EXAMPLES.join(name));
    }
    let ran = sandbox.live(&format!(
        "exec 2>&1; register() {{ /share/bin/register \"$@\" /run/service || echo \"exit $?\"; }}; \
         said=$(register coder); pid=$(s6-svstat -o pid /run/service/gateway-coder); \
         [ \"$said\" = \"gateway coder is up: process $pid\" ] || echo \"$said, not $pid\"; s6-svstat -o up,wantedup /run/service/gateway-coder; \
         [ \"$(register coder)\" = \"$said\" ]; gatewayctl -q unregister coder; \
         gatewayctl -q register coder --hermes-cli run --port 9150; register coder; gatewayctl -q unregister coder; \
         gen-service -q writer --hermes-cli run --out /tmp/tree; publish /tmp/tree /run/service; up writer; \
         gatewayctl -q unregister writer; {NOTHING_LEFT}; kill $svscan; wait $svscan || :; register coder"
    ));
    let expected = "\
true true
error: /run/service/gateway-coder is already registered and differs; unregister it first, or use install --update
exit 1
created gateway-writer
.s6-svscan
error: no s6-svscan watches /run/service; start one, or give the directory that it watches with --scandir
exit 1
";
    assert_ran(&ran, 0, expected, "");
}

#[test]
fn one_gateway_is_told_what_is_wrong_with_its_options() {
    let mut options =
        Options { hermes_cli: Some(HermesCli::Run), port: Some("9150".parse().unwrap()), ..Options::default() };
    let gateway = Gateway::resolve_one("coder".parse().unwrap(), options.clone()).unwrap();
    assert_eq!(
        (gateway.profile().as_str(), gateway.port().map(|port| port.to_string())),
        ("coder", Some("9150".to_owned()))
    );
    let name: EnvName = "API_SERVER_PORT".parse().unwrap();
    let value = EnvValue::new(&name, "9151").unwrap();
    options.environment.add(name, EnvSource::Value(value)).unwrap();
    let problem = Gateway::resolve_one("coder".parse().unwrap(), options).unwrap_err();
    assert_eq!(problem, SpecError::Environment(EnvironmentError::PortTwice));
}

/// The Rust blocks of the page are lines of the examples, except for their indentation, and each example has a block.
#[test]
fn the_page_shows_what_the_examples_do() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/library.md")).unwrap();
    let code = |text: &str| text.lines().map(str::trim).fold("\n".to_owned(), |all, line| all + line + "\n");
    let mut examples: Vec<(String, String)> = Vec::new();
    for entry in fs::read_dir(root.join("examples")).unwrap() {
        let path = entry.unwrap().path();
        examples.push((
            format!("examples/{}", path.file_name().unwrap().display()),
            code(&fs::read_to_string(path).unwrap()),
        ));
    }
    let mut shown = BTreeSet::new();
    for block in page.split("```rust\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let (name, _) = examples
            .iter()
            .find(|(_, text)| text.contains(&code(block)))
            .unwrap_or_else(|| panic!("in no example:\n{block}"));
        shown.insert(name.as_str());
    }
    // The commands that start them; the other tests here run each of them.
    let commands = blocks_of("docs/library.md").into_iter().filter(|block| block.word == "example");
    let started: BTreeSet<String> = commands
        .map(|block| block.text.strip_prefix("cargo run --example ").unwrap().split(" -- ").next().unwrap().to_owned())
        .map(|name| format!("examples/{name}.rs"))
        .collect();
    let all: BTreeSet<&str> = examples.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(shown, all);
    assert_eq!(started.iter().map(String::as_str).collect::<BTreeSet<&str>>(), all);
    // What a Cargo.toml is told is TOML that names the library.
    for block in blocks_of("docs/library.md").into_iter().filter(|block| block.word == "Cargo.toml") {
        let table: toml::Table = block.text.parse().unwrap();
        assert!(table["dependencies"]["gen-service"].is_table(), "{}", block.place());
    }
    assert!(all.iter().all(|name| page.contains(name)), "{all:?}");
}
