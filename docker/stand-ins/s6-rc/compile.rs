//! s6-rc-compile: writes a database with the service directory of each longrun.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::definitions::{Definition, Definitions, Longrun, there};
use crate::internal::{self, FDHOLDER, RUNNER};
use crate::{Failure, Options, PROGRAMS, bad_usage, read_if_there, refused, wrong};

/// The files of a service directory that hold a number, those that hold a signal, and those that are there or not.
const NUMBERS: [&str; 5] = ["notification-fd", "lock-fd", "timeout-kill", "timeout-finish", "max-death-tally"];
const SIGNALS: [&str; 2] = ["down-signal", "reload-signal"];
const FLAGS: [&str; 2] = ["flag-timeout-killpg", "flag-newpidns"];

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::of("s6-rc-compile", arguments, "b", "vh")?;
    options.number('v', 1)?;
    let [compiled, sources @ ..] = options.words.as_slice() else { return Err(bad_usage("s6-rc-compile")) };
    if sources.is_empty() {
        return Err(bad_usage("s6-rc-compile"));
    }
    let mut definitions = Definitions::of(sources)?;
    let database = definitions.resolve()?;
    let compiled = Path::new(compiled);
    fs::create_dir(compiled).map_err(refused("mkdir", compiled))?;
    let written = write(compiled, &definitions.services, &database.to_text());
    if written.is_err() {
        let _ = fs::remove_dir_all(compiled);
    }
    written
}

fn write(compiled: &Path, services: &[Definition], database: &str) -> Result<(), Failure> {
    put(&compiled.join("lock"), "")?;
    put(&compiled.join("db"), database)?;
    for service in services {
        match (&service.directory, &service.longrun) {
            (Some(from), Some(longrun)) => service_directory(compiled, &service.name, from, longrun)?,
            (Some(from), None) => {
                let to = make(&compiled.join("oneshots").join(&service.name))?;
                for script in ["up", "down"] {
                    copy_if_there(&from.join(script), &to.join(script), 0o644)?;
                }
            }
            (None, _) => {}
        }
    }
    let runner = internal_service(compiled, RUNNER, "3\n", internal::RUNNER_RUN)?;
    // These rules say who may have a oneshot run, and who may take the ends of pipes.
    allowed(&runner)?;
    let fdholder = internal_service(compiled, FDHOLDER, "1\n", internal::FDHOLDER_RUN)?;
    let environment = make(&allowed(&fdholder)?.join("env"))?;
    for right in ["S6_FDHOLDER_STORE_REGEX", "S6_FDHOLDER_RETRIEVE_REGEX"] {
        put(&environment.join(right), "^pipe:s6rc-\n")?;
    }
    put(&environment.join("S6_FDHOLDER_LIST"), "\n")?;
    let is_read = |service: &&Definition| service.longrun.as_ref().is_some_and(|longrun| !longrun.producers.is_empty());
    let readers: String = services.iter().filter(is_read).map(|service| service.name.clone() + "\n").collect();
    put(&fdholder.join("data/autofilled"), &readers)
}

/// Allows the user who compiles this. The same user runs it.
fn allowed(service: &Path) -> Result<PathBuf, Failure> {
    let own = fs::metadata("/proc/self").map_err(refused("stat", Path::new("/proc/self")))?.uid();
    let rule = make(&service.join("data/rules/uid").join(own.to_string()))?;
    put(&rule.join("allow"), "")?;
    Ok(rule)
}

fn internal_service(compiled: &Path, name: &str, ready: &str, run: &str) -> Result<PathBuf, Failure> {
    let directory = make(&compiled.join("servicedirs").join(name))?;
    put(&directory.join("notification-fd"), ready)?;
    put_executable(&directory.join("run"), run)?;
    Ok(directory)
}

fn service_directory(compiled: &Path, name: &str, from: &Path, longrun: &Longrun) -> Result<(), Failure> {
    let to = make(&compiled.join("servicedirs").join(name))?;
    let has_pipes = longrun.consumer.is_some() || !longrun.producers.is_empty();
    for script in ["run", "finish"] {
        let own = if has_pipes { format!("{script}.user") } else { script.to_owned() };
        if copy_if_there(&from.join(script), &to.join(own), 0o755)? && has_pipes {
            put_executable(&to.join(script), &with_pipes(name, longrun, script))?;
        }
    }
    let mut descriptors = [None, None];
    for (place, file) in NUMBERS.iter().enumerate() {
        let number = number(&from.join(file))?;
        if let Some(number) = number {
            put(&to.join(file), &format!("{number}\n"))?;
        }
        if let Some(descriptor) = descriptors.get_mut(place) {
            *descriptor = number.filter(|number| *number > 2);
        }
    }
    if descriptors[0].is_some() && descriptors[0] == descriptors[1] {
        return wrong(format!("{name} has one descriptor for notification-fd and lock-fd"));
    }
    for file in SIGNALS {
        let _ = copy_if_there(&from.join(file), &to.join(file), 0o644);
    }
    for file in FLAGS {
        if there(&from.join(file))? {
            put(&to.join(file), "")?;
        }
    }
    for directory in ["data", "env"] {
        copy_directory(&from.join(directory), &to.join(directory))?;
    }
    Ok(())
}

/// The script that gives a service its pipes. s6rc-fdholder holds them.
fn with_pipes(name: &str, longrun: &Longrun, script: &str) -> String {
    let mut text = format!("#!{PROGRAMS}/execlineb -S0\n");
    let retrieve = |end: &str| format!("{PROGRAMS}/s6-fdholder-retrieve ../{FDHOLDER}/s \"pipe:s6rc-{end}\"\n");
    if !longrun.producers.is_empty() {
        text += &retrieve(&format!("r-{name}"));
    }
    if let Some(consumer) = &longrun.consumer {
        // s6-fdholder-retrieve puts the pipe on standard input, but it belongs on standard output.
        text += &format!("{PROGRAMS}/fdmove 1 0\n{}{PROGRAMS}/fdswap 0 1\n", retrieve(&format!("w-{consumer}")));
    }
    text + &format!("./{script}.user $@\n")
}

fn number(path: &Path) -> Result<Option<u32>, Failure> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&text).into_owned();
    let first = text.split('\n').next().unwrap_or_default();
    let number = first.bytes().all(|byte| byte.is_ascii_digit()).then(|| first.parse().ok()).flatten();
    number.map(Some).ok_or_else(|| refused("read", path)("it is not a number"))
}

fn make(path: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(path).map_err(refused("mkdir", path))?;
    Ok(path.to_owned())
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(refused("write to", path))
}

fn put_executable(path: &Path, text: &str) -> Result<(), Failure> {
    put(path, text)?;
    mode(path, 0o755)
}

/// Puts what a compiled service directory has in the place of what a live one has. The rest of that belongs to its supervisor.
pub(crate) fn replace_definition(from: &Path, to: &Path) -> Result<(), Failure> {
    for script in ["run", "finish", "run.user", "finish.user"] {
        let new = to.join(format!("{script}.new"));
        if copy_if_there(&from.join(script), &new, 0o755)? {
            fs::rename(&new, to.join(script)).map_err(refused("rename", &new))?;
        } else {
            remove_if_there(&to.join(script))?;
        }
    }
    for file in NUMBERS.iter().chain(&SIGNALS).chain(&FLAGS) {
        remove_if_there(&to.join(file))?;
        copy_if_there(&from.join(file), &to.join(file), 0o644)?;
    }
    for directory in ["data", "env"] {
        remove_if_there(&to.join(directory))?;
        copy_directory(&from.join(directory), &to.join(directory))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused("remove", path)(error)),
        _ => Ok(()),
    }
}

fn mode(path: &Path, mode: u32) -> Result<(), Failure> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(refused("chmod", path))
}

fn copy_if_there(from: &Path, to: &Path, to_mode: u32) -> Result<bool, Failure> {
    let Some(bytes) = read_if_there(from)? else { return Ok(false) };
    fs::write(to, bytes).map_err(refused("write to", to))?;
    mode(to, to_mode)?;
    Ok(true)
}

/// Copies a directory with everything below it.
pub(crate) fn copy_directory(from: &Path, to: &Path) -> Result<(), Failure> {
    if !there(from)? {
        return Ok(());
    }
    let metadata = fs::metadata(from).map_err(refused("stat", from))?;
    if !metadata.is_dir() {
        return wrong(format!("{} is not a directory", from.display()));
    }
    make(to)?;
    for entry in fs::read_dir(from).map_err(refused("opendir", from))? {
        let entry = entry.map_err(refused("readdir", from))?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(refused("stat", &path))?;
        if kind.is_dir() {
            copy_directory(&path, &copy)?;
        } else if kind.is_symlink() {
            fs::read_link(&path).and_then(|target| symlink(target, &copy)).map_err(refused("copy", &path))?;
        } else {
            fs::copy(&path, &copy).map_err(refused("copy", &path))?;
        }
    }
    mode(to, metadata.permissions().mode() & 0o7777)
}
