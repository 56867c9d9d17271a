//! The programs that ask gateways if they are healthy, and restart them: what gateways answer, and what they can tell root.

use super::{ATTACKER, Openat2, live, said, sandbox};

/// Serves on the port of its gateway, and never answers, or answers without end and without a line break.
const MUTE: &str = r#"exec python3 -c '
import os, socket, sys, threading
def serve(connection):
    try:
        while sys.argv[1] == "floods":
            connection.sendall(b"x" * 65536)
        connection.recv(65536)
        threading.Event().wait()
    except OSError:
        pass
server = socket.create_server(("127.0.0.1", int(os.environ["API_SERVER_PORT"])))
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
' "$2""#;

#[test]
fn who_never_answers_holds_up_no_health_check() {
    let sandbox = sandbox(Openat2::Works, MUTE);
    let ran = sandbox.live_apart(&format!(
        "{ATTACKER} mkdir /run/s6/legacy-services; for n in floods mute; do port=$((${{port:-2000}} + 1)); \
         gatewayctl -q register $n --hermes-cli run --port $port --env API_SERVER_ENABLED=true; done; \
         until ! gatewayctl health | grep -qE 'up for|refused'; do sleep 0.1; done; \
         within 15 gatewayctl health | sed 's/:[0-9]*: .*/:PORT/'; \
         within 15 gatewayctl health --live && echo live",
    ));
    // On a busy machine, a gateway that floods may be as late as one that is mute.
    let silent = "does not answer at 127.0.0.1:PORT";
    said(&ran, &format!("gateway floods {silent}\ngateway mute {silent}\nlive\n"));
}

/// A finish script runs as root, and shows what the watchdog says.
#[test]
fn only_root_says_why_a_gateway_was_ended() {
    let sandbox = sandbox(Openat2::Works, super::STAYS);
    let ran = live(
        &sandbox,
        "exec 2>&1; d=/run/service/gateway-h; gatewayctl -q register h --watchdog 60 --control-group hermes-extra; up h; \
         for who in as member; do for file in why why.new watchdog; do \
           fails $who sh -c \"echo 0 >$d/data/$file\"; done; fails $who mv $d/data $d/old; fails $who ln -s /root $d/data/x; done; \
         log=/opt/data/logs/gateways/h/current; die() { kill -9 $(s6-svstat -o pid $d); until [ \"$(grep -c up $log)\" = $1 ]; do sleep 0.05; done; }; \
         until grep -qs up $log; do sleep 0.05; done; die 2; cut -d' ' -f4- $log; \
         echo; chmod 777 $d/data; as sh -c \"echo said by the attacker >$d/data/why\"; die 3; cut -d' ' -f4- $log",
    );
    let denied = "sh: 1: cannot create /run/service/gateway-h/data/why: Permission denied\n[exit 2]\n";
    let three = ["why", "why.new", "watchdog"].map(|file| denied.replace("data/why", &format!("data/{file}"))).concat();
    let others = "mv: cannot move '/run/service/gateway-h/data' to '/run/service/gateway-h/old': Permission denied\n[exit 1]\n\
                  ln: failed to create symbolic link '/run/service/gateway-h/data/x': Permission denied\n[exit 1]\n";
    said(
        &ran,
        &format!("{}up\nup\n\nup\nup\ngateway-h: said by the attacker\nup\n", format!("{three}{others}").repeat(2)),
    );
}
