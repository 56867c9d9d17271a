//! Isolated gateways: what their scripts do in each shell, and what they leave alone.

use std::fs;

use crate::meaning::{PATH, without_the_shells_own};
use crate::sandbox::{As, SHELLS, Sandbox};
use crate::support::{set_mode, snapshot};

/// A `HERMES_HOMES` that breaks a script with a missing quote.
const HOSTILE_HOMES: &str = "/share/my  \"ho'mes\" $HOME *";

/// The user that the name `coder` gives.
const UID: &str = "33370";

/// The content of `/opt/homes`: mode, owner, group and path of each entry.
const LISTED: &str = "find /opt/homes -mindepth 1 -printf '%m %U:%G %y %p\\n' | sort -k4";

#[test]
fn run_calls_hermes_as_a_user_of_its_own_in_a_home_of_its_own() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--isolated", "--hermes-cli", "run", "--env", "B=two  words"]);
        let homes = sandbox.path("").join(HOSTILE_HOMES.strip_prefix("/share/").unwrap());
        fs::create_dir(&homes).unwrap();
        for (name, value) in [
            ("HERMES_HOMES", HOSTILE_HOMES),
            ("HERMES_HOME", "/opt/data"),
            ("XDG_STATE_HOME", "/opt/data/state"),
            ("XDG_CACHE_HOME", "/tmp"),
            ("HERMES_GATEWAY_LOCK_DIR", "/tmp/locks"),
            ("FROM_CONTAINER", "several\nlines\n"),
        ] {
            sandbox.set(name, value);
        }
        // The script runs twice, but makes the home once.
        for _ in 0..2 {
            let ran = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
            let call = sandbox.call().unwrap();
            assert_eq!(call.argv, ["gateway", "run", "--replace"], "{shell:?}");
            let home = format!("{HOSTILE_HOMES}/coder");
            assert_eq!((call.cwd.as_str(), call.ids.as_str()), (home.as_str(), "33370 33370 33370"), "{shell:?}");
            let (locks, tmp) = (format!("{home}/gateway-locks"), format!("{home}/tmp"));
            let expected = [
                ("API_SERVER_PORT", "9570"),
                ("B", "two  words"),
                ("FROM_CONTAINER", "several\nlines\n"),
                ("HERMES_GATEWAY_LOCK_DIR", &locks),
                ("HERMES_HOME", &home),
                ("HERMES_HOMES", HOSTILE_HOMES),
                ("HERMES_S6_SUPERVISED_CHILD", "1"),
                ("HERMES_SUPERVISED_CHILD", "1"),
                ("HOME", &home),
                ("LOGNAME", "coder"),
                PATH,
                ("TMPDIR", &tmp),
                ("USER", "coder"),
            ];
            assert_eq!(without_the_shells_own(&call), expected, "{shell:?}");
        }
    }
}

#[test]
fn run_and_its_logger_make_one_directory_and_what_is_below_is_its_users() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--isolated"]);
        let command = |first: &str| {
            format!(
                "rm -rf /opt/homes/*; run() {{ (cd gateway-coder; ./run >/dev/null); }}; \
                 log() {{ (cd gateway-coder/log; echo line | ./run 3>/dev/null); }}; {first}; wait; {LISTED}"
            )
        };
        let mut all = Vec::new();
        for first in ["run; log", "log; run", "run & log"] {
            let ran = sandbox.sh(&command(first), b"");
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?} {first}: {}", ran.out);
            all.push(ran.out);
        }
        let expected = "700 33370:33370 d /opt/homes/coder\n700 33370:33370 d /opt/homes/coder/logs\n\
                        700 33370:33370 d /opt/homes/coder/logs/gateways\n700 33370:33370 d /opt/homes/coder/logs/gateways/coder\n";
        for out in &all {
            assert!(out.starts_with(expected), "{shell:?}: {out}");
            assert!(out.lines().all(|line| line[3..].starts_with(" 33370:33370 ")), "{shell:?}: {out}");
        }
    }
}

/// For each case, `run` and the logger print one line and exit with 78, and make nothing. The last column is the line.
const REFUSED: [(&str, &str); 12] = [
    ("HERMES_HOMES='my homes'", "HERMES_HOMES must be an absolute path, not 'my homes'"),
    ("HERMES_HOMES=/no/such", "cannot enter HERMES_HOMES, '/no/such': is the volume there?"),
    (
        "chown 10000 /opt/homes",
        "users other than root can change HERMES_HOMES, '/opt/homes': chown root and chmod go-w /opt/homes",
    ),
    (
        "chmod 1777 /opt/homes",
        "users other than root can change HERMES_HOMES, '/opt/homes': chown root and chmod go-w /opt/homes",
    ),
    (
        "chmod 0775 /opt/homes",
        "users other than root can change HERMES_HOMES, '/opt/homes': chown root and chmod go-w /opt/homes",
    ),
    (
        "mkdir -p /opt/a/b; chown 10000 /opt/a; HERMES_HOMES=/opt/a/b",
        "users other than root can change HERMES_HOMES, '/opt/a/b': chown root and chmod go-w /opt/a",
    ),
    (
        "mkdir -p /opt/data/b; ln -s /opt/data/b /opt/link; HERMES_HOMES=/opt/link",
        "users other than root can change HERMES_HOMES, '/opt/data/b': chown root and chmod go-w /opt/data",
    ),
    ("mount -t tmpfs -o ro,mode=755 none /opt/homes", "cannot make its home: "),
    (
        "mkdir /opt/homes/coder; chown 20001 /opt/homes/coder",
        "its home, '/opt/homes/coder', is not a directory of user 33370: move it away, or give the gateway the uid of its owner",
    ),
    (
        "mkdir -p /opt/homes/coder/lost; chmod 0755 /opt/homes/coder",
        "its home, '/opt/homes/coder', is not a directory of user 33370: move it away, or give the gateway the uid of its owner",
    ),
    (
        "mkdir /tmp/far; chown 33370 /tmp/far; ln -s /tmp/far /opt/homes/coder",
        "its home, '/opt/homes/coder', is not a directory of user 33370: move it away, or give the gateway the uid of its owner",
    ),
    (
        "echo 'other:x:33370:5::/:/bin/sh' >>/etc/passwd",
        "uid 33370 belongs to 'other', too: give the gateway another uid",
    ),
];

#[test]
fn what_is_not_its_own_is_refused_and_nothing_is_made() {
    for shell in SHELLS {
        for (prepare, message) in REFUSED {
            for (directory, name) in [("gateway-coder", "gateway-coder"), ("gateway-coder/log", "gateway-coder/log")] {
                let sandbox = Sandbox::new(shell, &["coder", "--isolated"]);
                let ran = sandbox.sh(
                    &format!(
                        "{prepare}; [ -z \"${{HERMES_HOMES-}}\" ] || echo \"$HERMES_HOMES\" >/share/container_environment/HERMES_HOMES; \
                         find /opt /tmp -printf '%m %U:%G %y %p\\n' >/share/before; \
                         cd {directory}; code=0; ./run </dev/null || code=$?; \
                         find /opt /tmp -printf '%m %U:%G %y %p\\n' | diff /share/before - || :; exit $code"
                    ),
                    b"",
                );
                assert_eq!((ran.code, ran.err.as_str()), (78, ""), "{shell:?} {prepare}: {}", ran.out);
                let expected = format!("{name}: {message}");
                assert!(
                    ran.out.starts_with(&expected) && ran.out.lines().count() == 1,
                    "{shell:?} {prepare}: {}",
                    ran.out
                );
                assert!(sandbox.call().is_none(), "{shell:?} {prepare}");
            }
        }
    }
}

#[test]
fn a_group_of_that_number_is_refused_and_so_is_a_container_of_an_ordinary_user() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--isolated"]);
        let ran = sandbox.sh(
            "cp /etc/group /tmp/group; printf 'last:x:33370:' >>/etc/group; (cd gateway-coder; ./run) || echo $?; cp /tmp/group /etc/group; \
             cd gateway-coder; setpriv --reuid 10000 --regid 10000 --clear-groups ./run || echo $?; cat /etc/passwd >/tmp/p; rm /etc/passwd; \
             ./run || echo $?; ls /opt/homes",
            b"",
        );
        let expected = "gateway-coder: uid 33370 belongs to 'last', too: give the gateway another uid\n78\n\
                        gateway-coder: only root can change to the gateway's own user: start the container without --user\n78\n";
        assert!(ran.out.starts_with(expected), "{shell:?}: {}", ran.out);
        assert!(
            ran.out.ends_with("gateway-coder: cannot read /etc/passwd and /etc/group\n78\n"),
            "{shell:?}: {}",
            ran.out
        );
        assert!(sandbox.call().is_none(), "{shell:?}");
    }
}

/// A volume for one gateway, as an orchestrator mounts it: it belongs to root, is empty and open. The script gives it to the user and closes it.
#[test]
fn a_volume_of_its_own_is_given_once() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--isolated", "--uid", "20001"]);
        let ran = sandbox.sh(
            "mkdir /opt/homes/coder; mount -t tmpfs -o mode=755 own /opt/homes/coder; cd gateway-coder; ./run >/dev/null; \
             stat -c '%a %u:%g' /opt/homes/coder; setpriv --reuid 20001 --regid 20001 --clear-groups chmod 0711 /opt/homes/coder; \
             ./run >/dev/null; stat -c '%a %u:%g' /opt/homes/coder",
            b"",
        );
        assert_eq!(
            (ran.code, ran.err.as_str(), ran.out.as_str()),
            (0, "", "700 20001:20001\n711 20001:20001\n"),
            "{shell:?}"
        );
    }
}

#[test]
fn secrets_are_its_own_and_lie_in_no_home() {
    for shell in SHELLS {
        for (file, homes) in [
            ("/share/run/token", None),
            ("/share/homes/b/token", Some("/share/homes")),
            ("/share/link/b/token", Some("/share/link")),
            ("/share/homes/b/token", Some("/share/link/")),
            ("/share//homes/./b/token", Some("/share/homes")),
            ("/share/way", Some("/share/homes")),
            ("/share/data/token", None),
        ] {
            let sandbox = Sandbox::new(shell, &["coder", "--isolated", &format!("--secret=TOKEN={file}")]);
            if let Some(homes) = homes {
                sandbox.set("HERMES_HOMES", homes);
            }
            sandbox.set("HERMES_HOME", "/share/data");
            for path in ["run", "homes", "homes/b", "data"] {
                fs::create_dir(sandbox.path(path)).unwrap();
            }
            std::os::unix::fs::symlink("homes", sandbox.path("link")).unwrap();
            std::os::unix::fs::symlink("homes/b/token", sandbox.path("way")).unwrap();
            for path in ["run/token", "homes/b/token", "data/token"] {
                fs::write(sandbox.path(path), "it's secret\n").unwrap();
                set_mode(sandbox.path(path), 0o400);
            }
            let ran = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
            if file == "/share/run/token" {
                assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
                assert_eq!(sandbox.call().unwrap().environment["TOKEN"], "it's secret", "{shell:?}");
            } else {
                let said = format!(
                    "gateway-coder: the secret {file} is in a home, and its user could make root read any file: mount the secret elsewhere\n"
                );
                assert_eq!((ran.code, ran.out), (78, said), "{shell:?}");
                assert!(sandbox.call().is_none(), "{shell:?}");
            }
        }
    }
}

/// A gateway that shares a home does not read a secret in another home either.
#[test]
fn a_shared_gateway_reads_no_secret_of_an_instance() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--secret=TOKEN=/share/way"]);
        sandbox.set("HERMES_HOMES", "/share/homes");
        fs::create_dir_all(sandbox.path("homes/b")).unwrap();
        fs::write(sandbox.path("homes/b/token"), "planted").unwrap();
        std::os::unix::fs::symlink("homes/b/token", sandbox.path("way")).unwrap();
        let ran = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
        let said = "gateway-coder: the secret /share/way is in a home, and its user could make root read any file: mount the secret elsewhere\n";
        assert_eq!((ran.code, ran.out.as_str()), (78, said), "{shell:?}");
    }
}

/// What an instance plants in its home leads root nowhere at the next start: neither in its script nor in its logger.
#[test]
fn an_instance_leads_root_nowhere() {
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder", "--isolated"]);
        let ran = sandbox.sh(
            &format!(
                "own() {{ setpriv --reuid {UID} --regid {UID} --clear-groups \"$@\"; }}; (cd gateway-coder; ./run >/dev/null); \
                 mkdir -m 700 /root/secret; mkdir -m 777 /root/open; chmod 777 /root/open; cd /opt/homes/coder; own rm -r logs; \
                 own ln -s /root/secret logs; own ln -s /root/open gateway-locks; own ln -s /etc/shadow .env; cd /share/services; \
                 (cd gateway-coder; ./run || echo $?); (cd gateway-coder/log; ./run </dev/null || echo $?); \
                 find /root/secret /root/open -mindepth 1; stat -c %u:%g /root/secret /etc/shadow"
            ),
            b"",
        );
        let expected = "gateway-coder: cannot write its home, '/opt/homes/coder', as user 33370\n78\n\
                        gateway-coder/log: cannot log to /opt/homes/coder/logs/gateways/coder: ";
        assert!(ran.out.starts_with(expected) && ran.out.ends_with("78\n0:0\n0:42\n"), "{shell:?}: {}", ran.out);
    }
}

/// A Hermes that says who it is. Like the real one, it records that it runs.
const STAYS: &str = "case $* in *--help) echo '--foreground --port --replace' ;; \
     *) echo \"I am $(id -u) in $PWD\"; printf '{\"gateway_state\":\"running\",\"pid\":1}' >\"$HERMES_HOME/gateway_state.json\"; exec sleep 1000 ;; esac";

/// `own COMMAND` runs a command as the user of coder. `show COMMAND` shows what a person sees.
const HELPERS: &str = r#"
own() { setpriv --reuid 33370 --regid 33370 --clear-groups "$@"; }
show() { echo "\$ $*"; code=0; "$@" 2>&1 || code=$?; [ $code = 0 ] || echo "[exit $code]"; }
said() { until gatewayctl logs "$1" 2>/dev/null | grep -q "$2"; do sleep 0.02; done; }
"#;

fn live(hermes: &str, command: &str) -> crate::support::Ran {
    let sandbox = Sandbox::with_programs(hermes);
    let ran = sandbox.live(&format!("{HELPERS} {command}"));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran
}

#[test]
fn gatewayctl_needs_no_other_words_for_it() {
    let ran = live(
        STAYS,
        "exec 2>&1; show gatewayctl register coder --isolated --save; said coder 'I am'; gatewayctl logs coder | cut -d' ' -f4-; \
         show gatewayctl list; gatewayctl status | tr -s ' ' | cut -d' ' -f1,2,7; stat -c '%a %u:%g %n' /opt/homes/*; \
         show gatewayctl start --save coder; show cat /opt/homes/coder/gateway_state.json; echo; stat -c '%u %n' /opt/homes/coder/gateway_state.json; \
         show gatewayctl stop --save coder; cat /opt/homes/coder/gateway_state.json; echo; cat /opt/data/gateways.toml; \
         show gatewayctl doctor; show gatewayctl restart coder; \
         show gatewayctl unregister coder --purge </dev/null; show gatewayctl list; \
         own touch /opt/homes/coder/data; own mkdir -p /opt/homes/coder/a/b; own chmod 0 /opt/homes/coder/a; \
         setpriv --reuid 33370 --regid 33370 --clear-groups sleep 2000 & sleeper=$!; until pgrep -u 33370 -f 'sleep 2000' >/dev/null; do sleep 0.02; done; \
         show gatewayctl unregister coder --purge --yes --save; ls -A /opt/homes; wait $sleeper || echo sleeper: $?; pgrep -u 33370 || echo nobody; cat /opt/data/gateways.toml; \
         show gatewayctl unregister coder --purge --yes; show gatewayctl --json unregister coder --purge --yes; \
         gatewayctl -q register shared; show gatewayctl unregister shared --purge --yes; show gatewayctl list",
    );
    snapshot("isolated_session", "An isolated gateway from its registration to the end of its home.", &ran.out);
}

/// A person at a terminal is asked, and may say no.
#[test]
fn purge_asks_a_person() {
    let ran = live(
        STAYS,
        "exec 2>&1; gatewayctl -q register coder --isolated; said coder 'I am'; \
         for answer in n '' y; do echo \"$answer\" | script --echo never -qec 'gatewayctl unregister coder --purge; echo [exit $?]' /dev/null | tr -d '\\r' | sed '/N. waiting for/ { N; s/waiting.*\\n//; }'; \
         ls /opt/homes; gatewayctl list; done",
    );
    snapshot("isolated_purge_asks", "", &ran.out);
}

/// What reconcile does with isolated gateways in the image's manifest, and with saved ones.
#[test]
fn reconcile_makes_what_is_named_and_looks_for_no_profile() {
    let ran = live(
        STAYS,
        "exec 2>&1; cat >/share/gateways.toml <<'TOML'\n[defaults]\nhermes-cli = 'run'\n[gateways.default]\n[gateways.coder]\nisolated = true\n\
         [gateways.writer]\nisolated = true\nuid = 20001\n[gateways.twin]\nisolated = true\nuid = 20001\nTOML\n\
         r() { show gatewayctl reconcile --manifest /share/gateways.toml \"$@\"; }; \
         r --dry-run; r; until [ -d /opt/homes/coder/logs ] && [ -d /opt/homes/writer/logs ]; do sleep 0.02; done; ls -A /opt/homes; gatewayctl -q start coder; said coder 'I am'; \
         gatewayctl -q register saved --isolated --save; said saved 'I am'; gatewayctl -q register unsaved --isolated; \
         rm -rf /tmp/before; gatewayctl -q unregister coder writer default saved; r --prune; said coder 'I am'; \
         gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; gatewayctl -q unregister coder writer saved default; \
         HERMES_GATEWAY_BOOTSTRAP_STATE=running r; said writer 'I am'; \
         gatewayctl -q unregister coder writer saved default; \
         printf '[defaults]\\nisolated = true\\n[gateways.coder]\\n[gateways.plain]\\nisolated = false\\n' >/share/gateways.toml; \
         for p in plain found; do mkdir -p /opt/data/profiles/$p; touch /opt/data/profiles/$p/SOUL.md; done; r",
    );
    snapshot("isolated_reconcile", "", &ran.out);
}

/// What doctor says of users and homes that belong to more than one gateway.
#[test]
fn doctor_finds_what_isolates_nobody() {
    let ran = live(
        STAYS,
        "exec 2>&1; d() { echo \"# $1\"; gatewayctl doctor | grep -E ' (isolated|crashes) ' || :; }; \
         gatewayctl -q register coder --isolated; gatewayctl -q register writer --isolated --uid 20001; said coder 'I am'; said writer 'I am'; d well; \
         own chmod 0755 /opt/homes/coder; d open; chmod 0700 /opt/homes/coder; chown 20002 /opt/homes/coder; d other; chown 33370 /opt/homes/coder; \
         echo 'guest:x:20001:5::/:/bin/sh' >>/etc/passwd; d named; sed -i '/^guest/d' /etc/passwd; \
         show gatewayctl register twin --isolated --uid 20001; \
         sed -i 's/20001/33370/g' /run/service/gateway-writer/run; d twins; sed -i 's/33370/20001/g' /run/service/gateway-writer/run; \
         chmod 1777 /opt/homes; d everybody; gatewayctl -q restart coder 2>/dev/null || :; until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-coder)\" = 'false false' ]; do sleep 0.02; done; \
         d down; chmod 0755 /opt/homes; gatewayctl -q unregister coder writer --purge --yes; chmod 1777 /opt/homes; \
         show gatewayctl register coder --isolated; \
         until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-coder)\" = 'false false' ]; do sleep 0.02; done; \
         until grep -q gateway-coder/log /share/scan.log; do sleep 0.02; done; grep -m 1 gateway-coder/log /share/scan.log; d unmade; ls -A /opt/homes",
    );
    snapshot("isolated_doctor", "", &ran.out);
}
