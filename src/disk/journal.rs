//! The journal of a change: which steps it has, written down before the first of them.
//!
//! It is a file of the staging directory, a line each. As long as it is there, the change is not final; a change of one rename needs none.

use std::io;

use super::snapshot::Snapshot;

/// One step of a change, with the name of the directory that it is about, or of the file that stands alone. In a place that does not outlive the
/// machine it may be a path below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A new directory gets its place.
    Create(String),
    /// A new directory takes the place of an older one.
    Replace {
        /// The name of both.
        name: String,
        /// The digest of what is new, which tells after a kill whether they have changed places.
        digest: String,
    },
    /// A directory goes.
    Remove(String),
    /// A directory in which somebody works stays, and its files are replaced.
    Update(String),
}

impl Step {
    /// What is new, and has this content, takes the place of what is older.
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
    /// Where it stands, in the staging directory.
    pub(crate) const NAME: &str = "plan";

    /// The same, as long as it is not all there.
    pub(super) const PART: &str = "plan.part";

    pub(crate) fn text(&self) -> String {
        self.0.iter().map(Step::line).collect()
    }

    /// What stands in a journal.
    pub(crate) fn parse(text: &[u8]) -> io::Result<Self> {
        // Not `lines`, which takes a carriage return off a name.
        let steps = std::str::from_utf8(text)
            .ok()
            .map(|text| text.split_terminator('\n').map(Step::parse).collect::<Option<Vec<_>>>());
        match steps {
            Some(Some(steps)) => Ok(Self(steps)),
            _ => Err(io::Error::other("no run of this program wrote it; remove it")),
        }
    }

    /// The names of the directories that it is about.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|step| step.name().to_owned())
    }

    /// Whether files of a directory are replaced in which somebody works: then old files may stand beside new ones.
    pub(crate) fn updates(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Update(_)))
    }

    /// Whether a kill can leave some of it done: two renames, or a directory that goes for a moment.
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
