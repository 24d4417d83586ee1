"""Sources written into a TOML file of their own, for commands that add them."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from service.text.fold import fold

LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source that is not in any file yet. `title` "": what the feed calls itself.

    `kind` "": a feed. `page`: selectors by the names of the TOML's keys.
    """

    id: str
    url: str
    title: str = ""
    topics: tuple[str, ...] = ()
    allow_networks: tuple[str, ...] = ()
    kind: str = ""
    page: Mapping[str, str] = field(default_factory=dict)


def id_for(url: str, taken: Container[str]) -> str:
    """An id made from the host: "www.bao-a.vn" -> "bao-a-vn", with a number where it is taken."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return _free(_slug(host)[: LONGEST_ID - 6].rstrip("-") or "source", taken)


def id_within(host_id: str, url: str, taken: Container[str]) -> str:
    """An id for one of many sources of a host: its own with what the address ends in."""
    name = next((one for one in reversed(_names(url)) if one not in _EVERYWHERE), "")
    room = LONGEST_ID - 6 - len(host_id) - 1
    base = f"{host_id}-{name[:room].strip('-')}" if name and room > 0 else host_id
    return _free(base, taken)


_EVERYWHERE = frozenset(
    {"", "rss", "rss2", "atom", "feed", "feeds", "index", "home", "default", "category", "xml"}
)
"""What addresses of feeds end in whatever they bring."""


def _names(url: str) -> list[str]:
    parts = urlsplit(url).path.split("/")
    stems = (part.rpartition(".")[0] or part for part in parts)
    return [_slug(unquote(stem)) for stem in stems]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")


def _free(base: str, taken: Container[str]) -> str:
    number, found = 1, base
    while found in taken:
        number += 1
        found = f"{base}-{number}"
    return found


def tables(sources: Iterable[NewSource]) -> str:
    """The sources as TOML, a table each with an empty line before it."""
    return "".join(f"\n{_table(source)}" for source in sources)


def _table(source: NewSource) -> str:
    lines = [f"[source.{source.id}]"]
    if source.title:
        lines.append(f"title = {toml_text(source.title)}")
    if source.kind:
        lines.append(f"kind = {toml_text(source.kind)}")
    lines.append(f"url = {toml_text(source.url)}")
    if source.page:
        lines.append(f"page = {inline(source.page)}")
    if source.topics:
        lines.append(f"topics = {_list(source.topics)}")
    if source.allow_networks:
        lines.append(f"allow_networks = {_list(source.allow_networks)}")
    return "\n".join(lines) + "\n"


def inline(values: Mapping[str, str]) -> str:
    """An inline table of texts, under keys that need no quotes."""
    return "{ " + ", ".join(f"{key} = {toml_text(one)}" for key, one in values.items()) + " }"


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(toml_text(value) for value in values)}]"


def toml_text(text: str) -> str:
    """A basic string of TOML: JSON's escapes are TOML's too, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@contextmanager
def replaced(file: Path, text: str) -> Iterator[None]:
    """Write `file` in one step; what stood there is put back when the block raises."""
    before = file.read_bytes() if file.exists() else None
    folder_is_new = not file.parent.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_at_once(file, text.encode())
    try:
        yield
    except BaseException:
        if before is None:
            file.unlink()
            if folder_is_new:
                file.parent.rmdir()
        else:
            write_at_once(file, before)
        raise


def write_at_once(file: Path, data: bytes, mode: int | None = None) -> None:
    """A reader of `file` sees the old bytes or the new ones, never a mixture.

    `mode` None: that of the file before, or what the umask leaves to a new one.
    """
    if mode is None:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        draft.chmod(mode)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
