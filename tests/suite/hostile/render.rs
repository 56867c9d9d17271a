//! Rendering as root into a directory of the service user: what that user plants there leads root nowhere else.

use super::{Openat2, STAYS, live, said, sandbox};

/// The control: `mkdir` as root goes where the symlink leads.
#[test]
fn what_is_planted_below_out_leads_nowhere() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; victim() { find /root/victim -mindepth 1; }; mkdir -p /root/victim; cd /opt/data; as ln -s /root/victim out; \
         mkdir out/control; victim; rmdir out/control; fails gen-service -q a --out /opt/data/out; fails gen-service -q a --out /opt/data/out/in; victim; \
         as rm out; as mkdir out; as ln -s /root/victim out/.gen-service.tmp; as mkfifo -m 666 out/.gen-service.lock; \
         within 10 gen-service -q a --out /opt/data/out; victim; ls -A out; \
         as mkdir -p out/.gen-service.tmp/aside/gateway-a out/.gen-service.lock/full; as ln -s /root/victim out/.gen-service.tmp/aside/gateway-c; \
         as dd status=none of=out/.gen-service.tmp/plan <<'PLAN'\nremove gateway-a\nremove gateway-c\ncreate ../../root/victim\nPLAN\n\
         as ln -s /root/victim out/gateway-b; fails gen-service -q b --out /opt/data/out; fails gen-service -q a b --out /opt/data/out --force; victim; \
         ls -A out | grep -v '^.gen-service.lock[.]'; stat -c '%U %F' out/gateway-a/run out/gateway-b",
    );
    said(
        &ran,
        "/root/victim/control\n\
         error: cannot open /opt/data/out: too many levels of symbolic links\n[exit 1]\n\
         error: cannot open /opt/data/out: too many levels of symbolic links\n[exit 1]\n\
         gateway-a\n\
         error: /opt/data/out/gateway-b is a symlink, not a directory; move it away, or overwrite it with --force\n[exit 2]\n\
         [exit 0]\ngateway-a\ngateway-b\nroot regular file\nroot directory\n",
    );
}

/// The staging directory is moved away and replaced by a symlink again and again while root works in it.
#[test]
fn a_staging_directory_that_is_swapped_leads_nowhere() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; mkdir -p /root/victim/fresh /root/victim/gateway-p1; touch /root/victim/keep; cd /opt/data; as mkdir out; \
         as sh -c 'n=0; while [ ! -e stop ]; do n=$((n + 1)); mv -T out/.gen-service.tmp out/gone.$n; ln -s /root/victim out/.gen-service.tmp; \
           rm -f out/.gen-service.tmp; done' >/tmp/log 2>&1 & attacker=$!; \
         for n in $(seq 60); do gen-service -q p1 p2 p$n --stop-timeout $n --out /opt/data/out --force >/tmp/log 2>&1 || :; done; \
         as touch stop; wait $attacker || :; find /root/victim | sort; mv out away; mkdir out; gen-service -q p1 --out /opt/data/out; ls out",
    );
    said(&ran, "/root/victim\n/root/victim/fresh\n/root/victim/gateway-p1\n/root/victim/keep\ngateway-p1\n");
}
