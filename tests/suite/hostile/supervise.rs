//! A gateway whose `supervise/` belongs to the service user, as Hermes' own service manager makes it if root runs `hermes profile create`. s6 asks
//! and tells a supervisor through files, and this user can replace those files.

use super::{Openat2, STAYS, live, said, sandbox};

/// The controls: the programs of s6 write through a symlink, hand over the file that it leads to, and wait for a fifo.
#[test]
fn what_belongs_to_another_user_is_neither_asked_nor_told() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; mkdir /run/s6/legacy-services; gatewayctl -q register a --down; d=/run/service/gateway-h; mkdir /tmp/h; printf '#!/bin/sh\\nexec sleep 1000\\n' >/tmp/h/run; \
         chmod 755 /tmp/h/run; mkdir -m 700 /tmp/h/supervise; chown hermes /tmp/h/supervise; mv /tmp/h $d; s6-svscanctl -a /run/service; \
         until s6-svok $d; do sleep 0.02; done; echo victim >/root/victim; chmod 600 /root/victim; ls -ld --time-style=+ /root/victim >/tmp/before; \
         as mv $d/supervise/control /opt/data/control; as ln -s /root/victim $d/supervise/control; \
         as mv $d/supervise/status /opt/data/status; as mkfifo $d/supervise/status; \
         for c in 'health h' 'health --live h' 'stop h' 'start h' 'restart h' 'status h' 'register h --control-group hermes-extra'; do \
           fails within 15 gatewayctl --timeout 3 $c; done; within 15 gatewayctl -q --timeout 3 status >/tmp/log || echo $?; \
         within 15 gatewayctl -q --timeout 3 doctor | grep ' supervise ' || :; cat /root/victim; ls -ld --time-style=+ /root/victim | cmp - /tmp/before; \
         timeout 1 s6-svstat $d || echo held; s6-svc -d $d; head -c 1 /root/victim; echo; echo victim >/root/victim; \
         s6-svperms -G hermes-extra $d 2>/tmp/log || :; stat -c %G /root/victim; \
         fails within 30 gatewayctl --timeout 3 unregister h; gatewayctl list; until [ $(pgrep -c -x s6-supervise) = 2 ]; do sleep 0.02; done",
    );
    let foreign = "error: another user can change /run/service/gateway-h/supervise, and root would follow a symlink that this user puts there; unregister \
                   the gateway and register it again\n[exit 1]\n";
    let unlooked = "gateway h cannot be checked: another user can change /run/service/gateway-h/supervise, and root would follow a symlink that this user \
                    puts there; unregister the gateway and register it again\n[exit 1]\n";
    let guarded = format!(
        "{unlooked}{unlooked}{}PROFILE  STATE    FOR  PID  LAST EXIT  RESTARTS  PORT  NEXT BOOT\n\
         h        foreign  -    -    -          -         -     -\n[exit 3]\n\
         error: /run/service/gateway-h is already registered and differs; unregister it first, or use install --update\n[exit 1]\n3\n\
         ERROR    supervise    /run/service/gateway-h/supervise belongs to user 10000 with mode 0700: user 0 would follow a symlink planted \
         in it; unregister the gateway and register it again; give the users who control it --control-group\nvictim\n",
        foreign.repeat(3)
    );
    let controls = "held\nd\nhermes-extra\n";
    said(&ran, &format!("{guarded}{controls}unregistered /run/service/gateway-h\n[exit 0]\na\n"));
}

/// The service user can fill a directory that it owns while the directory leaves. That stops no later run, and is reported once.
#[test]
fn what_cannot_be_removed_stops_nobody() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; d=/run/service/gateway-h; mkdir $d; printf '#!/bin/sh\\nexec sleep 1000\\n' >$d/run; chmod 755 $d/run; \
         mkdir -m 700 $d/supervise; chown hermes $d/supervise; s6-svscanctl -a /run/service; until s6-svok $d; do sleep 0.02; done; \
         as python3 -c 'import os\nos.chdir(\"/run/service/gateway-h/supervise\")\nfor n in range(50000):\n  os.mkdir(\"d\"); os.chdir(\"d\")'; \
         fails within 60 gatewayctl -q --timeout 3 unregister h | sed 's/[0-9]*\\.0:/N:/'; gatewayctl -q register a --down 2>&1 | sed 's/[0-9]*\\.0:/N:/'; \
         gatewayctl -q register b --down; gatewayctl list",
    );
    let why =
        "cannot remove /run/service/.gatewayctl.gone.N: it has directories that are nested deeper than 100 levels";
    said(&ran, &format!("error: {why}\n[exit 1]\nwarning: {why}; later runs do not wait for it\na\nb\n"));
}
