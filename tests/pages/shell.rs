//! Types the commands of a page into one shell, so that a later command has what an earlier one left there.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Block, assert_shown, shows};

/// How long a state is waited for that a page shows.
const PATIENCE: Duration = Duration::from_secs(180);

/// A command of a page.
#[derive(Debug)]
pub(crate) struct Step {
    /// Where it stands.
    place: String,
    command: String,
    /// What it prints there. A block of `sh` shows no output, so there it has to succeed.
    output: Option<String>,
}

/// The commands of a block: those after `$ ` in a session, and otherwise each line, with those that a backslash adds to it.
pub(crate) fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut goes_on = false;
    for (index, line) in block.text.lines().enumerate() {
        let place = || format!("{}:{}", block.page, block.line + 1 + index);
        let session = block.language == "console";
        if goes_on {
            let command = &mut steps.last_mut().unwrap().command;
            write!(command, "\n{line}").unwrap();
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| session) {
            steps.push(Step { place: place(), command: command.to_owned(), output: Some(String::new()) });
        } else if session {
            let step = steps.last_mut().unwrap_or_else(|| panic!("{}: a session begins with `$ `", block.place()));
            writeln!(step.output.as_mut().unwrap(), "{line}").unwrap();
            continue;
        } else if !line.is_empty() {
            steps.push(Step { place: place(), command: line.to_owned(), output: None });
        }
        goes_on = line.ends_with('\\');
    }
    steps
}

impl Step {
    /// Whether it only looks: then it is repeated until it shows the state that the page shows, as a person does.
    fn only_looks(&self) -> bool {
        let looks = [
            "gatewayctl status",
            "gatewayctl health",
            "gatewayctl logs",
            "gatewayctl doctor",
            "gatewayctl -q doctor",
            "gatewayctl metrics",
            "docker ps",
            "docker logs",
            "curl ",
        ];
        looks.iter().any(|looks| self.command.contains(looks))
    }
}

/// A shell that reads commands, until this is dropped.
pub(crate) struct Shell {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where the shell finds what it is to do, and leaves what that printed; and the same from inside.
    exchange: PathBuf,
    inside: String,
}

impl Shell {
    /// Of this command, which starts a POSIX shell that reads its standard input, and for which the directory `exchange` is `inside`.
    pub(crate) fn of(mut command: Command, exchange: &Path, inside: &str) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, commands, answers, exchange: exchange.to_owned(), inside: inside.to_owned() }
    }

    /// Runs this; gives its exit code, and what it printed.
    pub(crate) fn run(&mut self, command: &str) -> (i32, String) {
        let Self { inside, exchange, .. } = self;
        fs::write(exchange.join("page-command"), command).unwrap();
        // It is no part of a list, so that `set -e` means what it says; and what it leaves running does not hold the pipe.
        let line = format!(
            "page_code=0; eval \"$(cat {inside}/page-command)\" >{inside}/page-output 2>&1 </dev/null || page_code=$?; echo \"$page_code\"\n"
        );
        self.commands.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        let mut code = String::new();
        self.answers.read_line(&mut code).unwrap();
        let printed = fs::read(self.exchange.join("page-output")).unwrap_or_default();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let code = code.trim_end().parse();
        (code.unwrap_or_else(|_| panic!("the shell ended at:\n{command}\n{printed}")), without_waits(&printed))
    }

    /// Runs this, which has to succeed.
    #[track_caller]
    pub(crate) fn prepare(&mut self, command: &str) {
        let (code, printed) = self.run(command);
        assert_eq!(code, 0, "{command}:\n{printed}");
    }

    /// Types every command of a block, and compares what it prints with what the page shows.
    #[track_caller]
    pub(crate) fn type_in(&mut self, block: &Block) {
        self.type_in_by(block, str::to_owned);
    }

    /// The same, with something made of each command first.
    #[track_caller]
    pub(crate) fn type_in_by(&mut self, block: &Block, by: impl Fn(&str) -> String) {
        for step in steps(block) {
            let began = Instant::now();
            // That would go on for ever.
            let follows = step.command.contains("logs -f");
            let command = if follows {
                step.command.replace("gatewayctl logs", "timeout 1 gatewayctl logs")
            } else {
                step.command.clone()
            };
            let command = by(&command);
            loop {
                let (code, printed) = self.run(&command);
                let done = match &step.output {
                    Some(output) => shows(output, &printed) && (code == 0 || !output.is_empty()),
                    None => code == 0 || (follows && code == 124),
                };
                if done {
                    break;
                }
                if step.only_looks() && began.elapsed() < PATIENCE {
                    std::thread::sleep(Duration::from_millis(200));
                    continue;
                }
                let Step { place, command, output } = &step;
                if let Some(output) = output {
                    assert_shown(place, output, &printed);
                }
                panic!("{place}: `{command}` ends with exit {code} and prints:\n{printed}");
            }
        }
    }
}

/// What was printed, but for what was waited for: on a busy machine everything may take the second after which gatewayctl says so.
fn without_waits(printed: &str) -> String {
    printed.split_inclusive('\n').filter(|line| !line.starts_with("waiting for ")).collect()
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.child.wait();
    }
}
