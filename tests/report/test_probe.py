"""What `/readyz` says to anybody: which part, how much, since when, and no name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.report.health import Health
from service.report.probe import reasons
from service.report.sentence import Sentence, english
from service.report.trouble import Trouble

SINCE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
NAMES = ("relay", "answer", "folder", "error", "editions", "next", "free", "file")


def trouble(key: str, **values: object) -> Trouble:
    """With a name in each value that names something."""
    secrets = dict.fromkeys(NAMES, "BÍ MẬT")
    counts = {"since": SINCE, "waiting": 12, "n": 3, "seconds": 4, "days": 40, "times": 5}
    return Trouble(key, {**counts, "job": "collect", **secrets, **values})


def kinds() -> list[str]:
    """Each trouble that there is a sentence for."""
    known = [key.removeprefix("trouble.") for key, _ in english().chapter("trouble.")]
    return [key for key in known if key != "and"]


def test_each_kind_is_told_and_names_nobody():
    assert len(kinds()) >= 12
    for key in kinds():
        [line] = reasons(Health(False, (), (trouble(key),)))
        assert "BÍ MẬT" not in line
        assert line.partition(": ")[0] in {
            "mail",
            "disk",
            "database",
            "jobs",
            "loop",
            "clock",
            "configuration",
            "topics",
        }


def test_what_a_monitor_needs_is_told():
    later = SINCE + timedelta(hours=1)
    told = reasons(
        Health(
            False,
            (
                Sentence("late.edition", {"digest": "BÍ MẬT", "cut": SINCE, "error": "BÍ MẬT"}),
                Sentence("late.source", {"source": "BÍ MẬT", "reason": "BÍ MẬT"}),
            ),
            (
                trouble("disk_full"),
                trouble("disk_full", folder="another"),
                trouble("relay", since=later),
                trouble("relay"),
                trouble("uncertain"),
            ),
            {"failing": 2},
        )
    )
    assert told == [
        "disk: full",
        "mail: 2 relays have taken none, the first since 2026-11-24 08:00Z; mails that wait: 12",
        "mail: 3 uncertain since 2026-11-24 08:00Z",
        "editions: 1 cannot be made",
        "sources: 2 failing",
    ]
    assert reasons(Health(True, ())) == []
