//! The layouts of s6-rc: what is refused, merged, replaced, removed and compared in a tree of definitions, and what its scripts do.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::sandbox::{As, SHELLS, Sandbox};
use crate::support::{directory, gen_service, listing, run, snapshot, succeeds, tool};

/// The paths below a directory, without the content of files.
fn paths(directory: &Path) -> Vec<String> {
    let listed = listing(directory);
    listed.lines().filter_map(|line| Some(line.strip_prefix("==> ")?.split(' ').next()?.to_owned())).collect()
}

/// A tree that also contains definitions of other people.
fn merged() -> TempDir {
    let directory = directory();
    let out = directory.path().join("s6-rc.d");
    for (path, text) in [
        ("mount-data/type", "oneshot\n"),
        ("mount-data/up", "true\n"),
        ("nginx/type", "longrun\n"),
        ("nginx/run", "#!/bin/sh\n"),
        ("nginx-log/run", "#!/bin/sh\n# shellcheck shell=sh\n# Written by me.\n"),
        ("user/type", "bundle"),
        ("user/contents.d/nginx", ""),
        ("user2/type", "bundle\n"),
        ("user2/contents.d/gateway-x-pipeline", ""),
    ] {
        fs::create_dir_all(out.join(path).parent().unwrap()).unwrap();
        fs::write(out.join(path), text).unwrap();
    }
    directory
}

fn manifest(directory: &TempDir, text: &str) {
    fs::write(directory.path().join("gateways.toml"), text).unwrap();
}

#[test]
fn reports_of_definitions() {
    let directory = merged();
    let mut text = String::new();
    let mut say = |arguments: &str| {
        let ran = run(gen_service(directory.path(), arguments.split(' ')));
        let mut said = ran.out;
        if arguments.contains("--check") {
            // Whole scripts are in other snapshots.
            said =
                said.split_inclusive('\n').filter(|line| !line.starts_with('+') || line.starts_with("+++")).collect();
        }
        writeln!(text, "$ gen-service {arguments}\n{said}{}[exit {}]\n", ran.err, ran.code).unwrap();
    };
    manifest(&directory, "[defaults]\nlayout = \"s6-rc\"\n[gateways.a]\nafter = \"mount-data\"\n[gateways.b]\n");
    say("--manifest gateways.toml --out s6-rc.d --check");
    say("--manifest gateways.toml --out s6-rc.d");
    say("--manifest gateways.toml --out s6-rc.d --check");
    manifest(
        &directory,
        "[defaults]\nlayout = \"s6-rc\"\n[gateways.b]\ndown = true\n[gateways.c]\nport = 9000\n[watch]\n",
    );
    say("--manifest gateways.toml --out s6-rc.d --check --json --part watch");
    say("--manifest gateways.toml --out s6-rc.d");
    say("--manifest gateways.toml --out s6-rc.d --prune --json");
    say("--manifest gateways.toml --out s6-rc.d --prune");
    say("c --port 9000 --layout s6-overlay --out overlay");
    say("c --port 9000 --layout s6-overlay --out overlay --check");
    snapshot("layout_reports", "", &text);
    let left = paths(&directory.path().join("s6-rc.d"));
    assert!(!left.iter().any(|path| path.contains("gateway-a") || path.contains("gateway-b-pipeline")), "{left:?}");
    for (mine, said) in
        [("nginx-log/run", "Written by me."), ("user/type", "bundle"), ("user2/contents.d/gateway-x-pipeline", "")]
    {
        let found = fs::read_to_string(directory.path().join("s6-rc.d").join(mine)).unwrap();
        assert!(found.contains(said), "{mine}");
    }
    assert!(left.contains(&"user/contents.d/nginx".to_owned()), "{left:?}");
}

#[test]
fn git_can_mend_a_tree_of_definitions() {
    let directory = merged();
    manifest(&directory, "[gateways.a]\nafter = [\"mount-data\"]\n[gateways.b]\n");
    let arguments = ["--manifest", "gateways.toml", "--out", "s6-rc.d", "--layout", "s6-rc"];
    succeeds(directory.path(), ["b", "--layout", "s6-rc", "--port=1", "--out", "s6-rc.d"]);
    fs::write(directory.path().join("s6-rc.d/gateway-b-log/notification-fd"), "4\n").unwrap();
    let ran = run(gen_service(directory.path(), arguments.into_iter().chain(["--check"])));
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    fs::write(directory.path().join("diff"), &ran.out).unwrap();
    let git =
        Command::new(tool("git")).args(["apply", "../diff"]).current_dir(directory.path().join("s6-rc.d")).output();
    let git = git.unwrap();
    assert!(git.status.success(), "{}", String::from_utf8_lossy(&git.stderr));
    succeeds(directory.path(), arguments.into_iter().chain(["--check"]));
}

/// A run that is refused, with its output. The tree is as before.
fn refused(directory: &TempDir, arguments: &str) -> String {
    let before = listing(directory.path());
    let ran = run(gen_service(directory.path(), arguments.split(' ')));
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments}: {}", ran.err);
    assert_eq!(listing(directory.path()), before, "{arguments}");
    ran.err
}

#[test]
fn a_bundle_to_which_nothing_can_be_added() {
    let rewrite = |path: &Path, text: &str| {
        let _ = fs::remove_file(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (prepare, layout, said) in [
        (
            (&|out: &Path| rewrite(&out.join("user"), "mine")) as &dyn Fn(&Path),
            "s6-rc",
            "out/user is not a directory; make it a directory, or move it away",
        ),
        (
            &|out: &Path| {
                fs::create_dir_all(out.join("real/contents.d")).unwrap();
                symlink("real", out.join("user")).unwrap();
            },
            "s6-rc",
            "out/user is not a directory; make it a directory, or move it away",
        ),
        (
            &|out: &Path| rewrite(&out.join("user/contents"), "nginx\n"),
            "s6-rc",
            "out/user/contents exists, and s6-rc does not read it beside a contents.d; replace it by a directory contents.d with an empty \
             file for each line",
        ),
        (
            &|out: &Path| rewrite(&out.join("user/contents.d"), "nginx\n"),
            "s6-rc",
            "out/user/contents.d is not a directory; make it a directory, or move it away",
        ),
        (
            &|out: &Path| rewrite(&out.join("user/type"), "longrun\n"),
            "s6-rc",
            "out/user/type does not hold the word bundle; write that word to it, or move it away",
        ),
        (
            &|out: &Path| rewrite(&out.join("s6-rc.d/user/type"), "bundle\n"),
            "s6-overlay",
            "out/s6-rc.d/user exists, so s6-overlay ignores user-bundles.d; move it and user2 to user-bundles.d, or use \
             layout s6-rc and --out s6-rc.d",
        ),
    ] {
        let directory = directory();
        fs::create_dir(directory.path().join("out")).unwrap();
        prepare(&directory.path().join("out"));
        for more in ["", " --force", " --check"] {
            let found = refused(&directory, &format!("a --layout {layout} --out out{more}"));
            assert_eq!(found, format!("error: {said}\n"));
        }
    }
}

#[test]
fn a_bundle_of_which_something_is_missing() {
    for made in ["user", "user/contents.d"] {
        let directory = directory();
        fs::create_dir_all(directory.path().join("out").join(made)).unwrap();
        succeeds(directory.path(), ["a", "--layout", "s6-rc", "--out", "out"]);
        succeeds(directory.path(), ["a", "--layout", "s6-rc", "--out", "out", "--check"]);
        assert_eq!(fs::read_to_string(directory.path().join("out/user/type")).unwrap(), "bundle\n");
        // Without this file, s6-rc-compile refuses everything.
        fs::remove_file(directory.path().join("out/user/type")).unwrap();
        let ran = run(gen_service(directory.path(), ["a", "--layout", "s6-rc", "--out", "out", "--check"]));
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.out.contains("+++ b/user/type\n"), "{}", ran.out);
        succeeds(directory.path(), ["a", "--layout", "s6-rc", "--out", "out"]);
        assert_eq!(fs::read_to_string(directory.path().join("out/user/type")).unwrap(), "bundle\n");
    }
    // A gateway that waits for an operator is in no bundle.
    let directory = directory();
    succeeds(directory.path(), ["a", "--layout", "s6-rc", "--down", "--out", "out"]);
    assert!(!directory.path().join("out/user").exists());
}

#[test]
fn what_gen_service_did_not_write_is_left_alone_among_definitions() {
    let directory = merged();
    let out = directory.path().join("s6-rc.d");
    succeeds(directory.path(), ["a", "b", "c", "d", "--layout", "s6-rc", "--out", "s6-rc.d"]);
    fs::write(out.join("gateway-a/dependencies.d/mine"), "").unwrap();
    fs::write(out.join("gateway-b-log/notes.txt"), "mine").unwrap();
    fs::write(out.join("user/contents.d/gateway-c-pipeline"), "").unwrap();
    fs::remove_file(out.join("user/contents.d/gateway-d-pipeline")).unwrap();
    fs::create_dir(out.join("user/contents.d/gateway-d-pipeline")).unwrap();
    fs::create_dir(out.join("gateway-e-log")).unwrap();
    let all = "a b c d e --port 9000 --layout s6-rc --out s6-rc.d".replace(" --port 9000", " --stop-timeout 9");
    let error = "\
error: s6-rc.d/gateway-a holds \"dependencies.d/mine\", which gen-service never writes; move it away, or overwrite it with --force
error: s6-rc.d/gateway-b-log holds \"notes.txt\", which gen-service never writes; move it away, or overwrite it with --force
error: s6-rc.d/user/contents.d/gateway-c-pipeline was not written by gen-service; move it away, or overwrite it with --force
error: s6-rc.d/user/contents.d/gateway-d-pipeline is a directory, not a file; move it away, or overwrite it with --force
error: s6-rc.d/gateway-e-log was not written by gen-service; move it away, or overwrite it with --force
";
    assert_eq!(refused(&directory, &all), error);
    succeeds(directory.path(), all.split(' ').chain(["--force"]));
    succeeds(directory.path(), all.split(' ').chain(["--check"]));
}

#[test]
fn from_one_layout_to_the_other_and_back() {
    let directory = directory();
    manifest(&directory, "[gateways.a]\n[gateways.x-log]\n");
    let write = |layout: &str, more: &'static str| {
        let layout = format!("--layout={layout}");
        succeeds(directory.path(), ["--manifest", "gateways.toml", "--out", "out", &layout, more])
    };
    write("s6", "--prune");
    let before = paths(&directory.path().join("out"));
    write("s6-rc", "--prune");
    let there = paths(&directory.path().join("out"));
    assert!(
        there.contains(&"gateway-x-log-log/run".to_owned()) && !there.contains(&"gateway-a/log/run".to_owned()),
        "{there:?}"
    );
    // Now a gateway has the name that another gateway's logger had. Neither is taken for the other.
    let said = write("s6", "--prune");
    assert_eq!(said, "updated   out/gateway-a  port 9610\nupdated   out/gateway-x-log  port 9771\n");
    let back: Vec<String> =
        paths(&directory.path().join("out")).into_iter().filter(|path| !path.starts_with("user")).collect();
    assert_eq!(back, before, "only the bundle is left, because that layout has no bundles");
    manifest(&directory, "[gateways.x]\n");
    let refused = refused(&directory, "--manifest gateways.toml --out out --layout s6-rc");
    assert_eq!(
        refused,
        "error: out/gateway-x-log was written by gen-service, but not for gateway x; move it away, or overwrite it with --force\n"
    );
}

#[test]
fn a_logger_that_cannot_log_is_ready_before_it_gives_up() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--layout=s6-rc"]);
        sandbox.set("HERMES_HOME", "/no/such/home");
        let ran = sandbox.sh(
            "cd gateway-coder-log; code=0; ./run 3>/tmp/ready || code=$?; echo $code; od -An -c /tmp/ready; ./run 3>&-",
            b"",
        );
        let said = "gateway-coder-log: cannot log to /no/such/home/logs/gateways/coder: ";
        let lines: Vec<&str> = ran.out.lines().collect();
        assert!(lines.len() == 4 && lines[0].starts_with(said) && lines[3].starts_with(said), "{shell:?}: {}", ran.out);
        assert_eq!((lines[1], lines[2].trim(), ran.code, ran.err.as_str()), ("78", "\\n", 78, ""), "{shell:?}");
    }
}

/// What a script does for s6-rc changes neither its output nor its exit code.
#[test]
fn finish_ends_as_in_the_other_layout() {
    for shell in SHELLS {
        for budget in ["off", "2/60"] {
            let ends = |layout: &str| -> Vec<(i32, String, String)> {
                let sandbox = Sandbox::new(shell, &["coder", layout, "--crash-budget", budget]);
                let arguments = ["78 0", "0 0", "1 0", "256 15", "256 78", "75 0", "178 0"];
                let ran = arguments.map(|arguments| {
                    sandbox.script(As::Root, "gateway-coder", "finish", &format!("{arguments} gateway-coder 1"), b"")
                });
                ran.into_iter().map(|ran| (ran.code, ran.out, ran.err)).collect()
            };
            let ended = ends("--layout=s6-rc");
            assert_eq!(ended, ends("--layout=s6"), "{shell:?} {budget}");
            assert_eq!(ended[0].0, 125, "{shell:?} {budget}");
        }
    }
}

/// s6-rc waits until a logger is ready before it starts what depends on it. So a logger that waits says that it is ready.
#[test]
fn a_logger_that_waits_for_another_one_is_ready() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--layout=s6-rc"]);
        let ran = sandbox.sh(
            "cd gateway-coder-log; logs=/opt/data/logs/gateways/coder; \
             (exec s6-setuidgid hermes mkdir -p $logs); mkfifo /tmp/hold; s6-setlock $logs/lock cat /tmp/hold & \
             while s6-setlock -n $logs/lock true 2>/dev/null; do sleep 0.01; done; chown hermes $logs/lock; \
             ./run </dev/null >/tmp/said 2>&1 3>/tmp/ready & logger=$!; \
             until [ -s /tmp/ready ]; do sleep 0.01; done; : >/tmp/hold; wait $logger; echo $?; cat /tmp/said /tmp/ready; \
             echo line | ./run 3>/dev/null; cut -d' ' -f4- $logs/current",
            b"",
        );
        let expected = "0\ngateway-coder-log: waiting for /opt/data/logs/gateways/coder, which another logger has locked\n\nline\n";
        assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected), "{shell:?}");
    }
}

#[test]
fn what_is_wrong_with_a_set_is_told_with_its_place() {
    let directory = directory();
    let mut text = String::new();
    for (manifest, arguments) in [
        ("[gateways.x-log]\n\n[gateways.x]\n", "--layout s6-rc"),
        (
            "[defaults]\nlayout = \"s6-overlay\"\n[gateways.x-pipeline]\n[gateways.x]\n[gateways.dashboard]\n[dashboard]\n",
            "",
        ),
        ("[gateways.a]\nafter = \"mount-data\"\n[dashboard]\nafter = [\"gateway-a\"]\n", ""),
        ("[defaults]\nlayout = \"s6-rc\"\n[gateways.a]\nafter = \"mount-data\"\n", "--layout s6"),
        (
            "[gateways.a]\nafter = \"gateway-b\"\n[gateways.b]\nafter = [\"net\", \"gateway-a-pipeline\"]\n",
            "--layout s6-rc",
        ),
        ("[gateways.a]\nlayout = \"s6-rc\"\nafter = [\"a b\", 7, \"s6rc-x\"]\n[dashboard]\nlayout = \"s6\"\n", ""),
        ("[defaults]\nlayout = \"rc\"\nafter = { a = 1 }\n[gateways.a]\n", ""),
    ] {
        fs::write(directory.path().join("gateways.toml"), manifest).unwrap();
        let arguments = format!("--manifest gateways.toml {arguments}");
        let ran = run(gen_service(directory.path(), arguments.trim_end().split(' ')));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{manifest}");
        writeln!(text, "{manifest}$ gen-service {}\n{}", arguments.trim_end(), ran.err).unwrap();
    }
    for arguments in
        ["x x-log --layout s6-rc", "x --after mount-data", "x y --after gateway-y --layout s6-overlay", "x --after a/b"]
    {
        let ran = run(gen_service(directory.path(), arguments.split(' ')));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments}");
        writeln!(text, "$ gen-service {arguments}\n{}", ran.err).unwrap();
    }
    snapshot("layout_errors", "", &text);
}
