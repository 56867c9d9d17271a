//! The metrics server, which runs as root, and which every user of the machine can reach.

use super::{ATTACKER, Openat2, STAYS, said, sandbox};

/// Opens this many connections and holds them: says nothing, or asks and reads no answer, or begins to ask.
const HOLD: &str = r#"hold() { setpriv --reuid 10000 --clear-groups python3 -c '
import socket, sys, time
request = {"mute": b"", "asks": b"GET /metrics HTTP/1.1\r\n\r\n", "begins": b"GET /metrics HTTP/1.1\r\nA: "}[sys.argv[1]]
held = []
for _ in range(400):
    connection = socket.create_connection(("127.0.0.1", 9118))
    try:
        connection.sendall(request)
    except OSError:
        pass
    held.append(connection)
open("/tmp/held-" + sys.argv[1], "w")
time.sleep(1000)
' "$1" & until [ -e /tmp/held-$1 ]; do sleep 0.05; done; };"#;

const SCRAPE: &str = r#"scrape() { python3 -c '
import urllib.request
print(len(urllib.request.urlopen("http://127.0.0.1:9118/metrics", timeout=10).read().split(b"hermes_gateway_up{")) - 1)
'; };"#;

#[test]
fn who_holds_connections_keeps_no_scraper_out() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = sandbox.live_apart(&format!(
        "{ATTACKER} {HOLD} {SCRAPE} printf '[metrics]\\n' >/share/m.toml; gen-service --manifest /share/m.toml --out /share/tree >/dev/null; gatewayctl -q install /share/tree; \
         for n in a b; do gatewayctl -q register $n --hermes-cli run; done; up a b metrics; \
         until scrape 2>/dev/null; do sleep 0.05; done; \
         for how in mute begins asks; do hold $how; scrape; done; \
         [ \"$(s6-svdt /run/service/metrics | wc -l)\" = 0 ] && echo 'it was up all the time'; kill $(jobs -p) 2>/dev/null || :",
    ));
    said(&ran, "2\n2\n2\n2\nit was up all the time\n");
}

/// The log directory belongs to the service user, who may put anything there.
#[test]
fn what_lies_in_a_log_directory_holds_nobody_up() {
    let sandbox = sandbox(Openat2::Works, STAYS);
    let ran = super::live(
        &sandbox,
        "for n in many link fifo sparse; do gatewayctl -q register $n --hermes-cli run; done; up; cd /opt/data/logs/gateways; \
         for n in many link fifo sparse; do until [ -e $n/current ]; do sleep 0.02; done; done; \
         as sh -c 'i=0; while [ $i -lt 2100 ]; do : >many/f$i; i=$((i+1)); done; mv link link.old; ln -s /etc link; mkfifo fifo/x; mv fifo/current fifo/y; \
           ln -s /etc/passwd fifo/z; truncate -s 8000000000000000000 sparse/big; truncate -s 8000000000000000000 sparse/big2; truncate -s 8000000000000000000 sparse/big3'; \
         within 15 gatewayctl metrics | grep log_bytes{",
    );
    let fifo = "2022-01-01 00:00:00.000000000  up\n".len();
    said(
        &ran,
        &format!(
            "hermes_gateway_log_bytes{{profile=\"fifo\"}} {fifo}\nhermes_gateway_log_bytes{{profile=\"sparse\"}} {}\n",
            u64::MAX
        ),
    );
}
