"""What MkDocs needs to build pages that are written for repository browsers.

- A link may lead to what is not in the book: a file elsewhere in the repository, or a directory. It must exist. The book has the text without a link.
- A heading has the same anchor as in a repository browser.
- A list inside a list is indented by two or three spaces there, and by four here.
- The first line of a code block may say more than the language. Tests go by that, and the book leaves it out.
"""

import logging
import os
import re

LOG = logging.getLogger("mkdocs.hooks.links")
FENCE = re.compile(r"^ *(```|~~~)")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s:]+)(?:#[^)\s]*)?\)")


def slug(text, separator):
    """The anchor of a heading, as repository browsers have it: they keep each hyphen, and replace each space by one."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", separator)


def on_config(config):
    config["mdx_configs"].setdefault("toc", {})["slugify"] = slug
    return config


def on_page_markdown(markdown, page, config, files):
    root = os.path.dirname(config["docs_dir"])
    here = os.path.dirname(page.file.abs_src_path)

    def leads_out(match):
        text, target = match.groups()
        path = os.path.normpath(os.path.join(here, target))
        below = os.path.relpath(path, config["docs_dir"])
        if not below.startswith(("..", "book" + os.sep)) and not os.path.isdir(path):
            return match.group(0)
        if os.path.relpath(path, root).startswith("..") or not os.path.exists(path):
            LOG.warning("%s links to %s, which is not in the repository", page.file.src_path, target)
        return text

    lines, fenced = [], False
    for line in markdown.split("\n"):
        if FENCE.match(line):
            fenced = not fenced
            line = re.sub(r"^( *```[a-z]+).*", r"\1", line)
        elif not fenced:
            line = re.sub(r"^ {2,3}(?=\S)", "    ", line)
        lines.append(line)
    parts = re.split(r"(^```.*?^```)", "\n".join(lines), flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(leads_out, part) for part in parts)
