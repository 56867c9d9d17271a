//! The journal of a change. It records the steps before the first of them is done.
//!
//! It is a file in the staging directory with one line for each step. As long as it is there, the change is not final. A change that is a
//! single rename needs no journal.

use std::io;

use super::snapshot::Snapshot;

/// One step of a change, with the name of its directory or single file. In a place that does not survive a restart of the machine, the name
/// may be a path below the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A new directory gets its place.
    Create(String),
    /// A new directory replaces an older one.
    Replace {
        /// The name of both.
        name: String,
        /// The digest of the new directory. After a kill it tells whether the two were exchanged.
        digest: String,
    },
    /// A directory is removed.
    Remove(String),
    /// A directory in which a supervisor works stays, and its files are replaced.
    Update(String),
}

impl Step {
    /// The step that replaces something by new content.
    pub(crate) fn replace(name: String, wanted: &Snapshot<'_>) -> Self {
        Self::Replace { name, digest: wanted.digest() }
    }

    /// The name of the directory.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Create(name) | Self::Remove(name) | Self::Update(name) | Self::Replace { name, .. } => name,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Create(name) => format!("create {name}\n"),
            Self::Replace { name, digest } => format!("replace {name} {digest}\n"),
            Self::Remove(name) => format!("remove {name}\n"),
            Self::Update(name) => format!("update {name}\n"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let plain = |name: &str| name.split('/').all(|part| !["", ".", ".."].contains(&part));
        let name = (*words.get(1)?).to_owned();
        match words.as_slice() {
            _ if !plain(&name) => None,
            ["create", _] => Some(Self::Create(name)),
            ["remove", _] => Some(Self::Remove(name)),
            ["update", _] => Some(Self::Update(name)),
            ["replace", _, digest] => Some(Self::Replace { name, digest: (*digest).to_owned() }),
            _ => None,
        }
    }
}

/// All steps of a change, in the order in which they are done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan(pub(crate) Vec<Step>);

impl Plan {
    /// Its name in the staging directory.
    pub(crate) const NAME: &str = "plan";

    /// Its name while it is incomplete.
    pub(super) const PART: &str = "plan.part";

    pub(crate) fn text(&self) -> String {
        self.0.iter().map(Step::line).collect()
    }

    /// Reads a journal.
    pub(crate) fn parse(text: &[u8]) -> io::Result<Self> {
        // `lines` would remove a carriage return from the end of a name.
        let steps = std::str::from_utf8(text)
            .ok()
            .map(|text| text.split_terminator('\n').map(Step::parse).collect::<Option<Vec<_>>>());
        match steps {
            Some(Some(steps)) => Ok(Self(steps)),
            _ => Err(io::Error::other("this program did not write it; remove it")),
        }
    }

    /// The names of the directories that it changes.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|step| step.name().to_owned())
    }

    /// Whether it replaces files of a directory in which a supervisor works. Then old files may be beside new ones.
    pub(crate) fn updates(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Update(_)))
    }

    /// Whether a kill can leave it half done. This needs two renames, or a directory that is missing for a moment.
    pub(super) fn needs_a_journal(&self) -> bool {
        !matches!(self.0.as_slice(), [] | [Step::Create(_)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let name = || "gateway-a".to_owned();
        let replace = Step::Replace { name: name(), digest: "00ff".to_owned() };
        let below = Step::Create("user/contents.d/gateway-a-pipeline".to_owned());
        let plan = Plan(vec![Step::Create(name()), replace, Step::Remove(name()), Step::Update(name()), below]);
        assert_eq!(Plan::parse(plan.text().as_bytes()).unwrap(), plan);
    }

    #[test]
    fn nothing_leads_elsewhere() {
        for text in [
            "create ../x\n",
            "create /etc\n",
            "create a//b\n",
            "create a/\n",
            "replace a/../b 00\n",
            "remove ..\n",
            "update .\n",
            "create \n",
            "create",
            "burn a\n",
            "\u{0}",
        ] {
            assert!(Plan::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
