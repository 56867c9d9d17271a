//! The commands of docs/scaling.md, run exactly as the page has them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::docker::{Ran, directory, root};
use crate::pages;

/// A checkout with everything that the commands need. The commands leave their files in it.
pub(crate) struct Commands {
    place: TempDir,
    environment: Vec<(String, String)>,
    /// The numbers of replicas in the docs, before and after, and the numbers to use instead.
    numbers: [(String, String); 2],
}

impl Commands {
    /// Sets these variables. A person who follows the docs may set them, too.
    pub(crate) fn new(environment: &[(&str, &str)]) -> Self {
        let place = directory();
        symlink(root().join("docker"), place.path().join("docker")).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let numbers = [("3", "3"), ("4", "4")].map(|(said, meant)| (said.to_owned(), meant.to_owned()));
        Self { place, environment, numbers }
    }

    /// The directory in which the commands leave their files.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// From now on 3 means 4, and 4 means 3, as numbers of replicas. The docs say that this is the way back.
    pub(crate) fn swap(&mut self) {
        let [three, four] = &mut self.numbers;
        std::mem::swap(&mut three.1, &mut four.1);
    }

    /// Runs the block of this name, and then this command. Returns their output.
    #[track_caller]
    pub(crate) fn run(&mut self, block: &str, after: &str) -> String {
        let commands = pages::block("docs/scaling.md", block).text;
        // The client of Compose that Debian has is a program of its own. What a block exports, later blocks have.
        let commands = commands.replace("docker compose", "docker-compose");
        let numbered = |flag: &str, commands: String| {
            let [three, four] = &self.numbers;
            commands
                .replace(&format!("{flag}3"), &format!("{flag}#{}", three.1))
                .replace(&format!("{flag}4"), &format!("{flag}{}", four.1))
                .replace(&format!("{flag}#"), flag)
        };
        let commands = ["--from ", "--to ", "REPLICAS=", "BEFORE="]
            .into_iter()
            .fold(commands, |commands, flag| numbered(flag, commands));
        let script = format!("{commands}\n{after}\nexport -p | sed -n 's/^export \\(KEY_[A-Z]*\\)=/\\1=/p' >exported");
        let mut sh = Command::new("sh");
        sh.args(["-euc", &script]).current_dir(self.place.path());
        sh.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let ran: Ran = sh.output().unwrap().into();
        assert_eq!(ran.code, 0, "{block}: {}{}", ran.out, ran.err);
        for line in fs::read_to_string(self.place.path().join("exported")).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.environment.push((name.to_owned(), value.trim_matches(['\'', '"']).to_owned()));
        }
        ran.out
    }
}
