//! The service managers of hosts: how their programs are called, and how gatewayctl answers for them.

use std::fs;

use camino::Utf8PathBuf;
use gen_service::manager::ManagerError;
use gen_service::manager::{Host, Kind, ServiceManager, Signs, detect};
use gen_service::spec::Gateway;
use gen_service::spec::Options;
use tempfile::TempDir;

use crate::support::{GATEWAYCTL, Ran, directory, run, set_mode};

/// Stand-ins for the three programs. Each records how it was called, and answers what `answer` says.
fn stand_ins(answer: &str) -> TempDir {
    let directory = directory();
    for program in ["systemctl", "launchctl", "schtasks"] {
        let path = directory.path().join(program);
        let script = format!(
            "#!/bin/sh\nprintf '%s' \"${{0##*/}}\" >>\"${{0%/*}}/calls\"\nfor a; do printf ' [%s]' \"$a\" >>\"${{0%/*}}/calls\"; done\necho >>\"${{0%/*}}/calls\"\n{answer}\n"
        );
        fs::write(&path, script).unwrap();
        set_mode(&path, 0o755);
    }
    directory
}

fn gatewayctl(stand_ins: &TempDir, arguments: &str) -> Ran {
    let mut command = std::process::Command::new(GATEWAYCTL);
    command.args(arguments.split(' ')).env("PATH", stand_ins.path());
    run(command)
}

fn calls(stand_ins: &TempDir) -> String {
    fs::read_to_string(stand_ins.path().join("calls")).unwrap_or_default()
}

#[test]
fn each_is_called_as_it_wants_to_be() {
    let uid = rustix::process::getuid().as_raw();
    let target = format!("gui/{uid}/ai.hermes.gateway");
    for (kind, running, expected) in [
        (
            "systemd",
            "[ \"$2\" != is-active ] || echo active",
            "systemctl [--user] [start] [hermes-gateway-coder.service]\n\
             systemctl [--user] [start] [hermes-gateway.service]\n\
             systemctl [--user] [stop] [hermes-gateway-coder.service]\n\
             systemctl [--user] [restart] [hermes-gateway-coder.service]\n\
             systemctl [--user] [is-active] [hermes-gateway-coder.service]\n"
                .to_owned(),
        ),
        (
            "launchd",
            "[ \"$1\" != print ] || printf 'x = {\\n\\tstate = running\\n}\\n'",
            format!(
                "launchctl [kickstart] [{target}-coder]\nlaunchctl [kickstart] [{target}]\n\
                 launchctl [kill] [SIGTERM] [{target}-coder]\nlaunchctl [kickstart] [-k] [{target}-coder]\n\
                 launchctl [print] [{target}-coder]\n"
            ),
        ),
        (
            "windows",
            "[ \"$1\" != /Query ] || printf '\"\\\\\\\\Hermes_Gateway_coder\",\"N/A\",\"Running\"\\r\\n'",
            "schtasks [/Run] [/TN] [Hermes_Gateway_coder]\n\
             schtasks [/Run] [/TN] [Hermes_Gateway]\n\
             schtasks [/End] [/TN] [Hermes_Gateway_coder]\n\
             schtasks [/Query] [/TN] [Hermes_Gateway_coder] [/FO] [CSV] [/NH]\n\
             schtasks [/End] [/TN] [Hermes_Gateway_coder]\n\
             schtasks [/Run] [/TN] [Hermes_Gateway_coder]\n\
             schtasks [/Query] [/TN] [Hermes_Gateway_coder] [/FO] [CSV] [/NH]\n"
                .to_owned(),
        ),
    ] {
        let programs = stand_ins(running);
        for (command, code, out) in [
            ("start coder default", 0, "started coder\nstarted default\n"),
            ("stop coder", 0, "stopped coder\n"),
            ("restart coder", 0, "restarted coder\n"),
            ("-q status coder", 0, ""),
            ("list", 0, ""),
            ("detect", 0, &format!("{kind}\n")),
        ] {
            let ran = gatewayctl(&programs, &format!("--manager {kind} {command}"));
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, out, ""), "{kind} {command}");
        }
        assert_eq!(calls(&programs), expected);
    }
}

#[test]
fn what_does_not_run_or_fails_is_told() {
    for kind in ["systemd", "launchd", "windows"] {
        let programs = stand_ins("echo inactive; echo 'No such unit' >&2; exit 4");
        let status = gatewayctl(&programs, &format!("--manager {kind} -q status coder"));
        assert_eq!((status.code, status.err.as_str()), (3, ""));
        let start = gatewayctl(&programs, &format!("--manager {kind} start coder"));
        assert_eq!(start.code, 1);
        let told = start.err.contains(" failed with 4: No such unit, inactive; see its log for the reason\n");
        assert!(told && start.err.starts_with("error: "), "{}", start.err);

        let empty = directory();
        let missing = gatewayctl(&empty, &format!("--manager {kind} start coder"));
        assert_eq!(missing.code, 1);
        assert!(missing.err.ends_with("no such file or directory; check that it is on PATH\n"), "{}", missing.err);
    }
}

/// On hosts, the word for another service is the name of a profile.
#[test]
fn none_has_a_dashboard() {
    for kind in ["systemd", "launchd", "windows"] {
        let programs = stand_ins("");
        for command in ["start", "stop", "restart", "status", "unregister"] {
            let ran = gatewayctl(&programs, &format!("--manager {kind} {command} service:dashboard"));
            let expected = format!("error: {kind} cannot manage the dashboard, only s6 can; name profiles only\n");
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", expected.as_str()), "{command}");
        }
        for command in ["start", "stop", "restart", "unregister"] {
            let ran = gatewayctl(&programs, &format!("--manager {kind} {command} --all"));
            let expected = format!("error: {kind} cannot list gateways, only s6 can; name profiles instead of --all\n");
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", expected.as_str()), "{command}");
        }
        assert_eq!(calls(&programs), "");
        for word in ["dashboard", "profile:watch"] {
            let ran = gatewayctl(&programs, &format!("--manager {kind} start {word}"));
            assert_eq!(
                (ran.code, ran.out.as_str(), ran.err.as_str()),
                (0, format!("started profile:{}\n", word.trim_start_matches("profile:")).as_str(), "")
            );
        }
        assert!(calls(&programs).contains("dashboard") && calls(&programs).contains("watch"));
    }
}

#[test]
fn none_registers_at_run_time() {
    for kind in ["systemd", "launchd", "windows"] {
        let programs = stand_ins("");
        for command in ["register coder", "unregister coder"] {
            let ran = gatewayctl(&programs, &format!("--manager {kind} {command}"));
            let word = command.split(' ').next().unwrap();
            let expected = format!(
                "error: {kind} cannot {word} a gateway at run time, only s6 can; use `hermes gateway` to install one\n"
            );
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (1, "", expected.as_str()));
        }
        assert_eq!(calls(&programs), "");
    }
    // As another program sees it: a typed error, and an empty list.
    for kind in [Kind::Systemd, Kind::Launchd, Kind::Windows] {
        let host = Host::new(kind, 501).unwrap();
        let gateway = Gateway::resolve_one("coder".parse().unwrap(), Options::default()).unwrap();
        let refused = |result: Result<(), ManagerError>| match result {
            Err(ManagerError::Unsupported(unsupported)) => unsupported.kind == kind,
            _ => false,
        };
        assert!(!host.supports_runtime_registration());
        assert!(refused(host.register_profile_gateway(&gateway)));
        assert!(refused(host.unregister_profile_gateway(gateway.profile()).map(drop)));
        assert_eq!(host.list_profile_gateways().unwrap(), []);
    }
    assert!(Host::new(Kind::S6, 0).is_none());
}

#[test]
fn detection_goes_by_the_signs() {
    let directory = directory();
    let root = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
    let signs = |os| Signs { root: root.clone(), scandir: root.join("run/service"), os };
    let write = |path: &str, text: &str| {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    };
    assert_eq!(detect(&signs("linux")), None);
    assert_eq!(detect(&signs("macos")), Some(Kind::Launchd));
    assert_eq!(detect(&signs("windows")), Some(Kind::Windows));
    write("proc/1/comm", "systemd\n");
    fs::create_dir_all(root.join("run/systemd/system")).unwrap();
    assert_eq!(detect(&signs("linux")), Some(Kind::Systemd));
    // PID 1 alone is not enough, and the directory alone is not enough.
    write("proc/1/comm", "s6-svscan\n");
    assert_eq!(detect(&signs("linux")), Some(Kind::Systemd));
    fs::create_dir_all(root.join("run/s6/basedir")).unwrap();
    assert_eq!(detect(&signs("linux")), Some(Kind::S6));
    write("proc/1/comm", "not-s6-svscan\n");
    assert_eq!(detect(&signs("linux")), Some(Kind::Systemd));
}
