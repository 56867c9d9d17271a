//! The shipped docker/stack.yaml in Docker's own Swarm, with the real Hermes: deployed, broken, updated, scaled, and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use crate::docker::{Events, docker, image, until_within};
use crate::scaling::Commands;

/// The gateways of docker/replicas.toml in three replicas, and in four.
const OF_THREE: [&[&str]; 3] = [&["default", "planner", "tester"], &["reader", "writer"], &["coder"]];
const OF_FOUR: [&[&str]; 4] = [&["default", "planner", "tester"], &["reader"], &["coder"], &["writer"]];

/// The time limit of Swarm for anything: it replaces one task after the other, and each task starts several gateways of Hermes.
const PATIENCE: Duration = Duration::from_secs(240);

/// The name of the stack in docs/scaling.md.
const SERVICE: &str = "hermes_gateways";

/// A Swarm of this machine alone. This makes it, and ends it.
struct Swarm {
    /// Whether the bridge of Swarm was there before.
    had_bridge: bool,
}

/// A task of the service.
#[derive(Debug, Clone)]
struct Task {
    slot: usize,
    container: String,
}

impl Swarm {
    /// A new Swarm.
    ///
    /// # Panics
    /// If this machine already uses a Swarm, or has volumes of this name. A test must not touch those.
    fn new() -> Self {
        let state = docker(&["info", "--format", "{{.Swarm.LocalNodeState}}"]).ok();
        assert_eq!(state.trim_end(), "inactive", "this machine is in a Swarm; leave it, or run the tests elsewhere");
        let volumes = Self::volumes();
        assert!(volumes.is_empty(), "remove these volumes, or run the tests elsewhere: {volumes:?}");
        let had_bridge = docker(&["network", "inspect", "docker_gwbridge"]).code == 0;
        docker(&["swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377"]).ok();
        Self { had_bridge }
    }

    /// The volumes of the stack.
    fn volumes() -> Vec<String> {
        let listed = docker(&["volume", "ls", "--quiet", "--filter", "name=^hermes-(data|homes)-[0-9]+$"]).ok();
        listed.lines().map(str::to_owned).collect()
    }
}

/// The running tasks, by slot.
fn tasks() -> Vec<Task> {
    let filter = format!("label=com.docker.swarm.service.name={SERVICE}");
    let format = "{{.ID}} {{.Label \"com.docker.swarm.task.name\"}} {{.Status}}";
    let listed = docker(&["ps", "--filter", &filter, "--format", format]).ok();
    let task = |line: &str| {
        let mut words = line.split(' ');
        let (container, name) = (words.next()?.to_owned(), words.next()?);
        let slot = name.strip_prefix(&format!("{SERVICE}."))?.split('.').next()?.parse().ok()?;
        line.contains("(healthy)").then_some(Task { slot, container })
    };
    let mut tasks: Vec<Task> = listed.lines().filter_map(task).collect();
    tasks.sort_by_key(|task| task.slot);
    tasks
}

/// Waits until these slots run and are healthy, each with exactly these gateways, and all gateways answer.
fn until_all_are_well(gateways: &[&[&str]]) -> Vec<Task> {
    let mut all = Vec::new();
    for _ in 0..3 {
        until_within(PATIENCE, "all tasks are healthy, and no others", || {
            all = tasks();
            all.len() == gateways.len()
        });
        // An update may remove a task while the test looks at it.
        if all.iter().zip(gateways).all(|(task, _)| well(task)) {
            break;
        }
    }
    for ((slot, task), wanted) in (1..).zip(&all).zip(gateways) {
        assert_eq!(task.slot, slot);
        assert_eq!(task.sh("gatewayctl list").lines().collect::<Vec<_>>(), *wanted, "slot {slot}");
        assert_eq!(task.sh("gatewayctl health"), "", "slot {slot}");
    }
    all
}

/// Waits until an update has ended.
fn until_updated() {
    until_within(PATIENCE, "the update is through", || {
        let state = docker(&["service", "inspect", "--format", "{{.UpdateStatus.State}}", SERVICE]).out;
        assert!(!state.contains("rollback") && !state.contains("paused"), "{state}");
        state.trim_end() == "completed"
    });
}

/// The logs of all replicas.
fn logs() -> String {
    let said = docker(&["service", "logs", SERVICE]);
    said.out + &said.err
}

/// Whether all gateways of a task become healthy within a while.
fn well(task: &Task) -> bool {
    let began = Instant::now();
    while began.elapsed().as_secs() < 90 {
        if docker(&["exec", &task.container, "gatewayctl", "-q", "health"]).code == 0 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    false
}

impl Task {
    #[track_caller]
    fn sh(&self, command: &str) -> String {
        docker(&["exec", &self.container, "sh", "-euc", command]).ok()
    }

    /// What the API of this gateway answers to this key.
    fn answer(&self, port: u16, key: &str) -> String {
        self.sh(&format!(
            "python3 -c 'import urllib.request as r, urllib.error as e\nq = r.Request(\"http://127.0.0.1:{port}/v1/models\", headers={{\"Authorization\": \"Bearer {key}\"}})\n\
             try: print(r.urlopen(q, timeout=10).status)\nexcept e.HTTPError as error: print(error.code)'"
        ))
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}{}", docker(&["service", "ps", "--no-trunc", SERVICE]).out, logs());
        }
        docker(&["stack", "rm", "hermes"]);
        // A volume can be removed after its last container is gone.
        let gone = || {
            docker(&["ps", "--all", "--quiet", "--filter", "label=com.docker.stack.namespace=hermes"]).out.is_empty()
        };
        for _ in 0..600 {
            if gone() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        docker(&["swarm", "leave", "--force"]);
        for volume in Self::volumes() {
            docker(&["volume", "rm", "--force", &volume]);
        }
        if !self.had_bridge {
            docker(&["network", "rm", "docker_gwbridge"]);
        }
    }
}

#[test]
fn the_stack_is_deployed_broken_updated_and_scaled() {
    let image = image("volume", None);
    let _swarm = Swarm::new();
    // Nothing else differs from what a person types.
    let environment =
        [("GATEWAYS_IMAGE", image.as_str()), ("DELAY", "0s"), ("MONITOR", "1s"), ("HEALTH_INTERVAL", "2s")];
    let mut commands = Commands::new(&environment);
    let key = |commands: &Commands, name: &str| {
        fs::read_to_string(commands.place().join(name)).unwrap().trim_end().to_owned()
    };

    commands.run("deploy", "");
    let all = until_all_are_well(&OF_THREE);
    let said = commands.run("look", "");
    assert!(said.contains("hermes_gateways.3") && said.contains("default  up"), "{said}");
    // The logs of the service name the gateway of each line, for each replica.
    let said = logs();
    for (slot, gateways) in (1..).zip(OF_THREE) {
        let says = |line: &str| {
            line.starts_with(&format!("{SERVICE}.{slot}."))
                && gateways.iter().any(|name| line.contains(&format!("| {name}: ")))
        };
        assert!(said.lines().any(says), "slot {slot}: {said}");
    }
    assert_eq!(all[1].answer(8644, &key(&commands, "api-server-key")), "200\n");
    all[1].sh("/command/s6-setuidgid hermes sh -c 'echo mine >/opt/data/profiles/writer/memories/me'");

    // A killed task is replaced, and has its profiles.
    docker(&["kill", &all[1].container]).ok();
    until_within(PATIENCE, "another task has its slot", || {
        tasks().iter().any(|task| task.slot == 2 && task.container != all[1].container)
    });
    let all = until_all_are_well(&OF_THREE);
    assert_eq!(all[1].sh("cat /opt/data/profiles/writer/memories/me"), "mine\n");

    // Another key is a rolling update: Swarm replaces one task after the other, and at the end all have the new key.
    let filter = format!("label=com.docker.swarm.service.name={SERVICE}");
    let format = "{{.Action}} {{index .Actor.Attributes \"com.docker.swarm.task.name\"}}";
    let events = Events::since_now(&["event=die", "event=health_status", &filter], format);
    commands.run("rotate", "");
    until_updated();
    let all = until_all_are_well(&OF_THREE);
    assert_eq!(all[1].answer(8644, &key(&commands, "api-server-key-2")), "200\n");
    assert_eq!(all[1].answer(8644, &key(&commands, "api-server-key")), "401\n");
    one_after_the_other(&events.said());
    drop(events);

    // Scales to four, and to three again.
    commands.run("leave", "");
    commands.run("resize", "");
    until_updated();
    until_within(PATIENCE, "the fourth waits", || tasks().len() == 4 && logs().contains("awaited   writer"));
    commands.run("arrive", "");
    let all = until_all_are_well(&OF_FOUR);
    assert_eq!(all[3].sh("cat /opt/data/profiles/writer/memories/me"), "mine\n");
    commands.swap();
    commands.run("leave", "");
    commands.run("resize", "");
    until_updated();
    until_within(PATIENCE, "three are left", || tasks().len() == 3);
    commands.run("arrive", "");
    let all = until_all_are_well(&OF_THREE);
    assert_eq!(all[1].sh("cat /opt/data/profiles/writer/memories/me"), "mine\n");
    assert_eq!(all[1].answer(8644, &key(&commands, "api-server-key-2")), "200\n");
}

/// Checks in these events that at most one slot is without a healthy container at a time.
fn one_after_the_other(events: &str) {
    let mut down: BTreeSet<String> = BTreeSet::new();
    let mut replaced: BTreeMap<String, usize> = BTreeMap::new();
    for line in events.lines() {
        let slot = |name: &str| {
            name.strip_prefix(&format!("{SERVICE}.")).and_then(|rest| Some(rest.split('.').next()?.to_owned()))
        };
        let (action, name) = line.rsplit_once(' ').unwrap();
        let Some(slot) = slot(name) else { continue };
        match action {
            "die" => {
                down.insert(slot);
                assert!(down.len() <= 1, "{down:?} are down at once: {events}");
            }
            "health_status: healthy" if down.remove(&slot) => *replaced.entry(slot).or_default() += 1,
            _ => {}
        }
    }
    assert_eq!(replaced.len(), 3, "{events}");
}
