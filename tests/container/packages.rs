//! The static programs, and the packages that docker/packages/make makes of them: what is in them, and a system that gets and loses them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::docker::{Ran, directory, docker, image, mount, root};
use crate::page::shell;
use crate::pages::{Before, Shell, block, prepared};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn run(program: &str, arguments: &[&str]) -> Ran {
    Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"))
        .into()
}

/// Nothing but the programs and one static busybox: no library, no user, no /tmp.
#[test]
fn the_programs_run_where_nothing_else_is() {
    let busybox = root().join("target/tools/unpacked/bin/busybox");
    assert!(busybox.is_file(), "{} is needed; tests/run gets it", busybox.display());
    let image = image("static", None);
    let options =
        ["run", "--rm", "--network=none", &mount(&busybox, "/bin/busybox:ro"), "--entrypoint=/bin/busybox", &image];
    let ran = |script: &str| docker(&[&options[..], &["sh", "-euc", script]].concat());
    let render = "/gen-service coder --hermes-cli run --env 'A=a b' --out /services";
    let script = format!(
        "/bin/busybox ls -A / | /bin/busybox grep -vxE 'bin|dev|etc|proc|sys|\\.dockerenv'; \
         /gen-service -V; /gatewayctl -V; {render}; {render} --check; /bin/busybox sh -n /services/gateway-coder/run; \
         /bin/busybox sh -n /services/gateway-coder/log/run; /gatewayctl detect; \
         /gatewayctl completions bash | /bin/busybox grep -c complete"
    );
    let said = ran(&script).ok();
    let lines: Vec<&str> = said.lines().collect();
    let (versions, rest) = (format!("gen-service {VERSION} gatewayctl {VERSION}"), &lines[2..]);
    assert_eq!(rest[..2].join(" "), versions, "{said}");
    assert_eq!(lines[..2], ["gatewayctl", "gen-service"], "{said}");
    assert_eq!(rest[2..4], ["created   /services/gateway-coder", "none"], "{said}");
    assert_ne!(rest[4], "0", "{said}");
    // What fails says so in a sentence, as elsewhere.
    let failed = ran("/gatewayctl --scandir /nowhere status");
    assert!(failed.code == 2 && failed.err.starts_with("error: ") && failed.err.lines().count() == 1, "{failed:?}");
}

/// What CONTRIBUTING.md makes of this checkout, where it says.
struct Packages {
    out: PathBuf,
    programs: PathBuf,
}

impl Packages {
    fn make() -> Self {
        let made = root().join("target/package");
        let [out, programs] = ["out", "programs"].map(|name| made.join(name));
        for left in [&out, &programs].into_iter().filter(|directory| directory.exists()) {
            fs::remove_dir_all(left).unwrap();
        }
        let exchange = directory();
        let mut shell = shell(root(), &format!("gen-service-test-packages-{}", std::process::id()), exchange.path());
        let named = |command: &str| command.replace("Name <address>", "A Maintainer <maintainer@gen-service.test>");
        shell.type_in_by(&block("CONTRIBUTING.md", "packages"), named);
        Self { out, programs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    fn debian(&self) -> PathBuf {
        let mut entries = fs::read_dir(&self.out).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| path.extension().is_some_and(|extension| extension == "deb")).unwrap()
    }
}

#[test]
fn the_packages_hold_what_they_should_and_leave_nothing_behind() {
    let packages = Packages::make();
    checksums(&packages);
    archive(&packages);
    bill_of_materials(&packages);
    installed_used_and_removed(&packages);
    let said = run("lintian", &["--allow-root", "--fail-on", "error,warning", packages.debian().to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
}

/// The file of checksums has each other file. docs/install.md says how to compare them.
fn checksums(packages: &Packages) {
    let name = format!("SHA256SUMS-{}", target());
    let entries = fs::read_dir(&packages.out).unwrap();
    let files: BTreeSet<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let text = fs::read_to_string(packages.path(&name)).unwrap();
    let summed = text.lines().map(|line| line.split_once("  ").unwrap().1.to_owned());
    assert_eq!(summed.chain([name.clone()]).collect::<BTreeSet<_>>(), files);
}

/// It is where cargo-binstall looks for it, on each system that it names, and has the programs of the image, unchanged.
fn archive(packages: &Packages) {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let binstall = &manifest["package"]["metadata"]["binstall"];
    assert_eq!(binstall["pkg-fmt"].as_str(), Some("tgz"));
    let unpacked = directory();
    for system in [target(), target().replace("-gnu", "-musl")] {
        let template = |key: &str, program: &str| {
            let own = binstall.get("overrides").and_then(|overrides| overrides.get(&system)).unwrap_or(binstall);
            let filled = [
                ("repo", "https://host.test/a/b"),
                ("version", VERSION),
                ("target", &system),
                ("bin", program),
                ("binary-ext", ""),
            ];
            filled.iter().fold(own[key].as_str().unwrap().to_owned(), |text, (name, value)| {
                text.replace(&format!("{{ {name} }}"), value)
            })
        };
        let url = template("pkg-url", "");
        let name = url.strip_prefix(&format!("https://host.test/a/b/releases/download/v{VERSION}/")).unwrap();
        let archive = packages.path(name);
        run("tar", &["-C", unpacked.path().to_str().unwrap(), "-xzf", archive.to_str().unwrap()]).ok();
        for program in ["gen-service", "gatewayctl"] {
            let found = fs::read(unpacked.path().join(template("bin-dir", program))).unwrap();
            assert!(found == fs::read(packages.programs.join(program)).unwrap(), "{program}");
        }
    }
    let tree = unpacked.path().join(format!("gen-service-{VERSION}-{}", target()));
    for path in ["LICENSE", "CHANGELOG.md", "share/doc/gen-service/README.md", "share/man/man1/gatewayctl-logs.1"] {
        assert!(tree.join(path).is_file(), "{path}");
    }
}

/// It names the crates that are in the programs, and none that only the tests use.
fn bill_of_materials(packages: &Packages) {
    let text = fs::read_to_string(packages.path(&format!("gen-service-{VERSION}-{}.cdx.json", target()))).unwrap();
    let bill: serde_json::Value = serde_json::from_str(&text).unwrap();
    let components = bill["components"].as_array().unwrap().iter();
    let names: BTreeSet<&str> = components.map(|component| component["name"].as_str().unwrap()).collect();
    assert!(names.contains("clap") && names.contains("rustix") && !names.contains("proptest"), "{names:?}");
    assert!(!text.contains(root().to_str().unwrap()), "it names the directory of the build");
}

/// What docs/install.md leaves to its reader: to download a release, to be allowed to use sudo, and to say yes. `files` is what there is, but for what
/// the system writes while it runs. `rendered_stays` looks for what `USE` has rendered, and removes it.
const DEBIAN: &str = r#"
printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo
chmod 755 /usr/local/bin/sudo
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/yes
files() { find / -xdev -not -path '/proc/*' -not -path '/var/*' "$@" | LC_ALL=C sort; }
rendered_stays() { [ -x /var/services/gateway-coder/run ] && rm -r /var/services; }
files >/var/all
files -not -type d >/var/without-directories
mkdir /var/download && cd /var/download && cp /release/* .
"#;

/// Uses what is installed below the directory `$1`. Each command has to succeed.
const USE: &str = r#"
cd "$1/share"
[ "$(command -v gen-service) $(command -v gatewayctl)" = "$1/bin/gen-service $1/bin/gatewayctl" ]
[ "$(gen-service -V) $(gatewayctl -V)" = "gen-service $VERSION gatewayctl $VERSION" ]
gen-service coder --hermes-cli run --out /var/services
gen-service coder --hermes-cli run --out /var/services --check
[ "$(gatewayctl detect)" = none ]
ls bash-completion/completions/gatewayctl zsh/vendor-completions/_gatewayctl fish/vendor_completions.d/gatewayctl.fish
ls doc/gen-service/README.md doc/gen-service/docs/security.md
[ "$(gzip -cdf man/man1/gatewayctl-logs.1* | grep -c '^.SH')" -gt 3 ]
"#;

/// What is done before each block of docs/install.md that is typed here. Of the package nothing is left, and of the archive only directories.
const BEFORE: &[Before] = &[
    (
        "docs/install.md",
        "The Debian package",
        1,
        "sh -eux /exchange/use /usr && dpkg --verify gen-service && \
         ls /usr/share/doc/gen-service/changelog.gz /usr/share/doc/gen-service/copyright",
    ),
    ("docs/install.md", "The archive", 0, "rendered_stays && files | diff /var/all -"),
    ("docs/install.md", "The archive", 1, "sh -eux /exchange/use /usr/local"),
    (
        "docs/install.md",
        "Verify a download",
        0,
        "rendered_stays && files -not -type d | diff /var/without-directories - && cd /var/download",
    ),
];

fn installed_used_and_removed(packages: &Packages) {
    let exchange = directory();
    fs::write(exchange.path().join("use"), USE).unwrap();
    let mut command = Command::new("docker");
    command
        .args(["run", "--rm", "--interactive", "--network=none", &format!("--env=VERSION={VERSION}")])
        .args([mount(exchange.path(), "/exchange"), mount(&packages.out, "/release:ro")])
        .args(["gen-service-test/debian", "sh"]);
    let mut debian = Shell::of(command, exchange.path(), "/exchange");
    debian.prepare(DEBIAN);
    for (block, before) in prepared("docs/install.md", &["packages"], BEFORE) {
        debian.prepare(&before);
        debian.type_in(&block);
    }
}
