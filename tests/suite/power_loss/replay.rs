//! Turns calls into steps: which descriptor is what, which path leads where, and what the call changes there.
//!
//! This follows everything by inode, from the working directory on, as the kernel does. A path says nothing about a directory that was renamed since.
//! What strace says of a descriptor is only compared with that. An unknown call is a failure, and so is a change outside the directory that is looked
//! at.
//!
//! It is long since it is one table: each call that changes a file system, and what it does.

use std::collections::BTreeMap;
use std::path::Path;

use super::model::{Inode, ROOT, Recording, Step};
use super::record::{Call, bytes, descriptor, number};

/// Calls that change nothing that survives a power loss.
const HARMLESS: &str = " access close_range epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 execve faccessat faccessat2 fadvise64 \
    fgetxattr flistxattr flock fstat fstatfs getcwd getdents64 getxattr lgetxattr listxattr llistxattr lstat newfstatat pidfd_getfd \
    pidfd_open pidfd_send_signal poll ppoll pread64 preadv preadv2 pselect6 readahead readlink readlinkat readv select signalfd4 stat statfs \
    statx timerfd_create timerfd_gettime timerfd_settime \
    accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmsg sendmmsg sendmsg sendto setsockopt shutdown socket \
    munmap sync_file_range ";

/// Where a path or a descriptor leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Inside(Inode),
    Outside(String),
}

/// What was opened, shared by all descriptors that were made from it.
#[derive(Debug)]
struct Open {
    place: Place,
    position: usize,
    appends: bool,
}

/// What the threads of a process share.
#[derive(Debug, Clone, Default)]
struct Process {
    descriptors: BTreeMap<i32, usize>,
    umask: u32,
}

/// A recording in progress.
pub(super) struct Replay {
    root: String,
    recording: Recording,
    opens: Vec<Open>,
    processes: Vec<Process>,
    process_of: BTreeMap<u32, usize>,
    /// The threads that are about to have a child, by number. The value says if the child shares everything.
    cloning: BTreeMap<u32, bool>,
    /// How many steps there were when a thread began to sync.
    syncing: BTreeMap<u32, usize>,
}

impl Replay {
    /// A replay in this directory as it is now. The directory must be named by a path without symlinks.
    pub(super) fn begin(root: &Path, umask: u32) -> Self {
        Self {
            root: root.to_str().unwrap().to_owned(),
            recording: Recording::begin(root),
            opens: Vec::new(),
            processes: vec![Process { umask, ..Process::default() }],
            process_of: BTreeMap::new(),
            cloning: BTreeMap::new(),
            syncing: BTreeMap::new(),
        }
    }

    /// What these calls did.
    pub(super) fn run(mut self, calls: &[Call]) -> Recording {
        for call in calls {
            self.adopt(call);
            if call.result.is_none() {
                self.begins(call);
            } else if let Some(result) = call.success() {
                self.does(call, result);
            } else {
                self.cloning.remove(&call.process);
            }
        }
        self.recording
    }

    /// A new thread is a child of a thread that is about to have one. Its first call may be seen before the call that made it ends.
    fn adopt(&mut self, call: &Call) {
        if self.process_of.contains_key(&call.process) {
            return;
        }
        let mut parents: Vec<(usize, bool)> =
            self.cloning.iter().map(|(parent, shares)| (self.process_of[parent], *shares)).collect();
        parents.sort_unstable();
        parents.dedup();
        match parents[..] {
            [] if self.process_of.is_empty() => drop(self.process_of.insert(call.process, 0)),
            [parent] => self.born(call.process, parent),
            _ => panic!("not modelled: it is not clear whose child this is: {call:?}"),
        }
    }

    fn born(&mut self, child: u32, (parent, shares): (usize, bool)) {
        let process = if shares {
            parent
        } else {
            self.processes.push(self.processes[parent].clone());
            self.processes.len() - 1
        };
        self.process_of.insert(child, process);
    }

    fn process(&mut self, call: &Call) -> &mut Process {
        &mut self.processes[self.process_of[&call.process]]
    }

    fn begins(&mut self, call: &Call) {
        match call.name.as_str() {
            // Another thread may get the number before this thread sees that it is free.
            "close" => {
                if let (Some(number), _) = descriptor(call.argument(0)) {
                    self.process(call).descriptors.remove(&number);
                }
            }
            "clone" | "clone3" | "fork" | "vfork" => {
                let flags = call.arguments.join(" ");
                let shares = flags.contains("CLONE_FILES");
                assert_eq!(shares, flags.contains("CLONE_FS"), "not modelled: {call:?}");
                self.cloning.insert(call.process, shares);
            }
            // A sync does not cover what comes after its beginning.
            "fsync" | "fdatasync" | "syncfs" | "sync" => {
                self.syncing.insert(call.process, self.recording.steps.len());
            }
            _ => {}
        }
    }

    fn does(&mut self, call: &Call, result: &str) {
        match call.name.as_str() {
            "open" => self.opens(call, result, &self.way(call, None, 0), call.argument(1), call.arguments.get(2)),
            "openat" => self.opens(call, result, &self.way(call, Some(0), 1), call.argument(2), call.arguments.get(3)),
            "openat2" => {
                let how = call.argument(2).trim_matches(['{', '}']).to_owned();
                let part = |name| how.split(", ").find_map(|part| part.strip_prefix(name)).map(str::to_owned);
                let (flags, mode) = (part("flags=").unwrap(), part("mode="));
                self.opens(call, result, &self.way(call, Some(0), 1), &flags, mode.as_ref());
            }
            "creat" => {
                let mode = call.arguments.get(1);
                self.opens(call, result, &self.way(call, None, 0), "O_WRONLY|O_CREAT|O_TRUNC", mode);
            }
            "mkdir" => self.makes(call, &self.way(call, None, 0), true, call.argument(1)),
            "mkdirat" => self.makes(call, &self.way(call, Some(0), 1), true, call.argument(2)),
            "rename" => self.renames(call, &self.way(call, None, 0), &self.way(call, None, 1), ""),
            "renameat" | "renameat2" => {
                let flags = call.arguments.get(4).map_or("", String::as_str);
                self.renames(call, &self.way(call, Some(0), 1), &self.way(call, Some(2), 3), flags);
            }
            "link" => self.links(call, &self.way(call, None, 0), &self.way(call, None, 1)),
            "linkat" => self.links(call, &self.way(call, Some(0), 1), &self.way(call, Some(2), 3)),
            "unlink" | "rmdir" => self.unlinks(call, &self.way(call, None, 0)),
            "unlinkat" => self.unlinks(call, &self.way(call, Some(0), 1)),
            "chmod" => self.sets_mode(call, self.way(call, None, 0).there, call.argument(1)),
            "fchmodat" | "fchmodat2" => self.sets_mode(call, self.way(call, Some(0), 1).there, call.argument(2)),
            "fchmod" => self.sets_mode(call, Some(self.place(call, 0)), call.argument(1)),
            "write" | "writev" | "pwrite64" => self.writes(call, result),
            "truncate" => self.resizes(call, self.way(call, None, 0).there, call.argument(1)),
            "ftruncate" => self.resizes(call, Some(self.place(call, 0)), call.argument(1)),
            "read" | "lseek" => {
                let moved = usize::try_from(number(result)).unwrap();
                if let Some(open) = self.open(call, 0) {
                    let open = &mut self.opens[open];
                    open.position = if call.name == "read" { open.position + moved } else { moved };
                }
            }
            "fsync" | "fdatasync" | "syncfs" | "sync" => self.syncs(call),
            "umask" => self.process(call).umask = u32::try_from(number(call.argument(0))).unwrap(),
            "close" => {}
            "dup" | "dup2" | "dup3" => self.duplicates(call, result),
            "fcntl" if call.argument(1).starts_with("F_DUPFD") => self.duplicates(call, result),
            "fcntl" => {
                let appends = call.argument(1) == "F_SETFL" && call.argument(2).contains("O_APPEND");
                assert!(!appends, "not modelled: {call:?}");
            }
            "pipe" | "pipe2" | "socketpair" => {
                let pair = call.arguments.iter().find(|argument| argument.starts_with('[')).unwrap();
                pair.trim_matches(['[', ']']).split(", ").for_each(|end| self.opens_outside(call, end));
            }
            "clone" | "clone3" | "fork" | "vfork" => {
                let shares = self.cloning.remove(&call.process).unwrap();
                let child = u32::try_from(number(result)).unwrap();
                if !self.process_of.contains_key(&child) {
                    self.born(child, (self.process_of[&call.process], shares));
                }
            }
            "mmap" => {
                let writes = call.argument(2).contains("PROT_WRITE") && call.argument(3).contains("MAP_SHARED");
                assert!(!writes || call.argument(3).contains("MAP_ANON"), "not modelled: {call:?}");
            }
            // An attribute of the staging directory, which the test never looks at. Nothing was there before.
            "fremovexattr" => assert!(self.place(call, 0) != Place::Inside(ROOT), "not modelled: {call:?}"),
            "ioctl" => assert!(matches!(self.place(call, 0), Place::Outside(_)), "not modelled: {call:?}"),
            name => {
                assert!(HARMLESS.contains(&format!(" {name} ")), "not modelled: {}", call.shown(&self.root));
                if result.contains('<') {
                    self.opens_outside(call, result);
                }
            }
        }
    }

    fn step(&mut self, call: &Call, step: Step) {
        self.recording.step(step, call.shown(&self.root));
    }
}

/// Where a path leads: the directory, the name in it, and what has that name.
struct Way {
    directory: Place,
    name: String,
    there: Option<Place>,
}

impl Replay {
    /// Where the path at `path` leads, starting from the descriptor at `from`, or from the working directory.
    fn way(&self, call: &Call, from: Option<usize>, path: usize) -> Way {
        let path = String::from_utf8(bytes(call.argument(path))).unwrap();
        let directory = if path.starts_with('/') {
            Place::Outside("/".to_owned())
        } else {
            self.place(call, from.unwrap_or_else(|| panic!("not modelled: a relative path: {call:?}")))
        };
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let Some(name) = parts.pop() else {
            return Way { there: Some(directory.clone()), directory, name: String::new() };
        };
        let unknown = || panic!("the model has lost its way: {}", call.shown(""));
        let directory =
            parts.into_iter().fold(directory, |place, part| self.next(&place, part).unwrap_or_else(unknown));
        Way { there: self.next(&directory, name), directory, name: name.to_owned() }
    }

    fn next(&self, place: &Place, name: &str) -> Option<Place> {
        match place {
            Place::Inside(_) if name == ".." => panic!("not modelled: .. in a path"),
            Place::Inside(directory) => self.recording.find(*directory, name).map(Place::Inside),
            Place::Outside(path) => {
                let path = Path::new(path);
                let path = if name == ".." { path.parent().unwrap_or(path).to_owned() } else { path.join(name) };
                let path = path.to_str().unwrap().to_owned();
                Some(if path == self.root { Place::Inside(ROOT) } else { Place::Outside(path) })
            }
        }
    }

    /// Where a path from `/` leads, if anywhere.
    fn at(&self, path: &str) -> Option<Place> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let root = Place::Outside("/".to_owned());
        parts.try_fold(root, |place, part| self.next(&place, part))
    }

    fn is_inside(&self, path: &str) -> bool {
        path.strip_prefix(&self.root).is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    fn open(&self, call: &Call, index: usize) -> Option<usize> {
        let number = descriptor(call.argument(index)).0?;
        self.processes[self.process_of[&call.process]].descriptors.get(&number).copied()
    }

    /// What the descriptor at this place of the arguments is.
    fn place(&self, call: &Call, index: usize) -> Place {
        let argument = call.argument(index);
        let path = descriptor(argument).1.unwrap_or_default();
        let is_inside = self.is_inside(&path);
        let place = match self.open(call, index) {
            Some(open) => self.opens[open].place.clone(),
            // The working directory, or a descriptor that the run started with.
            None if is_inside => panic!("not modelled: a descriptor that nobody opened: {call:?}"),
            None => Place::Outside(path.clone()),
        };
        assert_eq!(matches!(place, Place::Inside(_)), is_inside, "the model has lost its way: {call:?}");
        if is_inside && call.alone && !argument.ends_with("(deleted)") {
            assert_eq!(self.at(&path), Some(place.clone()), "the model has lost its way: {}", call.shown(""));
        }
        place
    }

    fn inside(place: &Place, call: &Call) -> Inode {
        match place {
            Place::Inside(inode) => *inode,
            Place::Outside(_) => panic!("not modelled: a change beside the scandir: {}", call.shown("")),
        }
    }

    fn opens(&mut self, call: &Call, result: &str, way: &Way, flags: &str, mode: Option<&String>) {
        let has = |flag: &str| flags.split('|').any(|other| other == flag);
        assert!(!has("O_SYNC") && !has("O_DSYNC") && !has("O_TMPFILE"), "not modelled: {call:?}");
        let place = if let Some(place) = way.there.clone() {
            if has("O_TRUNC") {
                let file = Self::inside(&place, call);
                if !self.recording.content(file).is_empty() {
                    self.writes_text(call, file, &[]);
                }
            }
            place
        } else {
            assert!(has("O_CREAT"), "the model has lost its way: {call:?}");
            self.makes(call, way, false, mode.unwrap());
            Place::Inside(self.recording.now.modes.len() - 1)
        };
        let shown = descriptor(result).1.unwrap_or_default();
        assert_eq!(self.is_inside(&shown), matches!(place, Place::Inside(_)), "not modelled: a symlink: {call:?}");
        self.has(call, result, Open { place, position: 0, appends: has("O_APPEND") });
    }

    fn opens_outside(&mut self, call: &Call, shown: &str) {
        let place = Place::Outside(descriptor(shown).1.unwrap_or_default());
        self.has(call, shown, Open { place, position: 0, appends: false });
    }

    fn has(&mut self, call: &Call, shown: &str, open: Open) {
        self.opens.push(open);
        let open = self.opens.len() - 1;
        self.process(call).descriptors.insert(descriptor(shown).0.unwrap(), open);
    }

    fn duplicates(&mut self, call: &Call, result: &str) {
        match self.open(call, 0) {
            Some(open) => drop(self.process(call).descriptors.insert(descriptor(result).0.unwrap(), open)),
            None => self.opens_outside(call, result),
        }
    }

    fn makes(&mut self, call: &Call, way: &Way, is_directory: bool, mode: &str) {
        let mode = u32::try_from(number(mode)).unwrap() & !self.process(call).umask;
        let inode = self.recording.make(is_directory, mode);
        self.names(call, &[(way, Some(inode))]);
    }

    /// Gives names other targets, each in its own group.
    fn names(&mut self, call: &Call, names: &[(&Way, Option<Inode>)]) {
        let mut groups = Vec::new();
        for (way, inode) in names {
            groups.push(vec![(self.recording.slot(Self::inside(&way.directory, call), &way.name), *inode)]);
        }
        self.step(call, Step::Names(groups));
    }

    fn renames(&mut self, call: &Call, from: &Way, to: &Way, flags: &str) {
        assert!(!flags.contains("EXCHANGE") && !flags.contains("WHITEOUT"), "not modelled: {call:?}");
        let inode = Self::inside(from.there.as_ref().unwrap(), call);
        if to.there == Some(Place::Inside(inode)) {
            // If both are names of one file, rename does nothing.
            return;
        }
        if from.directory != to.directory {
            return self.names(call, &[(to, Some(inode)), (from, None)]);
        }
        let directory = Self::inside(&from.directory, call);
        let (from, to) = (self.recording.slot(directory, &from.name), self.recording.slot(directory, &to.name));
        self.step(call, Step::Names(vec![vec![(to, Some(inode)), (from, None)]]));
    }

    fn links(&mut self, call: &Call, from: &Way, to: &Way) {
        let inode = Self::inside(from.there.as_ref().unwrap(), call);
        self.names(call, &[(to, Some(inode))]);
    }

    fn unlinks(&mut self, call: &Call, way: &Way) {
        self.names(call, &[(way, None)]);
    }

    fn sets_mode(&mut self, call: &Call, place: Option<Place>, mode: &str) {
        let inode = Self::inside(&place.unwrap(), call);
        self.step(call, Step::Mode(inode, u32::try_from(number(mode)).unwrap() & 0o7777));
    }

    fn writes_text(&mut self, call: &Call, file: Inode, text: &[u8]) {
        let text = self.recording.text(text);
        self.step(call, Step::Text(file, text));
    }

    fn writes(&mut self, call: &Call, result: &str) {
        let Place::Inside(file) = self.place(call, 0) else { return };
        let open = self.open(call, 0).unwrap();
        let mut written = bytes(call.argument(1));
        written.truncate(usize::try_from(number(result)).unwrap());
        let mut text = self.recording.content(file).to_owned();
        let begin = match call.name.as_str() {
            "pwrite64" => usize::try_from(number(call.argument(3))).unwrap(),
            _ if self.opens[open].appends => text.len(),
            _ => self.opens[open].position,
        };
        let end = begin + written.len();
        text.resize(text.len().max(end), 0);
        text[begin..end].copy_from_slice(&written);
        if call.name != "pwrite64" {
            self.opens[open].position = end;
        }
        self.writes_text(call, file, &text);
    }

    fn resizes(&mut self, call: &Call, place: Option<Place>, length: &str) {
        let file = Self::inside(&place.unwrap(), call);
        let mut text = self.recording.content(file).to_owned();
        text.resize(usize::try_from(number(length)).unwrap(), 0);
        self.writes_text(call, file, &text);
    }

    fn syncs(&mut self, call: &Call) {
        let began = self.syncing.remove(&call.process).unwrap();
        let of = match call.name.as_str() {
            "sync" => None,
            "syncfs" => Some(self.place(call, 0)).filter(|place| matches!(place, Place::Outside(_))),
            _ => Some(self.place(call, 0)),
        };
        let of = match of {
            None => None,
            Some(Place::Inside(inode)) => Some(inode),
            Some(Place::Outside(_)) => return,
        };
        let with_mode = call.name != "fdatasync";
        self.step(call, Step::Sync { of, began, with_mode });
    }
}
