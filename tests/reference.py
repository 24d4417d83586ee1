"""The page of all configuration keys, made from the schema: `python -m tests.reference`.

tests/test_docs.py holds docs/configuration.md equal to what this gives.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from service.config.json_schema import json_schema

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"

HEAD = """# The configuration

One TOML file, `bantin.toml`, with what it includes. `bantin check` tells every fault at once with
its file and line; `bantin config schema` prints a JSON Schema for editors (`bantin init` writes it
beside the file); `bantin config show` prints what is in force.

- Durations are texts: `"15m"`, `"12h"`, `"7d"`. Relative paths are relative to the file.
- `BANTIN_SITE__BASE_URL=…` in the environment overrides `[site] base_url`; so for every section
  without ids.
- Secrets stand elsewhere: `password = { env = "SMTP_PASSWORD" }` or `{ file = "/run/secrets/x" }`.
- Ids are the names of the tables: lower-case letters, digits and hyphens. `was = "old-id"` renames
  a source, topic or digest; its history and its old addresses stay.
- What leaves the file is retired by `bantin up` and `bantin reload`, never deleted.

This page is made from the schema (`python -m tests.reference`); do not edit it by hand.
[How words match](#how-words-match), [Rules that say more](#rules-that-say-more) and
[The order of stories](#the-order-of-stories) stand at its end.
"""

TAIL = r"""## When a mail's last answer is lost

The relay had the whole mail, and then the connection broke or this service died: the mail may have
arrived or not, and nobody can tell from here. `[mail] uncertain` says what becomes of it:

- `"hold"` (the default): it is never sent again by itself. If it did not arrive, its reader misses
  it until somebody looks into the relay's log and says `bantin deliveries resend` or `drop`.
- `"resend"`: after a quarter of an hour the same mail is sent again, with the same Message-ID and
  Date, and three times at most; after that it is held. **A reader may then get it twice, in the
  worst case four times.** Many mailboxes show mails with one Message-ID once, and many do not. Take
  it where a missing mail is worse than a doubled one.

The quarter of an hour is longer than a living sender waits for the relay's answer: when that answer
comes late the mail counts as accepted and is not sent again. What is too late to be news by then is
held, and so is what was held before the key was changed.

## How words match

The words of `any`, `all` and `none` are looked for in an article's title and in its text: the
summary that the source gives, and the full text where there is one. `bantin explain URL` says which
word was found, and in which of the two.

- **Whole words, in a row.** `y tế` does not match inside `quy tế nhị`. What stands between the
  words of a phrase (a comma, a hyphen, a line break) does not count. There are no wildcards and no
  word forms: write `school` and `schools`.
- **Marks.** A word or phrase with Vietnamese marks (or any accents) matches only text with the same
  marks; where the tone stands (`hoà`, `hòa`) does not count. Without marks it matches both.
- **Case.** Small letters match any case. A word of two letters or more written all in capitals
  matches only capitals, so that `AI` is not `ai` (who) and `WHO` is not `who`. In a headline which
  is all in capitals the two cannot be told apart, and it matches.
- **`any`, `all`, `none`.** One word of `any` is enough; of `all` each must be there, in the title
  or in the text; where both are given, both must hold. One word of `none` keeps the article out,
  even when a source's own `topics` would bring it in.
- **`categories`** are another way in: an article whose source puts it into one of these categories
  belongs to the topic without any word. Here neither marks nor case count, and the whole category
  must be the same.
- **`sources` and `languages`** narrow all of this down. In a topic without words and categories
  they decide alone. `not_sources` keeps out whatever comes from there.

| written in `any` | the article says | matches | because |
| --- | --- | --- | --- |
| `y tế` | Sở Y TẾ họp báo | yes | small letters match any case |
| `y tế` | một quy tế nhị | no | only whole words |
| `y tế` | so y te hop bao | no | the text lacks the marks |
| `y te` | Sở Y tế họp báo | yes | without marks it matches both |
| `hoà bình` | tỉnh Hòa Bình | yes | the place of the tone does not count |
| `học sinh` | học, sinh viên | yes | what stands between words does not count |
| `học sinh` | học của sinh viên | no | the words are not in a row |
| `school` | new schools opened | no | word forms are words of their own |
| `AI` | AI thay đổi giáo dục | yes | capitals match capitals |
| `AI` | Ai sẽ thay đổi giáo dục? | no | capitals match only capitals |
| `ai` | AI thay đổi giáo dục | yes | small letters match any case |
| `UBND tỉnh` | UBND TỈNH họp | yes | only `UBND` must be in capitals |
| `UBND tỉnh` | Ubnd tỉnh họp | no | `UBND` matches only capitals |
| `COVID-19` | dịch Covid-19 | no | write `covid-19` to match any case |
| `covid-19` | dịch COVID 19 | yes | the hyphen does not count |
| `5G` | mạng 5g | yes | one letter is not a word in capitals |
| `38-CT/TW` | Chỉ thị số 38-CT/TW | yes | numbers and signs of documents as they stand |

After a change of rules the running service matches the stored articles anew. What then enters a
topic is shown and not mailed: old is not news. `bantin check --live` says of each topic how many
stored articles its rules match, before they run; `bantin topics test ID` names those which the rule
in the file would add and drop, each with its reason (`--since 30d`: of the latest).

## Rules that say more

Most topics need `any` and `none` alone. What follows may stand beside them.

```toml
[topic.bao-lu]
any = ["title: bão", "lũ quét", "author: Nguyễn Văn A"]      # one field alone
near = [{ words = ["lũ", "học sinh"], within = 8 }]          # near each other
regex = ['(?i)\b\d+ người (chết|mất tích)\b']                # what words cannot say
reference = "38-CT/TW"                                       # who cites a document
any_of = [{ all = ["mưa lớn", "sạt lở"], none = ["dự báo"] }] # combinations
none = ["category: Thể thao", "url: /quang-cao/"]
none_of = [{ regex = ['title:^\[QC\]'] }]

[synonyms]
"lũ" = ["lụt", "ngập"]
```

- **Fields.** `title:`, `lead:` (the first sentences), `text:` (the lead and the full text),
  `author:` and `category:` before a word look there alone, by the same rules. What stands behind
  `url:` is a piece of the address as it is: slashes and hyphens count, case does not, and it begins
  and ends where words do. Another small word right before a colon is a fault, since it may have
  been meant as a field.
- **`near`**: two words or phrases with at most `within` others between them, in either order, both
  in the title or both in the text (or in `field`).
- **`regex`**: a regular expression in the
  [syntax of RE2](https://github.com/google/re2/wiki/Syntax), which takes time that grows with the
  text, whatever is written: none can hang. So it cannot look ahead or behind, nor refer to an
  earlier part; `none` and `none_of` do that. It is looked for in the title and in the first 20,000
  characters of the text, or in the field that it begins with (`title:…`). Marks count, and case too
  unless it begins with `(?i)`. `\w` and `\b` know the letters of all scripts. Write it in single
  quotes, so that TOML leaves its backslashes alone.
- **`reference`**: an official document by its number, or a list of them: `"38-CT/TW"`,
  `"15/2020/NĐ-CP"`. It finds every spelling of that number (`38/CT-TW`, `15/2020/ND-CP`), and
  nothing that only looks like it. Untidy numbers in a rule are put right as well; what is the
  number of no document is a fault. `/references/38-CT-TW/` lists who cites one, with a feed beside
  it.
- **Combinations.** `any_of`, `all_of` and `none_of` are to combinations what `any`, `all` and
  `none` are to words. In a combination stand `any`, `near`, `regex`, `reference`, `all` and `none`.
- **How they add up.** One hit in `any`, `near`, `regex`, `reference` or `any_of` is enough. If
  `all` or `all_of` are there, each of theirs must hold as well. One hit in `none` or `none_of`
  keeps the article out.
- **`[synonyms]`** is yours: who writes the name of a list in a rule finds its words as well, in
  every field and in `near`. It goes one way: who writes `lụt` finds `lụt`. A list may name
  another list, but none may lead back to itself.

| rule | the article says (title – text) | matches | because |
| --- | --- | --- | --- |
| `any = ["title: bão"]` | Bão số 3 – Gió giật mạnh | yes | it is in the title |
| `any = ["title: bão"]` | Gió giật mạnh – Bão số 3 | no | it is in the text alone |
| `any = ["text: bão"]` | Gió giật mạnh – Bão số 3 | yes | it is in the text |
| `near = [{ words = ["lũ", "lớp"], within = 2 }]` | Lũ lớn, nhiều lớp nghỉ – | yes | two between |
| `near = [{ words = ["lũ", "lớp"], within = 2 }]` | Nhiều lớp nghỉ vì lũ – | yes | either order |
| `near = [{ words = ["lũ", "lớp"], within = 1 }]` | Lũ lớn, nhiều lớp nghỉ – | no | two, not one |
| `near = [{ words = ["lũ", "lớp"] }]` | Lũ lớn – Nhiều lớp nghỉ | no | title and text are two |
| `regex = ['\b\d+ người chết']` | Lũ quét – Đã có 12 người chết | yes | digits, then these words |
| `regex = ['^Bão']` | Bão số 3 – | yes | the title begins so |
| `regex = ['^bão']` | Bão số 3 – | no | case counts |
| `regex = ['(?i)^bão']` | Bão số 3 – | yes | with `(?i)` it does not |
| `regex = ['text:^Bão']` | Bão số 3 – Gió mạnh | no | it looks in the text alone |
| `regex = ['\bđê\b']` | Vỡ đê – | yes | `đ` is a letter |
| `reference = "38-CT/TW"` | Tin – Sơ kết Chỉ thị số 38/CT-TW | yes | another spelling of it |
| `reference = "15/2020/ND-CP"` | Nghị định 15/2020/NĐ-CP – | yes | untidy in the rule |
| `reference = ["38-CT/TW", "160/CP"]` | Nghị định 160/CP – | yes | one of them is enough |
| `reference = "38-CT/TW"` | Chỉ thị 138-CT/TW – | no | another number |
| `reference = "160/CP"` | Cổ tức 160/CP – | no | no document is named |
| `any_of = [{ reference = "38-CT/TW", all = ["lũ"] }]` | Chỉ thị 38-CT/TW – | no | no `lũ` in it |
| `any_of = [{ all = ["lũ", "trường"] }]` | Trường đóng cửa – Vì lũ | yes | both are there |
| `any_of = [{ all = ["lũ", "xã"], none = ["diễn tập"] }]` | Diễn tập: lũ về xã – | no | kept out |
| `any = ["bão"], any_of = [{ all = ["lũ", "trường"] }]` | Tin bão – | yes | one of them is enough |
| `any = ["bão", "lũ"], all_of = [{ any = ["trường", "lớp"] }]` | Tin bão – | no | no school in it |
| `any = ["bão"], none_of = [{ all = ["bão", "giá"] }]` | Bão giá cuối năm – | no | both are there |
| `any = ["bão"], none_of = [{ all = ["bão", "giá"] }]` | Bão vào bờ – | yes | not both |

`bantin check` names what cannot be: an expression that is not closed, a field that does not exist,
`near` without two words, a list of synonyms that leads back to itself. It warns of an expression
that finds something in every article.

## The order of stories

A digest and the front page have first what stands highest. A story's score is a product of five
parts, which `bantin explain URL` and an admin's page of the story tell:

| part | value |
| --- | --- |
| outlets | 1 for one outlet, 2 for two, 3 for four, 4 for eight independent ones |
| new | from 1, halved in each period of the digest, at least 12 hours; front page: 12 hours |
| weight | the highest `weight` of the sources that tell it |
| headline | 1.5 if the headline has words that brought the story into one of the topics, else 1 |
| topics | from 0.5 to 1, by how much of the story is in the topics that the reader chose |

Sources count as one outlet if they have the same `owner`, else if the home pages that their feeds
name (or else their addresses) are in one registrable domain, as `vnexpress.net` is of
`e.vnexpress.net`.

In a mail topics share the room: the second story of a topic counts for half of its score, the
third for a third. `stories.per_topic` and `stories.per_source` set limits besides; what is beyond
them is counted in "N more stories online", and told by that. Each story stands under one topic, the
first, in the order of the digest, of the reader's topics that it is in; the topic of the first
story comes first, and then the others in the order of the digest. Where another story has at least
0.8 of the score, no story stands behind another one of its outlet.

A story is **hot** once `[hot] outlets` independent outlets have told it within `[hot] within`.
Pages and mails mark it, and `feeds/hot.atom`, `.rss` and `.json` list it (they are there from the
first hot story on). A digest with `hot = true` mails only such stories. What one digest has told to
a reader no other one of its scope tells again:

```toml
[hot]
outlets = 4
within = "3h"
[digest.nong]
title = "Tin nóng"
cadence = "immediate"
hot = true
```
"""


_NOT_SHOWN = {"SecretRef", "Combination"}
"""Tables whose keys need no rows: they stand in HEAD, or are those of the table around."""


def examples(heading: str) -> list[tuple[str, str, bool]]:
    """The examples of a section of the page: what is written, what the article says, the answer."""
    table = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (yes|no) \| .+ \|$", table, re.MULTILINE)
    return [(written, said, answer == "yes") for written, said, answer in rows]


def page() -> str:
    """The whole page as Markdown."""
    schema = json_schema()
    lines = [HEAD]
    for name, about in schema["properties"].items():
        lines += _section(schema, name, about)
    return "\n".join([*lines, TAIL]).rstrip() + "\n"


def _section(schema: dict[str, Any], name: str, about: dict[str, Any]) -> list[str]:
    table, has_ids = _table(schema, about)
    if table is None:
        return [f"## `{name}`\n", f"{about.get('description', '')}\n"]
    lines = [f"## `[{name}.ID]`\n" if has_ids else f"## `[{name}]`\n"]
    if table.get("description"):
        lines.append(table["description"] + "\n")
    return [
        *lines,
        "| key | default | what |",
        "| --- | --- | --- |",
        *_rows(schema, table, ""),
        "",
    ]


def _rows(schema: dict[str, Any], table: dict[str, Any], prefix: str) -> list[str]:
    rows = []
    for key, about in table["properties"].items():
        inner, has_ids = _table(schema, about)
        of_list = inner is None and "items" in about
        inner = _table(schema, about["items"])[0] if of_list else inner
        name = f"{prefix}{key}"
        told = about.get("description") or (inner or {}).get("description", "")
        rows.append(f"| `{name}` | {_default(about)} | {_cell(told)}{_choices(schema, about)} |")
        if inner is not None and "properties" in inner and inner["title"] not in _NOT_SHOWN:
            rows += _rows(schema, inner, f"{name}{'.ID' if has_ids else '[]' if of_list else ''}.")
    return rows


def _table(schema: dict[str, Any], about: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The table that a key holds, and whether it holds tables by id."""
    for one in (about, *about.get("anyOf", ()), *about.get("allOf", ())):
        if "$ref" in one:
            found = schema["$defs"][one["$ref"].rpartition("/")[2]]
            if "properties" in found:
                return found, False
        inner = one.get("additionalProperties") or next(
            iter(one.get("patternProperties", {}).values()), None
        )
        if isinstance(inner, dict) and "$ref" in inner:
            return schema["$defs"][inner["$ref"].rpartition("/")[2]], True
    return None, False


def _default(about: dict[str, Any]) -> str:
    default = about.get("default")
    if default is None or default in ("", [], {}) or isinstance(default, dict):
        return ""
    if isinstance(default, list):
        return "`" + ", ".join(map(str, default)) + "`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _choices(schema: dict[str, Any], about: dict[str, Any]) -> str:
    options = [about, about.get("items", {}), *about.get("anyOf", ()), *about.get("allOf", ())]
    for one in options:
        found = schema["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        if "enum" in found:
            return " (" + ", ".join(f"`{value}`" for value in found["enum"]) + ")"
    return ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
