//! Log directories belong to the service user. Root reads only its regular files, whatever it plants.

use super::{OPENAT2, Openat2, STAYS, live, said, sandbox};

/// Each step plants something in the place of a log. `reads` is the control: it shows what `cat` makes of it (`held` if it never ends). `logs` says
/// if gatewayctl shows the victim's line, or makes its caller wait.
#[test]
fn logs_shows_nothing_that_the_service_user_could_not_read() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, STAYS);
        let ran = live(
            &sandbox,
            "exec 2>&1; gatewayctl -q register a --down; l=/opt/data/logs/gateways; until [ -e $l/a/current ]; do sleep 0.02; done; \
             echo 'root:victim' >/root/victim; chmod 600 /root/victim; mkdir -m 700 /root/far /root/a; cp /root/victim /root/far/current; \
             cp /root/victim /root/a/current; \
             reads() { timeout 1 cat \"$1\" >/tmp/read 2>&1 || { [ $? != 124 ] || { echo held; return 0; }; }; \
               if grep -q victim /tmp/read; then echo leaks; else echo nothing; fi; }; \
             logs() { for o in '' '-n 5' '-n 100000'; do within 20 gatewayctl logs $o a >/tmp/shown 2>&1 || :; \
               if grep -q 'victim\\|HELD' /tmp/shown; then echo \"LEAKED $o: $(cat /tmp/shown)\"; fi; done; }; \
             as rm $l/a/current; as ln -s /root/victim $l/a/current; reads $l/a/current; logs; \
             as rm $l/a/current; cp -p /root/victim $l/a/current; reads $l/a/current; logs; \
             rm $l/a/current; as mkfifo $l/a/current; reads $l/a/current; logs; \
             as rm $l/a/current; mknod $l/a/current c 1 5; logs; \
             rm $l/a/current; as touch $l/a/current; as ln -s /root/victim $l/a/@4000000067432f0a1b2c3d4e.s; reads $l/a/@*.s; logs; \
             as mv $l/a $l/a.old; as ln -s /root/far $l/a; reads $l/a/current; logs; \
             as rm $l/a; as mv $l $l.old; as ln -s /root $l; reads $l/a/current; logs; \
             gatewayctl -q doctor | grep victim || :",
        );
        said(&ran, "leaks\nleaks\nheld\nleaks\nleaks\nleaks\n");
    }
}

/// The limit is one of address space. A log directory holds what s6-log keeps. If there is more, gatewayctl says so.
#[test]
fn logs_takes_no_more_memory_for_a_file_of_10_gigabytes_and_for_20000_files() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; gatewayctl -q register a --down; l=/opt/data/logs/gateways/a; until [ -e $l/current ]; do sleep 0.02; done; \
         as truncate -s 10G $l/current; as sh -c \"echo the end >>$l/current\"; \
         for o in '-n 1' '-n 5' ''; do within 120 prlimit --as=67108864 gatewayctl logs $o a | tail -c 8; done; \
         within 120 prlimit --as=67108864 gatewayctl logs --json a | head -c 43; echo; \
         within 120 gatewayctl logs a | wc -c; as rm $l/current; as touch $l/current; \
         (cd $l; as python3 -c 'for n in range(20001): open(\"@%024x.s\" % n, \"w\").close()'); fails gatewayctl logs -n 5 a; \
         fails gatewayctl logs a",
    );
    said(
        &ran,
        "the end\nthe end\nthe end\n{\"profile\":\"a\",\"name\":\"gateway-a\",\"at\":null\n268435456\n\
         error: cannot read /opt/data/logs/gateways/a: it holds more than 20000 files, and s6-log never keeps so many\n[exit 1]\n[exit 0]\n",
    );
}

/// A pipe gets the bytes of the log. A terminal gets nothing that it acts on.
#[test]
fn a_pipe_gets_the_bytes_and_a_terminal_gets_them_escaped() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "gatewayctl -q register a --down; l=/opt/data/logs/gateways/a; until [ -e $l/current ]; do sleep 0.02; done; \
         printf 'a\\033[31mred\\033[0m \\033]0;title\\007 \\302\\2332J \\342\\200\\256x \\000 \\377\\n' | as dd status=none of=$l/current; \
         gatewayctl logs a | cmp - $l/current; gatewayctl logs -n 1 a | cmp - $l/current; \
         for o in '' '-n 1'; do script -qec \"gatewayctl logs $o a\" /dev/null </dev/null | tr -d '\\r'; done; \
         script -qec \"cat $l/current\" /dev/null </dev/null | grep -c \"$(printf '\\033')\"",
    );
    let line = "a\\u{1b}[31mred\\u{1b}[0m \\u{1b}]0;title\\u{7} \\u{9b}2J \\u{202e}x \\u{0} \\xff\n";
    said(&ran, &format!("{line}{line}1\n"));
}
