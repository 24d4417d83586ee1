"""Which words can be Vietnamese: by the spelling of syllables, since every word is one syllable.

A syllable is an onset, a rhyme and one of six tones; behind p, t, c and ch only two of the tones
are possible. Some 7,000 syllables are in use; other languages hardly ever spell one with an accent.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ONSETS = "b|ch?|d|đ|gh?|gi|h|kh?|l|m|n|ngh?|nh|ph?|qu|r|s|t|th|tr|v|x"
_RHYMES = (
    "a|ac|ach|ai|am|an|ang|anh|ao|ap|at|au|ay|ă[cmnpt]|ăng|â[cmnptuy]|âng|"
    "e|e[cmnopt]|eng|ê|ê[mnptu]|êch|ênh|i|i[amnptu]|ich|inh|iê[cmnptu]|iêng|"
    "o|o[cimnpt]|ong|oa|oa[cimnopty]|oach|oang|oanh|oă[cmnpt]|oăng|oe|oe[not]|ooc|oong|"
    "ô|ô[cimnpt]|ông|ôông|ơ|ơ[imnpt]|u|u[acimnpty]|ung|ư|ư[acimntu]|ưng|"
    "uâ[nty]|uâng|uê|uêch|uênh|uô[cimnt]|uông|uơ|uy|uy[atpnu]|uych|uynh|uyê[nt]|"
    "ươ[cimnptu]|ương|y|yê[mntu]|ynh|yt"
)
# Behind qu the u is written once: quăn, quâng, quên, quốc, quyết.
_AFTER_QU = (
    "a|a[cinopuyt]|ach|ang|anh|ă[cmnpt]|ăng|â[cnty]|âng|e|e[not]|ê|ê[nt]|êch|ênh|i|it|ich|inh|"
    "ôc|ơ|ơt|y|y[nt]|ych|ynh|yê[nt]"
)
_SYLLABLE = re.compile(
    rf"(?:qu(?:{_AFTER_QU})|gi(?:{_RHYMES})?|(?:{_ONSETS})?(?:{_RHYMES}))", re.IGNORECASE
)
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_SHARP = {"\u0301", "\u0323"}  # acute and dot below
_STOPPED = ("p", "t", "c", "ch")


@lru_cache(maxsize=8192)
def is_syllable(word: str) -> bool:
    """Whether this is one Vietnamese syllable as it is spelt, tone included; case is ignored.

    The place of the tone is free. "bạch" is one, "bach" (a stop needs a tone) and "été" are none.
    """
    parts = unicodedata.normalize("NFD", word.lower())
    tones = [part for part in parts if part in _TONES]
    bare = unicodedata.normalize("NFC", "".join(part for part in parts if part not in _TONES))
    if len(tones) > 1 or not _SYLLABLE.fullmatch(bare):
        return False
    return not bare.endswith(_STOPPED) or (bool(tones) and tones[0] in _SHARP)
