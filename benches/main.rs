//! `cargo bench [-- [PART…] [--quick] [--json FILE]]` prints one table: each row is a task, each column a program that does it.
//!
//! The parts are `write` (a tree), `peers` (other programs that write a tree, in turn with gen-service), `live` (gatewayctl on a live s6-svscan),
//! `boot` (`gatewayctl reconcile`), `container` (from `docker run` to a Hermes that serves) and `replica` (a container of 10, 100 and 490 gateways).
//! Without a part, all of them run. `--quick` runs fewer rounds, for a first look. `--json FILE` also writes the figures to a file, from which
//! `benches/report` makes docs/performance.md.
//!
//! Every program is timed as a whole process, on tmpfs, in turn with the others. A figure is the median of its rounds. A ratio compares two medians
//! of one run. `live` and `boot` need root and Debian's `s6`. `benches/report` installs the programs of `peers`. `container` and `replica` need
//! Docker. With `OLDER=DIR` the gen-service and gatewayctl in that directory take their turn, too.

#![allow(clippy::disallowed_methods, reason = "a bench has no service user")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints its results, and may panic"
)]

mod about;
mod boot;
mod cgroup;
mod container;
mod floor;
mod live;
mod measure;
mod peers;
mod replica;
mod steps;
mod svscan;
mod table;
mod volume;
mod write;

use std::path::PathBuf;
use std::{fs, io};

use measure::Effort;
use table::Table;

const PARTS: [&str; 6] = ["write", "peers", "live", "boot", "container", "replica"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The floor of a task is a separate process, too: this program with other arguments.
    match words.as_slice() {
        ["floor", arguments @ ..] => return floor::main(arguments),
        ["steps", arguments @ ..] => return steps::main(arguments),
        ["serve", arguments @ ..] => return container::main(arguments),
        _ => {}
    }
    let mut asked = Asked::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word {
            // cargo adds this argument.
            "--bench" => {}
            "--quick" => asked.quick = true,
            "--json" => asked.json = Some(words.next().expect("--json takes a file").into()),
            part if PARTS.contains(&part) => asked.parts.push(part),
            other => {
                eprintln!("{other}: not one of {}, --quick, --json FILE", PARTS.join(", "));
                std::process::exit(2);
            }
        }
    }
    let about = about::about();
    println!("{}\n", about::line(&about));
    let directory = tempfile::Builder::new().prefix("gen-service-bench-").tempdir_in("/dev/shm").unwrap();
    let effort = Effort { quick: asked.quick };
    let mut table = Table::default();
    if asked.has("write") || asked.has("peers") {
        write::bench(directory.path(), effort, asked.has("peers"), &mut table);
    }
    if asked.has("live") {
        live::bench(directory.path(), effort, &mut table);
    }
    if asked.has("boot") {
        boot::bench(directory.path(), effort, &mut table);
    }
    if asked.has("container") {
        container::bench(effort, &mut table);
    }
    if asked.has("replica") {
        replica::bench(directory.path(), effort, &mut table);
    }
    table.print(&mut io::stdout()).unwrap();
    if let Some(file) = asked.json {
        let document = serde_json::json!({ "about": about, "quick": asked.quick, "table": table.json() });
        fs::write(file, serde_json::to_string_pretty(&document).unwrap() + "\n").unwrap();
    }
}

#[derive(Default)]
struct Asked<'a> {
    parts: Vec<&'a str>,
    quick: bool,
    json: Option<PathBuf>,
}

impl Asked<'_> {
    fn has(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}
