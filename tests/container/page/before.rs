//! What is done before a block that needs a state which the page does not make: the page, the heading, which of the blocks below it, and commands.

use crate::pages::Before;

pub(super) const BEFORE: &[Before] = &[
    ("docs/bake.md", "3. Build the image", 0, "cp gateways.toml docker/gateways.toml"),
    ("docs/bake.md", "4. Run it", 0, "openssl rand -hex 32 >coder-api-key"),
    ("docs/ci.md", "The reviewed tree in the image", 0, "gen-service coder --hermes-cli run --out services --quiet"),
    ("docs/image.md", "The image", 0, "printf '\\n[gateways.coder]\\n' >>docker/gateways.toml"),
    ("docs/image.md", "The target volume", 0, "docker rm -f hermes"),
    (
        "docs/image.md",
        "Your own image",
        0,
        "docker rm -f hermes-0 hermes-1; printf '[gateways.coder]\\n' >gateways.toml",
    ),
    (
        "docs/image.md",
        "Your own image",
        1,
        "printf '[gateways.coder]\\nafter = \"mount-data\"\\n[defaults]\\nlayout = \"s6-overlay\"\\n' >gateways.toml; \
         mkdir mount-data; echo oneshot >mount-data/type; echo true >mount-data/up",
    ),
    ("docs/image.md", "The dashboard", 0, "PASSWORD=a-password-of-a-test"),
    ("docs/image.md", "Variables and secrets", 0, "echo key >coder-key"),
    (
        "docs/image.md",
        "--hermes-cli start with the Hermes of today",
        0,
        "printf '[gateways.default]\\n' >docker/gateways.toml; docker build -f docker/Dockerfile -t hermes-gateways . && \
         docker run -d --name hermes hermes-gateways",
    ),
    ("docs/install.md", "Into your own image", 0, "docker build -f docker/Dockerfile -t hermes-gateways ."),
    (
        "docs/isolated.md",
        "Hermes' own commands",
        0,
        "printf '[gateways.guest]\\nisolated = true\\n' >docker/gateways.toml; docker build -f docker/Dockerfile -t hermes-gateways . && \
         docker run -d --name hermes hermes-gateways && \
         until docker exec -e HERMES_INSTANCE=guest hermes hermes --version; do sleep 0.2; done",
    ),
    (
        "docs/manifest.md",
        "Order",
        0,
        "printf '[gateways.coder]\\nafter = \"mount-data\"\\n[defaults]\\nlayout = \"s6-overlay\"\\n' >gateways.toml; \
         mkdir mount-data; echo oneshot >mount-data/type; echo true >mount-data/up",
    ),
    ("docs/metrics.md", "In the image", 0, "docker build -f docker/Dockerfile -t hermes-gateways ."),
    (
        "docs/operate.md",
        "See how they are",
        0,
        "printf '\\n[gateways.coder]\\nport = 8643\\nsecret = { API_KEY = \"/run/secrets/coder\" }\\n' >>docker/gateways.toml; \
         docker build -f docker/Dockerfile -t hermes-gateways . && docker run -d --name hermes -v hermes-data:/opt/data hermes-gateways",
    ),
    (
        "docs/operate.md",
        "Start, stop, restart",
        0,
        "docker exec hermes sh -euc 'mkdir /run/secrets; echo key >/run/secrets/coder; hermes profile create coder; gatewayctl start coder'",
    ),
    (
        "docs/operate.md",
        "Add and remove a gateway while the container runs",
        0,
        "docker exec hermes sh -euc 'gatewayctl unregister coder; hermes profile delete coder -y'",
    ),
    (
        "docs/operate.md",
        "Let others operate",
        0,
        "docker rm -f hermes; docker build -f docker/Dockerfile --target volume -t hermes-gateways . && \
         docker run -d --name hermes -v hermes-data:/opt/data -v \"$PWD/docker:/run/secrets:ro\" hermes-gateways && \
         until docker exec hermes gatewayctl start coder; do sleep 0.2; done",
    ),
    (
        "docs/secrets.md",
        "2. Mount it",
        0,
        "printf '[defaults]\\nhermes-cli = \"run\"\\n[gateways.coder]\\nport = 8643\\nsecret = { API_SERVER_KEY = \"/run/secrets/coder-api-key\" }\\n' \
         >docker/gateways.toml; docker build -f docker/Dockerfile -t hermes-gateways . && \
         docker run --rm -v hermes-data:/opt/data hermes-gateways profile create coder",
    ),
    (
        "docs/secrets.md",
        "3. Check it",
        1,
        "docker rm -f hermes; docker run -d --name hermes -v hermes-data:/opt/data hermes-gateways",
    ),
    (
        "docs/secrets.md",
        "Change a key",
        0,
        "docker rm -f hermes; docker run -d --name hermes -v hermes-data:/opt/data \
         -v \"$PWD/secrets/coder-api-key:/run/secrets/coder-api-key:ro\" hermes-gateways",
    ),
    (
        "docs/troubleshooting.md",
        "unhealthy",
        0,
        "cp docker/gateways.toml shipped.toml; printf '\\n[gateways.coder]\\n' >>docker/gateways.toml; \
         docker build -f docker/Dockerfile -t hermes-gateways . && docker run -d --name hermes -v hermes-data:/opt/data hermes-gateways",
    ),
    (
        "docs/troubleshooting.md",
        "hidden",
        0,
        "docker rm -f hermes; cp shipped.toml docker/gateways.toml; docker build -f docker/Dockerfile -t hermes-gateways . && \
         docker run -d --name hermes -v hermes-data:/opt/data hermes-gateways",
    ),
    ("docs/troubleshooting.md", "a volume of another user", 0, "mkdir data; chown 4000:4000 data"),
];
