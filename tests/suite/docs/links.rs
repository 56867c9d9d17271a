//! Each link of a page leads to a file of the repository, and to a heading of it if it names one. `MkDocs` checks only the pages of docs/.

use std::collections::BTreeSet;
use std::path::Path;

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::pages::{Page, events, pages, root};

/// The anchors of the headings of a page, as repository browsers make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut anchors, mut heading) = (BTreeSet::new(), None::<String>);
    for (event, _) in events(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let text = heading.take().unwrap().to_lowercase();
                let kept = |character: &char| character.is_alphanumeric() || "_- ".contains(*character);
                let anchor: String = text.chars().filter(kept).collect::<String>().replace(' ', "-");
                let free =
                    (1..1000).map(|nth| format!("{anchor}-{nth}")).find(|other| !anchors.contains(other)).unwrap();
                anchors.insert(if anchors.contains(&anchor) { free } else { anchor });
            }
            _ => {}
        }
    }
    anchors
}

/// What is wrong with a link of a page, if something is.
fn wrong(page: &Page, link: &str) -> Option<&'static str> {
    if link.contains("://") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let from = Path::new(&page.name).parent().unwrap();
    let target = if path.is_empty() { root().join(&page.name) } else { root().join(from).join(path) };
    let Ok(target) = target.canonicalize() else { return Some("is not there") };
    if !target.starts_with(root().canonicalize().unwrap()) {
        return Some("is outside of the repository");
    }
    let anchor = anchor?;
    let Ok(text) = std::fs::read_to_string(target) else { return Some("has no headings") };
    (!anchors(&text).contains(anchor)).then_some("has no such heading")
}

#[test]
fn every_link_leads_somewhere() {
    let (mut dead, mut links) = (Vec::new(), 0);
    for page in pages() {
        for (event, line) in events(&page.text) {
            if let Event::Start(Tag::Link { dest_url: link, .. } | Tag::Image { dest_url: link, .. }) = event {
                links += 1;
                dead.extend(wrong(&page, &link).map(|why| format!("{}:{line}: {link} {why}", page.name)));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(links > 100, "{links}");
    let page = Page { name: "docs/image.md".to_owned(), text: String::new() };
    let wrong = |link: &str| wrong(&page, link);
    assert_eq!(wrong("nowhere.md"), Some("is not there"));
    assert_eq!(wrong("../../etc/passwd"), Some("is not there"));
    assert_eq!(wrong("../README.md#in-review"), None);
    assert_eq!(wrong("../README.md#nowhere"), Some("has no such heading"));
}
