//! Locks: the service user can hold a lock for ever if it can open the file, so the programs lock no such file. They report once what the service
//! user keeps from ending.

use super::{Openat2, STAYS, live, said, sandbox};

/// The control: flock itself, as root, waits for the attacker's lock.
#[test]
fn whoever_holds_a_lock_on_what_he_can_open_holds_nobody_up() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; profile p running; gatewayctl -q register a; gatewayctl -q register b; up a b; gen-service -q c --out /tmp/tree; \
         for d in /run/service /run/service/gateway-a /opt/data /run/service/gateway-a/log /opt/data/profiles; do \
           as flock $d sleep 1000 & until ! flock -n $d true; do sleep 0.02; done; done; \
         t='within 8 gatewayctl -q --timeout 5'; \
         $t unregister a; $t register d --save; $t install /tmp/tree; $t reconcile --only p; $t stop b --save || :; $t unregister d --save; \
         gatewayctl list | tr '\\n' ' '",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.ends_with("b c p ") && !ran.out.contains("HELD UP") && !ran.out.contains("lock"), "{}", ran.out);
}

/// While a run waits, only root can open its lock.
#[test]
fn the_lock_that_there_is_belongs_to_root_alone() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; strace -qq -f -o /share/trace -e trace=openat,open,flock gatewayctl -q register a --save; \
         grep -c 'flock(' /share/trace || :; grep -o '\"[^\"]*lock\", [^)]*' /share/trace | sed 's/O_LARGEFILE|//' | sort -u",
    );
    said(
        &ran,
        "0\n\".gatewayctl.lock\", O_RDWR|O_CREAT|O_NOCTTY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC, 0600\n\
         \".gateways.toml.lock\", O_RDWR|O_CREAT|O_NOCTTY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC, 0600\n",
    );
}

/// If a user traces its logger, the logger obeys only SIGKILL. With it, the gateway that left does not end.
#[test]
fn one_that_does_not_leave_stops_no_other_and_is_told_of_once() {
    let sandbox = sandbox(Openat2::Works, "exec sleep 1000");
    let ran = live(
        &sandbox,
        "exec 2>&1; gatewayctl -q register a --stop-timeout 1; up a; \
         until pid=$(s6-svstat -o pid /run/service/gateway-a/log) && grep -qs s6-log /proc/$pid/comm; do sleep 0.02; done; \
         as python3 -c 'import ctypes, sys, time; print(ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), 0, 0), flush=True); time.sleep(1000)' $pid >/tmp/traced & \
         until grep -qs 0 /tmp/traced; do sleep 0.02; done; \
         fails within 60 gatewayctl -q --timeout 1 unregister a | sed 's/gone[.0-9]*/gone.N/'; \
         fails within 60 gatewayctl -q --timeout 1 register b --down | sed 's/gone[.0-9]*/gone.N/'; \
         fails within 60 gatewayctl -q --timeout 1 register c --down; fails gatewayctl -q unregister b c; \
         gatewayctl -q doctor | grep -c 'stuck.*was left' || :; kill -KILL $pid; pkill -KILL -u 10000 python3 || :; \
         while [ -e /proc/$pid ]; do sleep 0.02; done; until gatewayctl -q register d --down; [ \"$(ls -A /run/service | grep -c stuck || :)\" = 0 ]; \
         do gatewayctl -q unregister d; sleep 0.1; done; ls -A /run/service",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    // The shell reports the end of the tracer.
    let lines: Vec<&str> = ran.out.lines().filter(|line| *line != "Killed").collect();
    assert!(
        lines[0].starts_with("error: waited ") && lines[0].contains("gateway-a and its logger to end in vain"),
        "{}",
        ran.out
    );
    assert_eq!(lines[1], "[exit 1]", "{}", ran.out);
    assert!(
        lines[2].starts_with("warning: waited ") && lines[2].contains(".gatewayctl.gone.N, which an earlier run left"),
        "{}",
        ran.out
    );
    assert_eq!(lines[3..], ["[exit 0]", "[exit 0]", "[exit 0]", "1", ".s6-svscan", "gateway-d"], "{}", ran.out);
}
