//! The home of an isolated gateway. Its user fills it, holds it and leads it elsewhere while root removes it.

use super::{Openat2, live, said, sandbox};

/// Stays up, and records that it runs.
const STAYS: &str = "case $* in *--help) echo --replace ;; *) echo up >up; exec sleep 1000 ;; esac";

/// `own COMMAND` runs a command as the user of coder.
const OWN: &str = "own() { setpriv --reuid 33370 --regid 33370 --clear-groups \"$@\"; }; h=/opt/homes/coder; \
    again() { gatewayctl -q register coder --isolated; until [ -e $h/up ]; do sleep 0.02; done; }; \
    gone() { [ ! -e $h ] && ! pgrep -u 33370 >/dev/null && echo gone || ls -la $h; }; ";

/// What the user plants leads nowhere, and its processes end. A file that belongs to another user is an error that names the file.
#[test]
fn what_an_instance_plants_outlives_no_purge() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        &format!(
            "exec 2>&1; {OWN} again; mkdir -p /root/victim/below; touch /root/victim/file; chmod -R a+rwX /root /root/victim; \
             own ln -s /root/victim $h/link; own sh -c \"cd $h/link && rm file\"; ls /root/victim; touch /root/victim/file; \
             own mkdir -p $h/a/b; own ln -s /root/victim $h/a/b/link; own chmod 0 $h/a/b $h/a; own ln /root/victim/file $h/hard 2>/dev/null || :; \
             own python3 -c 'import os; os.chdir(\"/opt/homes/coder\"); [(os.mkdir(\"d\"), os.chdir(\"d\")) for n in range(1500)]'; \
             setpriv --reuid 33370 --regid 33370 --clear-groups sh -c \"trap '' TERM HUP; while :; do touch $h/more; ln -sfn /root/victim $h/swap; done\" 2>/dev/null & filler=$!; \
             until [ -e $h/more ]; do sleep 0.02; done; within 60 gatewayctl -q unregister coder --purge --yes; wait $filler || :; gone; ls /root/victim; \
             again; mkdir -m 700 $h/roots; touch $h/roots/file; fails gatewayctl -q unregister coder --purge --yes; \
             ls $h; rm -r $h/roots; within 60 gatewayctl unregister coder --purge --yes; gone; \
             mkdir /opt/homes/coder; chown 10000 /opt/homes/coder; fails gatewayctl unregister coder --purge --yes; rmdir /opt/homes/coder; \
             mkdir /tmp/far; chown 33370 /tmp/far; own touch /tmp/far/file; ln -s /tmp/far /opt/homes/coder; fails gatewayctl unregister coder --purge --yes; ls /tmp/far"
        ),
    );
    said(
        &ran,
        "below\ngone\nbelow\nfile\n\
         error: /bin/sh failed with 1: find: './roots': Permission denied, find: cannot delete './roots': Directory not empty\n[exit 1]\nroots\n\
         not there    /run/service/gateway-coder\npurged       /opt/homes/coder\ngone\n\
         error: cannot remove /opt/homes/coder: it belongs to user 10000, and no isolated gateway has that user; look at what is there, and remove it by hand\n[exit 1]\n\
         error: cannot remove /opt/homes/coder: it is not a directory; look at what is there, and remove it by hand\n[exit 1]\nfile\n",
    );
}

/// A process of this user stops each new process of the user. Root itself ends all of them, and then nothing holds up the rest of the work.
#[test]
fn whoever_stops_its_own_purge_is_ended_by_root() {
    const STOPS: &str = "import os, signal\nown = os.getpid()\nopen('/opt/homes/coder/stops', 'w').close()\nwhile True:\n\
        \x20for name in os.listdir('/proc'):\n\
        \x20 if name.isdigit() and int(name) > own:\n\
        \x20  try: os.kill(int(name), signal.SIGSTOP)\n\
        \x20  except OSError: pass\n";
    let sandbox = sandbox(Openat2::Works, STAYS);
    std::fs::write(sandbox.path("stops.py"), STOPS).unwrap();
    let ran = live(
        &sandbox,
        &format!(
            "exec 2>&1; {OWN} for round in 1 2 3; do again; rm -f /opt/homes/coder/stops; \
             setpriv --reuid 33370 --regid 33370 --clear-groups python3 /share/stops.py & stopper=$!; until [ -e $h/stops ]; do sleep 0.02; done; \
             setpriv --reuid 33370 --regid 33370 --clear-groups sleep 0.1 & held=$!; \
             until [ \"$(cut -d' ' -f3 /proc/$held/stat)\" = T ]; do sleep 0.02; done; echo the control: it is stopped; \
             within 60 gatewayctl -q --timeout 10 unregister coder --purge --yes; wait $stopper 2>/dev/null || :; wait $held 2>/dev/null || :; gone; done"
        ),
    );
    said(&ran, &"the control: it is stopped\ngone\n".repeat(3));
}

/// The user of a home may by now be the user of another gateway. That gateway is not ended.
#[test]
fn a_purge_ends_no_other_gateway() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; gatewayctl -q register a --isolated --uid 20001; until [ -e /opt/homes/a/up ]; do sleep 0.02; done; gatewayctl -q unregister a; \
         gatewayctl -q register b --isolated --uid 20001; until [ -e /opt/homes/b/up ]; do sleep 0.02; done; p=$(s6-svstat -o pid /run/service/gateway-b); \
         fails gatewayctl unregister a --purge --yes; [ $p = $(s6-svstat -o pid /run/service/gateway-b) ] && echo same; ls /opt/homes; \
         fails gatewayctl unregister service:dashboard --purge --yes",
    );
    said(
        &ran,
        "error: cannot purge /opt/homes/a: its user, 20001, is now the user of gateway b; give gateway b another --uid, or remove the home by hand\n[exit 1]\n\
         same\na\nb\nerror: the dashboard has no home of its own to purge; remove its profile with `hermes profile delete`\n[exit 2]\n",
    );
}

/// A user with very many files in its home cannot hold an operator: a signal ends the run, the home is under its name again, and the next run goes
/// on. The next run also removes what a killed run left, beside a new home and without one.
#[test]
fn a_purge_ends_if_a_signal_comes_and_the_next_one_goes_on() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        &format!(
            "exec 2>&1; {OWN} homes() {{ ls -A /opt/homes; }}; \
             slow() {{ mv /usr/bin/find /usr/bin/fast; printf '#!/bin/sh\ntouch here; exec sleep 1000\n' >/usr/bin/find; chmod 755 /usr/bin/find; }}; \
             fast() {{ mv /usr/bin/fast /usr/bin/find; }}; held() {{ until [ -e /opt/homes/.coder.purge/here ]; do sleep 0.02; done; homes; }}; \
             for signal in INT TERM; do again; own mkdir -p $h/a/b; slow; env --default-signal=INT gatewayctl -q unregister coder --purge --yes & run=$!; held; \
             kill -$signal $run; within 60 tail -f --pid $run /dev/null; fails wait $run; homes; ls $h; fast; \
             within 60 gatewayctl -q unregister coder --purge --yes; gone; homes; done; \
             for next in none again; do again; slow; gatewayctl -q unregister coder --purge --yes & run=$!; held; \
             kill -KILL $run; wait $run 2>/dev/null || echo [exit $?]; homes; fast; [ $next = none ] || again; \
             within 60 gatewayctl -q unregister coder --purge --yes; gone; homes; done"
        ),
    );
    let ended = |signal, code| {
        format!(
            ".coder.purge\nerror: interrupted by {signal}; the next run removes the rest\n[exit {code}]\ncoder\n\
             a\nhere\nlogs\ntmp\nup\ngone\n"
        )
    };
    let killed = ".coder.purge\n[exit 137]\n.coder.purge\ngone\n".repeat(2);
    said(&ran, &[ended("SIGINT", 130), ended("SIGTERM", 143), killed].concat());
}
