//! Blocks beside a live s6, which stands for the container of the page: each heading has one of its own.

mod before;

use std::collections::BTreeSet;
use std::fs;

use crate::boot::PROFILES;
use crate::pages::{Block, Shell, blocks, prepared};
use crate::sandbox::Sandbox;
use crate::support::set_mode;

use before::BEFORE;

/// A Hermes that does what the file `/share/does/PROFILE` says, and otherwise runs.
const HERMES: &str = r#"#!/bin/sh
profile=default
[ "$1" != -p ] || { profile=$2; shift 2; }
case $* in
  'gateway start --help') [ -e /share/takes-start ] && echo 'usage: hermes gateway start [-h] [--foreground] [--port PORT]' || echo 'usage: hermes gateway start [-h] [--system]' ;;
  'gateway run --help') echo 'usage: hermes gateway run [-h] [--replace]' ;;
  'profile create '*)
    mkdir -p "/opt/data/profiles/$3"
    : >"/opt/data/profiles/$3/SOUL.md"
    chown -R hermes:hermes /opt/data
    echo "Profile '$3' created at /opt/data/profiles/$3"
    ;;
  *)
    [ ! -e "/share/does/$profile" ] || . "/share/does/$profile"
    exec sleep 1000
    ;;
esac
"#;

/// The client of Docker, which knows one container: where it is called.
const DOCKER: &str = r#"#!/bin/sh
set -eu
case $1 in
  exec)
    shift 2
    exec "$@"
    ;;
  logs) cat /share/scan.log ;;
  *) echo "docker $*: not here"; exit 1 ;;
esac
"#;

/// Beside those of the sandbox: `register` with the command line of released Hermes, `down` waits until a gateway has failed, `does PROFILE COMMAND`
/// says what its gateway does, and `is NAME VALUE` sets a variable of the container. The boot is over.
const HELPERS: &str = r#"
register() { gatewayctl -q register "$@" --hermes-cli run; }
down() { until [ "$(s6-svstat -o up,wantedup "/run/service/gateway-$1")" = 'false false' ]; do sleep 0.05; done; }
does() { mkdir -p /share/does; printf '%s\n' "$2" >"/share/does/$1"; }
is() { printf '%s' "$2" >"/run/s6/container_environment/$1"; }
silent='exec python3 -c "import socket, time; s = socket.create_server((\"127.0.0.1\", 8642)); time.sleep(1000)"'
serves='printf "{\"gateway_state\":\"running\",\"pid\":%s,\"start_time\":%s,\"served_profiles\":[\"default\",\"coder\"]}" \
  $$ "$(cut -d " " -f 22 /proc/$$/stat)" >/opt/data/gateway_state.json'
mkdir -p /run/s6/legacy-services
cd /tmp
"#;

fn shell(sandbox: &Sandbox) -> Shell {
    fs::write(sandbox.path("bin/hermes"), HERMES).unwrap();
    fs::write(sandbox.path("bin/docker"), DOCKER).unwrap();
    set_mode(sandbox.path("bin/docker"), 0o755);
    let mut shell = sandbox.shell();
    shell.prepare(PROFILES);
    shell.prepare(HELPERS);
    shell
}

fn type_in(blocks: &[(Block, String)]) {
    let sandbox = Sandbox::with_programs("");
    let mut shell = shell(&sandbox);
    for (block, before) in blocks {
        shell.prepare(before);
        shell.type_in(block);
    }
}

#[test]
fn commands_of_a_running_container_print_what_the_pages_show() {
    let pages: BTreeSet<String> =
        blocks().into_iter().filter(|block| block.word == "live").map(|block| block.page).collect();
    let pages: Vec<_> = pages.iter().map(|page| prepared(page, &["live"], BEFORE)).collect();
    let headings: Vec<&[(Block, String)]> =
        pages.iter().flat_map(|page| page.chunk_by(|(one, _), (other, _)| one.heading == other.heading)).collect();
    let only = std::env::var("PAGE").unwrap_or_default();
    let failed: Vec<String> = std::thread::scope(|scope| {
        // Most of them wait for a gateway to be up for some seconds.
        let started: Vec<_> = headings
            .iter()
            .filter(|blocks| blocks[0].0.place().contains(&only))
            .map(|blocks| (blocks[0].0.place(), scope.spawn(|| type_in(blocks))))
            .collect();
        started.into_iter().filter_map(|(place, thread)| thread.join().err().map(|_| place)).collect()
    });
    assert!(failed.is_empty(), "see above: {failed:?}");
}
