//! Faults on a live tree: install, register, unregister and reconcile are killed at each of their system calls, and each of
//! those fails in each of these ways. The scandir has the whole directory or none, a second run converges, and nothing is left.

use std::fmt::Write as _;
use std::fs;

use crate::faults::{can_fail, points};
use crate::sandbox::Sandbox;

/// A profile on the volume, so that reconcile has something to do.
const VOLUME: &str = "mkdir -p /opt/data/profiles/x; touch /opt/data/profiles/x/SOUL.md; chown -R hermes /opt/data;";

const OPERATIONS: [(&str, &str); 6] = [
    ("update", "gatewayctl -q --timeout 5 install /tmp/new --update"),
    ("reconcile", "gatewayctl -q --timeout 5 reconcile --only x"),
    ("save", "gatewayctl -q --timeout 5 register x --down --save"),
    ("register", "gatewayctl -q --timeout 5 register x --down"),
    ("install", "gatewayctl -q --timeout 5 install /tmp/tree"),
    ("unregister", "gatewayctl -q --timeout 5 unregister x"),
];

/// Two gateways that are to be updated, file by file, a new directory and a missing file among them, and one that is new.
const UPDATE: &str = "gen-service -q x z --down --out /tmp/tree; gatewayctl -q install /tmp/tree; \
    gen-service -q x y z --down --env A=1 --crash-budget off --out /tmp/new; rm /tmp/new/gateway-x/timeout-kill; \
    mkdir /tmp/new/gateway-x/env; echo 1 >/tmp/new/gateway-x/env/B;";

/// What each iteration does, in the shell beside s6-svscan. Every complaint is a failure of the test.
const EACH: &str = r#"
complain() { echo "$name $n: $* ($(cat /tmp/err))"; }
same() { diff -r "$1/gateway-$2" "/run/service/gateway-$2" >/tmp/diff 2>&1 || ! grep -v ': supervise$\|: event$' /tmp/diff >/tmp/log; }
whole() {
  [ "$operation" != update ] || return 0
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
  if [ "$operation" = update ]; then
    # The next run of whatever changes the scandir makes a mixture whole, and leaves nothing.
    if [ $code = 137 ]; then gatewayctl -q unregister nobody 2>/tmp/err || complain 'the run after it failed'; fi
    for d in tree new; do if same /tmp/$d x && same /tmp/$d z; then break; fi; d=neither; done
    case $code:$d in 0:new | 1:tree | 137:tree | 137:new) ;; *) complain "$d, $(cat /tmp/diff)" ;; esac
    if [ -e /run/service/gateway-y ]; then
      same /tmp/new y || complain "y is not whole"
      [ $code != 1 ] || complain 'failed, and y is there'
    fi
    $command 2>/tmp/err || complain 'the second run failed'
    for g in x y z; do same /tmp/new $g && supervised $g || complain "$g after the second run: $(cat /tmp/diff)"; done
    gatewayctl -q unregister y && gatewayctl -q install /tmp/tree --update 2>/tmp/err || complain 'the way back failed'
    [ "$(ls -A /run/service | tr '\n' ' ')" = '.s6-svscan gateway-x gateway-z ' ] || complain "left: $(ls -A /run/service)"
    continue
  fi
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
[ "$operation" != update ] || gatewayctl -q unregister x z
# Its fifo is closed a moment before a supervisor has ended.
timeout 20 sh -c 'while pgrep s6-supervise; do sleep 0.02; done' >/tmp/log || echo 'a supervisor is left'
echo "tried $tried"
"#;

/// What takes long is done for the faults that matter there.
fn is_tried(operation: &str, fault: &str) -> bool {
    operation != "update" || !matches!(fault, "error=EROFS" | "error=EACCES")
}

fn each_point(fault: &str, only: &[&str]) {
    let sandbox = Sandbox::with_programs("exec sleep 1000");
    for (operation, command) in OPERATIONS.into_iter().filter(|(operation, _)| is_tried(operation, fault)) {
        let begin = match operation {
            "unregister" => "gatewayctl -q register x --down;",
            "update" => UPDATE,
            _ => "",
        };
        let ran = sandbox.live(&format!(
            "{VOLUME} gen-service -q x --down --out /tmp/tree; {begin} strace -qq -o /share/trace {command}; gatewayctl -q unregister x y z --save"
        ));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        let trace = fs::read_to_string(sandbox.path("trace")).unwrap();
        let mut listed = String::new();
        let killed = fault.contains("signal");
        for (name, count) in points(&trace, "\"/run/service") {
            let name_is_meant = only.is_empty() || only.contains(&name.as_str());
            if name_is_meant && (killed || can_fail(&name)) {
                writeln!(listed, "{name} {count}").unwrap();
            }
        }
        fs::write(sandbox.path("points"), &listed).unwrap();
        let again = if operation == "update" { UPDATE } else { "" };
        let ran = sandbox.live(&format!(
            "{VOLUME} gen-service -q x --down --out /tmp/tree; {again} operation={operation}; command='{command}'; fault={fault}\n{EACH}"
        ));
        let expected = format!("tried {}\n", listed.lines().count());
        assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected.as_str()), "{operation} {fault}");
        assert!(listed.lines().count() > if only.is_empty() { 100 } else { 20 }, "{listed}");
        eprintln!("{operation} with {fault}: {expected}");
    }
}

#[test]
fn killed_at_each_system_call() {
    each_point("signal=KILL", &[]);
}

#[test]
fn no_space_at_each_system_call() {
    each_point("error=ENOSPC", &[]);
}

#[test]
fn an_io_error_at_each_system_call() {
    each_point("error=EIO", &[]);
}

#[test]
fn a_read_only_file_system_at_each_system_call() {
    each_point("error=EROFS", &[]);
}

#[test]
fn an_interrupted_system_call_at_each_read_and_close() {
    each_point("error=EINTR", &["read", "close"]);
}

#[test]
fn permission_denied_at_each_system_call() {
    each_point("error=EACCES", &[]);
}
