//! `cargo bench`: gen-service as a process, beside a process that makes only the same system calls, and beside `tar -x` and
//! `cp -a` of the same tree. All in turn, on tmpfs; ratios are of medians within one run. With `OLDER=DIR` the gen-service in that
//! directory takes its turn, too.

#![allow(clippy::disallowed_methods, reason = "a bench has no service user")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench talks, and may fail where it stands"
)]

use std::fmt::Write as _;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use gen_service::render::render;
use gen_service::spec::Gateway;
use gen_service::spec::Options;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, RenameFlags};

const GEN_SERVICE: &str = env!("CARGO_BIN_EXE_gen-service");
const MANY: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, count, out] = arguments.as_slice()
        && word == "bare"
    {
        return bare(count.parse().unwrap(), Path::new(out));
    }
    let directory = Path::new("/dev/shm").join(format!("gen-service-bench-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    one(&directory);
    many(&directory);
    fs::remove_dir_all(&directory).unwrap();
}

/// An older build, to be compared with.
fn older() -> PathBuf {
    std::env::var_os("OLDER").map_or_else(|| GEN_SERVICE.into(), |directory| Path::new(&directory).join("gen-service"))
}

fn one(directory: &Path) {
    let out = directory.join("out");
    let gen_service = || call(Command::new(GEN_SERVICE).args(["coder", "--out"]).arg(&out));
    let bare = || call(&mut itself(1, &out));
    let older = || call(Command::new(older()).args(["coder", "--out"]).arg(&out));
    let times = in_turn(60, &out, &[&gen_service, &bare, &older]);
    println!("one service: gen-service {:.2} ms, bare {:.2} ms, {:+.2} ms", times[0], times[1], times[0] - times[1]);
    println!("             the older build, or the same one again: {:.2} ms", times[2]);
    println!(
        "             peak memory {} KiB, bare {} KiB",
        peak(Command::new(GEN_SERVICE).arg("coder")),
        peak(&mut itself(0, &out))
    );
}

fn many(directory: &Path) {
    let out = directory.join("out");
    let manifest = directory.join("gateways.toml");
    let mut text = String::from("[defaults.env]\nTZ = \"UTC\"\nLOG = \"info\"\n");
    for number in 0..MANY {
        writeln!(
            text,
            "[gateways.profile-{number}]\nport = {}\nenv = {{ NAME = \"profile {number}\" }}",
            10_000 + number
        )
        .unwrap();
    }
    fs::write(&manifest, text).unwrap();
    let arguments = [Path::new("--manifest"), &manifest, Path::new("--out"), &out];
    let tree = directory.join("tree");
    let tar = directory.join("tree.tar");
    call(Command::new(GEN_SERVICE).args(&arguments[..3]).arg(&tree));
    call(Command::new("tar").arg("-C").arg(&tree).arg("-cf").arg(&tar).arg("."));

    let gen_service = || call(Command::new(GEN_SERVICE).args(arguments));
    let bare = || call(&mut itself(MANY, &out));
    let untar = || {
        fs::create_dir(&out).unwrap();
        call(Command::new("tar").arg("-C").arg(&out).arg("-xf").arg(&tar));
    };
    let copy = || call(Command::new("cp").arg("-a").arg(&tree).arg(&out));
    let older = || call(Command::new(older()).args(arguments));
    let times = in_turn(9, &out, &[&gen_service, &bare, &untar, &copy, &older]);
    for (name, time) in
        ["gen-service", "bare", "tar -x", "cp -a", "the older build, or the same one,"].iter().zip(&times)
    {
        println!("{MANY} services: {name} {time:.0} ms, gen-service takes {:.2} of it", times[0] / time);
    }
    let _ = fs::remove_dir_all(&out);
    println!("{MANY} services: peak memory {} KiB", peak(Command::new(GEN_SERVICE).args(arguments)));
}

/// The median time of each, in milliseconds, run in turn, each with `out` missing; the first round does not count.
fn in_turn(rounds: usize, out: &Path, runs: &[&dyn Fn()]) -> Vec<f64> {
    let mut times = vec![Vec::new(); runs.len()];
    for round in 0..=rounds {
        for (run, times) in runs.iter().zip(&mut times) {
            let _ = fs::remove_dir_all(out);
            let began = Instant::now();
            run();
            if round > 0 {
                times.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect()
}

fn call(command: &mut Command) {
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
}

/// Peak resident memory in KiB, as GNU time measures it.
fn peak(command: &mut Command) -> String {
    let mut time = Command::new("/usr/bin/time");
    time.args(["-f", "%M"]).arg(command.get_program()).args(command.get_args()).stdout(Stdio::null());
    match time.output() {
        Ok(output) => String::from_utf8(output.stderr).unwrap().trim().to_owned(),
        Err(_) => "(install GNU time)".to_owned(),
    }
}

fn itself(count: usize, out: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["bare", &count.to_string()]).arg(out);
    command
}

/// The system calls that gen-service makes for so many new service directories, and nothing else.
fn bare(count: usize, out: &Path) {
    let gateways = Gateway::resolve(vec![("coder".parse().unwrap(), Options::default())]).unwrap();
    let directory = render(&gateways[0]);
    if count == 0 {
        return;
    }
    let mode = |bits: u32| Mode::from_raw_mode(bits);
    let make = |path: &PathBuf, bits| rustix::fs::mkdir(path, mode(bits)).unwrap();
    let staging = out.join(".gen-service.tmp");
    let open =
        |path: &Path| -> OwnedFd { rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap() };
    make(&out.to_owned(), 0o755);
    rustix::fs::chmod(out, mode(0o755)).unwrap();
    let lock = open(out);
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    for path in [&staging, &staging.join("fresh"), &staging.join("old")] {
        make(path, 0o700);
    }
    let fresh = open(&staging.join("fresh"));
    for number in 0..count {
        let name = format!("gateway-profile-{number}");
        for path in [name.clone(), format!("{name}/log")] {
            rustix::fs::mkdirat(&fresh, &path, mode(0o755)).unwrap();
            rustix::fs::chmodat(&fresh, &path, mode(0o755), AtFlags::empty()).unwrap();
        }
        for file in directory.files() {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let bits = mode(file.mode.bits());
            let descriptor = rustix::fs::openat(&fresh, format!("{name}/{}", file.path), flags, bits).unwrap();
            rustix::fs::fchmod(&descriptor, bits).unwrap();
            rustix::io::write(&descriptor, file.content.as_bytes()).unwrap();
        }
    }
    for number in 0..count {
        let name = format!("gateway-profile-{number}");
        let from = staging.join("fresh").join(&name);
        rustix::fs::renameat_with(CWD, from, CWD, out.join(&name), RenameFlags::NOREPLACE).unwrap();
    }
    for path in [staging.join("fresh"), staging.join("old"), staging] {
        rustix::fs::rmdir(&path).unwrap();
    }
}
