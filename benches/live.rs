//! gatewayctl on a live s6-svscan, beside the bare steps. The gateways are down, so their own start does not count.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Effort, builds, quiet, time};
use crate::steps;
use crate::svscan::{S6, Svscan, lacking};
use crate::table::{Cell, Column, Row, Table};

pub(crate) const GATEWAYCTL: &str = env!("CARGO_BIN_EXE_gatewayctl");
const GEN_SERVICE: &str = env!("CARGO_BIN_EXE_gen-service");
const MANY: usize = 400;
const ROUNDS: usize = 40;

pub(crate) fn bench(directory: &Path, effort: Effort, table: &mut Table) {
    if let Some(why) = lacking() {
        for (task, count) in [("register", 1), ("unregister", 1), ("install", MANY), ("status", MANY)] {
            table.push(Row::new(task, count, vec![(Column::Ours, Cell::None(why))]));
        }
        return;
    }
    let scandir = directory.join("scandir");
    let (one, many) = (directory.join("one"), directory.join("many"));
    let names: Vec<String> = (0..MANY).map(|number| format!("p{number}")).collect();
    render(&["bench".to_owned()], &one);
    render(&names, &many);
    let builds = builds(GATEWAYCTL);
    let gatewayctl = |build: &PathBuf, words: &[&str]| {
        let mut command = gatewayctl(build, &scandir);
        command.args(words);
        command
    };
    let svscan = Svscan::start(&scandir);

    let (mut registers, mut unregisters) = (Times::new(&builds), Times::new(&builds));
    let mut isolated = Times::new(&builds[..1]);
    for _ in 0..effort.rounds(ROUNDS) {
        registers.time(Column::Floor, steps::command("register", &scandir, &one));
        unregisters.time(Column::Floor, steps::command("unregister", &scandir, &one));
        for (column, build) in &builds {
            registers.time(*column, gatewayctl(build, &["register", "bench", "--down"]));
            unregisters.time(*column, gatewayctl(build, &["unregister", "bench"]));
        }
        // This uses the new build, because an older one may not know the option.
        isolated.time(builds[0].0, gatewayctl(&builds[0].1, &["register", "bench", "--down", "--isolated"]));
        time(gatewayctl(&builds[0].1, &["unregister", "bench"]));
    }
    table.push(registers.row("register", 1));
    table.push(isolated.row("register, isolated", 1));
    table.push(unregisters.row("unregister", 1));

    let mut svscan = svscan.anew();
    let (mut installs, mut statuses) = (Times::new(&builds), Times::new(&builds));
    for _ in 0..effort.rounds(7) {
        installs.time(Column::Floor, steps::command("install", &scandir, &many));
        for _ in 0..3 {
            statuses.time(Column::Floor, steps::command("status", &scandir, &many));
            for (column, build) in &builds {
                statuses.time(*column, gatewayctl(build, &["status"]));
            }
        }
        svscan = svscan.anew();
        for (column, build) in &builds {
            installs.time(*column, gatewayctl(build, &["install", many.to_str().unwrap()]));
            svscan = svscan.anew();
        }
    }
    table.push(installs.row("install", MANY));
    table.push(statuses.row("status", MANY));
}

/// A gatewayctl that waits long enough, without a command yet.
pub(crate) fn gatewayctl(build: &Path, scandir: &Path) -> Command {
    let mut command = quiet(build);
    command.args(["--quiet", "--timeout", "50", "--s6-bin-dir", S6, "--scandir"]).arg(scandir);
    command
}

fn render(names: &[String], tree: &Path) {
    let mut command = quiet(GEN_SERVICE);
    command.args(names).args(["--down", "--out"]).arg(tree);
    time(command);
}

/// The times of each program. The caller puts the runs in turn.
pub(crate) struct Times(Vec<(Column, Vec<f64>)>);

impl Times {
    pub(crate) fn new(builds: &[(Column, PathBuf)]) -> Self {
        let columns = builds.iter().map(|(column, _)| *column).chain([Column::Floor]);
        Self(columns.map(|column| (column, Vec::new())).collect())
    }

    pub(crate) fn time(&mut self, column: Column, command: Command) {
        let took = time(command);
        self.0.iter_mut().find(|(of, _)| *of == column).unwrap().1.push(took);
    }

    pub(crate) fn row(self, task: &'static str, count: usize) -> Row {
        let cells = self.0.into_iter().filter(|(_, times)| !times.is_empty());
        Row::new(task, count, cells.map(|(column, times)| (column, Cell::median(times))).collect())
    }
}
