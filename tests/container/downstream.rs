//! docs/ci.md: the job that reviews rendered trees in a repository that uses gen-service, run exactly as the page has it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::docker::{Ran, directory, image};
use crate::pages;

/// This block of docs/ci.md.
fn block(word: &str) -> String {
    pages::block("docs/ci.md", word).text
}

fn command(line: &str, repository: &Path, gen_service: &str) -> Ran {
    let mut shell = Command::new("sh");
    shell.args(["-euc", line]).current_dir(repository).env("GEN_SERVICE", gen_service);
    shell.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap().into()
}

fn cloned(repository: &Path) -> tempfile::TempDir {
    let clone = directory();
    command(&format!("git clone -q '{}' .", repository.display()), clone.path(), "").ok();
    clone
}

#[test]
fn the_documented_job_fails_with_the_difference() {
    let image = image("services", None);
    // The program of this build, and the program of the image for a machine without Rust.
    let in_image = "docker run --rm -v WORK:/work -w /work --entrypoint gen-service IMAGE";
    for gen_service in [env!("CARGO_BIN_EXE_gen-service"), in_image] {
        let directory = directory();
        let repository = directory.path();
        let gen_service = gen_service.replace("WORK", repository.to_str().unwrap()).replace("IMAGE", &image);
        let sh = |line: &str| command(line, repository, &gen_service);
        let render = "$GEN_SERVICE --manifest gateways.toml --out services --prune --quiet";
        let manifest = |text: &str| fs::write(repository.join("gateways.toml"), text).unwrap();

        fs::write(repository.join("check-gateways"), block("check-gateways")).unwrap();
        fs::set_permissions(repository.join("check-gateways"), Permissions::from_mode(0o755)).unwrap();
        manifest("[gateways.coder]\nport = 9150\n\n[gateways.writer]\n");
        sh(render).ok();
        sh("git init -q; git add -A; git -c user.name=a -c user.email=a@b commit -qm rendered").ok();
        // CI makes a clone and runs the script.
        let clone = cloned(repository);
        let gen_service_there = gen_service.replace(repository.to_str().unwrap(), clone.path().to_str().unwrap());
        command("./check-gateways", clone.path(), &gen_service_there).ok();

        // The manifest was changed but not rendered.
        manifest("[gateways.coder]\nport = 9151\n");
        let ran = sh("./check-gateways");
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains("-exec s6-setuidgid hermes hermes -p coder gateway start --foreground --port 9150\n"));
        assert!(ran.out.contains("+exec s6-setuidgid hermes hermes -p coder gateway start --foreground --port 9151\n"));
        assert!(ran.out.contains("deleted file mode 100755\n--- a/gateway-writer/run\n"), "{}", ran.out);
        assert!(ran.err.starts_with("services/ differs from gateways.toml; run: "), "{}", ran.err);

        // The tree was changed but not the manifest. A mode counts.
        sh(render).ok();
        sh("./check-gateways").ok();
        sh("chmod a-x services/gateway-coder/finish").ok();
        let ran = sh("./check-gateways");
        assert!(ran.code == 1 && ran.out.contains("old mode 100644\nnew mode 100755\n"), "{ran:?}");

        // A manifest with a mistake.
        manifest("[gateways.coder]\nprot = 9151\n");
        let ran = sh("./check-gateways");
        assert!(ran.code == 1 && ran.err.contains("gateways.toml:2:1: "), "{ran:?}");
    }
}

#[test]
fn the_documented_workflow_runs_the_same_script() {
    let workflow = block("workflow");
    let run: Vec<&str> = workflow.lines().filter_map(|line| line.trim().strip_prefix("run: ")).collect();
    assert_eq!(run, ["./check-gateways"]);
    assert!(block("check-gateways").contains("# check-gateways: "));
    // It is YAML, with the keys that a workflow has.
    let script = "import sys, yaml; w = yaml.safe_load(sys.stdin); \
                  print(sorted(map(str, w)), [sorted(s) for s in w['jobs']['rendered']['steps']])";
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), workflow.as_bytes()).unwrap();
    let ran: Ran = python.wait_with_output().unwrap().into();
    assert_eq!(ran.ok(), "['True', 'jobs', 'name', 'permissions'] [['uses'], ['env', 'name', 'run']]\n");
}
