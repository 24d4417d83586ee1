"""What to say of a name that does not exist, in a sentence that leads to the right one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

MOST_NAMED = 10
"""Names that a sentence lists; of more it says how many."""


def no_such(kind: str, name: str, known: Iterable[str], of: str = "", otherwise: str = "") -> str:
    """Tell that a name does not exist, and what was meant or what there is.

    `kind`: such as "topic". `of`: whose names these are, such as " in this digest". `otherwise`:
    what would be right where no known name is like it; "": what there is.
    """
    return "; ".join(problem_and_remedy(kind, name, known, of, otherwise))


def problem_and_remedy(
    kind: str, name: str, known: Iterable[str], of: str = "", otherwise: str = ""
) -> tuple[str, str]:
    """The two halves of `no_such`, as faults of the configuration have them."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistyped name

    names = list(known)
    problem = f"there is no {kind} {name!r}{of}"
    if near := get_close_matches(name.lower(), names, 1):
        return problem, f'did you mean "{near[0]}"?'
    if otherwise:
        return problem, otherwise
    listed = [f'"{one}"' for one in names[:MOST_NAMED]]
    if more := len(names) - len(listed):
        listed.append(f"{more} more")
    *first, last = listed or ["none at all"]
    together = f"{', '.join(first)} and {last}" if first else last
    return problem, f"there {'are' if first else 'is'} {together}"
