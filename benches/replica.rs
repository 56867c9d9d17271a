//! One replica: a container of the image, target `volume`, whose volume has 10, 100 or 490 profiles that ran. Hermes is `sleep` there, so the figures
//! show everything except Hermes: the time from `docker run` until each gateway is up with its logger, the memory of s6, the time of commands, and
//! `docker stop`. Then comes one of 25 replicas that share a manifest of 10,000 gateways, and at last 10 and 100 gateways of the real Hermes.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::Instant;

use crate::cgroup::{cpu, idle, memory, pss, tasks};
use crate::container::{NAME, docker, image, remove};
use crate::measure::{Effort, ms};
use crate::table::{Cell, Column, Row, Table, Unit};
use crate::volume::profile;

/// s6-svscan has slots for 490 gateways, beside the services of the image.
const SIZES: [usize; 3] = [10, 100, 490];

/// The numbers of gateways of the real Hermes. 100 take 8 GiB.
const REAL: [usize; 2] = [10, 100];

/// The owner of a volume: the image's service user.
const USER: u32 = 10000;

const HERMES: &str = "/opt/hermes/.venv/bin/hermes";

/// The stand-in for Hermes: a gateway sleeps, and a new profile is a directory.
const STAND_IN: &str = "#!/bin/sh
case $1 in
  profile) mkdir -p \"$HERMES_HOME/profiles/$3\" && touch \"$HERMES_HOME/profiles/$3/SOUL.md\" ;;
  *) exec sleep infinity ;;
esac
";

/// Waits until all gateways are well, after the first five seconds of each. One look each second takes little time from the gateways.
const WELL: &str = "until gatewayctl health >/dev/null; do sleep 1; done";

/// Each command: its name in the table, and its command line.
const COMMANDS: [(&str, &str); 6] = [
    ("replica: list", "gatewayctl list"),
    ("replica: status", "gatewayctl status"),
    ("replica: health --live", "gatewayctl health --live"),
    ("replica: health", "gatewayctl health"),
    ("replica: metrics", "gatewayctl metrics"),
    ("replica: reconcile", "gatewayctl reconcile"),
];

pub(crate) fn bench(directory: &Path, effort: Effort, table: &mut Table) {
    let image = match image() {
        Ok(image) => image,
        Err(why) => return table.push(Row::new("replica: boot", SIZES[0], vec![(Column::Ours, Cell::None(why))])),
    };
    let hermes = directory.join("hermes");
    fs::write(&hermes, STAND_IN).unwrap();
    fs::set_permissions(&hermes, fs::Permissions::from_mode(0o755)).unwrap();
    let instead = format!("--volume={}:{HERMES}:ro", hermes.display());
    let rows = SIZES.iter().map(|count| size(directory, effort, &image, &instead, *count)).collect();
    by_task(rows, table);
    share(directory, &image, &instead, table);
    let rows = REAL.iter().map(|count| real(directory, &image, *count)).collect();
    by_task(rows, table);
}

/// The rows of each size, sorted so that the sizes of one task are below each other.
fn by_task(sizes: Vec<Vec<Row>>, table: &mut Table) {
    let mut sizes: Vec<_> = sizes.into_iter().map(Vec::into_iter).collect();
    while let Some(of_task) = sizes.iter_mut().map(Iterator::next).collect::<Option<Vec<Row>>>() {
        for row in of_task {
            table.push(row);
        }
    }
}

/// All measurements of one size.
fn size(directory: &Path, effort: Effort, image: &str, instead: &str, count: usize) -> Vec<Row> {
    let (mut boots, mut stops) = (Vec::new(), Vec::new());
    let mut rows = Vec::new();
    let rounds = effort.rounds(3);
    for round in 0..rounds {
        let home = directory.join(format!("replica-{count}-{round}"));
        volume(&home, count);
        let manifest = manifest(directory, "", (0..count).map(|number| (name(number), String::new())));
        let began = Instant::now();
        start(&[&mounted(&home), &manifest, instead, image]);
        inside(&format!("until [ \"$(pgrep -xc sleep)\" -ge {count} ]; do sleep 0.05; done"));
        boots.push(ms(began.elapsed()));
        // If the process of a gateway runs, its logger runs, too, because s6 starts the logger first.
        inside("gatewayctl --quiet status $(gatewayctl list) >/dev/null");
        if round + 1 == rounds {
            rows = looked(count);
        }
        let began = Instant::now();
        docker(&["stop", "--time", "120", NAME]);
        stops.push(ms(began.elapsed()));
        remove();
        crate::measure::remove(&home);
    }
    rows.insert(0, row("replica: boot", count, Unit::Milliseconds, boots));
    rows.push(row("replica: docker stop", count, Unit::Milliseconds, stops));
    rows
}

/// The figures of a running container.
fn looked(count: usize) -> Vec<Row> {
    // Then its first seconds are over, and `health` has no problem to report.
    inside(WELL);
    let mut rows = Vec::new();
    let supervision = pss(|name| name.starts_with("s6-"));
    rows.push(row("replica: memory of s6", count, Unit::Kibibytes, vec![supervision]));
    rows.push(row("replica: memory of the container", count, Unit::Kibibytes, vec![memory()]));
    rows.push(row("replica: /run", count, Unit::Kibibytes, vec![number("du -skx /run | cut -f 1")]));
    rows.push(row("replica: processes and threads", count, Unit::Count, vec![tasks()]));
    let svscan = "ls \"/proc/$(pgrep -xo s6-svscan)/fd\" | wc -l";
    rows.push(row("replica: descriptors of s6-svscan", count, Unit::Count, vec![number(svscan)]));
    for (task, command) in COMMANDS {
        rows.push(row(task, count, Unit::Milliseconds, times(command)));
    }
    rows.push(row("replica: processor a second, idle", count, Unit::Milliseconds, vec![idle()]));
    rows
}

/// The first of 25 replicas with a manifest of 10,000, whose volume is empty.
fn share(directory: &Path, image: &str, instead: &str, table: &mut Table) {
    let home = directory.join("replica-share");
    volume(&home, 1);
    let manifest = manifest(directory, "", (0..10_000).map(|number| (name(number), String::new())));
    let began = Instant::now();
    start(&[&mounted(&home), &manifest, "--env=GATEWAYS_SHARD=0/25", "--env=GATEWAYS_CREATE=true", instead, image]);
    inside(WELL);
    let boot = ms(began.elapsed());
    let count = inside("gatewayctl list").lines().count();
    table.push(row("share: until all are well", count, Unit::Milliseconds, vec![boot]));
    table.push(row("share: reconcile", count, Unit::Milliseconds, times("gatewayctl reconcile")));
    remove();
}

/// This many gateways of the real Hermes, each with its API server.
fn real(directory: &Path, image: &str, count: usize) -> Vec<Row> {
    let home = directory.join(format!("replica-real-{count}"));
    volume(&home, count);
    let manifest = manifest(
        directory,
        "env = { API_SERVER_KEY = \"a-key-of-a-bench-0123456789\" }\n",
        (0..count).map(|number| (name(number), format!("port = {}\n", 8642 + number))),
    );
    let began = Instant::now();
    start(&[&mounted(&home), &manifest, image]);
    inside(WELL);
    let boot = ms(began.elapsed());
    let each = |total: f64| total / f64::from(u32::try_from(count).unwrap());
    let row = |task, unit, figure| row(task, count, unit, vec![figure]);
    let hermes = || pss(|name| !name.starts_with("s6-") && name != "gatewayctl");
    let mut rows = vec![
        row("Hermes: until all are well", Unit::Milliseconds, boot),
        row("Hermes: processor until then, each", Unit::Milliseconds, each(cpu())),
        row("Hermes: its memory, each", Unit::Kibibytes, each(hermes())),
        row("Hermes: memory of the container, each", Unit::Kibibytes, each(memory())),
        row("Hermes: processes and threads, each", Unit::Count, each(tasks())),
    ];
    rows.push(self::row("Hermes: health", count, Unit::Milliseconds, times("gatewayctl health")));
    rows.push(row("Hermes: processor a second, idle, each", Unit::Milliseconds, each(idle())));
    let spent = cpu();
    inside("hermes profile create another >/dev/null");
    rows.push(row("Hermes: processor for profile create", Unit::Milliseconds, cpu() - spent));
    let began = Instant::now();
    docker(&["stop", "--time", "120", NAME]);
    rows.push(row("Hermes: docker stop", Unit::Milliseconds, ms(began.elapsed())));
    remove();
    crate::measure::remove(&home);
    rows
}

/// A container without a health check, because `health` is measured separately. `/run` is in memory, as in Kubernetes, so the speed of Docker's
/// layers does not matter.
fn start(words: &[&str]) {
    let usual = ["run", "--detach", "--no-healthcheck", "--tmpfs=/run:exec", "--name", NAME];
    docker(&[&usual, words].concat());
}

fn mounted(home: &Path) -> String {
    format!("--volume={}:/opt/data", home.display())
}

/// The manifest of the image with these gateways, mounted at its place in the image.
fn manifest(directory: &Path, defaults: &str, gateways: impl Iterator<Item = (String, String)>) -> String {
    let file = directory.join("replica.toml");
    let mut text = format!("[defaults]\nhermes-cli = \"run\"\nlog-to = \"both\"\n{defaults}");
    for (name, keys) in gateways {
        writeln!(text, "[gateways.{name}]\n{keys}").unwrap();
    }
    fs::write(&file, text).unwrap();
    format!("--volume={}:/etc/gateways.toml:ro", file.display())
}

fn row(task: &'static str, count: usize, unit: Unit, figures: Vec<f64>) -> Row {
    Row { unit, ..Row::new(task, count, vec![(Column::Ours, Cell::median(figures))]) }
}

/// A volume with this many profiles that ran. One of them is the root profile.
fn volume(home: &Path, count: usize) {
    let profiles = home.join("profiles");
    for number in 0..count {
        let directory = if number == 0 { home.to_owned() } else { profiles.join(name(number)) };
        profile(&directory, USER, "running");
    }
    fs::create_dir_all(&profiles).unwrap();
    chown(&profiles, Some(USER), Some(USER)).unwrap();
}

fn name(number: usize) -> String {
    if number == 0 { "default".to_owned() } else { format!("profile-{number}") }
}

/// The output of a script in the container.
fn inside(script: &str) -> String {
    docker(&["exec", NAME, "bash", "-ec", script])
}

fn number(script: &str) -> f64 {
    inside(script).trim().parse().unwrap()
}

/// The milliseconds of a command in the container, ten times, without the time of the program that starts it there.
fn times(command: &str) -> Vec<f64> {
    let script = format!(
        "for i in 0 1 2 3 4 5 6 7 8 9 10; do a=${{EPOCHREALTIME/./}}; {command} >/dev/null 2>&1 || [ $? -eq 3 ]; b=${{EPOCHREALTIME/./}}; echo $((b - a)); done"
    );
    // The first run finds no caches.
    inside(&script).lines().skip(1).map(|took| took.parse::<f64>().unwrap() / 1000.0).collect()
}
