//! What follows the profiles of a volume: `gatewayctl watch`, `reconcile --prune`, and the takeover from Hermes' own manager.

use crate::sandbox::Sandbox;
use crate::support::{Ran, snapshot};

/// Like in [`crate::boot`], with a watch that writes what it does to `/tmp/watch`.
const HELPERS: &str = r#"
as() { setpriv --reuid 10000 --regid 10000 --clear-groups "$@"; }
profile() {
  as mkdir -p /opt/data/profiles/"$1"
  [ -z "${2-}" ] || printf '{"gateway_state":"%s"}' "$2" | as dd status=none of=/opt/data/profiles/"$1"/gateway_state.json
  # What marks it comes last: a watch takes it as it is then.
  as touch /opt/data/profiles/"$1"/SOUL.md
}
watches() { gatewayctl watch "$@" >/tmp/watch 2>&1 & watch=$!; until gatewayctl list | grep -q default; do sleep 0.02; done; }
until_list() { until [ "$(gatewayctl list | tr '\n' ' ')" = "$1" ]; do sleep 0.02; done; }
# As Hermes' own manager makes them, with a supervise that is the service user's.
foreign() {
  d=/run/service/.gateway-$1.tmp
  mkdir -p $d/log $d/supervise; chown hermes $d/supervise; echo longrun >$d/type
  printf '#!/command/with-contenv sh\nset -e\nexport HERMES_S6_SUPERVISED_CHILD=1\nexec sleep 1000\nexec s6-setuidgid hermes hermes -p %s gateway run --replace\n' "$1" >$d/run
  printf '#!/bin/sh\nexec s6-setuidgid hermes s6-log T /opt/data/logs/gateways/%s\n' "$1" >$d/log/run
  chmod 755 $d/run $d/log/run; as mkdir -p /opt/data/logs/gateways/$1; mv $d /run/service/gateway-$1; s6-svscanctl -a /run/service
  until s6-svok /run/service/gateway-$1/log; do sleep 0.02; done
}
"#;

fn live(command: &str) -> Ran {
    let sandbox = Sandbox::with_programs("case $* in *--help) exit ;; *) echo began; exec sleep 1000 ;; esac");
    let ran = sandbox.live(&format!("{HELPERS} {command}"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran
}

#[test]
fn profiles_come_and_go_and_are_renamed_under_a_watch() {
    let ran = live(
        "profile early running; watches; up early; profile later; until_list 'default early later '; profile runs running; up runs; \
         log=/opt/data/logs/gateways/early/current; until grep -qs began $log; do sleep 0.02; done; as mv /opt/data/profiles/early /opt/data/profiles/moved; \
         until_list 'default later moved runs '; up moved; as rm -r /opt/data/profiles/runs; until_list 'default later moved '; \
         while pgrep -f 'gateway-(runs|early)' >/dev/null; do sleep 0.02; done; grep -c began $log; \
         as mv /opt/data/profiles /opt/data/kept; until_list 'default '; as mv /opt/data/kept /opt/data/profiles; until_list 'default later moved '; \
         until grep -qs 'removed.*moved' /tmp/watch; do sleep 0.02; done; kill $watch; wait $watch; echo $?; sort /tmp/watch",
    );
    let expected = "1\n0\ndown      default  recorded: none\ndown      later  recorded: none\ndown      later  recorded: none\n\
                    removed   early  its profile is gone\nremoved   later  its profile is gone\nremoved   moved  its profile is gone\n\
                    removed   runs  its profile is gone\nstarted   early  recorded: running\nstarted   moved  recorded: running\n\
                    started   moved  recorded: running\nstarted   runs  recorded: running\n";
    assert_eq!(ran.out, expected);
}

/// The control group may stop the gateways, and the profiles belong to the service user. Still, the set is right at the end, and nothing that belongs
/// to others is gone.
#[test]
fn a_storm_of_profiles_ends_with_the_right_set() {
    let ran = live(
        "profile mine running; watches --most 60; up mine; gatewayctl -q register other --save; pid=$(s6-svstat -o pid /run/service/gateway-mine); \
         as python3 -c 'import os, shutil\nfor n in range(1000):\n  d = \"/opt/data/profiles/s%d\" % n\n  os.makedirs(d); open(d + \"/SOUL.md\", \"w\").close()\n  if n >= 10: shutil.rmtree(d)'; \
         until_list 'default mine other s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 '; kill -0 $pid && echo alive; \
         grep VmHWM /proc/$watch/status | awk '{ print ($2 < 65536) ? \"bounded\" : $2 }'; kill $watch; wait $watch; gatewayctl -q reconcile --prune --most 60; \
         until_list 'default mine other s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 '; echo same",
    );
    assert_eq!(ran.out, "alive\nbounded\nsame\n");
}

/// A profile whose gateway ignores TERM does not make a new profile wait.
#[test]
fn what_leaves_slowly_keeps_no_new_one_waiting() {
    let sandbox = Sandbox::with_programs(
        "case $2 in deaf) trap '' TERM; while :; do sleep 0.1; done ;; *) exec sleep 1000 ;; esac",
    );
    let ran = sandbox.live(&format!(
        "{HELPERS} profile deaf running; watches; up deaf; until pgrep -f 'sleep 0.1' >/dev/null; do sleep 0.02; done; \
         as rm -r /opt/data/profiles/deaf; until_list 'default '; profile new running; up new; ls -d /run/service/.gatewayctl.gone* | wc -l; \
         pkill -KILL -f 'while|hermes -p deaf' || :; kill $watch; wait $watch; echo $?"
    ));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with("1\n"), "the deaf gateway is still leaving: {}", ran.out);
}

#[test]
fn a_gateway_without_a_profile_is_told_of_and_pruned() {
    let ran = live(
        "exec 2>&1; profile a; profile b running; gatewayctl reconcile; gatewayctl -q register saved --save; gatewayctl -q register lost; \
         as rm -r /opt/data/profiles/a; gatewayctl -q reconcile; gatewayctl reconcile --prune; gatewayctl list | tr '\\n' ' '; \
         as mv /opt/data/profiles /opt/data/kept; as ln -s kept /opt/data/profiles; gatewayctl -q reconcile --prune; gatewayctl list | tr '\\n' ' '",
    );
    let expected = "down      default  recorded: none\ndown      a  recorded: none\nstarted   b  recorded: running\n\
        warning: gateway a has no profile on the volume; take it out with reconcile --prune, or keep it with register --save\n\
        warning: gateway lost has no profile on the volume; take it out with reconcile --prune, or keep it with register --save\n\
        unchanged saved  recorded: none\nunchanged default  recorded: none\nunchanged b  recorded: running\n\
        removed   a  its profile is gone\nremoved   lost  its profile is gone\nb default saved \
        warning: cannot read /opt/data/profiles: it is not a directory, or it is behind a symlink; its profiles are left out\n\
        b default saved ";
    assert_eq!(ran.out, expected);
}

/// Like in the image's target `volume`, where a boot starts what is recorded.
#[test]
fn an_operator_is_told_of_a_boot_that_does_something_else() {
    let sandbox = Sandbox::with_programs("case $* in *--help) exit ;; *) exec sleep 1000 ;; esac");
    sandbox.set("GATEWAYS_AT_BOOT", "recorded");
    let ran = sandbox.live(&format!(
        "{HELPERS} exec 2>&1; profile a; gatewayctl reconcile; gatewayctl start a; profile a running; gatewayctl stop a; gatewayctl stop a --save; \
         gatewayctl start a; gatewayctl -q start a; gatewayctl start a --save; gatewayctl stop a --save"
    ));
    let expected = "down      default  recorded: none\ndown      a  recorded: none\n\
        note: gateway default has never run on this volume; gatewayctl start default, or docker run -e HERMES_GATEWAY_BOOTSTRAP_STATE=running\n\
        started a\nstopped a\n\
        note: gateway a is recorded as running: the next boot starts it again; gatewayctl stop a --save changes that\n\
        stopped a\nstarted a\n\
        note: gateway a is recorded as stopped: the next boot leaves it down; gatewayctl start a --save changes that\n\
        started a\nstopped a\n";
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected));
}

#[test]
fn what_others_left_is_found() {
    let ran = live(
        "exec 2>&1; profile a running; profile loop running; gatewayctl -q reconcile; up a; foreign hermes; gatewayctl -q register lost --down; gatewayctl -q register saved --save --down; \
         mkdir /run/service/gateway-odd; printf '#!/no/such/shell\n' >/run/service/gateway-odd/run; chmod 755 /run/service/gateway-odd/run; \
         mkdir /run/service/gateway-mine; printf '#!/bin/sh\nexec sleep 1000\n' >/run/service/gateway-mine/run; chmod 755 /run/service/gateway-mine/run; \
         mkdir /run/service/gateway-loops; printf '#!/bin/sh\n# Written by gen-service\nexit 7\n' >/run/service/gateway-loops/run; chmod 755 /run/service/gateway-loops/run; \
         s6-svscanctl -a /run/service; until s6-svok /run/service/gateway-loops; do sleep 0.02; done; \
         umask 022; echo x >/opt/data/profiles/a/state.db; (umask 077; echo x >/opt/data/auth.json); \
         cd /opt/data/profiles/a; echo x >other; chown 4000 other; for f in own read-only; do as touch $f; done; chmod 0 own; chmod 444 read-only; cd /; \
         until [ \"$(s6-svdt /run/service/gateway-loops | wc -l)\" -ge 5 ]; do sleep 0.1; done; \
         gatewayctl -q --timeout 5 doctor | grep -E ' (scripts|loops|profiles|files) ' | sed 's/  */ /g'",
    );
    let expected = "ERROR scripts the run script of gateway hermes comes from Hermes' own service manager: nothing ends its crash loops, and its user controls its supervisor; \
        gatewayctl register hermes --adopt, or gatewayctl reconcile\n\
        warning scripts gen-service did not render the run script of gateway mine; unregister mine and register it again, unless you wrote it\n\
        ERROR scripts the run script of gateway odd cannot start: its supervisor tries again each minute; unregister odd and register it again\n\
        ERROR loops gateway loops has died 5 times within a minute, the last time with exit 7, and starts again; \
        gatewayctl logs loops; gatewayctl stop loops ends the loop\n\
        warning profiles without a profile on the volume: gateways hermes, loops, lost, 2 more; \
        make it with hermes profile create, or take the gateway out with gatewayctl reconcile --prune\n\
        warning files root owns files that hermes may have to write: /opt/data/profiles/a/state.db; gatewayctl repair\n\
        ERROR files /opt/data/auth.json: refusing to give it, because it belongs to root and nobody else may read it; if Hermes needs it, chown it as root\n\
        warning files hermes cannot read or write: /opt/data/profiles/a/other, /opt/data/profiles/a/own; look at their owners, on the machine that the volume comes from\n";
    assert_eq!(ran.out, expected);
}

#[test]
fn what_hermes_own_manager_made_is_taken_over() {
    let ran = live(
        "exec 2>&1; profile a running; profile b; foreign a; foreign b; gatewayctl register a --hermes-cli run || echo $?; \
         gatewayctl -q reconcile --dry-run; gatewayctl reconcile; up a; stat -c '%U' /run/service/gateway-a/supervise; \
         foreign c; gatewayctl register c --adopt; up c; gatewayctl register c --adopt || echo $?; mkdir /run/service/gateway-d; \
         printf '#!/bin/sh\\nexec sleep 1000\\n' >/run/service/gateway-d/run; gatewayctl register d --adopt || echo $?",
    );
    let expected = "error: /run/service/gateway-a was made by Hermes' own service manager; take it over with register --adopt or with reconcile\n1\n\
        down      default  recorded: none\nadopted   a  Hermes' own manager made it; recorded: running\n\
        adopted   b  Hermes' own manager made it; recorded: none\nroot\n\
        warning: gateway c was made by Hermes' own service manager; gatewayctl makes it again\nregistered /run/service/gateway-c  port 9403\n\
        error: /run/service/gateway-c is already registered; unregister it first\n1\n\
        error: /run/service/gateway-d is already registered and differs; unregister it first, or use install --update\n1\n";
    assert_eq!(ran.out, expected);
}

#[test]
fn supervisors_whose_directory_is_gone_are_seen_and_ended() {
    let ran = live(
        "exec 2>&1; profile a running; gatewayctl -q reconcile; up a; rm -r /run/service/gateway-a || :; gatewayctl -q doctor | grep ghost; \
         gatewayctl unregister a; pgrep -x s6-log | wc -l; gatewayctl -q reconcile; up a; rm -r /run/service/gateway-a || :; \
         gatewayctl reconcile; up a; until [ \"$(pgrep -x s6-log | wc -l)\" = 2 ]; do sleep 0.02; done; gatewayctl -q doctor | grep ghost || echo none",
    );
    let expected = "ERROR    ghosts       gateway-a has supervisors, but somebody removed its service directory: they hold the lock of its log; \
        gatewayctl reconcile, or s6-svscanctl -an /run/service\n\
        warning: service directory gateway-a: somebody removed it while its supervisors ran; gatewayctl ends them now\n\
        unregistered /run/service/gateway-a\n1\nunchanged default  recorded: none\nstarted   a  recorded: running\n\
        warning: service directory gateway-a: somebody removed it while its supervisors ran; gatewayctl ends them now\nnone\n";
    assert_eq!(ran.out, expected);
}

/// A root gateway serves all profiles, and Hermes says so. Other gateways end with 1 beside it.
const SERVES_ALL: &str = r#"case $* in
  *--help) exit ;;
  -p*) exit 1 ;;
esac
printf '{"gateway_state":"running","pid":%s,"start_time":%s,"served_profiles":["default","coder","writer"]}' $$ "$(cut -d' ' -f22 /proc/$$/stat)" >/opt/data/gateway_state.json
exec sleep 1000"#;

/// The variable says so, or `config.yaml`. What an earlier run wrote there does not count. A gateway that a manifest names is there, and is down.
#[test]
fn profiles_that_the_root_gateway_will_serve_get_none() {
    let ran = live(
        r#"exec 2>&1; state() { printf '%s' "$1" | as dd status=none of=/opt/data/gateway_state.json; }
        state '{"gateway_state":"stopped"}'; profile coder running; profile idle
        try() { echo "== $1"; shift; env "$@" gatewayctl reconcile --dry-run; }
        config() { printf "$1" | as dd status=none of=/opt/data/config.yaml; }
        manifest() { printf "$2" >/tmp/manifest; echo "== $1"; gatewayctl reconcile --dry-run --manifest /tmp/manifest; }
        try nothing A=b; try variable GATEWAY_MULTIPLEX_PROFILES=true
        config 'gateway:\n  multiplex_profiles: true\n'; try config A=b; try neither GATEWAY_MULTIPLEX_PROFILES=0
        manifest 'the manifest says no' '[gateways.default.env]\nGATEWAY_MULTIPLEX_PROFILES = "no"\n'
        manifest 'coder is named' '[gateways.coder]\n'
        manifest 'coder is of another user' '[gateways.coder]\nuser = "nobody"\n'
        manifest 'coder says no' '[gateways.coder.env]\nGATEWAY_MULTIPLEX_PROFILES = "no"\n'
        manifest 'default is down' '[gateways.default]\ndown = true\n'
        state '{"desired_state":"stopped"}'; try 'default is to stay down' A=b; try 'default is elsewhere' GATEWAYS_EXCEPT=default
        as rm /opt/data/config.yaml; state '{"desired_state":"stopped","pid":1,"start_time":1,"served_profiles":["default"]}'
        try 'an old record' A=b; gatewayctl list"#,
    );
    snapshot("served_dry_run", "What reconcile would do, by who says that the root gateway serves all.", &ran.out);
}

/// Hermes is told to serve all profiles while each profile has its own gateway, and is restarted.
#[test]
fn gateways_of_served_profiles_are_told_of_and_taken_out() {
    let sandbox = Sandbox::with_programs(SERVES_ALL);
    let ran = sandbox.live(&format!(
        "{HELPERS} {}",
        r#"exec 2>&1; state=/opt/data/gateway_state.json;
        # By the process that runs now.
        until_served() { until grep -qs "\"pid\":$(s6-svstat -o pid /run/service/gateway-default)," $state; do sleep 0.02; done; }
        profile coder; profile writer running; profile named running; printf '[gateways.named]\n' >/tmp/manifest
        reconcile() { echo "== $1"; shift; gatewayctl reconcile --manifest /tmp/manifest "$@"; gatewayctl doctor | grep profiles; }
        # Its own gateway would be up for a moment again and again, until its crash budget is used up.
        gatewayctl -q reconcile --manifest /tmp/manifest; gatewayctl list | tr '\n' ' '; echo; gatewayctl -q stop named
        echo 'multiplex_profiles: true' | as dd status=none of=/opt/data/config.yaml; reconcile 'before it starts again' --dry-run
        gatewayctl -q start default; until_served; reconcile 'it serves'; reconcile 'those go' --prune; gatewayctl list | tr '\n' ' '; echo
        gatewayctl -q restart default; until_served; profile new running; reconcile 'a new one' --json | grep -v '"\(recorded\|dry_run\)'
        gatewayctl -q stop default; reconcile 'it is down'
        as mkdir /opt/data/profiles/No; as touch /opt/data/profiles/No/SOUL.md
        gatewayctl watch >/tmp/watch 2>&1 & until grep -qs No /tmp/watch; do sleep 0.02; done; kill $!; wait $!; cat /tmp/watch; gatewayctl list"#
    ));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("served_live", "The root gateway begins to serve all.", &ran.out);
}
