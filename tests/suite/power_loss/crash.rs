//! What may be on the disk if the power goes after a number of steps of a run.

use super::model::{Inode, Recording, Slot, State, Step, Text};

/// If this many combinations or fewer are possible, the test looks at all of them.
const ALL: usize = 256;

/// If more are possible, the test looks at this many, and at those in which only one change is lost or kept.
const SOME: usize = 200;

/// Makes every run of the test look at the same combinations.
pub(super) const SEED: u64 = 0x5eed_0f1a_57de_ca1e;

/// Pseudo-random numbers, by splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number below this one.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

/// A change that may not be on the disk.
#[derive(Debug)]
pub(super) enum Change {
    /// Names of one directory, at a step. `kept_with` is a later change that is never on the disk without this one.
    Names { step: usize, kept_with: Option<usize> },
    /// A mode, at a step.
    Mode { step: usize },
    /// The text of a file, and what may be there instead.
    Text { file: Inode, instead: Vec<Text> },
}

/// The moment after a number of steps.
#[derive(Debug)]
pub(super) struct Crash<'a> {
    recording: &'a Recording,
    /// The number of steps that were done.
    pub(super) at: usize,
    /// The changes that may be lost.
    pub(super) changes: Vec<Change>,
    /// What is certainly there. The texts are those that processes see.
    durable: State,
    /// The changes of names and modes from the first one on that may be lost. Each has the place in `changes` of the change that it belongs to, if it
    /// may be lost.
    names: Vec<(Option<usize>, Slot, Option<Inode>)>,
    modes: Vec<(Option<usize>, Inode, u32)>,
}

/// For each change, 0 if it is kept. Otherwise the number of the way in which it is lost.
pub(super) type Choice = Vec<usize>;

impl<'a> Crash<'a> {
    /// The power goes after `at` steps.
    pub(super) fn after(recording: &'a Recording, at: usize) -> Self {
        let steps = &recording.steps[..at];
        let inodes = recording.now.modes.len();
        // For each inode, how many of the steps are on the disk: for its content, and for its mode.
        let (mut data, mut mode) = (vec![0; inodes], vec![0; inodes]);
        for (step, _) in steps {
            if let Step::Sync { of, began, with_mode } = step {
                for inode in of.map_or(0..inodes, |inode| inode..inode + 1) {
                    data[inode] = data[inode].max(*began);
                    mode[inode] = if *with_mode { mode[inode].max(*began) } else { mode[inode] };
                }
            }
        }
        let durable = recording.start().clone();
        let mut crash = Self { recording, at, changes: Vec::new(), durable, names: Vec::new(), modes: Vec::new() };
        let mut synced = crash.durable.texts.clone();
        let mut unsynced = vec![false; inodes];
        for (index, (step, _)) in steps.iter().enumerate() {
            match step {
                Step::Names(groups) => crash.rename(index, groups, &data),
                Step::Mode(inode, to) => {
                    let change =
                        if index < mode[*inode] { None } else { Some(crash.push(Change::Mode { step: index })) };
                    crash.modes.push((change, *inode, *to));
                }
                Step::Text(file, text) => {
                    crash.durable.texts[*file] = *text;
                    if index < data[*file] {
                        synced[*file] = *text;
                    } else {
                        unsynced[*file] = true;
                    }
                }
                Step::Sync { .. } => {}
            }
        }
        for file in (0..inodes).filter(|file| unsynced[*file]) {
            let now = crash.durable.texts[file];
            let mut instead = Vec::new();
            for &text in [synced[file]].iter().chain(recording.torn(now)) {
                if text != now && !instead.contains(&text) {
                    instead.push(text);
                }
            }
            if !instead.is_empty() {
                crash.push(Change::Text { file, instead });
            }
        }
        crash.settle();
        crash
    }

    fn push(&mut self, change: Change) -> usize {
        self.changes.push(change);
        self.changes.len() - 1
    }

    fn rename(&mut self, step: usize, groups: &[Vec<(Slot, Option<Inode>)>], data: &[usize]) {
        let recording = self.recording;
        let directory = |group: &[(Slot, Option<Inode>)]| recording.directory(group[0].0);
        let is_durable: Vec<bool> = groups.iter().map(|group| step < data[directory(group)]).collect();
        let mut before = None;
        for (index, group) in groups.iter().enumerate() {
            // If a change is certain, every change that it is never there without is certain, too.
            let change = if is_durable[index..].contains(&true) {
                None
            } else {
                Some(self.push(Change::Names { step, kept_with: None }))
            };
            if let Some(Change::Names { kept_with, .. }) = before.and_then(|before: usize| self.changes.get_mut(before))
            {
                *kept_with = change;
            }
            self.names.extend(group.iter().map(|&(slot, inode)| (change, slot, inode)));
            before = change;
        }
    }

    /// Applies for good the steps before the first one that may be lost.
    fn settle(&mut self) {
        let sure = self.names.iter().take_while(|(change, ..)| change.is_none()).count();
        self.names.drain(..sure).for_each(|(_, slot, inode)| self.durable.names[slot] = inode);
        let sure = self.modes.iter().take_while(|(change, ..)| change.is_none()).count();
        self.modes.drain(..sure).for_each(|(_, inode, mode)| self.durable.modes[inode] = mode);
    }

    /// What is on the disk then.
    pub(super) fn state(&self, choice: &[usize]) -> State {
        let is_kept = |change: Option<usize>| change.is_none_or(|change| self.is_kept(choice, change));
        let mut state = self.durable.clone();
        for &(change, slot, inode) in &self.names {
            if is_kept(change) {
                state.names[slot] = inode;
            }
        }
        for &(change, inode, mode) in &self.modes {
            if is_kept(change) {
                state.modes[inode] = mode;
            }
        }
        for (change, way) in self.changes.iter().zip(choice) {
            if let (Change::Text { file, instead }, Some(way)) = (change, way.checked_sub(1)) {
                state.texts[*file] = instead[way];
            }
        }
        state
    }

    fn is_kept(&self, choice: &[usize], change: usize) -> bool {
        let later = match self.changes[change] {
            Change::Names { kept_with, .. } => kept_with,
            _ => None,
        };
        choice[change] == 0 || later.is_some_and(|later| self.is_kept(choice, later))
    }

    /// For each change, the number of ways in which it may be on the disk or not.
    fn ways(&self) -> Vec<usize> {
        let ways = |change: &Change| if let Change::Text { instead, .. } = change { 1 + instead.len() } else { 2 };
        self.changes.iter().map(ways).collect()
    }

    /// The combinations to look at.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let ways = self.ways();
        let product = ways.iter().try_fold(1_usize, |product, ways| product.checked_mul(*ways));
        if let Some(count) = product.filter(|product| *product <= ALL) {
            let choice = |mut number: usize| {
                let digit = |ways: &usize| (number % ways, number /= ways).0;
                ways.iter().map(digit).collect()
            };
            return (0..count).map(choice).collect();
        }
        let (kept, lost) = (vec![0; ways.len()], vec![1; ways.len()]);
        let mut choices = vec![kept.clone(), lost.clone()];
        for (change, &ways) in ways.iter().enumerate() {
            for way in 0..ways {
                let mut choice = if way == 0 { lost.clone() } else { kept.clone() };
                choice[change] = way;
                choices.push(choice);
            }
        }
        let mut random = Random(SEED ^ self.at as u64);
        for _ in 0..SOME {
            // In some combinations most changes are kept, in others most are lost.
            let keeps = 1 + random.below(7);
            let choice = ways.iter().map(|&ways| if random.below(8) < keeps { 0 } else { 1 + random.below(ways - 1) });
            choices.push(choice.collect());
        }
        choices
    }

    /// The differences between this combination and what processes saw, one change a line, and the steps that led there.
    pub(super) fn shown(&self, choice: &[usize]) -> String {
        let shown = |step: usize| format!("{step}: {}", self.recording.steps[step].1);
        let (mut lost, mut kept) = (String::new(), String::new());
        for (index, change) in self.changes.iter().enumerate() {
            let is_kept = self.is_kept(choice, index);
            let line = match change {
                Change::Names { step, .. } | Change::Mode { step } => shown(*step),
                Change::Text { file, instead } => {
                    let wrote = |step: &Step| matches!(step, Step::Text(other, _) if other == file);
                    let step = self.recording.steps[..self.at].iter().rposition(|(step, _)| wrote(step)).unwrap();
                    let left = choice[index].checked_sub(1).map_or(0, |way| self.recording.length(instead[way]));
                    if is_kept { shown(step) } else { format!("{} (left: {left} bytes, or zeros)", shown(step)) }
                }
            };
            let lines = if is_kept { &mut kept } else { &mut lost };
            *lines += "  ";
            *lines += &line;
            *lines += "\n";
        }
        let begin = self.at.saturating_sub(40);
        let steps: Vec<String> = (begin..self.at).map(|step| format!("  {}", shown(step))).collect();
        format!(
            "seed {SEED:#x}, after {} of {} steps\nlost, of what was not synced:\n{lost}kept, of what was not synced:\n{kept}\
             the last steps:\n{}",
            self.at,
            self.recording.steps.len(),
            steps.join("\n")
        )
    }
}
