"""The first files of a site: a short bantin.toml, its schema for editors, a folder for sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from service.config.additions import NewSource, tables, toml_text
from service.config.json_schema import json_schema
from service.config.loading import DEFAULT_NAME

SCHEMA_NAME = "bantin.schema.json"

_HEAD = """\
#:schema ./{schema}
# Every key with its meaning: `bantin config schema`. Judge this file: `bantin check`.
include = ["feeds/*.toml"]      # more sources and topics, one file per desk

[site]
title = {title}
language = {language}
# base_url = "https://tin.example.org"   # where readers reach the site
"""

_EXAMPLE = """
# [source.ten-bao]                       # or: bantin sources add URL
# url = "https://example.org/rss.xml"
"""

_TAIL = """
[topic.{topic}]
title = {topic_title}
{rule}
[digest.{digest}]
title = {digest_title}
cadence = "weekly"                       # mail stays in var/outbox until [mail] has a relay
"""

_FED = '# any = ["…"]                           # words that bring articles of every source in\n'
_BY_WORDS = "any = {words}\n"

_WORDS: Mapping[str, Mapping[str, str]] = {
    "vi": {
        "topic": "tin-moi",
        "topic_title": "Tin mới",
        "digest": "tuan",
        "digest_title": "Điểm tin tuần",
        "words": '["giáo dục", "y tế"]',
    },
    "en": {
        "topic": "news",
        "topic_title": "News",
        "digest": "weekly",
        "digest_title": "Weekly digest",
        "words": '["education", "health"]',
    },
}

_README = """\
# Sources and topics

Every `*.toml` here is part of the configuration: `[source.ID]` and `[topic.ID]` tables, one file
per desk. Ids are unique over all files; `bantin check` names every fault with its line.

- `bantin sources add URL` writes `added.toml`
- `bantin sources import FILE.opml` writes `imported.toml`
- `bantin reload` lets a running service read them
"""


_TRANSLATION = """\
# What people read on pages and in mails in "{language}". A sentence that is missing here is in
# English: `bantin templates copy words/en.toml` shows them all. For example:
# "page.topics" = "Topics"
"""


def default_title(language: str) -> str:
    """What a site is called whose owner did not say."""
    return "Bản tin" if _base(language) == "vi" else "Bulletin"


def topic_of(language: str) -> str:
    """The id of the topic that the first file has."""
    return _words(language)["topic"]


def first_files(
    title: str, language: str, source: NewSource | None, *, translated: bool
) -> dict[str, bytes]:
    """Relative path -> bytes. Without a source the topic is found by words.

    `translated` False: no words are shipped in the language, so a file for them is begun.
    """
    rule = _FED if source else _BY_WORDS.format(words=_words(language)["words"])
    words = dict(_words(language))
    words |= {name: toml_text(words[name]) for name in ("topic_title", "digest_title")}
    head = _HEAD.format(schema=SCHEMA_NAME, title=toml_text(title), language=toml_text(language))
    body = tables([source]) if source else _EXAMPLE
    schema = json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"
    files = {
        DEFAULT_NAME: (head + body + _TAIL.format(rule=rule, **words)).encode(),
        SCHEMA_NAME: schema.encode(),
        str(Path("feeds") / "README.md"): _README.encode(),
    }
    if not translated:
        files[words_file(language)] = _TRANSLATION.format(language=language).encode()
    return files


def words_file(language: str) -> str:
    """Where the site's own words in a language stand, relative to the main file."""
    return str(Path("templates") / "words" / f"{language.lower()}.toml")


def _words(language: str) -> Mapping[str, str]:
    return _WORDS.get(_base(language), _WORDS["en"])


def _base(language: str) -> str:
    return language.partition("-")[0].lower()
