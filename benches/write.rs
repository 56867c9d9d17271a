//! Writing a tree: gen-service, its floor, `tar -x` and `cp -a` of the same tree, and the peers; an unchanged run, and `--check`; and the memory that
//! it takes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Effort, End, Program, builds, in_turn, peak, quiet, remove, run};
use crate::table::{Cell, Column, Row, Table, Unit};
use crate::{floor, peers};

const GEN_SERVICE: &str = env!("CARGO_BIN_EXE_gen-service");

/// The numbers of gateways, and of rounds.
const SIZES: [(usize, usize); 5] = [(1, 60), (10, 40), (100, 20), (1000, 11), (10_000, 9)];

const MANY: usize = 10_000;

/// The number of isolated gateways.
const ISOLATED: usize = 1000;

/// The kind of the gateways.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Shared,
    Isolated,
}

pub(crate) fn bench(directory: &Path, effort: Effort, with_peers: bool, table: &mut Table) {
    let mut peaks = Vec::new();
    for (count, rounds) in SIZES {
        let tree = Tree::make(directory, count, Kind::Shared);
        table.push(Row::new("write", count, tree.write(effort, rounds, with_peers)));
        if count == MANY {
            tree.again(effort, rounds, table);
        }
        if count == 1 || count == MANY {
            peaks.push(tree.peaks());
        }
    }
    let isolated = Tree::make(directory, ISOLATED, Kind::Isolated);
    table.push(Row::new("write, isolated", ISOLATED, isolated.write(effort, 11, false)));
    let grown = |of: &[Row]| {
        Some((of[1].figure(Column::Ours)? - of[0].figure(Column::Ours)?) / f64::from(u32::try_from(MANY - 1).ok()?))
    };
    let note = grown(&peaks).map(|grown| format!("{grown:.2} KiB a gateway")).unwrap_or_default();
    for mut row in peaks {
        if row.count == MANY {
            row.note.clone_from(&note);
        }
        table.push(row);
    }
}

/// This many gateways, in the form that each program needs.
struct Tree<'a> {
    directory: &'a Path,
    count: usize,
    kind: Kind,
    /// The directory into which all of them write.
    out: PathBuf,
    /// A tree that gen-service wrote once.
    wanted: PathBuf,
    /// The same tree in an archive.
    tar: PathBuf,
    /// The files of one gateway, for the floor.
    pack: PathBuf,
}

impl<'a> Tree<'a> {
    fn make(directory: &'a Path, count: usize, kind: Kind) -> Self {
        let path = |name: &str| directory.join(name);
        let tree = Self {
            directory,
            count,
            kind,
            out: path("out"),
            wanted: path("wanted"),
            tar: path("wanted.tar"),
            pack: path("pack"),
        };
        remove(&tree.wanted);
        fs::write(path("gateways.toml"), manifest(count, kind)).unwrap();
        let made = |command| assert!(matches!(run(vec![command]), End::Took(..)));
        made(tree.gen_service(Path::new(GEN_SERVICE), &tree.wanted, &[]));
        let mut tar = quiet("tar");
        tar.arg("-C").arg(&tree.wanted).arg("-cf").arg(&tree.tar).arg(".");
        made(tar);
        // The last gateway. Nearly all names are as long as its name.
        floor::pack(&tree.wanted.join(tree.name(count - 1)), &tree.pack);
        tree
    }

    /// The service directory with this number.
    fn name(&self, number: usize) -> String {
        if self.count == 1 { "gateway-coder".to_owned() } else { format!("gateway-profile-{number}") }
    }

    fn gen_service(&self, build: &Path, out: &Path, more: &[&str]) -> Command {
        let mut command = quiet(build);
        if self.count == 1 {
            command.arg("coder");
        } else {
            command.arg("--manifest").arg(self.directory.join("gateways.toml"));
        }
        command.arg("--out").arg(out).args(more);
        command
    }

    fn floor(&self, numbers: std::ops::Range<usize>) -> Command {
        let name = if self.count == 1 { self.name(0) } else { String::new() };
        floor::command(numbers, &name, &self.pack, &self.out)
    }

    fn write(&self, effort: Effort, rounds: usize, with_peers: bool) -> Vec<(Column, Cell)> {
        let mut programs: Vec<Program> = builds(GEN_SERVICE)
            .into_iter()
            // An older version may not know isolated gateways.
            .filter(|(column, _)| self.kind == Kind::Shared || *column == Column::Ours)
            .map(|(column, build)| Program::new(column, move || self.gen_service(&build, &self.out, &[])))
            .collect();
        programs.push(Program::new(Column::Floor, || self.floor(0..self.count)));
        if self.count > 1 {
            let half = self.count / 2;
            programs.push(Program {
                commands: Box::new(move || vec![self.floor(0..half), self.floor(half..self.count)]),
                ..Program::new(Column::TwoFloors, || unreachable!("two processes"))
            });
        }
        programs.push(Program {
            before: Box::new(|| fs::create_dir(&self.out).unwrap()),
            ..Program::new(Column::Tar, || {
                let mut tar = quiet("tar");
                tar.arg("-C").arg(&self.out).arg("-xf").arg(&self.tar);
                tar
            })
        });
        programs.push(Program::new(Column::Cp, || {
            let mut cp = quiet("cp");
            cp.arg("-a").arg(&self.wanted).arg(&self.out);
            cp
        }));
        if with_peers {
            programs.extend(peers::programs(self.directory, self.count, &self.out));
        }
        let mut cells = in_turn(effort, rounds, &|| remove(&self.out), &programs, &|program| self.look(program));
        remove(&self.out);
        if with_peers {
            peers::missing(&mut cells);
        }
        cells
    }

    /// A program that writes other directories than the rest is wrong. The floor must write exactly the bytes of gen-service.
    fn look(&self, program: &Program) {
        let made = fs::read_dir(&self.out).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            !name.as_encoded_bytes().starts_with(b".")
        });
        assert_eq!(made.count(), self.count, "{}", program.column.name());
        if self.count == 1 && program.column == Column::Floor {
            let checked = run(vec![self.gen_service(Path::new(GEN_SERVICE), &self.out, &["--check"])]);
            assert!(matches!(checked, End::Took(..)), "the floor does not write the bytes of gen-service");
        }
    }

    /// An unchanged run and `--check`, in turn with the first run. Each build has its own tree, because two builds may render differently.
    fn again(&self, effort: Effort, rounds: usize, table: &mut Table) {
        let builds: Vec<_> = builds(GEN_SERVICE)
            .into_iter()
            .map(|(column, build)| (column, build, self.directory.join(format!("out-{}", column.name()))))
            .collect();
        let mut programs = Vec::new();
        for (column, build, out) in &builds {
            programs.push(Program {
                before: Box::new(|| remove(out)),
                ..Program::new(*column, || self.gen_service(build, out, &[]))
            });
        }
        for more in [&[][..], &["--check"]] {
            for (column, build, out) in &builds {
                programs.push(Program::new(*column, move || self.gen_service(build, out, more)));
            }
        }
        let mut cells = in_turn(effort, rounds, &|| {}, &programs, &|_| {}).into_iter();
        let mut row = |task| Row::new(task, self.count, cells.by_ref().take(builds.len()).collect());
        let written = row("write");
        for task in ["write, unchanged", "write --check"] {
            let mut row = row(task);
            if let (Some(it), Some(written)) = (row.figure(Column::Ours), written.figure(Column::Ours)) {
                row.note = format!("{:.2} of writing it", it / written);
            }
            table.push(row);
        }
        for (_, _, out) in &builds {
            remove(out);
        }
    }

    /// The peak memory of each.
    fn peaks(&self) -> Row {
        let mut cells = Vec::new();
        for (column, build) in builds(GEN_SERVICE) {
            remove(&self.out);
            cells.push((column, peak(&self.gen_service(&build, &self.out, &[]))));
        }
        remove(&self.out);
        cells.push((Column::Floor, peak(&self.floor(0..self.count))));
        remove(&self.out);
        Row { unit: Unit::Kibibytes, ..Row::new("peak memory", self.count, cells) }
    }
}

fn manifest(count: usize, kind: Kind) -> String {
    let mut text = String::from("[defaults.env]\nTZ = \"UTC\"\nLOG = \"info\"\n");
    for number in 0..count {
        writeln!(
            text,
            "[gateways.profile-{number}]\nport = {}\nenv = {{ NAME = \"profile {number}\" }}",
            10_000 + number
        )
        .unwrap();
        if kind == Kind::Isolated {
            writeln!(text, "isolated = true\nuid = {}", 20_000 + number).unwrap();
        }
    }
    text
}
