//! Calls `gen-service`, and reads back what it wrote.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The program under test.
pub(crate) const GEN_SERVICE: &str = env!("CARGO_BIN_EXE_gen-service");
pub(crate) const GATEWAYCTL: &str = env!("CARGO_BIN_EXE_gatewayctl");

/// A new empty directory that every user can enter.
pub(crate) fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    directory
}

pub(crate) fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// `gen-service` with these arguments, in this working directory.
pub(crate) fn gen_service<'a>(directory: impl AsRef<Path>, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(GEN_SERVICE);
    command.args(arguments).current_dir(directory).env_remove("NO_COLOR").env("HERMES_HOME", "/not/for/rendering");
    command
}

/// The note that gen-service prints if nobody says which command line of Hermes a script should use.
pub(crate) const NOTE: &str = "note: no Hermes on PyPI (0.13 to 0.19) takes `gateway start --foreground`, which this script calls; \
                               add --hermes-cli run for one of those, or --hermes-cli start if yours takes it\n";

/// The output of a run without that note, and its exit code.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(NOTE, "");
        Self {
            code: output.status.code().expect("ended by a signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

pub(crate) fn run(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

/// Runs `gen-service`. It must succeed and print nothing on standard error.
pub(crate) fn succeeds<'a>(directory: impl AsRef<Path>, arguments: impl IntoIterator<Item = &'a str>) -> String {
    let ran = run(gen_service(directory, arguments));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran.out
}

/// Everything below a directory, sorted: path, mode, and the text of files. Symlinks show their target.
pub(crate) fn listing(directory: &Path) -> String {
    let mut text = String::new();
    list(directory, directory, &mut text);
    text
}

fn list(root: &Path, directory: &Path, text: &mut String) {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        let name = path.strip_prefix(root).unwrap().display();
        if metadata.is_dir() {
            writeln!(text, "==> {name}/ {mode:04o} <==").unwrap();
            list(root, &path, text);
        } else if metadata.is_symlink() {
            writeln!(text, "==> {name} -> {} <==", fs::read_link(&path).unwrap().display()).unwrap();
        } else {
            writeln!(text, "==> {name} {mode:04o} <==").unwrap();
            text.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }
}

/// Compares a text with `snapshots/NAME.snap`. The description is for the reviewer.
pub(crate) fn snapshot(name: &str, description: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    if !description.is_empty() {
        settings.set_description(description);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A tool that the tests need: its path, or a failure that says how to get it.
pub(crate) fn tool(name: &str) -> String {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file());
    match found {
        Some(path) => path.into_os_string().into_string().unwrap(),
        None => panic!("{name} is not installed; tests/run installs what the tests need"),
    }
}
