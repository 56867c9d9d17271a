//! Calls programs and reads their output. It reads the output as it comes, up to a limit, and does not rely on a program to end.
//!
//! The standard library's own way ends this process if a pipe cannot be read, and waits forever if another process keeps the pipe open.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::signals;

/// The longest pause before the next look at the program itself. A killed program may take ten times as long to be gone. It takes at most
/// this long to notice that a program has ended if its children keep its pipes open.
const MOMENT: Duration = Duration::from_millis(20);

/// A running program, with the pipes that its caller asked for. Dropping this kills the program, and everything in its session if it has
/// one.
#[derive(Debug)]
pub(crate) struct Called {
    child: Child,
    stdin: Option<File>,
    /// Standard output and error.
    pipes: [Option<File>; 2],
}

/// What a program printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its exit code, or `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

/// Why the output of a program is not known.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The program did not end in time.
    Late,
    /// The program printed more than the limit.
    TooMuch,
    /// A signal came that ends this run, and the caller asked to heed signals.
    Interrupted(signals::Signal),
    /// The operating system refused a step.
    System(io::Error),
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Runs a program that is trusted to end, gives it no input, and returns what it printed.
///
/// # Errors
/// If the program cannot be started or read, or prints more than 16 MiB.
pub(crate) fn output(command: &mut Command) -> io::Result<Said> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match Called::start(command)?.wait(b"", Limits { until: None, most: 16 << 20, heeds: false }) {
        Ok(said) => Ok(said),
        Err(Silence::System(error)) => Err(error),
        Err(Silence::Late | Silence::TooMuch | Silence::Interrupted(_)) => {
            Err(io::Error::other("it printed more than 16 MiB"))
        }
    }
}

/// The limits of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// When the program must have ended; `None` for a program that is trusted to end.
    pub(crate) until: Option<Instant>,
    /// The most bytes that the program may print to standard output and error together.
    pub(crate) most: usize,
    /// Whether a signal that ends this run also ends the program.
    pub(crate) heeds: bool,
}

impl Called {
    /// Starts the command, with pipes where it asks for them.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut called = Self { child, stdin: None, pipes: [None, None] };
        called.stdin = stdin.map(|pipe| unblocked(pipe.into())).transpose()?;
        called.pipes =
            [out.map(|pipe| unblocked(pipe.into())).transpose()?, err.map(|pipe| unblocked(pipe.into())).transpose()?];
        Ok(called)
    }

    /// Writes the input to the program, and waits until the program has ended.
    ///
    /// # Errors
    /// If the program exceeds the limits, or if its pipes cannot be used. In both cases the program is killed.
    pub(crate) fn wait(mut self, mut input: &[u8], limits: Limits) -> Result<Said, Silence> {
        let mut said = [Vec::new(), Vec::new()];
        let mut pause = Duration::from_micros(100);
        loop {
            let ended = self.has_ended();
            self.feed(&mut input);
            for (pipe, text) in self.pipes.iter_mut().zip(&mut said) {
                drain(pipe, text, limits.most)?;
            }
            if said.iter().map(Vec::len).sum::<usize>() > limits.most {
                return Err(Silence::TooMuch);
            }
            // `ended` was asked before the pipes were read, so the whole output is there. A child that keeps the pipes open is not waited
            // for.
            if ended {
                break;
            }
            let left = limits.until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Silence::Late);
            }
            if let Some(signal) = signals::seen().filter(|_| limits.heeds) {
                return Err(Silence::Interrupted(signal));
            }
            let left = left.unwrap_or(MOMENT).min(MOMENT);
            if self.pipes.iter().any(Option::is_some) {
                self.poll(left);
            } else if limits.until.is_none() {
                break;
            } else {
                sleep(pause.min(left));
                pause = (pause * 2).min(MOMENT);
            }
        }
        if limits.until.is_some() {
            // What the program left in its session is killed too. The program is not reaped yet, so nothing else can have its number.
            self.kill_session();
        }
        let code = self.child.wait()?.code();
        let [out, err] = said;
        Ok(Said { code, out, err })
    }

    /// Whether the program has ended. The program stays a zombie, so that nothing else can have its number.
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

    /// Kills the program's process group, if the program leads one.
    fn kill_session(&self) {
        if let Some(pid) = self.pid() {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
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
                // The program ended before it had read everything. Its exit code says why.
                Err(_) => self.stdin = None,
            }
        }
    }

    fn poll(&self, limit: Duration) {
        let pipes = self.pipes.iter().flatten().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        let input = self.stdin.iter().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT));
        let mut all: Vec<PollFd<'_>> = pipes.chain(input).collect();
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(limit.subsec_nanos()) };
        if rustix::event::poll(&mut all, Some(&limit)).is_err() {
            sleep(Duration::from_micros(100));
        }
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        // Until the program is reaped, nothing else can have its number or that of its session.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill_session();
            let _ = self.child.kill();
            // A process may hang in the kernel, so this wait has a limit.
            let began = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < 10 * MOMENT {
                sleep(Duration::from_millis(1));
            }
        }
    }
}

fn unblocked(descriptor: OwnedFd) -> io::Result<File> {
    let flags = rustix::fs::fcntl_getfl(&descriptor)?;
    rustix::fs::fcntl_setfl(&descriptor, flags | OFlags::NONBLOCK)?;
    Ok(File::from(descriptor))
}

/// Reads what is there, up to a little more than the limit.
fn drain(pipe: &mut Option<File>, text: &mut Vec<u8>, most: usize) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while let Some(file) = pipe {
        match file.read(&mut buffer) {
            Ok(0) => *pipe = None,
            Ok(read) => text.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        if text.len() > most {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "nobody attacks a test")]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn sh(script: &str, input: &[u8], limit: Duration, most: usize) -> Result<Said, Silence> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Called::start(&mut command)
            .unwrap()
            .wait(input, Limits { until: Some(Instant::now() + limit), most, heeds: false })
    }

    #[test]
    fn what_a_program_said_and_how_it_ended() {
        let large = vec![b'x'; 300_000];
        let said = sh("cat; echo no >&2; exit 3", &large, LONG, 1 << 20).unwrap();
        assert_eq!((said.code, said.out, said.err.as_slice()), (Some(3), large, b"no\n".as_slice()));
        assert_eq!(sh("kill -9 $$", b"", LONG, 10).unwrap().code, None);
    }

    #[test]
    fn what_it_may_take() {
        assert!(matches!(sh("exec sleep 1000", b"", Duration::from_millis(50), 10), Err(Silence::Late)));
        assert!(matches!(sh("exec sleep 1000 >&- 2>&-", b"", Duration::from_millis(50), 10), Err(Silence::Late)));
        assert!(matches!(sh("yes", b"", LONG, 1 << 16), Err(Silence::TooMuch)));
    }

    #[test]
    fn whoever_keeps_its_pipes_open_is_not_waited_for() {
        let said = sh("sleep 1000 & echo $!", b"", LONG, 10).unwrap();
        assert_eq!(said.code, Some(0));
        let left = String::from_utf8(said.out).unwrap();
        let left = Pid::from_raw(left.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).expect("it still runs");
    }
}
