//! Members of the control group can start and stop gateways, and cannot lead root's processes astray.

use super::{Openat2, STAYS, live, said, sandbox};

/// s6-supervise opens every name of the form `ftrig1:@…` in `event/`, and follows symlinks. The control grants the group the right that gatewayctl
/// must not grant.
#[test]
fn nobody_plants_a_symlink_where_a_supervisor_writes() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; gatewayctl -q register a --control-group hermes-extra; gen-service -q b --out /tmp/tree; \
         gatewayctl -q install /tmp/tree --control-group hermes-extra; profile c; \
         gatewayctl -q reconcile --except default --control-group hermes-extra 2>/tmp/orphans; grep -c register /tmp/orphans | grep -qx 2; up a b; \
         echo victim >/root/victim; chmod 600 /root/victim; \
         plant() { member ln -s /root/victim /run/service/gateway-$1/event/ftrig1:@4000000067432f0a1b2c3d4e:xxxxxx 2>/tmp/log && echo planted; }; \
         for g in a b c; do plant $g || echo refused; member gatewayctl -q stop $g; done; cat /root/victim; \
         s6-svperms -E hermes-extra /run/service/gateway-a; gatewayctl -q start a; up a; plant a; \
         gatewayctl -q doctor | grep ' event ' || :; member s6-svc -d /run/service/gateway-a; \
         until [ \"$(head -c 6 /root/victim)\" != victim ]; do sleep 0.02; done; echo overwritten",
    );
    said(
        &ran,
        "refused\nrefused\nrefused\nvictim\nplanted\n\
         ERROR    event        /run/service/gateway-a/event can be written by group 10001 (s6-svperms -E): user 0 would follow a symlink \
         planted in it; unregister the gateway and register it again\noverwritten\n",
    );
}

/// Anybody can give a process the name and the arguments of an s6-svscan. The user whose process supervises decides whose scandir it is. If the tree
/// belonged to an ordinary user, doctor would have nothing to drop.
#[test]
fn a_process_that_calls_itself_s6_svscan_makes_nothing_run_as_root() {
    let sandbox = sandbox(
        Openat2::Works,
        "case $* in *--help) id -u >>/share/record/who; echo '--foreground --port' ;; *) echo up; exec sleep 1000 ;; esac",
    );
    let ran = live(
        &sandbox,
        "touch /share/record/who; chmod 666 /share/record/who; gatewayctl -q register a; up a; \
         as python3 -c 'import os; os.execv(\"/usr/bin/python3\", [\"s6-svscan\", \"-c\", \
         \"import ctypes, time; ctypes.CDLL(None).prctl(15, b\\\"s6-svscan\\\"); time.sleep(1000)\", \"/run/service\"])' & \
         until pgrep -x -u 10000 s6-svscan >/dev/null; do sleep 0.02; done; \
         gatewayctl doctor | grep 's6-svscan \\|ERROR'; sort -u /share/record/who",
    );
    said(&ran, "OK       s6-svscan    watches /run/service as user 0\n10000\n");
}

/// The scandir belongs to the service user, as under `docker run --user`. Root runs nothing and follows nothing there.
#[test]
fn root_works_in_no_tree_of_somebody_else() {
    let sandbox = sandbox(
        Openat2::Works,
        "case $* in *--help) id -u >>/share/record/who; echo '--foreground --port' ;; *) echo up; exec sleep 1000 ;; esac",
    );
    let ran = sandbox.sh(
        &format!(
            "{} touch /share/record/who; chmod 666 /share/record/who; mkdir /run/service; chown hermes /run/service; \
             as sh -c 'exec s6-svscan -d3 /run/service' 3>/tmp/ready >/tmp/log 2>&1 & until [ -s /tmp/ready ]; do sleep 0.01; done; \
             as gatewayctl -q register a; until as gatewayctl -q status a; do sleep 0.02; done; \
             echo victim >/root/victim; as mkdir /run/service/gateway-b /run/service/gateway-b/supervise; \
             as ln -s /root/victim /run/service/gateway-b/supervise/control; \
             s6-svc -d /run/service/gateway-b 2>/tmp/log || :; head -c 1 /root/victim; echo; echo victim >/root/victim; \
             for c in 'stop b' 'start a' 'register c' 'unregister a' 'status' 'install /tmp'; do fails gatewayctl -q $c | tail -n 1; done; \
             cat /root/victim; gatewayctl -q doctor | grep -c hermes || :; sort -u /share/record/who",
            super::ATTACKER
        ),
        b"",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    // The control: s6-svc itself writes through the symlink.
    assert!(ran.out.starts_with("d\n"), "{}", ran.out);
    assert_eq!(ran.out.matches("[exit 1]\n").count(), 5, "{}", ran.out);
    assert!(ran.out.contains("[exit 2]\nvictim\n") && ran.out.ends_with("\n10000\n"), "{}", ran.out);
}

/// A gateway shared a home, and the group controlled it. It becomes an isolated gateway, and the group can do nothing with it any more.
#[test]
fn an_isolated_gateway_is_taken_from_the_control_group() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; gen-service a --out /tmp/t >/dev/null; gatewayctl -q install /tmp/t --control-group hermes-extra; up a; \
         member s6-svc -t /run/service/gateway-a && echo the control; gen-service a --isolated --out /tmp/t --force >/dev/null; \
         gatewayctl -q install /tmp/t --update --control-group hermes-extra; \
         member s6-svc -d /run/service/gateway-a || echo refused; stat -c %A /run/service/gateway-a/supervise /run/service/gateway-a/supervise/control",
    );
    assert!(ran.out.starts_with("the control\n") && ran.out.contains("Permission denied\nrefused\n"), "{}", ran.out);
    assert!(ran.out.ends_with("refused\ndrwx------\nprw-------\n"), "{}", ran.out);
}
