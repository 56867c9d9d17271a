//! `gatewayctl metrics`, as Prometheus itself reads it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::health::{live, sandbox};
use crate::pages::block;
use crate::sandbox::Sandbox;
use crate::support::{directory, run, snapshot};

/// Replaces what differs from run to run: times, and the size of logs.
const NO_TIMES: &str =
    "sed -E 's/^(hermes_gateway_(state_seconds|log_bytes)\\{.*) [0-9]+$/\\1 N/; s/(version=\")[^\"]*/\\1V/'";

/// A sandbox that finds the programs of Prometheus where the tests have them.
fn with_prometheus() -> Sandbox {
    let sandbox = sandbox();
    for name in ["prometheus", "promtool"] {
        let paths = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&paths).map(|path| path.join(name)).find(|path| path.exists());
        symlink(found.unwrap_or_else(|| panic!("{name} is not on PATH")), sandbox.path("bin").join(name)).unwrap();
    }
    sandbox
}

/// A file that is shipped beside the docs.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/prometheus").join(name)
}

#[test]
fn numbers_of_every_gateway_as_promtool_takes_them() {
    let sandbox = with_prometheus();
    sandbox.set("GATEWAYS_SHARD", "1/3");
    let ran = live(
        &sandbox,
        &format!(
            "booted; serve serve-1 2001; serve serve-2 2002; for n in stopped killed foreign; do register $n; done; register loops --crash-budget 3/600; \
             register down --down; register config; register quiet --crash-budget off; up serve-1 serve-2 stopped killed quiet; echo 500 >/share/record/answer-serve-2; \
             gatewayctl -q stop stopped; kill -9 $(pid killed); for n in config loops; do \
               until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-$n)\" = 'false false' ]; do sleep 0.05; done; done; \
             until_well serve-1 quiet killed; chown 1 /run/service/gateway-foreign; \
             gatewayctl metrics >/share/said; {NO_TIMES} /share/said; promtool check metrics </share/said; \
             gatewayctl metrics --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"gateways\"][3])' | sed -E \"s/('(state_seconds|log_bytes)': )[0-9]+/\\1N/g\"; \
             echo; as() {{ s6-setuidgid hermes \"$@\"; }}; as gatewayctl metrics 2>&1 || echo \"[exit $?]\""
        ),
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("metrics_of_all", "", &ran.out);
}

/// Every number that the dashboard and the alerts use exists.
#[test]
fn prometheus_scrapes_what_its_dashboard_and_alerts_ask_for() {
    let sandbox = with_prometheus();
    sandbox.set("GATEWAYS_SHARD", "0/2");
    let dashboard: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(shipped("grafana.json")).unwrap()).unwrap();
    let mut asked: Vec<String> = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let text = target["expr"].as_str().unwrap();
            asked.push(text.replace("$profile", ".*").replace("$shard", ".*"));
        }
    }
    assert!(asked.len() > 10, "{asked:?}");
    fs::write(sandbox.path("asked"), asked.join("\n") + "\n").unwrap();
    fs::copy(shipped("alerts.yml"), sandbox.path("alerts.yml")).unwrap();
    let scrape = "global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [/share/alerts.yml]\n\
                  scrape_configs:\n- { job_name: hermes-gateways, static_configs: [ { targets: [ '127.0.0.1:9118' ] } ] }\n";
    fs::write(sandbox.path("prometheus.yml"), scrape).unwrap();
    fs::write(sandbox.path("gateways.toml"), "[metrics]\n").unwrap();
    let ran = live(
        &sandbox,
        "booted; serve serve-1 2001; register killed; up; kill -9 $(pid killed); \
         gen-service --manifest /share/gateways.toml --out /share/tree; gatewayctl -q install /share/tree; until_well; \
         gatewayctl status metrics | sed -E 's/(up +)[0-9]+s +[0-9]+ /\\1 N N /'; \
         prometheus --config.file=/share/prometheus.yml --storage.tsdb.path=/share/tsdb --web.listen-address=127.0.0.1:9090 >/share/prometheus.log 2>&1 & server=$!; \
         query() { promtool query instant http://127.0.0.1:9090 \"$1\"; }; \
         tries=0; until [ -n \"$(query 'hermes_gateway_deaths > 0' 2>/dev/null)\" ]; do \
           [ $((tries += 1)) -lt 600 ] || { cat /share/prometheus.log; exit 1; }; sleep 0.1; done; \
         query hermes_gateway_up | sed 's/ => \\([01]\\) .*/ => \\1/'; \
         while read -r question; do [ -n \"$(query \"$question\")\" ] || echo \"nothing is known of $question\"; done </share/asked; \
         query 'up{job=\"hermes-gateways\"} == 1' | grep -c instance; query 'count({__name__=~\"hermes_.*\"}) by (__name__) > 0' | wc -l; \
         query 'count(scrape_samples_scraped)' | grep -c 1; kill $server",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("metrics_scraped", "", &ran.out);
}

/// What the shipped alerts say, and when.
#[test]
fn alerts_fire_when_they_should() {
    let rules = shipped("alerts.yml");
    let promtool = |what: &str, file: &Path| {
        let mut command = Command::new("promtool");
        command.args([what, "rules"]).arg(file);
        let ran = run(command);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        ran.out
    };
    assert!(promtool("check", &rules).contains("4 rules found"));
    let directory = directory();
    // The configuration that docs/metrics.md shows, beside these rules.
    let configuration = directory.path().join("prometheus.yml");
    fs::write(&configuration, block("docs/metrics.md", "scrape").text).unwrap();
    fs::copy(&rules, directory.path().join("alerts.yml")).unwrap();
    let mut check = Command::new("promtool");
    check.args(["check", "config"]).arg(&configuration);
    let ran = run(check);
    assert!(ran.code == 0 && ran.out.contains("1 rule files found"), "{}{}", ran.out, ran.err);
    let path = directory.path().join("test.yml");
    let text = include_str!("prometheus/alerts.yml").replace("RULES", rules.to_str().unwrap());
    fs::write(&path, text).unwrap();
    promtool("test", &path);
}

#[test]
fn an_address_that_is_none_is_no_reason_to_start_again_and_again() {
    let sandbox = sandbox();
    fs::write(sandbox.path("gateways.toml"), "[metrics]\nlisten = 9000\n").unwrap();
    let ran = live(&sandbox, "gen-service --manifest /share/gateways.toml --out /share/tree");
    assert_eq!(ran.code, 2);
    fs::write(sandbox.path("gateways.toml"), "[metrics]\nlisten = '9000'\n").unwrap();
    let ran = live(
        &sandbox,
        "booted; gen-service --manifest /share/gateways.toml --out /share/tree; printf 'localhost:1\\n' >/run/s6/container_environment/GATEWAYS_METRICS; \
         gatewayctl install /share/tree; d=/run/service/metrics; until [ \"$(s6-svstat -o up,wantedup $d)\" = 'false false' ]; do sleep 0.05; done; \
         cat /share/scan.log; health metrics; rm /run/s6/container_environment/GATEWAYS_METRICS; \
         python3 -c 'import socket, time; s = socket.create_server((\"127.0.0.1\", 9000)); open(\"/share/held\", \"w\"); open(\"/share/go\").read()' & \
         mkfifo /share/go; until [ -e /share/held ]; do sleep 0.05; done; gatewayctl start metrics; \
         until grep -q 'no metrics' /share/scan.log; do sleep 0.05; done; tail -n 1 /share/scan.log; : >/share/go; until_well metrics; \
         gatewayctl unregister metrics",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("metrics_server", "", &ran.out);
}
