//! What is done below the home of Hermes is done by the service user: root would follow a symlink that this user planted.

use std::io::{self, Write as _};
use std::process::{Child, Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

use crate::options::UserName;
use crate::s6::{Programs, S6Error};

/// Appends standard input to the log of boots below `$1`, each line with the time; keeps it and one older one, of about 256 KiB each.
const APPEND: &str = r#"
set -eu
cd "$1"
[ -d logs ] || mkdir -p logs
log=logs/container-boot.log
if [ -e "${log}" ]; then
  [ -f "${log}" ] || { echo "${log} is no file" >&2; exit 1; }
  [ "$(wc -c <"${log}")" -lt 262144 ] || mv -f "${log}" "${log}.1"
fi
sed "s/^/$(date +%Y-%m-%dT%H:%M:%S%z) /" >>"${log}"
"#;

/// Does things as the service user.
pub(super) struct Servant<'a> {
    programs: &'a Programs,
    user: &'a UserName,
}

impl<'a> Servant<'a> {
    /// This user, by s6-setuidgid; or the one who runs this, where that is not root and could not drop anything.
    pub(super) fn new(programs: &'a Programs, user: &'a UserName) -> Self {
        Self { programs, user }
    }

    /// Removes files, whether they are there or not.
    pub(super) fn remove(&self, files: &[Utf8PathBuf]) -> Result<(), S6Error> {
        let there: Vec<&Utf8PathBuf> = files.iter().filter(|file| file.symlink_metadata().is_ok()).collect();
        // Far below what Linux takes on one command line.
        for some in there.chunks(500) {
            let words = ["-f", "--"].into_iter().chain(some.iter().map(|file| file.as_str()));
            self.run("/bin/rm", &words.collect::<Vec<_>>(), "")?;
        }
        Ok(())
    }

    /// Has the log of boots below this home opened; what is to stand in it is said later.
    pub(super) fn log(&self, home: &Utf8Path) -> Result<Working, S6Error> {
        self.begin("/bin/sh", &["-c", APPEND, "sh", home.as_str()])
    }

    /// Runs a script with a directory as its argument, and this as its input.
    pub(super) fn script(&self, script: &str, directory: &Utf8Path, input: &str) -> Result<(), S6Error> {
        self.run("/bin/sh", &["-c", script, "sh", directory.as_str()], input)
    }

    fn run(&self, program: &'static str, arguments: &[&str], input: &str) -> Result<(), S6Error> {
        self.begin(program, arguments)?.end(input)
    }

    fn begin(&self, program: &'static str, arguments: &[&str]) -> Result<Working, S6Error> {
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new(self.programs.path("s6-setuidgid"));
            command.arg(self.user.as_str()).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| S6Error::Call { program: program.into(), source })?;
        Ok(Working { program, child })
    }
}

/// A program of the service user's that waits for its input.
pub(super) struct Working {
    program: &'static str,
    child: Child,
}

impl Working {
    /// Gives it its input, and waits until it is done.
    pub(super) fn end(mut self, input: &str) -> Result<(), S6Error> {
        let call = |source| S6Error::Call { program: self.program.into(), source };
        if let Some(mut stdin) = self.child.stdin.take() {
            match stdin.write_all(input.as_bytes()) {
                // It ended before it had read all; its exit code tells why.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                result => result.map_err(call)?,
            }
        }
        let output = self.child.wait_with_output().map_err(call)?;
        if output.status.success() { Ok(()) } else { Err(S6Error::failed(self.program, &[], &output)) }
    }
}
