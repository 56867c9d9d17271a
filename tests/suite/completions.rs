//! Completions in the real shells: the test types the beginning of a word and a tab, and the resulting line runs.

use crate::sandbox::Sandbox;
use crate::support::{snapshot, tool};

/// Types into a shell on a new terminal. A command has ended when a file exists.
const TYPES: &str = "there() { tries=0; until [ -s \"$1\" ]; do tries=$((tries + 1)); [ \"$tries\" -lt 3000 ] || { cat -v /tmp/typed; exit 1; }; sleep 0.02; done; }; \
                     types() { rm -rf /tmp/in /tmp/ready /tmp/seen*; mkfifo /tmp/in; mkdir -p /tmp/home; \
                               HOME=/tmp/home TERM=xterm script -qfec \"$1\" /tmp/typed </tmp/in >/dev/null 2>&1 & exec 3>/tmp/in; \
                               printf '%s\\n' \"$2; echo ready >/tmp/ready\" >&3; there /tmp/ready; }; \
                     ends() { printf '\\nexit\\n' >&3; exec 3>&-; wait $!; }; ";

fn complete(shell: &str, command: &str, setup: &str) {
    tool(shell);
    let ran = Sandbox::with_programs("exec sleep 1000").live(&format!(
        "{TYPES}gatewayctl -q register coder --hermes-cli run; up coder; mkdir -p /opt/data/profiles/writer; touch /opt/data/profiles/writer/SOUL.md; \
         types '{command}' '{setup}'; \
         printf 'gatewayctl list --sca\\t /run/service >/tmp/seen-option\\n' >&3; there /tmp/seen-option; \
         printf 'gatewayctl start co\\t >/tmp/seen-start\\n' >&3; there /tmp/seen-start; \
         printf 'gatewayctl register wr\\t --hermes-cli run-\\t >/tmp/seen-register\\n' >&3; there /tmp/seen-register; \
         printf 'gatewayctl start wr\\t >/tmp/seen-new\\n' >&3; there /tmp/seen-new; \
         printf 'gen-service wr\\t --hermes-cli run --layout s6-o\\t >/tmp/seen-render\\n' >&3; there /tmp/seen-render; \
         ends; head -qn 1 /tmp/seen-option /tmp/seen-start /tmp/seen-register /tmp/seen-new /tmp/seen-render"
    ));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let expected = "coder\nstarted coder\nregistered /run/service/gateway-writer\nstarted writer\n\
                    ==> s6-rc.d/gateway-writer/type 0644 <==\n";
    assert_eq!(ran.out, expected);
}

#[test]
fn bash_completes() {
    complete("bash", "bash --norc -i", "source <(gatewayctl completions bash); source <(gen-service completions bash)");
}

#[test]
fn zsh_completes() {
    complete(
        "zsh",
        "zsh -f -i",
        "autoload -U compinit && compinit -u -D; source <(gatewayctl completions zsh); source <(gen-service completions zsh)",
    );
}

#[test]
fn fish_completes() {
    complete(
        "fish",
        "fish --no-config -i",
        "gatewayctl completions fish | source; gen-service completions fish | source",
    );
}

#[test]
fn elvish_completes() {
    complete(
        "elvish",
        "elvish -norc",
        "eval (gatewayctl completions elvish | slurp); eval (gen-service completions elvish | slurp)",
    );
}

/// The service user chooses the names of directories on the volume. Root's shell gets only names of profiles.
#[test]
fn no_name_on_the_volume_is_offered_that_a_shell_could_act_on() {
    let ran = Sandbox::with_programs("exec sleep 1000").live(
        "as=\"setpriv --reuid 10000 --regid 10000 --clear-groups\"; cd /opt/data; $as mkdir profiles; cd profiles; \
         for name in good '$(touch pwned)' '`touch pwned`' '; touch pwned' \"it's\" \"$(printf 'a\\013b')\" \"$(printf 'new\\nline')\" -rf Upper; do \
         $as mkdir -- \"$name\"; $as touch -- \"./$name/SOUL.md\"; done; \
         offers() { GEN_SERVICE_COMPLETE=$1 _CLAP_IFS=' ' _CLAP_COMPLETE_INDEX=2 gatewayctl -- gatewayctl register ''; echo; }; \
         for shell in bash zsh fish elvish powershell; do offers $shell >/tmp/$shell; \
         grep -aqw good /tmp/$shell && ! grep -aq 'pwned\\|Upper' /tmp/$shell || cat /tmp/$shell; done; tr ' ' '\\n' </tmp/bash | grep -v '^-'; echo; \
         find / -xdev -name pwned 2>/dev/null; GEN_SERVICE_COMPLETE=tcsh gatewayctl list 2>&1 || echo $?; \
         COMPLETE=bash gatewayctl list; GEN_SERVICE_COMPLETE= gatewayctl list; \
         for shell in bash elvish fish powershell zsh; do gatewayctl completions $shell | grep -c GEN_SERVICE_COMPLETE; done; \
         gen-service completions; gen-service completions tcsh; gen-service -- completions --hermes-cli run 2>&1 | head -n 1",
    );
    snapshot("completions", "", &format!("{}{}", ran.out, ran.err));
}
