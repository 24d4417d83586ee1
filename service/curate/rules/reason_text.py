"""Why an article is in a topic or not, in a line that names fields and words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAID = {"kept_out": "kept out by", "lacks": "lacks"}


def reason_line(reason: Mapping[str, Any]) -> str:
    """A line such as `any: giáo dục; in: title`.

    What stands there otherwise than it is written comes behind it: `any: lũ ("lụt"); in: text`.
    """
    found = reason.get("found", {})
    parts = []
    for name, value in sorted(reason.items(), key=lambda item: item[0] == "in"):
        if name in _SAID:
            parts.append(f"{_SAID[name]} {reason_line(value)}")
        elif name == "one_of":
            parts.append(f"a match of {' or '.join(value)}")
        elif name != "found":
            listed = value if isinstance(value, list) else [value]
            parts.append(f"{name}: {', '.join(_one(one, found) for one in listed)}")
    return "; ".join(parts)


def _one(value: Any, found: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):  # of a combination
        return f"({reason_line(value)})"
    return f'{value} ("{found[value]}")' if value in found else str(value)
