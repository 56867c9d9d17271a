//! The tree under `--out`: what is refused, replaced, removed and compared. A failure leaves the tree as it was.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{GEN_SERVICE, Ran, directory, gen_service, listing, run, set_mode, snapshot, succeeds, tool};

fn exits(directory: &Path, arguments: &str, code: i32, error: &str) {
    let before = listing(directory);
    let ran = run(gen_service(directory, arguments.split(' ')));
    assert_eq!((ran.code, ran.err.as_str()), (code, error), "{arguments}: {}", ran.out);
    assert_eq!(listing(directory), before, "{arguments}");
}

#[test]
fn an_out_that_is_no_directory() {
    let directory = directory();
    fs::write(directory.path().join("file"), "mine").unwrap();
    symlink("nowhere", directory.path().join("dangling")).unwrap();
    symlink("loop", directory.path().join("loop")).unwrap();
    for (arguments, error) in [
        ("a --out file", "error: file is a file, not a directory; give --out another path\n"),
        ("a --out file/deeper/still", "error: file is a file, not a directory; give --out another path\n"),
        ("a --out file --check", "error: file is a file, not a directory; give --out another path\n"),
        ("a --out dangling", "error: dangling is a dangling symlink, not a directory; give --out another path\n"),
        ("a --out dangling/x", "error: dangling is a dangling symlink, not a directory; give --out another path\n"),
    ] {
        exits(directory.path(), arguments, 2, error);
    }
    exits(directory.path(), "a --out loop", 1, "error: cannot read loop: too many levels of symbolic links\n");
}

#[test]
fn an_out_behind_a_symlink_or_in_the_working_directory() {
    let directory = directory();
    fs::create_dir(directory.path().join("real")).unwrap();
    symlink("real", directory.path().join("link")).unwrap();
    succeeds(directory.path(), ["a", "--out", "link"]);
    succeeds(directory.path().join("real"), ["a", "--out", ".", "--check"]);
    succeeds(directory.path().join("real"), ["a", "--out", "../link/", "--check"]);
}

#[test]
fn what_gen_service_did_not_write_is_left_alone() {
    let directory = directory();
    let out = directory.path().join("out");
    succeeds(directory.path(), ["own", "more", "live", "--out", "out"]);
    fs::create_dir(out.join("gateway-empty")).unwrap();
    fs::create_dir(out.join("gateway-foreign")).unwrap();
    fs::write(out.join("gateway-foreign/run"), "#!/bin/sh\n# shellcheck shell=sh\n# Written by me.\n").unwrap();
    fs::write(out.join("gateway-file"), "mine").unwrap();
    symlink("gateway-own", out.join("gateway-link")).unwrap();
    fs::create_dir(out.join("gateway-more/data")).unwrap();
    fs::write(out.join("gateway-more/data/state"), "mine").unwrap();
    fs::create_dir(out.join("gateway-live/supervise")).unwrap();
    fs::rename(out.join("gateway-own"), out.join("gateway-renamed")).unwrap();
    let error = "\
error: out/gateway-empty was not written by gen-service; move it away, or overwrite it with --force
error: out/gateway-foreign was not written by gen-service; move it away, or overwrite it with --force
error: out/gateway-file is a file, not a directory; move it away, or overwrite it with --force
error: out/gateway-link is a symlink, not a directory; move it away, or overwrite it with --force
error: out/gateway-more holds \"data/state\", which gen-service never writes; move it away, or overwrite it with --force
error: out/gateway-renamed was written by gen-service, but not for gateway renamed; move it away, or overwrite it with --force
error: out/gateway-live holds supervise, so a supervisor may run in it; render into another directory and publish from there
";
    let all = "empty foreign file link more renamed live fresh --out out";
    exits(directory.path(), all, 2, error);

    let forced = succeeds(directory.path(), all.split(' ').chain(["--force"]));
    assert_eq!(forced.lines().filter(|line| line.starts_with("updated")).count(), 7, "{forced}");
    succeeds(directory.path(), all.split(' ').chain(["--check"]));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 8);
}

#[test]
fn prune_removes_its_own_and_nothing_else() {
    let directory = directory();
    let out = directory.path().join("out");
    let manifest = |text: &str| fs::write(directory.path().join("gateways.toml"), text).unwrap();
    manifest("[gateways.a]\n[gateways.b]\n[gateways.c]\n");
    succeeds(directory.path(), ["--manifest", "gateways.toml", "--out", "out"]);
    fs::create_dir(out.join("gateway-foreign")).unwrap();
    fs::create_dir(out.join("svc-b")).unwrap();
    fs::write(out.join("gateway-note"), "mine").unwrap();
    fs::write(out.join("gateway-c/notes.txt"), "mine").unwrap();
    manifest("[gateways.a]\n");
    let error = "error: out/gateway-c holds \"notes.txt\", which gen-service never writes; move it away, or overwrite it with --force\n";
    exits(directory.path(), "--manifest gateways.toml --out out --prune", 2, error);

    fs::rename(out.join("gateway-c/notes.txt"), directory.path().join("notes.txt")).unwrap();
    succeeds(directory.path(), ["--manifest", "gateways.toml", "--out", "out", "--prune"]);
    let mut left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["gateway-a", "gateway-foreign", "gateway-note", "svc-b"]);
    succeeds(directory.path(), ["--manifest", "gateways.toml", "--out", "out", "--check"]);
}

#[test]
fn check_shows_every_difference_and_git_can_mend_what_git_knows() {
    let directory = directory();
    let out = directory.path().join("out");
    fs::write(directory.path().join("gateways.toml"), "[gateways.a]\n[gateways.b]\ndown = true\n[gateways.c]\n")
        .unwrap();
    fs::write(directory.path().join("old.toml"), "[gateways.b]\n[gateways.c]\nport = 9000\n[gateways.old]\n").unwrap();
    succeeds(directory.path(), ["--manifest", "old.toml", "--out", "out"]);
    set_mode(out.join("gateway-b/run"), 0o644);
    set_mode(out.join("gateway-b/finish"), 0o775);
    fs::write(out.join("gateway-b/two words \"é\""), "stray\nwithout a last newline").unwrap();
    symlink("/etc/passwd", out.join("gateway-b/link")).unwrap();
    fs::remove_file(out.join("gateway-c/type")).unwrap();
    symlink("timeout-kill", out.join("gateway-c/type")).unwrap();
    fs::write(out.join("gateway-c/finish"), "").unwrap();
    let before = listing(directory.path());
    let ran = run(gen_service(directory.path(), ["--manifest", "gateways.toml", "--out", "out", "--check"]));
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert_eq!(listing(directory.path()), before);
    // Other snapshots have whole new and removed scripts. Here only the lines between differences count.
    let brief: Vec<&str> =
        ran.out.lines().filter(|line| !line.starts_with(['+', '-']) || line.contains("gateway-")).collect();
    snapshot("check", "", &brief.join("\n"));

    fs::write(directory.path().join("diff"), &ran.out).unwrap();
    let git = Command::new(tool("git")).args(["apply", "../diff"]).current_dir(&out).output().unwrap();
    assert!(git.status.success(), "{}", String::from_utf8_lossy(&git.stderr));
    set_mode(out.join("gateway-b/finish"), 0o755);
    succeeds(directory.path(), ["--manifest", "gateways.toml", "--out", "out", "--check"]);
}

#[test]
fn check_names_what_no_diff_can_show() {
    let directory = directory();
    let out = directory.path().join("out");
    succeeds(directory.path(), ["a", "--out", "out"]);
    set_mode(out.join("gateway-a"), 0o700);
    fs::write(out.join("gateway-a/finish"), b"\xff\n").unwrap();
    fs::remove_file(out.join("gateway-a/type")).unwrap();
    fs::create_dir(out.join("gateway-a/type")).unwrap();
    assert!(Command::new("mkfifo").arg(out.join("gateway-a/fifo")).status().unwrap().success());
    fs::remove_dir_all(out.join("gateway-a/log")).unwrap();
    fs::create_dir_all(out.join(".gen-service.tmp/fresh")).unwrap();
    let ran = run(gen_service(directory.path(), ["a", "--out", "out", "--check"]));
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let plain: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| !line.starts_with("+ ") && (line.contains("gateway-a") || line.contains(".tmp")))
        .collect();
    assert_eq!(
        plain,
        [
            "directory gateway-a has mode 0700 instead of 0755",
            "gateway-a/fifo should not be there: a fifo, socket or device",
            "file gateway-a/finish does not have the text that it should have",
            "gateway-a/log is missing: a directory",
            "diff --git a/gateway-a/log/notification-fd b/gateway-a/log/notification-fd",
            "+++ b/gateway-a/log/notification-fd",
            "diff --git a/gateway-a/log/run b/gateway-a/log/run",
            "+++ b/gateway-a/log/run",
            "gateway-a/type should not be there: a directory",
            "diff --git a/gateway-a/type b/gateway-a/type",
            "+++ b/gateway-a/type",
            ".gen-service.tmp should not be there: a directory",
            ".gen-service.tmp/fresh should not be there: a directory",
        ]
    );
}

#[test]
fn check_in_json() {
    let directory = directory();
    succeeds(directory.path(), ["a", "--out", "out"]);
    fs::remove_file(directory.path().join("out/gateway-a/type")).unwrap();
    fs::write(directory.path().join("out/gateway-a/x"), "").unwrap();
    set_mode(directory.path().join("out/gateway-a/run"), 0o644);
    let ran = run(gen_service(directory.path(), ["a", "--out", "out", "--check", "--json"]));
    let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &said["matches"]), (1, &false.into()));
    let listed: Vec<(&str, &str)> = said["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| (difference["path"].as_str().unwrap(), difference["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(listed, [("gateway-a/run", "different"), ("gateway-a/type", "missing"), ("gateway-a/x", "stray")]);
    assert_eq!(
        said["differences"][0]["diff"],
        "diff --git a/gateway-a/run b/gateway-a/run\nold mode 100644\nnew mode 100755\n"
    );
}

#[test]
fn a_leftover_of_a_killed_run_goes_with_the_next() {
    let directory = directory();
    let out = directory.path().join("out");
    succeeds(directory.path(), ["a", "--out", "out"]);
    for leftover in ["directory", "file", "symlink"] {
        let staging = out.join(".gen-service.tmp");
        match leftover {
            "directory" => fs::create_dir_all(staging.join("fresh/gateway-a/log")).unwrap(),
            "file" => fs::write(&staging, "").unwrap(),
            _ => symlink("/etc", &staging).unwrap(),
        }
        succeeds(directory.path(), ["a", "--out", "out"]);
        succeeds(directory.path(), ["a", "--out", "out", "--check"]);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "{leftover}");
    }
    assert!(Path::new("/etc/passwd").exists());
}

#[test]
fn two_runs_at_once_wait_for_each_other() {
    let directory = directory();
    fs::create_dir(directory.path().join("out")).unwrap();
    // As another run would leave it.
    let options = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CREATE;
    let path = directory.path().join("out/.gen-service.lock");
    let lock = rustix::fs::open(path, options, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let mut command = gen_service(directory.path(), ["a", "--hermes-cli", "start", "--out", "out"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    err.read_line(&mut line).unwrap();
    assert_eq!(line, "waiting for another gen-service that writes to out\n");
    assert_eq!(fs::read_dir(directory.path().join("out")).unwrap().count(), 1);
    drop(lock);
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    succeeds(directory.path(), ["a", "--out", "out", "--check"]);
}

#[test]
fn many_runs_at_once_all_come_through() {
    let directory = directory();
    let children: Vec<_> = (0..16)
        .map(|number| {
            let name = format!("p{}", number % 8);
            let port = (9000 + number).to_string();
            let mut command = gen_service(directory.path(), ["shared", name.as_str(), "--out", "a/b/out"]);
            command.args(["--hermes-cli", "run", "--env", &format!("PORT={port}")]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let ran: Ran = child.wait_with_output().unwrap().into();
        let waited = "waiting for another gen-service that writes to a/b/out\n";
        assert_eq!((ran.code, ran.err.replace(waited, "").as_str()), (0, ""));
    }
    let listed = listing(directory.path());
    assert_eq!(listed.matches("/run 0755 <==").count(), 18, "{listed}");
    assert!(!listed.contains(".gen-service"), "{listed}");
}

/// Runs a script of the POSIX shell in its own mount namespace, in this directory, with `$0` the program.
fn with_mounts(directory: &Path, script: &str) -> Ran {
    let mut command = Command::new("unshare");
    command.args(["--mount", "dash", "-euc", script, GEN_SERVICE]).current_dir(directory);
    run(command)
}

#[test]
fn a_disk_that_is_full_or_read_only() {
    let directory = directory();
    fs::create_dir(directory.path().join("disk")).unwrap();
    let profiles = (0..40).map(|number| format!("p{number}")).collect::<Vec<_>>().join(" ");
    let full = with_mounts(
        directory.path(),
        &format!(
            "mount -t tmpfs -o size=256k none disk; $0 old --out disk/out >/dev/null; ls -A disk/out; \
             $0 old {profiles} --down --out disk/out || echo $?; ls -A disk/out; $0 old --out disk/out --check; \
             $0 {profiles} --out disk/new/deep || echo $?; ls -A disk"
        ),
    );
    assert_eq!((full.code, full.out.as_str()), (0, "gateway-old\n1\ngateway-old\n1\nout\n"), "{}", full.err);
    let lines: Vec<&str> = full.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", full.err);
    for line in lines {
        assert!(line.starts_with("error: cannot ") && line.ends_with(": no space left on device"), "{line}");
    }

    let read_only = with_mounts(
        directory.path(),
        "mount -t tmpfs none disk; $0 a --out disk >/dev/null; mount -o remount,ro disk; \
         $0 a --out disk --check && $0 a --out disk && { $0 a --out disk --down || echo $?; }; $0 a --out disk/x || echo $?",
    );
    assert_eq!(
        (read_only.code, read_only.out.as_str()),
        (0, "unchanged disk/gateway-a  port 9610\n1\n1\n"),
        "{}",
        read_only.err
    );
    let expected = "error: cannot create disk/.gen-service.tmp: read-only file system\n\
                    error: cannot create disk/x: read-only file system\n";
    assert_eq!(read_only.err, expected);
}

#[test]
fn a_directory_that_an_ordinary_user_may_not_write() {
    let directory = directory();
    let as_nobody = |arguments: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", GEN_SERVICE]).args(arguments.split(' '));
        run({
            command.current_dir(directory.path());
            command
        })
    };
    succeeds(directory.path(), ["a", "--out", "out"]);
    let before = listing(directory.path());
    for (arguments, error) in [
        ("a --out new", "error: cannot create new: permission denied; only root may do that\n"),
        ("a --out out --down", "error: cannot create out/.gen-service.tmp: permission denied; only root may do that\n"),
    ] {
        let ran = as_nobody(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (1, error));
        assert_eq!(listing(directory.path()), before);
    }
    assert_eq!(as_nobody("a --out out --check").code, 0);

    fs::create_dir(directory.path().join("theirs")).unwrap();
    set_mode(directory.path().join("theirs"), 0o1777);
    let ran = as_nobody("a --out theirs");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(fs::metadata(directory.path().join("theirs/gateway-a/run")).unwrap().uid(), 65534);
}

#[test]
fn a_set_group_id_directory_changes_no_mode() {
    let directory = directory();
    fs::create_dir(directory.path().join("out")).unwrap();
    set_mode(directory.path().join("out"), 0o2775);
    succeeds(directory.path(), ["a", "--out", "out"]);
    let mode = |path: &str| fs::metadata(directory.path().join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("out"), mode("out/gateway-a"), mode("out/gateway-a/log")), (0o2775, 0o755, 0o755));
}

/// The umask does not count in a directory with a default ACL. Files that are made there get the modes of the ACL.
#[test]
fn a_default_acl_changes_no_mode() {
    // Version 2, then the tag, permissions and no id of each entry: everything for the owner, nothing for group and others.
    let entry = |tag: u16, permissions: u16| [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &[0xff; 4]].concat();
    let acl = [&2_u32.to_le_bytes()[..], &entry(0x01, 7), &entry(0x04, 0), &entry(0x20, 0)].concat();
    let directory = directory();
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    rustix::fs::setxattr(&out, "system.posix_acl_default", &acl, rustix::fs::XattrFlags::empty()).unwrap();
    fs::write(out.join("control"), "").unwrap();
    succeeds(directory.path(), ["a", "--out", "out"]);
    let mode = |path: &str| fs::metadata(out.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("control"), 0o600);
    assert_eq!((mode("gateway-a"), mode("gateway-a/log"), mode("gateway-a/log/run")), (0o755, 0o755, 0o755));
}

/// A later layer of an image can remove a directory of an earlier one, but cannot rename it.
#[test]
fn directories_of_an_earlier_image_layer_are_replaced() {
    let directory = directory();
    for name in ["disk", "root"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    fs::write(directory.path().join("gateways.toml"), "[gateways.b]\ndown = true\n[gateways.c]\n").unwrap();
    let ran = with_mounts(
        directory.path(),
        "mount -t tmpfs none disk; mkdir disk/lower disk/upper disk/work; $0 a b --out disk/lower/out >/dev/null; \
         mount -t overlay overlay -o lowerdir=disk/lower,upperdir=disk/upper,workdir=disk/work root; \
         $0 --manifest gateways.toml --out root/out --prune; $0 --manifest gateways.toml --out root/out --check; ls -A root/out",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let expected = "updated   root/out/gateway-b  port 9566\ncreated   root/out/gateway-c  port 9403\n\
                    removed   root/out/gateway-a\ngateway-b\ngateway-c\n";
    assert_eq!(ran.out, expected);
}
