//! Processes that run as the service user. They have nothing of their caller: they get their own session without a terminal, their pipes and no other
//! descriptor, an environment of three variables, and two limits, of time and of output.
//!
//! Root would follow a symlink that this user puts below its home. A process of this user can go no further than the user itself.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use thiserror::Error;

use crate::base::Signal;
use crate::base::child::{self, Called, Limits, Silence};
use crate::base::text::excerpt;
use crate::s6::Programs;
use crate::s6::container;
use crate::spec::Owner;
use crate::spec::options::UserName;

/// The most bytes of a program's output that are read, standard output and standard error together.
const MOST_SAID: usize = 64 << 10;

/// The time that all servants of a run have together. What they delay, they delay no longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    until: Instant,
    limit: Duration,
    /// Whether a signal ends it earlier.
    heeds: bool,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { until: Instant::now() + limit, limit, heeds: false }
    }

    /// So long from now, or until a signal comes that ends this run. Use this if a person may wait for long.
    pub(crate) fn after_or_signal(limit: Duration) -> Self {
        Self { heeds: true, ..Self::after(limit) }
    }

    /// The same limit with this much left now. Something else took time in between.
    pub(crate) fn resumed(self, left: Duration) -> Self {
        Self { until: Instant::now() + left, ..self }
    }

    /// The time that is left.
    pub(crate) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// The user of a servant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Master {
    /// A user by name. Root becomes this user.
    User(UserName),
    /// A user and group by number. Root becomes them: they supervise their own tree.
    Ids(u32, u32),
    /// The user who runs this, who is not root.
    Itself,
}

impl Master {
    /// The user of this name if root asks. Any other user can only act as itself.
    pub(crate) fn of(user: &UserName) -> Self {
        if rustix::process::geteuid().is_root() { Self::User(user.clone()) } else { Self::Itself }
    }

    /// The user of a gateway, if root asks.
    pub(crate) fn of_owner(owner: &Owner) -> Self {
        match owner {
            Owner::Shared(user) => Self::of(user),
            Owner::Isolated(uid) if rustix::process::geteuid().is_root() => Self::Ids(uid.get(), uid.get()),
            Owner::Isolated(_) => Self::Itself,
        }
    }
}

/// Acts as the service user.
#[derive(Debug)]
pub(crate) struct Servant<'a> {
    programs: &'a Programs,
    pub(super) home: &'a Utf8Path,
    master: Master,
    deadline: Deadline,
}

/// Why the service user did not do it.
#[derive(Debug, Error)]
pub(crate) enum ServantError {
    /// It cannot be called.
    #[error("cannot call {program}: {}", crate::base::text::reason(source))]
    Call {
        /// The program.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// It took too long.
    #[error("{program} did not end within {seconds} s; find out what delays it, or give it longer with --timeout")]
    Late {
        /// The program.
        program: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// A signal came that ends this run.
    #[error("interrupted by {0}")]
    Interrupted(Signal),
    /// It printed too much.
    #[error("{0} printed more than 64 KiB, and was stopped")]
    TooMuch(String),
    /// It failed.
    #[error("{program} failed with {code}: {said}")]
    Failed {
        /// The program.
        program: String,
        /// Its exit code, or -1 if a signal ended it.
        code: i32,
        /// Its output, on one line, shortened, with the characters escaped on which a terminal acts.
        said: String,
    },
}

/// The output of a servant. It may be anything, because the service user can stop, trace and change each of its processes.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

impl Said {
    /// The last line of its standard error, or an empty text.
    pub(crate) fn last_complaint(&self) -> String {
        let line = self.err.split(|&byte| byte == b'\n').rfind(|line| !line.is_empty());
        excerpt(line.unwrap_or_default(), 200)
    }
}

impl<'a> Servant<'a> {
    /// A servant with this user and this home, until this deadline.
    pub(crate) fn new(programs: &'a Programs, master: Master, home: &'a Utf8Path, deadline: Deadline) -> Self {
        Self { programs, home, master, deadline }
    }

    /// Runs a program and returns its output, with any exit code.
    pub(crate) fn ask(&self, program: &str, arguments: &[&str]) -> Result<Said, ServantError> {
        self.begin(program, arguments)?.wait(b"")
    }

    /// Runs a program with this input. Fails unless the program succeeds.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], input: &[u8]) -> Result<(), ServantError> {
        self.begin(program, arguments)?.end(input)
    }

    /// Starts a program that waits for its input.
    pub(crate) fn begin(&self, program: &str, arguments: &[&str]) -> Result<Working, ServantError> {
        // Descriptors that the caller left open do not reach the program, only pipes do. Everything that this program opens itself is closed anyway.
        close_fds::set_fds_cloexec_threadsafe(3, &[]);
        // `-i`: it does not run without its own session.
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
        match Called::start(&mut command) {
            Ok(called) => Ok(Working { program: program.to_owned(), called, deadline: self.deadline }),
            Err(source) => Err(ServantError::Call { program: program.to_owned(), source }),
        }
    }
}

/// A program of the service user. When this is dropped, the program is killed with everything that it started in its session.
#[derive(Debug)]
pub(crate) struct Working {
    program: String,
    called: Called,
    deadline: Deadline,
}

impl Working {
    /// Sets another time limit, because the caller had something else to do in between.
    pub(crate) fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// Gives it its input, and waits until it ends.
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

    fn wait(self, input: &[u8]) -> Result<Said, ServantError> {
        let Self { program, called, deadline } = self;
        match called.wait(input, Limits { until: Some(deadline.until), most: MOST_SAID, heeds: deadline.heeds }) {
            Ok(child::Said { code, out, err }) => Ok(Said { code: code.unwrap_or(-1), out, err }),
            Err(Silence::Late) => Err(ServantError::Late { program, seconds: deadline.limit.as_secs() }),
            Err(Silence::TooMuch) => Err(ServantError::TooMuch(program)),
            Err(Silence::Interrupted(signal)) => Err(ServantError::Interrupted(signal)),
            Err(Silence::System(source)) => Err(ServantError::Call { program, source }),
        }
    }
}
