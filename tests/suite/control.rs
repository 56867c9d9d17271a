//! `gatewayctl` on a live tree: register, control, look, unregister.

use std::fs;

use crate::sandbox::{Sandbox, without_waits};
use crate::support::{Ran, snapshot};

/// Stays up, and says so.
const STAYS: &str = "echo \"up as $(id -un): $*\"; exec sleep 1000";

/// Checks that nothing is left when every gateway has gone: no directory in the scandir, no supervisor, no logger, no zombie.
pub(crate) const NOTHING_LEFT: &str =
    "ls -A /run/service; ps -eo stat=,comm= | grep -E '^Z|s6-supervise|s6-log|hermes' || :";

fn assert_ok(ran: &Ran, out: &str) {
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", out));
}

/// Runs commands with an empty PATH, and shows each with its output and its exit code.
fn session(sandbox: &Sandbox, commands: &[&str]) -> String {
    let mut script = String::from(
        "g() { echo \"\\$ gatewayctl $*\"; PATH= /share/bin/gatewayctl \"$@\" 2>&1 || echo \"[exit $?]\"; echo; }; ",
    );
    for command in commands {
        script.push_str(command);
        script.push_str("; ");
    }
    let ran = sandbox.live(&script);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran.out
}

#[test]
fn what_somebody_has_paused_ends_by_itself_all_the_same() {
    let sandbox = Sandbox::with_programs(
        "trap 'echo >>/share/record/ended; exit 0' TERM; echo >>/share/record/begun; while :; do sleep 0.05; done",
    );
    let ran = sandbox.live(
        "gatewayctl -q register a; gatewayctl -q register b; begun=2; \
         for command in restart stop; do \
           until [ \"$(cat /share/record/begun 2>/dev/null | wc -l)\" = $begun ]; do sleep 0.02; done; begun=4; \
           for name in a b; do kill -STOP $(s6-svstat -o pid /run/service/gateway-$name); done; \
           gatewayctl -q $command a b; wc -l </share/record/ended; \
         done",
    );
    assert_ok(&ran, "2\n4\n");
}

#[test]
fn a_session() {
    let sandbox = Sandbox::with_programs(STAYS);
    let said = session(
        &sandbox,
        &[
            "g list",
            "g status",
            "g register coder --hermes-cli run --env GREETING=\"it's\"",
            "g register writer",
            "g register coder --hermes-cli run --env GREETING=\"it's\"",
            "g register coder",
            "g list",
            "g list --json",
            "g detect",
            "up",
            "g status",
            "g stop coder nobody",
            "g status",
            "g status nobody",
            "g start coder",
            "g restart coder writer",
            "g status",
            "g unregister coder writer nobody",
            "g unregister coder --json",
            "g status",
            NOTHING_LEFT,
            "cat /share/scan.log",
        ],
    );
    // Times and process numbers do not matter for this test.
    let said = said.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [profile @ ("coder" | "writer"), state, _, pid, rest @ ..] => {
                let pid = if *pid == "-" { "-" } else { "PID" };
                format!("{profile} {state} SECONDS {pid} {}", rest.join(" "))
            }
            _ => line.to_owned(),
        }
    });
    let said: Vec<String> = said.collect();
    snapshot("session", "", &said.join("\n"));
}

#[test]
fn a_gateway_runs_as_its_user_and_loses_no_line_when_it_goes() {
    let sandbox = Sandbox::with_programs(
        "trap 'i=0; while [ $i -lt 500 ]; do echo \"last $i\"; i=$((i+1)); done; exit 0' TERM; id -un; while :; do sleep 0.1; done",
    );
    let ran = sandbox.live(&format!(
        "gatewayctl -q register coder; until grep -qs hermes /opt/data/logs/gateways/coder/current; do sleep 0.02; done; \
         gatewayctl -q unregister coder; tail -n 1 /opt/data/logs/gateways/coder/current | cut -d' ' -f4-; \
         grep -c last /opt/data/logs/gateways/coder/current; {NOTHING_LEFT}"
    ));
    assert_ok(&ran, "last 499\n500\n.s6-svscan\n");
}

#[test]
fn a_gateway_that_is_deaf_to_term_goes_all_the_same() {
    let sandbox = Sandbox::with_programs("trap '' TERM; echo deaf; while :; do sleep 0.1; done");
    let ran = sandbox.live(&format!(
        "for name in timed untimed; do gatewayctl -q register $name --stop-timeout 1; \
         until grep -qs deaf /opt/data/logs/gateways/$name/current; do sleep 0.02; done; done; \
         gatewayctl -q unregister timed; \
         rm /run/service/gateway-untimed/timeout-kill; s6-svc -xd /run/service/gateway-untimed; \
         gatewayctl -q --timeout 1 unregister untimed; {NOTHING_LEFT}"
    ));
    assert_ok(&ran, ".s6-svscan\n");
}

#[test]
fn stop_and_restart_take_a_deaf_gateway_too_and_say_what_they_wait_for() {
    let sandbox = Sandbox::with_programs("trap '' TERM; echo deaf; while :; do sleep 0.1; done");
    let ran = sandbox.live(
        "log=/opt/data/logs/gateways/coder/current; gatewayctl -q register coder --stop-timeout 2; \
         until grep -qs deaf $log; do sleep 0.02; done; gatewayctl restart coder 2>&1 | grep -v 'to come up' | as_told; \
         until [ \"$(grep -cs deaf $log)\" = 2 ]; do sleep 0.02; done; gatewayctl stop coder 2>&1 | as_told",
    );
    let expected = "told: waiting for gateway coder to end\nrestarted coder\ntold: waiting for gateway coder to go down\nstopped coder\n";
    assert_ok(&ran, expected);
}

/// The finish script forgets the deaths of a gateway that an operator stopped. The control does not wait for that.
#[test]
fn a_stop_ends_when_its_finish_script_has() {
    let sandbox = Sandbox::with_programs(STAYS);
    let ran = sandbox.live(
        "d=/run/service/gateway-coder; gatewayctl -q register coder; up coder; sed -i '2i sleep 1' $d/finish; \
         s6-svc -wd -T 60000 -d $d; s6-svdt $d | wc -l; s6-svc -wu -T 60000 -u $d; \
         gatewayctl -q stop coder; s6-svdt $d | wc -l",
    );
    assert_ok(&ran, "1\n0\n");
}

/// If a gateway is unregistered while it ends, or while its finish script runs, a stop of it still succeeds.
#[test]
fn a_stop_of_what_is_unregistered_meanwhile_is_one() {
    const ENDS: &str = "touch /share/record/ends; until [ -e /share/record/go ]; do sleep 0.02; done";
    for (at_term, finish) in [(ENDS, ":"), (":", ENDS)] {
        let gateway = format!("trap '{at_term}; exit' TERM; touch /share/record/ready; while :; do sleep 0.02; done");
        let sandbox = Sandbox::with_programs(&gateway);
        let ran = sandbox.live(&format!(
            "d=/run/service/gateway-coder; gatewayctl -q register coder; sed -i '2i {finish}' $d/finish; \
             until [ -e /share/record/ready ]; do sleep 0.02; done; \
             gatewayctl stop coder & stops=$!; until [ -e /share/record/ends ]; do sleep 0.02; done; \
             gatewayctl -q unregister coder & takes=$!; while [ -e $d ]; do sleep 0.02; done; wait $stops; \
             touch /share/record/go; wait $takes; {NOTHING_LEFT}"
        ));
        assert_ok(&ran, "stopped coder\n.s6-svscan\n");
    }
}

/// To write the deaths of a gateway, a program makes the same file and renames it. The finish script does so while an operator starts the gateway
/// again. Here this really overtakes the first try of gatewayctl. The control is the exit code of that try.
#[test]
fn a_start_that_is_overtaken_forgives_again() {
    const OVERTAKEN: &str = r#"#!/bin/sh
if [ -e /share/record/overtaken ]; then exec /usr/bin/real-clear "$@"; fi
strace -qq -o /dev/null -e inject=rename:delay_enter=2000000 /usr/bin/real-clear "$@" & first=$!
until [ -e "$1/supervise/death_tally.new" ]; do sleep 0.01; done
/usr/bin/real-clear "$@"
code=0
wait $first || code=$?
echo $code >/share/record/overtaken
exit $code
"#;
    let sandbox = Sandbox::with_programs(STAYS);
    fs::write(sandbox.path("overtaken"), OVERTAKEN).unwrap();
    let ran = sandbox.live(
        "gatewayctl -q register coder; up coder; gatewayctl -q stop coder; mv /usr/bin/s6-svdt-clear /usr/bin/real-clear; \
         install -m 755 /share/overtaken /usr/bin/s6-svdt-clear; gatewayctl start coder; cat /share/record/overtaken",
    );
    assert_ok(&ran, "started coder\n111\n");
}

/// Many programs take a second signal as the order to end at once.
#[test]
fn what_is_stopped_gets_one_sigterm() {
    let sandbox = Sandbox::with_programs(
        "trap 'echo $2 >>/share/record/terms' TERM; echo ready; while [ ! -e /share/record/end ]; do sleep 0.05 & wait $! || :; done",
    );
    let ran = sandbox.live(
        "for p in a b c; do gatewayctl -q register $p --stop-timeout 30; \
         until grep -qs ready /opt/data/logs/gateways/$p/current; do sleep 0.02; done; done; \
         s6-svc -d /run/service/gateway-c; until grep -qs c /share/record/terms; do sleep 0.02; done; \
         gatewayctl stop a b >/tmp/out 2>&1 & first=$!; gatewayctl stop c >/tmp/c 2>&1 & second=$!; \
         until grep -qs 'waiting for gateway a' /tmp/out && grep -qs 'waiting for gateway c' /tmp/c; do sleep 0.02; done; \
         touch /share/record/end; wait $first $second; sort /share/record/terms; grep stopped /tmp/out /tmp/c",
    );
    assert_ok(&ran, "a\nb\nc\n/tmp/out:stopped a\n/tmp/out:stopped b\n/tmp/c:stopped c\n");
}

/// `s6-svc -o` leaves a gateway up that should not come up again. The gateway looks like one that is stopping, but nobody has stopped it.
#[test]
fn what_is_to_run_only_once_is_stopped_all_the_same() {
    let sandbox = Sandbox::with_programs("exec sleep 1000");
    let ran = sandbox.live(
        "gatewayctl -q register a --stop-timeout 1; up a; s6-svc -o /run/service/gateway-a; \
         until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-a)\" = 'true false' ]; do sleep 0.02; done; \
         gatewayctl --timeout 1 stop a 2>&1 | as_told",
    );
    assert_ok(&ran, "told: waiting for gateway a to go down\nstopped a\n");
}

#[test]
fn many_gateways_are_stopped_at_once() {
    // Each gateway ends only after the other one has been told to end as well.
    let sandbox = Sandbox::with_programs(
        "trap 'echo $2 >/share/record/told-$2; until [ -e /share/record/told-a ] && [ -e /share/record/told-b ]; do sleep 0.02; done; exit 0' TERM; \
         echo ready; while :; do sleep 0.05; done",
    );
    let ran = sandbox.live(
        "for p in a b; do gatewayctl -q register $p; \
         until grep -qs ready /opt/data/logs/gateways/$p/current; do sleep 0.02; done; done; gatewayctl stop a b",
    );
    assert_ok(&ran, "stopped a\nstopped b\n");
}

#[test]
fn stop_and_start_last_as_long_as_they_were_told() {
    let sandbox = Sandbox::with_programs(STAYS);
    let ran = sandbox.live(
        "gatewayctl -q register coder; d=/run/service/gateway-coder; gatewayctl -q stop coder; [ ! -e $d/down ]; \
         gatewayctl -q start coder; gatewayctl -q stop --persist coder; [ -e $d/down ]; gatewayctl -q status coder || echo $?; \
         gatewayctl -q start coder; [ ! -e $d/down ]; gatewayctl -q status coder; echo $?",
    );
    assert_ok(&ran, "3\n0\n");
}

#[test]
fn what_an_operator_does_never_spends_the_crash_budget() {
    let sandbox = Sandbox::with_programs("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done");
    // Each restart is a death with exit 0, and the budget is two.
    let ran = sandbox.live(
        "log=/opt/data/logs/gateways/coder/current; gatewayctl -q register coder --crash-budget 2/600; \
         for i in 1 2 3 4 5; do until [ \"$(grep -cs up $log)\" = $i ]; do sleep 0.02; done; gatewayctl -q restart coder; done; \
         gatewayctl -q stop coder; gatewayctl -q start coder; gatewayctl -q status; echo $?",
    );
    assert_ok(&ran, "0\n");
}

#[test]
fn a_gateway_that_does_not_come_up_is_told_of() {
    let sandbox = Sandbox::with_programs("[ ! -e /share/broken ] || exit 78; exec sleep 1000");
    let ran = sandbox.live(
        "gatewayctl -q register coder; gatewayctl -q stop coder; touch /share/broken; \
         gatewayctl start coder >/dev/null 2>&1 || :; \
         until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-coder)\" = 'false false' ]; do sleep 0.02; done; \
         until grep -qs 'exit 78' /opt/data/logs/gateways/coder/current; do sleep 0.02; done; \
         gatewayctl status coder | tail -n 1 | tr -s ' ' | cut -d' ' -f1,2,5,6; \
         gatewayctl logs -n 1 coder | cut -d' ' -f4-",
    );
    let expected =
        "coder failed exit 78\ngateway-coder: exit 78, a configuration error: down until it is started again\n";
    assert_ok(&ran, expected);
}

#[test]
fn a_gateway_that_s6_overlay_linked_in_is_one_like_any_other() {
    let sandbox = Sandbox::with_programs(STAYS);
    let ran = sandbox.live(&format!(
        "gen-service -q coder --out /etc/services.d; mkdir -p /run/s6/legacy-services; \
         cp -R /etc/services.d/gateway-coder /run/s6/legacy-services/; \
         ln -s ../s6/legacy-services/gateway-coder /run/service/; s6-svscanctl -a /run/service; gatewayctl list; \
         up coder; gatewayctl stop coder; gatewayctl restart coder; \
         gatewayctl unregister coder; ls -A /run/s6/legacy-services; ls /etc/services.d; {NOTHING_LEFT}"
    ));
    let expected =
        "coder\nstopped coder\nrestarted coder\nunregistered /run/service/gateway-coder\ngateway-coder\n.s6-svscan\n";
    assert_ok(&ran, expected);
}

#[test]
fn a_linked_service_directory_of_somebody_else_is_taken_out_and_not_deleted() {
    let sandbox = Sandbox::with_programs(STAYS);
    let ran = sandbox.live(
        "gen-service -q coder --out /etc/mine; ln -s /etc/mine/gateway-coder /run/service/; s6-svscanctl -a /run/service; \
         up coder; gatewayctl -q unregister coder; \
         ls -A /run/service; ls /etc/mine/gateway-coder/run",
    );
    assert_ok(&ran, ".s6-svscan\n/etc/mine/gateway-coder/run\n");
}

/// Before s6-svscan begins, no process can be told to end. The logger's directory may not exist yet either.
#[test]
fn a_gateway_that_nobody_has_begun_to_supervise_can_be_unregistered() {
    let ran = Sandbox::with_programs(STAYS).sh(
        "exec 2>&1; mkdir /run/service; gen-service -q a b --out /run/service; rm -r /run/service/gateway-b/log; \
         gatewayctl unregister a b; ls -A /run/service",
        b"",
    );
    let expected = "unregistered /run/service/gateway-a\nunregistered /run/service/gateway-b\n";
    assert_ok(&ran, expected);
}

#[test]
fn a_gateway_can_be_unregistered_when_its_s6_svscan_has_died() {
    let sandbox = Sandbox::with_programs(STAYS);
    let ran = sandbox.live(
        "gatewayctl -q register coder; kill -9 $svscan; until ! kill -0 $svscan 2>/dev/null; do sleep 0.02; done; \
         gatewayctl unregister coder; ls -A /run/service; ps -eo comm= | grep -E 's6-supervise|s6-log|sleep' || :; \
         gatewayctl register coder 2>&1 || echo $?",
    );
    let expected = "unregistered /run/service/gateway-coder\n.s6-svscan\n\
                    error: no s6-svscan watches /run/service; start one, or give the directory that it watches with --scandir\n1\n";
    assert_ok(&ran, expected);
}

#[test]
fn everything_works_for_an_ordinary_user_in_a_scandir_of_his_own() {
    let sandbox = Sandbox::with_programs("echo \"$(id -un)\"; exec sleep 1000");
    fs::create_dir(sandbox.path("scandir")).unwrap();
    let script = "exec >/share/record/out 2>&1; s6-svscan -d3 /share/scandir 3>/share/record/ready & \
                  until [ -s /share/record/ready ]; do sleep 0.01; done; export GATEWAYCTL_OPTIONS=; \
                  g() { gatewayctl --scandir /share/scandir \"$@\"; }; gen-service -q a b --out /tmp/tree; \
                  g -q register coder; g install /tmp/tree; g -q restart coder; g list; until g -q status; do sleep 0.02; done; g unregister coder a b; \
                  ls -A /share/scandir";
    let ran = sandbox.sh(
        &format!(
            "chown 10000:10000 /share/scandir; setpriv --reuid 10000 --regid 10000 --clear-groups dash -euc '{script}'"
        ),
        b"",
    );
    let out = without_waits(&fs::read_to_string(sandbox.path("record/out")).unwrap_or_default());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{out}");
    let expected = "created   /share/scandir/gateway-a\ncreated   /share/scandir/gateway-b\na\nb\ncoder\n\
                    unregistered /share/scandir/gateway-coder\nunregistered /share/scandir/gateway-a\n\
                    unregistered /share/scandir/gateway-b\n.s6-svscan\n";
    assert_eq!(out, expected);
}

#[test]
fn members_of_the_control_group_control_and_do_not_change() {
    let sandbox = Sandbox::with_programs(STAYS);
    let ran = sandbox.live(
        "exec 2>&1; gatewayctl -q register theirs --control-group hermes-extra; gatewayctl -q register roots; \
         gen-service -q installed --out /tmp/tree; gatewayctl -q install /tmp/tree --control-group hermes-extra; \
         as() { setpriv --reuid 10000 --regid 10000 --groups 10001 \"$@\" || echo \"[$?]\"; }; \
         as gatewayctl stop theirs; as gatewayctl start theirs; as gatewayctl restart installed; \
         as gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; as gatewayctl stop roots | head -c 40; echo; \
         as touch /run/service/gateway-theirs/run; as gatewayctl unregister theirs; \
         as gatewayctl register another; gatewayctl list; \
         find /run/service -user 10000; find /run/service -name supervise -perm /022",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("control_group", "", &ran.out);
}

#[test]
fn the_longest_name_is_registered_and_unregistered() {
    let sandbox = Sandbox::with_programs(STAYS);
    let name = "x".repeat(243);
    let ran = sandbox.live(&format!(
        "gatewayctl -q register {name}; gatewayctl -q install /dev/null 2>/dev/null || echo $?; gatewayctl list; \
         gatewayctl -q unregister {name}; gatewayctl -q register {name}x 2>&1 | tail -c 53; {NOTHING_LEFT}"
    ));
    assert_ok(&ran, &format!("2\n{name}\n at most 243, because s6-svscan takes no longer name\n.s6-svscan\n"));
}

#[test]
fn a_control_group_that_does_not_exist_registers_nothing() {
    let sandbox = Sandbox::with_programs(STAYS);
    let ran = sandbox.live(&format!("gatewayctl register a --control-group nosuch 2>&1 || echo $?; {NOTHING_LEFT}"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with("error: s6-svperms -G nosuch "), "{}", ran.out);
    assert!(ran.out.ends_with("\n1\n.s6-svscan\n"), "{}", ran.out);
}

#[test]
fn logs_are_shown_and_followed_across_rotations() {
    let sandbox = Sandbox::with_programs(
        "trap 'exit 0' TERM; i=0; while [ $i -lt 3000 ]; do echo \"line $i of many\"; i=$((i+1)); [ $((i % 100)) != 0 ] || sleep 0.05; done; touch /share/record/done; while :; do sleep 0.1; done",
    );
    let ran = sandbox.live(
        "gatewayctl -q register coder --down --log-size 4096 --log-files 100; log=/opt/data/logs/gateways/coder; \
         until [ -e $log/current ]; do sleep 0.02; done; gatewayctl logs -f coder >/share/followed & follower=$!; \
         gatewayctl -q start coder; until [ -e /share/record/done ]; do sleep 0.05; done; \
         until grep -qs 'line 2999' /share/followed; do sleep 0.05; done; kill $follower; \
         ls $log | grep -c '^@'; gatewayctl logs -n 2500 coder | cut -d' ' -f5 | head -n 1; \
         gatewayctl logs -n 1 coder | cut -d' ' -f4-; gatewayctl logs coder >/dev/null && echo shown",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].parse::<u32>().unwrap() > 5, "{}", ran.out);
    assert_eq!(lines[1..], ["500", "line 2999 of many", "shown"]);
    let followed = fs::read_to_string(sandbox.path("followed")).unwrap();
    let numbers: Vec<&str> = followed.lines().map(|line| line.split(' ').nth(4).unwrap()).collect();
    let expected: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
}
