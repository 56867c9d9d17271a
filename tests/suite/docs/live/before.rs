//! What is done before a block that shows a state: the page, the heading, which of the blocks below it, and commands.

use crate::pages::Before;

const TROUBLESHOOTING: &str = "docs/troubleshooting.md";

pub(super) const BEFORE: &[Before] = &[
    (
        "README.md",
        "In a running container",
        0,
        "profile coder; profile writer; gen-service -q coder --hermes-cli run --out /opt/gateways; \
         printf '[defaults]\nhermes-cli = \"run\"\n' >/etc/gateways.toml",
    ),
    (
        "docs/boot.md",
        "Profiles on a volume",
        0,
        "profile coder running; profile idle stopped; profile 'Bad Name'; printf '[defaults]\nhermes-cli = \"run\"\n[gateways.coder]\n' >/etc/gateways.toml",
    ),
    (
        "docs/boot.md",
        "If the root profile's gateway serves the others",
        0,
        "profile coder running; is GATEWAY_MULTIPLEX_PROFILES true; echo '{\"gateway_state\":\"stopped\"}' >/opt/data/gateway_state.json",
    ),
    (
        "docs/gatewayctl.md",
        "repair",
        0,
        "profile coder; touch /opt/data/profiles/coder/state.db; (umask 077; echo '{}' >/opt/data/auth.json)",
    ),
    (
        "docs/gatewayctl.md",
        "start, stop, restart, status, logs",
        0,
        "is GATEWAYS_AT_BOOT recorded; profile coder running; profile idle stopped; profile writer running; does writer 'exit 78'; \
         register coder --port 8642; register idle --down; register writer; up coder; down writer",
    ),
    ("docs/gatewayctl.md", "JSON", 0, "register coder; up coder"),
    (
        "docs/gatewayctl.md",
        "health",
        0,
        "does coder \"$silent\"; does writer 'exit 78'; register coder --port 8642 --env API_SERVER_KEY=k; register writer; down writer",
    ),
    (
        "docs/gatewayctl.md",
        "doctor",
        0,
        "profile coder; does coder 'echo no such model; exit 1'; gatewayctl -q register coder --crash-budget 2/300; down coder",
    ),
    (
        "docs/metrics.md",
        "Metrics",
        0,
        "register coder; up coder; kill -9 \"$(s6-svstat -o pid /run/service/gateway-coder)\"",
    ),
    (TROUBLESHOOTING, "Troubleshooting", 0, "profile coder; register coder; up coder"),
    (TROUBLESHOOTING, "docker logs is empty", 0, "is GATEWAYS_AT_BOOT recorded; profile coder running; register coder"),
    (
        TROUBLESHOOTING,
        "exit 78",
        0,
        "is GATEWAYS_AT_BOOT recorded; profile coder running; does coder 'exit 78'; register coder",
    ),
    (
        TROUBLESHOOTING,
        "exit 2, ten times",
        0,
        "is GATEWAYS_AT_BOOT recorded; profile coder running; does coder 'exit 2'; gatewayctl -q register coder --port 9150",
    ),
    (
        TROUBLESHOOTING,
        "PERMANENT FAILURE",
        0,
        "profile coder; does coder 'echo no such model; exit 1'; register coder --crash-budget 2/300; down coder",
    ),
    (TROUBLESHOOTING, "cannot log to", 0, "chown root:root /opt/data; chmod 755 /opt/data; register coder; down coder"),
    (TROUBLESHOOTING, "Profile does not exist", 0, "register coder --down"),
    (TROUBLESHOOTING, "up and silent", 0, "does coder \"$silent\"; register coder --port 8642 --env API_SERVER_KEY=k"),
    (TROUBLESHOOTING, "unhealthy", 0, "does coder 'exit 78'; register coder; down coder"),
    (TROUBLESHOOTING, "foreign", 0, "register coder; up coder; chown 1 /run/service/gateway-coder/supervise"),
    (
        TROUBLESHOOTING,
        "served, unserved or parked",
        0,
        "is GATEWAY_MULTIPLEX_PROFILES true; profile coder; does default \"$serves\"; register default; \
         until grep -qs coder /opt/data/gateway_state.json; do sleep 0.05; done",
    ),
    (TROUBLESHOOTING, "served, unserved or parked", 1, "gatewayctl -q stop default"),
    (
        TROUBLESHOOTING,
        "gateways are gone after a boot",
        0,
        "is GATEWAYS_AT_BOOT recorded; profile coder stopped; register coder --down; register lost --down",
    ),
];
