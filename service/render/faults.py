"""Judges the language, and an admin's own templates and words, before anything is rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from string import Formatter

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from service.config.schema import Settings
from service.errors import Fault, Finding, TemplateError
from service.render.engine import shipped_templates
from service.render.logo import LogoError, read_file
from service.render.words import FALLBACK, NotAWordError, has_words, read_words
from service.text.unknown_name import problem_and_remedy

_LOOK = ".html.j2"
_PARTS = "parts"
"""The one template of mail/looks/ that is none: what the others have in common."""


def faults(settings: Settings) -> list[Finding]:
    """Every fault, in no order."""
    return [*_language(settings), *_logo(settings), *_looks(settings)]


def _looks(settings: Settings) -> list[Finding]:
    folders = (settings.root / "templates", shipped_templates())
    found = {path for folder in folders for path in folder.glob(f"mail/looks/*{_LOOK}")}
    known = sorted({path.name.removesuffix(_LOOK) for path in found} - {_PARTS})
    return [
        (("digest", name, "look"), *problem_and_remedy("look", digest.look, known))
        for name, digest in settings.digest.items()
        if digest.look not in known
    ]


def _logo(settings: Settings) -> list[Finding]:
    name, path = settings.branding.logo, ("branding", "logo")
    if name is None:
        return []
    try:
        read_file(settings.root / name)
    except LogoError as error:
        return [(path, f"{name} {error.problem}", error.remedy)]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return [(path, f"{name} cannot be read: {why}", "a path from the folder of bantin.toml")]
    return []


def _language(settings: Settings) -> list[Finding]:
    """Pages and mails in a language that has no words would be English ones under its name."""
    language, own = settings.site.language, settings.root / "templates"
    shipped = shipped_templates()
    if has_words([own, shipped], language):
        return []
    known = ", ".join(sorted(path.stem for path in (shipped / "words").glob("*.toml")))
    problem = f'there are no words in "{language}": pages and mails would be in English'
    remedy = (
        f"write templates/words/{language}.toml (`bantin templates copy words/en.toml` shows the "
        f"keys), or take one of {known}; sources may be in any language"
    )
    return [(("site", "language"), problem, remedy)]


def template_faults(folder: Path) -> list[Fault]:
    """Templates and words in `folder` that cannot be read, each with its line. [] without one."""
    if not folder.is_dir():
        return []
    templates = sorted(folder.rglob("*.j2"))
    found = [fault for path in templates if (fault := _template_fault(path))]
    for path in sorted((folder / "words").glob("*.toml")):
        found += _words_faults(path, templates)
    return found


def raised(error: TemplateError, root: Path, mail: str, language: str) -> Fault:
    """What a template raised for a mail in this language. `mail`: dotted, "" = every digest's.

    `root`: where the site's own `templates/` stand; a file that is not there is a shipped one.
    """
    name, line, text = error.name, error.line, str(error)
    own = root / "templates" / name
    file = own if own.is_file() else shipped_templates() / name
    where = name if line is None else f"{name}:{line}"
    text = text.removeprefix(f"{file}: ").removeprefix(f"{where}: ")
    if name.startswith("words/") and line is None and file.is_file():
        line = _line_of(text.partition(":")[0], _text(file).splitlines())
    return Fault(str(file), line, mail, f'raises for mails in "{language}": {text}')


def _words_faults(path: Path, templates: Sequence[Path]) -> list[Fault]:
    """What cannot be read; keys that nothing asks for; values that a sentence is never given."""
    try:
        written = read_words(path)
    except NotAWordError as error:
        lines = path.read_text(encoding="utf-8").splitlines()
        line = _line_of(error.key, lines) or _line_of(error.key.rpartition(".")[2], lines)
        return [Fault(str(path), line, error.key, error.problem, error.remedy)]
    except TemplateError as error:
        return [Fault(str(path), None, "", str(error).removeprefix(f"{path}: "))]
    known = read_words(shipped_templates() / "words" / f"{FALLBACK}.toml")
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for key, sentence in written.items():
        wrong = _wrong_word(key, sentence, known, templates)
        if wrong is not None:
            found.append(Fault(str(path), _line_of(key, lines), key, *wrong))
    return found


def _wrong_word(
    key: str, sentence: str, known: Mapping[str, str], templates: Sequence[Path]
) -> tuple[str, str] | None:
    if key not in known:
        if any(key in _text(path) for path in templates):
            return None  # a word for a template of the admin's own
        near = get_close_matches(key, known, 1)
        remedy = f'did you mean "{near[0]}"?' if near else "take it out: nothing asks for it"
        return f'unknown key "{key}"', remedy
    try:
        asked, given = _fields(sentence), _fields(known[key])
    except ValueError as error:
        return f"cannot be filled: {error}", "write a brace that is meant as {{ or }}"
    if strange := sorted(asked - given):
        there = ", ".join(f"{{{name}}}" for name in sorted(given)) or "none"
        return f"{{{strange[0]}}} is not given to this sentence", f"it is given: {there}"
    return None


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def _line_of(key: str, lines: Sequence[str]) -> int | None:
    """Where a flat TOML file sets the key; None where it is written in an unusual way."""
    spelled = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
    return next((n for n, line in enumerate(lines, 1) if spelled.match(line)), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # told as a fault of its own


def _template_fault(path: Path) -> Fault | None:
    try:
        SandboxedEnvironment().parse(path.read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        return Fault(str(path), error.lineno, "", f"the template does not parse: {error.message}")
    except (OSError, UnicodeDecodeError) as error:
        return Fault(str(path), None, "", f"the template cannot be read: {error}")
    return None
