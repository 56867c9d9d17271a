//! The floor of writing: a process that has the files in memory, and makes only the system calls that the tree needs. Its umask is 0, so it sets no
//! mode a second time.

use std::fmt::Write as _;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::measure::itself;

/// The files of a service directory that gen-service wrote, packed into one file. A process that reads six files would do more than necessary.
pub(crate) fn pack(service: &Path, pack: &Path) {
    let mut packed = Vec::new();
    for directory in ["", "log/"] {
        let mut names: Vec<String> = fs::read_dir(service.join(directory))
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        for name in names {
            let path = format!("{directory}{name}");
            let content = fs::read(service.join(&path)).unwrap();
            let mode = Mode::from_raw_mode(rustix::fs::stat(service.join(&path)).unwrap().st_mode).bits() & 0o7777;
            packed.extend(format!("{mode} {} {path}\n", content.len()).bytes());
            packed.extend(content);
        }
    }
    fs::write(pack, packed).unwrap();
}

/// The process that writes the gateways with these numbers. With `name`, it writes one gateway of that name.
pub(crate) fn command(numbers: std::ops::Range<usize>, name: &str, pack: &Path, out: &Path) -> Command {
    let mut command = itself(&["floor", &numbers.start.to_string(), &numbers.end.to_string(), name]);
    command.arg(pack).arg(out);
    command
}

pub(crate) fn main(arguments: &[&str]) {
    let &[first, end, one, pack, out] = arguments else { panic!("floor FIRST END NAME PACK OUT") };
    let (first, end): (usize, usize) = (first.parse().unwrap(), end.parse().unwrap());
    rustix::process::umask(Mode::empty());
    let packed = fs::read(pack).unwrap();
    let files = unpack(&packed);

    let (directory, private) = (Mode::from_raw_mode(0o755), Mode::from_raw_mode(0o700));
    match rustix::fs::mkdir(out, directory) {
        // The other floor was first.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => panic!("{out}: {error}"),
    }
    let open = |at: &OwnedFd, path: &str| {
        rustix::fs::openat(at, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    };
    let out =
        rustix::fs::openat(CWD, out, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let staging = format!(".floor-{first}");
    rustix::fs::mkdirat(&out, &staging, private).unwrap();
    let fresh = open(&out, &staging);
    let mut path = String::new();
    for number in first..end {
        path.clear();
        if one.is_empty() {
            write!(path, "gateway-profile-{number}").unwrap();
        } else {
            path.push_str(one);
        }
        let name = path.len();
        rustix::fs::mkdirat(&fresh, &path, directory).unwrap();
        path.push_str("/log");
        rustix::fs::mkdirat(&fresh, &path, directory).unwrap();
        for (file, mode, content) in &files {
            path.truncate(name + 1);
            path.push_str(file);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let descriptor = rustix::fs::openat(&fresh, &path, flags, *mode).unwrap();
            assert_eq!(rustix::io::write(&descriptor, content), Ok(content.len()));
        }
        path.truncate(name);
        rustix::fs::renameat(&fresh, &path, &out, &path).unwrap();
    }
    rustix::fs::unlinkat(&out, &staging, rustix::fs::AtFlags::REMOVEDIR).unwrap();
}

/// Path, mode and content of each file.
fn unpack(mut packed: &[u8]) -> Vec<(&str, Mode, &[u8])> {
    let mut files = Vec::new();
    while let Some(end) = packed.iter().position(|byte| *byte == b'\n') {
        let mut words = std::str::from_utf8(&packed[..end]).unwrap().splitn(3, ' ');
        let mut word = || words.next().unwrap();
        let (mode, length, path) = (word().parse().unwrap(), word().parse::<usize>().unwrap(), word());
        let (content, rest) = packed[end + 1..].split_at(length);
        files.push((path, Mode::from_raw_mode(mode), content));
        packed = rest;
    }
    files
}
