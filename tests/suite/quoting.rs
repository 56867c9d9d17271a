//! Quoting: each shell passes any value to Hermes byte for byte.

use std::collections::BTreeSet;
use std::fs;

use gen_service::spec::EnvName;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::sandbox::{As, SHELLS, Sandbox, Shell};
use crate::support::directory;

/// Renders a gateway with these variables, runs it, and compares what reached Hermes.
fn survive(shell: Shell, shape: &[&str], entries: &[(String, String)]) -> Result<(), TestCaseError> {
    let options: Vec<String> = entries.iter().map(|(name, value)| format!("--env={name}={value}")).collect();
    let arguments: Vec<&str> = shape.iter().copied().chain(options.iter().map(String::as_str)).collect();
    reach_hermes(&Sandbox::new(shell, &arguments), entries)
}

/// The shapes of a gateway.
const SHAPES: [&[&str]; 2] = [&["coder"], &["coder", "--isolated"]];

fn reach_hermes(sandbox: &Sandbox, entries: &[(String, String)]) -> Result<(), TestCaseError> {
    let shell = sandbox.shell;
    let ran = sandbox.script(As::Root, "gateway-coder", "run", "gateway-coder", b"");
    prop_assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{:?}: {}", shell, ran.out);
    let call = sandbox.call().unwrap();
    for (name, value) in entries {
        prop_assert_eq!(call.environment.get(name), Some(value), "{:?} {}", shell, name);
    }
    // An isolated gateway is the root profile of its home.
    let argv = call.argv.join(" ");
    prop_assert_eq!(argv.strip_prefix("-p coder ").unwrap_or(&argv), "gateway start --foreground --port 9570");
    Ok(())
}

fn numbered(values: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    values.into_iter().enumerate().map(|(index, value)| (format!("V{index}"), value)).collect()
}

#[test]
fn any_value_survives_in_every_shell() {
    let value = prop_oneof![
        any::<String>().prop_map(|text| text.replace('\0', "\u{1}")),
        "[ \t\r\n'\"`$\\\\!*?~#&|;<>(){}\\[\\]=%^a-]{0,60}",
        "-[a-z-]{0,4}",
        "(\\$\\(id\\)|`id`|\\$\\{HOME\\}|''|'\\\\''|\\\\\n|<<EOF\n){1,6}",
    ];
    let values = proptest::collection::vec(value, 1..60);
    // There is no file of past failures. A case that failed once gets its own test, where a reader finds it.
    let config = Config { cases: 40, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new(config)
        .run(&(values, proptest::sample::select(&SHAPES[..])), |(values, shape)| {
            let entries = numbered(values);
            SHELLS.iter().try_for_each(|shell| survive(*shell, shape, &entries))
        })
        .unwrap();
}

#[test]
fn every_ascii_character_survives_alone_and_in_a_crowd() {
    let characters = || (1..=127_u8).map(|byte| char::from(byte).to_string());
    let crowd = characters().collect::<String>();
    for shell in SHELLS {
        for shape in SHAPES {
            survive(shell, shape, &numbered(characters().chain([crowd.clone()]))).unwrap();
        }
    }
}

#[test]
fn the_longest_value_that_linux_passes_survives() {
    let directory = directory();
    let hostile = "it's $(id) \"é\"\n!\\";
    for shell in SHELLS {
        for length in [100_000, 131_072 - "V0=".len() - 1] {
            let mut value = hostile.repeat(length / hostile.len());
            value += &"x".repeat(length - value.len());
            // A command line cannot be that long, but a manifest can.
            let manifest = directory.path().join("gateways.toml");
            fs::write(&manifest, format!("[gateways.coder.env]\nV0 = {value:?}\n")).unwrap();
            let sandbox = Sandbox::new(shell, &["--manifest", manifest.to_str().unwrap()]);
            reach_hermes(&sandbox, &numbered([value])).unwrap();
        }
    }
}

/// A shell may change a variable that it knows. That does not matter, because `env` sets it after the last shell.
#[test]
fn every_variable_that_a_shell_knows_is_passed_on() {
    let mut known = BTreeSet::new();
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &["coder"]);
        let ran = sandbox.sh("sh -c set; sh -c 'typeset -p' || :; sh -c 'readonly -p' || :", b"");
        known.extend(
            ran.out.lines().filter_map(|line| Some(line.split_once('=')?.0.split(' ').next_back()?.to_owned())),
        );
    }
    assert!(known.len() > 50 && known.contains("PPID") && known.contains("KSH_VERSION"), "{known:?}");
    for name in
        ["COLUMNS", "LINES", "TMOUT", "HISTSIZE", "ENV", "CDPATH", "MAIL", "FPATH", "BASH_ENV", "HOSTNAME", "TERM"]
    {
        known.insert(name.to_owned());
    }
    let mut entries = Vec::new();
    for name in known.iter().filter_map(|name| name.parse::<EnvName>().ok()) {
        // yash reads the script in the encoding of the locale.
        if !name.as_str().starts_with("LC_") && name.as_str() != "LANG" {
            entries.push((name.to_string(), "it's a  value".to_owned()));
        }
    }
    assert!(entries.len() > 20, "{entries:?}");
    let options: Vec<String> = entries.iter().map(|(name, value)| format!("--env={name}={value}")).collect();
    let arguments: Vec<&str> = std::iter::once("coder").chain(options.iter().map(String::as_str)).collect();
    for shell in SHELLS {
        let sandbox = Sandbox::new(shell, &arguments);
        // This Hermes is not a shell script, like the real one.
        let hermes = "#!/usr/bin/python3\nimport os\n\
                      for n in 'cmdline', 'environ':\n  open('/share/record/' + n.replace('cmdline', 'argv'), 'wb').write(open('/proc/self/' + n, 'rb').read())\n\
                      open('/share/record/cwd', 'w').write(os.getcwd())\nopen('/share/record/ids', 'w').write(str(os.getuid()))\n";
        fs::write(sandbox.path("bin/hermes"), hermes).unwrap();
        reach_hermes(&sandbox, &entries).unwrap();
    }
}
