//! What the build of the image refuses, and what the image contains.

use std::process::Command;

use crate::docker::{build, docker, image, root};

#[test]
fn a_wrong_checksum_stops_the_build() {
    let zero = format!("S6_OVERLAY_SHA256_NOARCH={}", "0".repeat(64));
    let said = build("services", None, &["--build-arg", &zero]).unwrap_err();
    assert!(said.contains("/tmp/noarch.tar.xz: FAILED"), "{said}");
}

#[test]
fn a_mistake_in_the_manifest_stops_the_build_at_its_line() {
    for target in ["services", "hook", "s6-rc", "volume"] {
        let said = build(target, Some("[gateways.coder]\nport = 0\n\n[gateways.Bad]\n"), &[]).unwrap_err();
        for place in ["/etc/gateways.toml:2:8: ", "/etc/gateways.toml:4:11: "] {
            assert!(said.contains(place), "{said}");
        }
    }
}

#[test]
fn the_image_has_what_it_needs_and_no_more() {
    let image = image("services", None);
    let sh = |script: &str| docker(&["run", "--rm", "--entrypoint", "sh", &image, "-euc", script]);
    // The image contains no program that builds, downloads or unpacks.
    let left = sh(
        "for p in cargo rustc gcc curl xz pip; do command -v $p || :; done; ls -A /opt/hermes/bin | grep pip || :; \
         ls -A /tmp /src /var/lib/apt/lists 2>/dev/null | grep -v ':$' || :",
    );
    assert_eq!(left.ok().trim(), "");
    let made = sh(
        "id hermes; stat -c '%U %a' /opt/data; readlink -f \"$(command -v hermes)\"; hermes --version | sed -n 1p; \
         gen-service -V; gatewayctl -V; stat -c '%U %a' /etc/services.d/gateway-default/run",
    )
    .ok();
    let made: Vec<&str> = made.lines().collect();
    assert_eq!(
        made[..3],
        ["uid=10000(hermes) gid=10000(hermes) groups=10000(hermes)", "hermes 750", "/opt/hermes/bin/hermes"]
    );
    assert!(made[3].contains("0.19"), "{made:?}");
    assert_eq!(made[4..], ["gen-service 0.1.0", "gatewayctl 0.1.0", "root 755"]);
    let config = docker(&["inspect", "--format", "{{json .Config.Entrypoint}} {{json .Config.Volumes}}", &image]).ok();
    assert_eq!(config, "[\"/usr/local/libexec/init\"] {\"/opt/data\":{},\"/opt/homes\":{}}\n");
}

#[test]
fn hadolint_finds_nothing() {
    for dockerfile in ["docker/Dockerfile", "docker/stand-ins/Dockerfile"] {
        let output = Command::new("hadolint").arg(root().join(dockerfile)).output();
        let output = output.expect("hadolint is needed; tests/run installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
