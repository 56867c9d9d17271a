//! s6-rc: says what is up, and brings services up and down in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::internal::RUNNER;
use crate::live::{LIVE, Live};
use crate::{Failure, Options, PROGRAMS, bad_usage, refused};

pub(crate) fn run(arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::of("s6-rc", arguments, "abudDeE", "vtl")?;
    let Some((command, names)) = options.words.split_first() else { return Err(bad_usage("s6-rc")) };
    let given = |letters: &str| options.given.iter().rev().find(|(letter, _)| letters.contains(*letter));
    let (mut up, mut hides) = (given("udD").is_none_or(|(letter, _)| *letter == 'u'), options.has('D'));
    if let Some((letter, _)) = given("eE") {
        hides = *letter == 'e';
    }
    let command = match command.as_str() {
        "start" | "stop" => {
            up = command == "start";
            "change"
        }
        other => other,
    };
    if !["list", "listall", "diff", "change"].contains(&command) {
        return Err(Failure { code: 100, said: format!("unknown command: {command}") });
    }
    let limit = Some(options.number('t', 0)?).filter(|limit| *limit > 0).map(Duration::from_millis);
    let live = Path::new(options.value('l').unwrap_or(LIVE));
    let live = Live::open(live, command == "change", options.has('b'))?;
    if command == "diff" {
        return differences(&live);
    }
    let mut chosen = BTreeSet::new();
    for name in names {
        let unknown = || Failure { code: 3, said: format!("{name} is not a recognized identifier") };
        chosen.extend(live.database.meant(name).ok_or_else(unknown)?);
    }
    if options.has('a') {
        chosen.extend((0..live.up.len()).filter(|place| live.up[*place]));
    }
    if command == "list" {
        if !up {
            chosen = (0..live.up.len()).filter(|place| !chosen.contains(place)).collect();
        }
        return print(&live, &chosen, hides);
    }
    let chosen = live.database.closure(&chosen, up);
    if command == "listall" {
        return print(&live, &chosen, hides);
    }
    let deadline = limit.map(|limit| Instant::now() + limit);
    Change { live, chosen, up, hides, verbosity: options.number('v', 1)?, deadline }.run()
}

fn print(live: &Live, places: &BTreeSet<usize>, hides: bool) -> Result<u8, Failure> {
    let shown = places.iter().map(|place| &live.database.services[*place]);
    let text: String = shown.filter(|it| !(hides && it.essential)).map(|it| it.name.clone() + "\n").collect();
    io::stdout().write_all(text.as_bytes()).map_err(refused("write", Path::new("standard output")))?;
    Ok(0)
}

/// Shows the longruns for which s6-supervise and the state disagree.
fn differences(live: &Live) -> Result<u8, Failure> {
    let mut found = 0;
    for (service, up) in live.database.services.iter().zip(&live.up).filter(|(service, _)| service.is_longrun) {
        let directory = live.directory(&service.name);
        let mut svstat = Command::new(format!("{PROGRAMS}/s6-svstat"));
        let said = svstat.args(["-o", "wantedup"]).arg(&directory).stderr(Stdio::null()).output();
        let said = said.map_err(refused("read longrun status for", &directory))?;
        let wanted = match said.stdout.as_slice() {
            b"true\n" => true,
            b"false\n" => false,
            _ => return Err(refused("read longrun status for", &directory)("it cannot be read")),
        };
        if wanted != *up {
            found = 1;
            println!("{}{}", if wanted { '+' } else { '-' }, service.name);
        }
    }
    Ok(found)
}

pub(crate) struct Change {
    pub(crate) live: Live,
    pub(crate) chosen: BTreeSet<usize>,
    pub(crate) up: bool,
    pub(crate) hides: bool,
    pub(crate) verbosity: u64,
    /// When this gives up, and stops waiting for the services that it has started or stopped.
    pub(crate) deadline: Option<Instant>,
}

impl Change {
    pub(crate) fn run(&mut self) -> Result<u8, Failure> {
        let (sender, ended) = mpsc::channel();
        // The services that are not in the wanted state yet, with their dependencies.
        let mut waits: BTreeMap<usize, BTreeSet<usize>> =
            self.chosen.iter().map(|place| (*place, self.live.database.before(*place, self.up))).collect();
        let (mut running, mut code) = (0, 0);
        loop {
            while let Some(place) = waits.iter().find(|(_, before)| before.is_empty()).map(|(place, _)| *place) {
                waits.remove(&place);
                if self.live.up[place] == self.up {
                    waits.values_mut().for_each(|before| _ = before.remove(&place));
                } else if !self.up && !self.hides && self.live.database.services[place].essential {
                    self.warn(&format!("service {} is marked as essential, not stopping it", self.name(place)));
                } else {
                    let mut child = self.begin(place)?;
                    let sender = sender.clone();
                    running += 1;
                    thread::spawn(move || sender.send((place, child.wait())));
                }
            }
            if running == 0 {
                return Ok(code);
            }
            let left = self.deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            let (place, status) = match ended.recv_timeout(left) {
                Ok(ended) => ended,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(Failure { code: 2, said: "timed out".to_owned() });
                }
            };
            running -= 1;
            if status.as_ref().is_ok_and(ExitStatus::success) {
                self.done(place)?;
                waits.values_mut().for_each(|before| _ = before.remove(&place));
            } else {
                code = 1;
                self.failed(place, &status);
            }
        }
    }

    fn name(&self, place: usize) -> &str {
        &self.live.database.services[place].name
    }

    fn warn(&self, said: &str) {
        if self.verbosity > 0 {
            eprintln!("s6-rc: warning: {said}");
        }
    }

    fn info(&self, said: &str) {
        if self.verbosity > 1 {
            eprintln!("s6-rc: info: {said}");
        }
    }

    /// Starts a program that brings a service to its state. The program ends when the service is there.
    fn begin(&self, place: usize) -> Result<std::process::Child, Failure> {
        let service = &self.live.database.services[place];
        let own = Some(service.timeouts[usize::from(self.up)]).filter(|limit| *limit > 0);
        let left = self.deadline.map(|end| end.saturating_duration_since(Instant::now()).as_millis().max(1));
        let limit = own.map(u128::from).into_iter().chain(left).min().unwrap_or(0).to_string();
        let directory = self.live.directory(if service.is_longrun { &service.name } else { RUNNER });
        let mut command;
        if service.is_longrun {
            let until = match (self.up, directory.join("notification-fd").exists()) {
                (true, true) => "-uwU",
                (true, false) => "-uwu",
                (false, _) => "-dwD",
            };
            command = Command::new(format!("{PROGRAMS}/s6-svc"));
            command.args([until, "-T", &limit, "--"]).arg(directory);
        } else {
            let what = if self.up { "up" } else { "down" };
            command = Command::new(format!("{PROGRAMS}/s6-sudo"));
            command
                .args(["-el0", "-t", "30000", "-T", &limit, "--"])
                .arg(directory.join("s"))
                .args([what, &service.name]);
        }
        self.info(&format!("service {}: {}", service.name, if self.up { "starting" } else { "stopping" }));
        command.spawn().map_err(refused("run", Path::new(command.get_program())))
    }

    fn done(&mut self, place: usize) -> Result<(), Failure> {
        let service = &self.live.database.services[place];
        // The state stays the same if the supervisor is restarted.
        let down = self.live.directory(&service.name).join("down");
        let marked = match (service.is_longrun, self.up) {
            (false, _) => Ok(()),
            (true, true) => fs::remove_file(&down),
            (true, false) => File::create(&down).map(drop),
        };
        if let Err(error) = marked {
            self.warn(&format!("unable to change {}: {error}", down.display()));
        }
        self.live.up[place] = self.up;
        self.live.keep()?;
        self.info(&format!(
            "service {} successfully {}",
            self.name(place),
            if self.up { "started" } else { "stopped" }
        ));
        Ok(())
    }

    fn failed(&self, place: usize, status: &io::Result<ExitStatus>) {
        let service = &self.live.database.services[place];
        if service.is_longrun {
            let directory = self.live.directory(&service.name);
            let _ = Command::new(format!("{PROGRAMS}/s6-svc")).args(["-d", "--"]).arg(directory).status();
        }
        let code = status.as_ref().ok().and_then(ExitStatus::code).unwrap_or(-1);
        let what = if self.up { "start" } else { "stop" };
        self.warn(&format!("unable to {what} service {}: command exited {code}", service.name));
    }
}
