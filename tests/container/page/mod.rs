//! The pages whose commands need a container: each is typed from its beginning to its end, with the real Hermes, and prints what the page shows.

mod before;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::docker::{directory, docker};
use crate::pages::{Block, Shell, blocks_of, file_name, prepared, root};

use before::BEFORE;

/// A program of this machine.
fn tool(name: &str) -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&paths).map(|path| path.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed; tests/run installs what the tests need"))
}

/// A shell in this directory, where `docker` and `curl` are the stand-ins beside this file, and all that Docker makes has this name before its own.
pub(crate) fn shell(directory: &Path, name: &str, exchange: &Path) -> Shell {
    let programs = Path::new(env!("CARGO_BIN_EXE_gen-service")).parent().unwrap();
    let stand_ins = root().join("tests/container/page");
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("sh");
    command
        .current_dir(directory)
        .env("PATH", format!("{}:{}:{path}", stand_ins.display(), programs.display()))
        .env("PAGE", name)
        .env("PAGE_ROOT", root())
        .env("PAGE_DOCKER", tool("docker"))
        .env("PAGE_CURL", tool("curl"));
    Shell::of(command, exchange, exchange.to_str().unwrap())
}

/// Where the commands of a page are typed: the top of a checkout, as far as they need one.
struct Place {
    directory: TempDir,
    /// What the names of everything begin with that the page makes.
    name: String,
    shell: Shell,
    _exchange: TempDir,
}

impl Place {
    fn new(page: &str) -> Self {
        let (directory, exchange) = (directory(), directory());
        let stem = Path::new(page).file_stem().unwrap().to_str().unwrap().to_lowercase();
        let name = format!("gen-service-test-{stem}-{}", std::process::id());
        fs::create_dir(directory.path().join("docker")).unwrap();
        fs::copy(root().join("docker/gateways.toml"), directory.path().join("docker/gateways.toml")).unwrap();
        for block in blocks_of(page) {
            if let Some(name) = file_name(&block).filter(|name| !name.contains('/')) {
                fs::write(directory.path().join(name), &block.text).unwrap();
            }
        }
        let shell = shell(directory.path(), &name, exchange.path());
        Self { directory, name, shell, _exchange: exchange }
    }

    /// Builds what a block shows of a Dockerfile, upon the image `hermes-runtime` unless it says upon which. What only copies from another image is
    /// built upon nothing.
    fn build(&mut self, block: &Block) {
        self.shell.prepare("docker build -f docker/Dockerfile --target runtime -t hermes-runtime .");
        let from = match &block.text {
            text if text.starts_with("FROM ") => "",
            text if text.starts_with("COPY --from=") => "FROM scratch\n",
            _ => "FROM hermes-runtime\n",
        };
        let own = |text: String, word| text.replace(&format!("{word}hermes-"), &format!("{word}{}-hermes-", self.name));
        let text = ["FROM ", "--from="].into_iter().fold([from, &block.text].concat(), own);
        fs::write(self.directory.path().join("Dockerfile"), text).unwrap();
        let (code, printed) = self.shell.run("docker build -t hermes-built .");
        assert_eq!(code, 0, "{}:\n{printed}", block.place());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let names = |arguments: &[&str]| docker(arguments).out;
        let containers = names(&["ps", "--all", "--quiet", "--filter", &format!("label=page={}", self.name)]);
        for container in containers.lines() {
            if std::thread::panicking() {
                let ran = docker(&["logs", container]);
                eprintln!("container log:\n{}{}", ran.out, ran.err);
            }
            docker(&["rm", "--force", "--volumes", container]);
        }
        for volume in names(&["volume", "ls", "--quiet", "--filter", &format!("name={}-", self.name)]).lines() {
            docker(&["volume", "rm", volume]);
        }
        for image in names(&["images", "--format", "{{.Repository}}", &format!("{}-*", self.name)]).lines() {
            docker(&["image", "rm", image]);
        }
    }
}

/// A command of a page that is typed in the container.
fn inside(command: &str) -> String {
    format!("docker exec hermes sh -euc '{}'", command.replace('\'', "'\\''"))
}

fn page(name: &str) {
    let mut place = Place::new(name);
    for (block, before) in prepared(name, &["docker", "inside"], BEFORE) {
        place.shell.prepare(&before);
        match (block.language.as_str(), block.word.as_str()) {
            ("dockerfile", _) => place.build(&block),
            (_, "inside") => place.shell.type_in_by(&block, inside),
            _ => place.shell.type_in(&block),
        }
    }
}

#[test]
fn readme() {
    page("README.md");
}

#[test]
fn bake() {
    page("docs/bake.md");
}

#[test]
fn ci() {
    page("docs/ci.md");
}

#[test]
fn getting_started() {
    page("docs/getting-started.md");
}

#[test]
fn image() {
    page("docs/image.md");
}

#[test]
fn install() {
    page("docs/install.md");
}

#[test]
fn isolated() {
    page("docs/isolated.md");
}

#[test]
fn manifest() {
    page("docs/manifest.md");
}

#[test]
fn metrics() {
    page("docs/metrics.md");
}

#[test]
fn operate() {
    page("docs/operate.md");
}

#[test]
fn s6_rc() {
    page("docs/s6-rc.md");
}

#[test]
fn secrets() {
    page("docs/secrets.md");
}

#[test]
fn troubleshooting() {
    page("docs/troubleshooting.md");
}
