//! The static programs, and the packages that docker/packages/make makes of them: what is in them, and a system that gets and loses them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::docker::{Ran, directory, docker, image, mount, root};

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

/// What `make` has made of the programs of the image.
struct Packages {
    out: TempDir,
    programs: TempDir,
}

impl Packages {
    fn make() -> Self {
        let (out, programs) = (directory(), directory());
        let container = docker(&["create", &image("static", None), "/gen-service"]).ok();
        for program in ["gen-service", "gatewayctl"] {
            let from = format!("{}:/{program}", container.trim_end());
            assert_eq!(docker(&["cp", &from, programs.path().to_str().unwrap()]).code, 0);
        }
        docker(&["rm", container.trim_end()]).ok();
        let made: Ran = Command::new(root().join("docker/packages/make"))
            .args([programs.path(), out.path()])
            .env("MAINTAINER", "A Maintainer <maintainer@gen-service.test>")
            .output()
            .unwrap()
            .into();
        // Without cargo-cyclonedx, it says that there is no bill of materials.
        assert!(made.code == 0 && made.err.lines().all(|line| line.contains("cargo-cyclonedx")), "{made:?}");
        Self { out, programs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
    }

    fn debian(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.out.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| path.extension().is_some_and(|extension| extension == "deb")).unwrap()
    }
}

#[test]
fn the_packages_hold_what_they_should_and_leave_nothing_behind() {
    let packages = Packages::make();
    checksums(&packages);
    archive(&packages);
    bill_of_materials(&packages);
    installed_used_and_removed(&packages.debian());
    let said = run("lintian", &["--allow-root", "--fail-on", "error,warning", packages.debian().to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
}

/// The file of checksums has each other file, and each as it is.
fn checksums(packages: &Packages) {
    let name = format!("SHA256SUMS-{}", target());
    let script = format!("cd '{}' && sha256sum --check --strict --quiet {name}", packages.out.path().display());
    assert_eq!(run("sh", &["-euc", &script]).ok(), "");
    let entries = fs::read_dir(packages.out.path()).unwrap();
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
            assert!(found == fs::read(packages.programs.path().join(program)).unwrap(), "{program}");
        }
    }
    let tree = unpacked.path().join(format!("gen-service-{VERSION}-{}", target()));
    for path in ["LICENSE", "CHANGELOG.md", "share/doc/gen-service/README.md", "share/man/man1/gatewayctl-logs.1"] {
        assert!(tree.join(path).is_file(), "{path}");
    }
}

/// It names the crates that are in the programs, and none that only the tests use; it is made where its tool is.
fn bill_of_materials(packages: &Packages) {
    let Ok(text) = fs::read_to_string(packages.path(&format!("gen-service-{VERSION}-{}.cdx.json", target()))) else {
        return;
    };
    let bill: serde_json::Value = serde_json::from_str(&text).unwrap();
    let components = bill["components"].as_array().unwrap().iter();
    let names: BTreeSet<&str> = components.map(|component| component["name"].as_str().unwrap()).collect();
    assert!(names.contains("clap") && names.contains("rustix") && !names.contains("proptest"), "{names:?}");
    assert!(!text.contains(root().to_str().unwrap()), "it names the directory of the build");
}

fn installed_used_and_removed(package: &Path) {
    let script = "\
        find / -xdev -not -path '/proc/*' -not -path '/var/*' | sort >/tmp/before
        apt-get install -y /tmp/package.deb >/tmp/apt 2>&1 || { cat /tmp/apt; exit 1; }
        dpkg --verify gen-service
        gen-service -V; gatewayctl -V
        gen-service coder --hermes-cli run --out /srv/services
        gen-service coder --hermes-cli run --out /srv/services --check
        gatewayctl detect
        cd /usr/share
        ls bash-completion/completions/gatewayctl zsh/vendor-completions/_gatewayctl fish/vendor_completions.d/gatewayctl.fish man/man1/gatewayctl.1.gz
        ls doc/gen-service/README.md doc/gen-service/docs/security.md doc/gen-service/changelog.gz doc/gen-service/copyright
        gzip -dc man/man1/gatewayctl-logs.1.gz | grep -c '^.SH'
        rm -r /srv/services
        apt-get purge -y gen-service >/tmp/apt 2>&1 || { cat /tmp/apt; exit 1; }
        find / -xdev -not -path '/proc/*' -not -path '/var/*' | sort | diff /tmp/before - | grep -v '/tmp/' | grep '^[<>]' || :
        ";
    let volume = mount(package, "/tmp/package.deb:ro");
    let said = docker(&["run", "--rm", "--network=none", &volume, "gen-service-test/debian", "sh", "-euc", script]);
    let said = said.ok();
    let expected = format!(
        "gen-service {VERSION}\ngatewayctl {VERSION}\ncreated   /srv/services/gateway-coder\nnone\n\
         bash-completion/completions/gatewayctl\nfish/vendor_completions.d/gatewayctl.fish\nman/man1/gatewayctl.1.gz\n\
         zsh/vendor-completions/_gatewayctl\ndoc/gen-service/README.md\ndoc/gen-service/changelog.gz\n\
         doc/gen-service/copyright\ndoc/gen-service/docs/security.md\n"
    );
    let rest = said.strip_prefix(&expected).unwrap_or_else(|| panic!("{said}"));
    assert!(rest.trim_end().parse::<u32>().is_ok_and(|sections| sections > 3), "{said}");
}
