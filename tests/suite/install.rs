//! `gatewayctl install`: what it publishes, and the bad input and bad places that leave the scandir as it was.

use std::fmt::Write as _;
use std::fs;

use crate::control::NOTHING_LEFT;
use crate::sandbox::Sandbox;
use crate::support::{Ran, snapshot};

fn assert_ok(ran: &Ran, out: &str) {
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", out));
}

fn sandbox() -> Sandbox {
    Sandbox::with_programs("exec sleep 1000")
}

#[test]
fn a_staging_tree_is_published_and_runs() {
    let ran = sandbox().live(&format!(
        "exec 2>&1; gen-service -q a b --out /tmp/one; gen-service -q c --down --out /tmp/two; \
         gatewayctl install /tmp/one /tmp/two --dry-run; ls -A /run/service; \
         gatewayctl install /tmp/one /tmp/two; gatewayctl install /tmp/one /tmp/two --json | tr -d ' \\n'; echo; \
         diff -r /tmp/one/gateway-a /run/service/gateway-a | grep -v ': supervise$\\|: event$' || :; ls /tmp/one; \
         gatewayctl -q start c; gatewayctl -q install /tmp/two; up; \
         gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; gatewayctl -q unregister a b c; {NOTHING_LEFT}"
    ));
    let expected = "\
would be created   /run/service/gateway-a
would be created   /run/service/gateway-b
would be created   /run/service/gateway-c
.s6-svscan
created   /run/service/gateway-a
created   /run/service/gateway-b
created   /run/service/gateway-c
{\"scandir\":\"/run/service\",\"live\":true,\"dry_run\":false,\"directories\":[\
{\"profile\":\"a\",\"name\":\"gateway-a\",\"change\":\"unchanged\"},\
{\"profile\":\"b\",\"name\":\"gateway-b\",\"change\":\"unchanged\"},\
{\"profile\":\"c\",\"name\":\"gateway-c\",\"change\":\"unchanged\"}]}
gateway-a
gateway-b
PROFILE STATE
a up
b up
c up
.s6-svscan
";
    let key_order_free = |text: &str| {
        let lines = text.lines().map(|line| match serde_json::from_str::<serde_json::Value>(line) {
            Ok(value) => value.to_string(),
            Err(_) => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(key_order_free(&ran.out), key_order_free(expected));
}

#[test]
fn an_update_keeps_the_live_directory_and_replaces_its_files() {
    let ran = sandbox().live(
        "exec 2>&1; gen-service -q a b --out /tmp/tree; gatewayctl -q install /tmp/tree; \
         up; inode=$(stat -c %i /run/service/gateway-a); pid=$(s6-svstat -o pid /run/service/gateway-a); \
         mkdir /tmp/tree/gateway-b/env; echo x >/tmp/tree/gateway-b/env/X; \
         gen-service -q a --env A=1 --crash-budget off --out /tmp/tree; rm /tmp/tree/gateway-a/timeout-kill; \
         gatewayctl install /tmp/tree || echo $?; gatewayctl install /tmp/tree --update; \
         [ $inode = $(stat -c %i /run/service/gateway-a) ]; [ $pid = $(s6-svstat -o pid /run/service/gateway-a) ]; \
         diff -r /tmp/tree /run/service | grep -v ': supervise$\\|: event$\\|: .s6-svscan$' || :; \
         gatewayctl -q restart a; \
         until tr '\\0' '\\n' </proc/$(s6-svstat -o pid /run/service/gateway-a)/environ | grep ^A=; do sleep 0.02; done; \
         find /run/service -name '.gatewayctl*'",
    );
    assert_ok(
        &ran,
        "error: /run/service/gateway-a is already registered and differs; unregister it first, or use install --update\n1\n\
         updated   /run/service/gateway-a  restart it to apply the change\nupdated   /run/service/gateway-b  restart it to apply the change\nA=1\n",
    );
}

/// The run is killed between two of its renames. The next command that changes the scandir takes it back, and says so. If the run left no mixture,
/// the command says nothing.
#[test]
fn an_update_that_is_killed_is_taken_back_by_the_next_run() {
    let ran = sandbox().live(
        "exec 2>&1; gen-service -q a b --out /tmp/old; gen-service -q a b --env A=1 --crash-budget off --out /tmp/new; \
         as_in() { diff -r /tmp/$1 /run/service >/tmp/diff || ! grep -v ': supervise$\\|: event$\\|: .s6-svscan$' /tmp/diff; }; \
         gatewayctl -q install /tmp/old; up; \
         kill_at() { strace -qq --signal=none -o /dev/null -e inject=$1:signal=KILL:when=$2 gatewayctl install /tmp/new --update >/tmp/log 2>&1 || true; }; \
         kill_at renameat 3 2>/tmp/log; ! as_in new >/tmp/log; ! as_in old >/tmp/log; \
         gatewayctl -q --timeout 1 doctor | grep leftovers; gatewayctl unregister nobody --if-exists; as_in old; ls -A /run/service; \
         kill_at renameat 1 2>/tmp/log; gatewayctl -q unregister nobody --if-exists; as_in old; gatewayctl install /tmp/new --update; as_in new",
    );
    assert_ok(
        &ran,
        "ERROR    leftovers    an install --update in /run/service was killed, or has not ended yet: old files stand beside new ones; run its \
         command again, or any gatewayctl register, install or unregister: each of them takes it back first\n\
         warning: an install --update that was killed is taken back: gateway-a, gateway-b; install the new version again\n\
         not there    /run/service/gateway-nobody\n.s6-svscan\ngateway-a\ngateway-b\n\
         updated   /run/service/gateway-a  restart it to apply the change\nupdated   /run/service/gateway-b  restart it to apply the change\n",
    );
}

/// The run is killed between two of its renames. The next command that changes the scandir takes the set back. If a supervisor has started for a
/// gateway meanwhile, the gateway leaves like any other.
#[test]
fn an_install_that_is_killed_is_taken_back_by_the_next_run() {
    let ran = sandbox().live(&format!(
        "exec 2>&1; gen-service -q a b c --out /tmp/tree; \
         kill_at() {{ strace -qq --signal=none -o /dev/null -e inject=renameat2:signal=KILL:when=$1 gatewayctl install /tmp/tree >/tmp/log 2>&1 || true; }}; \
         kill_at 2 2>/tmp/log; ls -A /run/service; gatewayctl -q --timeout 1 doctor | grep leftovers; s6-svscanctl -a /run/service; up a; \
         gatewayctl unregister nobody --if-exists; {NOTHING_LEFT}; gatewayctl -q install /tmp/tree; gatewayctl list; gatewayctl -q unregister a b c"
    ));
    assert_ok(
        &ran,
        ".gatewayctl.lock\n.gatewayctl.tmp\n.s6-svscan\ngateway-a\n\
         ERROR    leftovers    a run in /run/service was killed, or has not ended yet: some of its gateways are there, and others are not; \
         run its command again, or any gatewayctl register, install or unregister: each of them takes it back first\n\
         warning: a run that was killed is taken back: gateway-a, gateway-b, gateway-c; run its command again\n\
         not there    /run/service/gateway-nobody\n.s6-svscan\na\nb\nc\n",
    );
}

#[test]
fn an_update_on_a_full_disk_changes_nothing() {
    let ran = sandbox().sh(
        "exec 2>&1; mkdir /run/service; mount -t tmpfs -o size=64k,mode=755 none /run/service; gen-service -q a --out /tmp/tree; \
         gatewayctl -q install /tmp/tree; cp -r /run/service/gateway-a /tmp/before; \
         gen-service -q a --env A=1 --crash-budget off --user nobody --out /tmp/tree; \
         dd if=/dev/zero of=/run/service/.fill bs=4k 2>/dev/null || :; truncate -s -4096 /run/service/.fill; \
         gatewayctl install /tmp/tree --update || echo $?; diff -r /tmp/before /run/service/gateway-a; ls -A /run/service; \
         rm /run/service/.fill; gatewayctl -q install /tmp/tree --update; diff -r /tmp/tree/gateway-a /run/service/gateway-a",
        b"",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with("error: cannot write /run/service/gateway-a/"), "{}", ran.out);
    assert!(ran.out.ends_with(": no space left on device\n1\n.fill\ngateway-a\n"), "{}", ran.out);
}

#[test]
fn before_there_is_an_s6_svscan_and_across_file_systems() {
    let ran = sandbox().sh(
        "exec 2>&1; mkdir /run/service; mount -t tmpfs -o mode=755 none /run/service; umask 077; gen-service -q a --out /tmp/tree; \
         gatewayctl install /tmp/tree --move; ls -A /tmp/tree; find /run/service -printf '%m %P\\n' | sort -k2; \
         gatewayctl status | tr -s ' ' || echo $?; s6-svscan /run/service >/dev/null & \
         up a; gatewayctl list",
        b"",
    );
    assert_ok(
        &ran,
        "created   /run/service/gateway-a\nno s6-svscan watches /run/service yet; the gateways start as soon as one does\n\
         755 \n755 gateway-a\n755 gateway-a/finish\n755 gateway-a/log\n644 gateway-a/log/notification-fd\n\
         755 gateway-a/log/run\n755 gateway-a/run\n644 gateway-a/timeout-kill\n644 gateway-a/type\n\
         PROFILE STATE FOR PID LAST EXIT RESTARTS PORT NEXT BOOT\na unsupervised - - - - 9610 -\na\n",
    );
}

/// Runs `prepare` and then each of these commands, and shows their output. The scandir must stay as it was.
fn refused(name: &str, live: bool, cases: &[(&str, &str)]) {
    let mut text = String::new();
    for (prepare, command) in cases {
        let sandbox = sandbox();
        let script = format!(
            "exec 2>&1; gen-service -q a --out /tmp/tree; {prepare}; ls -lAR --time-style=+ /run/service 2>/dev/null >/tmp/before || :; \
             code=0; PATH= /share/bin/{command} || code=$?; echo \"[exit $code]\"; \
             ls -lAR --time-style=+ /run/service 2>/dev/null >/tmp/after || :; diff /tmp/before /tmp/after"
        );
        let ran = if live { sandbox.live(&script) } else { sandbox.sh(&script, b"") };
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command}: {}", ran.out);
        writeln!(text, "# {prepare}\n$ {command}\n{}", ran.out).unwrap();
    }
    snapshot(name, "", &text);
}

#[test]
fn a_staging_tree_that_is_not_fit() {
    let install = "gatewayctl install /tmp/tree";
    refused(
        "errors_staging",
        true,
        &[
            ("ln -s /etc/passwd /tmp/tree/gateway-a/down", install),
            ("ln -s gateway-a /tmp/tree/gateway-b", install),
            ("mknod /tmp/tree/gateway-a/down c 1 3", install),
            ("chmod 644 /tmp/tree/gateway-a/run /tmp/tree/gateway-a/log/run", install),
            ("touch /tmp/tree/gateway-a/notes.txt", install),
            ("touch /tmp/tree/README", install),
            ("mkdir /tmp/tree/gateway-a/log/log", install),
            ("mkdir /tmp/tree/gateway-a/supervise", install),
            ("chmod g+w /tmp/tree/gateway-a/finish", install),
            ("chmod 777 /tmp/tree/gateway-a", install),
            ("chown hermes /tmp/tree/gateway-a/type", install),
            ("rm /tmp/tree/gateway-a/run", install),
            ("rm -r /tmp/tree/*", install),
            ("gen-service -q a b --layout s6-rc --out /tmp/tree", install),
            (":", "gatewayctl install /nowhere"),
            ("gen-service -q a --out /tmp/two", "gatewayctl install /tmp/tree /tmp/two"),
            ("mkdir /tmp/tree/gateway-a/data && truncate -s 16777217 /tmp/tree/gateway-a/data/large", install),
            ("mkdir /tmp/tree/gateway-a/data && ln -s x /tmp/tree/gateway-a/data/y", install),
        ],
    );
}

#[test]
fn a_place_that_is_not_fit() {
    let install = "gatewayctl install /tmp/tree";
    refused(
        "errors_places",
        false,
        &[
            (":", install),
            ("mkdir /run/service", "gatewayctl --s6-bin-dir /nowhere list"),
            ("touch /run/service", install),
            ("ln -s nowhere /run/service", install),
            ("mkdir /run/service", "gatewayctl register a"),
            ("mkdir /run/service", "gatewayctl start a"),
            ("mkdir /run/service; cp -r /tmp/tree/gateway-a /run/service", "gatewayctl start a"),
            ("mkdir /run/service; mount -t tmpfs -o size=8k,mode=755 none /run/service", install),
            (
                "mkdir /run/service; mount -t tmpfs -o mode=755 none /run/service; mount -o remount,ro /run/service",
                install,
            ),
            ("mkdir /run/service; mount -t tmpfs -o noexec,mode=755 none /run/service", install),
            ("mkdir /run/service; echo mine >/run/service/gateway-a", install),
            ("mkdir -p /run/service/gateway-a", install),
            (":", "gatewayctl register Bad --port 0"),
            (":", "gatewayctl stop Bad"),
            (":", "gatewayctl --timeout 0 list"),
        ],
    );
}

#[test]
fn a_live_tree_that_is_not_fit() {
    refused(
        "errors_live",
        true,
        &[
            ("ln -s nowhere /run/service/x", "gatewayctl install /tmp/tree"),
            ("ln -s nowhere /run/service/x", "gatewayctl register a"),
            (
                "gatewayctl -q register b; up b; until s6-svstat -o ready /run/service/gateway-b/log | grep -q true; do sleep 0.02; done; \
                 ln -s nowhere /run/service/x",
                "gatewayctl unregister b",
            ),
            ("kill $svscan; while kill -0 $svscan 2>/dev/null; do sleep 0.02; done", "gatewayctl register a"),
        ],
    );
}

#[test]
fn an_ordinary_user_changes_nothing() {
    let sandbox = sandbox();
    let ran = sandbox.live(
        "exec 2>&1; gen-service -q a --out /tmp/tree; chmod 755 /tmp/tree; gatewayctl -q register b; \
         as() { setpriv --reuid 10000 --regid 10000 --clear-groups \"$@\" || echo \"[$?]\"; }; \
         as gatewayctl install /tmp/tree; as gatewayctl register a; as gatewayctl unregister b; as gatewayctl list; \
         as gatewayctl start b; ls -A /run/service",
    );
    let expected = "error: cannot open /run/service/.s6-svscan/control: permission denied; only root may do that\n[1]\n"
        .repeat(3)
        + "b\nerror: cannot look at /run/service/gateway-b: permission denied; only root may do that\n[1]\n.s6-svscan\ngateway-b\n";
    assert_ok(&ran, &expected);
}

/// In s6 2.11 a logged service takes one of the slots that `-c` allows. In 2.15, with `-C`, it takes two.
#[test]
fn an_s6_svscan_without_room_takes_nothing_and_what_ran_runs_on() {
    let ran = sandbox().live_with(
        "-c 3",
        "exec 2>&1; gatewayctl -q register a; gatewayctl -q register b; gen-service -q c d --out /tmp/tree; \
         gatewayctl -q --timeout 1 install /tmp/tree 2>&1 | sed 's/gateway-[cd] /gateway-c-or-d /'; gatewayctl list | wc -l; \
         gatewayctl -q --timeout 1 register e || echo $?; up; \
         gatewayctl -q unregister a; gatewayctl -q register e; up; gatewayctl list | tr '\\n' ' ' | sed 's/[cd] /c-or-d /'",
    );
    let said = |name: &str| {
        format!(
            "error: s6-svscan started no supervisor for /run/service/gateway-{name} within 1 s, so it is taken back; s6-svscan probably has \
             no room left: raise its option -C (-c before s6 2.13), by two for each gateway with a logger\n"
        )
    };
    assert_ok(&ran, &(said("c-or-d") + "3\n" + &said("e") + "1\nb c-or-d e "));
}

#[test]
fn five_hundred_gateways_where_there_is_room_for_as_many_and_no_more() {
    let ran = sandbox().live_with(
        "-c 500",
        "exec 2>&1; gen-service -q $(seq 500) --down --out /tmp/tree; \
         gatewayctl -q --timeout 120 install /tmp/tree; gatewayctl list | wc -l; gatewayctl -q status || echo $?; \
         gatewayctl -q --timeout 1 register one-more 2>/dev/null || echo $?; gatewayctl list | wc -l; \
         gatewayctl -q unregister 7; gatewayctl -q register one-more; up one-more; gatewayctl list | wc -l",
    );
    assert_ok(&ran, "500\n3\n1\n500\n500\n");
}

#[test]
fn an_s6_svscan_that_goes_between_two_steps() {
    let sandbox = sandbox();
    // The rescan kills s6-svscan, so the error text comes from s6-svscanctl itself.
    let script = "#!/bin/sh\nkill -9 $(cat /share/svscan)\nwhile kill -0 $(cat /share/svscan) 2>/dev/null; do sleep 0.02; done\nexec /usr/bin/s6-svscanctl \"$@\"\n";
    fs::write(sandbox.path("s6-svscanctl"), script).unwrap();
    let ran = sandbox.live(
        "exec 2>&1; echo $svscan >/share/svscan; cp -r /command /share/s6; rm /share/s6/s6-svscanctl; \
         cp /share/s6-svscanctl /share/s6/; chmod 755 /share/s6/s6-svscanctl; \
         gatewayctl --s6-bin-dir /share/s6 register coder || echo $?; ls -A /run/service; ps -eo comm= | grep s6-superv || :",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with("error: s6-svscanctl -a /run/service failed with 100: "), "{}", ran.out);
    assert!(ran.out.ends_with("\n1\n.s6-svscan\n"), "{}", ran.out);
}

#[test]
fn the_help_of_gatewayctl() {
    let ran = sandbox().sh("gatewayctl --help; for c in install register unregister reconcile doctor list status start stop restart logs detect; do gatewayctl $c --help; echo; done", b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    // The options that all commands share are shown once.
    let mut shown = false;
    let mut skip = false;
    let mut text = String::new();
    for line in ran.out.lines() {
        if line == "Common options:" {
            skip = shown;
            shown = true;
        } else if line.is_empty() {
            skip = false;
        }
        if !skip {
            text += line;
            text.push('\n');
        }
    }
    snapshot("help_gatewayctl", "", &text);
}
