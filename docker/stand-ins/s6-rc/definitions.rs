//! Source definitions, and what is wrong with them (<https://skarnet.org/software/s6-rc/s6-rc-compile.html>).

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::database::{Database, Service};
use crate::internal::{FDHOLDER, RUNNER};
use crate::{Failure, PROGRAMS, read_if_there, refused, wrong};

pub(crate) struct Definition {
    pub(crate) name: String,
    /// `None` for a service that s6-rc adds by itself.
    pub(crate) directory: Option<PathBuf>,
    /// `None` for a oneshot.
    pub(crate) longrun: Option<Longrun>,
    needs: Vec<String>,
    timeouts: [u32; 2],
    essential: bool,
}

#[derive(Default)]
pub(crate) struct Longrun {
    pub(crate) consumer: Option<String>,
    pub(crate) producers: Vec<String>,
    pipeline: Option<String>,
}

struct Bundle {
    name: String,
    members: Vec<String>,
    essential: bool,
}

/// The definitions of all sources.
#[derive(Default)]
pub(crate) struct Definitions {
    pub(crate) services: Vec<Definition>,
    bundles: Vec<Bundle>,
    names: BTreeSet<String>,
}

impl Definitions {
    /// Reads the definitions in these directories.
    pub(crate) fn of(sources: &[String]) -> Result<Self, Failure> {
        let mut all = Self::default();
        for name in [RUNNER, FDHOLDER] {
            all.names.insert(name.to_owned());
            all.services.push(Definition {
                name: name.to_owned(),
                directory: None,
                longrun: Some(Longrun::default()),
                needs: Vec::new(),
                timeouts: [0, 0],
                essential: true,
            });
        }
        for source in sources {
            all.read(Path::new(source))?;
        }
        Ok(all)
    }

    fn read(&mut self, source: &Path) -> Result<(), Failure> {
        let mut names = Vec::new();
        for entry in fs::read_dir(source).map_err(refused("opendir", source))? {
            let entry = entry.map_err(refused("readdir", source))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if name.contains('\n') {
                return wrong(format!("a name in {} has a line break", source.display()));
            }
            not_reserved(&name)?;
            if fs::metadata(entry.path()).map_err(refused("stat", &entry.path()))?.is_dir() {
                names.push(name);
            }
        }
        names.sort_unstable();
        names.into_iter().try_for_each(|name| self.add(source, name))
    }

    fn add(&mut self, source: &Path, name: String) -> Result<(), Failure> {
        let directory = source.join(&name);
        let kind = kind(&directory)?;
        if !self.names.insert(name.clone()) {
            return wrong(format!("{name}, defined in {}, is defined already", source.display()));
        }
        let essential = there(&directory.join("flag-essential"))?;
        if kind == Kind::Bundle {
            let members = names(&directory, "contents")?;
            let missing = || refused("open", &directory.join("contents"))("there is none");
            self.bundles.push(Bundle { name, members: members.ok_or_else(missing)?, essential });
            return Ok(());
        }
        let mut needs = names(&directory, "dependencies")?.unwrap_or_default();
        let timeouts = [timeout(&directory.join("timeout-down"))?, timeout(&directory.join("timeout-up"))?];
        let longrun = if kind == Kind::Oneshot {
            for (script, is_needed) in [("reload", false), ("up", true), ("down", false)] {
                check_script(&directory.join(script), is_needed)?;
            }
            needs.push(RUNNER.to_owned());
            None
        } else {
            let longrun = longrun(&directory)?;
            needs.extend(longrun.consumer.clone());
            if longrun.consumer.is_some() || !longrun.producers.is_empty() {
                needs.push(FDHOLDER.to_owned());
            }
            Some(longrun)
        };
        self.services.push(Definition { name, directory: Some(directory), longrun, needs, timeouts, essential });
        Ok(())
    }

    fn longrun(&self, name: &str) -> Option<&Longrun> {
        self.services.iter().find(|service| service.name == name)?.longrun.as_ref()
    }

    /// A longrun and all longruns that it reads from, directly or not.
    fn pipeline(&self, name: &str, members: &mut Vec<String>) -> Result<(), Failure> {
        let Some(longrun) = self.longrun(name) else {
            return wrong(format!("{name} is in a pipeline, but is not a longrun"));
        };
        if members.len() >= self.services.len() {
            return wrong(format!("a pipeline leads back to {name}"));
        }
        members.push(name.to_owned());
        longrun.producers.iter().try_for_each(|producer| self.pipeline(producer, members))
    }

    /// Checks that the two ends of each pipe name each other.
    fn check_pipes(&self) -> Result<(), Failure> {
        for Definition { name, longrun, .. } in &self.services {
            let Some(longrun) = longrun else { continue };
            if let Some(consumer) = &longrun.consumer {
                let Some(other) = self.longrun(consumer) else {
                    return wrong(format!("{name} is a producer for {consumer}, which is not a longrun"));
                };
                if let Some(odd) = other.producers.iter().find(|producer| self.longrun(producer).is_none()) {
                    return wrong(format!("{consumer} is a consumer for {odd}, which is not a longrun"));
                }
                if !other.producers.contains(name) {
                    return wrong(format!("{name} is a producer for {consumer}, which does not name it"));
                }
            }
            for producer in &longrun.producers {
                if self.longrun(producer).is_none_or(|other| other.consumer.as_ref() != Some(name)) {
                    return wrong(format!("{name} is a consumer for {producer}, which does not name it"));
                }
            }
        }
        Ok(())
    }

    /// Makes the database that is written: each name with the services that it stands for.
    pub(crate) fn resolve(&mut self) -> Result<Database, Failure> {
        let mut pipelines = Vec::new();
        for service in self.services.iter().rev() {
            let Some(name) = service.longrun.as_ref().and_then(|longrun| longrun.pipeline.clone()) else { continue };
            let mut members = Vec::new();
            self.pipeline(&service.name, &mut members)?;
            pipelines.push(Bundle { name, members, essential: false });
        }
        for pipeline in pipelines {
            if !self.names.insert(pipeline.name.clone()) {
                return wrong(format!("the pipeline {} has the name of another definition", pipeline.name));
            }
            self.bundles.push(pipeline);
        }
        self.check_pipes()?;
        // s6-rc lists longruns first.
        self.services.sort_by_key(|service| service.longrun.is_none());
        let mut resolver = Resolver { all: self, meant: HashMap::new(), asked: Vec::new() };
        let mut services = Vec::new();
        for service in &self.services {
            let needs = resolver.each(&service.name, &service.needs)?;
            services.push(Service {
                name: service.name.clone(),
                is_longrun: service.longrun.is_some(),
                essential: service.essential,
                timeouts: service.timeouts,
                needs,
            });
        }
        let mut bundles = Vec::new();
        for bundle in &self.bundles {
            let members = resolver.of(&bundle.name, &bundle.name)?;
            members.iter().for_each(|member| services[*member].essential |= bundle.essential);
            bundles.push((bundle.name.clone(), members));
        }
        let database = Database { services, bundles };
        match database.circle() {
            Some(name) => wrong(format!("{name} depends on itself")),
            None => Ok(database),
        }
    }
}

/// Finds which services a name stands for.
struct Resolver<'a> {
    all: &'a Definitions,
    meant: HashMap<String, BTreeSet<usize>>,
    asked: Vec<String>,
}

impl Resolver<'_> {
    fn of(&mut self, whose: &str, name: &str) -> Result<BTreeSet<usize>, Failure> {
        if let Some(place) = self.all.services.iter().position(|service| service.name == name) {
            return Ok(BTreeSet::from([place]));
        }
        if let Some(found) = self.meant.get(name) {
            return Ok(found.clone());
        }
        let Some(bundle) = self.all.bundles.iter().find(|bundle| bundle.name == name) else {
            return wrong(format!("{whose} names {name}, but no definition is called {name}"));
        };
        if self.asked.iter().any(|asked| asked == name) {
            return wrong(format!("the bundle {name} contains itself"));
        }
        self.asked.push(name.to_owned());
        let found = self.each(name, &bundle.members)?;
        self.asked.pop();
        self.meant.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn each(&mut self, whose: &str, names: &[String]) -> Result<BTreeSet<usize>, Failure> {
        let mut found = BTreeSet::new();
        for name in names {
            found.extend(self.of(whose, name)?);
        }
        Ok(found)
    }
}

#[derive(PartialEq, Eq)]
enum Kind {
    Oneshot,
    Longrun,
    Bundle,
}

fn kind(directory: &Path) -> Result<Kind, Failure> {
    let path = directory.join("type");
    let mut text = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(8).read_to_end(&mut text));
    read.map_err(refused("read", &path))?;
    match text.strip_suffix(b"\n").unwrap_or(&text) {
        b"oneshot" => Ok(Kind::Oneshot),
        b"longrun" => Ok(Kind::Longrun),
        b"bundle" => Ok(Kind::Bundle),
        _ => wrong(format!("{} is neither oneshot nor longrun nor bundle", path.display())),
    }
}

fn longrun(directory: &Path) -> Result<Longrun, Failure> {
    let run = directory.join("run");
    match fs::metadata(&run) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return wrong(format!("{} is not there", run.display()));
        }
        Err(error) => return Err(refused("open", &run)(error)),
        Ok(metadata) if !metadata.is_file() => return wrong(format!("{} is not a regular file", run.display())),
        Ok(_) => {}
    }
    let consumer = one_name(directory, "producer-for")?;
    let producers = listed(&directory.join("consumer-for"))?.unwrap_or_default();
    let is_last = consumer.is_none() && !producers.is_empty();
    let pipeline = if is_last { one_name(directory, "pipeline-name")? } else { None };
    Ok(Longrun { consumer, producers, pipeline })
}

fn not_reserved(name: &str) -> Result<(), Failure> {
    if name.starts_with("s6rc-") || name.starts_with("s6-rc-") {
        return wrong(format!("{name} begins with s6rc- or s6-rc-, as only names of s6-rc itself may"));
    }
    Ok(())
}

/// Whether something of any kind exists at a path.
pub(crate) fn there(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(refused("access", path))
}

/// The names in a directory `NAME.d`, or else in a file of that name.
fn names(directory: &Path, name: &str) -> Result<Option<Vec<String>>, Failure> {
    let path = directory.join(format!("{name}.d"));
    let entries = match fs::read_dir(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return listed(&directory.join(name)),
        entries => entries.map_err(refused("opendir", &path))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(refused("readdir", &path))?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            not_reserved(&name)?;
            names.push(name);
        }
    }
    Ok(Some(names))
}

/// The names in a file, one on each line.
fn listed(path: &Path) -> Result<Option<Vec<String>>, Failure> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    let mut names: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(&text).split('\n') {
        let name = line.trim_start_matches([' ', '\t']);
        if name.is_empty() || name.starts_with('#') || names.iter().any(|known| known == name) {
            continue;
        }
        not_reserved(name)?;
        names.push(name.to_owned());
    }
    Ok(Some(names))
}

fn one_name(directory: &Path, file: &str) -> Result<Option<String>, Failure> {
    let path = directory.join(file);
    match listed(&path)?.as_deref() {
        None => Ok(None),
        Some([name]) => Ok(Some(name.clone())),
        Some(_) => wrong(format!("{} must hold exactly one name", path.display())),
    }
}

/// A time in milliseconds. 0 is no limit.
fn timeout(path: &Path) -> Result<u32, Failure> {
    let Some(text) = read_if_there(path)? else { return Ok(0) };
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_end_matches('\n');
    match text.parse() {
        Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => wrong(format!("{} is not a number", path.display())),
    }
}

/// Whether execline can parse a script. This does not run it: it runs `true` with the script as its arguments.
fn check_script(path: &Path, is_needed: bool) -> Result<(), Failure> {
    let Some(text) = read_if_there(path)? else {
        let missing = || refused("open", path)("there is none");
        return if is_needed { Err(missing()) } else { Ok(()) };
    };
    let text = format!("true\n{}", String::from_utf8_lossy(&text));
    let mut execlineb = Command::new(format!("{PROGRAMS}/execlineb"));
    execlineb.args(["-Pc", &text]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = execlineb.env("PATH", "/usr/bin:/bin").status().map_err(refused("run", Path::new("execlineb")))?;
    if ended.success() { Ok(()) } else { wrong(format!("{} is not a script of execline", path.display())) }
}
