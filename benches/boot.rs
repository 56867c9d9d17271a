//! `HERMES_PYTHON=/path/to/venv/bin/python cargo bench --bench boot`, as root: `gatewayctl reconcile` of 200 profiles, beside
//! `hermes_cli.container_boot` of the hermes-agent that this Python has. Both as processes, on the same volume, each into an empty
//! scandir that no s6-svscan watches yet, as at a boot, and in turn; then ours alone with a live one (Debian's `s6`), whose 402
//! supervisors it waits for. On tmpfs; the ratio is of medians within one run. With `OLDER=DIR` the gatewayctl in that directory takes its
//! turn, too.

#![allow(clippy::disallowed_methods, reason = "a bench has no service user")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench talks, and may fail where it stands")]

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::fs::{Mode, OFlags};

const GATEWAYCTL: &str = env!("CARGO_BIN_EXE_gatewayctl");
const MANY: usize = 200;
const ROUNDS: usize = 20;

/// Whose the volume is; there is one on every Debian.
const USER: (&str, u32) = ("nobody", 65534);

fn main() {
    let directory = Path::new("/dev/shm").join(format!("gatewayctl-bench-{}", std::process::id()));
    let (home, scandir, manifest) =
        (directory.join("home"), directory.join("scandir"), directory.join("gateways.toml"));
    fs::create_dir(&directory).unwrap();
    volume(&home);
    fs::write(&manifest, format!("[defaults]\nuser = \"{}\"\nhermes-cli = \"run\"\nhermes = \"/bin/true\"\n", USER.0))
        .unwrap();

    let older =
        std::env::var_os("OLDER").map_or_else(|| GATEWAYCTL.into(), |older| Path::new(&older).join("gatewayctl"));
    let call = |build: &Path| {
        let mut command = Command::new(build);
        command.args(["--quiet", "--timeout", "60", "--s6-bin-dir", "/usr/bin", "--scandir"]).arg(&scandir);
        command.args(["reconcile", "--hermes-home"]).arg(&home).arg("--manifest").arg(&manifest);
        command
    };
    let python = std::env::var_os("HERMES_PYTHON");
    let theirs = || {
        let mut command = Command::new(python.as_ref()?);
        command.args(["-m", "hermes_cli.container_boot"]);
        command.env("HERMES_HOME", &home).env("S6_PROFILE_GATEWAY_SCANDIR", &scandir);
        Some(command)
    };
    let fresh = || {
        let _ = fs::remove_dir_all(&scandir);
        fs::create_dir(&scandir).unwrap();
    };
    let ours = || call(Path::new(GATEWAYCTL));
    let (mut own, mut other, mut live, mut olds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for which in [round % 2, (round + 1) % 2] {
            fresh();
            if which == 0 {
                own.push(time(&mut ours(), &scandir));
            } else {
                olds.push(time(&mut call(&older), &scandir));
            }
        }
        fresh();
        other.extend(theirs().map(|mut command| time(&mut command, &scandir)));
    }
    // Apart: what is left of an s6-svscan takes the processor for a while.
    for _ in 0..ROUNDS / 2 {
        fresh();
        let mut svscan = Command::new("sh");
        svscan.args(["-c", "ulimit -n 8192; exec s6-svscan -c 1000 \"$0\""]).arg(&scandir);
        let mut svscan = svscan.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while rustix::fs::open(scandir.join(".s6-svscan/control"), OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty())
            .is_err()
        {
            std::thread::yield_now();
        }
        live.push(time(&mut ours(), &scandir));
        assert!(Command::new("s6-svscanctl").arg("-t").arg(&scandir).status().unwrap().success());
        svscan.wait().unwrap();
    }
    let (own, live) = (median(&mut own), median(&mut live));
    println!("reconcile of {MANY} profiles: {own:.1} ms; with a live s6-svscan {live:.1} ms");
    println!("the older build, or the same one again: {:.1} ms", median(&mut olds));
    if other.is_empty() {
        println!("HERMES_PYTHON is not set: there is nothing to compare with");
    } else {
        let other = median(&mut other);
        println!("hermes_cli.container_boot: {other:.1} ms, {:.1} times as long", other / own);
    }
    fs::remove_dir_all(&directory).unwrap();
}

/// A volume with as many profiles, all of them down, so that what gateways take is no matter here.
fn volume(home: &Path) {
    let own = |path: &Path| chown(path, Some(USER.1), Some(USER.1)).unwrap();
    for number in 0..MANY {
        let profile = home.join(format!("profiles/profile-{number}"));
        fs::create_dir_all(&profile).unwrap();
        for (file, text) in
            [("SOUL.md", ""), ("gateway_state.json", r#"{"kind":"hermes-gateway","gateway_state":"stopped"}"#)]
        {
            fs::write(profile.join(file), text).unwrap();
            own(&profile.join(file));
        }
        own(&profile);
    }
    own(home);
    own(&home.join("profiles"));
}

fn time(command: &mut Command, scandir: &Path) -> f64 {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    let took = began.elapsed().as_secs_f64() * 1000.0;
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let made = fs::read_dir(scandir).unwrap().filter(|entry| entry.as_ref().unwrap().path().join("run").exists());
    assert_eq!(made.count(), MANY + 1, "{command:?}");
    took
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
