//! The static programs.

use crate::docker::{docker, image, mount, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Nothing but the programs and one static busybox: no library, no user, no /tmp.
#[test]
fn the_programs_run_where_nothing_else_is() {
    let busybox = root().join("target/tools/unpacked/bin/busybox");
    assert!(busybox.is_file(), "{} is needed; tests/run gets it", busybox.display());
    let image = image("static", None);
    let options =
        ["run", "--rm", "--network=none", &mount(&busybox, "/bin/busybox:ro"), "--entrypoint=/bin/busybox", &image];
    let ran = |script: &str| docker(&[&options[..], &["sh", "-euc", script]].concat());
    let render = "/gen-service coder --hermes-cli run --env 'A=a b' --out /services";
    let script = format!(
        "/bin/busybox ls -A / | /bin/busybox grep -vxE 'bin|dev|etc|proc|sys|\\.dockerenv'; \
         /gen-service -V; /gatewayctl -V; {render}; {render} --check; /bin/busybox sh -n /services/gateway-coder/run; \
         /bin/busybox sh -n /services/gateway-coder/log/run; /gatewayctl detect; \
         /gatewayctl completions bash | /bin/busybox grep -c complete"
    );
    let said = ran(&script).ok();
    let lines: Vec<&str> = said.lines().collect();
    let (versions, rest) = (format!("gen-service {VERSION} gatewayctl {VERSION}"), &lines[2..]);
    assert_eq!(rest[..2].join(" "), versions, "{said}");
    assert_eq!(lines[..2], ["gatewayctl", "gen-service"], "{said}");
    assert_eq!(rest[2..4], ["created   /services/gateway-coder", "none"], "{said}");
    assert_ne!(rest[4], "0", "{said}");
    // What fails says so in a sentence, as elsewhere.
    let failed = ran("/gatewayctl --scandir /nowhere status");
    assert!(failed.code == 2 && failed.err.starts_with("error: ") && failed.err.lines().count() == 1, "{failed:?}");
}
