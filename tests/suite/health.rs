//! `gatewayctl health` and the watchdog, on a live tree with gateways that answer HTTP, or do not.

use std::fs;

use crate::sandbox::Sandbox;
use crate::support::{Ran, snapshot};

/// A stand-in for Hermes that does what its profile says. If it serves, it answers with the status in `answer-PROFILE`, or 200.
const HERMES: &str = "echo run >>/share/record/runs-$2; case $2 in \
    loop*) exit 1 ;; thrice) [ \"$(wc -l </share/record/runs-thrice)\" -gt 3 ] || exit 1; exec sleep 1000 ;; config*) exit 78 ;; serve*) exec python3 /share/serve.py $2 ;; *) exec sleep 1000 ;; esac";

const SERVE: &str = r"
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            code = int(open('/share/record/answer-' + sys.argv[1]).read())
        except FileNotFoundError:
            code = 200
        self.send_response(code)
        self.end_headers()

    def log_message(self, *arguments):
        pass

if sys.argv[1].endswith('deaf'):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['API_SERVER_PORT'])), Handler).serve_forever()
";

pub(crate) fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_programs(HERMES);
    fs::write(sandbox.path("serve.py"), SERVE).unwrap();
    sandbox
}

/// Runs a command beside an s6-svscan whose container has booted. `serve NAME PORT [OPTION...]` registers a gateway that answers at the port.
/// `health` shows its output and its exit code. `until_well` waits until all gateways are healthy.
pub(crate) fn live(sandbox: &Sandbox, command: &str) -> Ran {
    sandbox.live_apart(&format!(
        "register() {{ gatewayctl -q register \"$@\" --hermes-cli run; }}; \
         serve() {{ name=$1 port=$2; shift 2; register $name --port $port --env API_SERVER_KEY=k \"$@\"; }}; \
         health() {{ gatewayctl health \"$@\" && echo '[well]' || echo \"[exit $?]\"; }}; \
         until_well() {{ tries=0; until gatewayctl -q health \"$@\"; do \
           [ $((tries += 1)) -lt 600 ] || {{ gatewayctl health \"$@\" || :; exit 1; }}; sleep 0.1; done; }}; \
         pid() {{ s6-svstat -o pid /run/service/gateway-$1; }}; \
         booted() {{ mkdir -p /run/s6/legacy-services; }}; {command}"
    ))
}

/// Uptimes, and how often a gateway died meanwhile, do not matter for these tests.
const NO_NUMBERS: &str = "sed 's/up for [0-9]* s/up for N s/; s/died [0-9]* times/died N times/'";

#[test]
fn what_is_not_well_is_said_a_line_each() {
    let sandbox = sandbox();
    let ran = live(
        &sandbox,
        &format!(
            "exec 2>&1; echo 'in the first seconds'; for n in stays stopped down; do register $n; done; up; \
             health | {NO_NUMBERS}; health --live; \
             booted; gatewayctl -q stop stopped; serve serves 2001; serve serve-not 2002; gatewayctl -q unregister down; register down --down; \
             register loops --crash-budget off; register config; register thrice; \
             echo 503 >/share/record/answer-serve-not; until_well stays stopped serves down; \
             until gatewayctl health serve-not | grep -q 'it answers 503'; do sleep 0.1; done; \
             until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-config)\" = 'false false' ]; do sleep 0.05; done; \
             until [ \"$(wc -l </share/record/runs-loops)\" -gt 3 ]; do sleep 0.05; done; until [ \"$(wc -l </share/record/runs-thrice)\" = 4 ]; do sleep 0.05; done; up thrice; \
             s6-svc -O /run/service/gateway-loops; until [ \"$(s6-svstat -o up /run/service/gateway-loops)\" = false ]; do sleep 0.05; done; \
             echo; echo 'later'; health; health --live; health --json config serves; health stays nobody; \
             echo; echo 'not answered'; rm /share/record/answer-serve-not; until_well serve-not; kill -STOP $(pid serve-not); health serve-not; \
             kill -CONT $(pid serve-not); health serve-not; \
             echo; echo 'paused'; s6-svc -p /run/service/gateway-stays; until [ \"$(s6-svstat -o paused /run/service/gateway-stays)\" = true ]; do sleep 0.05; done; \
             health stays; s6-svc -c /run/service/gateway-stays; \
             echo; echo 'an operator takes note'; gatewayctl -q stop loops config; gatewayctl -q restart thrice; until_well; health; health --json; \
             echo; echo 'nobody hears it'; s6-svc -d /run/service/gateway-stays/log; \
             until [ \"$(s6-svstat -o up /run/service/gateway-stays/log)\" = false ]; do sleep 0.05; done; health stays; \
             s6-svc -u /run/service/gateway-stays/log; until_well stays; \
             echo; echo 'supervisors'; s6-svc -x /run/service/gateway-stays/log; s6-svscanctl -q /run/service; wait $svscan || :; \
             mkdir -p /run/service/.s6-svscan; health --live"
        ),
    );
    assert_eq!(ran.code, 0, "{}", ran.out);
    snapshot("health", "", &ran.out);
}

/// If a gateway is up for its supervisor but does not answer any more, it is restarted. The restart spends its crash budget, and its log says why.
#[test]
fn the_watchdog_restarts_what_does_not_answer() {
    let sandbox = sandbox();
    let ran = live(
        &sandbox,
        "numbers() { sed 's/ for [0-9]* s/ for N s/; s/^.*s6-permafailon: /s6-permafailon: /'; }; booted; serve serve-1 2001 --watchdog 10 --crash-budget 2/600; serve serve-deaf 2002 --watchdog 10 --stop-timeout 1; \
         serve serve-3 2003 --watchdog 10; serve serve-4 2004; up watchdog; until_well; echo 'all well'; \
         runs() { until [ \"$(wc -l </share/record/runs-$1)\" = $2 ]; do sleep 0.1; done; }; \
         gatewayctl -q stop serve-3; kill -STOP $(pid serve-4); echo 500 >/share/record/answer-serve-deaf; kill -STOP $(pid serve-1); \
         runs serve-1 2; runs serve-deaf 2; rm /share/record/answer-serve-deaf; \
         until_well serve-1 serve-deaf; kill -STOP $(pid serve-1); \
         until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-serve-1)\" = 'false false' ]; do sleep 0.1; done; \
         gatewayctl health || :; ls /run/service/gateway-*/data; \
         for n in 3 4; do wc -l </share/record/runs-serve-$n; done; \
         log=/opt/data/logs/gateways; until grep -qs PERMANENT $log/serve-1/current; do sleep 0.1; done; \
         for n in 1 deaf; do cut -d' ' -f4- $log/serve-$n/current | numbers; echo; done; numbers </share/scan.log; \
         kill $(s6-svstat -o pid /run/service/watchdog)",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    snapshot("watchdog", "", &ran.out);
}

/// gatewayctl reads the files of supervisors without s6-svstat and s6-svdt, and gets the same result.
#[test]
fn status_is_what_the_programs_of_s6_say() {
    let ran = live(
        &sandbox(),
        "for n in stays stopped killed paused; do register $n; done; register config; register down --down; register loops --crash-budget 3/600; \
         up stays stopped killed paused; gatewayctl -q stop stopped; s6-svc -kd /run/service/gateway-killed; s6-svc -p /run/service/gateway-paused; \
         for n in stopped killed config loops; do until [ \"$(s6-svstat -o up,wantedup /run/service/gateway-$n)\" = 'false false' ]; do sleep 0.05; done; done; \
         until [ \"$(s6-svstat -o paused /run/service/gateway-paused)\" = true ]; do sleep 0.05; done; \
         for n in config down killed loops paused stays stopped; do d=/run/service/gateway-$n; \
           s6-svstat -o up,pid,exitcode,signal,updownfor $d; s6-svdt $d | wc -l; done; gatewayctl status --json || :",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let at = ran.out.find('[').unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&ran.out[at..]).unwrap();
    let said: Vec<&str> = ran.out[..at].lines().collect();
    assert_eq!((rows.len(), said.len()), (7, 14));
    let mut ends = Vec::new();
    for (row, said) in rows.iter().zip(said.chunks(2)) {
        let [up, pid, code, signal, seconds] = said[0].split(' ').collect::<Vec<_>>().try_into().unwrap();
        let last = match (code, signal) {
            ("-1", "NA") => serde_json::Value::Null,
            ("-1", signal) => serde_json::json!({ "code": null, "signal": signal }),
            // For s6-svstat, a service that has never run has ended with 0.
            ("0", _) if row["profile"] == "down" => serde_json::Value::Null,
            (code, _) => serde_json::json!({ "code": code.parse::<u16>().unwrap(), "signal": null }),
        };
        assert_eq!(matches!(row["state"].as_str(), Some("up" | "paused")), up == "true", "{row}");
        assert_eq!(row["pid"].as_i64().unwrap_or(-1).to_string(), pid, "{row}");
        assert_eq!(row["last_exit"], last, "{row}");
        assert_eq!(row["restarts"].to_string(), said[1], "{row}");
        // The two are asked one after the other. A table without leap seconds differs by 27 s.
        let later = row["seconds"].as_u64().unwrap() - seconds.parse::<u64>().unwrap();
        assert!(later < 20, "{row} is {later} s later");
        ends.push(row["state"].as_str().unwrap().to_owned());
    }
    assert_eq!(ends, ["failed", "stopped", "stopped", "failed", "paused", "up", "stopped"]);
}
