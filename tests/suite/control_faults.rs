//! Faults on a live tree. install, register, unregister and reconcile are killed at each of their system calls, and each call fails in each of these
//! ways. The scandir has the whole directory or none, a second run converges, and nothing is left.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::faults::{Point, can_fail, points, share};
use crate::sandbox::Sandbox;
use crate::support::GATEWAYCTL;

/// A profile on the volume, so that reconcile has work to do.
const VOLUME: &str = "mkdir -p /opt/data/profiles/x; touch /opt/data/profiles/x/SOUL.md; chown -R hermes /opt/data;";

/// An operation: its name, and its command line. The first word after `gatewayctl` and its options is the command.
struct Operation {
    name: &'static str,
    command: &'static str,
    /// Which points of the operation are tried: every point, or every n-th point if one try takes a second.
    each: usize,
}

const fn operation(name: &'static str, command: &'static str, each: usize) -> Operation {
    Operation { name, command, each }
}

const OPERATIONS: [Operation; 17] = [
    operation("update", "gatewayctl -q --timeout 5 install /tmp/new --update", 1),
    operation("move", "gatewayctl -q --timeout 5 install /tmp/one /tmp/two --move", 2),
    operation("reconcile", "gatewayctl -q --timeout 5 reconcile --only x", 1),
    operation("save", "gatewayctl -q --timeout 5 register x --down --save", 1),
    operation("register", "gatewayctl -q --timeout 5 register x --down", 1),
    operation("install", "gatewayctl -q --timeout 5 install /tmp/tree", 1),
    operation("unregister", "gatewayctl -q --timeout 5 unregister x", 1),
    operation("start", "gatewayctl -q --timeout 5 start x", 8),
    operation("stop", "gatewayctl -q --timeout 5 stop x", 8),
    operation("restart", "gatewayctl -q --timeout 5 restart x", 32),
    operation("list", "gatewayctl -q --timeout 5 list", 2),
    operation("status", "gatewayctl -q --timeout 5 status", 4),
    operation("health", "gatewayctl -q --timeout 5 health", 4),
    operation("metrics", "gatewayctl -q --timeout 5 metrics", 8),
    operation("logs", "gatewayctl -q --timeout 5 logs x", 4),
    operation("doctor", "gatewayctl -q --timeout 5 doctor", 4),
    operation("detect", "gatewayctl -q --timeout 5 detect", 2),
];

impl Operation {
    /// The preparation, done once for all tries.
    fn begin(&self) -> &'static str {
        match self.name {
            "update" => UPDATE,
            "start" | "stop" | "restart" | "list" | "status" | "logs" | "doctor" | "detect" => {
                "gatewayctl -q register x; up x; until [ -e /opt/data/logs/gateways/x/current ]; do sleep 0.02; done;"
            }
            // A gateway without a port, so that it is healthy.
            "health" => {
                "mkdir /run/s6/legacy-services; gatewayctl -q register x --hermes-cli run; until gatewayctl -q health; do sleep 0.1; done;"
            }
            _ => "",
        }
    }

    /// The preparation of each try.
    fn before_each(&self) -> &'static str {
        match self.name {
            "unregister" => "gatewayctl -q register x --down;",
            "move" => "gen-service -q x --down --out /tmp/one; gen-service -q y z --down --out /tmp/two;",
            "start" => "gatewayctl -q stop x;",
            _ => "",
        }
    }

    /// An operation that takes long is tried only with the faults that matter there.
    fn is_tried(&self, fault: &str) -> bool {
        match self.name {
            "update" | "move" => !matches!(fault, "error=EROFS" | "error=EACCES"),
            "install" => true,
            _ if fault.starts_with("signal=") => {
                fault == "signal=KILL"
                    && !matches!(self.name, "list" | "status" | "health" | "metrics" | "logs" | "doctor" | "detect")
            }
            "start" | "stop" | "restart" => fault == "error=EIO",
            "list" | "status" | "health" | "metrics" | "logs" | "doctor" | "detect" => {
                matches!(fault, "error=EIO" | "error=EMFILE")
            }
            _ => true,
        }
    }
}

/// Two gateways to update file by file, with a new directory and a missing file, and one new gateway.
const UPDATE: &str = "gen-service -q x z --down --out /tmp/tree; gatewayctl -q install /tmp/tree; \
    gen-service -q x y z --down --env A=1 --crash-budget off --out /tmp/new; rm /tmp/new/gateway-x/timeout-kill; \
    mkdir /tmp/new/gateway-x/env; echo 1 >/tmp/new/gateway-x/env/B;";

/// What each iteration does, in the shell beside s6-svscan. Every message is a failure of the test.
const EACH: &str = r#"
complain() { echo "$name $n: $* ($(cat /tmp/err))"; }
same() { diff -r "$1/gateway-$2" "/run/service/gateway-$2" >/tmp/diff 2>&1 || ! grep -v ': supervise$\|: event$' /tmp/diff >/tmp/log; }
whole() {
  case $operation in update | move | start | stop | restart | list | status | health | metrics | logs | doctor | detect) return 0 ;; esac
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
  eval "$before_each"
  code=0
  strace -qq --signal=none -o /dev/null -e "inject=$name:$fault:when=$n" $command 2>/tmp/err >/tmp/said || code=$?
  tried=$((tried + 1))
  whole
  case $code in
    # What reconcile cannot do for one profile, or beside it, stops no other.
    0) case $operation in reconcile | doctor) ;; *) [ ! -s /tmp/err ] || complain 'success with an error' ;; esac ;;
    1) [ "$(grep -c '^error: ' /tmp/err)" = "$(wc -l </tmp/err)" ] || complain 'an odd error' ;;
    2 | 3 | 4) [ "$operation" = status ] || [ "$operation" = doctor ] || complain "exit $code" ;;
    130 | 143 | 129) [ "$(cat /tmp/err)" = "error: interrupted by SIG${fault#signal=}; the changes are taken back" ] || complain 'an odd end' ;;
    137) ;;
    *) complain "exit $code" ;;
  esac
  if [ "$operation" = update ]; then
    # The next run of whatever changes the scandir makes a mixture whole, and leaves nothing.
    if [ $code = 137 ]; then gatewayctl -q unregister nobody --if-exists 2>/tmp/err || complain 'the run after it failed'; fi
    for d in tree new; do if same /tmp/$d x && same /tmp/$d z; then break; fi; d=neither; done
    case $code:$d in 0:new | 1:tree | 130:tree | 143:tree | 129:tree | 137:tree | 137:new) ;; *) complain "$d, $(cat /tmp/diff)" ;; esac
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
  case $operation in
    start | stop | restart)
      gatewayctl -q --timeout 20 start x 2>/tmp/err || complain 'it does not start again'
      continue
      ;;
    list | status | health | metrics | logs | doctor | detect) continue ;;
  esac
  if [ "$operation" = move ]; then
    # What was published and not moved yet is there, and is moved by the next run; or nothing is there.
    if [ $code = 137 ]; then gatewayctl -q unregister nobody --if-exists 2>/tmp/err || complain 'the run after it failed'; fi
    there=$(gatewayctl list | tr '\n' ' ')
    case $code:$there in 0:'x y z ' | 1:'x y z ' | 1: | 130: | 143: | 129: | 137: | 137:'x y z ') ;; *) complain "there: $there" ;; esac
    for d in /run/service/gateway-*; do
      if [ -e "$d" ]; then same /tmp/all "${d##*/gateway-}" || complain "not whole: $d"; fi
    done
    left=$(ls -A /tmp/one /tmp/two)
    case $left in *gateway*) $command 2>/tmp/err || complain 'the second run failed' ;; esac
    for g in x y z; do same /tmp/all $g && supervised $g || complain "$g after the second run: $(cat /tmp/diff)"; done
    [ -z "$(ls -A /tmp/one)$(ls -A /tmp/two)" ] || complain "left in the trees: $(ls -A /tmp/one /tmp/two)"
    gatewayctl -q unregister x y z 2>/tmp/err || complain 'cannot unregister'
    [ "$(ls -A /run/service)" = .s6-svscan ] || complain "left: $(ls -A /run/service)"
    continue
  fi
  if [ "$operation" = unregister ]; then
    gatewayctl -q unregister x --if-exists 2>/tmp/err || complain 'the second run failed'
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
case $operation in
  update) gatewayctl -q unregister x z --if-exists ;;
  start | stop | restart | list | status | health | metrics | logs | doctor | detect) gatewayctl -q unregister x --if-exists ;;
esac
# Its fifo is closed a moment before a supervisor has ended.
timeout 20 sh -c 'while pgrep s6-supervise; do sleep 0.02; done' >/tmp/log || echo 'a supervisor is left'
echo "tried $tried"
"#;

fn each_point(fault: &str, only: &[&str]) {
    // A gateway that answers at once what doctor asks.
    let sandbox =
        Sandbox::with_programs("case $* in *--help) echo --foreground --port ;; *) echo up; exec sleep 1000 ;; esac");
    for operation in OPERATIONS.iter().filter(|operation| operation.is_tried(fault)) {
        let Operation { name, command, each } = operation;
        let step = *each * share(fault);
        let (begin, before_each) = (operation.begin(), operation.before_each());
        let ready = format!(
            "{VOLUME} gen-service -q x --down --out /tmp/tree; gen-service -q x y z --down --out /tmp/all; {begin}"
        );
        let ran = sandbox.live(&format!(
            "{ready} {before_each} strace -qq -o /share/trace {command} >/tmp/said || [ {name} = doctor ]; gatewayctl -q unregister x y z --save --if-exists"
        ));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}: {}", ran.out);
        let trace = fs::read_to_string(sandbox.path("trace")).unwrap();
        let killed = fault.contains("signal");
        let is_meant =
            |(name, _): &Point| (only.is_empty() || only.contains(&name.as_str())) && (killed || can_fail(name));
        let all: Vec<Point> = points(&trace, "\"/run/service").into_iter().filter(is_meant).collect();
        let least = match (*each, only) {
            (1, []) => 100,
            (1, ["read", "close"]) => 20,
            _ => 1,
        };
        assert!(all.len() >= least, "{name}: {all:?}");
        let mut listed = String::new();
        // Other faults begin at other points. Each command is tried at one point at least.
        let first = (fault.len() % step).min(all.len() - 1);
        for (name, count) in all[first..].iter().step_by(step) {
            writeln!(listed, "{name} {count}").unwrap();
        }
        fs::write(sandbox.path("points"), &listed).unwrap();
        let ran = sandbox.live(&format!(
            "{ready} before_each='{before_each}'; operation={name}; command='{command}'; fault={fault}\n{EACH}"
        ));
        let tried = listed.lines().count();
        let expected = format!("tried {tried}\n");
        assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected.as_str()), "{name} {fault}");
        eprintln!("{name}: {tried} of {} points tried with {fault}, all held", all.len());
    }
}

/// The test reads the list of commands from the program itself, so it forgets no command.
#[test]
fn every_command_is_tried() {
    let help = Command::new(GATEWAYCTL).arg("help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let commands: BTreeSet<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        // A watch does not end, and what it does is what reconcile and unregister do. A repair changes no scandir, and each of its steps stands
        // alone. A watchdog only tells a supervisor something. `shard` and `completions` only print
        // a script.
        .filter(|command| !["completions", "help", "watch", "watchdog", "repair", "shard"].contains(command))
        .collect();
    let words = OPERATIONS.iter().map(|operation| operation.command.split_whitespace().nth(4).unwrap());
    assert_eq!(words.collect::<BTreeSet<&str>>(), commands);
    assert!(commands.len() > 10, "{commands:?}");
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

#[test]
fn no_descriptor_is_left_at_each_system_call_that_makes_one() {
    each_point("error=EMFILE", &["openat", "openat2", "pipe2", "socket", "dup", "fcntl"]);
}

#[test]
fn interrupted_at_each_system_call() {
    each_point("signal=INT", &[]);
}

#[test]
fn terminated_at_each_system_call() {
    each_point(
        "signal=TERM",
        &["openat", "mkdirat", "write", "renameat", "renameat2", "unlinkat", "linkat", "close", "getdents64"],
    );
}

#[test]
fn hung_up_at_each_rename() {
    each_point("signal=HUP", &["renameat", "renameat2", "unlinkat"]);
}
