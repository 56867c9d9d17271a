//! The texts that a person reads: help, errors, reports. All of them are in snapshots, and no error leaves anything behind.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::support::{GATEWAYCTL, GEN_SERVICE, NOTE, directory, gen_service, listing, run, snapshot, succeeds, tool};

/// Runs each of these command lines in its own directory, and expects that it writes nothing and exits with 2.
fn refused(prepare: impl Fn(&std::path::Path), lines: &[&[&str]]) -> String {
    let mut text = String::new();
    for arguments in lines {
        let directory = directory();
        prepare(directory.path());
        let before = listing(directory.path());
        let ran = run(gen_service(directory.path(), arguments.iter().copied()));
        let shown: Vec<String> = arguments.iter().map(|argument| shown(argument)).collect();
        writeln!(text, "$ gen-service {}\n{}", shown.join(" "), ran.err).unwrap();
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
        assert_eq!(listing(directory.path()), before, "{arguments:?}");
    }
    text
}

fn shown(argument: &str) -> String {
    if argument.len() > 100 {
        return format!("<{} characters>", argument.len());
    }
    if argument.chars().any(char::is_control) {
        return format!("${argument:?}").replace('"', "'");
    }
    shell_escape::unix::escape(argument.into()).into_owned()
}

#[test]
fn help() {
    snapshot("help_short", "", &succeeds("/", ["-h"]));
    snapshot("help_long", "", &succeeds("/", ["--help"]));
    let nothing = run(gen_service("/", []));
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    assert_eq!(nothing.err, succeeds("/", ["--help"]));
    assert_eq!(succeeds("/", ["-V"]), concat!("gen-service ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// A person who looks for help gets it. A person who wants the gateway of a profile called help gets that, too.
#[test]
fn help_is_no_profile_unless_more_is_said() {
    assert_eq!(succeeds("/", ["help"]), succeeds("/", ["--help"]));
    for word in ["help", "completions"] {
        assert!(succeeds("/", ["--", word]).starts_with(&format!("==> gateway-{word}/type")), "{word}");
        assert!(succeeds("/", ["coder", word]).contains(&format!("==> gateway-{word}/type")), "{word}");
    }
}

/// A debug build does not contain the commit, because then each commit would compile everything again.
#[test]
fn the_version_is_said_with_what_it_was_tested_with() {
    let long = succeeds("/", ["--version"]);
    assert!(succeeds("/", ["-V"]).lines().eq(long.lines().take(1)));
    snapshot("version", "", &long);
    let dockerfile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docker/Dockerfile")).unwrap();
    let version = dockerfile.lines().find_map(|line| line.strip_prefix("ARG S6_OVERLAY_VERSION=")).unwrap();
    assert!(long.contains(&format!("(s6-overlay {version})")), "{long}");
}

/// A release build says its commit: the one that it is given, or the one of its sources.
#[test]
fn a_release_build_records_its_commit() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("build");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/build.rs");
    let compiled = Command::new("rustc").args(["--edition=2024", source, "-o"]).arg(&program).status().unwrap();
    assert!(compiled.success());
    let sources = directory.path().join("sources");
    fs::create_dir(&sources).unwrap();
    let said = |profile: &str, commit: &str| {
        let ran = Command::new(&program)
            .current_dir(&sources)
            .env("PROFILE", profile)
            .env("GEN_SERVICE_COMMIT", commit)
            .env("GIT_CEILING_DIRECTORIES", directory.path())
            .output()
            .unwrap();
        let out = String::from_utf8(ran.stdout).unwrap();
        out.lines().find_map(|line| line.strip_prefix("cargo:rustc-env=GEN_SERVICE_BUILT_FROM=")).map(str::to_owned)
    };
    assert_eq!((said("release", ""), said("debug", "")), (None, None));
    assert_eq!((said("release", "told"), said("debug", "told")), (Some("told".to_owned()), Some("told".to_owned())));
    let git = |arguments: &[&str]| {
        let author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let ran = Command::new("git").current_dir(&sources).args(author).args(arguments).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["commit", "--quiet", "--allow-empty", "--message=first"]);
    assert_eq!(said("release", ""), Some(git(&["rev-parse", "--short=12", "HEAD"])));
    assert_eq!(said("debug", ""), None);
    let packaged =
        "{\n  \"git\": {\n    \"sha1\": \"0123456789abcdef0123456789abcdef01234567\"\n  },\n  \"path_in_vcs\": \"\"\n}";
    fs::write(sources.join(".cargo_vcs_info.json"), packaged).unwrap();
    assert_eq!(said("release", ""), Some("0123456789ab".to_owned()));
}

#[test]
fn the_command_line_that_nobody_takes_is_told_once() {
    let directory = directory();
    fs::write(directory.path().join("gateways.toml"), "[gateways.a]\n").unwrap();
    let told = |program: &str, arguments: &str| {
        let output = Command::new(program).args(arguments.split(' ')).current_dir(directory.path()).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for arguments in ["a", "a b --out out", "a b --out out --check"] {
        assert_eq!(told(GEN_SERVICE, arguments), NOTE, "{arguments}");
    }
    for arguments in [
        "a --hermes-cli run",
        "a --hermes-cli start",
        "a --quiet",
        "a --json",
        "--manifest gateways.toml",
        "a b --out out --quiet",
    ] {
        assert_eq!(told(GEN_SERVICE, arguments), "", "{arguments}");
    }
    let nowhere = "error: scandir nowhere does not exist; give the directory that s6-svscan watches with --scandir\n";
    for (options, note) in [("", NOTE), (" --hermes-cli run", ""), (" --quiet", "")] {
        let arguments = format!("--manager s6 --scandir nowhere register a{options}");
        assert_eq!(told(GATEWAYCTL, &arguments), [note, nowhere].concat(), "{options}");
    }
    assert_eq!(told(GATEWAYCTL, "--manager s6 --scandir nowhere register a --json").lines().count(), 1);
}

/// A manifest that is copied from the documentation renders, with the files beside it that it names.
#[test]
fn the_manifests_of_the_documentation_render() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = directory();
    for name in ["common.env", "site.env"] {
        fs::write(directory.path().join(name), "A=1\n").unwrap();
    }
    let documents = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = documents.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut tried = 0;
    for document in documents.chain([root.join("README.md")]) {
        let text = fs::read_to_string(&document).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let manifest = block.split("```").next().unwrap();
            fs::write(directory.path().join("gateways.toml"), manifest).unwrap();
            let ran = run(gen_service(directory.path(), ["--manifest", "gateways.toml", "--quiet"]));
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}:\n{manifest}", document.display());
            tried += 1;
        }
    }
    assert!(tried >= 5, "{tried}");
}

#[test]
fn bad_names() {
    let long = "x".repeat(244);
    let names = ["", "Coder", "a/b", "..", "a b", "coder\n", "codér", "_a", "a.b", &long];
    let lines: Vec<Vec<&str>> = names.iter().map(|name| vec![*name, "--out", "out"]).collect();
    let mut lines: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    lines.push(&["-a", "--out", "out"]);
    lines.push(&["--out", "out", "--", "-a"]);
    lines.push(&["good", "Bad", "a", "worse one", "a", "--out", "out"]);
    lines.push(&["a", "b", "a", "--out", "out"]);
    snapshot("errors_names", "", &refused(|_| (), &lines));
}

#[test]
fn the_longest_name_is_rendered() {
    let directory = directory();
    let name = "x".repeat(243);
    succeeds(directory.path(), [&name, "--out", "out"]);
    assert_eq!(fs::read_dir(directory.path().join("out")).unwrap().count(), 1);
    assert!(directory.path().join(format!("out/gateway-{name}/run")).is_file());
    succeeds(directory.path(), [&name, "--out", "out", "--port", "1"]);
}

#[test]
fn bad_values() {
    let lines: Vec<&[&str]> = vec![
        &["a", "--port", "0"],
        &["a", "--port", "65536"],
        &["a", "--port=-1"],
        &["a", "--port", "http"],
        &["a", "b", "--port", "9000"],
        &["a", "--hermes-cli", "stop"],
        &["a", "--hermes", "bin/hermes"],
        &["a", "--hermes="],
        &["a", "--user", "1000:1000"],
        &["a", "--stop-timeout", "0"],
        &["a", "--log-files", "many"],
        &["a", "--log-size", "1M"],
        &["a", "--log-to", "stdout"],
        &["a", "--crash-budget", "10"],
        &["a", "--crash-budget", "101/300"],
        &["a", "--env", "A"],
        &["a", "--env", "1A=x"],
        &["a", "--env", "A\n=x"],
        &["a", "--env", "É=x"],
        &["a", "--env", "A=1", "--env", "A=2"],
        &["a", "--env", "A=1", "--secret", "A=/run/secrets/a"],
        &["a", "--env", "HERMES_HOME=/x"],
        &["a", "--env", "HOME=/x"],
        &["a", "--env", "PATH=/x"],
        &["a", "--env", "HERMES_SUPERVISED_CHILD=0"],
        &["a", "--secret", "UID=/run/secrets/uid"],
        &["a", "--secret", "COLUMNS=/run/secrets/columns"],
        &["a", "--secret", "LD_PRELOAD=/run/secrets/evil.so"],
        &["a", "--secret", "GLIBC_TUNABLES=/run/secrets/tunables"],
        &["a", "--hermes", "/opt/a=b/hermes"],
        &["a", "--env", "API_SERVER_PORT=1", "--hermes-cli", "run", "--port", "2"],
        &["a", "--secret", "A=token"],
        &["a", "--secret", "A=/opt/data/token"],
        &["a", "--secret", "A=/run/../opt/data/token"],
        &["a", "--env-file", "missing"],
        &["a", "--env-file", "."],
        &["A", "--port", "0", "--env", "B", "--env-file", "bad.env"],
    ];
    let bad = |directory: &std::path::Path| fs::write(directory.join("bad.env"), b"A=1\nB\nA=2\nC=\0\n").unwrap();
    let lines: Vec<Vec<&str>> = lines.into_iter().map(|line| [line, &["--out", "out"]].concat()).collect();
    let lines: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    snapshot("errors_values", "", &refused(bad, &lines));
    let binary = |directory: &std::path::Path| fs::write(directory.join("bad.env"), b"A=1\nB=\xff\n").unwrap();
    snapshot("errors_encoding", "", &refused(binary, &[&["a", "--env-file", "bad.env", "--out", "out"]]));
}

#[test]
fn bad_usage() {
    let lines: &[&[&str]] = &[
        &["--out", "out"],
        &["a", "--check"],
        &["a", "--force"],
        &["a", "--out", "out", "--prune"],
        &["a", "--out", "out", "--check", "--force"],
        &["a", "--manifest", "gateways.toml"],
        &["--manifest", "gateways.toml", "--port", "9000"],
        &["a", "--json", "--quiet"],
        &["a", "--prot", "9000"],
        &["a", "--out="],
        &["a", "--part", "gateways"],
        &["--manifest", "gateways.toml", "--part", "gateway"],
    ];
    snapshot("errors_usage", "", &refused(|_| (), lines));
}

#[test]
fn bad_manifests() {
    let mut text = String::new();
    for (what, manifest) in [
        ("empty", ""),
        ("no gateway", "[defaults]\ndown = true\n"),
        ("syntax", "[gateways.a]\nport = = 1\n\n[gateways.b\nport = 2\n"),
        ("syntax and more", "[gateways.a]\nport = \n[gateways.b]\nprot = 1\n"),
        ("a table twice", "[gateways.a]\n[gateways.a]\n"),
        ("unknown keys", "default = 1\n[gateways.a]\nprot = 9000\ncolour = \"red\"\n"),
        (
            "wrong types",
            "[gateways]\na = 1\n[gateways.b]\nport = \"9000\"\nuser = 1000\ndown = \"yes\"\nenv = [\"A=1\"]\nenv-file = 1\nlog-size = 1.5\n[gateways.b.secret]\nA = true\n",
        ),
        ("three mistakes", "[defaults]\nhermes-cli = \"rnu\"\n\n[gateways.Coder]\n\n[gateways.a]\nport = 65536\n"),
        ("a default port", "[defaults]\nport = 9000\n[gateways.a]\n"),
        ("one port", "[gateways.b]\nport = 9000\n[gateways.a]\nport = 9000\n"),
        ("a port from a name", "[gateways.coder]\n[gateways.a]\nport = 9570\n"),
        (
            "environment",
            "[defaults.env]\n1A = \"x\"\nHOME = \"/x\"\nN = \"a\\u0000b\"\nP = 8080\n[gateways.a]\nenv = { A = \"1\" }\nsecret = { A = \"/run/secrets/a\", B = \"b\" }\n",
        ),
        ("numbers", "[gateways.a]\nport = 0x1_0000\nstop-timeout = -1\nlog-files = 99999999999999999999\n"),
        ("environment files", "[gateways.a]\nenv-file = [\"missing.env\", \"bad.env\"]\n"),
        (
            "dashboard and watch",
            "[dashboard]\nhost = \"--insecure\"\nport = 0\nhermes-cli = \"run\"\nlog-size = \"1M\"\nenv = { HOME = \"/x\" }\nsecret = { A = \"/opt/data/a\" }\n[watch]\nport = 1\n[gateways.a]\nhost = \"::\"\n",
        ),
        ("no tables", "dashboard = true\nwatch = []\n"),
        ("dashboard twice", "[dashboard]\n[gateways.a]\n[dashboard]\n"),
        ("dashboard and gateway on one port", "[gateways.coder]\n[gateways.a]\nport = 9119\n[dashboard]\n"),
        ("dashboard on the port of a name", "[dashboard]\nport = 9570\n[gateways.coder]\n"),
        ("the container's words", "[dashboard.env]\nHERMES_DASHBOARD_PORT = \"80\"\n"),
        ("not ASCII", "[gateways.\"a\\n\"]\n[gateways.\"é\"]\né = 1\n"),
    ] {
        let prepare = |directory: &std::path::Path| {
            fs::write(directory.join("gateways.toml"), manifest).unwrap();
            fs::write(directory.join("bad.env"), "A\nB=1\nB=2\n").unwrap();
        };
        let said = refused(prepare, &[&["--manifest", "gateways.toml", "--out", "out"]]);
        let said = said.split_once('\n').unwrap().1;
        writeln!(text, "## {what}\n{manifest}---\n{said}").unwrap();
    }
    let lines: &[&[&str]] = &[&["--manifest", "missing.toml"], &["--manifest", "."], &["--manifest", "/dev/zero"]];
    text += &refused(|_| (), lines);
    snapshot("errors_manifest", "", &text);
}

/// The parser would make a nested call for each bracket, until the stack is full.
#[test]
fn broken_brackets_without_end_are_one_mistake() {
    let prepare = |directory: &std::path::Path| {
        let manifest = format!("[gateways.a]\nsecret = {}\n", "{ {} A = ".repeat(100_000));
        fs::write(directory.join("gateways.toml"), manifest).unwrap();
    };
    let said = refused(prepare, &[&["--manifest", "gateways.toml"]]);
    let wanted = "error: gateways.toml:2:10: more than 200 brackets are open at once from here on; close one of them";
    assert!(said.contains(wanted), "{said}");
}

/// The manifest is read in pieces, and a mistake in any piece has its place in the whole file.
#[test]
fn the_mistakes_of_a_long_manifest_have_their_places() {
    let long = |last: &str| {
        let gateways = (0..3000).map(|number| format!("[gateways.g{number}]\nport = {}\n", 20_000 + number));
        format!("[defaults]\nhermes-cli = \"run\"\n{}{last}", gateways.collect::<String>())
    };
    for (last, wanted) in [
        (
            "[gateways.last]\nport = 20000\n",
            "6003:11: gateways g0 and last both ask for port 20000; give one of them another port",
        ),
        ("[gateways.last]\nprot = 1\n", "6004:1: unknown key \"prot\"; did you mean port?"),
        ("[gateways.g0.env]\nport = 1\n", "6004:8: env.port is a number; write a string, in quotes"),
        ("[gateways.g0]\n", "6003:11: duplicate key \"g0\"; keep one of the two"),
        ("[defaults]\n", "6003:2: duplicate key \"defaults\"; keep one of the two"),
        ("[dashboard]\nprot = 1\n", "6004:1: unknown key \"prot\"; did you mean port?"),
        (
            "[dashboard]\nport = 20001\n",
            "6003:2: the dashboard and gateway g1 both ask for port 20001; give one of them another port",
        ),
        ("[dashboard]\n[gateways.last]\n[dashboard]\n", "6005:2: duplicate key \"dashboard\"; keep one of the two"),
    ] {
        let prepare = |directory: &std::path::Path| fs::write(directory.join("gateways.toml"), long(last)).unwrap();
        let said = refused(prepare, &[&["--manifest", "gateways.toml"]]);
        assert!(said.contains(&format!("error: gateways.toml:{wanted}")), "{said}");
    }
}

#[test]
fn a_manifest_is_rendered_as_the_same_options_are() {
    let directory = directory();
    let manifest = r#"
        [defaults]
        hermes-cli = "run"
        env-file = "common.env"
        log-files = 3
        env = { B = "default", C = "default" }
        secret = { S = "/run/secrets/s" }

        [gateways.zeta]
        port = 0x2328
        env-file = ["one.env", "two.env"]
        env = { C = "own" }
        hermes-cli = "start"
        hermes = "/opt/venv/bin/hermes"
        user = "svc"
        down = true
        stop-timeout = 5
        log-files = 2
        log-to = "both"
        log-size = 5000
        crash-budget = "3/60"

        [gateways.default]
        secret = { B = "/run/secrets/b" }
    "#;
    fs::write(directory.path().join("gateways.toml"), manifest).unwrap();
    fs::write(directory.path().join("common.env"), "A=common\nB=common\nE=common\n").unwrap();
    fs::write(directory.path().join("one.env"), "D=one\nE=one\n").unwrap();
    fs::write(directory.path().join("two.env"), "E=two\n").unwrap();
    succeeds(directory.path(), ["--manifest", "gateways.toml", "--out", "manifest"]);
    let zeta = "zeta --port 9000 --env A=common --env B=default --env C=own --env D=one --env E=two \
                --secret S=/run/secrets/s --hermes /opt/venv/bin/hermes --user svc --down --stop-timeout 5 \
                --log-to both --log-files 2 --log-size 5000 --crash-budget 3/60 --out options";
    let default = "default --hermes-cli run --log-files 3 --env A=common --env C=default --env E=common \
                   --secret S=/run/secrets/s --secret B=/run/secrets/b --out options";
    for line in [zeta, default] {
        succeeds(directory.path(), line.split_whitespace());
    }
    assert_eq!(listing(&directory.path().join("manifest")), listing(&directory.path().join("options")));
    // This works from another directory, too, because environment files are beside the manifest.
    let manifest = directory.path().join("gateways.toml");
    let out = directory.path().join("manifest");
    succeeds("/", ["--manifest", manifest.to_str().unwrap(), "--out", out.to_str().unwrap(), "--check"]);
}

/// The order of the gateways does not matter, even if the manifest is read in pieces.
#[test]
fn dashboard_and_watch_of_a_long_manifest() {
    let directory = directory();
    let gateways: Vec<String> = (0..6000).map(|number| format!("[gateways.g{number}]\ndown = true\n")).collect();
    let gateways = gateways.concat();
    let (first, last) = gateways.split_at(gateways.find("[gateways.g3000]").unwrap());
    let defaults = "[defaults]\nuser = \"svc\"\nhermes-cli = \"run\"\n";
    let (dashboard, watch) = ("[dashboard]\nport = 80\n[dashboard.env]\nA = \"1\"\n", "[watch]\n");
    let brief = format!("{defaults}[gateways.a]\n{watch}{dashboard}");
    let parts = |manifest: String| {
        fs::write(directory.path().join("gateways.toml"), manifest).unwrap();
        succeeds(directory.path(), ["--manifest", "gateways.toml", "--part", "watch", "--part", "dashboard"])
    };
    let wanted = parts(brief);
    assert!(wanted.contains("\nexec s6-setuidgid svc \"$@\" hermes dashboard "), "{wanted}");
    for manifest in [
        format!("{watch}{dashboard}{defaults}{gateways}"),
        format!("{defaults}{watch}{gateways}{dashboard}"),
        format!("{defaults}{first}{watch}{dashboard}{last}"),
        format!("{defaults}{first}{dashboard}{last}{watch}"),
    ] {
        assert_eq!(parts(manifest), wanted);
    }
}

#[test]
fn the_parts_of_a_manifest() {
    let directory = directory();
    let mut text = String::new();
    let mut say = |arguments: &str| {
        let ran = run(gen_service(directory.path(), arguments.split(' ')));
        writeln!(text, "$ gen-service {arguments}\n{}{}[exit {}]\n", ran.out, ran.err, ran.code).unwrap();
    };
    let manifest = |manifest: &str| fs::write(directory.path().join("gateways.toml"), manifest).unwrap();
    manifest("[watch]\n[dashboard]\n[gateways.dashboard]\n");
    say("--manifest gateways.toml --out s --part dashboard --part gateways");
    say("--manifest gateways.toml --out s --part dashboard --check");
    say("--manifest gateways.toml --out s --json");
    manifest("[gateways.b]\n");
    say("--manifest gateways.toml --out s --check --part gateways --json --quiet");
    say("--manifest gateways.toml --out s --part watch --prune");
    say("--manifest gateways.toml --out s --part dashboard --quiet --check");
    say("--manifest gateways.toml --out s --prune");
    manifest("[dashboard]\n");
    say("--manifest gateways.toml --out s --part gateways --part watch --prune --json");
    say("--manifest gateways.toml --part watch");
    fs::create_dir(directory.path().join("s/watch")).unwrap();
    fs::write(directory.path().join("s/dashboard"), "mine").unwrap();
    manifest("[dashboard]\n[watch]\n");
    say("--manifest gateways.toml --out s");
    snapshot("parts", "", &text);
}

#[test]
fn ports_from_names_go_by_file_order_and_appending_moves_none() {
    let directory = directory();
    let rendered = |manifest: &str| {
        fs::write(directory.path().join("gateways.toml"), manifest).unwrap();
        let said = succeeds(directory.path(), ["--manifest", "gateways.toml", "--json"]);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let port =
            |directory: &serde_json::Value| (directory["profile"].to_string(), directory["port"].as_u64().unwrap());
        said["directories"].as_array().unwrap().iter().map(port).collect::<Vec<_>>()
    };
    // p0 and p1090 share a port, as many pairs do. The names are not sorted, so sorting would not keep their order.
    let names: Vec<String> = (0..400).rev().map(|number| format!("[gateways.p{number}]\n")).collect();
    let all = rendered(&names.concat());
    let distinct: std::collections::BTreeSet<u64> = all.iter().map(|(_, port)| *port).collect();
    assert_eq!(distinct.len(), 400);
    for fewer in [1, 100, 399] {
        assert_eq!(rendered(&names[..fewer].concat()), all[..fewer]);
    }
}

#[test]
fn reports() {
    let directory = directory();
    let mut text = String::new();
    let mut say = |arguments: &str| {
        let ran = run(gen_service(directory.path(), arguments.split(' ')));
        writeln!(text, "$ gen-service {arguments}\n{}{}[exit {}]\n", ran.out, ran.err, ran.code).unwrap();
    };
    fs::write(directory.path().join("gateways.toml"), "[gateways.coder]\n[gateways.writer]\nport = 9000\n").unwrap();
    say("--manifest gateways.toml --out services --check --quiet");
    say("--manifest gateways.toml --out services");
    say("--manifest gateways.toml --out services --check");
    fs::write(directory.path().join("gateways.toml"), "[gateways.writer]\nport = 9001\n[gateways.x]\ndown = true\n")
        .unwrap();
    say("--manifest gateways.toml --out services");
    say("--manifest gateways.toml --out services --prune");
    say("--manifest gateways.toml --out services --prune --json");
    say("--manifest gateways.toml --out services --prune --quiet");
    say("writer --hermes-cli run --out services --json");
    snapshot("reports", "", &text);
}

#[test]
fn the_preview_in_json_is_the_preview() {
    let said: serde_json::Value =
        serde_json::from_str(&succeeds("/", ["a", "b", "--env", "A=\"\n", "--json"])).unwrap();
    let mut text = String::new();
    for directory in said["directories"].as_array().unwrap() {
        let name = directory["name"].as_str().unwrap();
        assert_eq!(name, format!("gateway-{}", directory["profile"].as_str().unwrap()));
        for file in directory["files"].as_array().unwrap() {
            let part = |key: &str| file[key].as_str().unwrap();
            let gap = if text.is_empty() { "" } else { "\n" };
            write!(text, "{gap}==> {name}/{} {} <==\n{}", part("path"), part("mode"), part("content")).unwrap();
        }
    }
    assert_eq!(text, succeeds("/", ["a", "b", "--env", "A=\"\n"]));
}

#[test]
fn the_schema_that_is_shipped_is_the_one_that_is_printed() {
    let shipped = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/gateways.schema.json")).unwrap();
    assert_eq!(shipped, succeeds("/", ["--schema"]), "run: gen-service --schema >docs/gateways.schema.json");
}

#[test]
fn output_that_nobody_takes() {
    let gone = Command::new("sh").args(["-c", "$0 coder --hermes-cli run | :", GEN_SERVICE]).output().unwrap();
    assert_eq!((gone.stderr.as_slice(), gone.status.code()), (&b""[..], Some(0)));

    let mut full = gen_service("/", ["coder"]);
    full.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let ran = run(full);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.err, "error: cannot write to standard output: no space left on device\n");
}

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let directory = directory();
    let on_terminal = |extra: &str| {
        // `script` runs a command on a new terminal.
        let line = format!("{extra} {GEN_SERVICE} a --port $(date +%N | tail -c 4) --out services");
        let mut command = Command::new(tool("script"));
        command.args(["-qec", &line, "/dev/null"]).current_dir(directory.path()).stdin(Stdio::null());
        command.env("TERM", "xterm").env_remove("NO_COLOR");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(on_terminal("").contains("\u{1b}["));
    assert!(!on_terminal("NO_COLOR=1").contains('\u{1b}'));
    assert!(!succeeds(directory.path(), ["a", "--out", "services"]).contains('\u{1b}'));
}
