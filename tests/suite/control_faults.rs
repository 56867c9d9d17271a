//! Faults on a live tree: install, register, unregister and reconcile are killed at each of their system calls, and each of
//! those fails in each of these ways. The scandir has the whole directory or none, a second run converges, and nothing is left.

use std::fmt::Write as _;
use std::fs;

use crate::faults::points;
use crate::sandbox::Sandbox;

/// A profile on the volume, so that reconcile has something to do.
const VOLUME: &str = "mkdir -p /opt/data/profiles/x; touch /opt/data/profiles/x/SOUL.md; chown -R hermes /opt/data;";

/// Calls that Rust's own library takes for granted, and that fail in none of these ways: it panics, or ends the process.
const RUSTS: [&str; 9] =
    ["close", "clock_nanosleep", "futex", "geteuid", "getrandom", "ioctl", "poll", "read", "restart_syscall"];

const OPERATIONS: [(&str, &str); 5] = [
    ("reconcile", "gatewayctl -q --timeout 5 reconcile --only x"),
    ("save", "gatewayctl -q --timeout 5 register x --down --save"),
    ("register", "gatewayctl -q --timeout 5 register x --down"),
    ("install", "gatewayctl -q --timeout 5 install /tmp/tree"),
    ("unregister", "gatewayctl -q --timeout 5 unregister x"),
];

/// What each iteration does, in the shell beside s6-svscan. Every complaint is a failure of the test.
const EACH: &str = r#"
complain() { echo "$name $n: $* ($(cat /tmp/err))"; }
whole() {
  for d in /run/service/gateway-*; do
    [ -e "$d" ] || continue
    diff -r "/tmp/tree/${d##*/}" "$d" | grep -v ': supervise$\|: event$' >/tmp/diff || continue
    complain "not whole: $d $(cat /tmp/diff)"
  done
}
saved() { grep -qs '^.gateways.x.$' /opt/data/gateways.toml; }
supervised() { s6-svok "/run/service/gateway-$1" && s6-svok "/run/service/gateway-$1/log"; }
tried=0
while read -r name n; do
  [ "$operation" != unregister ] || gatewayctl -q register x --down
  code=0
  strace -qq --signal=none -o /dev/null -e "inject=$name:$fault:when=$n" $command 2>/tmp/err || code=$?
  tried=$((tried + 1))
  whole
  case $code in
    # What reconcile cannot do for one profile, or beside it, stops no other.
    0) [ "$operation" = reconcile ] || [ ! -s /tmp/err ] || complain 'success with an error' ;;
    1) [ "$(grep -c '^error: ' /tmp/err)" = "$(wc -l </tmp/err)" ] || complain 'an odd error' ;;
    137) ;;
    *) complain "exit $code" ;;
  esac
  if [ "$operation" = unregister ]; then
    gatewayctl -q unregister x 2>/tmp/err || complain 'the second run failed'
  else
    if [ $code = 0 ]; then supervised x || grep -q '^warning: \(profile x:\|cannot read /opt/data/profiles:\) ' /tmp/err || complain 'not supervised'; fi
    if [ $code = 1 ] && [ -e /run/service/gateway-x ]; then complain 'failed, and there'; fi
    if [ "$operation" = save ]; then
      if [ $code = 0 ]; then saved || complain 'not saved'; fi
      if [ $code = 1 ] && saved; then complain 'failed, and saved'; fi
    fi
    $command 2>/tmp/err || grep -q 'already registered; unreg' /tmp/err || complain 'the second run failed'
    supervised x || complain 'not supervised after the second run'
    [ "$operation" != save ] || saved || complain 'not saved by the second run'
    gatewayctl -q unregister x --save 2>/tmp/err || complain 'cannot unregister'
    for f in /opt/data/.[!.]*; do [ ! -e "$f" ] || complain "left: $f"; done
  fi
  [ "$(ls -A /run/service)" = .s6-svscan ] || complain "left: $(ls -A /run/service)"
done </share/points
pgrep s6-supervise && echo 'a supervisor is left'
echo "tried $tried"
"#;

fn each_point(fault: &str) {
    let sandbox = Sandbox::with_programs("exec sleep 1000");
    for (operation, command) in OPERATIONS {
        let begin = if operation == "unregister" { "gatewayctl -q register x --down;" } else { "" };
        let ran = sandbox.live(&format!(
            "{VOLUME} gen-service -q x --down --out /tmp/tree; {begin} strace -qq -o /share/trace {command}; gatewayctl -q unregister x --save"
        ));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        let trace = fs::read_to_string(sandbox.path("trace")).unwrap();
        let mut listed = String::new();
        let killed = fault.contains("signal");
        for (name, count) in points(&trace, "\"/run/service") {
            if killed || (!RUSTS.contains(&name.as_str()) && !name.starts_with("rt_sig")) {
                writeln!(listed, "{name} {count}").unwrap();
            }
        }
        fs::write(sandbox.path("points"), &listed).unwrap();
        let ran = sandbox.live(&format!(
            "{VOLUME} gen-service -q x --down --out /tmp/tree; operation={operation}; command='{command}'; fault={fault}\n{EACH}"
        ));
        let expected = format!("tried {}\n", listed.lines().count());
        assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected.as_str()), "{operation} {fault}");
        assert!(listed.lines().count() > 30, "{listed}");
        eprintln!("{operation} with {fault}: {expected}");
    }
}

#[test]
fn killed_at_each_system_call() {
    each_point("signal=KILL");
}

#[test]
fn no_space_at_each_system_call() {
    each_point("error=ENOSPC");
}

#[test]
fn an_io_error_at_each_system_call() {
    each_point("error=EIO");
}

#[test]
fn a_read_only_file_system_at_each_system_call() {
    each_point("error=EROFS");
}

#[test]
fn permission_denied_at_each_system_call() {
    each_point("error=EACCES");
}
