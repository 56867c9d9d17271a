//! The dashboard and the watch on a live tree, beside gateways: install, look, control, unregister.

use std::fs;

use crate::control::NOTHING_LEFT;
use crate::sandbox::Sandbox;
use crate::support::{Ran, set_mode, snapshot};

/// Stays up, and says so.
const STAYS: &str = "echo \"up as $(id -un): $*\"; exec sleep 1000";

/// A sandbox in which `tree MANIFEST` renders a manifest to `/tmp/tree`, and `gatewayctl watch` stays up.
fn sandbox(hermes: &str) -> Sandbox {
    let sandbox = Sandbox::with_programs(hermes);
    fs::rename(sandbox.path("bin/gatewayctl"), sandbox.path("bin/the-real-one")).unwrap();
    let stub = "#!/bin/sh\n[ \"$*\" = watch ] || exec /share/bin/the-real-one \"$@\"\necho watching; exec sleep 1000\n";
    fs::write(sandbox.path("bin/gatewayctl"), stub).unwrap();
    set_mode(sandbox.path("bin/gatewayctl"), 0o755);
    sandbox
}

fn live(sandbox: &Sandbox, command: &str) -> Ran {
    sandbox.live(&format!(
        "tree() {{ printf \"$1\" >/tmp/gateways.toml; gen-service -q --manifest /tmp/gateways.toml --out /tmp/tree --prune; }}; \
         as() {{ setpriv --reuid 10000 --regid 10000 --groups 10001 \"$@\" || echo \"[$?]\"; }}; {command}"
    ))
}

fn assert_ok(ran: &Ran, out: &str) {
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", out));
}

#[test]
fn a_session_with_dashboard_and_watch() {
    let mut script = String::from(
        "g() { echo \"\\$ gatewayctl $*\"; PATH= /share/bin/the-real-one \"$@\" 2>&1 || echo \"[exit $?]\"; echo; }; \
         tree '[gateways.coder]\\n[dashboard]\\n[watch]\\n'; ",
    );
    for command in [
        "g status dashboard",
        "g start service:dashboard",
        "g install /tmp/tree --dry-run",
        "g install /tmp/tree --json",
        "g install /tmp/tree",
        "g list",
        "up coder watch",
        "g status",
        "g start dashboard",
        "until grep -qs 'up as' /opt/data/logs/dashboard/current; do sleep 0.02; done",
        "g status dashboard --json | grep -v 'pid\\|seconds'",
        "g restart dashboard watch coder",
        "g status",
        "g stop dashboard --persist",
        "g stop watch --json",
        "g logs watch",
        "g logs dashboard -n 1 | sed 's/^.*  up/up/'",
        "g start dashboard --save",
        "g stop coder watch --save",
        "g unregister dashboard --save",
        "g register dashboard --down",
        "g status dashboard",
        "g stop service:dashboard profile:dashboard",
        "g status profile:dashboard watch",
        "g unregister service:dashboard watch",
        "g unregister dashboard profile:coder",
        "g status",
        NOTHING_LEFT,
    ] {
        script.push_str(command);
        script.push_str("; ");
    }
    let ran = live(&sandbox(STAYS), &script);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    // Times and process numbers do not matter for this test.
    let said = ran.out.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [service, state @ ("up" | "stopped" | "missing"), _, pid, rest @ ..] => {
                let pid = if *pid == "-" { "-" } else { "PID" };
                format!("{service} {state} SECONDS {pid} {}", rest.join(" "))
            }
            _ => line.to_owned(),
        }
    });
    snapshot("services", "", &said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_dashboard_that_dies_is_started_again_and_loses_no_line_when_it_goes() {
    let sandbox = sandbox(
        "trap 'i=0; while [ $i -lt 500 ]; do echo \"last $i\"; i=$((i+1)); done; exit 0' TERM; echo \"begun as $(id -un): $*\"; \
         while :; do sleep 0.1; done",
    );
    let ran = live(
        &sandbox,
        &format!(
            "tree '[dashboard]\\nport = 80\\ndown = false\\nuser = \"hermes\"\\n'; gatewayctl -q install /tmp/tree; up dashboard; \
             log=/opt/data/logs/dashboard/current; begun() {{ until [ \"$(grep -cs begun $log)\" = $1 ]; do sleep 0.02; done; }}; \
             begun 1; kill -9 $(s6-svstat -o pid /run/service/dashboard); begun 2; up dashboard; \
             gatewayctl unregister dashboard; cut -d' ' -f4- $log | sed -n '1p;2p;$p'; grep -c last $log; {NOTHING_LEFT}"
        ),
    );
    let begun = "begun as hermes: dashboard --host 127.0.0.1 --port 80 --no-open\n";
    assert_ok(&ran, &format!("unregistered /run/service/dashboard\n{begun}{begun}last 499\n500\n.s6-svscan\n"));
}

#[test]
fn a_dashboard_that_cannot_start_is_left_down() {
    let sandbox = sandbox("echo called");
    sandbox.set("HERMES_DASHBOARD_PORT", "--insecure");
    let ran = live(
        &sandbox,
        "tree '[dashboard]\\n'; gatewayctl -q install /tmp/tree; gatewayctl start dashboard >/tmp/log 2>&1 || :; \
         until [ \"$(s6-svstat -o up,wantedup /run/service/dashboard)\" = 'false false' ]; do sleep 0.02; done; \
         until [ \"$(gatewayctl logs dashboard 2>/tmp/log | wc -l)\" = 2 ]; do sleep 0.02; done; \
         gatewayctl logs dashboard | cut -d' ' -f4-; gatewayctl status dashboard | tail -n 1 | tr -s ' ' | cut -d' ' -f1,2,5-; \
         gatewayctl -q doctor 2>&1 | grep crashes",
    );
    let why = "HERMES_DASHBOARD_PORT must be a number from 1 to 65535, not '--insecure'";
    let expected = format!(
        "dashboard: {why}\ndashboard: exit 78, a configuration error: down until it is started again\ndashboard failed exit 78 1 - -\n\
         ERROR    crashes      the dashboard is down because it ended with exit 78, a configuration error; its last line: dashboard: {why}; \
         fix that, then gatewayctl start dashboard\n"
    );
    assert_ok(&ran, &expected);
}

#[test]
fn an_installed_dashboard_is_updated_and_taken_back_like_a_gateway() {
    let ran = live(
        &sandbox(STAYS),
        "exec 2>&1; tree '[dashboard]\\n[watch]\\n'; gatewayctl install /tmp/tree; tree '[dashboard]\\nport = 80\\n[watch]\\n'; \
         gatewayctl install /tmp/tree || echo $?; gatewayctl install /tmp/tree --update; gatewayctl status dashboard | tail -n 1 | awk '{ print $1, $2, $(NF - 1) }'; \
         gen-service -q coder --out /tmp/more; ln -s nowhere /run/service/gateway-dangling; gatewayctl install /tmp/more || echo $?; \
         rm /run/service/gateway-dangling; gatewayctl -q install /tmp/tree /tmp/more --move; ls -A /tmp/tree /tmp/more; \
         tree '[dashboard]\\n'; cp -r /tmp/tree /tmp/twice; gatewayctl install /tmp/tree /tmp/twice || echo $?",
    );
    let expected = "created   /run/service/dashboard\ncreated   /run/service/watch\n\
                    error: /run/service/dashboard is already registered and differs; unregister it first, or use install --update\n1\n\
                    updated   /run/service/dashboard  restart it to apply the change\nunchanged /run/service/watch\ndashboard stopped 80\n\
                    error: /run/service/gateway-dangling is a dangling symlink, and s6-svscan sees nothing in that directory as long as it exists; \
                    remove it first\n1\n/tmp/more:\n\n/tmp/tree:\n\
                    error: /tmp/twice: the dashboard is named twice; name it once\n2\n";
    assert_ok(&ran, expected);
}

#[test]
fn a_watch_that_gets_no_supervisor_is_taken_back() {
    let ran = sandbox(STAYS).live_with(
        "-c 4",
        "printf '[watch]\\n' >/tmp/m.toml; gen-service -q --manifest /tmp/m.toml --out /tmp/tree; \
         for p in a b c d; do gatewayctl -q register $p --down; done; gatewayctl --timeout 1 install /tmp/tree 2>&1 || echo $?; ls /run/service",
    );
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].contains("started no supervisor for /run/service/watch within 1 s"), "{}", ran.out);
    assert_eq!(lines[1..], ["1", "gateway-a", "gateway-b", "gateway-c", "gateway-d"], "{}", ran.out);
}

#[test]
fn ports_and_homes_of_all_services_are_compared() {
    let sandbox = sandbox(
        "case $* in 'dashboard --help') echo '--host --port' ;; *--help) echo '--foreground --port --replace' ;; *) exec sleep 1000 ;; esac",
    );
    let ran = live(
        &sandbox,
        "finds() { echo \"# $1\"; gatewayctl -q doctor 2>&1 || echo \"[exit $?]\"; }; \
         tree '[dashboard]\\n[watch]\\n[gateways.a]\\n'; gatewayctl -q install /tmp/tree; gatewayctl -q register b --port 9119 --down; \
         finds 'a Hermes without a dashboard that does not open'; \
         printf '#!/bin/sh\\necho --host --port --no-open --foreground\\n' >/share/bin/hermes; \
         finds 'a port of two'; echo 9610 >/run/s6/container_environment/HERMES_DASHBOARD_PORT; gatewayctl status dashboard | tail -n 1 | awk '{ print $(NF - 1) }'; \
         finds 'the port of the container'; rm /run/s6/container_environment/HERMES_DASHBOARD_PORT; gatewayctl -q unregister b; \
         as mkdir -p /opt/data/logs/dashboard; chown root /opt/data/logs/dashboard; finds 'a log directory of root'; chown hermes /opt/data/logs/dashboard; \
         chown hermes /run/service/watch/run; finds 'a watch that is somebody else'; chown root /run/service/watch/run; \
         gatewayctl doctor | grep 'supervisors\\|ports\\|user '",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("doctor_services", "", &ran.out);
}

/// A user who may start and stop the dashboard may not start and stop root's services. A word still means the same service as before.
#[test]
fn the_control_group_has_the_dashboard_and_not_the_watch() {
    let ran = live(
        &sandbox(STAYS),
        "exec 2>&1; tree '[dashboard]\\n[watch]\\n[gateways.a]\\n'; gatewayctl -q install /tmp/tree --control-group hermes-extra; up a watch; \
         as gatewayctl start dashboard; as gatewayctl stop dashboard; as gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; \
         as gatewayctl stop watch 2>&1 | grep -o 'permission denied.*'; as s6-svc -k /run/service/watch 2>&1 | grep -o 'Permission denied'; \
         up watch; find /run/service/watch -group hermes-extra; find /run/service/watch -perm /022 ! -type p ! -name event; \
         as gatewayctl unregister dashboard 2>&1 | grep -o 'permission denied.*'; as touch /run/service/dashboard/run",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("control_group_of_services", "", &ran.out);
}

/// What the service user plants in the place of the log leads root nowhere.
#[test]
fn the_log_of_the_dashboard_is_read_as_carefully_as_those_of_gateways() {
    let ran = live(
        &sandbox(STAYS),
        "exec 2>&1; tree '[dashboard]\\n'; gatewayctl -q install /tmp/tree; until [ -e /opt/data/logs/dashboard/current ]; do sleep 0.02; done; \
         mkdir -m 755 /opt/secret; echo secret >/opt/secret/current; \
         mv /opt/data/logs/dashboard /opt/data/logs/away; as ln -s /opt/secret /opt/data/logs/dashboard; gatewayctl logs dashboard || echo $?; \
         rm /opt/data/logs/dashboard; as mkdir /opt/data/logs/dashboard; ln /opt/secret/current /opt/data/logs/dashboard/current; \
         gatewayctl logs dashboard || echo $?",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(
        !ran.out.contains("secret\n")
            && ran.out.matches("\n1\n").count() + usize::from(ran.out.starts_with("1\n")) == 2,
        "{}",
        ran.out
    );
}
