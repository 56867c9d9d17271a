//! The logs of several gateways at once, from a time on, and filtered by their text.

use crate::sandbox::Sandbox;
use crate::support::{Ran, snapshot};

/// Stays up, and says nothing.
const SILENT: &str = "exec sleep 1000";

/// The content of a log at a time of 2026-01-02.
const SAYS: &str = "says() { echo \"2026-01-02 $2.000000000  $3\" >>/opt/data/logs/gateways/$1/current; }; \
                    both() { for name in a b; do gatewayctl -q register $name --hermes-cli run; up $name; \
                             until [ -e /opt/data/logs/gateways/$name/current ]; do sleep 0.02; done; done; }; \
                    logs() { echo \"\\$ logs $*\"; gatewayctl logs \"$@\" 2>&1 || echo \"[exit $?]\"; }; ";

fn live(sandbox: &Sandbox, command: &str) -> Ran {
    let ran = sandbox.live(&format!("{SAYS}both; {command}"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran
}

#[test]
fn several_logs_are_one_in_the_order_of_their_times() {
    let ran = live(
        &Sandbox::with_programs(SILENT),
        "says a 10:00:00 first; says b 10:00:01 second; says a 10:00:02 third; echo '  at line 3' >>/opt/data/logs/gateways/a/current; \
         says b 10:00:03 fourth; printf '2026-01-02 10:00:04.000000000  unended' >>/opt/data/logs/gateways/a/current; \
         logs a b; logs -n 1 b a; logs --all -n 1; logs a; logs a b nobody; logs nobody noone; logs a --all; logs; \
         logs --json -n 1 a b; gatewayctl -q unregister a b; logs --all",
    );
    snapshot("logs_several", "", &ran.out);
}

#[test]
fn lines_are_chosen_by_their_time_and_by_what_they_say() {
    let ran = live(
        &Sandbox::with_programs(SILENT),
        "old=/opt/data/logs/gateways/a/@4000000069000000deadbeef.s; echo '2025-10-27 00:00:00.000000000  error: old' >$old; chown hermes $old; \
         says a 10:00:00 'error: one'; says a 10:00:01 fine; says b 10:00:02 'Error: two'; says b 11:00:00 'error: three'; \
         logs a b --grep error; logs a --grep '(?i)^error: t' --json; logs b --grep '(?i)^error: t'; logs a b --since 2026-01-02T10:00:01Z; \
         TZ=UTC logs a b --since '2026-01-02 10:00:02' --grep error; logs a --since 2025-01-01 -n 2; logs a b --grep error -n 1; \
         logs a --since 10m; logs a --since soon; logs a --grep '('; logs a --grep 2026",
    );
    snapshot("logs_chosen", "", &ran.out);
}

/// A line without an end is shown when its end comes, and never in the middle of another log's line.
#[test]
fn several_logs_are_followed_by_whole_lines() {
    let ran = live(
        &Sandbox::with_programs(SILENT),
        "says a 10:00:00 before; gatewayctl logs a b -f >/tmp/all & all=$!; gatewayctl logs a b -f --grep error --json >/tmp/errors & errors=$!; \
         until [ -s /tmp/all ]; do sleep 0.02; done; \
         printf '2026-01-02 10:00:01.000000000  be' >>/opt/data/logs/gateways/a/current; says b 10:00:02 whole; \
         until grep -q whole /tmp/all; do sleep 0.02; done; echo gun >>/opt/data/logs/gateways/a/current; says b 10:00:03 'error: last'; \
         until grep -q last /tmp/all && [ -s /tmp/errors ]; do sleep 0.02; done; kill $all $errors; cat /tmp/all /tmp/errors",
    );
    snapshot("logs_followed", "", &ran.out);
}

/// The log of a gateway belongs to the service user, who may put a symlink there while an operator follows it. gatewayctl continues to follow the
/// others.
#[test]
fn a_log_that_is_swapped_while_it_is_followed_ends_itself_alone() {
    let ran = live(
        &Sandbox::with_programs(SILENT),
        "echo SECRET >/tmp/secret; chmod 600 /tmp/secret; gatewayctl logs a b -f >/tmp/all 2>&1 & all=$!; says b 10:00:00 up; \
         until [ -s /tmp/all ]; do sleep 0.02; done; mv /opt/data/logs/gateways/a /opt/data/logs/gateways/was; \
         ln -s /tmp /opt/data/logs/gateways/a; ln -sf /tmp/secret /opt/data/logs/gateways/was/current; \
         says b 10:00:01 still; until grep -q still /tmp/all; do sleep 0.02; done; kill $all; cat /tmp/all; logs a b -n 1",
    );
    assert!(!ran.out.contains("SECRET"), "{}", ran.out);
    snapshot("logs_swapped", "", &ran.out);
}

/// gatewayctl holds in memory neither ten gigabytes of one line nor many lines that all match.
#[test]
fn no_log_fills_the_memory() {
    let ran = live(
        &Sandbox::with_programs(SILENT),
        "rm /opt/data/logs/gateways/a/current; as=\"setpriv --reuid 10000 --regid 10000 --clear-groups\"; \
         $as truncate -s 10G /opt/data/logs/gateways/a/current; \
         rm /opt/data/logs/gateways/b/current; yes 'error error error error error error error error error error error' | head -n 300000 | $as tee /opt/data/logs/gateways/b/current >/dev/null; \
         ulimit -v 131072; gatewayctl logs a b | wc -c; $as truncate -s 5M /opt/data/logs/gateways/a/current; gatewayctl logs a b --grep error -n 100000000 2>&1 >/tmp/out; wc -l </tmp/out; head -n 1 /tmp/out",
    );
    snapshot("logs_memory", "", &ran.out);
}
