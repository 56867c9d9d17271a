//! What an operator meets every day: mistyped names, missing rights, all gateways at once, the states of `status`, and JSON.

use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;
use crate::support::{Ran, run, snapshot};

/// Stays up, and says so.
const STAYS: &str = "echo \"up as $(id -un): $*\"; exec sleep 1000";

/// Shows the output of a command, and its exit code.
const SHOWS: &str = "g() { echo \"\\$ gatewayctl $*\"; gatewayctl \"$@\" 2>&1 || echo \"[exit $?]\"; }; \
                     as() { setpriv --reuid 10000 --regid 10000 --clear-groups \"$@\"; }; \
                     register() { gatewayctl -q register \"$@\" --hermes-cli run; }; ";

fn live(sandbox: &Sandbox, command: &str) -> Ran {
    let ran = sandbox.live(&format!("{SHOWS}{command}"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran
}

/// If a gateway does not exist, every command names the one that was probably meant, and exits with 4.
#[test]
fn the_name_that_was_probably_meant_is_offered() {
    let ran = live(
        &Sandbox::with_programs(STAYS),
        "register coder; register writer; up coder writer; \
         for command in start stop restart 'stop --save' 'logs -n 1' unregister 'unregister --save' status health; do g $command codr; done; \
         g unregister gateway-coder; g status gateway-writer; g stop Coder; g restart nobody; g unregister wirter coder nobody; g list; \
         g unregister coder --if-exists; g unregister --all --if-exists; g unregister --all; g unregister coder writer --if-exists --json",
    );
    snapshot("near_names", "", &ran.out);
}

/// If a command is refused, the message says who may run it: the owner, root, or the members of the control group of that gateway.
#[test]
fn who_is_refused_something_is_told_who_may() {
    let ran = live(
        &Sandbox::with_programs(STAYS),
        "register ours --control-group hermes; register roots; up ours roots; \
         other() { echo \"\\$ gatewayctl $*\"; setpriv --reuid 65534 --regid 65534 --clear-groups gatewayctl \"$@\" 2>&1 || echo \"[exit $?]\"; }; \
         for command in start stop restart; do other $command ours; other $command roots; done; \
         other unregister roots; other register new --hermes-cli run; other status; other status ours roots; other health; other list; \
         as gatewayctl status ours roots 2>&1 | tr -s ' ' | cut -d' ' -f1,2; as gatewayctl -q status ours; echo $?; as gatewayctl -q status roots || echo $?; \
         as gatewayctl -q status || echo $?; \
         as mkdir -m 700 /tmp/theirs; cd /tmp/theirs; as chmod 000 /tmp/theirs; \
         { as gen-service a --hermes-cli run --out /tmp/theirs/out || echo $?; setpriv --reuid 65534 --regid 65534 --clear-groups \
           gen-service a --hermes-cli run --out /tmp/theirs/out || echo $?; } 2>&1",
    );
    snapshot("who_may", "", &ran.out);
}

/// Each gateway waits here until every other one has been told to restart. A restart of one after the other would never end.
#[test]
fn all_restart_at_once_unless_one_after_the_other_is_asked_for() {
    let together = "name=$2; trap 'echo >/share/record/told-$name; while [ \"$(ls /share/record | grep -c told)\" -lt 3 ]; do sleep 0.02; done; exit 0' TERM; \
                    while :; do sleep 0.02; done";
    let ran = live(
        &Sandbox::with_programs(together),
        "for n in a b c; do register $n --crash-budget off --stop-timeout 600; done; up a b c; \
         until [ \"$(pgrep -fc 'hermes -p')\" -ge 3 ]; do sleep 0.05; done; \
         g restart --all; ls /share/record",
    );
    assert_eq!(ran.out, "$ gatewayctl restart --all\nrestarted a\nrestarted b\nrestarted c\ntold-a\ntold-b\ntold-c\n");
    let in_turn = "name=$2; echo \"up $name\" >>/share/record/log; trap 'echo \"told $name\" >>/share/record/log; exit 0' TERM; while :; do sleep 0.02; done";
    let ran = live(
        &Sandbox::with_programs(in_turn),
        "for n in a b c; do register $n --crash-budget off; done; until [ \"$(wc -l </share/record/log)\" = 3 ]; do sleep 0.02; done; \
         : >/share/record/log; g restart --rolling a b c; until [ \"$(wc -l </share/record/log)\" = 6 ]; do sleep 0.02; done; grep told /share/record/log",
    );
    assert_eq!(
        ran.out,
        "$ gatewayctl restart --rolling a b c\nrestarted a\nrestarted b\nrestarted c\ntold a\ntold b\ntold c\n"
    );
}

/// `--all` means every gateway and nothing else, because a user who reaches the dashboard may do everything that Hermes may.
#[test]
fn all_is_every_gateway_and_nothing_else() {
    let ran = live(
        &Sandbox::with_programs(STAYS),
        "g stop --all; printf '[defaults]\\nhermes-cli = \"run\"\\n[gateways.a]\\n[gateways.b]\\n[dashboard]\\n[metrics]\\n' | \
           gen-service -q --manifest - --out /tmp/tree; gatewayctl -q install /tmp/tree; up a b metrics; \
         g stop --all; g start --all; up a b; gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; g start --all a; g start; \
         g unregister --all; gatewayctl status | tr -s ' ' | cut -d' ' -f1,2; gatewayctl -q unregister service:dashboard service:metrics",
    );
    snapshot("all_of_them", "", &ran.out);
}

/// Each state that a service can be in, as people and programs read it, and its effect on the exit code.
#[test]
fn states() {
    let sandbox = Sandbox::with_programs(
        "case $2 in \
           misconfigured) exit 78 ;; \
           loops) exit 1 ;; \
           slow) trap 'until [ -e /share/record/end ]; do sleep 0.02; done; exit 0' TERM; echo >/share/record/slow; while :; do sleep 0.02; done ;; \
           *) exec sleep 1000 ;; \
         esac",
    );
    let ran = live(
        &sandbox,
        "for n in runs idle stopped slow paused misconfigured; do case $n in idle) register $n --down ;; *) register $n ;; esac; done; \
         register loops --crash-budget 2/60; up runs slow paused stopped; until [ -e /share/record/slow ]; do sleep 0.02; done; \
         one() { gatewayctl -q status $1 && echo \"$1 $(state $1)\" || echo \"$1 $(state $1) [exit $?]\"; }; \
         state() { gatewayctl status $1 | tail -n 1 | tr -s ' ' | cut -d' ' -f2,5-7; }; \
         await() { until gatewayctl status $1 | grep -q \" $2 \"; do sleep 0.02; done; }; \
         gatewayctl -q stop stopped; gatewayctl --timeout 1 stop slow >/dev/null 2>&1 & await slow stopping; \
         s6-svc -p /run/service/gateway-paused; await paused paused; await misconfigured failed; await loops failed; \
         for n in runs idle stopped slow paused misconfigured loops nobody; do one $n; done; \
         : >/share/record/end; await slow stopped; one slow; wait $!; \
         gatewayctl start loops >/dev/null 2>&1 || :; await loops failed; one loops; gatewayctl stop loops; one loops; \
         gatewayctl -q unregister --all",
    );
    assert_eq!(
        ran.out,
        "runs up - 0 -\nidle stopped - 0 - [exit 3]\nstopped stopped SIGTERM 0 - [exit 3]\nslow stopping - 0 - [exit 3]\n\
         paused paused - 0 - [exit 3]\nmisconfigured failed exit 78 1 [exit 3]\nloops failed exit 1 2 [exit 3]\n\
         nobody missing - - - [exit 4]\nslow stopped exit 0 0 [exit 3]\n\
         loops failed exit 1 2 [exit 3]\nstopped loops\nloops stopped exit 1 0 [exit 3]\n"
    );
}

/// `status` says what the next boot does if that is known: from the image, or from what is recorded on the volume.
#[test]
fn what_the_next_boot_does() {
    let sandbox = Sandbox::with_programs(STAYS);
    sandbox.set("GATEWAYS_AT_BOOT", "recorded");
    let ran = live(
        &sandbox,
        "chown hermes /opt/data; for n in runs rests; do as mkdir -p /opt/data/profiles/$n; as touch /opt/data/profiles/$n/SOUL.md; done; \
         echo '{\"desired_state\":\"running\"}' | as dd status=none of=/opt/data/profiles/runs/gateway_state.json; \
         for n in runs rests; do register $n; done; register lost; register kept --save; \
         mkdir -p /etc/services.d /opt/services; gen-service -q baked --out /etc/services.d; gen-service -q left --down --out /etc/services.d; \
         gatewayctl -q install /etc/services.d; \
         next() { gatewayctl status --json | /usr/bin/python3 -c 'import json, sys; [print(row[\"profile\"], row[\"next_boot\"]) for row in json.load(sys.stdin)]'; }; \
         next; gatewayctl status | awk 'NR == 1 || $1 == \"runs\" { print $NF }'; gatewayctl -q stop runs --save; next | grep runs; \
         printf '{' | as dd status=none of=/opt/data/profiles/rests/gateway_state.json; next | grep rests; rm /run/s6/container_environment/GATEWAYS_AT_BOOT; next; \
         gatewayctl -q unregister --all; rm -r /etc/services.d; printf '[dashboard]\\n[metrics]\\ndown = true\\n' >/tmp/m.toml; \
         gen-service -q --manifest /tmp/m.toml --part dashboard --part metrics --out /opt/services; gatewayctl -q install /opt/services; \
         of() { gatewayctl status | awk 'NR > 1 { print $1, $NF }'; }; of; echo True >/run/s6/container_environment/HERMES_DASHBOARD; of; \
         echo 9118 >/run/s6/container_environment/GATEWAYS_METRICS; of",
    );
    assert_eq!(
        ran.out,
        "baked up\nkept down\nleft down\nlost gone\nrests down\nruns up\nBOOT\nup\nruns down\nrests None\n\
         baked up\nkept None\nleft down\nlost None\nrests None\nruns None\n\
         dashboard down\nmetrics down\ndashboard up\nmetrics down\ndashboard up\nmetrics up\n"
    );
}

/// Every document that a command prints fits its schema, and so does every line on standard error.
#[test]
fn what_programs_read_fits_its_schema() {
    let sandbox = Sandbox::with_programs(STAYS);
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json");
    fs::create_dir(sandbox.path("json")).unwrap();
    for entry in fs::read_dir(schemas).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), sandbox.path("json").join(entry.file_name())).unwrap();
    }
    let check = "import json, sys, jsonschema\n\
                 def strict(schema):\n    \
                     for part in list(schema.values()) if isinstance(schema, dict) else schema if isinstance(schema, list) else []:\n        strict(part)\n    \
                     if isinstance(schema, dict) and 'properties' in schema: schema.setdefault('additionalProperties', False)\n    \
                     return schema\n\
                 name, lines, path = sys.argv[1:]\n\
                 schema = strict(json.load(open(f'/share/json/{name}.schema.json')))\n\
                 text = open(path).read()\n\
                 documents = [json.loads(line) for line in text.splitlines()] if lines == 'lines' else [json.loads(text)]\n\
                 assert documents or name == 'message', f'{name} says nothing'\n\
                 for document in documents:\n    jsonschema.validate(document, schema)\n\
                 print(name)\n";
    fs::write(sandbox.path("check.py"), check).unwrap();
    let ran = live(
        &sandbox,
        "fits() { name=$1 form=$2; shift 2; code=0; \"$@\" --json >/tmp/out 2>/tmp/err || code=$?; \
           /usr/bin/python3 /share/check.py $name $form /tmp/out && /usr/bin/python3 /share/check.py message lines /tmp/err || { echo \"$name: $*\"; cat /tmp/out /tmp/err; }; }; \
         chown hermes /opt/data; \
         fits gen-service.render one gen-service a b; fits gen-service.write one gen-service a b --out /tmp/tree; \
         fits gen-service.check one gen-service a --port 9000 --out /tmp/tree --check; \
         fits install one gatewayctl install /tmp/tree --dry-run; fits install one gatewayctl install /tmp/tree; fits register one gatewayctl register c --save; \
         up a b c; until [ -s /opt/data/logs/gateways/a/current ]; do sleep 0.02; done; \
         fits list one gatewayctl list; fits status one gatewayctl status; fits status one gatewayctl status nobody; fits health one gatewayctl health; \
         fits metrics one gatewayctl metrics; fits doctor one gatewayctl doctor; fits detect one gatewayctl detect; fits logs lines gatewayctl logs a; \
         fits control one gatewayctl restart a nobody; fits control one gatewayctl stop a b; fits control one gatewayctl start a; \
         fits reconcile one gatewayctl reconcile --dry-run; fits repair one gatewayctl repair --dry-run; printf '[gateways.a]\\n[gateways.b]\\n' >/tmp/m.toml; \
         fits shard one gatewayctl shard --from 1 --to 2 --manifest /tmp/m.toml; fits unregister one gatewayctl unregister a nobody --save; \
         gatewayctl -q unregister --all --save",
    );
    snapshot("documents", "", &ran.out);
}

/// With `--json`, an error is a document, too. It has a word for the kind of error, and the exit code that belongs to that kind.
#[test]
fn errors_are_documents_where_a_program_reads_them() {
    let ran = live(
        &Sandbox::with_programs("trap '' TERM; echo >/share/record/deaf; while :; do sleep 0.02; done"),
        "j() { echo \"\\$ $*\"; \"$@\" --json 2>&1 >/dev/null || echo \"[exit $?]\"; }; \
         j gen-service Bad; j gen-service a --prot 1; j gen-service; printf '[gateways.a]\\nprot = 1\\nport = \"x\"\\n' >/tmp/m.toml; \
         j gen-service --manifest /tmp/m.toml --out /tmp/out; j gatewayctl statsu; j gatewayctl restart nobody; j gatewayctl logs nobody; \
         register coder --stop-timeout 600; until [ -e /share/record/deaf ]; do sleep 0.02; done; \
         j gatewayctl register coder --hermes-cli run; j as gatewayctl stop coder; \
         : >/tmp/err; gatewayctl stop coder --json >/dev/null 2>/tmp/err & stops=$!; until grep -q progress /tmp/err; do sleep 0.02; done; kill $stops; \
         code=0; wait $stops || code=$?; grep -v progress /tmp/err; echo \"[exit $code]\"; \
         s6-svc -k /run/service/gateway-coder; gatewayctl -q unregister coder",
    );
    snapshot("errors_as_documents", "", &ran.out);
}

/// Each line of a log is a document: its time, and its text without anything that a terminal acts on.
#[test]
fn a_log_is_documents_where_a_program_reads_it() {
    let ran = live(
        &Sandbox::with_programs("printf 'up\\033[2J\\nnext \\377\\n'; exec sleep 1000"),
        "register coder; up coder; until [ \"$(cat /opt/data/logs/gateways/coder/current 2>/dev/null | wc -l)\" = 2 ]; do sleep 0.02; done; \
         gatewayctl logs coder --json | sed 's/\"at\":\"....-..-.. ..:..:..\\.[0-9]*\"/\"at\":\"TIME\"/'; \
         gatewayctl logs coder -n 1 -f --json >/tmp/followed & until [ -s /tmp/followed ]; do sleep 0.02; done; kill $!; wc -l </tmp/followed; \
         gatewayctl -q unregister coder",
    );
    let expected = "{\"profile\":\"coder\",\"name\":\"gateway-coder\",\"at\":\"TIME\",\"line\":\"up\\u001b[2J\",\"cut\":false}\n\
                    {\"profile\":\"coder\",\"name\":\"gateway-coder\",\"at\":\"TIME\",\"line\":\"next \u{fffd}\",\"cut\":false}\n1\n";
    assert_eq!(ran.out, expected);
}

/// A manifest may come through a pipe. The files that it names are then relative to the working directory.
#[test]
fn a_manifest_on_standard_input() {
    let directory = crate::support::directory();
    fs::write(directory.path().join("common.env"), "A=1\n").unwrap();
    let piped = |text: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "printf \"$1\" | \"$0\" --manifest -", crate::support::GEN_SERVICE, text]);
        command.current_dir(directory.path());
        run(command)
    };
    let ran = piped("[gateways.a]\\nenv-file = \"common.env\"\\n");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("A=1"), "{}", ran.out);
    let ran = piped("[gateways.a]\\nprot = 1\\n");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "error: standard input:2:1: unknown key \"prot\"; did you mean port?\n")
    );
}

/// Whoever watches sees a change by himself: below the last look in a pipe, in its place on a terminal, of which no line is too long.
/// The first look at it is whole once there is a second.
#[test]
fn status_is_watched_until_nobody_looks() {
    let ran = live(
        &Sandbox::with_programs(STAYS),
        "register a; up a; gatewayctl status --watch=1 >/tmp/piped 2>&1 & pipe=$!; \
         script -qefc 'stty rows 8 cols 60; exec gatewayctl status --watch=1' /tmp/screen >/dev/null 2>&1 </dev/null & screen=$!; \
         until grep -q up /tmp/piped && grep -q up /tmp/screen; do sleep 0.02; done; gatewayctl -q stop a; \
         twice() { [ \"$(grep -ac stopped \"$1\")\" -ge 2 ]; }; until twice /tmp/piped && twice /tmp/screen; do sleep 0.02; done; kill $pipe $screen; \
         sed 's/  */ /g; s/ up [0-9]*s [0-9]* / up TIME PID /; s/ stopped [0-9]*s / stopped TIME /' /tmp/piped | grep -v ' stopping ' | awk '!seen[$0]++'; \
         grep -a 'stopped' /tmp/screen | head -n 1 | tr -s ' ' | sed 's/[0-9][0-9]*s/TIME/' | cat -v; grep -a 'EXIT' /tmp/screen | head -n 1 | cat -v; \
         grep -a Ctrl /tmp/screen | head -n 1 | sed 's/[0-9][-0-9]* [0-9:]*/NOW/' | cat -v; \
         gatewayctl status --watch=1 | head -n 1; g status --watch=0; g status --watch -q",
    );
    snapshot("status_watch", "", &ran.out);
}
