//! A boot: the gateways that root's manifests name come up, whatever is on the volume.

use std::fs;

use super::{OPENAT2, Openat2, STAYS, live, said, sandbox};

const MANIFEST: &str = "[defaults]\nhermes-cli = \"run\"\n[gateways.default]\n[gateways.mine]\n";

#[test]
fn nothing_in_the_place_of_the_profiles_denies_a_boot() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, STAYS);
        fs::write(sandbox.path("image.toml"), MANIFEST).unwrap();
        let ran = live(
            &sandbox,
            "exec 2>&1; gatewayctl -q register saved --save; gatewayctl -q unregister saved; p=/opt/data/profiles; mkdir -m 700 /root/evil; \
             boot() { fails within 30 gatewayctl -q --timeout 10 reconcile --manifest /share/image.toml | grep -v '^warning: cannot read /opt/data/profiles: '; \
               gatewayctl list | tr '\\n' ' '; gatewayctl -q unregister $(gatewayctl list); }; \
             as touch $p; boot; as rm $p; as mkfifo $p; boot; as rm $p; as ln -s profiles $p; boot; as rm $p; mknod $p c 1 5; boot; rm $p; \
             as ln -s /root $p; boot",
        );
        said(&ran, &"[exit 0]\ndefault saved ".repeat(5));
    }
}

/// Two manifests name three gateways, and there is room for eight. The control: nothing says which of the others s6-svscan would take.
#[test]
fn what_nobody_named_gets_the_room_that_is_left() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    fs::write(sandbox.path("image.toml"), MANIFEST).unwrap();
    let ran = sandbox.live_with(
        "-c 8",
        &format!(
            "{} exec 2>&1; gatewayctl -q register saved --save; gatewayctl -q unregister saved; profile mine running; \
             as python3 -c 'import os\nfor n in range(600):\n  d = \"/opt/data/profiles/a%03d\" % n\n  os.mkdir(d); open(d + \"/SOUL.md\", \"w\")'; \
             within 60 gatewayctl -q reconcile --manifest /share/image.toml >/tmp/said 2>&1; echo $?; wc -l </tmp/said; tail -n 1 /tmp/said; \
             gatewayctl list | tr '\\n' ' '; gatewayctl -q unregister $(gatewayctl list); \
             within 60 gatewayctl -q reconcile --manifest /share/image.toml --most 2 >/tmp/said 2>&1; gatewayctl list | tr '\\n' ' '",
            super::ATTACKER
        ),
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let expected = "0\n51\nwarning: 545 more profiles have no gateway; reconcile --dry-run --json names them\n\
                    a000 a001 a002 a003 a004 default mine saved a000 a001 default mine saved ";
    assert_eq!(ran.out, expected);
}

/// There are more gateways than s6-svscan takes, or takes in time. The named gateways are up before the others are tried. The control: of the others,
/// s6-svscan takes those that it finds first.
#[test]
fn what_is_named_is_up_before_the_rest_comes() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    fs::write(sandbox.path("image.toml"), MANIFEST).unwrap();
    let ran = sandbox.live_with(
        "-c 4",
        &format!(
            "{} exec 2>&1; gatewayctl -q register saved --save; gatewayctl -q unregister saved; profile mine running; \
             for n in $(seq 10 59); do profile a$n running; done; \
             within 60 gatewayctl -q --timeout 2 reconcile --manifest /share/image.toml --most 50 >/tmp/said 2>&1; echo $?; \
             grep -c 'profile a..: s6-svscan started no supervisor' /tmp/said; up mine; \
             gatewayctl list | sed 's/^a..$/one/' | sort | tr '\\n' ' '; \
             gatewayctl -q unregister $(gatewayctl list); cp -r /share/services/gateway-rendered /tmp/one; \
             for n in default mine saved $(seq 10 59); do cp -r /tmp/one /run/service/gateway-$n; done; s6-svscanctl -a /run/service; \
             until [ $(ls -d /run/service/*/supervise | wc -l) = 4 ]; do sleep 0.02; done; \
             ls -d /run/service/gateway-*/supervise | grep -c -e default -e mine -e saved || :",
            super::ATTACKER
        ),
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let (reconciled, control) = ran.out.rsplit_once("saved ").unwrap_or_else(|| panic!("{}", ran.out));
    assert_eq!(reconciled, "0\n49\ndefault mine one ", "{}", ran.out);
    assert!(control.trim() != "3", "the control shows nothing: {}", ran.out);
}

#[test]
fn twenty_thousand_profiles_fill_nothing() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; as python3 -c 'import os\nfor n in range(20000):\n  d = \"/opt/data/profiles/a%05d\" % n\n  os.makedirs(d); open(d + \"/SOUL.md\", \"w\")'; \
         within 60 prlimit --as=67108864 gatewayctl -q reconcile --most 3 >/tmp/said 2>&1; echo $?; wc -l </tmp/said; \
         grep -c 'more than 10000 entries' /tmp/said; gatewayctl list | wc -l",
    );
    said(&ran, "0\n52\n1\n4\n");
}

/// Every profile has a link to the same file of a mebibyte. The program does not read it for every profile, and needs no more memory than its bytes.
#[test]
fn what_profiles_have_recorded_costs_little() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; as python3 -c 'import os\nbig = \"/opt/data/gateway_state.json\"\nwith open(big, \"w\") as file:\n  \
           file.write(\"{\\\"desired_state\\\":[\" + \",\".join([\"{\\\"\\\":0}\"] * 140000) + \"]}\")\n\
         for n in range(3000):\n  d = \"/opt/data/profiles/a%05d\" % n\n  os.makedirs(d); open(d + \"/SOUL.md\", \"w\"); os.link(big, d + \"/gateway_state.json\")'; \
         stat -c %s /opt/data/gateway_state.json; within 30 prlimit --as=67108864 gatewayctl -q reconcile --most 3 >/tmp/said 2>&1; echo $?; gatewayctl list | wc -l; \
         gatewayctl reconcile --dry-run --most 3 2>/tmp/said | head -1; GATEWAYS_AT_BOOT=recorded within 10 prlimit --as=67108864 gatewayctl status | \
           awk '{ print $1, $NF }'",
    );
    let expected = "980019\n0\n4\nwould be unchanged default  gateway_state.json: its state is not a word\n\
                    PROFILE BOOT\na00000 -\na00001 -\na00002 -\ndefault -\n";
    said(&ran, expected);
}

/// Hermes may serve all profiles with one gateway. A named gateway is there, whatever the volume says. The control: an unnamed gateway goes.
#[test]
fn what_the_volume_says_of_serving_takes_out_nothing_that_is_named() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    fs::write(sandbox.path("image.toml"), "[gateways.mine]\n[gateways.nobodys]\nuser = \"nobody\"\n").unwrap();
    let ran = live(
        &sandbox,
        r#"exec 2>&1; for p in mine nobodys other; do profile $p running; done; gatewayctl -q register saved --save --down; gatewayctl -q reconcile --manifest /share/image.toml
        setpriv --reuid 10000 --regid 10000 --clear-groups sleep 1000 & until [ "$(stat -c %u /proc/$!)" = 10000 ]; do sleep 0.02; done; pid=$!
        printf '{"pid":%s,"start_time":%s,"served_profiles":["default","mine","nobodys","other","saved"]}' $pid "$(cut -d' ' -f22 /proc/$pid/stat)" | as dd status=none of=/opt/data/gateway_state.json
        echo 'multiplex_profiles: true' | as dd status=none of=/opt/data/config.yaml
        gatewayctl -q reconcile --manifest /share/image.toml --prune; gatewayctl list | tr '\n' ' '; echo
        gatewayctl -q unregister $(gatewayctl list); gatewayctl -q reconcile --manifest /share/image.toml; gatewayctl list | tr '\n' ' '; ls /run/service/gateway-*/down; kill $pid"#,
    );
    let warning = "warning: nobody serves the profiles that the gateway of default should serve, because it is down; gatewayctl start default\n";
    let lists = "default mine nobodys saved \ndefault mine nobodys saved /run/service/gateway-mine/down\n/run/service/gateway-saved/down\n";
    said(&ran, &(warning.to_owned() + lists));
}

/// Replay: the owner of the volume can hide root's file and put it back later. The control is the volume. A directory that belongs to root keeps what
/// root wrote.
#[test]
fn what_root_keeps_for_itself_cannot_be_put_back() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; mkdir -m 700 /var/state; m=/opt/data/gateways.toml; \
         for s in '' '--state /var/state'; do \
           gatewayctl -q register old --down --save $s; [ -z \"$s\" ] && as mv $m $m.kept || as cp $m.kept $m 2>/tmp/log || :; \
           gatewayctl -q unregister old --save $s; gatewayctl -q register new --down --save $s; gatewayctl -q unregister new; \
           as mv -f $m.kept $m 2>/tmp/log || :; \
           gatewayctl -q reconcile $s; gatewayctl list | tr '\\n' ' '; echo; gatewayctl -q unregister $(gatewayctl list); as rm -f $m; \
         done; chmod 777 /var/state; fails gatewayctl -q register x --save --state /var/state; gatewayctl list",
    );
    let refused = "error: cannot keep anything in /var/state: another user can change it, or a directory above it; give --state a directory that only \
                   root can write\n[exit 2]\n";
    said(&ran, &format!("default old \ndefault new \n{refused}"));
}

#[test]
fn nothing_planted_at_a_temporary_name_keeps_root_from_saving() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, STAYS);
        let ran = live(
            &sandbox,
            "exec 2>&1; echo victim >/root/victim; for f in .gateways.toml.new .gateways.toml.lock; do for k in file full link fifo; do \
               f=/opt/data/$f; case $k in file) as touch $f ;; full) as mkdir -p $f/x ;; link) as ln -s /root/victim $f ;; fifo) as mkfifo $f ;; esac; \
               within 20 gatewayctl -q --timeout 5 register a --down --save; gatewayctl -q unregister a --save; f=${f##*/}; done; done; cat /root/victim; \
             ls -A /opt/data | sed 's/[0-9a-f]\\{16\\}$/X/' | tr '\\n' ' '",
        );
        said(&ran, "victim\n.gateways.toml.lock.X .gateways.toml.new.X gateways.toml logs ");
    }
}

/// Python's JSON allows more than JSON. All of that is kept. A file that is not JSON is refused and left alone.
#[test]
fn an_operators_word_changes_nothing_else() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; profile a; gatewayctl -q register a; up a; s=/opt/data/profiles/a/gateway_state.json; \
         put() { printf '%s' \"$1\" | as dd status=none of=$s; gatewayctl -q stop a --save || echo $?; cat $s; echo; }; \
         put '{\"x\": NaN, \"y\": [1e999, 123456789012345678901234567890], \"desired_state\": \"running\"}'; put 'not json'; put '[1, 2]'; \
         as rm $s; mount -t tmpfs -o size=16k none /opt/data/profiles/a; chown hermes /opt/data/profiles/a; as touch /opt/data/profiles/a/SOUL.md; \
         as dd if=/dev/zero of=/opt/data/profiles/a/full bs=4k count=9 2>/tmp/log || :; gatewayctl -q start a --save || echo $?; ls -A /opt/data/profiles/a",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let foreign = "error: /opt/data/profiles/a/gateway_state.json is not what Hermes writes, so it stays as it is; remove it as the user of the \
                   gateway, or omit --save\n1\n";
    let begins = format!(
        "{{\"x\": NaN, \"y\": [1e999, 123456789012345678901234567890], \"desired_state\": \"stopped\"}}\n{foreign}not json\n{foreign}[1, 2]\n\
         error: cannot write /opt/data/profiles/a/gateway_state.json: "
    );
    assert!(ran.out.starts_with(&begins), "{}", ran.out);
    assert!(ran.out.ends_with("1\nSOUL.md\nfull\n"), "{}", ran.out);
}

/// The service user makes a profile with the name of an isolated gateway, and makes the volume say that the root gateway serves it. The control: a
/// gateway that shares the home goes.
#[test]
fn nobody_takes_out_an_isolated_gateway_by_a_profile_of_its_name() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = live(
        &sandbox,
        r#"exec 2>&1; gatewayctl -q register alone --isolated; gatewayctl -q register sharing; gatewayctl -q register default; profile sharing
        profile alone running; echo 'multiplex_profiles: true' | as dd status=none of=/opt/data/config.yaml
        setpriv --reuid 10000 --regid 10000 --clear-groups sleep 1000 & pid=$!; until [ "$(stat -c %u /proc/$pid)" = 10000 ]; do sleep 0.02; done
        printf '{"pid":%s,"start_time":%s,"served_profiles":["default","alone","sharing"]}' $pid "$(cut -d' ' -f22 /proc/$pid/stat)" | as dd status=none of=/opt/data/gateway_state.json
        gatewayctl reconcile --prune; gatewayctl list"#,
    );
    said(
        &ran,
        "unchanged default  recorded: none\nremoved   sharing  the gateway of default serves it\n\
         warning: profile alone: has no gateway of its own, because an isolated gateway has its name\nalone\ndefault\n",
    );
}

/// If the service user stops the Hermes that makes profiles, the boot waits for one time limit, and no longer. The other profiles are made later.
#[test]
fn whoever_stops_what_makes_profiles_holds_a_boot_up_once() {
    let sandbox =
        sandbox(Openat2::Works, "case $* in profile*) kill -STOP $$; sleep 1000 ;; *) exec sleep 1000 ;; esac");
    fs::write(sandbox.path("m.toml"), (0..40).map(|n| format!("[gateways.p{n}]")).collect::<Vec<_>>().join("\n"))
        .unwrap();
    let ran = live(
        &sandbox,
        "printf '\\n[gateways.named]\\n' >>/share/m.toml; profile named running; \
         within 60 gatewayctl --timeout 1 reconcile --manifest /share/m.toml --create >/share/said 2>&1; \
         grep -cE 'warning: profile p[0-9]+: Hermes did not make it: (hermes did not end within 6 s|another profile took too long)' /share/said; \
         grep -vE '^(absent|warning)' /share/said",
    );
    said(&ran, "40\nstarted   named  recorded: running\ndown      default  recorded: none\n");
}
