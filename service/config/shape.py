"""What the schema looks like from outside: its keys as the TOML writes them, its sections."""

from __future__ import annotations

from typing import Any, cast, get_args, get_origin

from pydantic.fields import FieldInfo

from service.config.schema import Settings, Source
from service.config.sections import ConfigSection

Path = tuple[str | int, ...]
Table = type[ConfigSection] | type[Source]
"""What has keys. A source is no `ConfigSection` because of the memory it takes."""


def keys(section: Table) -> dict[str, FieldInfo]:
    """The keys of a section, by the name that the TOML uses."""
    fields: dict[str, FieldInfo] = cast("Any", section).__pydantic_fields__
    return {field.alias or name: field for name, field in fields.items()}


def section_in(annotation: Any) -> Table | None:
    """The section that a value of this type is ("Interval | None" -> Interval), None for others."""
    if isinstance(annotation, type) and issubclass(annotation, (ConfigSection, Source)):
        return annotation
    if get_origin(annotation) in (dict, tuple, list):
        return None
    for inner in get_args(annotation):
        if (found := section_in(inner)) is not None:
            return found
    return None


def table_in(annotation: Any) -> Table | None:
    """The section that the tables with ids of this type are (`dict[Id, Source]` -> Source)."""
    return section_in(get_args(annotation)[1]) if get_origin(annotation) is dict else None


def element_in(annotation: Any) -> Table | None:
    """The section that the elements of a list are (`tuple[Link, ...]` -> Link)."""
    if get_origin(annotation) is not tuple:
        return None
    return section_in(get_args(annotation)[0])


def section_at(path: Path) -> Table | None:
    """The section whose key the last part of `path` is; None where the schema has none."""
    section: Table | None = Settings
    ids = False
    for part in path[:-1]:
        if ids or isinstance(part, int):  # an id, or the number of an element: the section stays
            ids = False
            continue
        field = keys(section).get(part) if section else None
        if field is None:
            return None
        table = table_in(field.annotation)
        ids = table is not None
        section = table or element_in(field.annotation) or section_in(field.annotation)
    return None if ids else section


def has_ids(path: Path) -> bool:
    """Whether `path` is a table of tables with ids, such as ("source",) or ("mail", "relay")."""
    section = section_at(path)
    field = keys(section).get(str(path[-1])) if section and path else None
    return field is not None and table_in(field.annotation) is not None
