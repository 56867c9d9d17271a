//! What README.md, CONTRIBUTING.md and docs/*.md show in their fenced blocks. The first line of a block says who looks after it; CONTRIBUTING.md has
//! the words. The suite and the tests of the image both go by this.

#![allow(dead_code, reason = "each of the two test programs calls a part of it")]

mod output;
mod shell;

use std::fs;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub(crate) use output::{assert_shown, shows};
pub(crate) use shell::Shell;

/// A page of Markdown.
pub(crate) struct Page {
    /// Where it is, from the top of the repository.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block of a page.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) page: String,
    /// Its first line, counted from 1: that of the fence.
    pub(crate) line: usize,
    /// The heading that it stands below.
    pub(crate) heading: String,
    pub(crate) language: String,
    /// What stands after the language.
    pub(crate) word: String,
    pub(crate) text: String,
}

impl Block {
    /// How a message names it.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }
}

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page, by name.
pub(crate) fn pages() -> Vec<Page> {
    let mut names = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for directory in ["docs", "docs/reference"] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
                names.push(format!("{directory}/{name}"));
            }
        }
    }
    names.sort();
    let page = |name: String| Page { text: fs::read_to_string(root().join(&name)).unwrap(), name };
    names.into_iter().map(page).collect()
}

/// A page as Markdown, each piece with the line on which it begins.
pub(crate) fn events(text: &str) -> impl Iterator<Item = (Event<'_>, usize)> {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter();
    parser.map(|(event, place)| (event, text[..place.start].matches('\n').count() + 1))
}

impl Page {
    /// Its fenced blocks, in order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut heading) = (Vec::<Block>::new(), String::new());
        let (mut in_heading, mut in_block) = (false, false);
        for (event, line) in events(&self.text) {
            match event {
                Event::Start(Tag::Heading { level, .. }) if level <= HeadingLevel::H3 => {
                    heading.clear();
                    in_heading = true;
                }
                Event::End(TagEnd::Heading(_)) => in_heading = false,
                Event::Text(text) | Event::Code(text) if in_heading => heading.push_str(&text),
                Event::Start(Tag::CodeBlock(kind)) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => info.into_string(),
                        CodeBlockKind::Indented => "indented".to_owned(),
                    };
                    let (language, word) = info.split_once(' ').unwrap_or((&info, ""));
                    in_block = true;
                    blocks.push(Block {
                        page: self.name.clone(),
                        line,
                        heading: heading.clone(),
                        language: language.to_owned(),
                        word: word.to_owned(),
                        text: String::new(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => in_block = false,
                Event::Text(text) if in_block => blocks.last_mut().unwrap().text.push_str(&text),
                _ => {}
            }
        }
        blocks
    }
}

/// Every block of every page.
pub(crate) fn blocks() -> Vec<Block> {
    pages().iter().flat_map(Page::blocks).collect()
}

/// The blocks of one page.
pub(crate) fn blocks_of(name: &str) -> Vec<Block> {
    let page = pages().into_iter().find(|page| page.name == name);
    page.unwrap_or_else(|| panic!("there is no page {name}")).blocks()
}

/// The one block of a page that says this word.
pub(crate) fn block(page: &str, word: &str) -> Block {
    let mut found = blocks_of(page).into_iter().filter(|block| block.word == word);
    match (found.next(), found.next()) {
        (Some(block), None) => block,
        _ => panic!("{page} has none, or several, of the block `{word}`"),
    }
}

/// The name of the file that a block is, as its first line says: `# gateways.toml: …`.
pub(crate) fn file_name(block: &Block) -> Option<&str> {
    let first = block.text.lines().find(|line| !line.starts_with("#!"))?;
    let name = first.strip_prefix("# ")?.split([' ', ':']).next()?;
    (name.contains('.') || block.language == "sh").then_some(name)
}

/// What is done before a block that needs a state which the page does not make: the page, the heading, which of the blocks below it, and commands.
pub(crate) type Before = (&'static str, &'static str, usize, &'static str);

/// The blocks of a page with these words, each with what is done before it. Every line of the table is of use.
pub(crate) fn prepared(page: &str, words: &[&str], table: &[Before]) -> Vec<(Block, String)> {
    let mut prepared: Vec<(Block, String)> = Vec::new();
    for block in blocks_of(page).into_iter().filter(|block| words.contains(&block.word.as_str())) {
        let nth = prepared.iter().filter(|(other, _)| other.heading == block.heading).count();
        let before = table.iter().filter(|before| before.0 == page && before.1 == block.heading && before.2 == nth);
        let before = before.map(|before| before.3).collect();
        prepared.push((block, before));
    }
    let known = prepared.iter().filter(|(_, before)| !before.is_empty()).count();
    let lines = table.iter().filter(|before| before.0 == page).count();
    assert_eq!(known, lines, "{page}: something is prepared for a block that is not there");
    prepared
}
