//! Images and containers of the shipped Dockerfile, and what runs in them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

/// The time limit of every wait in a container.
const PATIENCE: Duration = Duration::from_secs(60);

/// The user `hermes` of the image.
pub(crate) const HERMES: u32 = 10000;

/// The output and the exit code of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by a signal"),
            out: without_waits(output.stdout),
            err: without_waits(output.stderr),
        }
    }
}

/// The output without the lines that say what was waited for. On a busy machine, any wait may be long enough to be reported.
fn without_waits(said: Vec<u8>) -> String {
    let said = String::from_utf8(said).unwrap();
    said.split_inclusive('\n').filter(|line| !line.starts_with("waiting for ")).collect()
}

impl Ran {
    /// The output of a command that must succeed and print no error.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }
}

/// Runs the client of Docker. If it does not end, this fails and shows what all containers do, because nobody would see that otherwise.
#[track_caller]
pub(crate) fn docker(arguments: &[&str]) -> Ran {
    const LIMIT: u64 = 300;
    let run = |limit: u64, arguments: &[&str]| -> Ran {
        let mut timeout = Command::new("timeout");
        timeout
            .args([&limit.to_string(), "docker"])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("docker is needed")
            .into()
    };
    let began = Instant::now();
    let ran = run(LIMIT, arguments);
    if began.elapsed().as_secs() >= LIMIT {
        for container in run(60, &["ps", "--quiet"]).out.lines() {
            let (does, said) = (run(60, &["top", container, "-eo", "pid,etime,args"]), run(60, &["logs", container]));
            eprintln!("container {container}:\n{}{}{}", does.out, said.out, said.err);
        }
        panic!("docker {arguments:?} does not end: {ran:?}");
    }
    ran
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds a target of the shipped Dockerfile with this manifest, or the shipped one, and these options. Returns its name, or the output of the build
/// if it failed.
pub(crate) fn build(target: &str, manifest: Option<&str>, options: &[&str]) -> Result<String, String> {
    let directory = directory();
    let path = directory.path().join("gateways.toml");
    let file = manifest.map_or("-", |text| {
        fs::write(&path, text).unwrap();
        path.to_str().unwrap()
    });
    let ran: Ran = Command::new(root().join("tests/image")).args([target, file]).args(options).output().unwrap().into();
    if ran.code == 0 { Ok(ran.out.trim_end().to_owned()) } else { Err(ran.err) }
}

#[track_caller]
pub(crate) fn image(target: &str, manifest: Option<&str>) -> String {
    build(target, manifest, &[]).unwrap_or_else(|said| panic!("{said}"))
}

/// A new empty directory that every user can enter.
pub(crate) fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    directory
}

/// A volume: a directory of this machine that belongs to this user.
pub(crate) fn volume(owner: u32) -> TempDir {
    let directory = directory();
    chown(directory.path(), Some(owner), Some(owner)).unwrap();
    directory
}

/// The argument of `docker run` that mounts this.
pub(crate) fn mount(from: &Path, to: &str) -> String {
    format!("--volume={}:{to}", from.display())
}

/// The argument of `docker run` that replaces Hermes by the stand-in.
pub(crate) fn stand_in_hermes() -> String {
    mount(&root().join("tests/container/hermes"), "/opt/hermes/.venv/bin/hermes:ro")
}

/// A running container. Drop removes it, and with it the files that it wrote.
pub(crate) struct Container {
    id: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.logs();
            eprintln!("container log:\n{logs}");
        }
        docker(&["rm", "--force", "--volumes", &self.id]);
    }
}

impl Container {
    /// Starts a container from this image with these options of `docker run`.
    #[track_caller]
    pub(crate) fn run(image: &str, options: &[&str]) -> Self {
        let arguments = [&["run", "--detach"], options, &[image]].concat();
        Self { id: docker(&arguments).ok().trim_end().to_owned() }
    }

    /// A container that exists.
    pub(crate) fn of(id: &str) -> Self {
        Self { id: id.to_owned() }
    }

    /// Docker's name for it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Runs a command in it as root, with the environment of `docker exec`.
    pub(crate) fn exec(&self, command: &[&str]) -> Ran {
        docker(&[&["exec", &self.id], command].concat())
    }

    /// Runs a command in it as the user `hermes`.
    pub(crate) fn exec_as_hermes(&self, command: &[&str]) -> Ran {
        docker(&[&["exec", "--user", "hermes", &self.id], command].concat())
    }

    /// Runs a command of the shell in it. The command must succeed and print no error.
    #[track_caller]
    pub(crate) fn sh(&self, command: &str) -> String {
        self.exec(&["sh", "-euc", command]).ok()
    }

    /// Waits until this command of the shell succeeds in it.
    #[track_caller]
    pub(crate) fn until(&self, command: &str) {
        until(command, || self.exec(&["sh", "-euc", command]).code == 0);
    }

    /// Waits until these gateways are up.
    #[track_caller]
    pub(crate) fn until_up(&self, profiles: &str) {
        self.until(&format!("gatewayctl --quiet status {profiles}"));
    }

    /// The log of a gateway, without the times.
    #[track_caller]
    pub(crate) fn log_of(&self, profile: &str) -> String {
        self.sh(&format!("gatewayctl logs {profile} | cut -d' ' -f4-"))
    }

    /// The log of the container itself.
    pub(crate) fn logs(&self) -> String {
        let ran = docker(&["logs", &self.id]);
        ran.out + &ran.err
    }

    /// `docker restart`.
    #[track_caller]
    pub(crate) fn restart(&self) {
        docker(&["restart", &self.id]).ok();
    }

    /// `docker stop`, with its grace time of ten seconds. Returns the exit code of the container.
    #[track_caller]
    pub(crate) fn stop(&self) -> i32 {
        docker(&["stop", &self.id]).ok();
        let code = docker(&["inspect", "--format", "{{.State.ExitCode}}", &self.id]).ok();
        code.trim_end().parse().unwrap()
    }
}

/// The events of containers from now on. Docker keeps only a few events for later, and each command that runs in a container causes three.
pub(crate) struct Events {
    client: Child,
    said: TempDir,
}

impl Events {
    /// The events that pass these filters, each in this format.
    pub(crate) fn since_now(filters: &[&str], format: &str) -> Self {
        let said = directory();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let mut docker = Command::new("docker");
        docker.args(["events", "--since", &now, "--format", format]);
        docker.args(filters.iter().flat_map(|filter| ["--filter", filter]));
        let file = fs::File::create(said.path().join("events")).unwrap();
        let client = docker.stdin(Stdio::null()).stdout(file).spawn().unwrap();
        Self { client, said }
    }

    /// All events so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.said.path().join("events")).unwrap()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

/// Waits until this is so.
#[track_caller]
pub(crate) fn until(what: &str, is: impl FnMut() -> bool) {
    until_within(PATIENCE, what, is);
}

/// The same, with this time limit.
#[track_caller]
pub(crate) fn until_within(limit: Duration, what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < limit, "this did not happen in time: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The content of a file of a volume.
pub(crate) fn read(volume: &Path, below: &str) -> String {
    let path: PathBuf = volume.join(below);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
