//! Containers of the image, target `volume`: from `docker run` until Hermes serves its API, and `docker stop`. This runs in turn with the least that
//! it can take, which is the same Hermes as the only process of such a container, and with the image that `PEER_IMAGE` names, with the command
//! `hermes-own gateway run`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::measure::{Effort, Program, in_turn, itself, quiet, time};
use crate::table::{Cell, Column, Row, Table};

/// The name of the container. Only one exists at a time.
pub(crate) const NAME: &str = "gen-service-bench";

/// The options of every image: the gateway of a fresh volume runs, and serves.
const ENVIRONMENT: [&str; 4] = [
    "--env=HERMES_GATEWAY_BOOTSTRAP_STATE=running",
    "--env=API_SERVER_ENABLED=true",
    "--env=API_SERVER_HOST=0.0.0.0",
    "--env=API_SERVER_KEY=a-key-of-a-bench-0123456789",
];

const PORT: u16 = 8642;

pub(crate) fn bench(effort: Effort, table: &mut Table) {
    let tasks = ["docker run", "docker stop"];
    let image = match image() {
        Ok(image) => image,
        Err(why) => {
            for task in tasks {
                table.push(Row::new(task, 1, vec![(Column::Ours, Cell::None(why))]));
            }
            return;
        }
    };
    let alone = ["--user=hermes", "--entrypoint=/opt/hermes/.venv/bin/hermes", &image, "gateway", "run"];
    let peer = std::env::var("PEER_IMAGE").ok();
    let mut kinds = vec![(Column::Ours, vec![image.as_str()]), (Column::Floor, alone.to_vec())];
    kinds.extend(peer.iter().map(|peer| (Column::Hermes, peer.split_whitespace().collect())));

    let runs: Vec<Program> = kinds.iter().map(|(column, words)| Program::new(*column, move || serve(words))).collect();
    table.push(Row::new(tasks[0], 1, in_turn(effort, 7, &remove, &runs, &|_| {})));
    let stops = kinds.iter().map(|(column, words)| Program {
        before: Box::new(move || {
            time(serve(words));
        }),
        ..Program::new(*column, || {
            let mut stop = quiet("docker");
            stop.args(["stop", NAME]);
            stop
        })
    });
    table.push(Row::new(tasks[1], 1, in_turn(effort, 7, &remove, &stops.collect::<Vec<_>>(), &|_| {})));
    remove();
}

/// The name of the image, which tests/image builds.
pub(crate) fn image() -> Result<String, &'static str> {
    let docker = quiet("docker").args(["info"]).stderr(std::process::Stdio::null()).status();
    if !docker.is_ok_and(|status| status.success()) {
        return Err("no Docker");
    }
    let built = Command::new("tests/image").args(["volume", "-"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let built = built.ok().filter(|output| output.status.success()).ok_or("no image")?;
    Ok(String::from_utf8_lossy(&built.stdout).trim_end().to_owned())
}

pub(crate) fn remove() {
    let _ = quiet("docker").args(["rm", "--force", "--volumes", NAME]).stderr(std::process::Stdio::null()).status();
}

/// A process that starts a container with these words, and ends when the container serves.
fn serve(words: &[&str]) -> Command {
    itself(&[&["serve"], words].concat())
}

pub(crate) fn main(words: &[&str]) {
    let started = docker(&[&["run", "--detach", "--name", NAME], &ENVIRONMENT[..], words].concat());
    assert!(!started.is_empty(), "no container");
    let address = docker(&["inspect", "--format", "{{.NetworkSettings.IPAddress}}", NAME]);
    let address: SocketAddr = format!("{address}:{PORT}").parse().unwrap();
    while !answers(address) {
        sleep(Duration::from_millis(5));
    }
}

pub(crate) fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
        let mut start = vec![0; 12];
        stream.read_exact(&mut start)?;
        Ok(start)
    };
    ask().is_ok_and(|start| start.ends_with(b" 200"))
}
