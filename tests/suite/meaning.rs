//! Meaning: each rendered script, executed under each shell.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use crate::sandbox::{As, Call, SHELLS, Sandbox};
use crate::support::set_mode;

/// A `HERMES_HOME` that breaks a script with a missing quote.
const HOSTILE_HOME: &str = "/share/my  \"her'mes\" $HOME *";

const HERMES_IDS: &str = "10000 10000 10000 10001";

/// The variables that shells add by themselves. All other variables come from the script.
pub(crate) fn without_the_shells_own(call: &Call) -> Vec<(&str, &str)> {
    let own = ["PWD", "OLDPWD", "SHLVL", "_", "LC_ALL"];
    let entries = call.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    entries.filter(|(name, _)| !own.contains(name)).collect()
}

fn home(sandbox: &Sandbox) {
    let home = sandbox.path("").join(HOSTILE_HOME.strip_prefix("/share/").unwrap());
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(10000), Some(10000)).unwrap();
    sandbox.set("HERMES_HOME", HOSTILE_HOME);
}

pub(crate) const PATH: (&str, &str) = ("PATH", "/share/bin:/command:/usr/sbin:/usr/bin:/sbin:/bin");

#[test]
fn run_calls_hermes_as_the_service_user_in_its_home() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--env", "B=two  words", "--env", "A=", "--env", "C=it's"]);
        home(&sandbox);
        sandbox.set("FROM_CONTAINER", "several\nlines\n");
        let ran = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
        assert_eq!(ran.out, "hermes on stdout\nhermes on stderr\n", "{shell:?}");
        let call = sandbox.call().unwrap();
        assert_eq!(call.argv, ["-p", "coder", "gateway", "start", "--foreground", "--port", "9570"], "{shell:?}");
        assert_eq!((call.cwd.as_str(), call.ids.as_str()), (HOSTILE_HOME, HERMES_IDS), "{shell:?}");
        let expected = [
            ("A", ""),
            ("B", "two  words"),
            ("C", "it's"),
            ("FROM_CONTAINER", "several\nlines\n"),
            ("HERMES_HOME", HOSTILE_HOME),
            ("HOME", HOSTILE_HOME),
            PATH,
        ];
        assert_eq!(without_the_shells_own(&call), expected, "{shell:?}");
    }
}

#[test]
fn run_falls_back_to_opt_data() {
    for shell in SHELLS {
        for home in [None, Some("")] {
            let sandbox = Sandbox::new(shell, &["default"]);
            if let Some(home) = home {
                sandbox.set("HERMES_HOME", home);
            }
            let ran = sandbox.script(As::Root, "gateway-default", "run", "gateway-default", b"");
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
            let call = sandbox.call().unwrap();
            assert_eq!(call.argv, ["gateway", "start", "--foreground", "--port", "9449"], "{shell:?}");
            assert_eq!((call.cwd.as_str(), call.ids.as_str()), ("/opt/data", HERMES_IDS), "{shell:?}");
            let expected = [("HERMES_HOME", "/opt/data"), ("HOME", "/opt/data"), PATH];
            assert_eq!(without_the_shells_own(&call), expected, "{shell:?}");
        }
    }
}

#[test]
fn run_does_not_drop_what_it_does_not_have() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder"]);
        home(&sandbox);
        let ran = sandbox.script(As::Hermes, "gateway-coder", "run", "gateway-coder", b"");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
        let call = sandbox.call().unwrap();
        assert_eq!(call.argv, ["-p", "coder", "gateway", "start", "--foreground", "--port", "9570"], "{shell:?}");
        assert_eq!((call.cwd.as_str(), call.ids.as_str()), (HOSTILE_HOME, "10000 10000 10000"), "{shell:?}");
    }
}

#[test]
fn run_never_runs_hermes_as_root_because_it_cannot_tell_who_it_is() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder"]);
        // busybox has its own `id`. This `id` is first on PATH, and it fails for every shell.
        fs::write(sandbox.path("bin/id"), "#!/bin/sh\nexit 1\n").unwrap();
        set_mode(sandbox.path("bin/id"), 0o755);
        fs::write(sandbox.path("bin/hermes"), "#!/bin/sh\nexec /usr/bin/id -u\n").unwrap();
        let ran = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "10000\n", ""), "{shell:?}");
    }
}

#[test]
fn run_refuses_a_home_that_is_relative_or_missing() {
    for shell in SHELLS {
        for (home, message) in [
            ("my home", "gateway-coder: HERMES_HOME must be an absolute path, not 'my home'\n"),
            (
                "/no \"such\" $HOME",
                "gateway-coder: cannot enter HERMES_HOME, '/no \"such\" $HOME': is the volume there?\n",
            ),
        ] {
            for user in [As::Root, As::Hermes] {
                let sandbox = Sandbox::new(shell, &["coder"]);
                sandbox.set("HERMES_HOME", home);
                let ran = sandbox.script(user, "gateway-coder", "run", "gateway-coder", b"");
                assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (78, message, ""), "{shell:?} {user:?}");
                assert!(sandbox.call().is_none(), "{shell:?} {user:?}");
            }
        }
    }
}

#[test]
fn run_refuses_a_home_that_the_service_user_cannot_write() {
    for shell in SHELLS {
        for (user, name) in [(As::Root, "hermes"), (As::Hermes, "the user of this container")] {
            for prepare in [
                "chown root /opt/data",
                "mount -t tmpfs -o ro,uid=10000 none /opt/data",
                "mkdir /opt/data/logs",
                "mkdir -p /opt/data/logs/gateways/coder",
            ] {
                let sandbox = Sandbox::new(shell, &["coder"]);
                let drop = if user == As::Root { "" } else { "setpriv --reuid 10000 --regid 10000 --clear-groups" };
                let ran = sandbox.sh(&format!("{prepare}; cd gateway-coder; exec {drop} ./run"), b"");
                let said = format!("gateway-coder: cannot write HERMES_HOME, '/opt/data', as {name}\n");
                assert_eq!((ran.code, ran.out, ran.err.as_str()), (78, said, ""), "{shell:?} {user:?} {prepare}");
                assert!(sandbox.call().is_none());
            }
        }
    }
}

#[test]
fn run_reads_secrets_when_it_starts() {
    for shell in SHELLS {
        let arguments = ["coder", "--secret", "TOKEN=/share/a 'secret'", "--secret", "EMPTY=/share/empty"];
        let sandbox = Sandbox::new(shell, &arguments);
        let secret = sandbox.path("a 'secret'");
        fs::write(&secret, "$(id) it's\n\n  \"two\" lines! \\n\n\n").unwrap();
        set_mode(&secret, 0o400); // root's, as Docker mounts them
        fs::write(sandbox.path("empty"), "").unwrap();
        let ran = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
        let call = sandbox.call().unwrap();
        assert_eq!(call.environment["TOKEN"], "$(id) it's\n\n  \"two\" lines! \\n", "{shell:?}");
        assert_eq!(call.environment["EMPTY"], "", "{shell:?}");
        assert_eq!(call.ids, HERMES_IDS, "{shell:?}");
    }
}

#[test]
fn run_says_which_secret_it_cannot_read() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--secret", "TOKEN=/share/a 'secret'"]);
        let line = "gateway-coder: cannot read the secret TOKEN from /share/a 'secret'\n";
        let missing = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
        assert!(missing.out.ends_with(line) && missing.out.contains("No such file"), "{shell:?}: {}", missing.out);
        assert_eq!((missing.code, missing.err.as_str()), (78, ""), "{shell:?}");

        fs::write(sandbox.path("a 'secret'"), "token").unwrap();
        set_mode(sandbox.path("a 'secret'"), 0o400);
        let unreadable = sandbox.script(As::Hermes, "gateway-coder", "run", "gateway-coder", b"");
        assert!(unreadable.out.ends_with(line) && unreadable.out.contains("denied"), "{shell:?}: {}", unreadable.out);
        assert_eq!((unreadable.code, unreadable.err.as_str()), (78, ""), "{shell:?}");
        assert!(sandbox.call().is_none(), "{shell:?}");
    }
}

/// Only the service user's own process loads what that user names for loading. The control: with a script that exports the variable first, as older
/// versions rendered it, root loads it.
#[test]
fn what_a_variable_names_is_loaded_behind_the_drop_only() {
    const EVIL: &str = "#include <stdio.h>\n#include <unistd.h>\n__attribute__((constructor)) static void loaded(void) {\n\
                        FILE *f = fopen(\"/share/record/loaded\", \"a\"); if (f) { fprintf(f, \"%d\\n\", (int)geteuid()); fclose(f); } }\n";
    for shell in SHELLS {
        let names = ["LD_PRELOAD", "LD_AUDIT"];
        let options: Vec<String> = names.iter().map(|name| format!("--env={name}=/opt/data/evil.so")).collect();
        let sandbox = Sandbox::new(shell, &["coder", &options[0], &options[1]]);
        fs::write(sandbox.path("evil.c"), EVIL).unwrap();
        let ran = sandbox.sh(
            "cc -shared -fPIC -o /opt/data/evil.so /share/evil.c; touch /share/record/loaded; chmod 666 /share/record/loaded; \
             (cd gateway-coder; exec ./run); sort -u /share/record/loaded; : >/share/record/loaded; \
             export LD_PRELOAD=/opt/data/evil.so; s6-setuidgid hermes true; unset LD_PRELOAD; sort -u /share/record/loaded",
            b"",
        );
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
        assert!(ran.out.ends_with("hermes on stderr\n10000\n0\n10000\n"), "{shell:?}: {}", ran.out);
    }
}

/// Root enters `HERMES_HOME` before it drops. If a symlink of the service user leads root to a directory that this user cannot enter, Hermes does not
/// start there.
#[test]
fn run_takes_its_user_nowhere_that_it_cannot_go_itself() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder"]);
        sandbox.set("HERMES_HOME", "/opt/data/link");
        let ran = sandbox.sh(
            "mkdir -m 700 /root/secret; mkdir -m 777 /root/secret/pub; chmod 777 /root/secret/pub; \
             setpriv --reuid 10000 --regid 10000 --clear-groups ln -s /root/secret/pub /opt/data/link; \
             (cd /root/secret/pub; setpriv --reuid 10000 --regid 10000 --clear-groups sh -c '[ -w . ] && echo led'); \
             cd gateway-coder; code=0; ./run || code=$?; echo $code; find /root/secret -mindepth 2",
            b"",
        );
        let expected = "led\ngateway-coder: cannot write HERMES_HOME, '/opt/data/link', as hermes\n78\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""), "{shell:?}");
        assert!(sandbox.call().is_none(), "{shell:?}");
    }
}

#[test]
fn run_reads_no_secret_where_its_user_could_put_a_symlink() {
    for shell in SHELLS {
        for home in ["/share/home", "/share/home/"] {
            let sandbox = Sandbox::new(shell, &["coder", "--secret", "TOKEN=/share/home/token"]);
            sandbox.set("HERMES_HOME", home);
            let ran = sandbox.sh(
                "mkdir /share/home; chown hermes /share/home; \
                 setpriv --reuid 10000 --regid 10000 --clear-groups ln -s /etc/shadow /share/home/token; \
                 cd gateway-coder; code=0; ./run || code=$?; echo $code",
                b"",
            );
            let expected = "gateway-coder: the secret /share/home/token is in a home, and its user could make root read any file: mount the secret elsewhere\n78\n";
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""), "{shell:?}");
            assert!(sandbox.call().is_none(), "{shell:?}");
        }
    }
}

#[test]
fn run_has_another_command_line_for_the_hermes_of_today() {
    for shell in SHELLS {
        let program = "/share/my venv/it's hermes";
        let arguments = ["coder", "--hermes-cli", "run", "--hermes", program, "--user", "nobody", "--port", "8642"];
        let sandbox = Sandbox::new(shell, &arguments);
        fs::create_dir(sandbox.path("my venv")).unwrap();
        fs::rename(sandbox.path("bin/hermes"), sandbox.path("my venv/it's hermes")).unwrap();
        let ran = sandbox.sh("chown nobody /opt/data; cd gateway-coder; ./run gateway-coder", b"");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
        let call = sandbox.call().unwrap();
        assert_eq!(call.argv, ["-p", "coder", "gateway", "run", "--replace"], "{shell:?}");
        assert_eq!(call.ids, "65534 65534 65534", "{shell:?}");
        let expected = [
            ("API_SERVER_PORT", "8642"),
            ("HERMES_HOME", "/opt/data"),
            ("HERMES_S6_SUPERVISED_CHILD", "1"),
            ("HERMES_SUPERVISED_CHILD", "1"),
            ("HOME", "/opt/data"),
            PATH,
        ];
        assert_eq!(without_the_shells_own(&call), expected, "{shell:?}");
    }
}

#[test]
fn log_run_logs_as_the_service_user_below_home() {
    for shell in SHELLS {
        for user in [As::Root, As::Hermes] {
            let sandbox = Sandbox::new(shell, &["coder"]);
            home(&sandbox);
            // s6-log says on descriptor 3 that it is ready, as log/notification-fd says.
            let ran = sandbox.script(
                user,
                "gateway-coder/log",
                "run",
                "gateway-coder/log 3>/share/record/ready",
                b"one\ntwo\n",
            );
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""), "{shell:?} {user:?}");
            assert_eq!(fs::read_to_string(sandbox.path("record/ready")).unwrap(), "\n", "{shell:?} {user:?}");
            let home = sandbox.path(HOSTILE_HOME.strip_prefix("/share/").unwrap());
            let current = fs::read_to_string(home.join("logs/gateways/coder/current")).unwrap();
            let lines: Vec<&str> = current.lines().map(|line| line.split_once("  ").unwrap().1).collect();
            assert_eq!(lines, ["one", "two"], "{shell:?} {user:?}: {current}");
            for path in ["logs", "logs/gateways", "logs/gateways/coder", "logs/gateways/coder/current"] {
                let metadata = fs::metadata(home.join(path)).unwrap();
                assert_eq!((metadata.uid(), metadata.gid()), (10000, 10000), "{shell:?} {user:?} {path}");
            }
        }
    }
}

#[test]
fn log_run_gives_the_container_what_no_terminal_acts_on() {
    const LINES: &[u8] =
        b"one\n\ttwo \xe2\x9a\x95\nesc \x1b[31m\nbad \xff, esc \x1b[31m\nc1 \xc2\x9b31m\nreturn \r\nbad \xff\n\n";
    for shell in SHELLS {
        for user in ["", "setpriv --reuid 10000 --regid 10000 --clear-groups"] {
            let sandbox = Sandbox::new(shell, &["coder", "--log-to", "both"]);
            home(&sandbox);
            let command = format!(
                "cd gateway-coder/log; {user} ./run gateway-coder/log 3>/dev/null | cat -v; \
                 cd \"$(cat /run/s6/container_environment/HERMES_HOME)\"; cut -d' ' -f4- logs/gateways/coder/current | cat -v"
            );
            let ran = sandbox.sh(&command, LINES);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?} {user}");
            let expected = "coder: one\ncoder: \ttwo M-bM-^ZM-^U\ncoder: bad M-^?\ncoder: \n\
                            one\n\ttwo M-bM-^ZM-^U\nesc ^[[31m\nbad M-^?, esc ^[[31m\nc1 M-BM-^[31m\nreturn ^M\nbad M-^?\n\n";
            assert_eq!(ran.out, expected, "{shell:?} {user}");
        }
    }
}

#[test]
fn log_run_falls_back_to_opt_data_and_keeps_the_files_it_was_told_to() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["default", "--log-files", "2", "--log-size", "4096"]);
        let lines = "0123456789012345678901234567890123456789012345678901234567890123456789\n".repeat(1000);
        let ran = sandbox.sh(
            "(cd gateway-default/log; ./run gateway-default/log 3>/dev/null); ls -l /opt/data/logs/gateways/default",
            lines.as_bytes(),
        );
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
        // s6-log rotates between reads, so a file may be larger. At the default of 1000000 bytes there would be no rotated file.
        let rotated = ran.out.lines().filter(|line| line.contains(" @")).count();
        assert_eq!(rotated, 2, "{shell:?}: {}", ran.out);
    }
}

#[test]
fn log_run_refuses_what_it_cannot_use_and_says_so_once() {
    for shell in SHELLS {
        for (home, message) in [
            ("my home", "gateway-coder/log: HERMES_HOME must be an absolute path, not 'my home'\n"),
            ("/etc", "gateway-coder/log: cannot log to /etc/logs/gateways/coder: "),
        ] {
            let sandbox = Sandbox::new(shell, &["coder"]);
            sandbox.set("HERMES_HOME", home);
            let ran = sandbox.script(As::Root, "gateway-coder/log", "run", "gateway-coder/log", b"lost\n");
            assert_eq!((ran.code, ran.err.as_str()), (78, ""), "{shell:?}: {}", ran.out);
            assert!(ran.out.starts_with(message) && ran.out.lines().count() == 1, "{shell:?}: {}", ran.out);
        }
    }
}

#[test]
fn log_run_waits_for_another_logger_of_its_directory_and_says_so_once() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder"]);
        let ran = sandbox.sh(
            "cd gateway-coder/log; logs=/opt/data/logs/gateways/coder; \
             (exec s6-setuidgid hermes mkdir -p $logs); mkfifo /tmp/hold; s6-setlock $logs/lock cat /tmp/hold & \
             while s6-setlock -n $logs/lock true 2>/dev/null; do sleep 0.01; done; chown hermes $logs/lock; \
             ./run gateway-coder/log </dev/null >/tmp/said 2>&1 & logger=$!; \
             until grep -qs waiting /tmp/said; do sleep 0.01; done; : >/tmp/hold; wait $logger; echo $?; cat /tmp/said; \
             echo line | ./run gateway-coder/log 3>/dev/null; cut -d' ' -f4- $logs/current",
            b"",
        );
        let expected =
            "0\ngateway-coder/log: waiting for /opt/data/logs/gateways/coder, which another logger has locked\nline\n";
        assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected), "{shell:?}");
    }
}

#[test]
fn log_run_follows_no_symlink_as_root() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder"]);
        home(&sandbox);
        let target = sandbox.path("only-roots");
        fs::create_dir(&target).unwrap();
        let home = sandbox.path(HOSTILE_HOME.strip_prefix("/share/").unwrap());
        symlink("/share/only-roots", home.join("logs")).unwrap();
        let ran = sandbox.script(As::Root, "gateway-coder/log", "run", "gateway-coder/log", b"");
        assert_eq!(ran.code, 78, "{shell:?}: {}", ran.out);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "{shell:?}");
    }
}

#[test]
fn finish_ends_for_good_after_exit_78_only() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--crash-budget", "off"]);
        for (arguments, code) in [("78 0", 125), ("0 0", 0), ("1 0", 0), ("256 15", 0), ("256 78", 0), ("178 0", 0)] {
            let ran = sandbox.script(As::Root, "gateway-coder", "finish", &format!("{arguments} gateway-coder 1"), b"");
            let said = if code == 125 {
                "gateway-coder: exit 78, a configuration error: down until it is started again\n"
            } else {
                ""
            };
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, said, ""), "{shell:?} {arguments}");
        }
    }
}
