//! Finds what is below `--out`, at the places of a layout.

use std::collections::BTreeSet;
use std::io;

use camino::Utf8PathBuf;
use rustix::fs::FileType;

use super::error::TreeError;
use super::own::TargetError;
use crate::disk::{Context as _, Dir, Entry, Place, Snapshot, SystemError};
use crate::render::{CONTENTS, TreeEntry, render_bundle};
use crate::spec::Service;
use crate::spec::options::Layout;

/// The directory in which a run builds what it will rename into place.
pub(super) const STAGING: &str = ".gen-service.tmp";

/// The names in a directory. Names that are not UTF-8 cannot be gen-service's, and are omitted.
pub(super) type Names = BTreeSet<String>;

/// What is there, by name. Empty if the directory is missing.
pub(super) struct Found<'a> {
    pub(super) place: Option<Place<'a>>,
    pub(super) layout: Layout,
    /// What is in the directory of services.
    pub(super) directories: Names,
    /// What is in the bundle that is started at boot.
    pub(super) members: Names,
    bundle: Option<Bundle>,
}

/// The bundle that is started at boot. Other people's services are in it, too.
struct Bundle {
    /// Its path below `--out`.
    path: String,
    /// The path of the directory of its members.
    contents: String,
    is_there: bool,
    has_type: bool,
    has_contents: bool,
}

impl Bundle {
    fn new(path: String) -> Self {
        Self { contents: format!("{path}/{CONTENTS}"), path, is_there: false, has_type: false, has_contents: false }
    }

    /// The outermost of its directories that does not exist yet.
    fn missing(&self) -> Option<&str> {
        match self {
            Self { is_there: false, path, .. } => Some(path),
            Self { has_contents: false, contents, .. } => Some(contents),
            _ => None,
        }
    }
}

impl<'a> Found<'a> {
    /// Looks at the place, if it exists.
    ///
    /// # Errors
    /// If something cannot be read, or if the bundle is in a form to which nothing can be added.
    pub(super) fn look(place: Option<Place<'a>>, layout: Layout) -> Result<Self, TreeError> {
        let bundle = layout.bundle_path().map(Bundle::new);
        let mut this = Self { place, layout, directories: Names::new(), members: Names::new(), bundle };
        if let Some(place) = place {
            this.directories = names(place, layout.services())?;
            if let Some(bundle) = &mut this.bundle {
                bundle.look(place, layout)?;
                this.members = names(place, &bundle.contents)?;
            }
        }
        Ok(this)
    }

    /// Whether there is something at this path below `--out`.
    pub(super) fn holds(&self, path: &str) -> bool {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        if above == self.layout.services() { self.directories.contains(name) } else { self.members.contains(name) }
    }

    /// Everything at this path below `--out`.
    pub(super) fn whole(&self, path: &str) -> Result<Snapshot<'static>, SystemError> {
        match self.place {
            Some(place) if self.holds(path) => place.read(path),
            _ => Ok(Snapshot::default()),
        }
    }

    /// What a killed run left.
    pub(super) fn staging(&self) -> Result<Option<Snapshot<'static>>, SystemError> {
        match self.place {
            Some(place) if place.directory.stat(STAGING).is_ok() => place.read(STAGING).map(Some),
            _ => Ok(None),
        }
    }

    /// The path of a member of the bundle. A member is a single file.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        self.bundle.as_ref().map(|bundle| format!("{}/{name}", bundle.contents))
    }

    /// Whether the thing at this path is a member of the bundle.
    pub(super) fn is_member(&self, path: &str) -> bool {
        self.bundle.as_ref().is_some_and(|bundle| within(path, &bundle.contents).is_some())
    }

    /// If the directory above this path does not exist yet, the rest of the path below the outermost missing directory. `None` if it
    /// exists.
    pub(super) fn within_missing<'p>(&self, path: &'p str) -> Option<&'p str> {
        within(path, self.bundle.as_ref()?.missing()?)
    }

    /// The file that makes the directory a bundle, if one of these services must be in the bundle and the file is missing.
    pub(super) fn missing_type(&self, services: &[Service]) -> Option<TreeEntry> {
        self.bundle.as_ref().filter(|bundle| !bundle.has_type)?;
        render_bundle(services, self.layout)
    }

    /// The same, if the directory of the bundle exists. Otherwise the file comes with the directory.
    pub(super) fn type_to_add(&self, services: &[Service]) -> Option<TreeEntry> {
        self.bundle.as_ref().filter(|bundle| bundle.is_there)?;
        self.missing_type(services)
    }

    /// What is missing of the bundle with these members: its path, and what must be there.
    pub(super) fn new_bundle(
        &self,
        services: &[Service],
        members: Vec<(String, Entry<'static>)>,
    ) -> Option<(String, Snapshot<'static>)> {
        let bundle = self.bundle.as_ref()?;
        let missing = bundle.missing().filter(|_| !members.is_empty())?;
        let mut new = Snapshot::default();
        let mode = 0o755;
        new.insert("", Entry::Directory { mode });
        if !bundle.is_there {
            new.insert(CONTENTS, Entry::Directory { mode });
            let says = self.missing_type(services).map(|entry| entry.snapshot().owned());
            if let Some(says) = says.as_ref().and_then(Snapshot::itself) {
                new.insert("type", says.clone());
            }
        }
        for (path, entry) in members {
            new.insert(path, entry);
        }
        Some((missing.to_owned(), new))
    }
}

/// The rest of a path below `above`.
fn within<'p>(path: &'p str, above: &str) -> Option<&'p str> {
    path.strip_prefix(above)?.strip_prefix('/')
}

impl Bundle {
    fn look(&mut self, place: Place<'_>, layout: Layout) -> Result<(), TreeError> {
        let refuse = |path: &str, reason: &'static str, remedy: &'static str| {
            Err(TreeError::Target(vec![TargetError::Bundle { path: place.shown.join(path), reason, remedy }]))
        };
        if layout == Layout::S6Overlay {
            // See `rc.init` of s6-overlay 3.2.3.2: if this exists, it takes the bundles from there, and ignores those from here.
            let older = "s6-rc.d/user";
            if kind(place, older)?.is_some() {
                let remedy = "move it and user2 to user-bundles.d, or use layout s6-rc and --out s6-rc.d";
                return refuse(older, "exists, so s6-overlay ignores user-bundles.d", remedy);
            }
        }
        match kind(place, &self.path)? {
            None => return Ok(()),
            Some(FileType::Directory) => self.is_there = true,
            Some(_) => return refuse(&self.path, "is not a directory", "make it a directory, or move it away"),
        }
        match kind(place, &self.contents)? {
            Some(FileType::Directory) => self.has_contents = true,
            Some(_) => return refuse(&self.contents, "is not a directory", "make it a directory, or move it away"),
            None => {
                let older = format!("{}/contents", self.path);
                if kind(place, &older)?.is_some() {
                    let remedy = "replace it by a directory contents.d with an empty file for each line";
                    return refuse(&older, "exists, and s6-rc does not read it beside a contents.d", remedy);
                }
            }
        }
        let says = format!("{}/type", self.path);
        match kind(place, &says)? {
            None => Ok(()),
            Some(_) => match place.read(&says)?.itself() {
                // The newline may be missing. s6-rc accepts that.
                Some(Entry::File { content: Some(content), .. }) if content.trim_ascii_end() == b"bundle" => {
                    self.has_type = true;
                    Ok(())
                }
                _ => refuse(&says, "does not hold the word bundle", "write that word to it, or move it away"),
            },
        }
    }
}

/// What is at a path below `--out`, if anything.
fn kind(place: Place<'_>, path: &str) -> Result<Option<FileType>, SystemError> {
    match place.directory.stat(path) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("read", place.shown.join(path)),
    }
}

/// The names in a directory below `--out`, if it exists.
fn names(place: Place<'_>, path: &str) -> Result<Names, SystemError> {
    let shown: Utf8PathBuf = if path.is_empty() { place.shown.to_owned() } else { place.shown.join(path) };
    let opened;
    let directory: &Dir = if path.is_empty() {
        place.directory
    } else {
        match place.directory.dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Names::new()),
            directory => opened = directory.context("open", &shown)?,
        }
        &opened
    };
    let (names, _) = directory.names(usize::MAX).context("read", shown)?;
    Ok(names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect())
}
