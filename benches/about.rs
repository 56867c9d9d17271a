//! What the figures belong to: the commit, and the machine.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// The facts, for the table and for the file.
pub(crate) fn about() -> Value {
    let commit = told("git", &["rev-parse", "--short", "HEAD"]);
    // The report is written after a run, so it is not part of what is measured.
    let changes = told("git", &["status", "--porcelain", "--", ".", ":!docs/performance.*"]);
    json!({
        "commit": commit,
        "changes": !changes.is_empty(),
        "date": told("date", &["-u", "+%Y-%m-%d"]),
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, Into::into),
        "memory_kib": field("/proc/meminfo", "MemTotal").split(' ').next().and_then(|text| text.parse::<u64>().ok()),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "file_system": told("stat", &["-f", "-c", "%T", "/dev/shm"]),
        "docker": told("docker", &["info", "--format", "{{.Driver}}"]),
        "load": read("/proc/loadavg").split(' ').next(),
    })
}

/// The same in one line.
pub(crate) fn line(about: &Value) -> String {
    let text = |name: &str| about[name].as_str().unwrap_or("unknown").to_owned();
    format!(
        "commit {}{}; {}, {} cores, {} GiB, Linux {}, {}; load {} before the run",
        text("commit"),
        if about["changes"] == true { " + uncommitted changes" } else { "" },
        text("cpu"),
        about["cores"],
        about["memory_kib"].as_u64().unwrap_or_default() >> 20,
        text("kernel"),
        text("file_system"),
        text("load"),
    )
}

fn told(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default().trim().to_owned()
}

fn field(file: &str, name: &str) -> String {
    let text = read(file);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}
