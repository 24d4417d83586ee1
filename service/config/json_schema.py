"""The JSON Schema of bantin.toml, for editors: completion, hints, red underlines while typing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from service.config.schema import Settings
from service.config.values import DURATION_EXAMPLES, write_duration

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of the whole file, draft 2020-12, with the keys as the TOML writes them."""
    schema = {"$schema": DRAFT, **_as_toml(Settings.model_json_schema(by_alias=True))}
    schema["title"] = "bantin.toml"
    schema["description"] = "Sources, topics and digests of a Bantin service, and how it runs"
    for section in (schema, *schema["$defs"].values()):
        section["title"] = section["title"].removesuffix("Section")
        for name, key in section.get("properties", {}).items():
            key["title"] = name  # pydantic would call `base_url` "Base Url"
    return schema


def _as_toml(node: Any) -> Any:
    """The schema without null, which TOML does not have: an optional key is simply left out."""
    if isinstance(node, list):
        return [_as_toml(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    node = {key: _as_toml(inner) for key, inner in node.items() if inner is not None}
    if node.get("examples") == DURATION_EXAMPLES and "default" in node:
        # pydantic writes the default of a duration as ISO 8601, past the type's own way to write
        node["default"] = write_duration(TypeAdapter(timedelta).validate_python(node["default"]))
    if "anyOf" in node:
        kinds = [kind for kind in node["anyOf"] if kind != {"type": "null"}]
        if len(kinds) == 1:
            del node["anyOf"]
            return kinds[0] | node
        node["anyOf"] = kinds
    return node
