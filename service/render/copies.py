"""An admin's own copies of templates: which there are, and taking another one by name.

Templates are read from the package until one is copied: a copy is the admin's and stays as it is
when the package changes.
"""

from __future__ import annotations

from pathlib import Path

from service.errors import UsageError
from service.render.engine import shipped_templates
from service.text.unknown_name import no_such

FOLDER = "templates"
"""Beside the main file."""


def names() -> list[str]:
    """Every shipped file, as `copy` takes it: "web/home.html.j2", "words/vi.toml"."""
    shipped = shipped_templates()
    return sorted(str(path.relative_to(shipped)) for path in shipped.rglob("*") if path.is_file())


def copied(root: Path) -> frozenset[str]:
    """Those of which `root` has a copy."""
    return frozenset(name for name in names() if (root / FOLDER / name).is_file())


def copy(root: Path, name: str) -> list[Path]:
    """Copy one file, or a folder such as "mail/edition", and return the copies.

    Raises UsageError for an unknown name, and where a copy exists: it is never overwritten.
    """
    known = names()
    wanted = name.strip("/")
    chosen = [one for one in known if one == wanted or one.startswith(f"{wanted}/")]
    if not chosen:
        listed = "see `bantin templates list`"
        raise UsageError(no_such("template", wanted, known, otherwise=listed))
    targets = [root / FOLDER / one for one in chosen]
    for target in targets:
        if target.exists():
            raise UsageError(f"{target} already exists; it was not changed")
    for one, target in zip(chosen, targets, strict=True):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                out.write((shipped_templates() / one).read_bytes())
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror}") from error
    return targets
