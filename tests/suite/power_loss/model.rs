//! A file system that forgets: what each step of a run changes, and which changes a power loss may take away.
//!
//! A change that no sync has reached may be lost or kept, independently of the others. The rules are those of POSIX, and stricter than any file
//! system:
//!
//! - The content of a file is on the disk after the file is synced. Until then the file may be as it was at the last sync, empty, cut off, or zeros.
//! - A name is on the disk after the directory that holds it is synced. The sync of a file does not save its name.
//! - A changed mode is on the disk after its file is synced. A new file has its first mode from the start.
//! - A rename within one directory is there or is not. A rename from one directory to another is a change in both, and each is synced by itself. The
//!   new name may be there beside the old one, but the old one is never gone without the new one: no program can be safe from a rename that loses a
//!   file, and every file system with a journal has both changes in one transaction.
//! - What was there before the run is on the disk.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::support::set_mode;

/// A file or directory, independent of its names.
pub(super) type Inode = usize;

/// The directory in which the run works.
pub(super) const ROOT: Inode = 0;

/// A text that a file has or may have had.
pub(super) type Text = usize;

/// A name in a directory.
pub(super) type Slot = usize;

/// Something at a path: its mode, and the text of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) mode: u32,
    pub(super) text: Option<Text>,
}

/// A directory and everything below it, by path. The directory itself is at the empty path.
pub(super) type Tree = BTreeMap<String, Thing>;

/// The whole content of a file system: what each slot names, and mode and text by inode.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) names: Vec<Option<Inode>>,
    pub(super) modes: Vec<u32>,
    pub(super) texts: Vec<Text>,
}

/// What a call does.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Slots get another target. Each group belongs to one directory, and changes as a whole. No group is there without those before it.
    Names(Vec<Vec<(Slot, Option<Inode>)>>),
    /// A file gets another text.
    Text(Inode, Text),
    /// Something gets another mode.
    Mode(Inode, u32),
    /// All steps before `began` are on the disk, of one inode or of all.
    Sync { of: Option<Inode>, began: usize, with_mode: bool },
}

/// A run: what was there before, and each of its steps with the call as strace saw it.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording {
    pub(super) steps: Vec<(Step, String)>,
    /// What a process sees after all the steps so far.
    pub(super) now: State,
    /// What was there before the first step, after [`Self::begin`] was called. Later inodes are here as they are made.
    start: State,
    slots: Vec<(Inode, String)>,
    slot_of: BTreeMap<(Inode, String), Slot>,
    /// The slots of a directory. `None` for a file.
    directories: Vec<Option<Vec<Slot>>>,
    texts: Vec<Vec<u8>>,
    text_of: HashMap<Vec<u8>, Text>,
    torn: BTreeMap<Text, Vec<Text>>,
}

impl Recording {
    /// A run in this directory, as it is now.
    pub(super) fn begin(directory: &Path) -> Self {
        let mut recording = Self::default();
        recording.text(b"");
        let root = recording.make(true, mode(directory));
        recording.load(directory, root, &mut BTreeMap::new());
        recording.start = recording.now.clone();
        recording
    }

    fn load(&mut self, directory: &Path, inode: Inode, links: &mut BTreeMap<u64, Inode>) {
        for path in children(directory) {
            let metadata = fs::symlink_metadata(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let entry = match links.get(&metadata.ino()) {
                Some(&entry) => entry,
                None => self.make(metadata.is_dir(), mode(&path)),
            };
            let slot = self.slot(inode, name);
            self.now.names[slot] = Some(entry);
            if metadata.is_dir() {
                self.load(&path, entry, links);
            } else if links.insert(metadata.ino(), entry).is_none() {
                self.now.texts[entry] = self.text(&fs::read(&path).unwrap());
            }
        }
    }

    /// The content of a directory on the disk.
    pub(super) fn read(&mut self, directory: &Path) -> Tree {
        let mut tree = Tree::from([(String::new(), Thing { mode: mode(directory), text: None })]);
        for path in children(directory) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                tree.extend(self.read(&path).into_iter().map(|(below, thing)| (join(&name, &below), thing)));
            } else {
                let text = self.text(&fs::read(&path).unwrap());
                tree.insert(name, Thing { mode: mode(&path), text: Some(text) });
            }
        }
        tree
    }

    /// The number of a text.
    pub(super) fn text(&mut self, bytes: &[u8]) -> Text {
        if let Some(&text) = self.text_of.get(bytes) {
            return text;
        }
        self.texts.push(bytes.to_owned());
        self.text_of.insert(bytes.to_owned(), self.texts.len() - 1);
        self.texts.len() - 1
    }

    /// What a process reads in a file.
    pub(super) fn content(&self, file: Inode) -> &[u8] {
        &self.texts[self.now.texts[file]]
    }

    /// A new file or directory without a name.
    pub(super) fn make(&mut self, is_directory: bool, mode: u32) -> Inode {
        for state in [&mut self.now, &mut self.start] {
            state.modes.push(mode);
            state.texts.push(0);
        }
        self.directories.push(is_directory.then(Vec::new));
        self.directories.len() - 1
    }

    /// What was there before the run.
    pub(super) fn start(&self) -> &State {
        &self.start
    }

    /// The directory that contains a slot.
    pub(super) fn directory(&self, slot: Slot) -> Inode {
        self.slots[slot].0
    }

    /// The length of a text in bytes.
    pub(super) fn length(&self, text: Text) -> usize {
        self.texts[text].len()
    }

    /// The slot of a name in a directory. The name need not exist.
    pub(super) fn slot(&mut self, directory: Inode, name: &str) -> Slot {
        let key = (directory, name.to_owned());
        if let Some(&slot) = self.slot_of.get(&key) {
            return slot;
        }
        let slot = self.slots.len();
        self.directories[directory].as_mut().expect("a directory").push(slot);
        self.slots.push(key.clone());
        self.slot_of.insert(key, slot);
        self.now.names.push(None);
        self.start.names.push(None);
        slot
    }

    /// What has this name in a directory now.
    pub(super) fn find(&self, directory: Inode, name: &str) -> Option<Inode> {
        self.now.names[*self.slot_of.get(&(directory, name.to_owned()))?]
    }

    /// Does a step, and shows it as this call.
    pub(super) fn step(&mut self, step: Step, shown: String) {
        match &step {
            Step::Names(groups) => groups.iter().flatten().for_each(|&(slot, inode)| self.now.names[slot] = inode),
            Step::Text(file, text) => {
                self.now.texts[*file] = *text;
                let whole = self.texts[*text].clone();
                let torn = [Vec::new(), whole[..whole.len() / 2].to_vec(), vec![0; whole.len()]];
                let torn = torn.iter().map(|torn| self.text(torn)).collect();
                self.torn.insert(*text, torn);
            }
            Step::Mode(inode, mode) => self.now.modes[*inode] = *mode,
            Step::Sync { .. } => {}
        }
        self.steps.push((step, shown));
    }

    /// The numbers of the steps that sync.
    pub(super) fn syncs(&self) -> impl Iterator<Item = usize> {
        let steps = self.steps.iter().enumerate();
        steps.filter(|(_, (step, _))| matches!(step, Step::Sync { .. })).map(|(number, _)| number)
    }

    /// The same run without the syncs that have these numbers among its steps.
    pub(super) fn without(&self, is_left_out: impl Fn(usize) -> bool) -> Self {
        let mut without = self.clone();
        for (number, (step, shown)) in without.steps.iter_mut().enumerate() {
            if let Step::Sync { began, .. } = step
                && is_left_out(number)
            {
                *began = 0;
                shown.insert_str(0, "(left out) ");
            }
        }
        without
    }

    /// The directory of this inode and everything below it.
    pub(super) fn tree(&self, state: &State, inode: Inode) -> Tree {
        let mut tree = Tree::new();
        self.walk(state, inode, "", &mut |path, _, thing| {
            tree.insert(path.to_owned(), thing);
        });
        tree
    }

    /// What a state shows from the root on, in numbers.
    pub(super) fn key(&self, state: &State) -> Vec<usize> {
        let mut key = Vec::new();
        self.number(state, ROOT, &mut key);
        key
    }

    fn number(&self, state: &State, inode: Inode, key: &mut Vec<usize>) {
        key.extend([inode, state.modes[inode] as usize, state.texts[inode]]);
        for &slot in self.directories[inode].iter().flatten() {
            if let Some(entry) = state.names[slot] {
                key.push(slot);
                self.number(state, entry, key);
            }
        }
    }

    fn walk(&self, state: &State, inode: Inode, path: &str, visit: &mut impl FnMut(&str, Inode, Thing)) {
        let slots = self.directories[inode].as_ref();
        let text = if slots.is_some() { None } else { Some(state.texts[inode]) };
        visit(path, inode, Thing { mode: state.modes[inode], text });
        for &slot in slots.into_iter().flatten() {
            if let Some(entry) = state.names[slot] {
                self.walk(state, entry, &join(path, &self.slots[slot].1), visit);
            }
        }
    }

    /// Puts a state on a disk, as a new directory. Hard links stay hard links. A directory with two names is there twice.
    pub(super) fn write(&self, state: &State, to: &Path) {
        let (mut links, mut directories): (BTreeMap<Inode, PathBuf>, Vec<(PathBuf, u32)>) = Default::default();
        self.walk(state, ROOT, "", &mut |path, inode, thing| {
            let path = if path.is_empty() { to.to_owned() } else { to.join(path) };
            match (thing.text, links.get(&inode)) {
                (None, _) => {
                    fs::create_dir(&path).unwrap();
                    directories.push((path, thing.mode));
                }
                (Some(_), Some(other)) => fs::hard_link(other, path).unwrap(),
                (Some(text), None) => {
                    fs::write(&path, &self.texts[text]).unwrap();
                    set_mode(&path, thing.mode);
                    links.insert(inode, path);
                }
            }
        });
        for (path, mode) in directories {
            set_mode(path, mode);
        }
    }

    /// What a file may hold if its present content was not synced: nothing, half of it, zeros.
    pub(super) fn torn(&self, now: Text) -> &[Text] {
        self.torn.get(&now).map_or(&[], |torn| torn)
    }
}

/// The path of a name below a path.
pub(super) fn join(path: &str, name: &str) -> String {
    [path, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The paths in a directory, sorted.
fn children(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
