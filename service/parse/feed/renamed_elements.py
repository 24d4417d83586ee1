"""Elements that feedparser would take for others, renamed before it reads them. Pure.

feedparser calls Media RSS's `description` (what is seen in a picture) the entry's own description,
and drops the text of a link that has an attribute for an address. Both ways of reading, the whole
document and a part of it, come through here, so that they give the same.
"""

from __future__ import annotations

import re

CAPTION = "media_caption"
"""What `media:description` is called in an entry as feedparser gives it."""

_BOUND = re.compile(
    rb"xmlns:([\w.-]+)\s*=\s*[\"']\s*https?://search\.yahoo\.com/mrss/?\s*[\"']", re.IGNORECASE
)
_OWN = re.compile(
    rb"(?is)<description\s[^<>]{0,300}?xmlns\s*=\s*[\"']https?://search\.yahoo\.com/mrss/?[\"']"
    rb"[^<>]{0,300}>((?:(?!</description).){0,20000})</description\s*>"
)
_LINK_WITH_TEXT = re.compile(
    rb"<link(\s[^<>]{0,1000})(?<!/)>(?=\s*(?:<!\[CDATA\[\s*)?https?://)", re.IGNORECASE
)
_NO_ADDRESS = re.compile(
    rb"\s(?:uri|url|href)\s*=\s*(?:\"(?!\s*https?:)[^\"]*\"|'(?!\s*https?:)[^']*')", re.IGNORECASE
)


def renamed(text: bytes) -> bytes:
    """The document, with pictures' captions and links' addresses where they can be told apart.

    A caption loses prefix and attributes: feedparser keeps an unknown element's text only without.
    """
    if b":description" in text:
        prefixes = {b"media", *_BOUND.findall(text)}
        names = b"|".join(sorted(map(re.escape, prefixes)))
        captions = re.compile(rb"<(/?)(?:%s):description(?=[\s/>])[^<>]*?(/?)>" % names)
        text = captions.sub(rb"<\1media_caption\2>", text)
    if b"mrss" in text and b"<description " in text:
        text = _OWN.sub(rb"<media_caption>\1</media_caption>", text)
    return _LINK_WITH_TEXT.sub(_by_its_text, text)


def _by_its_text(link: re.Match[bytes]) -> bytes:
    """An address in the text stands before what is none in an attribute."""
    return b"<link" + _NO_ADDRESS.sub(b"", link[1]) + b">"
