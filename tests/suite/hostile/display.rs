//! What a person sees: no text of the service user reaches a terminal unchanged.

use super::{Openat2, live, sandbox};

#[test]
fn nothing_that_somebody_else_wrote_reaches_a_terminal_raw() {
    let hermes = "case $* in *--help) printf 'bad \\033]0;x\\007\\302\\233 \\342\\200\\256end\\n' >&2; exit 1 ;; \
                  *) printf 'last \\033[31mwords\\302\\233\\n'; exit 78 ;; esac";
    let sandbox = sandbox(Openat2::Works, hermes);
    let ran = live(
        &sandbox,
        "profile a running; gatewayctl -q register a; until gatewayctl logs a 2>/tmp/log | grep -q 'exit 78, a'; do sleep 0.02; done; \
         n=$(printf 'e\\033[2Jvil\\302\\233\\342\\200\\256\\nx'); as mkdir \"/opt/data/profiles/$n\"; as touch \"/opt/data/profiles/$n/SOUL.md\"; \
         profile b; printf '{\"gateway_state\":\"\\033[31m\\302\\233%0900000d\"}' 1 | as dd status=none of=/opt/data/profiles/b/gateway_state.json; \
         for c in 'reconcile --dry-run' 'doctor --timeout 5' 'reconcile --dry-run --json' 'doctor --timeout 5 --json' 'logs a' status; do \
           script -qec \"gatewayctl $c\" /dev/null </dev/null >/tmp/shown || :; \
           echo \"$c $(wc -c </tmp/shown | sed 's/^......*$/LONG/; s/^[0-9]*$/short/') $(sed 's/\\x1b\\[[0-9;]*m//g' /tmp/shown | \
             LC_ALL=C grep -c \"$(printf '\\033\\\\|\\302[\\200-\\237]\\\\|\\342\\200\\256\\\\|\\007')\")\" || :; done; \
         ls /opt/data/profiles | LC_ALL=C grep -c \"$(printf '\\342\\200\\256')\"",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let lines: Vec<&str> = ran.out.lines().collect();
    for line in &lines[..6] {
        assert!(line.ends_with(" short 0"), "{}", ran.out);
    }
    // The control: a program without this protection.
    assert_eq!(lines[6], "1", "{}", ran.out);
}
