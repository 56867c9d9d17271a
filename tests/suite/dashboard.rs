//! The dashboard: its scripts, executed under each shell.

use std::fs;

use crate::sandbox::{As, SHELLS, Sandbox, Shell};
use crate::support::set_mode;

/// A sandbox with the rendered services of this manifest.
fn sandbox(shell: Shell, manifest: &str) -> Sandbox {
    let directory = crate::support::directory();
    let path = directory.path().join("gateways.toml");
    fs::write(&path, manifest).unwrap();
    Sandbox::new(shell, &["--manifest", path.to_str().unwrap()])
}

const ROOTS_IDS: &str = "10000 10000 10000 10001";

#[test]
fn run_calls_the_dashboard_as_the_service_user_in_its_home() {
    const HOME: &str = "/share/my  \"her'mes\" $HOME *";
    for shell in SHELLS {
        for (user, ids) in [(As::Root, ROOTS_IDS), (As::Hermes, "10000 10000 10000")] {
            let manifest = "[dashboard]\nenv = { A = \"it's\", B = '$(id)' }\nsecret = { port = '/share/a secret', host = '/share/a secret' }\n";
            let sandbox = sandbox(shell, manifest);
            let home = sandbox.path(HOME.strip_prefix("/share/").unwrap());
            fs::create_dir(&home).unwrap();
            std::os::unix::fs::chown(&home, Some(10000), Some(10000)).unwrap();
            sandbox.set("HERMES_HOME", HOME);
            fs::write(sandbox.path("a secret"), "$(id) it's\n").unwrap();
            set_mode(sandbox.path("a secret"), if user == As::Root { 0o400 } else { 0o444 });
            let ran = sandbox.script(user, "dashboard", "run", "dashboard", b"");
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
            let call = sandbox.call().unwrap();
            assert_eq!(call.argv, ["dashboard", "--host", "127.0.0.1", "--port", "9119", "--no-open"], "{shell:?}");
            assert_eq!((call.cwd.as_str(), call.ids.as_str()), (HOME, ids), "{shell:?}");
            for (name, value) in [
                ("A", "it's"),
                ("B", "$(id)"),
                ("HOME", HOME),
                ("HERMES_HOME", HOME),
                // These variables have the names of the script's own variables, and must not disturb it.
                ("host", "$(id) it's"),
                ("port", "$(id) it's"),
            ] {
                assert_eq!(call.environment[name], value, "{shell:?} {name}");
            }
        }
    }
}

#[test]
fn the_container_says_where_the_dashboard_listens() {
    for shell in SHELLS {
        let sandbox = sandbox(shell, "[dashboard]\nhost = 'dash.local'\nport = 80\n");
        for (host, port, wanted) in [
            ("", "", ("dash.local", "80")),
            ("::", "1", ("::", "1")),
            ("0.0.0.0", "65535", ("0.0.0.0", "65535")),
            ("", "9999", ("dash.local", "9999")),
            ("$(id) `id` '\"* \\\n~", "", ("$(id) `id` '\"* \\\n~", "80")),
        ] {
            sandbox.set("HERMES_DASHBOARD_HOST", host);
            sandbox.set("HERMES_DASHBOARD_PORT", port);
            let ran = sandbox.script(As::Root, "dashboard", "run", "dashboard", b"");
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
            let argv = ["dashboard", "--host", wanted.0, "--port", wanted.1, "--no-open"];
            assert_eq!(sandbox.call().unwrap().argv, argv, "{shell:?}");
        }
    }
}

#[test]
fn no_word_of_the_container_becomes_an_option() {
    for shell in SHELLS {
        let sandbox = sandbox(shell, "[dashboard]\n");
        let refused = |name: &str, value: &str, what: &str| {
            sandbox.set(name, value);
            let ran = sandbox.script(As::Root, "dashboard", "run", "dashboard", b"");
            let line = format!("dashboard: {name} must be {what}, not '{value}'\n");
            assert_eq!((ran.code, ran.out, ran.err.as_str()), (78, line, ""), "{shell:?}");
            assert!(sandbox.call().is_none(), "{shell:?} {value}");
            fs::remove_file(sandbox.path("container_environment").join(name)).unwrap();
        };
        for host in ["-", "-1", "--insecure", "--insecure\n::"] {
            refused("HERMES_DASHBOARD_HOST", host, "an IP address or a host name");
        }
        for port in [
            "0",
            "00",
            "080",
            "65536",
            "99999",
            "100000",
            "18446744073709551617",
            "-1",
            "+80",
            "80 ",
            "8 0",
            "0x50",
            "80\n81",
            "--insecure",
            "*",
            "[1-9]",
            "$(id)",
            "h",
            "٨٠",
        ] {
            refused("HERMES_DASHBOARD_PORT", port, "a number from 1 to 65535");
        }
    }
}

#[test]
fn any_value_survives_in_the_dashboard_too() {
    let characters: Vec<String> = (1..=127_u8).map(|byte| char::from(byte).to_string()).collect();
    let values =
        [characters.concat(), "'\n: \"${HERMES_DASHBOARD_PORT:=1}\"\nexec true\n'".to_owned(), "héllo 🦀".to_owned()];
    let quoted = |text: &String| toml::Value::String(text.clone()).to_string();
    let entries: Vec<String> = values
        .iter()
        .chain(&characters)
        .enumerate()
        .map(|(index, value)| format!("V{index} = {}\n", quoted(value)))
        .collect();
    for shell in SHELLS {
        let sandbox = sandbox(shell, &format!("[dashboard.env]\n{}", entries.concat()));
        let ran = sandbox.script(As::Root, "dashboard", "run", "dashboard", b"");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell:?}: {}", ran.out);
        let call = sandbox.call().unwrap();
        for (index, value) in values.iter().chain(&characters).enumerate() {
            assert_eq!(call.environment.get(&format!("V{index}")), Some(value), "{shell:?} {index}");
        }
    }
}

#[test]
fn its_logger_and_its_end_are_those_of_a_gateway() {
    for shell in SHELLS {
        let sandbox = sandbox(shell, "[dashboard]\n[gateways.dashboard]\n");
        let ran = sandbox.sh(
            "cd dashboard/log; echo line | ./run dashboard/log 3>/dev/null; stat -c %U:%n /opt/data/logs/dashboard/current; \
             cut -d' ' -f4- /opt/data/logs/dashboard/current; ls /opt/data/logs; cd ..; ./finish 78 0 dashboard 1 || echo $?",
            b"",
        );
        let expected = "hermes:/opt/data/logs/dashboard/current\nline\ndashboard\n\
                        dashboard: exit 78, a configuration error: down until it is started again\n125\n";
        assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", expected), "{shell:?}");
    }
}

#[test]
fn run_does_not_begin_where_the_service_user_cannot_write() {
    for shell in SHELLS {
        let sandbox = sandbox(shell, "[dashboard]\nuser = 'nobody'\n");
        let ran = sandbox.sh("cd dashboard; ./run || echo $?; mkdir -p /opt/data/logs/dashboard; chown nobody /opt/data; ./run || echo $?", b"");
        let line = "dashboard: cannot write HERMES_HOME, '/opt/data', as nobody\n78\n";
        assert_eq!((ran.code, ran.err.as_str(), ran.out), (0, "", line.repeat(2)), "{shell:?}");
        assert!(sandbox.call().is_none(), "{shell:?}");
    }
}

/// The watch runs as root, and has the environment of the container.
#[test]
fn the_watch_is_gatewayctl_watch_as_root() {
    for shell in SHELLS {
        let sandbox = sandbox(shell, "[watch]\n");
        sandbox.set("FROM_CONTAINER", "yes");
        let stub = "#!/bin/sh\necho \"$* as $(id -u) with ${FROM_CONTAINER}\"; echo said >&2; exit 3\n";
        fs::write(sandbox.path("bin/gatewayctl"), stub).unwrap();
        set_mode(sandbox.path("bin/gatewayctl"), 0o755);
        let ran = sandbox.script(As::Root, "watch", "run", "watch", b"");
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (3, "watch as 0 with yes\nsaid\n", ""), "{shell:?}");
    }
}
