"""What `explain` says of the official documents that an article cites."""

from __future__ import annotations

from service.cli.reports import tell_explanation
from service.report.explain import as_json, explain
from tests.curate.desk import Desk, entry


def test_the_documents_that_a_story_cites_are_named(store, now, capsys):
    desk = Desk(store, now)
    desk.says("a", entry(summary="Theo Chỉ thị 38/CT-TW và Nghị định 15/2020/ND-CP."))
    desk.says("a", entry("2", "https://a.vn/2", "Không dẫn gì"))
    with store.read() as connection:
        found = explain(connection, "https://a.vn/1", ["giao-duc"])
        other = explain(connection, "https://a.vn/2", ["giao-duc"])
    assert as_json(found)["references"] == ["15/2020/NĐ-CP", "38-CT/TW"]
    assert as_json(other)["references"] == []
    tell_explanation(found, "UTC", "")
    assert "cites: 15/2020/NĐ-CP, 38-CT/TW\n" in capsys.readouterr().out
    tell_explanation(other, "UTC", "")
    assert "cites" not in capsys.readouterr().out
