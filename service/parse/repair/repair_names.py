"""The names of repairs, as `bantin status` and `bantin parse` show them."""

from __future__ import annotations

WRONG_CHARSET = "wrong-charset"
FROM = "from-"  # and the charset before Unicode: "from-tcvn3"
BAD_BYTES = "bad-bytes"
LEADING_BLANKS = "leading-blanks"
JUNK_AROUND = "junk-around"
CONTROL_CHARACTERS = "control-characters"
UNCLOSED_SECTIONS = "unclosed-sections"
BARE_AMPERSANDS = "bare-ampersands"
UNKNOWN_ENTITIES = "unknown-entities"
BAD_REFERENCES = "bad-references"
UNBOUND_PREFIXES = "unbound-prefixes"
UNFINISHED_LAST_TAG = "unfinished-last-tag"
TRUNCATED_TAIL = "truncated-tail"
JSON_BY_HAND = "json-by-hand"  # commas and backslashes where JSON has none
LOOSE = "loose"  # not well-formed even so: feedparser read it with its tolerant parser
