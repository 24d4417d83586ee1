"""Why something failed, as a sentence of the words: known by its English text, as it is stored.

A row keeps what an error said, and errors speak English. So that a page can say it in the site's
language each sentence `cause.*` of the English words is read as a pattern; what none of them fits
(a library's own words) stays as it is.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

from service.report.sentence import Sentence, english

_PREFIX = "cause."

_NESTED = frozenset({"cause", "why"})
"""Fields in which another cause may stand."""


@lru_cache(maxsize=4096)
def cause(text: str) -> Sentence | str:
    """The sentence that says it, else the text itself."""
    for key, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            return Sentence(
                key,
                {
                    name: cause(value) if name in _NESTED else value
                    for name, value in found.groupdict().items()
                },
            )
    return text


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Those with the most text of their own first: a general one would fit what they say too."""
    written = english().chapter(_PREFIX)
    ordered = sorted(written, key=lambda one: -len(re.sub(r"\{\w+\}", "", one[1])))
    return [(key, _pattern(said)) for key, said in ordered]


def _pattern(said: str) -> re.Pattern[str]:
    parts = [
        re.escape(literal) + (f"(?P<{name}>.+?)" if name else "")
        for literal, name, _, _ in string.Formatter().parse(said)
    ]
    return re.compile("".join(parts), re.DOTALL)
