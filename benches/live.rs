//! `cargo bench --bench live`: gatewayctl as a process on a live s6-svscan (Debian's `s6`), beside processes that take only
//! the bare steps. All in turn, on tmpfs; ratios are of medians within one run. The gateways are down: what a gateway
//! itself takes to start is no matter here. With `OLDER=DIR` the gatewayctl in that directory takes its turn, too.

#![allow(clippy::disallowed_methods, reason = "a bench has no service user")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench talks, and may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

const GATEWAYCTL: &str = env!("CARGO_BIN_EXE_gatewayctl");
const GEN_SERVICE: &str = env!("CARGO_BIN_EXE_gen-service");
const S6: &str = "/usr/bin";
const MANY: usize = 400;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["register", scandir, tree] => return register(Path::new(scandir), Path::new(tree)),
        ["unregister", scandir] => return unregister(Path::new(scandir)),
        ["install", scandir, tree] => return install(Path::new(scandir), Path::new(tree)),
        ["status", scandir] => return status(Path::new(scandir)),
        _ => {}
    }
    let directory = Path::new("/dev/shm").join(format!("gatewayctl-bench-{}", std::process::id()));
    let scandir = directory.join("scandir");
    let (one, many) = (directory.join("one"), directory.join("many"));
    fs::create_dir_all(&scandir).unwrap();
    let names: Vec<String> = (0..MANY).map(|number| format!("p{number}")).collect();
    call(Command::new(GEN_SERVICE).args(["bench", "--down", "--out"]).arg(&one));
    call(Command::new(GEN_SERVICE).args(&names).args(["--down", "--out"]).arg(&many));
    let mut svscan = Svscan::start(&scandir);

    let older = std::env::var_os("OLDER").map(|directory| Path::new(&directory).join("gatewayctl"));
    let builds: Vec<PathBuf> = [PathBuf::from(GATEWAYCTL)].into_iter().chain(older).collect();
    let gatewayctl = |build: &Path, words: &[&str]| {
        let mut command = Command::new(build);
        command.args(["-q", "--timeout", "120", "--s6-bin-dir", S6, "--scandir"]).arg(&scandir).args(words);
        command
    };
    // The bare steps first, then each build.
    let none = || vec![Vec::new(); builds.len() + 1];
    let (mut registers, mut unregisters) = (none(), none());
    for _ in 0..40 {
        registers[0].push(time(itself("register", &scandir).arg(&one)));
        unregisters[0].push(time(&mut itself("unregister", &scandir)));
        for (index, build) in builds.iter().enumerate() {
            registers[index + 1].push(time(&mut gatewayctl(build, &["register", "bench", "--down"])));
            unregisters[index + 1].push(time(&mut gatewayctl(build, &["unregister", "bench"])));
        }
    }
    told("register", &mut registers);
    told("unregister", &mut unregisters);

    let (mut installs, mut statuses) = (none(), none());
    for _ in 0..7 {
        installs[0].push(time(itself("install", &scandir).arg(&many)));
        for _ in 0..3 {
            statuses[0].push(time(&mut itself("status", &scandir)));
            for (index, build) in builds.iter().enumerate() {
                statuses[index + 1].push(time(&mut gatewayctl(build, &["status"])));
            }
        }
        svscan = svscan.anew();
        for (index, build) in builds.iter().enumerate() {
            installs[index + 1].push(time(&mut gatewayctl(build, &["install", many.to_str().unwrap()])));
            svscan = svscan.anew();
        }
    }
    told("install of 400", &mut installs);
    told("status of 400", &mut statuses);
    drop(svscan);
    fs::remove_dir_all(&directory).unwrap();
}

struct Svscan {
    scandir: PathBuf,
    process: Child,
}

impl Svscan {
    fn start(scandir: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n 8192; exec s6-svscan -c 1000 \"$0\""]).arg(scandir);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until(|| has_reader(&scandir.join(".s6-svscan/control")));
        Self { scandir: scandir.to_owned(), process }
    }

    /// Another one, in an empty scandir.
    fn anew(self) -> Self {
        let scandir = self.scandir.clone();
        drop(self);
        fs::remove_dir_all(&scandir).unwrap();
        fs::create_dir(&scandir).unwrap();
        Self::start(&scandir)
    }

    fn stop(&mut self) {
        let _ = Command::new("s6-svscanctl").arg("-t").arg(&self.scandir).stderr(Stdio::null()).status();
        let _ = self.process.wait();
    }
}

impl Drop for Svscan {
    fn drop(&mut self) {
        self.stop();
    }
}

fn told(what: &str, times: &mut [Vec<f64>]) {
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let [bare, ours, older @ ..] = medians.as_slice() else { unreachable!("there always is a build") };
    print!("{what}: gatewayctl {ours:.1} ms, bare {bare:.1} ms, ratio {:.2}", ours / bare);
    for older in older {
        print!("; the older build {older:.1} ms, of which ours takes {:.2}", ours / older);
    }
    println!();
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn time(command: &mut Command) -> f64 {
    command.stdout(Stdio::null());
    let began = Instant::now();
    let status = command.status().unwrap();
    // `status` ends with 3, since all are down.
    assert!(matches!(status.code(), Some(0 | 3)), "{command:?}: {status}");
    began.elapsed().as_secs_f64() * 1000.0
}

fn call(command: &mut Command) {
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
}

fn itself(word: &str, scandir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(word).arg(scandir);
    command
}

fn has_reader(fifo: &Path) -> bool {
    rustix::fs::open(fifo, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

fn until(holds: impl Fn() -> bool) {
    while !holds() {
        sleep(Duration::from_millis(1));
    }
}

/// Whether both supervisors run and can be asked, or both are gone.
fn both(service: &Path, wanted: bool) -> bool {
    let told = |path: &Path| !wanted || path.join("supervise/status").exists();
    let one = |path: PathBuf| has_reader(&path.join("supervise/control")) == wanted && told(&path);
    one(service.to_owned()) && one(service.join("log"))
}

fn rescan(scandir: &Path, option: &str) {
    call(Command::new(format!("{S6}/s6-svscanctl")).arg(option).arg(scandir));
}

fn register(scandir: &Path, tree: &Path) {
    let (from, fresh, to) = (tree.join("gateway-bench"), scandir.join(".fresh"), scandir.join("gateway-bench"));
    fs::create_dir_all(fresh.join("log")).unwrap();
    for file in ["type", "run", "finish", "timeout-kill", "down", "log/run", "log/notification-fd"] {
        fs::copy(from.join(file), fresh.join(file)).unwrap();
    }
    fs::rename(fresh, &to).unwrap();
    rescan(scandir, "-a");
    until(|| both(&to, true));
}

fn unregister(scandir: &Path) {
    let gone = scandir.join(".gone");
    fs::rename(scandir.join("gateway-bench"), &gone).unwrap();
    rescan(scandir, "-an");
    until(|| both(&gone, false));
    fs::remove_dir_all(gone).unwrap();
}

fn install(scandir: &Path, tree: &Path) {
    call(Command::new("cp").arg("-a").arg(tree.join(".")).arg(scandir));
    rescan(scandir, "-a");
    for number in 0..MANY {
        until(|| both(&scandir.join(format!("gateway-p{number}")), true));
    }
}

fn status(scandir: &Path) {
    for number in 0..MANY {
        let service = scandir.join(format!("gateway-p{number}"));
        let fields = ["-o", "up,wantedup,pid,exitcode,signal,updownfor"];
        call(Command::new(format!("{S6}/s6-svstat")).args(fields).arg(&service));
        call(Command::new(format!("{S6}/s6-svdt")).arg(&service));
    }
}
