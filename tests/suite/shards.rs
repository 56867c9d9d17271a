//! Replicas with a volume each: `reconcile --create`, and `gatewayctl shard`.

use std::fs;

use crate::boot::PROFILES;
use crate::bytes::is_clean;
use crate::sandbox::Sandbox;
use crate::support::{Ran, snapshot};

/// A stand-in for Hermes that makes profiles as Hermes does. For a name that begins with `late` it never ends, and for one with `bad` it fails. A
/// gateway says that it runs.
const HERMES: &str = r#"case $* in
  profile\ create\ bad*) echo 'no such model' >&2; exit 1 ;;
  profile\ create\ late*) exec sleep 1000 ;;
  profile\ create\ *)
    echo "$(id -u) $*" >>/share/record/created
    mkdir -p "${HERMES_HOME}/profiles"; mkdir "${HERMES_HOME}/profiles/$3" || exit; echo keys >"${HERMES_HOME}/profiles/$3/.env"
    [ "$3" != killed ] || [ -e /share/record/again ] || { : >/share/record/again; kill -9 $$; }
    mkdir "${HERMES_HOME}/profiles/$3/skills"; : >"${HERMES_HOME}/profiles/$3/SOUL.md" ;;
  *) exec sleep 1000 ;;
esac"#;

const MANIFEST: &str = "[defaults]\nhermes-cli = \"run\"\n[gateways.default]\n[gateways.coder]\n[gateways.writer]\n[gateways.a]\n[gateways.b]\n\
    [gateways.c]\n[gateways.killed]\ndown = true\n[gateways.guest]\nisolated = true\n[gateways.g2]\nisolated = true\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_programs(HERMES);
    fs::write(sandbox.path("m.toml"), MANIFEST).unwrap();
    sandbox
}

/// Runs this beside a live s6-svscan. `reconcile` runs it with the manifest. `runs` waits until no gateway is
/// starting, and shows which gateways are up and which are down.
fn live(sandbox: &Sandbox, command: &str) -> Ran {
    let ran = sandbox.live(&format!(
        "{PROFILES} mkdir -p /opt/homes; reconcile() {{ gatewayctl reconcile --manifest /share/m.toml \"$@\" 2>&1 || echo \"[exit $?]\"; }}; \
         runs() {{ while gatewayctl status 2>&1 | grep -q ' starting '; do sleep 0.02; done; \
           gatewayctl status 2>&1 | grep -v '^note: .* has no gateway;' | tail -n +2 | tr -s ' ' | cut -d' ' -f1,2; }}; {command}"
    ));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran
}

/// If the manifest names a profile that the volume lacks, Hermes makes it, as the service user, and its gateway starts. A later command of an
/// operator counts.
#[test]
fn hermes_makes_the_profiles_of_this_shard_and_they_start() {
    let ran = live(
        &sandbox(),
        "for n in 0 1 2; do echo \"shard $n\"; rm -rf /opt/data/* /opt/homes/*; rm -f /share/record/created; \
           reconcile --create --shard $n/3; sort /share/record/created; gatewayctl -q unregister $(gatewayctl list); done; \
         echo; echo 'all in one, killed in the middle, and again'; rm -rf /opt/data/* /opt/homes/* /share/record/again; \
         reconcile --create --dry-run; reconcile --create; up a b; stat -c '%U %n' /opt/data/profiles/*; gatewayctl -q unregister $(gatewayctl list); \
         reconcile --create; gatewayctl -q stop a --save; gatewayctl -q unregister $(gatewayctl list); \
         echo; echo 'by the variables of the container, once an operator has stopped one'; \
         printf true >/run/s6/container_environment/GATEWAYS_CREATE; printf slot:1/1 >/run/s6/container_environment/GATEWAYS_SHARD; \
         reconcile; gatewayctl -q unregister $(gatewayctl list); \
         printf maybe >/run/s6/container_environment/GATEWAYS_CREATE; reconcile",
    );
    snapshot("create", "", &ran.out);
}

#[test]
fn what_cannot_be_made_stops_no_other() {
    let sandbox = sandbox();
    fs::write(sandbox.path("m.toml"), "[gateways.bad]\n[gateways.good]\n").unwrap();
    let ran = live(
        &sandbox,
        "reconcile --create; runs; as mkdir -p /opt/data/profiles/kept; as touch /opt/data/profiles/kept/notes; \
         printf '[gateways.kept]\\n' >/share/m.toml; reconcile --create; ls /opt/data/profiles/kept; \
         rm -rf /opt/data/profiles; as ln -s /etc /opt/data/profiles; reconcile --create; ls -d /etc/kept /etc/passwd 2>&1 || :",
    );
    snapshot("create_broken", "", &ran.out);
}

/// If the number of shards has changed, a profile that another shard had is waited for, and a profile that now belongs to another shard is reported.
#[test]
fn what_another_shard_had_is_awaited_and_what_strays_is_told_of() {
    let ran = live(
        &sandbox(),
        "d=/run/s6/container_environment; printf 1 >$d/GATEWAYS_CREATE; printf 0/3 >$d/GATEWAYS_SHARD; reconcile; up; gatewayctl doctor 2>&1 | grep ' shard '; \
         gatewayctl -q unregister $(gatewayctl list); printf 0/4 >$d/GATEWAYS_SHARD; printf 3 >$d/GATEWAYS_SHARDS_BEFORE; echo; echo 'the first of four'; \
         reconcile; runs; gatewayctl doctor 2>&1 | grep ' shard '; gatewayctl -q unregister $(gatewayctl list); \
         echo; echo 'the last of four, with a volume of its own'; rm -rf /opt/data/* /opt/homes/*; printf 3 >$d/GATEWAYS_SHARD; printf 4 >$d/GATEWAYS_SHARDS; reconcile; runs; \
         echo; echo 'once one has come'; profile writer stopped; reconcile; runs; echo; echo 'without a word of before'; rm $d/GATEWAYS_SHARDS_BEFORE; reconcile; runs; \
         echo; for wrong in 0 x 1025; do printf $wrong >$d/GATEWAYS_SHARDS_BEFORE; reconcile; done; gatewayctl doctor 2>&1 | grep ' shard '",
    );
    snapshot("shards_of_their_own", "", &ran.out);
}

#[test]
fn the_script_that_moves_gateways() {
    let sandbox = sandbox();
    let ran = sandbox.sh(
        "gatewayctl shard --from 3 --to 4 --manifest /share/m.toml >/share/grow; gatewayctl shard --from 3 --to 1 --manifest /share/m.toml --exec \
         'kubectl exec -i gateways-{} --' >/share/shrink; gatewayctl shard --from 4 --to 4 --manifest /share/m.toml >/share/stay; \
         gatewayctl shard --from 4 --to 3 --manifest /share/m.toml --exec 'docker exec -i \"$(docker ps -q -f name=gateways.{slot})\"' >/share/slots; \
         gatewayctl shard --from 3 --to 4 --manifest /share/m.toml --json | python3 -c 'import json, sys; print(*json.load(sys.stdin), sep=\"\\n\")'; \
         sed '/^replica/,/^}/!d' /share/slots /share/shrink; sed '1,/^set/!d' /share/shrink; sh /share/grow || echo \"[exit $?]\"; \
         sh /share/stay leave; sh /share/grow arrive || echo \"[exit $?]\"; sh /share/grow delete || echo \"[exit $?]\"; \
         gatewayctl shard --from 0 --to 1025 --manifest /share/m.toml --exec 'docker exec' || echo \"[exit $?]\"",
        b"",
    );
    for name in ["grow", "shrink", "stay", "slots"] {
        is_clean(&sandbox.path(name));
    }
    snapshot("move", "gatewayctl shard --from 3 --to 4", &fs::read_to_string(sandbox.path("grow")).unwrap());
    snapshot("move_usage", "", &format!("{}--- standard error\n{}", ran.out, ran.err));
}

/// Kubernetes mounts a manifest and a secret behind symlinks, so it can change all files at once.
#[test]
fn a_manifest_and_a_secret_are_read_as_kubernetes_mounts_them() {
    let sandbox =
        Sandbox::with_programs("case $* in *gateway*) echo \"key ${API_SERVER_KEY-none}\"; exec sleep 1000 ;; esac");
    let ran = live(
        &sandbox,
        "mount_as() { mkdir -p $1/..2026; cat >$1/..2026/$2; chmod 400 $1/..2026/$2; ln -s ..2026 $1/..data; ln -s ..data/$2 $1/$2; }; \
         printf '[gateways.default]\nsecret = { API_SERVER_KEY = \"/run/secrets/key\" }\n' | mount_as /etc/gateways gateways.toml; \
         echo the-key | mount_as /run/secrets key; as mkdir -p /opt/data; gatewayctl reconcile --manifest /etc/gateways/gateways.toml --create; \
         until grep -qs key /opt/data/logs/gateways/default/current; do sleep 0.05; done; cut -d' ' -f4- /opt/data/logs/gateways/default/current",
    );
    assert_eq!(ran.out, "started   default  recorded: none\nkey the-key\n");
}
