//! `gatewayctl reconcile` of a volume with 200 profiles and the default one. First, as at a boot, no s6-svscan watches the scandir yet. This runs in
//! turn with `hermes_cli.container_boot` of hermes-agent on a volume of the same kind. Then s6-svscan is live, and reconcile waits for its 402
//! supervisors, beside the bare steps that install the same tree.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::live::{GATEWAYCTL, Times, gatewayctl};
use crate::measure::{Effort, Program, builds, in_turn, quiet, remove, time};
use crate::svscan::{Svscan, lacking};
use crate::table::{Cell, Column, Row, Table};
use crate::volume::profile;
use crate::{peers, steps};

const PROFILES: usize = 200;
const GATEWAYS: usize = PROFILES + 1;

/// The user who owns the volume. Every Debian has this user.
const USER: (&str, u32) = ("nobody", 65534);

pub(crate) fn bench(directory: &Path, effort: Effort, table: &mut Table) {
    let tasks = ["reconcile", "reconcile, live"];
    if let Some(why) = lacking() {
        for task in tasks {
            table.push(Row::new(task, GATEWAYS, vec![(Column::Ours, Cell::None(why))]));
        }
        return;
    }
    let (home, scandir, tree) = (directory.join("home"), directory.join("scandir"), directory.join("reconciled"));
    // Hermes runs as root, and leaves files there to which reconcile could not write as the service user.
    let other_home = directory.join("other-home");
    let manifest = directory.join("reconcile.toml");
    volume(&home);
    volume(&other_home);
    fs::write(&manifest, format!("[defaults]\nuser = \"{}\"\nhermes-cli = \"run\"\nhermes = \"/bin/true\"\n", USER.0))
        .unwrap();
    let builds = builds(GATEWAYCTL);
    let reconcile = |build: &Path, scandir: &Path| {
        let mut command = gatewayctl(build, scandir);
        command.args(["reconcile", "--hermes-home"]).arg(&home).arg("--manifest").arg(&manifest);
        command
    };
    let theirs = || {
        let mut command = quiet(peers::hermes());
        command.args(["-m", "hermes_cli.container_boot"]);
        command.env("HERMES_HOME", &other_home).env("S6_PROFILE_GATEWAY_SCANDIR", &scandir);
        command
    };
    let fresh = || {
        remove(&scandir);
        fs::create_dir(&scandir).unwrap();
    };

    let mut programs: Vec<Program> = builds
        .iter()
        .map(|(column, build)| {
            let (build, scandir) = (build.as_path(), scandir.as_path());
            Program::new(*column, move || reconcile(build, scandir))
        })
        .collect();
    if peers::hermes().exists() {
        programs.push(Program::new(Column::Hermes, theirs));
    }
    let look = |program: &Program| {
        let made = fs::read_dir(&scandir).unwrap().filter(|entry| entry.as_ref().unwrap().path().join("run").exists());
        assert_eq!(made.count(), GATEWAYS, "{}", program.column.name());
    };
    let mut cells = in_turn(effort, 20, &fresh, &programs, &look);
    if !peers::hermes().exists() {
        cells.push((Column::Hermes, Cell::None("not here")));
    }
    table.push(Row::new(tasks[0], GATEWAYS, cells));

    // These are separate, because the end of an s6-svscan keeps the processor busy for a while.
    fs::create_dir(&tree).unwrap();
    time(reconcile(Path::new(GATEWAYCTL), &tree));
    let mut times = Times::new(&builds);
    for _ in 0..effort.rounds(10) {
        let alone = || {
            sleep(Duration::from_millis(100));
            Svscan::start(&scandir)
        };
        let svscan = alone();
        times.time(Column::Floor, steps::command("install", &scandir, &tree));
        drop(svscan);
        for (column, build) in &builds {
            let svscan = alone();
            times.time(*column, reconcile(build, &scandir));
            drop(svscan);
        }
    }
    table.push(times.row(tasks[1], GATEWAYS));
}

/// A volume with as many profiles, all of them down, so that the gateways themselves cost nothing here.
fn volume(home: &Path) {
    let own = |path: &Path| chown(path, Some(USER.1), Some(USER.1)).unwrap();
    for number in 0..PROFILES {
        profile(&home.join(format!("profiles/profile-{number}")), USER.1, "stopped");
    }
    own(home);
    own(&home.join("profiles"));
}
