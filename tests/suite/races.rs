//! Races: many processes at once on a live tree.

use crate::control::NOTHING_LEFT;
use crate::sandbox::Sandbox;

#[test]
fn of_32_callers_for_one_name_one_wins() {
    let sandbox = Sandbox::with_programs("exec sleep 1000");
    let ran = sandbox.live(
        "for i in $(seq 32); do (code=0; gatewayctl register coder --hermes-cli run >/share/record/out$i 2>&1 || code=$?; \
         echo $code >/share/record/code$i) & callers=\"${callers-} $!\"; done; wait $callers; \
         cat /share/record/code* | sort | uniq -c | tr -s ' '; grep -hv '^waiting for' /share/record/out* | sort | uniq -c | tr -s ' '; \
         up; ls -A /run/service",
    );
    let expected = " 1 0\n 31 1\n 31 error: /run/service/gateway-coder is already registered; unregister it first\n \
                    1 registered /run/service/gateway-coder\n.s6-svscan\ngateway-coder\n";
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected));
}

#[test]
fn sixty_four_names_at_once_are_all_there() {
    let sandbox = Sandbox::with_programs("exec sleep 1000");
    let ran = sandbox.live(
        "for i in $(seq 64); do gatewayctl -q --timeout 60 register p$i & callers=\"${callers-} $!\"; done; \
         for caller in $callers; do wait $caller || echo failed; done; gatewayctl list | wc -l; \
         up; ls -A /run/service | grep -c '^\\.gatewayctl' || :",
    );
    assert_eq!((ran.code, ran.out.as_str()), (0, "64\n0\n"), "{}", ran.err);
}

#[test]
fn registering_and_unregistering_in_loops_leaves_nothing() {
    let sandbox = Sandbox::with_programs("trap 'exit 0' TERM; while :; do sleep 0.1; done");
    let ran = sandbox.live(&format!(
        "for caller in 1 2 3 4; do (for i in $(seq 12); do \
         gatewayctl -q register coder 2>/dev/null || [ $? = 1 ] || echo \"register $?\"; \
         gatewayctl -q unregister coder --if-exists || echo \"unregister $?\"; done) & callers=\"${{callers-}} $!\"; done; \
         wait $callers; gatewayctl -q unregister coder --if-exists; {NOTHING_LEFT}; cat /share/scan.log | head -n 5"
    ));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert_eq!(ran.out.lines().next(), Some(".s6-svscan"), "{}", ran.out);
    assert!(!ran.out.contains("s6-supervise\n") && !ran.out.contains("register"), "{}", ran.out);
}
