//! A list of everything that s6-overlay does and that a gateway, a hook or a command can notice. It is the same for the archives of the stand-in
//! (docker/stand-ins) and for the real ones (`S6_OVERLAY_ARCHIVES=DIR`). So a test that passes with one of them passes with the other.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use crate::docker::{Container, Ran, directory, docker, image, mount, read, until};

/// Removes what the image puts before a command.
const BARE: &str = "--env=S6_CMD_ARG0=";

fn run(options: &[&str], command: &[&str]) -> Ran {
    let image = image("runtime", None);
    docker(&[&["run", "--rm"], options, &[&image], command].concat())
}

fn script(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
}

/// The names of the variables in the output of env, without those that a shell adds.
fn names(environment: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    names
}

const PATH: &str = "/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[test]
fn the_command_of_the_container() {
    // The command gets nothing of the container's environment, except a PATH that begins with the programs of s6.
    let said = run(&[BARE, "--env=KEY=value"], &["env"]).ok();
    assert_eq!(names(&said), ["PATH"], "{said}");
    assert!(said.contains(&format!("PATH={PATH}\n")), "{said}");
    // With S6_KEEP_ENV, the command gets all of it.
    let said = run(&[BARE, "--env=KEY=value", "--env=S6_KEEP_ENV=1"], &["env"]).ok();
    assert!(names(&said).contains(&"KEY") && said.contains("PATH=/command:"), "{said}");
    let said = run(&[BARE, "--env=KEY=value", "--env=S6_KEEP_ENV=1"], &["/command/with-contenv", "env"]).ok();
    assert!(names(&said).contains(&"KEY"), "{said}");
    // The words of S6_CMD_ARG0 come before the command.
    assert_eq!(run(&["--env=S6_CMD_ARG0=printf %s;"], &["a b", "c"]).ok(), "a b;c;");
    assert_eq!(run(&[BARE, "--workdir=/tmp"], &["pwd"]).ok(), "/tmp\n");
    // The command gets the terminal and the input of the container.
    assert_eq!(run(&[BARE, "--tty"], &["sh", "-c", "test -t 0 -a -t 1 && echo terminal"]).ok(), "terminal\r\n");
    let input = "printf 'one\\ntwo' | docker run --rm --interactive --env=S6_CMD_ARG0= \"$0\" cat";
    let piped = std::process::Command::new("sh").args(["-c", input, &image("runtime", None)]).output().unwrap();
    assert_eq!(Ran::from(piped).ok(), "one\ntwo");
    // The user who runs the container gets /run, and nothing more.
    let said = run(
        &[BARE, "--user=3000:4000"],
        &["sh", "-c", "id -u; id -g; stat -c '%u:%g %a' /run; test -w /etc || echo no"],
    );
    assert_eq!(said.ok(), "3000\n4000\n3000:4000 755\nno\n");
    let refused = run(&[BARE, "--user=3000:4000", "--security-opt=no-new-privileges"], &["id"]);
    assert_eq!((refused.code, refused.out.as_str()), (100, ""), "{}", refused.err);
    // The container ends with the exit code of the command.
    for (command, code) in [("exit 0", 0), ("exit 42", 42), ("kill -KILL $$", 137), ("exec /no/such/program", 127)] {
        assert_eq!(run(&[BARE], &["sh", "-c", command]).code, code, "{command}");
    }
}

#[test]
fn what_hooks_services_and_docker_exec_see() {
    let (hooks, services, record) = (directory(), directory(), directory());
    script(
        hooks.path(),
        "98-first",
        "echo first >>/record/order; env >/record/init; umask >/record/umask; ls -A /run/service >/record/then",
    );
    script(
        hooks.path(),
        "99-second",
        "echo second >>/record/order; printf three >/run/s6/container_environment/FROM_A_HOOK",
    );
    script(
        services.path(),
        "probe/run",
        "env >/record/service; exec /command/with-contenv sh -c 'env -0 >/record/with; exec sleep 1000'",
    );
    let options = [
        mount(&hooks.path().join("98-first"), "/etc/cont-init.d/98-first:ro"),
        mount(&hooks.path().join("99-second"), "/etc/cont-init.d/99-second:ro"),
        mount(services.path(), "/etc/services.d:ro"),
        mount(record.path(), "/record"),
        "--env=LINES_=one\ntwo\n".to_owned(),
        "--env=EMPTY=".to_owned(),
        "--env=ODD=$HOME ' \" \\".to_owned(),
    ];
    let container = Container::run(&image("runtime", None), &options.each_ref().map(String::as_str));
    until("the service", || record.path().join("with").exists());
    let seen = |what| read(record.path(), what);
    // Hooks run one after the other, sorted by name. They get only PATH and the name that s6-rc gives them. s6-svscan is there, and services are not.
    assert_eq!(seen("order"), "first\nsecond\n");
    assert_eq!(names(&seen("init")), ["PATH", "RC_NAME"], "{}", seen("init"));
    assert!(seen("init").contains(&format!("PATH={PATH}\n")));
    assert_eq!(seen("umask"), "0022\n");
    assert!(!seen("then").contains("probe"), "{}", seen("then"));
    // A service gets only PATH. With with-contenv it gets everything, to the byte, and what a hook wrote.
    assert_eq!(names(&seen("service")), ["PATH"], "{}", seen("service"));
    let with = seen("with");
    let with: Vec<&str> = with.split('\0').collect();
    for entry in ["LINES_=one\ntwo\n", "EMPTY=", "ODD=$HOME ' \" \\", "FROM_A_HOOK=three", "HERMES_HOME=/opt/data"] {
        assert!(with.contains(&entry), "{entry:?} in {with:?}");
    }
    // Each variable is in its own file, with a newline added at its end.
    let kept = "cd /run/s6/container_environment; stat -c '%n %a %U' . LINES_ EMPTY; od -An -c LINES_ EMPTY";
    let expected = ". 755 root\nLINES_ 644 root\nEMPTY 644 root\n   o   n   e  \\n   t   w   o  \\n  \\n  \\n\n";
    assert_eq!(container.sh(kept), expected);
    // `docker exec` has the environment of the image and of `docker run`, but not the programs of s6, so with-contenv fails.
    let exec = container.exec(&["env"]).ok();
    assert!(exec.contains("HERMES_HOME=/opt/data\n") && exec.contains("PATH=/usr/local/sbin:"), "{exec}");
    let refused = container.exec(&["/command/with-contenv", "true"]);
    assert!([126, 127].contains(&refused.code), "{refused:?}");
    // The places at which gatewayctl, Hermes and doctor look.
    let looks = "cat /proc/1/comm; stat -c %F /run/s6/basedir; stat -c '%n %a %U' /run/service /run/service/.s6-svscan; \
                 readlink -f /run/service/probe; stat -c '%a %U' /run/service/probe/supervise";
    let expected = "s6-svscan\ndirectory\n/run/service 755 root\n/run/service/.s6-svscan 755 root\n/run/s6/legacy-services/probe\n700 root\n";
    assert_eq!(container.sh(looks), expected);
}

#[test]
fn the_order_and_the_length_of_a_stop() {
    let (hooks, services, record) = (directory(), directory(), directory());
    // The service needs longer than s6-overlay waits by default.
    let slow = "trap 'sleep 4; echo service >>/record/order; exit' TERM; touch /record/up; while :; do sleep 0.1; done";
    script(services.path(), "probe/run", slow);
    script(hooks.path(), "60-probe", "env >/record/finish; echo finish >>/record/order");
    // A process that ignores TERM gets the grace time of the kill, and no more.
    let command = "trap 'echo command >>/record/order' TERM; touch /record/commanded; while :; do sleep 0.1; done";
    let options = [
        mount(&hooks.path().join("60-probe"), "/etc/cont-finish.d/40-probe:ro"),
        mount(services.path(), "/etc/services.d:ro"),
        mount(record.path(), "/record"),
        BARE.to_owned(),
    ];
    let name = image("runtime", None);
    let run =
        [&["run", "--detach"], &options.each_ref().map(String::as_str)[..], &[&name, "sh", "-c", command]].concat();
    let container = Container::of(docker(&run).ok().trim_end());
    // The command starts after the service: a stop before its trap is set would end it without a word.
    until("the service", || record.path().join("up").exists());
    until("the command", || record.path().join("commanded").exists());
    let began = Instant::now();
    docker(&["stop", "--time", "60", container.id()]).ok();
    assert_eq!(read(record.path(), "order"), "service\nfinish\ncommand\n");
    assert_eq!(names(&read(record.path(), "finish")), ["PATH", "RC_NAME"]);
    assert!(began.elapsed().as_secs() < 30, "nothing waited until its time limit");
    let code = docker(&["inspect", "--format", "{{.State.ExitCode}}", container.id()]).ok();
    assert_eq!(code, "0\n", "a stop is not a failure");

    // Here, a service gets only the time that it is given.
    fs::remove_file(record.path().join("up")).unwrap();
    fs::remove_file(record.path().join("order")).unwrap();
    let short = [
        &["run", "--detach", "--env=S6_SERVICES_GRACETIME=500"],
        &options.each_ref().map(String::as_str)[..],
        &[&name],
    ]
    .concat();
    let container = Container::of(docker(&short).ok().trim_end());
    until("the service", || record.path().join("up").exists());
    docker(&["stop", "--time", "60", container.id()]).ok();
    assert_eq!(read(record.path(), "order"), "finish\n");
}

#[test]
fn a_definition_that_cannot_be_compiled_leaves_the_container_with_nothing() {
    let directory = directory();
    fs::write(directory.path().join("type"), "nonsense\n").unwrap();
    let bad = mount(directory.path(), "/etc/s6-overlay/s6-rc.d/bad:ro");
    let container = Container::run(&image("runtime", None), &[&bad]);
    until("the compiler", || container.logs().contains("s6-rc-compile: fatal: "));
    assert_eq!(container.sh("cat /proc/1/comm; ls -d /run/s6-rc* /run/service/s6rc-* 2>/dev/null || :"), "s6-svscan\n");
    assert_eq!(container.stop(), 0);
}

#[test]
fn a_hook_that_fails_stops_the_container() {
    let hooks = directory();
    script(hooks.path(), "fail", "exit 7");
    let said = run(&[&mount(&hooks.path().join("fail"), "/etc/cont-init.d/99-fail:ro")], &["echo", "not reached"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
}
