"""What pydantic found wrong, in words for the admin: what is wrong, what would be right.

No value is quoted that could be a secret: whatever stands under `password` or `headers`, and the
store's url.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, cast

from pydantic_core import ErrorDetails

from service.config import shape
from service.config.schema import ID_PATTERN, Settings
from service.errors import Finding
from service.text.fold import fold

_LONGEST_QUOTE = 60
_KEY = "[key]"
"""With this pydantic marks that not a value but its key is wrong: an id, where its type does not
say itself what is wrong."""


def finding(error: ErrorDetails) -> Finding:
    """One error of the schema as a finding."""
    path = error["loc"]
    if path and path[-1] == _KEY:
        tell_key = _told if error["type"] == "value_error" else _no_id_of
        return (path[:-1], *tell_key(path[:-1], error))
    tell = _TELLERS.get(error["type"])
    if tell is None:
        return path, _sentence(error["msg"]), ""
    return (path, *tell(path, error))


def quoted(value: Any) -> str:
    """A value as the TOML has it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_QUOTE else f'{text[:_LONGEST_QUOTE]}…"'


def written(path: shape.Path) -> str:
    """The path as the TOML writes it: `source.x.url`, `branding.links[0].url`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[\w-]+", part, re.ASCII)
            text += ("." if text else "") + (part if bare else f'"{part}"')
    return text


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:]


def _unknown(path: shape.Path, _error: ErrorDetails) -> tuple[str, str]:
    name = str(path[-1])
    section = shape.section_at(path) or Settings
    # A class can be a key of the cache; mypy doubts it of a dataclass.
    return f'unknown key "{name}"', _nearest(name, cast("Any", section), len(path))


@lru_cache(maxsize=4096)
def _nearest(name: str, section: shape.Table, depth: int) -> str:
    known = shape.keys(section)
    if near := get_close_matches(name.lower().replace("-", "_"), known, 1):
        return f'did you mean "{near[0]}"?'
    if depth > 1:
        for title, field in shape.keys(Settings).items():
            other = shape.section_in(field.annotation) or shape.table_in(field.annotation)
            if other and other is not section and name in shape.keys(other):
                ids = ".ID" if shape.table_in(field.annotation) else ""
                return f"it stands in [{title}{ids}]"
    return f"known here: {', '.join(known)}"


def _missing(path: shape.Path, _error: ErrorDetails) -> tuple[str, str]:
    section = shape.section_at(path)
    field = shape.keys(section).get(str(path[-1])) if section else None
    what = field.description if field and field.description else ""
    return "is missing", f"add {path[-1]} = …{': ' if what else ''}{_sentence(what)}"


def _no_text(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    value = error["input"]
    if isinstance(value, (dict, list)):
        return f"is {quoted(value)}", "write a text in quotes"
    return "is not text", f'put it in quotes: "{quoted(value)}"'


def _no_number(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    kind = "whole number" if error["type"].startswith("int") else "number"
    return f"{quoted(error['input'])} is not a {kind}", f"write a {kind} without quotes"


def _no_bool(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    return f"{quoted(error['input'])} is neither true nor false", "write true or false, no quotes"


def _no_list(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    value = error["input"]
    if isinstance(value, (dict, list)):
        return f"is {quoted(value)}", 'write a list, such as ["one", "two"]'
    return "is not a list", f"write [{quoted(value)}]"


def _no_table(path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    name = written(path)
    if path and path[-1] in _SECRET_TABLES:
        return "is not a table", f"write {path[-1]} = {_SECRET_TABLES[str(path[-1])]}"
    problem = f"is {quoted(error['input'])}, not a table"
    if path and isinstance(path[-1], int) and (section := shape.section_at((*path, ""))):
        return problem, f"write {{ {next(iter(shape.keys(section)))} = … }}, in braces"
    if shape.has_ids(path):
        return problem, f"write [{name}.ID] for each, every one with an id of its own"
    if len(path) > 1 and shape.has_ids(path[:-1]):
        parent = written(path[:-1])
        return problem, f"write its keys under [{parent}.ID], with an id of your own"
    return problem, f"write its keys under [{name}]"


_LOGIN = '{ username = "NAME", password = { env = "NAME" } }'
_SECRET_TABLES = {
    "auth": _LOGIN,
    "proxy_auth": _LOGIN,
    "headers": '{ "X-Key" = { env = "NAME" } }',
}


def _no_choice(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    value = error["input"]
    expected = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    choices = [f'"{choice}"' for choice in expected]
    near = get_close_matches(str(value).lower(), expected, 1)
    if near:
        remedy = f'did you mean "{near[0]}"?'
    elif len(choices) == 1:
        remedy = f"write {choices[0]}"
    else:
        remedy = f"write {', '.join(choices[:-1])} or {choices[-1]}"
    return f"{quoted(value)} is not known", remedy


def _no_match(path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    value = str(error["input"])
    if error.get("ctx", {}).get("pattern") == ID_PATTERN:
        return _no_id(value)
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    what, right = _SHAPES.get(name, ("valid", "see `bantin config schema`"))
    return f"{quoted(value)} is not {what}", f"write it such as {right}"


_SHAPES = {
    "language": ("a language", '"vi", "en" or "pt-BR"'),
    "languages": ("a language", '"vi", "en" or "pt-BR"'),
    "accent": ("a colour", '"#0b57a4"'),
    "at": ("an hour", '"07:00"'),
}


def _no_id_of(path: shape.Path, _error: ErrorDetails) -> tuple[str, str]:
    return _no_id(str(path[-1]))


def _no_id(value: str) -> tuple[str, str]:
    slug = re.sub(r"[^a-z0-9]+", "-", fold(value)).strip("-")[:64].strip("-")
    right = f', such as "{slug}"' if slug else ""
    return f'"{value}" is not an id', f'an id has a-z, 0-9 and "-", at most 64 of them{right}'


def _empty(_path: shape.Path, _error: ErrorDetails) -> tuple[str, str]:
    return "is empty", "write something, or leave it out"


def _too_long(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    most = error.get("ctx", {}).get("max_length", 0)
    return f"has {len(str(error['input'])):,} characters", f"write {most:,} at most"


def _bound(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    bounds = error.get("ctx", {})
    least, most = bounds.get("ge"), bounds.get("le")
    right = f"write {least:g} or more" if least is not None else f"write {most:g} or less"
    return f"is {quoted(error['input'])}", right


def _told(_path: shape.Path, error: ErrorDetails) -> tuple[str, str]:
    problem, _, remedy = str(error.get("ctx", {}).get("error", error["msg"])).partition("; ")
    return problem, remedy


_TELLERS: dict[str, Callable[[shape.Path, ErrorDetails], tuple[str, str]]] = {
    "extra_forbidden": _unknown,
    "unexpected_keyword_argument": _unknown,
    "missing": _missing,
    "string_type": _no_text,
    "int_type": _no_number,
    "float_type": _no_number,
    "float_parsing": _no_number,
    "bool_type": _no_bool,
    "bool_parsing": _no_bool,
    "tuple_type": _no_list,
    "dict_type": _no_table,
    "model_type": _no_table,
    "model_attributes_type": _no_table,
    "dataclass_type": _no_table,
    "literal_error": _no_choice,
    "enum": _no_choice,
    "string_pattern_mismatch": _no_match,
    "string_too_short": _empty,
    "string_too_long": _too_long,
    "greater_than_equal": _bound,
    "less_than_equal": _bound,
    "value_error": _told,
}
