"""`bantin stories evaluate`: figures, the judged file, and what is wrong in a file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.app import cli

ROWS = [
    {"id": "a", "story": "lu", "title": "Lũ quét ở Mường Pồn: 7 người mất tích",
     "lead": "Lũ quét ở bản Lĩnh, xã Mường Pồn, Điện Biên sáng 24/11 cuốn trôi 12 ngôi nhà.",
     "published": "2026-11-24T01:00:00Z", "source": "bao-a"},
    {"id": "b", "story": None, "title": "Museum reopens after four years",
     "text": "The city museum of Port Ellery reopened after four years of works."},
    {"id": 3, "story": "lu", "title": "Điện Biên: lũ quét, 7 người mất tích",
     "text": "7 người mất tích trong trận lũ quét ở bản Lĩnh, xã Mường Pồn, Điện Biên sáng 24/11."},
]  # fmt: skip


def _file(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_figures_of_three_orders_and_the_judged_file(tmp_path: Path) -> None:
    one, other = _file(tmp_path / "1.jsonl", ROWS[:2]), tmp_path / "2.jsonl.gz"
    other.write_bytes(gzip.compress(json.dumps(ROWS[2]).encode()))
    out = tmp_path / "judged.jsonl"
    result = CliRunner().invoke(
        cli, ["stories", "evaluate", str(one), str(other), "--out", str(out), "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["articles"], told["stories"], told["strangers"]) == (3, 1, 1)
    assert list(told["orders"]) == ["given", "shuffled", "reversed", "mean"]
    assert told["orders"]["mean"] == {"precision": 1, "recall": 1, "f": 1, "strict_f": 1}
    judged = {row["id"]: row["story"] for row in map(json.loads, out.read_text().splitlines())}
    assert judged["a"] == judged[3] != judged["b"]


def test_figures_for_people(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        cli, ["stories", "evaluate", str(_file(tmp_path / "1.jsonl", ROWS))]
    )
    assert "mean\t1.000\t1.000\t1.000\t1.000" in result.stdout
    assert "3 articles, 1 labelled stories, 1 strangers" in result.stdout


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "no JSON"),
        ("[]", "not a JSON object"),
        ('{"story": "x"}', '"id" is missing'),
        ('{"id": 1}', '"story" is missing'),
        ('{"id": 1, "story": []}', "texts or numbers"),
        ('{"id": 1, "story": "x", "title": 5}', '"title" is no text'),
    ],
)
def test_a_wrong_line_is_told_with_its_number(tmp_path: Path, line: str, problem: str) -> None:
    path = _file(tmp_path / "x.jsonl", ROWS)
    path.write_text(path.read_text("utf-8") + "\n\n\n" + line + "\n", "utf-8")
    result = CliRunner().invoke(cli, ["stories", "evaluate", str(path)])
    assert result.exit_code == 2
    assert f"{path}:7: " in result.stderr
    assert problem in result.stderr


def test_a_file_that_is_no_text_or_has_no_labels_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(b"\xff\xfe not gzip")
    result = CliRunner().invoke(cli, ["stories", "evaluate", str(path)])
    assert (result.exit_code, str(path) in result.stderr) == (2, True)
    path = _file(tmp_path / "y.jsonl", [ROWS[1]])
    result = CliRunner().invoke(cli, ["stories", "evaluate", str(path)])
    assert (result.exit_code, 'no article has a "story"' in result.stderr) == (2, True)
