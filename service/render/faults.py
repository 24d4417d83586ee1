"""Judges an admin's own copies of templates before anything is rendered with them."""

from __future__ import annotations

from pathlib import Path

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from service.errors import Fault, TemplateError
from service.render.words import load_words


def template_faults(folder: Path) -> list[Fault]:
    """Templates and words in `folder` that cannot be read, each with its line. [] without one."""
    if not folder.is_dir():
        return []
    faults = [fault for path in sorted(folder.rglob("*.j2")) if (fault := _template_fault(path))]
    for path in sorted((folder / "words").glob("*.toml")):
        try:
            load_words([folder], path.stem)
        except TemplateError as error:
            faults.append(Fault(str(path), None, "", str(error).removeprefix(f"{path}: ")))
    return faults


def _template_fault(path: Path) -> Fault | None:
    try:
        SandboxedEnvironment().parse(path.read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        return Fault(str(path), error.lineno, "", f"the template does not parse: {error.message}")
    except (OSError, UnicodeDecodeError) as error:
        return Fault(str(path), None, "", f"the template cannot be read: {error}")
    return None
