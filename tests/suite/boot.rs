//! `gatewayctl reconcile` and `register --save`: which gateways come back after a boot.

use std::fs;

use crate::control::NOTHING_LEFT;
use crate::sandbox::Sandbox;
use crate::support::{Ran, snapshot};

/// `as COMMAND` runs a command as the service user. `profile NAME [STATE]` makes a profile as Hermes does. `scripts` shows the last line of each
/// `run`.
pub(crate) const PROFILES: &str = r#"
as() { setpriv --reuid 10000 --regid 10000 --clear-groups "$@"; }
profile() {
  as mkdir -p /opt/data/profiles/"$1"
  as touch /opt/data/profiles/"$1"/SOUL.md
  [ -z "${2-}" ] || printf '{"gateway_state":"%s"}' "$2" | as dd status=none of=/opt/data/profiles/"$1"/gateway_state.json
}
scripts() { for r in /run/service/gateway-*/run; do tail -n 1 $r | sed 's/.* hermes //'; done; }
"#;

fn sandbox() -> Sandbox {
    Sandbox::with_programs("exec sleep 1000")
}

fn assert_said(ran: &Ran, out: &str, err: &str) {
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, err));
}

/// Runs this with the helpers of [`PROFILES`], beside a live s6-svscan. It must succeed.
fn live(sandbox: &Sandbox, command: &str) -> Ran {
    let ran = sandbox.live(&format!("{PROFILES} {command}"));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran
}

#[test]
fn every_profile_gets_its_gateway_and_what_ran_runs_again() {
    let ran = live(
        &sandbox(),
        "exec 2>&1; for s in running draining degraded starting startup_failed stopped; do profile was-$s $s; done; profile new; \
         p=/opt/data/profiles; say() { profile \"$1\"; printf '%s' \"$2\" | as dd status=none of=\"$p/$1/gateway_state.json\"; }; \
         say wanted '{\"desired_state\":\"running\",\"gateway_state\":\"stopped\"}'; \
         say unwanted '{\"desired_state\":\"stopped\",\"gateway_state\":\"running\"}'; say torn '{\"gateway_state\":\"runn'; \
         profile linked; echo '{\"gateway_state\":\"running\"}' >/etc/state; as ln -s /etc/state $p/linked/gateway_state.json; \
         profile piped; as mkfifo $p/piped/gateway_state.json; as mkdir $p/no-profile $p/.cache; as touch $p/file; \
         profile 'Bad Name'; profile -x; profile default; profile \"$(printf 'two\\nlines')\"; profile \"$(printf '\\377')\"; \
         as ln -s nowhere $p/dangling; \
         echo '$ gatewayctl reconcile'; gatewayctl reconcile; echo \"[exit $?]\"; \
         for s in running draining degraded; do up was-$s; done; up wanted; \
         echo '$ gatewayctl status'; gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; \
         echo '$ cat /opt/data/logs/container-boot.log'; \
         sed 's/^[-0-9]*T[:0-9]*+0000 /TIME /' /opt/data/logs/container-boot.log; stat -c %U /opt/data/logs/container-boot.log; \
         echo '$ gatewayctl reconcile'; cp -a /run/service /tmp/before; gatewayctl reconcile 2>/dev/null; \
         wc -l </opt/data/logs/container-boot.log; \
         diff -r --no-dereference /tmp/before /run/service | grep -v 'is a fifo\\|supervise' || :",
    );
    assert_eq!(ran.err, "");
    snapshot("reconcile", "", &ran.out);
}

#[test]
fn before_s6_svscan_and_after() {
    let ran = sandbox().sh(
        &format!(
            "{PROFILES} exec 2>&1; profile a running; profile b; mkdir /run/service; gatewayctl -q reconcile; \
             s6-svscan -d3 /run/service 3>/tmp/ready >/tmp/log & until [ -s /tmp/ready ]; do sleep 0.01; done; \
             up a; gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; profile c running; gatewayctl reconcile; up a c; \
             profile a stopped; profile b running; gatewayctl -q stop c; gatewayctl -q reconcile; gatewayctl status | tr -s ' ' | cut -d' ' -f1,2"
        ),
        b"",
    );
    assert_said(
        &ran,
        "PROFILE STATE\na up\nb stopped\ndefault stopped\nunchanged default  recorded: none\nunchanged a  recorded: running\n\
         unchanged b  recorded: none\nstarted   c  recorded: running\n\
         PROFILE STATE\na up\nb stopped\nc stopped\ndefault stopped\n",
        "",
    );
}

#[test]
fn what_a_container_that_is_gone_left_is_removed_by_the_service_user_alone() {
    let ran = live(
        &sandbox(),
        "p=/opt/data/profiles; for n in plain linked root; do profile $n running; done; \
         for f in gateway.pid processes.json; do as touch $p/plain/$f $p/plain/kept.pid /opt/data/$f; echo root >/etc/$f; \
         as ln -s /etc/$f $p/linked/$f; done; \
         mkdir -m 755 /etc/far; touch /etc/far/SOUL.md /etc/far/gateway.pid; as ln -s /etc/far $p/far; \
         touch $p/root/gateway.pid; chown root:root $p/root; chmod 755 $p/root; \
         as touch '/opt/data/gateway.pid -rf'; gatewayctl -q reconcile; \
         ls /opt/data $p/plain $p/linked $p/root /etc/far; cat /etc/gateway.pid /etc/processes.json; \
         as touch $p/plain/gateway.pid; gatewayctl -q reconcile; ls $p/plain/gateway.pid",
    );
    assert_said(
        &ran,
        "/etc/far:\nSOUL.md\ngateway.pid\n\n/opt/data:\ngateway.pid -rf\nlogs\nprofiles\n\n/opt/data/profiles/linked:\nSOUL.md\n\
         gateway_state.json\n\n/opt/data/profiles/plain:\nSOUL.md\ngateway_state.json\nkept.pid\n\n/opt/data/profiles/root:\nSOUL.md\n\
         gateway.pid\ngateway_state.json\nroot\nroot\n/opt/data/profiles/plain/gateway.pid\n",
        "warning: cannot remove what gateways of an earlier container left: /bin/rm failed with 1: cannot remove \
         '/opt/data/profiles/root/gateway.pid': Permission denied\n",
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let ran = live(
        &sandbox(),
        "list() { ls -AlR --time-style=full-iso /opt/data /run/service; }; profile a running; as touch /opt/data/profiles/a/gateway.pid; \
         list >/tmp/before; gatewayctl reconcile --dry-run; gatewayctl reconcile --dry-run --json | tr -d ' \\n'; list | diff /tmp/before - >&2",
    );
    assert_said(
        &ran,
        "would be down      default  recorded: none\nwould be started   a  recorded: running\n\
         {\"dry_run\":true,\"profiles\":[{\"profile\":\"default\",\"recorded\":\"none\",\"action\":\"down\"},\
         {\"profile\":\"a\",\"recorded\":\"running\",\"action\":\"started\"}],\"broken\":[],\"orphans\":[],\"warnings\":[]}",
        "",
    );
}

#[test]
fn settings_come_from_who_said_them_last() {
    let sandbox = sandbox();
    fs::write(
        sandbox.path("image.toml"),
        "[defaults]\nhermes-cli = \"run\"\nenv = { FROM = \"defaults\" }\n[gateways.baked]\nport = 9001\nenv = { FROM = \"image\" }\n\
         [gateways.both]\nport = 9002\n[gateways.gone]\n",
    )
    .unwrap();
    let ran = live(
        &sandbox,
        "for n in baked both other; do profile $n running; done; unset FROM; \
         gatewayctl -q register both --save --port 9003 --env \"FROM=it's \\$HOME\" --secret KEY=/run/key --user hermes --down; \
         gatewayctl -q register saved --save; gatewayctl -q register unsaved; \
         cp -r /run/service/gateway-both /run/service/gateway-saved /tmp; gatewayctl -q unregister both saved unsaved; \
         gatewayctl reconcile --manifest /share/image.toml; scripts; grep -h '^  FROM=' /run/service/*/run | sed 's/^ *//; s/ [\\\\]$//'; \
         for n in both saved; do diff -r /tmp/gateway-$n /run/service/gateway-$n | grep -v 'is a fifo\\|supervise\\|event' || :; done; \
         stat -c '%U %a' /opt/data/gateways.toml; cat /opt/data/gateways.toml; ls -A /opt/data",
    );
    assert_said(
        &ran,
        "absent    gone  in the manifest, but not on the volume; hermes profile create gone\n\
         started   baked  recorded: running\ndown      both  recorded: running\ndown      saved  recorded: none\n\
         down      default  recorded: none\nstarted   other  recorded: running\n\
         -p baked gateway run --replace\n-p both gateway start --foreground --port 9003\ngateway run --replace\n\
         -p other gateway run --replace\n-p saved gateway start --foreground --port 9668\n\
         FROM=image\nFROM='it'\\''s $HOME'\nFROM=defaults\nFROM=defaults\n\
         Only in /run/service/gateway-saved: down\nroot 600\n\
         # Written by gatewayctl register --save, and read by gatewayctl reconcile.\n\n\
         [gateways.both]\nport = 9003\nuser = \"hermes\"\ndown = true\n\n[gateways.both.env]\nFROM = \"it's $HOME\"\n\n\
         [gateways.both.secret]\nKEY = \"/run/key\"\n\n[gateways.saved]\nport = 9668\n\
         gateways.toml\nlogs\nprofiles\n",
        "",
    );
}

#[test]
fn what_is_saved_is_registered_too_and_what_is_registered_is_saved_or_neither() {
    let sandbox = sandbox();
    let ran = live(
        &sandbox,
        &format!(
            "exec 2>&1; gatewayctl register a --save; gatewayctl register a --save; gatewayctl register a --save --port 9000 || echo $?; \
             gatewayctl -q register b; gatewayctl register b --save; cat /opt/data/gateways.toml; \
             echo; mount -t tmpfs -o ro none /opt/data; gatewayctl -q register c --save || echo $?; umount --lazy /opt/data; \
             gatewayctl --scandir /tmp -q register d --save || echo $?; gatewayctl list; \
             gatewayctl unregister a --save; gatewayctl -q unregister b; gatewayctl unregister a c --save || echo $?; cat /opt/data/gateways.toml; \
             echo; gatewayctl unregister b --save; cat /opt/data/gateways.toml; gatewayctl reconcile; ls -A /opt/data; \
             gatewayctl -q unregister default; {NOTHING_LEFT}"
        ),
    );
    snapshot("register_save", "", &ran.out);
}

#[test]
fn what_an_operator_saves_decides_at_the_next_boot() {
    let ran = live(
        &sandbox(),
        "exec 2>&1; profile a running; profile b; as chmod 600 /opt/data/profiles/a/gateway_state.json; \
         boot() { gatewayctl -q unregister $(gatewayctl list); gatewayctl -q reconcile --except default; }; \
         gatewayctl -q reconcile --except default; up a; gatewayctl stop a; gatewayctl -q start b; up b; boot; up a; \
         gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; \
         gatewayctl stop a --save; gatewayctl start b --save; boot; up b; gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; \
         tail -n +1 /opt/data/profiles/*/gateway_state.json; echo; stat -c '%U %a' /opt/data/profiles/*/gateway_state.json; \
         echo root >/etc/state; as ln -sf /etc/state /opt/data/profiles/b/gateway_state.json; \
         gatewayctl stop b --save || echo $?; chown root /opt/data/profiles/a; gatewayctl start a --save || echo $?; \
         gatewayctl stop b nobody --save || echo $?; rm -r /opt/data/profiles; gatewayctl stop b --save || echo $?; \
         gatewayctl -q register default --down; gatewayctl -q start default --save; cat /opt/data/gateway_state.json; echo; cat /etc/state; \
         gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; ls -A /opt/data",
    );
    snapshot("desired_state", "", &ran.out);
}

#[test]
fn two_containers_that_save_on_one_volume_at_once_lose_nothing() {
    let ran = live(
        &sandbox(),
        "mkdir /run/other; s6-svscan -d3 /run/other 3>/tmp/ready >/tmp/log 2>&1 & until [ -s /tmp/ready ]; do sleep 0.01; done; \
         save() { for n in $(seq 12); do gatewayctl -q --timeout 60 --scandir \"$1\" register \"$2$n\" --save --down & done; }; \
         (save /run/service here; wait) & first=$!; (save /run/other there; wait) & second=$!; wait $first; wait $second; \
         grep -c '^\\[gateways' /opt/data/gateways.toml; \
         as flock /opt/data sleep 100 & until ! flock -n /opt/data true; do sleep 0.02; done; \
         gatewayctl -q --timeout 1 register late --save || echo $?; gatewayctl list | grep -c late || :",
    );
    assert_said(&ran, "24\n1\n", "");
}

#[test]
fn a_manifest_on_the_volume_that_others_can_write_is_not_believed() {
    let ran = live(
        &sandbox(),
        "exec 2>&1; m=/opt/data/gateways.toml; evil='[gateways.evil]\nuser = \"root\"'; \
         try() { gatewayctl reconcile || echo \"[exit $?]\"; gatewayctl -q register x --save || echo \"[exit $?]\"; gatewayctl list; \
           gatewayctl -q unregister default --if-exists; rm -rf $m; }; \
         echo \"$evil\" | as dd status=none of=$m; try; echo \"$evil\" >$m; chmod 664 $m; try; \
         echo \"$evil\" >/etc/evil; as ln -s /etc/evil $m; try; as mkfifo $m; try; mkdir -m 777 $m; try; \
         printf '[gateways.evil]\\nprot = 1\\nuser = 5\\n' >$m; try; printf '\\377' >$m; try; \
         head -c 1048577 /dev/zero >$m; try; rm -r /opt/data; try",
    );
    snapshot("saved_manifest_refused", "", &ran.out);
}

#[test]
fn each_profile_of_a_shared_volume_is_one_containers() {
    let ran = live(
        &sandbox(),
        "for n in a b c d e f team-a team-b; do profile $n running; done; mkdir /run/0 /run/1 /run/2 /run/3; \
         for n in 0 1 2; do gatewayctl -q --scandir /run/$n reconcile --shard $n/3; done; \
         for n in 0 1 2; do echo $n: $(gatewayctl --scandir /run/$n list); done; \
         tail -qn 1 /run/[012]/gateway-*/run | sed 's/.*--port //' | sort | uniq -d; \
         gatewayctl reconcile --scandir /run/3 --only 'team-*' --only 'd*' --except '*-b' --except '[a-e]'; \
         gatewayctl -q reconcile --scandir /run/0 --only a --only e; echo 0: $(gatewayctl --scandir /run/0 list); \
         gatewayctl reconcile --shard 3/3 --only 'Team-*' --except '[' || echo $?; grep -c . /opt/data/logs/container-boot.log",
    );
    snapshot("reconcile_shards", "", &format!("{}--- standard error\n{}", ran.out, ran.err));
}

#[test]
fn a_gateway_that_cannot_have_its_port_stops_no_other() {
    let sandbox = sandbox();
    fs::write(sandbox.path("image.toml"), "[gateways.a]\nport = 9001\n[gateways.b]\n").unwrap();
    let ran = live(
        &sandbox,
        "for n in a b c; do profile $n running; done; gatewayctl -q register thief --save --port 9001; gatewayctl -q unregister thief; \
         gatewayctl -q register b --port 9009; \
         gatewayctl reconcile --manifest /share/image.toml; scripts; \
         printf '[gateways.a]\\nport = 1\\n[gateways.b]\\nport = 1\\n' >/tmp/wrong; gatewayctl reconcile --manifest /tmp/wrong || echo $?",
    );
    snapshot("reconcile_conflicts", "", &format!("{}--- standard error\n{}", ran.out, ran.err));
}

#[test]
fn the_log_of_boots_is_bounded_and_written_by_the_service_user_alone() {
    let ran = live(
        &sandbox(),
        "exec 2>&1; log=/opt/data/logs/container-boot.log; boot() { gatewayctl -q reconcile; gatewayctl -q unregister default; }; \
         boot; as truncate -s 262143 $log; boot; wc -c <$log; boot; as truncate -s 262144 $log; boot; boot; wc -l <$log; wc -c <$log.1; \
         rm $log; as mkfifo $log; boot; rm $log; echo root >/etc/log; as ln -s /etc/log $log; boot; cat /etc/log; \
         rm -r /opt/data/logs; mkdir /opt/data/logs; boot; rmdir /opt/data/logs; mount -t tmpfs -o size=4k none /opt/data; \
         chown hermes /opt/data; head -c 4096 /dev/zero >/opt/data/full || :; boot",
    );
    snapshot("boot_log", "", &ran.out);
}

#[test]
fn an_ordinary_user_reconciles_what_is_his() {
    let ran = sandbox().sh(
        "mkdir /run/service; chown hermes /run/service; cat >/tmp/script <<'EOF'\n\
         mkdir -p /opt/data/profiles/a; touch /opt/data/profiles/a/SOUL.md /opt/data/profiles/a/gateway.pid\n\
         echo '{\"gateway_state\":\"running\"}' >/opt/data/profiles/a/gateway_state.json\n\
         s6-svscan -d3 /run/service 3>/tmp/ready >/tmp/log & until [ -s /tmp/ready ]; do sleep 0.01; done\n\
         gatewayctl reconcile; until gatewayctl -q status a; do sleep 0.02; done; ls /opt/data/profiles/a\n\
         gatewayctl -q unregister a; gatewayctl register b --save; gatewayctl -q unregister b; gatewayctl reconcile; stat -c %U /opt/data/*\nEOF\n\
         setpriv --reuid 10000 --regid 10000 --clear-groups dash -eu /tmp/script",
        b"",
    );
    assert_said(
        &ran,
        "down      default  recorded: none\nstarted   a  recorded: running\nSOUL.md\ngateway_state.json\n\
         registered and saved /run/service/gateway-b  port 9566\n\
         down      b  recorded: none\nunchanged default  recorded: none\nstarted   a  recorded: running\nhermes\nhermes\nhermes\n",
        "",
    );
}

#[test]
fn where_s6_svscan_has_no_room_the_others_come_up() {
    let ran = sandbox().live_with(
        "-c 3",
        &format!(
            "{PROFILES} exec 2>&1; for n in a b c d; do profile $n running; done; \
             gatewayctl -q --timeout 1 reconcile 2>&1 | sed -E 's/gateway-([a-d]|default)/gateway-X/' || echo $?; gatewayctl list | wc -l; \
             sed 's/.*action=//; s/^started$\\|^down$/started-or-down/; s/skipped reason=.is left out: .*/left out/' /opt/data/logs/container-boot.log | sort | uniq -c | tr -s ' '; \
             gatewayctl -q unregister $(gatewayctl list); gatewayctl -q reconcile --except '[bd]'; up a c; gatewayctl list; \
             gatewayctl -q unregister $(gatewayctl list); gatewayctl -q --timeout 1 reconcile --most 9 2>&1 | \
             sed -E 's/gateway-([a-d]|default)/gateway-X/; s/profile ([a-d]|default):/profile X:/'; gatewayctl list | wc -l"
        ),
    );
    let left_out = "is left out: no manifest names it, and s6-svscan has no room for it; name it in the manifest, remove profiles that \
                    are not needed, or give s6-svscan more room";
    let known =
        format!("warning: profile c: {left_out}\nwarning: profile d: {left_out}\n3\n 2 left out\n 3 started-or-down\n");
    // Whoever says how many knows better; those that do not come up stop none that do.
    let said = "warning: profile X: s6-svscan started no supervisor for /run/service/gateway-X within 1 s, so it is taken back; s6-svscan probably \
                has no room left: raise its option -C (-c before s6 2.13), by two for each gateway with a logger\n";
    assert_said(&ran, &format!("{known}a\nc\ndefault\n{}3\n", said.repeat(2)), "");
}

#[test]
fn what_a_manifest_names_leaves_room_for_the_services_of_the_image() {
    let ran = sandbox().live_with(
        "-c 100",
        &format!(
            "{PROFILES} exec 2>&1; echo '[defaults]' >/tmp/m.toml; for n in $(seq 101 200); do profile p$n; echo \"[gateways.p$n]\" >>/tmp/m.toml; done; \
             gatewayctl -q reconcile --manifest /tmp/m.toml; gatewayctl list | wc -l; gatewayctl -q register one-more --down; \
             gatewayctl -q reconcile --manifest /tmp/m.toml; gatewayctl list | wc -l"
        ),
    );
    let no_room = "is left out: s6-svscan has no room for it; divide the gateways among replicas with --shard or GATEWAYS_SHARD\n";
    let left_out = format!("warning: profile p200: {no_room}warning: profile default: {no_room}");
    let others = "warning: gateway one-more has no profile on the volume; take it out with reconcile --prune, or keep it with register --save\n";
    assert_said(&ran, &format!("{left_out}99\n{left_out}{others}100\n"), "");
}

#[test]
fn the_home_is_the_one_of_the_container() {
    let sandbox = sandbox();
    sandbox.set("HERMES_HOME", "/opt/data/my home");
    let ran = live(
        &sandbox,
        "exec 2>&1; as mkdir -p '/opt/data/my home/profiles/a'; as touch '/opt/data/my home/profiles/a/SOUL.md'; \
         export HERMES_HOME=/elsewhere; gatewayctl reconcile; \
         gen-service -q never --out /tmp/tree; gatewayctl --scandir /tmp/tree logs never || echo $?; gatewayctl --timeout 1 doctor | grep '^OK  *home '; \
         gatewayctl -q register b --save --down; ls -A '/opt/data/my home' /opt/data; rm /share/container_environment/HERMES_HOME; \
         gatewayctl reconcile || echo $?",
    );
    assert_said(
        &ran,
        "down      default  recorded: none\ndown      a  recorded: none\n\
         error: cannot read /opt/data/my home/logs/gateways/never/current: no such file or directory\n1\n\
         OK       home         /opt/data/my home can be written by the user of the gateways\n\
         /opt/data:\nmy home\n\n/opt/data/my home:\ngateways.toml\nlogs\nprofiles\n\
         error: HERMES_HOME /elsewhere does not exist; mount the volume there, or give its path with --hermes-home\n2\n",
        "",
    );
}
