"""The Jinja environment: an admin's copies first, then what the package ships.

Templates may be edited by admins, so the environment is sandboxed; a name that is not there is an
error, never an empty string.
"""

from __future__ import annotations

import hashlib
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from types import (
    BuiltinMethodType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
)
from typing import Any

import css_inline
from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2 import TemplateError as JinjaError
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Macro
from jinja2.sandbox import SandboxedEnvironment

from service.errors import TemplateError
from service.model import Parts
from service.render import dates
from service.render.addresses import absolute, on_page
from service.render.assets import Assets
from service.render.marks import mark
from service.render.pieces import Pieces
from service.render.prose import linked
from service.render.views import SiteView
from service.render.words import Words, WordsByLanguage, has_words

_PACKAGE = Path(__file__).parent.parent
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
"""A language tag: nothing else is made part of a file's name."""

_RAISED = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError, OSError,
)  # fmt: skip
"""What a template may end in besides Jinja's own: its expressions, and its file."""

_NO_WORDS: Mapping[str, Words] = MappingProxyType({})


def shipped_templates() -> Path:
    """The folder of templates that came with the program: in the wheel, else in the checkout."""
    inside = _PACKAGE / "_templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


class _CompiledTemplates(BytecodeCache):
    """Templates that this process has compiled, so that a reload or a second site compiles none.

    One is taken again only where the text of its file is still the same.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._kept.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.checksum, bucket.code


_COMPILED = _CompiledTemplates()

_PLAIN = (FunctionType, partial)
"""What our names are: what they are marked as stands in their `__dict__`."""

_METHODS = (MethodType, BuiltinMethodType)
"""A text's `format` is one: what that may reach, Jinja's own sandbox looks at."""


class _Sandbox(SandboxedEnvironment):
    """Judges each attribute of a type once: a fifth of the time of a mail went into that.

    What is safe follows from the type and the name alone.
    """

    def __init__(self, **options: Any) -> None:
        self._judged: dict[tuple[type, str], bool] = {}
        super().__init__(**options)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        key = type(obj), attr
        if key not in self._judged:
            self._judged[key] = super().is_safe_attribute(obj, attr, value)
        return self._judged[key]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The same as Jinja's, for most of what a template asks for, in a third of the time."""
        try:
            value = getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)
        if type(value) not in _METHODS and self._judged.get((type(obj), attribute)):
            return value
        return super().getattr(obj, attribute)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The same as Jinja's, which looks at each for marks that ours cannot have."""
        kind = type(obj)
        if kind is Macro:
            args = (context.eval_ctx, *args)
        else:
            named = obj.__func__ if kind is MethodType else obj
            if type(named) not in _PLAIN or named.__dict__:
                return super().call(context, obj, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return obj(*args, **kwargs)


def _sandbox(folders: Sequence[Path]) -> _Sandbox:
    return _Sandbox(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(["html.j2", "html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED,
    )


@cache
def _as_shipped() -> _Sandbox:
    """That of all sites without own templates: with some, a new file of theirs may come first."""
    return _sandbox([shipped_templates()])


Stamps = tuple[tuple[str, int, int], ...]
"""Files with their time and size: other ones mean that something was edited."""


class Renderer:
    """Renders pages and mails of one site. Build it anew when the configuration changes."""

    def __init__(
        self,
        site: SiteView,
        overrides: Path | None = None,
        words: Mapping[str, Words] = _NO_WORDS,
    ) -> None:
        """`overrides` is the admin's folder of templates; None where there is none.

        `words`: language -> those that are read already.
        """
        self.site, self.overrides = site, overrides
        self._folders = [f for f in (overrides, shipped_templates()) if f is not None]
        self._words = WordsByLanguage(self._folders, words)
        self._failed: dict[bytes, str] = {}
        self._failed_by: Stamps = ()
        self.assets = Assets(self._folders, site.accent)
        self._environment = _as_shipped() if overrides is None else _sandbox(self._folders)
        self._inliner = css_inline.CSSInliner(
            keep_style_tags=True, load_remote_stylesheets=False, keep_at_rules=True
        )

    def words(self, language: str) -> Words:
        """The sentences of a language, loaded once. Raises TemplateError."""
        return self._words(language)

    def words_in_use(self) -> dict[str, Words]:
        """Language -> its sentences, of the languages that were asked for until now."""
        return self._words.in_use()

    def page(
        self,
        name: str,
        language: str,
        *,
        at: str | None = None,
        zone: str | None = None,
        **views: object,
    ) -> str:
        """`templates/web/NAME.html.j2` as HTML. Raises TemplateError.

        `at` is the page's own path, such as "/topics/x/": its links are then relative to it, and
        it may be moved with its tree to any place. None: links begin at the site's root. `zone` is
        the IANA zone of the hours that it says, None = the site's.
        """
        return self._render(f"web/{name}.html.j2", language, views, at, zone)

    def speaks(self, language: str) -> bool:
        """Whether there are words in this language ("vi-VN" is spoken where "vi" is)."""
        return bool(_TAG.fullmatch(language)) and has_words(self._folders, language)

    def languages(self) -> tuple[str, ...]:
        """The languages that there are words for, in the order of their names."""
        files = (path for folder in self._folders for path in folder.glob("words/*.toml"))
        return tuple(sorted({path.stem for path in files if path.is_file()}))

    def mail(
        self, kind: str, language: str, *, pieces: Pieces | None = None, **views: object
    ) -> Parts:
        """The three parts of `templates/mail/KIND/`, CSS inlined. Raises TemplateError.

        `pieces`: what its template may name by `once`, shared with other mails; None: nothing.
        """
        if pieces is not None:
            views["once"] = partial(pieces.once, language)
        subject = self._render(f"mail/{kind}/subject.txt.j2", language, views)
        text = self._render(f"mail/{kind}/body.txt.j2", language, views)
        if pieces is not None:
            pieces.begin()
        html = self._render(f"mail/{kind}/body.html.j2", language, views)
        inline = self._inliner.inline
        try:
            inlined = inline(html) if pieces is None else pieces.inline(html, inline)
        except css_inline.InlineError as error:
            name = f"mail/{kind}/body.html.j2"
            raise TemplateError(f"{name}: {error}", name) from error
        return Parts(" ".join(subject.split()), text.strip() + "\n", inlined)

    def page_stamps(self) -> Stamps:
        """Watches the templates of pages, so that an admin's edits count at once.

        Words and assets are read once, and again after a reload.
        """
        return self._stamps("web", ".j2", deep=False)

    def failures(self) -> dict[bytes, str]:
        """Mails that could not be made of the files as they are: their hash -> why.

        Whoever makes mails writes it, so that nothing is tried again until a file is another.
        """
        stamps = self._stamps("", "", deep=True)  # they may take in files of any name
        if stamps != self._failed_by:
            self._failed_by, self._failed = stamps, {}
        return self._failed

    def _stamps(self, within: str, ending: str, *, deep: bool) -> Stamps:
        found = []
        for folder in self._folders:
            for file in _files(folder / within, ending, deep=deep):
                with suppress(OSError):  # gone meanwhile, or an editor's lock: a link to nowhere
                    state = file.stat()
                    found.append((file.path, state.st_mtime_ns, state.st_size))
        return tuple(found)

    def mail_digest(self) -> bytes:
        """A hash of all that shapes a mail beside its views: the site, templates and words.

        Read from the disk at each call: an admin may be at work on them.
        """
        shape = hashlib.sha256(repr(self.site).encode())
        for folder in self._folders:
            mails = _files(folder / "mail", ".j2", deep=True)
            for file in (*mails, *_files(folder / "words", ".toml", deep=False)):
                with suppress(OSError):  # as above; whoever renders it learns why
                    content = Path(file.path).read_bytes()
                    shape.update(file.name.encode() + b"\0" + content + b"\0")
        return shape.digest()

    def _render(
        self,
        name: str,
        language: str,
        views: dict[str, Any],
        at: str | None = None,
        zone: str | None = None,
    ) -> str:
        words = self.words(language)
        try:
            template = self._environment.get_template(name)
            return template.render(**self._names(words, at, zone, html=".html" in name), **views)
        except (JinjaError, SecurityError, UnicodeDecodeError) as error:
            line: int | None = getattr(error, "lineno", None)
            if line:
                place: tuple[str, int | None] = getattr(error, "name", None) or name, line
            else:
                place = self._place(error, name)
            raise _told(error, place) from error
        except _RAISED as error:
            raise _told(error, self._place(error, name)) from error
        except TemplateError as error:  # a sentence, which says so itself
            if not error.name:
                error.name, error.line = self._place(error, name)
            raise

    def _place(self, error: BaseException, name: str) -> tuple[str, int | None]:
        """Name and line where it happened: in a template that `name` extends or imports, too.

        Jinja puts the templates' own files and lines into the traceback.
        """
        found: tuple[str, int | None] = name, None
        for frame, line in traceback.walk_tb(error.__traceback__):
            path = Path(frame.f_code.co_filename)
            for folder in self._folders:
                if path.is_relative_to(folder):
                    found = path.relative_to(folder).as_posix(), line
                    break
        return found

    def _names(
        self, words: Words, at: str | None, zone: str | None, *, html: bool
    ) -> dict[str, object]:
        """What every template may use beside its views."""
        zone, base = zone or self.site.zone, self.site.base_url
        say: Callable[..., str] = words.html if html else words.say
        url = partial(on_page, base=base, at=at)
        return {
            "site": self.site,
            "language": words.language,
            "say": say,
            "count": partial(_count, say),
            "mark": mark,
            "clock": partial(_with_zone, dates.clock, zone),
            "day": lambda instant: dates.day(instant, zone, words),
            "weekday": lambda instant: dates.weekday(instant, zone, words),
            "moment": lambda instant: dates.moment(instant, zone, words),
            "full": lambda instant: dates.full(instant, zone, words),
            "lasting": lambda seconds: dates.span(seconds, words),
            "absolute": partial(absolute, base=base),
            "linked": linked,
            "url": url,
            "asset": lambda file: url(f"/assets/{file}?v={self.assets.version(file)}"),
        }


def _files(folder: Path | str, ending: str, *, deep: bool) -> Iterator[os.DirEntry[str]]:
    """What a folder holds, by name, of names that end so: asked with each page and each plan.

    `deep`: also what its folders hold, but not behind links.
    """
    held: list[os.DirEntry[str]] = []
    with suppress(OSError), os.scandir(folder) as found:
        held = sorted(found, key=lambda one: one.name)
    for one in held:
        if one.name.endswith(ending):
            yield one
        if deep and one.is_dir(follow_symlinks=False):
            yield from _files(one.path, ending, deep=True)


def _told(error: BaseException, place: tuple[str, int | None]) -> TemplateError:
    where = ":".join(str(one) for one in place if one is not None)
    return TemplateError(f"{where}: {type(error).__name__}: {error}", *place)


def _count(say: Callable[..., str], key: str, n: int, **values: object) -> str:
    """The sentence KEY.one or KEY.many, with {n}."""
    return say(f"{key}.one" if n == 1 else f"{key}.many", n=n, **values)


def _with_zone(write: Callable[[datetime, str], str], zone: str, at: datetime) -> str:
    return write(at, zone)
