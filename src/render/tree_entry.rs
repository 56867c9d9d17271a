//! The parts of a service in the tree below `--out`, in each layout. No I/O.

use std::collections::BTreeSet;
use std::fmt;

use super::parts::parts;
use super::service_dir::{DEPENDENCIES, Mode, ServiceFile, note, on_disk, show};
use crate::disk::Snapshot;
use crate::spec::options::{After, Layout};
use crate::spec::{Service, ServiceName};

/// A rendered directory of the tree, or a rendered single file, that is not on a disk yet.
///
/// Its [`Display`](fmt::Display) is for a person to review: each file under a line with its path and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    path: String,
    files: Vec<ServiceFile>,
}

impl TreeEntry {
    /// Its path below `--out`: `gateway-<profile>`, `user/contents.d/gateway-<profile>-pipeline`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its files, in a good order for a reader. A single file has an empty path.
    pub fn files(&self) -> &[ServiceFile] {
        &self.files
    }

    /// What it becomes on a disk.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        match self.files.as_slice() {
            [file] if file.path.is_empty() => Snapshot::file(file.mode.bits(), file.content.as_bytes()),
            files => on_disk(files),
        }
    }
}

impl fmt::Display for TreeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.path, &self.files)
    }
}

impl Layout {
    /// The directory below `--out` that holds the directories of services. Empty if that is `--out` itself.
    pub(crate) const fn services(self) -> &'static str {
        match self {
            Self::S6 | Self::S6Rc => "",
            Self::S6Overlay => "s6-rc.d",
        }
    }

    /// The directory below `--out` that holds the bundles, if the layout has any. Empty if that is `--out` itself.
    pub(crate) const fn bundles(self) -> Option<&'static str> {
        match self {
            Self::S6 => None,
            Self::S6Rc => Some(""),
            Self::S6Overlay => Some("user-bundles.d"),
        }
    }

    /// The path of the directory or file of this name in one of these directories.
    pub(crate) fn path(above: &str, name: &str) -> String {
        if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") }
    }

    /// The path below `--out` of the bundle that is started at boot, if the layout has one.
    pub(crate) fn bundle_path(self) -> Option<String> {
        Some(Self::path(self.bundles()?, self.bundle()?))
    }
}

/// Renders a service in a layout: each of its directories and files in the tree. The same service gives the same bytes on every machine.
///
/// ```
/// use gen_service::render::render_in;
/// use gen_service::spec::options::Layout;
/// use gen_service::spec::{Gateway, Options, Service};
///
/// let service = Service::from(Gateway::resolve_one("coder".parse()?, Options::default())?);
/// let paths = |layout| render_in(&service, layout).iter().map(|entry| entry.path().to_owned()).collect::<Vec<_>>();
/// assert_eq!(paths(Layout::S6), ["gateway-coder"]);
/// assert_eq!(
///     paths(Layout::S6Rc),
///     ["gateway-coder", "gateway-coder-log", "user/contents.d/gateway-coder-pipeline"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn render_in(service: &Service, layout: Layout) -> Vec<TreeEntry> {
    slots(service, layout).into_iter().filter_map(|slot| slot.wanted).collect()
}

/// Renders the file that makes the directory of the bundle that is started at boot a bundle, if one of these services must be in it. The
/// file does not belong to these services alone.
pub fn render_bundle(services: &[Service], layout: Layout) -> Option<TreeEntry> {
    let path = format!("{}/type", layout.bundle_path()?);
    let started = services.iter().any(|service| !service.is_down());
    started.then(|| TreeEntry { path, files: vec![ServiceFile::new("", Mode::Data, "bundle\n")] })
}

/// A path at which a service has something in some layout or with some options, and what it has there with the present ones.
pub(crate) struct Slot {
    /// The path below `--out`.
    pub(crate) path: String,
    /// `None` if the service must have nothing there.
    pub(crate) wanted: Option<TreeEntry>,
}

impl Slot {
    fn new(path: String, files: Option<Vec<ServiceFile>>) -> Self {
        Self { wanted: files.map(|files| TreeEntry { path: path.clone(), files }), path }
    }
}

/// Every path at which this service may have something in this layout.
pub(crate) fn slots(service: &Service, layout: Layout) -> Vec<Slot> {
    let name = service.name();
    let directory = |name: &str| Layout::path(layout.services(), name);
    let mut parts = parts(service, &name, layout.is_s6_rc());
    if !layout.is_s6_rc() {
        let own = Slot::new(directory(&name.directory()), Some(parts.together()));
        // If it was rendered for s6-rc before, its logger was there.
        return std::iter::once(own).chain(name.logger().map(|logger| Slot::new(directory(&logger), None))).collect();
    }
    let mut slots = Vec::new();
    let after = service.after();
    if let (Some(mut files), Some(logger)) = (parts.logger, name.logger()) {
        parts.service.push(ServiceFile::new("producer-for", Mode::Data, format!("{logger}\n")));
        files.push(ServiceFile::new("consumer-for", Mode::Data, format!("{}\n", name.directory())));
        files.push(ServiceFile::new("pipeline-name", Mode::Data, format!("{}\n", name.pipeline())));
        // The logger writes to the same volume. So it starts after whatever mounts the volume, and stops before that.
        files.extend(dependencies(&name, after.iter().filter(|after| after.as_str() != logger)));
        slots.push(Slot::new(directory(&logger), Some(files)));
    }
    parts.service.extend(dependencies(&name, after.iter()));
    slots.insert(0, Slot::new(directory(&name.directory()), Some(parts.service)));
    if let Some(bundle) = layout.bundle_path() {
        let started = vec![ServiceFile::new("", Mode::Data, note(&name))];
        slots.push(Slot::new(member(&bundle, &name), (!parts.down).then_some(started)));
    }
    slots
}

/// The path below `--out` of the file that puts a service into this bundle.
fn member(bundle: &str, name: &ServiceName) -> String {
    format!("{bundle}/{CONTENTS}/{}", name.pipeline())
}

/// The directory of a bundle that has one file for each thing in it.
pub(crate) const CONTENTS: &str = "contents.d";

/// One file for each thing that a service starts after, sorted and without repetition.
fn dependencies<'a>(name: &ServiceName, after: impl Iterator<Item = &'a After>) -> Vec<ServiceFile> {
    let all: BTreeSet<After> = after.cloned().chain([After::base()]).collect();
    all.into_iter().map(|after| ServiceFile::new(format!("{DEPENDENCIES}/{after}"), Mode::Data, note(name))).collect()
}
