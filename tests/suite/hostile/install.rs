//! Installing: only from a place where nobody else can put something else, and whole even if a signal comes.

use super::{Openat2, STAYS, live, said, sandbox};

/// The control: the owner of a directory above a tree puts another tree in its place, whoever owns the tree.
#[test]
fn a_tree_below_a_directory_of_somebody_else_is_refused() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; as mkdir /opt/data/in; gen-service -q a --out /opt/data/in/tree; stat -c %U /opt/data/in/tree/gateway-a/run; \
         as mv /opt/data/in/tree /opt/data/in/aside; as mkdir /opt/data/in/tree; as mv /opt/data/in/aside /opt/data/in/tree.old; \
         as rmdir /opt/data/in/tree; as mv /opt/data/in/tree.old /opt/data/in/tree; echo swapped; \
         fails gatewayctl install /opt/data/in/tree; as ln -s /opt/data/in/tree /opt/data/link; fails gatewayctl install /opt/data/link; \
         mkdir -m 777 /tmp/all; gen-service -q a --out /tmp/all/tree; fails gatewayctl install /tmp/all/tree; \
         gen-service -q a --out /tmp/tree; ln -s /tmp/tree /root/link; fails gatewayctl -q install /root/link; gatewayctl list",
    );
    let refused = |path: &str, why: &str| {
        format!(
            "error: {path} is not safe to install from: {why}; copy it to a directory that only root can write, and install the copy\n[exit 2]\n"
        )
    };
    let other = "another user can change it, or a directory above it";
    let expected = [
        "root\nswapped\n".to_owned(),
        refused("/opt/data/in/tree", other),
        refused("/opt/data/link", "too many levels of symbolic links"),
        refused("/tmp/all/tree", other),
        "[exit 0]\na\n".to_owned(),
    ];
    said(&ran, &expected.concat());
}

/// The signal comes at a rename into the scandir, or at the question to s6-svscan. Everything is taken back, or everything is there.
#[test]
fn a_signal_leaves_all_or_nothing() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; gen-service -q $(seq 30) --down --out /tmp/tree; \
         for s in INT:130 TERM:143 HUP:129; do for at in renameat2:when=1 renameat2:when=17 renameat2:when=30; do \
           code=0; strace -qq --signal=none -o /dev/null -e inject=${at%:*}:signal=${s%:*}:${at#*:} gatewayctl -q install /tmp/tree >/tmp/said 2>&1 || code=$?; \
           [ $code = ${s#*:} ] || echo \"$s $at: exit $code\"; \
           [ \"$(cat /tmp/said)\" = \"error: interrupted by SIG${s%:*}; the changes are taken back\" ] || cat /tmp/said; \
           [ \"$(ls -A /run/service)\" = .s6-svscan ] || ls -A /run/service; done; done; \
         for n in 1 2 3; do code=0; strace -qq --signal=none -o /dev/null -e inject=renameat2,renameat,rename:signal=INT:when=$n \
           gatewayctl -q register a --down --save >/tmp/said 2>&1 || code=$?; there=$(gatewayctl list | wc -l); saved=$(cat /opt/data/gateways.toml 2>/dev/null | grep -c gateways.a || :); \
           case \"$code $there $saved\" in '130 0 0' | '0 1 1') ;; *) echo \"$n: $code $there $saved $(cat /tmp/said)\" ;; esac; \
           gatewayctl -q unregister a --save --if-exists; done; \
         (trap '' INT; exec strace -qq --signal=none -o /dev/null -e inject=renameat2:signal=INT:when=2 gatewayctl -q install /tmp/tree); gatewayctl list | wc -l",
    );
    said(&ran, "30\n");
}

/// The signal comes at each rename of an update, and while the run waits for the supervisor of a new gateway. There is no room for one.
#[test]
fn a_signal_takes_an_update_back() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = sandbox.live_with(
        "-c 2",
        "exec 2>&1; gen-service -q a b --down --out /tmp/old; gen-service -q a b --down --env A=1 --out /tmp/new; gatewayctl -q install /tmp/old; \
         is_old() { for g in a b; do cmp /tmp/old/gateway-$g/run /run/service/gateway-$g/run; done; \
           [ \"$(ls -A /run/service | tr '\\n' ' ')\" = '.s6-svscan gateway-a gateway-b ' ] || ls -A /run/service; \
           find /run/service -name '.gatewayctl*'; }; \
         for s in INT:130 TERM:143 HUP:129; do for n in 1 2 3; do code=0; \
           strace -qq --signal=none -o /dev/null -e inject=renameat:signal=${s%:*}:when=$n gatewayctl -q install /tmp/new --update >/tmp/said 2>&1 || code=$?; \
           [ $code = ${s#*:} ] || echo \"$s $n: exit $code\"; \
           [ \"$(cat /tmp/said)\" = \"error: interrupted by SIG${s%:*}; the changes are taken back\" ] || cat /tmp/said; is_old; done; done; \
         gen-service -q c --down --out /tmp/new; gatewayctl -q --timeout 60 install /tmp/new --update >/tmp/said 2>&1 & run=$!; \
         until [ -e /run/service/gateway-c ] && cmp -s /tmp/new/gateway-b/run /run/service/gateway-b/run; do sleep 0.01; done; \
         kill -TERM $run; code=0; wait $run || code=$?; echo $code; cat /tmp/said; is_old",
    );
    said(&ran, "143\nerror: interrupted by SIGTERM; the changes are taken back\n");
}

/// A published directory belongs to the service user, who could change it file by file under root. The control: root reads what that user points at.
#[test]
fn what_another_user_can_change_is_not_updated() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; gen-service -q a --down --out /tmp/tree; gatewayctl -q install /tmp/tree; d=/run/service/gateway-a; chown hermes $d; \
         echo victim >/root/victim; as ln -sf /root/victim $d/finish; cat $d/finish; as mkfifo $d/notes; gen-service -q a --down --env A=1 --out /tmp/tree; \
         fails within 10 gatewayctl install /tmp/tree --update; ls -A /run/service $d; find $d -user root -name finish",
    );
    said(
        &ran,
        "victim\nerror: /run/service/gateway-a cannot be updated: another user can change it, or a directory above it; unregister it, and install it \
         again\n[exit 2]\n/run/service:\n.s6-svscan\ngateway-a\n\n/run/service/gateway-a:\ndown\nevent\nfinish\nlog\nnotes\nrun\nsupervise\n\
         timeout-kill\ntype\n",
    );
}
