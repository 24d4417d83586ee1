"""A guess at the language of a text where its source does not say one."""

from __future__ import annotations

import re
import unicodedata

# Letters that no other national spelling has: horned o and u, double marks, hook and dot below.
_ONLY_VIETNAMESE = re.compile(
    "[ơưăđ]|[ạảặẳẵắằậẩẫấầẹẻẽệểễếềịỉĩọỏộổỗốồợởỡớờụủũựửữứừỵỷỹỳ]", re.IGNORECASE
)
_LETTER = re.compile(r"[^\W\d_]")
_LOOK_AT = 2000
"""Characters that are looked at: enough to tell, whatever the length of the article."""

_LEAST_SHARE = 0.03
"""Of all letters; Vietnamese prose has 15 to 25 %, a name in an English text stays under this."""


def guess(text: str) -> str | None:
    """ "vi" for a text in accented Vietnamese, else None: unaccented text cannot be told."""
    text = unicodedata.normalize("NFC", text[:_LOOK_AT])
    letters = len(_LETTER.findall(text))
    if not letters:
        return None
    found = len(_ONLY_VIETNAMESE.findall(text))
    return "vi" if found / letters >= _LEAST_SHARE and found > 1 else None
