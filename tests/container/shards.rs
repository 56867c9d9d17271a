//! Replicas with a volume each: the profiles of a manifest in three containers, in four, and in three again.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::docker::{Container, HERMES, Ran, directory, image, mount, volume};
use crate::pages;

const MANIFEST: &str = r#"
[defaults]
hermes-cli = "run"

[gateways.default]
[gateways.coder]
[gateways.writer]
[gateways.a]
[gateways.b]
[gateways.c]
[gateways.g2]
isolated = true
"#;

/// A stand-in that calls the real Hermes for everything but a gateway. A gateway says when it began and when it ended, by the clock of this machine.
const STAND_IN: &str = r#"#!/bin/sh
case $* in
  *gateway\ run*) ;;
  *) exec /opt/hermes/.venv/bin/python -c 'from hermes_cli.main import main; main()' "$@" ;;
esac
sleep infinity &
trap 'kill $!; echo "ended $(date +%s%N)"; exit' TERM
echo "began $(date +%s%N)"
wait
"#;

/// The volumes of a replica: one for profiles, and one for isolated homes.
struct Volumes {
    data: TempDir,
    homes: TempDir,
}

impl Volumes {
    fn new() -> Self {
        Self { data: volume(HERMES), homes: volume(0) }
    }
}

/// The differences between containers for each number of replicas.
struct Replicas<'a> {
    image: &'a str,
    hermes: &'a Path,
    volumes: &'a [Volumes],
    name: String,
}

impl Replicas<'_> {
    /// Starts this many replicas, each with its shard. `before` is the previous number.
    fn up(&self, count: usize, before: Option<usize>) -> Vec<Container> {
        let start = |index: usize| {
            let volumes = &self.volumes[index];
            let options = [
                mount(volumes.data.path(), "/opt/data"),
                mount(volumes.homes.path(), "/opt/homes"),
                mount(self.hermes, "/opt/hermes/.venv/bin/hermes:ro"),
                format!("--name={}-{index}", self.name),
                // As Kubernetes counts them, and as Docker's Swarm does.
                match before {
                    None => format!("--env=GATEWAYS_SHARD={index}/{count}"),
                    Some(_) => format!("--env=GATEWAYS_SHARD=slot:{}/{count}", index + 1),
                },
                "--env=GATEWAYS_CREATE=true".to_owned(),
                format!("--env=GATEWAYS_SHARDS_BEFORE={}", before.map(|n| n.to_string()).unwrap_or_default()),
            ];
            Container::run(self.image, &options.each_ref().map(String::as_str))
        };
        let containers: Vec<Container> = (0..count).map(start).collect();
        for container in &containers {
            container.until("test -d /run/s6/legacy-services");
        }
        containers
    }

    /// Runs the script that moves gateways, from the gatewayctl of the first replica, with this argument.
    fn moves(&self, from: usize, to: usize, directory: &Path) -> impl Fn(&str) -> String {
        let commands = pages::block("docs/boot.md", "move").text.replace("gateways-", &format!("{}-", self.name));
        let commands = commands.replace("--from 3 --to 4", &format!("--from {from} --to {to}"));
        let typed = move |begins: &str| {
            let line = commands.lines().find(|line| line.starts_with(begins)).unwrap_or_else(|| panic!("no {begins}"));
            let ran: Ran = Command::new("sh").args(["-c", line]).current_dir(directory).output().unwrap().into();
            assert_eq!(ran.code, 0, "{line}: {}{}", ran.out, ran.err);
            ran.out
        };
        typed("docker exec ");
        move |what: &str| typed(&format!("sh move.sh {what} "))
    }
}

/// Waits until every replica has its gateways up, and returns which replica has which.
fn placed(containers: &[Container]) -> BTreeMap<String, usize> {
    let mut placed = BTreeMap::new();
    for (index, container) in containers.iter().enumerate() {
        container.until("gatewayctl -q health");
        for name in container.sh("gatewayctl list").lines() {
            container.until_up(&format!("profile:{name}"));
            assert_eq!(placed.insert(name.to_owned(), index), None, "{name} is in two replicas");
        }
        let doctor = container.exec(&["gatewayctl", "doctor"]).out;
        let shard = doctor.lines().find(|line| line.contains(" shard ")).unwrap();
        assert!(shard.starts_with("OK "), "{index}: {shard}");
    }
    placed
}

fn expected(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|(name, index)| ((*name).to_owned(), *index)).collect()
}

const OF_THREE: [(&str, usize); 7] =
    [("default", 0), ("a", 0), ("writer", 1), ("b", 1), ("c", 1), ("coder", 2), ("g2", 2)];

/// The time from which, and until which, each gateway ran on each volume, from its own logs.
fn runs(volumes: &[Volumes]) -> BTreeMap<String, Vec<(u128, u128, usize)>> {
    let mut runs: BTreeMap<String, Vec<(u128, u128, usize)>> = BTreeMap::new();
    for (index, volumes) in volumes.iter().enumerate() {
        let shared = fs::read_dir(volumes.data.path().join("logs/gateways")).into_iter().flatten();
        let mut logs: Vec<(String, std::path::PathBuf)> = shared
            .map(|entry| (entry.as_ref().unwrap().file_name().into_string().unwrap(), entry.unwrap().path()))
            .collect();
        for entry in fs::read_dir(volumes.homes.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            logs.push((name.clone(), volumes.homes.path().join(&name).join("logs/gateways").join(&name)));
        }
        for (name, log) in logs {
            let text = fs::read_to_string(log.join("current")).unwrap();
            let at = |word: &str| -> Vec<u128> {
                let lines = text.lines().filter_map(|line| Some(line.split_once(&format!(" {word} "))?.1));
                lines.map(|time| time.parse().unwrap()).collect()
            };
            let (began, ended) = (at("began"), at("ended"));
            assert_eq!(began.len(), ended.len(), "{name} on {index}: {text}");
            runs.entry(name).or_default().extend(began.into_iter().zip(ended).map(|(from, to)| (from, to, index)));
        }
    }
    runs
}

#[test]
fn three_replicas_are_four_and_three_again_and_no_gateway_runs_twice() {
    let image = image("volume", Some(MANIFEST));
    let programs = directory();
    let hermes = programs.path().join("hermes");
    fs::write(&hermes, STAND_IN).unwrap();
    fs::set_permissions(&hermes, Permissions::from_mode(0o755)).unwrap();
    let volumes = [(); 4].map(|()| Volumes::new());
    let name = format!("gateways-test-{}", std::process::id());
    let replicas = Replicas { image: &image, hermes: &hermes, volumes: &volumes, name };

    let containers = replicas.up(3, None);
    assert_eq!(placed(&containers), expected(&OF_THREE));
    // The data that a user would miss: a memory, a key, and what an isolated gateway wrote. Also a gateway that an operator stopped.
    containers[1]
        .exec_as_hermes(&[
            "sh",
            "-euc",
            "cd /opt/data/profiles/writer; echo mine >memories/me; echo KEY=1 >.env; chmod 600 .env",
        ])
        .ok();
    // The symlinks are an attack: a program that packs, unpacks or deletes through them would do so to files of root, or of another gateway.
    let planted = "echo mine >me; ln -s /opt/data data; ln -s /etc/shadow shadow";
    let as_it = "/command/s6-applyuidgid -u $(stat -c %u .) -g $(stat -c %g .)";
    containers[2].sh(&format!("cd /opt/homes/g2; {as_it} sh -euc '{planted}'"));
    let others = "stat -c '%U %a %s' /etc/shadow; find /opt/data/profiles/coder -type f | sort | grep -v '/logs/'";
    let before = containers[2].sh(others);
    // The control: through them, root comes to those files.
    containers[2].sh(
        "[ /opt/homes/g2/data/profiles/coder -ef /opt/data/profiles/coder ]; [ /opt/homes/g2/shadow -ef /etc/shadow ]",
    );
    containers[0].sh("gatewayctl -q stop a --save");

    let directory = directory();
    let grow = replicas.moves(3, 4, directory.path());
    assert_eq!(
        grow("leave"),
        "writer has left 1, where it was up\na has left 0, where it was down\ng2 has left 2, where it was up\n"
    );
    stop(containers);
    let containers = replicas.up(4, Some(3));
    let last = &containers[3];
    for (name, shard) in [("writer", 1), ("a", 0), ("g2", 2)] {
        let line = format!("awaited   {name}  from the volume of shard {shard} of 3");
        assert!(last.logs().contains(&line), "{}", last.logs());
    }
    assert!(containers[1].logs().contains("profile writer: belongs to shard 3 of 4"), "{}", containers[1].logs());
    assert_eq!(last.sh("gatewayctl list"), "");
    assert_eq!(grow("arrive"), "writer is in 3 now\na is in 3 now\ng2 is in 3 now\n");
    grow("arrive");
    grow("delete");
    assert_eq!(last.sh("stat -c '%F' /opt/homes/g2/data /opt/homes/g2/shadow"), "symbolic link\nsymbolic link\n");
    assert_eq!(containers[2].sh(others), before);
    assert_eq!(containers[2].sh("ls /opt/homes"), "");
    last.sh("gatewayctl -q start a --save");
    let of_four =
        expected(&OF_THREE.map(|(name, index)| (name, if ["a", "writer", "g2"].contains(&name) { 3 } else { index })));
    assert_eq!(placed(&containers), of_four);
    assert_eq!(
        last.sh("cat /opt/data/profiles/writer/memories/me /opt/data/profiles/writer/.env /opt/homes/g2/me"),
        "mine\nKEY=1\nmine\n"
    );
    assert_eq!(last.sh("stat -c '%U %a' /opt/data/profiles/writer/.env"), "hermes 600\n");
    assert_eq!(last.sh("ls -d /opt/data/tmp.* /tmp/* 2>/dev/null || :"), "", "nothing is left of the import");
    let files = |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(files(directory.path()), ["move.sh"]);

    let shrink = replicas.moves(4, 3, directory.path());
    shrink("leave");
    stop(containers);
    let containers = replicas.up(3, Some(4));
    shrink("arrive");
    shrink("delete");
    assert_eq!(placed(&containers), expected(&OF_THREE));
    assert_eq!(
        containers[1].sh("cat /opt/data/profiles/writer/memories/me /opt/data/profiles/writer/.env"),
        "mine\nKEY=1\n"
    );
    stop(containers);

    for (name, mut runs) in runs(&volumes) {
        runs.sort_unstable();
        for pair in runs.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{name} ran twice at once: {runs:?}");
        }
        let places: std::collections::BTreeSet<usize> = runs.iter().map(|(_, _, index)| *index).collect();
        assert_eq!(
            places.len(),
            if ["a", "writer", "g2"].contains(&name.as_str()) { 2 } else { 1 },
            "{name}: {runs:?}"
        );
    }
}

/// As an orchestrator does it: stops the container, waits for it, and removes it.
fn stop(containers: Vec<Container>) {
    std::thread::scope(|scope| {
        for container in &containers {
            scope.spawn(|| assert_ne!(container.stop(), 137));
        }
    });
    drop(containers);
}
