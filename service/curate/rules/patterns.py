r"""Regular expressions of rules, by RE2: time grows with the text, whatever is written. Pure.

RE2 never goes back, so that no expression can hang on a text; what would need to (a look ahead, a
reference to an earlier part) it refuses. Of its classes, `\w` and `\b` know ASCII alone: `\bđiện`
would find nothing. So `\w` is written out as the letters, marks and digits of all scripts, and for
`\b` a sign that stands in no text is put at each edge of a word, which every other part of the
expression may step over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MOST_CHARS = 20_000
"""Of a text that are looked at; news are a tenth of it."""

MOST_STATES = 500
"""Of an expression, each class counted as one: so many are followed at once at worst. `.{0,100}`
has 202. With MOST_CHARS it bounds what one article can cost: a tenth of a second, by bad luck."""

_MEMORY = 2 << 20
"""Bytes for one expression and what RE2 remembers of it."""

_EDGE = "\ufdd0"  # a noncharacter, which `nfc` takes out of every text
_AT_AN_EDGE = _EDGE * 4  # each `\b` takes one, and groups in groups may ask for one edge again
_EDGES = re.compile(r"\b")
_WORD = r"\p{L}\p{M}\p{N}_"
_LONGEST_SHOWN = 80

_PIECE = re.compile(
    r"""
      (?P<class> \[ \^? \]? (?: \[:\^?\w+:\] | \\[pP]\{\^?\w+\} | \\. | [^\]\\] )* \] )
    | (?P<zero> (?: \\[AzbB] | [\^$] )+ )
    | (?P<syntax> \(\?P?<\w+> | \(\?[a-zA-Z-]*[:)] | [()|] | [*+?]\??
                | \{\d+(?:,\d*)?\}\?? )
    | (?P<one> \\[pP](?: \{\^?\w+\} | \w ) | \\x(?: \{[0-9A-Fa-f]+\} | [0-9A-Fa-f]{2} )
             | \\[0-7]{1,3} | \\. | . )
    """,
    re.VERBOSE | re.DOTALL,
)


class PatternError(ValueError):
    """An expression that cannot be used: "what is wrong; what would be right"."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression, compiled. `edges`: it asks where words begin or end."""

    compiled: Any
    edges: bool

    def find(self, text: str) -> str | None:
        """What it finds first in the text, cut short; None: nothing."""
        found = self.compiled.search(_encoded(text[:MOST_CHARS], self.edges))
        if found is None:
            return None
        said: str = found.group().decode("utf-8", "replace").replace(_EDGE, "")
        return said if len(said) <= _LONGEST_SHOWN else f"{said[:_LONGEST_SHOWN]}…"


@lru_cache(maxsize=16)
def _encoded(text: str, edges: bool) -> bytes:  # noqa: FBT001 - a key of the cache
    """A text as RE2 searches it; the last ones are remembered, for all expressions search them."""
    marked = _EDGES.sub(_AT_AN_EDGE, text) if edges else text
    return marked.encode("utf-8", "replace")


def compile_pattern(written: str) -> Pattern:
    """The expression, ready. Raises PatternError."""
    if r"\Q" in written:
        raise PatternError(r"has \Q in it; write a backslash before each sign that is meant itself")
    _compiled(written)  # so that a fault is told by what was written
    if _states(written) > MOST_STATES:
        raise PatternError(_TOO_MUCH)
    edges = r"\b" in written
    return Pattern(_compiled(_rewritten(written, edges=edges)), edges)


_TOO_MUCH = "asks for too much at once; count to less in { }, or use near"


def _states(written: str) -> int:
    """How many signs and forks it has. In Latin-1 each class is one, in UTF-8 up to hundreds."""
    narrow = re.sub(r"[^\x00-\xff]", "a", written)
    return int(_compiled(narrow.encode("latin-1"), wide=False).programsize)


def _compiled(expression: str | bytes, *, wide: bool = True) -> Any:
    import re2  # noqa: PLC0415 - for rules that have one alone

    options = re2.Options()
    if not wide:
        options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem, options.log_errors = _MEMORY, False
    options.never_capture = options.dot_nl = True
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        raise PatternError(_told(error)) from error


def _told(error: Exception) -> str:
    """What RE2 says, for the admin."""
    said = error.args[0]
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if re.search(r"\(\?<?[=!]", said):
        return "looks ahead or behind; write what must not be there into none or none_of"
    if re.search(r"escape sequence: \\[1-9]", said):
        return "refers to an earlier part of what it found; write that part out"
    if "too large" in said:
        return _TOO_MUCH
    return f"is not a regular expression: {said}; correct it"


def _rewritten(written: str, *, edges: bool) -> str:
    """The expression as RE2 takes it."""
    pieces = []
    for found in _PIECE.finditer(written):
        kind, piece = found.lastgroup, found[0]
        if kind == "syntax":
            pieces.append(piece)
        elif kind == "zero":
            pieces.append(_zero_width(piece, edges=edges))
        else:
            one = _one_sign(piece, edges=edges)
            pieces.append(f"(?:{_EDGE}*{one})" if edges else one)
    return "".join(pieces)


def _zero_width(pieces: str, *, edges: bool) -> str:
    """What takes nothing, several in a row: edges stand behind a beginning and before an end."""
    parts = re.findall(r"\\?.", pieces)
    if r"\B" in parts:
        raise PatternError(r"has \B in it; write \w where a word must go on")
    if not edges:
        return pieces
    begins = "".join(f"{part}{_EDGE}*?" for part in parts if part in {"^", r"\A"})
    ends = "".join(f"{_EDGE}*{part}" for part in parts if part in {"$", r"\z"})
    return begins + (_EDGE if r"\b" in parts else "") + ends


def _one_sign(piece: str, *, edges: bool) -> str:
    """What takes one sign of a text; none of them takes the sign of an edge."""
    beside = _EDGE if edges else ""
    plain = {
        r"\w": f"[{_WORD}]",
        r"\W": f"[^{_WORD}{beside}]",
        ".": f"[^{beside}]" if edges else ".",
    }
    if piece in plain:
        return plain[piece]
    if piece[0] == "[":
        return _class(piece, beside)
    if edges and re.match(r"\\[DSP]", piece):
        return rf"[^{beside}\{piece[1].lower()}{piece[2:]}]"
    return piece


def _class(piece: str, beside: str) -> str:
    """A class in brackets. `beside`: what none of those takes that say what they do not take."""
    if re.search(r"(?<!\\)(?:\\\\)*\\W", piece):
        raise PatternError(r"has \W in brackets; write [^\w] or the signs themselves")
    inner = re.sub(r"\\(.)", lambda one: _WORD if one[1] == "w" else one[0], piece, flags=re.DOTALL)
    if inner.startswith("[^"):
        return f"[^{beside}{inner[2:]}" if inner[2] != "]" else f"[^\\]{beside}{inner[3:]}"
    if beside and re.search(r"\\[DSP]|\[:\^", inner):
        raise PatternError(r"has \b, and \D, \S or \P in brackets; write [^…] instead")
    return inner
