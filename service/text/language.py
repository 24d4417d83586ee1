"""A guess at the language of a text where its source does not say one."""

from __future__ import annotations

import re
from functools import lru_cache

from service.text.fold import fold, nfc, tokens

_LOOK_AT = 1000
"""Characters that are looked at: enough to tell, whatever the length of the article."""

_MARKED = re.compile("[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]")
# Horns, hooks, dots below and double marks: hardly any other spelling has them.
_TELLING = re.compile("[ơưảạằắẳẵặầấẩẫậẻẹềếểễệỉịỏọồốổỗộờớởỡợủụừứửữựỳỷỵ]")
_SYLLABLE = re.compile(
    r"(?:[bcdghklmnpqrstvx]|[cgknpt]h|gi|ngh?|qu|tr)?[aeiouy]{1,3}(?:[cmnpt]|ch|ng|nh)?"
)

_SHARE = 0.3
"""Of the words that are marked Vietnamese syllables; prose has about three quarters."""

_SHARE_WITHOUT_TELLING = 0.7
_LEAST_WORDS = 3


def guess(text: str) -> str | None:
    """The code "vi" for accented Vietnamese, else None: unaccented text cannot be told."""
    text = nfc(text[:_LOOK_AT]).lower()
    if text.isascii() or not _MARKED.search(text):
        return None
    words = [word for word in tokens(text) if not word.isdigit()]
    if not words:
        return None
    marked = sum(map(_is_marked_syllable, words))
    share = marked / len(words)
    if _TELLING.search(text):
        return "vi" if share >= _SHARE else None
    return "vi" if share >= _SHARE_WITHOUT_TELLING and len(words) >= _LEAST_WORDS else None


@lru_cache(maxsize=8192)
def _is_marked_syllable(word: str) -> bool:
    return bool(_MARKED.search(word) and _SYLLABLE.fullmatch(fold(word)))
