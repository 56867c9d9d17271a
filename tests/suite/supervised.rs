//! What only a supervisor can show: finish scripts and loggers under a real s6-svscan.

use std::fmt::Write as _;
use std::fs;

use crate::sandbox::{SHELLS, Sandbox};
use crate::support::set_mode;

/// Starts s6-svscan on `/share/services`, waits until each of these conditions holds, and then runs `last`.
///
/// A condition is a service and what `s6-svstat -o up,wantedup` says of it.
fn supervise(sandbox: &Sandbox, conditions: &[(&str, &str)], last: &str) -> String {
    let mut script = String::from("s6-svscan /share/services >/share/scan.log 2>&1 & ");
    for (service, state) in conditions {
        write!(
            script,
            "until [ \"$(s6-svstat -o up,wantedup {service} 2>/dev/null)\" = '{state}' ]; do \
             [ $((tries += 1)) -lt 600 ] || {{ echo '{service} is not {state}'; cat /share/scan.log; exit 1; }}; \
             sleep 0.05; done; "
        )
        .unwrap();
    }
    let ran = sandbox.sh(&format!("tries=0; {script}{last}"), b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{:?}: {}", sandbox.shell, ran.out);
    ran.out
}

fn hermes(sandbox: &Sandbox, script: &str) {
    fs::write(sandbox.path("bin/hermes"), format!("#!/bin/sh\necho run >>/share/record/runs-$2\n{script}\n")).unwrap();
}

/// A command that waits until this is in the log of a gateway, and shows the log. The logger may read it after the gateway is down.
fn logged(profile: &str, what: &str) -> String {
    let current = format!("/opt/data/logs/gateways/{profile}/current");
    format!(
        "until grep -qs '{what}' {current}; do \
         [ $((tries += 1)) -lt 600 ] || {{ echo 'the log of {profile} has no {what}'; break; }}; sleep 0.05; done; cat {current}"
    )
}

const DOWN_FOR_GOOD: &str = "false false";

#[test]
fn a_gateway_that_dies_too_often_is_left_down() {
    for shell in SHELLS {
        // Exit 0 counts as well: a loop of graceful restarts is a loop.
        let sandbox = Sandbox::new(shell, &["zero", "one", "--hermes-cli", "run", "--crash-budget", "3/60"]);
        hermes(&sandbox, "[ $2 = zero ] && exit 0; exit 1");
        let down = [("gateway-zero", DOWN_FOR_GOOD), ("gateway-one", DOWN_FOR_GOOD)];
        let log = supervise(&sandbox, &down, &logged("one", "PERMANENT FAILURE"));
        for profile in ["zero", "one"] {
            let runs = fs::read_to_string(sandbox.path("record").join(format!("runs-{profile}"))).unwrap();
            assert_eq!(runs.lines().count(), 3, "{shell:?} {profile}");
        }
        // The gateway's own log says why it is down.
        assert!(log.trim_end().contains("PERMANENT FAILURE"), "{shell:?}: {log}");
    }
}

#[test]
fn exit_78_leaves_a_gateway_down_at_once_and_says_so_in_its_log() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--crash-budget", "off"]);
        hermes(&sandbox, "exit 78");
        let log = supervise(&sandbox, &[("gateway-coder", DOWN_FOR_GOOD)], &logged("coder", "exit 78"));
        assert_eq!(fs::read_to_string(sandbox.path("record/runs-coder")).unwrap(), "run\n", "{shell:?}");
        let last = log.lines().last().unwrap_or_default();
        let said = "gateway-coder: exit 78, a configuration error: down until it is started again";
        assert!(last.ends_with(said), "{shell:?}: {log}");
    }
}

#[test]
fn every_death_but_that_by_term_spends_the_crash_budget() {
    // All signals that end a process. The others stop it, continue it, are ignored, or belong to the C library.
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28, 32, 33];
    let signals = (1..=64).filter(|signal| !harmless.contains(signal)).map(|signal| format!("signal-{signal}"));
    let codes = [0, 1, 77, 78, 79, 125, 127, 142, 143, 144, 254, 255].map(|code| format!("exit-{code}"));
    let profiles: Vec<String> = signals.chain(codes).collect();
    let mut arguments: Vec<&str> = profiles.iter().map(String::as_str).collect();
    arguments.extend(["--hermes-cli", "run", "--crash-budget", "1/600"]);
    let sandbox = Sandbox::new(SHELLS[0], &arguments);
    // A gateway that gets a second start stays up.
    hermes(
        &sandbox,
        "[ \"$(wc -l </share/record/runs-$2)\" = 1 ] || exec sleep 1000\n\
         case $2 in signal-*) kill -\"${2#signal-}\" $$ ;; *) exit \"${2#exit-}\" ;; esac",
    );
    let by_term = ["gateway-signal-15", "gateway-exit-143"];
    let services: Vec<String> = profiles.iter().map(|profile| format!("gateway-{profile}")).collect();
    let dead = services.iter().filter(|service| !by_term.contains(&service.as_str()));
    let conditions: Vec<(&str, &str)> = dead.map(|service| (service.as_str(), DOWN_FOR_GOOD)).collect();
    let second = "for runs in signal-15 exit-143; do \
                  until [ \"$(wc -l </share/record/runs-$runs)\" = 2 ]; do sleep 0.05; done; done";
    supervise(&sandbox, &conditions, second);
}

/// Hermes asks for a restart, and does so for ever if another gateway serves its profile. It gets each restart. The third within a minute, and all
/// later ones, come late. The log has a line for each.
#[test]
fn exit_75_is_started_again_and_paced() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--hermes-cli", "run", "--crash-budget", "3/600"]);
        hermes(&sandbox, "exit 75");
        // This records how long the script waits. busybox has its own sleep.
        let sleep = "#!/bin/sh\ncase $1 in 4) echo 4 >>/share/record/slept ;; *) exec /usr/bin/sleep \"$@\" ;; esac\n";
        fs::write(sandbox.path("bin/sleep"), sleep).unwrap();
        set_mode(sandbox.path("bin/sleep"), 0o755);
        let log = supervise(&sandbox, &[("gateway-coder", DOWN_FOR_GOOD)], &logged("coder", "PERMANENT FAILURE"));
        let lines: Vec<&str> = log.lines().map(|line| line.split_once("  ").unwrap().1).collect();
        let (again, late) = (
            "gateway-coder: exit 75, it asks for a restart",
            "gateway-coder: exit 75 again and again: does another one serve the same profile? See gatewayctl doctor",
        );
        assert_eq!(lines[..3], [again, again, late], "{shell:?}");
        let slept = fs::read_to_string(sandbox.path("record/slept")).unwrap_or_default();
        assert!(slept == "4\n" || shell.name == "busybox", "{shell:?}: {slept}");
    }
}

/// If an operator stops a gateway, no exit code is a crash: Hermes ends with 1 after TERM, and with 0 in its first moment.
#[test]
fn what_is_told_to_stop_spends_no_crash_budget() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--hermes-cli", "run", "--crash-budget", "2/600"]);
        hermes(
            &sandbox,
            "trap 'exit '\"$(cat /share/code)\" TERM; echo up >/share/record/up; while :; do sleep 0.05; done",
        );
        let stop = "up_() { until [ -s /share/record/up ]; do sleep 0.02; done; }; \
                    for code in 1 0 1 75 78; do echo $code >/share/code; s6-svc -u gateway-coder; up_; rm /share/record/up; \
                    s6-svc -wD -T 10000 -d gateway-coder; s6-svdt gateway-coder; done; s6-svc -u gateway-coder; up_; \
                    s6-svstat -o up,wantedup gateway-coder; log=/opt/data/logs/gateways/coder/current; \
                    until [ -e $log ]; do sleep 0.02; done; grep -c PERMANENT $log || :";
        fs::write(sandbox.path("code"), "1\n").unwrap();
        let said = supervise(&sandbox, &[("gateway-coder", "true true")], stop);
        assert_eq!(said, "true true\n0\n", "{shell:?}");
    }
}

/// After TERM in its first moment, Hermes ends with 0, and the operator wants a restart.
#[test]
fn exit_0_parks_nothing() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--hermes-cli", "run"]);
        hermes(&sandbox, "[ \"$(wc -l </share/record/runs-$2)\" -gt 3 ] || exit 0; exec sleep 1000");
        let again = "until [ \"$(cat /share/record/runs-coder 2>/dev/null | wc -l)\" = 4 ]; do sleep 0.05; done; s6-svstat -o up,wantedup gateway-coder";
        assert_eq!(supervise(&sandbox, &[], again), "true true\n", "{shell:?}");
    }
}

#[test]
fn a_logger_that_cannot_log_is_not_started_again_and_again() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder"]);
        sandbox.set("HERMES_HOME", "relative");
        let down = [("gateway-coder/log", DOWN_FOR_GOOD), ("gateway-coder", DOWN_FOR_GOOD)];
        let said = supervise(&sandbox, &down, "cat /share/scan.log");
        let line = "gateway-coder/log: HERMES_HOME must be an absolute path, not 'relative'\n";
        assert_eq!(said, line, "{shell:?}");
    }
}

#[test]
fn the_longest_name_goes_all_the_way() {
    let name = "x".repeat(243);
    let sandbox = Sandbox::new(SHELLS[0], &[&name, "--hermes-cli", "run"]);
    hermes(&sandbox, "exec sleep 1000");
    let service = format!("gateway-{name}");
    let ready =
        format!("s6-svwait -U -t 30000 {service}/log; ls -d /opt/data/logs/gateways/{name}; cat /share/scan.log");
    let said = supervise(&sandbox, &[(service.as_str(), "true true")], &ready);
    assert_eq!(said, format!("/opt/data/logs/gateways/{name}\n"));
}
