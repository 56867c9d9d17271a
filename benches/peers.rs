//! Other programs that write a directory for each gateway. `benches/report` installs them. If a program is missing, the table says so. Each program
//! gets its input in its own form, and writes into a directory that does not exist yet.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::{Program, quiet};
use crate::table::{Cell, Column};

/// The Python that has Hermes.
pub(crate) fn hermes() -> PathBuf {
    installed("hermes-agent/bin/python")
}

fn honcho() -> PathBuf {
    installed("honcho/bin/honcho")
}

fn foreman() -> PathBuf {
    PathBuf::from("/usr/bin/foreman")
}

fn installed(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(program)
}

/// The installed programs, with the command that writes this number of gateways.
pub(crate) fn programs<'a>(directory: &'a Path, count: usize, out: &'a Path) -> Vec<Program<'a>> {
    let procfile = directory.join("Procfile");
    let mut text = String::new();
    for number in 0..count {
        writeln!(text, "profile-{number}: hermes -p profile-{number} gateway run").unwrap();
    }
    fs::write(&procfile, text).unwrap();
    let export = move |program: PathBuf| {
        let procfile = procfile.clone();
        move || {
            let mut command = quiet(&program);
            command.args(["export", "runit"]).arg(out).arg("-f").arg(&procfile);
            command.args(["-a", "gateway", "-u", "nobody", "-l"]).arg(directory.join("logs"));
            // honcho prints on standard error what it writes.
            command.stderr(Stdio::null());
            if program == foreman() {
                // It makes this directory, too, which would otherwise be below /var/run.
                command.arg("-r").arg(directory.join("pids"));
            }
            command
        }
    };
    let register = move || -> Command {
        let mut command = quiet(hermes());
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/hermes.py")).arg(count.to_string()).arg(out);
        command.stdout(Stdio::piped());
        command
    };
    let mut programs = vec![
        Program::new(Column::Foreman, export(foreman())),
        Program::new(Column::Honcho, export(honcho())),
        Program { printed: Some(Column::HermesLoop), ..Program::new(Column::Hermes, register) },
    ];
    programs.retain(|program| is_here(program.column));
    programs
}

/// Says of each missing program that it is missing.
pub(crate) fn missing(cells: &mut Vec<(Column, Cell)>) {
    for column in [Column::Foreman, Column::Honcho, Column::Hermes, Column::HermesLoop] {
        if !is_here(column) {
            cells.push((column, Cell::None("not here")));
        }
    }
}

fn is_here(column: Column) -> bool {
    match column {
        Column::Foreman => foreman().exists(),
        Column::Honcho => honcho().exists(),
        _ => hermes().exists(),
    }
}
