"""A table of which there are thousands takes half of the memory and is the same."""

from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from service.config.schema import Source


def test_a_compact_table_is_the_same_table():
    written = {"url": "https://bao.example.vn/rss", "title": "Báo", "headers": {"X-Key": "k"}}
    source = Source.model_validate(written)
    source._id = "bao"
    compact = source.compact()
    assert compact == source
    assert compact.id == "bao"
    assert compact.model_dump() == source.model_dump()
    assert compact.model_fields_set == {"url", "title", "headers"}
    assert compact.model_copy(update={"title": "x"}).title == "x"
    assert pickle.loads(pickle.dumps(compact)) == source
    with pytest.raises(ValidationError, match="frozen"):
        compact.title = "y"
