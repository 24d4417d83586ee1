"""Every sentence that people read, one flat TOML file a language: `templates/words/LANG.toml`.

A language without a file, or a key missing from it, falls back to English. A value in braces is
filled by name: `"Nhận {digest} qua thư"`.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup, escape

from service.errors import TemplateError

FALLBACK = "en"


class Words:
    """The sentences of one language."""

    def __init__(self, language: str, sentences: dict[str, str]) -> None:
        self.language = language
        self._sentences = sentences

    def __contains__(self, key: str) -> bool:
        return key in self._sentences

    def chapter(self, prefix: str) -> tuple[tuple[str, str], ...]:
        """The sentences whose keys begin with `prefix`, unfilled, in the order of their keys."""
        return tuple(sorted(one for one in self._sentences.items() if one[0].startswith(prefix)))

    def say(self, key: str, **values: object) -> str:
        """The sentence with its values, as plain text. Raises TemplateError for an unknown key."""
        return self._fill(key, {name: str(value) for name, value in values.items()})

    def html(self, key: str, **values: object) -> Markup:
        """The same for HTML: values are escaped unless they are Markup, the sentence is too."""
        safe = {name: str(escape(value)) for name, value in values.items()}
        return Markup(self._fill(key, safe, escaped=True))  # noqa: S704 - escaped just above

    def _fill(self, key: str, values: dict[str, str], *, escaped: bool = False) -> str:
        try:
            sentence = self._sentences[key]
        except KeyError:
            raise TemplateError(f"no sentence {key!r} in words/{self.language}.toml") from None
        if escaped:
            sentence = str(escape(sentence))
        try:
            pieces = _pieces(sentence)
            if pieces is not None:
                return "".join([text if name is None else values[name] for text, name in pieces])
            return string.Formatter().vformat(sentence, (), values)
        except (KeyError, IndexError, ValueError) as error:
            file = f"words/{self.language}.toml"
            raise TemplateError(f"{file}: {key}: {error!r}", file) from error


class NotAWordError(TemplateError):
    """A value that is not text. `key` is dotted without quotes: TOML nests `a.b = "x"`."""

    def __init__(self, path: Path, key: str, value: object) -> None:
        while isinstance(value, dict) and value:
            name, value = next(iter(value.items()))
            key = f"{key}.{name}"
        self.key = key
        self.problem = "is not a flat key with text"
        self.remedy = f'write "{key}" = "…", with the quotes'
        super().__init__(f"{path}: {key}: {self.problem}; {self.remedy}")


def load_words(folders: Sequence[Path], language: str) -> Words:
    """The words of `language` ("vi-VN" falls back to "vi", then English).

    Later folders are the defaults that earlier ones override key by key. Raises TemplateError.
    """
    sentences: dict[str, str] = {}
    for name in dict.fromkeys((FALLBACK, *_spellings(language))):
        for folder in reversed(folders):
            sentences.update(read_words(_file(folder, name)))
    return Words(language, sentences)


class WordsByLanguage:
    """The sentences of each language that is asked for, read once."""

    def __init__(self, folders: Sequence[Path], known: Mapping[str, Words] | None = None) -> None:
        """`folders` as `load_words` takes them; `known`: language -> what is read already."""
        self._folders = folders
        self._known = dict(known or {})

    def __call__(self, language: str) -> Words:
        """Raises TemplateError."""
        if language not in self._known:
            self._known[language] = load_words(self._folders, language)
        return self._known[language]

    def in_use(self) -> dict[str, Words]:
        """Language -> its sentences, of the languages that were asked for until now."""
        return dict(self._known)


def has_words(folders: Sequence[Path], language: str) -> bool:
    """Whether one of these folders has a file for the language, or for what it falls back to."""
    return any(_file(f, name).is_file() for f in folders for name in _spellings(language))


def _spellings(language: str) -> tuple[str, str]:
    return language.split("-", maxsplit=1)[0].lower(), language.lower()


def _file(folder: Path, name: str) -> Path:
    return folder / "words" / f"{name}.toml"


def read_words(path: Path) -> dict[str, str]:
    """The sentences of one file, by key; {} where there is none. Raises TemplateError."""
    if not path.is_file():
        return {}
    try:
        found = _parsed(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise TemplateError(f"{path}: {error}", f"words/{path.name}") from error
    sentences: dict[str, str] = {}
    for key, value in found.items():
        if not isinstance(value, str):
            raise NotAWordError(path, key, value)
        sentences[key] = value
    return sentences


@lru_cache(maxsize=4096)
def _pieces(sentence: str) -> tuple[tuple[str, str | None], ...] | None:
    """Its words and the names between them, each by itself. None: it asks for more than names.

    Mails say the same few sentences, and to read one takes ten times as long as to fill it.
    """
    made: list[tuple[str, str | None]] = []
    try:
        for text, name, form, conversion in string.Formatter().parse(sentence):
            if form or conversion or (name is not None and not name.isidentifier()):
                return None
            made += [(text, None)] if name is None else [(text, None), ("", name)]
    except ValueError:
        return None  # whoever fills it says so
    return tuple(made)


@lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, object]:
    """Kept by the text itself: each site, reload and writer of mails would parse it anew."""
    return tomllib.loads(text)
