//! The files of docker/kubernetes: kustomize merges them, they are validated strictly, and podman runs the resulting pod.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::docker::{Ran, directory, image, root, until};

/// Both overlays, and how many replicas each has.
const OVERLAYS: [(&str, u32); 2] = [("three", 3), ("twenty-five", 25)];

/// The output of kustomize for an overlay.
fn kustomized(overlay: &str) -> String {
    let path = root().join("docker/kubernetes/overlays").join(overlay);
    let ran: Ran = Command::new("kubectl").arg("kustomize").arg(path).output().expect("kubectl is needed").into();
    ran.ok()
}

/// Runs this Python. It gets the YAML from standard input as `docs`.
fn python(yaml: &str, script: &str) -> String {
    let directory = directory();
    let path = directory.path().join("docs.yaml");
    fs::write(&path, yaml).unwrap();
    let script = format!("import sys, yaml\ndocs = list(yaml.safe_load_all(open(sys.argv[1])))\n{script}");
    let ran: Ran = Command::new("/usr/bin/python3").args(["-c", &script]).arg(&path).output().unwrap().into();
    ran.ok()
}

#[test]
fn each_overlay_is_valid_and_agrees_with_itself() {
    for (overlay, replicas) in OVERLAYS {
        let merged = kustomized(overlay);
        let directory = directory();
        let path = directory.path().join("merged.yaml");
        fs::write(&path, &merged).unwrap();
        let mut validate = Command::new("kubernetes-validate");
        let ran: Ran = validate.arg("--strict").arg(&path).output().expect("kubernetes-validate is needed").into();
        assert_eq!(ran.code, 0, "{overlay}: {}{}", ran.out, ran.err);
        let all = format!("{}{}", ran.out, ran.err);
        for kind in ["configmap", "service", "statefulset", "poddisruptionbudget"] {
            assert!(all.contains(&format!("passed for resource {kind}/")), "{overlay}: {all}");
        }
        let said = python(
            &merged,
            "kinds = {d['kind']: d for d in docs}\nspec = kinds['StatefulSet']['spec']\n\
             container = spec['template']['spec']['containers'][0]\n\
             shards = [e['value'] for e in container['env'] if e['name'] == 'GATEWAYS_SHARDS']\n\
             config = [v['configMap']['name'] for v in spec['template']['spec']['volumes'] if 'configMap' in v]\n\
             print(spec['replicas'], shards, config == [kinds['ConfigMap']['metadata']['name']], container['image'])",
        );
        let wanted = format!("{replicas} ['{replicas}'] True registry.example/hermes-gateways:1\n");
        assert_eq!(said, wanted, "{overlay}");
    }
    let manifest = |path: &str| fs::read_to_string(root().join("docker").join(path)).unwrap();
    assert_eq!(
        manifest("kubernetes/base/gateways.toml"),
        manifest("replicas.toml"),
        "the two copies of the manifest are equal"
    );
}

/// podman, with its own directory, which is removed with this.
struct Podman {
    place: TempDir,
}

impl Podman {
    /// podman with this image of Docker's.
    fn with(image: &str) -> Self {
        let podman = Self { place: directory() };
        // By default, podman asks for more open files than it may have here, and its runtime needs more of cgroups than there is. Its default locks
        // are shared by all podmans.
        let settings = format!(
            "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n\
             [engine]\nruntime = \"runc\"\nlock_type = \"file\"\ntmp_dir = \"{}\"\n\
             [network]\nnetwork_backend = \"cni\"\n",
            podman.path("tmp")
        );
        fs::write(podman.path("containers.conf"), settings).unwrap();
        let archive = podman.path("image.tar");
        crate::docker::docker(&["save", "--output", &archive, image]).ok();
        assert_eq!(podman.run(&["load", "--input", &archive]).code, 0);
        fs::remove_file(archive).unwrap();
        podman
    }

    fn path(&self, name: &str) -> String {
        self.place.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut podman = Command::new("timeout");
        podman.args([
            "300",
            "podman",
            "--root",
            &self.path("root"),
            "--runroot",
            &self.path("run"),
            "--tmpdir",
            &self.path("tmp"),
            "--log-level",
            "fatal",
        ]);
        podman.env("CONTAINERS_CONF", self.path("containers.conf")).args(arguments).output().unwrap().into()
    }

    /// Runs a command in the container of the pod.
    fn exec(&self, command: &str) -> Ran {
        self.run(&["exec", "gateways-1-gateways", "sh", "-euc", command])
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}", self.run(&["logs", "gateways-1-gateways"]));
        }
        self.run(&["pod", "rm", "--force", "--all", "--time", "45"]);
        self.run(&["system", "reset", "--force"]);
    }
}

/// The second pod of the set, as Kubernetes makes it: with the label of its index, and its claim.
const POD: &str = "
import base64
kinds = {d['kind']: d for d in docs}
template = kinds['StatefulSet']['spec']['template']
labels = dict(template['metadata']['labels'], **{'apps.kubernetes.io/pod-index': '1'})
pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'gateways-1', 'labels': labels}, 'spec': template['spec']}
pod['spec']['volumes'].append({'name': 'data', 'persistentVolumeClaim': {'claimName': 'data-gateways-1'}})
for container in pod['spec']['containers']:
    container['image'] = 'localhost/IMAGE'
    # Those of podman are ports of this machine.
    container.pop('ports')
key = base64.b64encode(b'a-key-of-the-api-server-0123456789').decode()
secret = {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': 'gateways'}, 'data': {'api-server-key': key}}
print(yaml.safe_dump_all([kinds['ConfigMap'], secret, pod]))
";

/// The shipped pod, with all its limits and the real Hermes: it boots, is healthy by both probes, and stops in time.
#[test]
fn the_pod_runs_with_its_limits_and_its_probes() {
    let image = image("volume", None);
    let podman = Podman::with(&image);
    let pod = python(&kustomized("three"), &POD.replace("IMAGE", &image));
    let probes = python(
        &pod,
        "container = docs[2]['spec']['containers'][0]\n\
         print(*[' '.join(container[p]['exec']['command']) for p in ('livenessProbe', 'readinessProbe')], sep='\\n')",
    );
    let path = podman.path("pod.yaml");
    fs::write(&path, pod).unwrap();
    let played = podman.run(&["play", "kube", &path]);
    assert_eq!(played.code, 0, "{played:?}");
    until("the pod is booted", || podman.exec("test -d /run/s6/legacy-services").code == 0);
    for probe in probes.lines() {
        until(probe, || podman.exec(probe).code == 0);
    }
    // The second of three replicas has exactly these gateways of the manifest.
    let listed = podman.exec("gatewayctl list").ok();
    assert_eq!(listed, "reader\nwriter\n");
    assert_eq!(podman.run(&["healthcheck", "run", "gateways-1-gateways"]).code, 0);
    let limits = podman.exec(
        "grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/1/status | tr -s '\\t' ' '; touch /x 2>/dev/null || echo 'a read-only root'; \
         gatewayctl doctor | grep -c ERROR || :; stat -c '%U' /opt/data/profiles/*; gatewayctl metrics | grep -c 'shard=\"1\"' >/dev/null && echo metrics",
    );
    assert_eq!(
        limits.ok(),
        "CapBnd: 00000000000000e3\nNoNewPrivs: 1\nSeccomp: 2\na read-only root\n0\nhermes\nhermes\nmetrics\n"
    );
    let stopped = podman.run(&["pod", "stop", "--time", "45", "gateways-1"]);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    let code = podman.run(&["inspect", "--format", "{{.State.ExitCode}}", "gateways-1-gateways"]);
    assert_ne!(code.ok().trim(), "137", "killed at the end of its time");
}
