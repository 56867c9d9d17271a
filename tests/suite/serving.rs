//! A root gateway that serves the other profiles: how reconcile, watch, status, start and doctor see it, for each kind of release.

use std::fs;

use crate::boot::PROFILES;
use crate::sandbox::Sandbox;
use crate::support::{Ran, set_mode, snapshot};

/// A root gateway that serves the profiles that it finds, as Hermes 0.21.5 does, and records that. A gateway beside it ends with 75, or with 78 if
/// the file `/share/refuses` exists. An isolated gateway runs.
const HERMES: &str = r#"#!/bin/sh
case $* in
  *--help) echo '--replace' && exit ;;
  *"-p apart "*) exec sleep 1000 ;;
  -p*)
    if [ -e /share/refuses ]; then
      echo "Profile '$2' does not get a gateway of its own." && exit 78
    fi
    echo "The host gateway already serves profile '$2' - nothing to start." && exit 75
    ;;
esac
served='"default"'
for profile in /opt/data/profiles/*; do
  name=${profile##*/}
  [ ! -e "$profile/SOUL.md" ] || [ -e "$profile/gateway.parked" ] || [ "$name" = apart ] || served="$served,\"$name\""
done
printf '{"gateway_state":"running","pid":%s,"start_time":%s,"served_profiles":[%s],"multiplex_standalone_reason":%s}' \
  $$ "$(cut -d' ' -f22 /proc/$$/stat)" "$(cat /share/serves 2>/dev/null || echo "$served")" "$(cat /share/alone 2>/dev/null || echo null)" \
  >/opt/data/gateway_state.json
exec sleep 1000
"#;

/// Used with [`PROFILES`]. `served` waits until the running root gateway has recorded what it serves.
const HELPERS: &str = r#"
show() { echo "\$ $*"; code=0; "$@" 2>&1 || code=$?; [ $code = 0 ] || echo "[exit $code]"; }
served() { until grep -qs "\"pid\":$(s6-svstat -o pid /run/service/gateway-default)," /opt/data/gateway_state.json; do sleep 0.02; done; }
down() { until [ "$(s6-svstat -o up,wantedup "/run/service/gateway-$1")" = 'false false' ]; do sleep 0.05; done; }
scripts() { for r in /run/service/gateway-*/run; do tail -n 1 $r | sed 's/.*hermes //'; done; }
table() { echo '$ gatewayctl status'; gatewayctl status "$@" | tr -s ' ' | cut -d' ' -f1,2; }
doctor() { echo '$ gatewayctl doctor'; gatewayctl doctor | grep -E ' (profiles|crashes|ports|hermes) ' || :; }
"#;

/// A sandbox with this release of Hermes, which its manifest names.
fn sandbox(release: &str) -> Sandbox {
    let sandbox = Sandbox::with_programs("exec sleep 1000");
    let packages = sandbox.path("venv/lib/python3.11/site-packages");
    fs::create_dir_all(packages.join(format!("hermes_agent-{release}.dist-info"))).unwrap();
    fs::create_dir(sandbox.path("venv/bin")).unwrap();
    fs::write(sandbox.path("venv/bin/hermes"), HERMES).unwrap();
    set_mode(sandbox.path("venv/bin/hermes"), 0o755);
    let manifest = "[defaults]\nhermes-cli = \"run\"\nhermes = \"/share/venv/bin/hermes\"\n";
    fs::write(sandbox.path("gateways.toml"), manifest).unwrap();
    sandbox.set("GATEWAYS_MANIFEST", "/share/gateways.toml");
    sandbox
}

#[track_caller]
fn live(sandbox: &Sandbox, command: &str) -> Ran {
    let ran = sandbox.live(&format!("{PROFILES} {HELPERS} exec 2>&1; {command}"));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran
}

/// This release serves all profiles without being asked, and `false` does not stop it. It does not serve a profile with a marker of its own against
/// that.
#[test]
fn a_release_that_always_serves_all() {
    let ran = live(
        &sandbox("0.21.5"),
        r#"profile coder running; profile idle; profile parked running; as touch /opt/data/profiles/parked/gateway.parked; profile apart running
        printf 'gateway:\n  standalone: true\n' | as dd status=none of=/opt/data/profiles/apart/config.yaml
        printf 'gateway:\n  multiplex_profiles: false\n' | as dd status=none of=/opt/data/config.yaml
        show gatewayctl reconcile; served; scripts; table; show gatewayctl status coder -q; table parked; doctor
        show gatewayctl start coder; show gatewayctl --json start coder; show gatewayctl start parked; show gatewayctl start nobody
        profile new running; show gatewayctl start new; doctor; gatewayctl -q restart default; served; show gatewayctl reconcile
        show gatewayctl restart coder; show gatewayctl restart apart; gatewayctl -q stop default; show gatewayctl start coder; doctor; table
        echo '"the s6 container has no slot"' >/share/alone; echo '"default"' >/share/serves; gatewayctl -q start default; served; doctor; table
        rm /share/alone /opt/data/profiles/apart/config.yaml; echo '"default","apart"' >/share/serves; gatewayctl -q restart default; served; doctor"#,
    );
    snapshot("serving_always", "", &ran.out);
}

/// If such a release is asked, it serves all profiles. A gateway beside it does not say `--replace`, because that would end the root gateway.
#[test]
fn a_release_that_serves_all_if_it_is_asked() {
    for (release, beside) in [("0.19.0", "--replace"), ("0.20.6.post1", "--replace"), ("0.21.4", "")] {
        let ran = live(
            &sandbox(release),
            "profile coder running; gatewayctl -q reconcile; scripts; gatewayctl doctor | grep ' hermes '; gatewayctl -q unregister coder default; \
             echo 'multiplex_profiles: true' | as dd status=none of=/opt/data/config.yaml; gatewayctl reconcile --dry-run; \
             printf '[gateways.coder]\\n' >>/share/gateways.toml; gatewayctl -q reconcile; scripts",
        );
        let one = format!("-p coder gateway run {beside}");
        let version = release.strip_suffix(".post1").unwrap_or(release);
        let expected = format!(
            "{}\ngateway run --replace\n\
             OK       hermes       /share/venv/bin/hermes takes `gateway run --replace`, /share/venv/bin/hermes is {version}\n\
             would be started   default  recorded: none\nwould be served    coder  by the gateway of default; recorded: running\n\
             -p coder gateway run\ngateway run --replace\n",
            one.trim_end()
        );
        assert_eq!(ran.out, expected, "{release}");
    }
}

/// A release that cannot serve other profiles does not, even if it is asked to.
#[test]
fn a_release_that_serves_one_profile_only() {
    let ran = live(
        &sandbox("0.16.0"),
        "profile coder running; echo 'multiplex_profiles: true' | as dd status=none of=/opt/data/config.yaml; \
         GATEWAY_MULTIPLEX_PROFILES=true gatewayctl reconcile --dry-run",
    );
    assert_eq!(ran.out, "would be down      default  recorded: none\nwould be started   coder  recorded: running\n");
}

/// Gateways that a manifest or the image names, beside one that serves their profiles. doctor names the exit code of each, and a release that it does
/// not know.
#[test]
fn what_ends_beside_the_root_gateway_is_named() {
    let sandbox = sandbox("0.21.5");
    let ran = live(
        &sandbox,
        r#"profile coder running; profile writer running; profile two
        for p in default coder writer two; do echo "[gateways.$p]"; done >>/share/gateways.toml; printf '[gateways.two.env]\nAPI_SERVER_ENABLED = "1"\n' >>/share/gateways.toml
        gatewayctl -q reconcile; served; scripts; table; doctor
        touch /share/refuses; s6-svc -u /run/service/gateway-coder
        until grep -qs 'exit 78' /opt/data/logs/gateways/coder/current; do sleep 0.05; done; down coder; rm /share/refuses
        sed -i 's/ 300 10 / 300 2 /' /run/service/gateway-writer/finish; s6-svc -u /run/service/gateway-writer
        until grep -qs PERMANENT /opt/data/logs/gateways/writer/current; do sleep 0.05; done; down writer; doctor; table
        gatewayctl -q register three --hermes-cli run --hermes /share/venv/bin/hermes --env API_SERVER_ENABLED=true --down; doctor
        mv /share/venv/lib/python3.11/site-packages/hermes_agent-0.21.5.dist-info /share/venv/lib/python3.11/site-packages/hermes_agent-0.99.0.dist-info
        doctor"#,
    );
    snapshot("serving_beside", "", &ran.out);
}
