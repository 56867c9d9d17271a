//! The shipped docker/compose.yaml, run with Debian's docker-compose.

use std::process::Command;

use crate::docker::{Container, Ran, docker, image, root};
use crate::scaling::Commands;

/// With these variables the test has its own project.
struct Compose {
    project: String,
}

impl Compose {
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut compose = Command::new("docker-compose");
        compose.arg("--file").arg(root().join("docker/compose.yaml")).env("COMPOSE_PROJECT_NAME", &self.project);
        compose.args(arguments).output().expect("docker-compose is needed").into()
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        self.run(&["down", "--volumes", "--timeout", "45"]);
    }
}

#[test]
fn compose_brings_up_one_container_that_keeps_its_profiles() {
    let image = image("volume", None);
    let compose = Compose { project: format!("hermes-test-{}", std::process::id()) };
    // Nothing is built here, because the image exists.
    let mut commands = Commands::new(&[("GATEWAYS_IMAGE", &image), ("COMPOSE_PROJECT_NAME", &compose.project)]);
    let said = commands.run("up", "");
    assert!(said.lines().any(|line| line.starts_with("coder ")), "{said}");
    let container = || Container::of(compose.run(&["ps", "--quiet", "gateways"]).out.trim_end());
    let first = container();
    first.until_up("default coder");
    assert_eq!(docker(&["inspect", "--format", "{{.Config.StopTimeout}}", first.id()]).out.trim_end(), "45");
    assert_eq!(compose.run(&["down", "--timeout", "45"]).code, 0);
    drop(first);
    let mut up = Command::new("docker-compose");
    up.arg("--file").arg(root().join("docker/compose.yaml")).args(["up", "--detach"]);
    let up: Ran =
        up.env("COMPOSE_PROJECT_NAME", &compose.project).env("GATEWAYS_IMAGE", &image).output().unwrap().into();
    assert_eq!(up.code, 0, "{}", up.err);
    container().until_up("default coder");
}
