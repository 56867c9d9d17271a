//! What runs as the service user. It has nothing of the one who calls it: a session of its own without a terminal, its pipes and no
//! other descriptor, an environment of three variables, and an end: a time limit and a limit to what it may say.
//!
//! Root would follow a symlink that this user planted below its home; this user's own process leads no further than the user could go.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use thiserror::Error;

use crate::container;
use crate::options::UserName;
use crate::s6::Programs;
use crate::text::excerpt;

/// The most that is read of what a program says, in bytes: of standard output and error together.
const MOST_SAID: usize = 64 << 10;

/// How long something that was killed may take to be gone, and how long it takes at most until a program is found to have ended whose
/// children keep its pipes.
const MOMENT: Duration = Duration::from_millis(20);

/// The time that a run gives all its servants together; what they hold up, they hold up no longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    until: Instant,
    limit: Duration,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { until: Instant::now() + limit, limit }
    }

    /// The same limit, of which so much is left now: something else took its time meanwhile.
    pub(crate) fn resumed(self, left: Duration) -> Self {
        Self { until: Instant::now() + left, ..self }
    }

    /// What is left of it.
    pub(crate) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Master {
    /// A user by name, whom root becomes.
    User(UserName),
    /// A user and group by number, whom root becomes: who supervises a tree of his own.
    Ids(u32, u32),
    /// Who runs this, and is not root.
    Itself,
}

impl Master {
    /// The user of this name if root asks; whoever asks is not root has nobody else to become.
    pub(crate) fn of(user: &UserName) -> Self {
        if rustix::process::geteuid().is_root() { Self::User(user.clone()) } else { Self::Itself }
    }
}

/// Does things as the service user.
#[derive(Debug)]
pub(crate) struct Servant<'a> {
    programs: &'a Programs,
    home: &'a Utf8Path,
    master: Master,
    deadline: Deadline,
}

/// Why the service user did not do it.
#[derive(Debug, Error)]
pub enum ServantError {
    /// It cannot be called.
    #[error("cannot call {program}: {}", crate::error::reason(source))]
    Call {
        /// The program.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// It took too long.
    #[error("{program} did not end within {seconds} s; look for what holds it up, or give it longer with --timeout")]
    Late {
        /// The program.
        program: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// It said too much.
    #[error("{0} said more than 64 KiB, and was stopped")]
    TooMuch(String),
    /// It failed.
    #[error("{program} failed with {code}: {said}")]
    Failed {
        /// The program.
        program: String,
        /// Its exit code, or -1 if a signal ended it.
        code: i32,
        /// What it said, on one line, cut and with what a terminal acts on escaped.
        said: String,
    },
}

/// What a servant said. It may be anything: the service user can stop, trace and change each of its processes.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

impl Said {
    /// The last line of its complaint, or none.
    pub(crate) fn last_complaint(&self) -> String {
        let line = self.err.split(|&byte| byte == b'\n').rfind(|line| !line.is_empty());
        excerpt(line.unwrap_or_default(), 200)
    }
}

impl<'a> Servant<'a> {
    /// This user, with this home, until then.
    pub(crate) fn new(programs: &'a Programs, master: Master, home: &'a Utf8Path, deadline: Deadline) -> Self {
        Self { programs, home, master, deadline }
    }

    /// Runs a program and gives what it said, however it ended.
    pub(crate) fn ask(&self, program: &str, arguments: &[&str]) -> Result<Said, ServantError> {
        self.begin(program, arguments)?.wait(b"")
    }

    /// Runs a program with this input, which is to succeed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], input: &[u8]) -> Result<(), ServantError> {
        self.begin(program, arguments)?.end(input)
    }

    /// Starts a program that waits for its input.
    pub(crate) fn begin(&self, program: &str, arguments: &[&str]) -> Result<Working, ServantError> {
        // What its caller left open is nobody else's: only pipes reach it. Everything that this program opens itself is closed anyway.
        close_fds::set_fds_cloexec_threadsafe(3, &[]);
        // `-i`: without a session of its own it does not run.
        #[expect(clippy::disallowed_methods, reason = "the one place where something runs as the service user")]
        let mut command = Command::new(self.programs.path("s6-setsid"));
        command.arg("-i");
        match &self.master {
            Master::User(user) => {
                command.arg(self.programs.path("s6-setuidgid")).arg(user.as_str());
            }
            Master::Ids(uid, gid) => {
                let (uid, gid) = (uid.to_string(), gid.to_string());
                command.arg(self.programs.path("s6-applyuidgid")).args(["-u", &uid, "-g", &gid, "-G", ""]);
            }
            Master::Itself => {}
        }
        command.arg(program).args(arguments).env_clear();
        command.env("PATH", container::variable("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()));
        command.env("HERMES_HOME", self.home).env("HOME", self.home).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let call = |source| ServantError::Call { program: program.to_owned(), source };
        let mut child = command.spawn().map_err(call)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut working =
            Working { program: program.to_owned(), child, deadline: self.deadline, stdin: None, pipes: [None, None] };
        let (Some(stdin), Some(out), Some(err)) = pipes else { return Err(call(io::ErrorKind::BrokenPipe.into())) };
        working.stdin = Some(unblocked(stdin.into()).map_err(call)?);
        working.pipes = [Some(unblocked(out.into()).map_err(call)?), Some(unblocked(err.into()).map_err(call)?)];
        Ok(working)
    }
}

fn unblocked(descriptor: OwnedFd) -> io::Result<File> {
    let flags = rustix::fs::fcntl_getfl(&descriptor)?;
    rustix::fs::fcntl_setfl(&descriptor, flags | OFlags::NONBLOCK)?;
    Ok(File::from(descriptor))
}

/// A program of the service user's. Dropped, it is killed with all that it started in its session.
#[derive(Debug)]
pub(crate) struct Working {
    program: String,
    child: Child,
    deadline: Deadline,
    stdin: Option<File>,
    /// Standard output and error.
    pipes: [Option<File>; 2],
}

impl Working {
    /// Gives it another time limit, since its caller had something else to do meanwhile.
    pub(crate) fn until(self, deadline: Deadline) -> Self {
        let mut working = self;
        working.deadline = deadline;
        working
    }

    /// Gives it its input, and waits until it is done.
    pub(crate) fn end(self, input: &[u8]) -> Result<(), ServantError> {
        let program = self.program.clone();
        let said = self.wait(input)?;
        if said.code == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&said.err);
        let lines: Vec<&str> =
            text.lines().map(|line| line.trim_start_matches(&program).trim_start_matches(": ")).collect();
        let said_so = excerpt(lines.join(", ").as_bytes(), 400);
        Err(ServantError::Failed { program, code: said.code, said: said_so })
    }

    fn wait(mut self, mut input: &[u8]) -> Result<Said, ServantError> {
        let mut said = [Vec::new(), Vec::new()];
        let mut pause = Duration::from_micros(100);
        loop {
            let ended = self.has_ended();
            self.feed(&mut input);
            for (pipe, text) in self.pipes.iter_mut().zip(&mut said) {
                drain(pipe, text);
            }
            if said.iter().map(Vec::len).sum::<usize>() > MOST_SAID {
                return Err(ServantError::TooMuch(self.program.clone()));
            }
            // Asked before the pipes were read: what it had said is there. A child that keeps them open is not waited for.
            if ended {
                break;
            }
            let left = self.deadline.left();
            if left.is_zero() {
                let seconds = self.deadline.limit.as_secs();
                return Err(ServantError::Late { program: self.program.clone(), seconds });
            }
            if self.pipes.iter().all(Option::is_none) {
                sleep(pause.min(left));
                pause = (pause * 2).min(MOMENT);
            } else {
                self.poll(left.min(MOMENT));
            }
        }
        if let Some(pid) = self.pid() {
            // What it left in its session goes with it; not reaped yet, its number is its own.
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
        let code = self.child.wait().ok().and_then(|status| status.code()).unwrap_or(-1);
        let [out, err] = said;
        Ok(Said { code, out, err })
    }

    /// Whether the program has ended; it stays a zombie, so that its number is nobody else's.
    fn has_ended(&self) -> bool {
        let flags = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match self.pid() {
            Some(pid) => {
                !matches!(rustix::process::waitid(WaitId::Pid(pid), flags), Ok(None) | Err(rustix::io::Errno::INTR))
            }
            None => true,
        }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn feed(&mut self, input: &mut &[u8]) {
        while let Some(stdin) = &mut self.stdin {
            if input.is_empty() {
                self.stdin = None;
                return;
            }
            match stdin.write(input) {
                Ok(written) => *input = &input[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // It ended before it had read all; its exit code tells why.
                Err(_) => self.stdin = None,
            }
        }
    }

    fn poll(&self, limit: Duration) {
        let pipes = self.pipes.iter().flatten().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        let stdin = self.stdin.iter().map(|stdin| PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::OUT));
        let mut all: Vec<PollFd<'_>> = pipes.chain(stdin).collect();
        let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
        // Whatever it says: the pipes are looked at next.
        if rustix::event::poll(&mut all, Some(&limit)).is_err() {
            sleep(Duration::from_micros(100));
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // Before it is reaped, its number is its own, and so is its session's.
        if let Ok(None) = self.child.try_wait()
            && let Some(pid) = self.pid()
        {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
            let _ = self.child.kill();
            // A process that hangs in the kernel is not waited for.
            let began = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < 10 * MOMENT {
                sleep(Duration::from_millis(1));
            }
        }
    }
}

fn drain(pipe: &mut Option<File>, text: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Some(file) = pipe {
        match file.read(&mut buffer) {
            Ok(0) => *pipe = None,
            Ok(read) => text.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => *pipe = None,
        }
        if text.len() > MOST_SAID {
            return;
        }
    }
}
