//! Times programs in turn, each as a whole process.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::table::{Cell, Column};

/// A program that takes longer than this is stopped, and the table says so.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The time limit for all rounds of one program, if there are enough of them.
const SHARE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) quick: bool,
}

impl Effort {
    /// The number of rounds, or fewer for a first look.
    pub(crate) fn rounds(self, rounds: usize) -> usize {
        if self.quick { rounds.min(3) } else { rounds }
    }

    /// The number of rounds for a program that takes so long. A slow program runs fewer rounds than the others.
    fn of(self, took: f64, rounds: usize) -> usize {
        let least = if self.quick { 1 } else { 3 };
        let most =
            (1..=rounds).take_while(|round| took * f64::from(u32::try_from(*round).unwrap()) < ms(SHARE)).count();
        most.clamp(least.min(rounds), rounds)
    }
}

/// A program that takes its turn.
pub(crate) struct Program<'a> {
    pub(crate) column: Column,
    /// The processes, side by side. Usually one.
    pub(crate) commands: Box<dyn Fn() -> Vec<Command> + 'a>,
    /// The preparation before it runs.
    pub(crate) before: Box<dyn Fn() + 'a>,
    /// If the program measures itself, too, the column for the milliseconds that it prints.
    pub(crate) printed: Option<Column>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(column: Column, command: impl Fn() -> Command + 'a) -> Self {
        Self { column, commands: Box::new(move || vec![command()]), before: Box::new(|| {}), printed: None }
    }
}

/// The times of each program, in turn, with `before` ahead of each run. The first round does not count, but `after` looks at its result.
pub(crate) fn in_turn(
    effort: Effort,
    rounds: usize,
    before: &dyn Fn(),
    programs: &[Program],
    after: &dyn Fn(&Program),
) -> Vec<(Column, Cell)> {
    let rounds = effort.rounds(rounds);
    let mut turns: Vec<Turns> = programs.iter().map(|_| Turns { left: rounds, ..Turns::default() }).collect();
    for round in 0..=rounds {
        // The first program differs from round to round, so none has an advantage.
        for index in (0..programs.len()).map(|index| (index + round) % programs.len()) {
            let (program, turns) = (&programs[index], &mut turns[index]);
            if turns.left == 0 {
                continue;
            }
            let once = || {
                before();
                (program.before)();
                // The kernel still cleans up after the last program. No program should pay for that.
                sleep(Duration::from_millis(10));
                run((program.commands)())
            };
            // A quick program first runs without being timed, so that it finds its own caches.
            if turns.quick {
                once();
            }
            match once() {
                End::Took(took, _) if round == 0 => {
                    after(program);
                    turns.left = effort.of(took, rounds);
                    turns.quick = took < 50.0;
                }
                End::Took(took, printed) => {
                    turns.left -= 1;
                    turns.times.push(took);
                    turns.printed.extend(printed.trim().parse::<f64>());
                }
                End::None(why) => {
                    assert!(program.column.is_other(), "{}: {why}", program.column.name());
                    eprintln!("{why}: {:?}", (program.commands)());
                    turns.left = 0;
                    turns.why = Some(why);
                }
            }
        }
    }
    let mut cells = Vec::new();
    for (program, turns) in programs.iter().zip(turns) {
        if let Some(column) = program.printed {
            cells.push((column, turns.why.map_or_else(|| Cell::median(turns.printed), Cell::None)));
        }
        cells.push((program.column, turns.why.map_or_else(|| Cell::median(turns.times), Cell::None)));
    }
    cells
}

#[derive(Default)]
struct Turns {
    left: usize,
    quick: bool,
    times: Vec<f64>,
    printed: Vec<f64>,
    why: Option<&'static str>,
}

/// The end of a run: its milliseconds and its output, or the reason why there is no figure.
pub(crate) enum End {
    Took(f64, String),
    None(&'static str),
}

/// Runs these processes side by side until the last one has ended.
pub(crate) fn run(commands: Vec<Command>) -> End {
    let began = Instant::now();
    let mut children: Vec<Child> = Vec::with_capacity(commands.len());
    for mut command in commands {
        match command.spawn() {
            Ok(child) => children.push(child),
            Err(error) => {
                eprintln!("{command:?}: {error}");
                return End::None("not here");
            }
        }
    }
    let mut why = None;
    for child in &mut children {
        if !ends(child, LIMIT.saturating_sub(began.elapsed())) {
            child.kill().unwrap();
            why = Some("over 60 s");
        }
        // `gatewayctl status` ends with 3, because all gateways are down.
        if !matches!(child.wait().unwrap().code(), Some(0 | 3)) {
            why = why.or(Some("failed"));
        }
    }
    let took = ms(began.elapsed());
    let mut printed = String::new();
    for pipe in children.iter_mut().filter_map(|child| child.stdout.as_mut()) {
        pipe.read_to_string(&mut printed).unwrap();
    }
    why.map_or(End::Took(took, printed), End::None)
}

/// Runs a program that must succeed, and returns its milliseconds.
pub(crate) fn time(command: Command) -> f64 {
    let told = format!("{command:?}");
    match run(vec![command]) {
        End::Took(took, _) => took,
        End::None(why) => panic!("{told}: {why}"),
    }
}

fn ends(child: &Child, limit: Duration) -> bool {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
    let limit = Timespec { tv_sec: limit.as_secs().try_into().unwrap(), tv_nsec: limit.subsec_nanos().into() };
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).unwrap() > 0
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A program without its output. Its errors are shown.
pub(crate) fn quiet(program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new(program.into());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// This program, called in another way.
pub(crate) fn itself(words: &[&str]) -> Command {
    let mut command = quiet(std::env::current_exe().unwrap());
    command.args(words);
    command
}

/// This build of a program, and the older one to compare it with.
pub(crate) fn builds(ours: &str) -> Vec<(Column, PathBuf)> {
    let older = std::env::var_os("OLDER")
        .map(|directory| (Column::Older, Path::new(&directory).join(Path::new(ours).file_name().unwrap())));
    [(Column::Ours, PathBuf::from(ours))].into_iter().chain(older).collect()
}

/// The largest resident memory of a process, in KiB. GNU time measures it, so the memory of this process does not count.
pub(crate) fn peak(command: &Command) -> Cell {
    let mut time = quiet("/usr/bin/time");
    time.args(["-q", "-f", "%M"]).arg(command.get_program()).args(command.get_args());
    let Ok(output) = time.output() else { return Cell::None("no `time`") };
    let told = String::from_utf8_lossy(&output.stderr).lines().last().and_then(|line| line.trim().parse().ok());
    told.map_or(Cell::None("failed"), |peak| Cell::median(vec![peak]))
}

/// Removes what a run has left.
pub(crate) fn remove(path: &Path) {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", path.display()),
        _ => {}
    }
}
