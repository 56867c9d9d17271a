//! The memory, processor time and processes of a container, as the kernel counts them by cgroup, of either version.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::container::{NAME, docker};

/// The memory in KiB of the processes in the container with such a name. If several processes share a page, each counts its part of it.
pub(crate) fn pss(is: impl Fn(&str) -> bool) -> f64 {
    let pids = fs::read_to_string(group("memory").0.join("cgroup.procs")).unwrap();
    let of = |pid: &str| -> Option<f64> {
        let process = Path::new("/proc").join(pid);
        let name = fs::read_to_string(process.join("comm")).ok()?;
        let memory = fs::read_to_string(process.join("smaps_rollup")).ok().filter(|_| is(name.trim()))?;
        memory.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok())
    };
    pids.lines().filter_map(of).sum()
}

/// The memory in KiB that the kernel counts for the container, without the pages of files, which it can take back.
pub(crate) fn memory() -> f64 {
    let (group, version) = group("memory");
    let text = fs::read_to_string(group.join("memory.stat")).unwrap();
    let field = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    };
    let kernel =
        || -> f64 { fs::read_to_string(group.join("memory.kmem.usage_in_bytes")).unwrap().trim().parse().unwrap() };
    let bytes = match version {
        Version::One => field("rss") + field("shmem") + kernel(),
        Version::Two => field("anon") + field("shmem") + field("kernel"),
    };
    bytes / 1024.0
}

/// The processor time in milliseconds of all processes in the container until now.
pub(crate) fn cpu() -> f64 {
    let (group, version) = group("cpuacct");
    match version {
        Version::One => {
            let nanoseconds = fs::read_to_string(group.join("cpuacct.usage")).unwrap();
            nanoseconds.trim().parse::<f64>().unwrap() / 1e6
        }
        Version::Two => {
            let text = fs::read_to_string(group.join("cpu.stat")).unwrap();
            let microseconds = text.lines().find_map(|line| line.strip_prefix("usage_usec ")).unwrap();
            microseconds.parse::<f64>().unwrap() / 1000.0
        }
    }
}

/// Their processor time in milliseconds in each second if nobody asks for anything.
pub(crate) fn idle() -> f64 {
    const WHILE: u32 = 20;
    let spent = cpu();
    sleep(Duration::from_secs(WHILE.into()));
    (cpu() - spent) / f64::from(WHILE)
}

/// The number of processes and threads, as a limit counts them.
pub(crate) fn tasks() -> f64 {
    fs::read_to_string(group("pids").0.join("pids.current")).unwrap().trim().parse().unwrap()
}

/// The version of cgroups on this machine.
enum Version {
    One,
    Two,
}

/// The cgroup of the container for this kind of figure.
fn group(controller: &str) -> (PathBuf, Version) {
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", NAME]);
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    // `4:cpu,cpuacct:/docker/ID`, or `0::/system.slice/docker-ID.scope` in the second version.
    let of = |is: &dyn Fn(&str) -> bool| {
        groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            is(controllers).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    let root = Path::new("/sys/fs/cgroup");
    of(&|controllers| controllers.split(',').any(|one| one == controller)).map_or_else(
        || (root.join(of(&str::is_empty).unwrap()), Version::Two),
        |path| (root.join(controller).join(path), Version::One),
    )
}
