//! The two services that s6-rc adds by itself. One holds the pipes between services, so no line is lost if a service is restarted. The other one
//! runs the scripts of oneshots, so they always have the same environment.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Failure, PROGRAMS, bad_usage, refused};

pub(crate) const RUNNER: &str = "s6rc-oneshot-runner";
pub(crate) const FDHOLDER: &str = "s6rc-fdholder";

/// Takes an order at the socket `s`. The script gets the input and the outputs of the caller.
pub(crate) const RUNNER_RUN: &str = "#!/command/execlineb -P
fdmove -c 2 1 fdmove 1 3
s6-ipcserver -1 s
s6-ipcserver-access -v0 -E -l0 -i data/rules
s6-sudod -t 30000
s6-rc-oneshot-run ../..
";

/// This service is ready when it holds both ends of all pipes.
pub(crate) const FDHOLDER_RUN: &str = "#!/command/execlineb -P
pipeline -dw { s6-rc-fdholder-filler }
s6-fdholder-daemon -1 -i data/rules s
";

/// s6-rc-oneshot-run LIVE up|down NAME: becomes the script.
pub(crate) fn run_oneshot(arguments: &[String]) -> Result<u8, Failure> {
    let [live, what, name] = arguments else { return Err(bad_usage("s6-rc-oneshot-run")) };
    let script = Path::new(live).join("compiled/oneshots").join(name).join(what);
    if fs::read(&script).is_ok_and(|text| text.is_empty()) || !script.exists() {
        return Ok(0);
    }
    let error = Command::new(format!("{PROGRAMS}/execlineb")).arg("-P").arg(&script).env("RC_NAME", name).exec();
    Err(refused("run", &script)(error))
}

/// s6-rc-fdholder-filler: waits for the daemon, gives it a pipe for each service that reads from others, and says that it is ready.
pub(crate) fn fill() -> Result<(), Failure> {
    io::stdin().read_line(&mut String::new()).map_err(failed("wait for the daemon of"))?;
    store(Path::new("s"), &readers(Path::new("."))?)?;
    io::stdout().write_all(b"\n").map_err(failed("be ready for"))
}

fn failed<E: Display>(what: &str) -> impl FnOnce(E) -> Failure {
    refused(what, Path::new("data/autofilled"))
}

/// The services that read from others, as the service directory of the daemon lists them.
pub(crate) fn readers(directory: &Path) -> Result<Vec<String>, Failure> {
    let names = fs::read_to_string(directory.join("data/autofilled")).map_err(failed("read"))?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// Gives the daemon at this socket a pipe for each of these services.
pub(crate) fn store<'a>(socket: &Path, names: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    for name in names {
        let (reads, writes) = io::pipe().map_err(failed("make a pipe for"))?;
        for (end, pipe) in [("r", Stdio::from(reads)), ("w", Stdio::from(writes))] {
            ask("store", socket, &format!("pipe:s6rc-{end}-{name}"), pipe)?;
        }
    }
    Ok(())
}

/// Has the daemon at this socket close the pipes of these services.
pub(crate) fn forget<'a>(socket: &Path, names: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    for name in names {
        for end in ["r", "w"] {
            ask("delete", socket, &format!("pipe:s6rc-{end}-{name}"), Stdio::null())?;
        }
    }
    Ok(())
}

fn ask(what: &str, socket: &Path, pipe: &str, input: Stdio) -> Result<(), Failure> {
    let mut asks = Command::new(format!("{PROGRAMS}/s6-fdholder-{what}"));
    let ended = asks.arg(socket).arg(pipe).stdin(input).stdout(Stdio::null()).status();
    if ended.map_err(failed(what))?.success() { Ok(()) } else { Err(failed(what)(pipe)) }
}
