"""What may be chosen, and what is stored of it."""

from __future__ import annotations

import pytest

from service.audience import choices
from service.config.schema import Digest
from tests.levels import table


def test_all_topics_are_stored_as_the_digests_own_now_and_later(settings):
    offered = choices.topics(settings, settings.digest["tuan"])
    assert offered == {"giao-duc": "Giáo dục", "y-te": "Y tế", "khoa-hoc": "Khoa học"}
    assert choices.choose_topics(offered, ["khoa-hoc", "giao-duc", "y-te"]) is None
    assert choices.choose_topics(offered, ["y-te", "giao-duc", "y-te"]) == ("giao-duc", "y-te")


@pytest.mark.parametrize("chosen", [[], ["khac"], ["giao-duc", "khac"]])
def test_no_topic_and_an_unknown_one_are_refused(settings, chosen):
    offered = choices.topics(settings, settings.digest["tuan"])
    with pytest.raises(ValueError):
        choices.choose_topics(offered, chosen)


def test_a_digest_offers_its_own_topics_only(settings):
    assert list(choices.topics(settings, settings.digest["so-ket"])) == ["giao-duc"]


def test_what_the_digest_has_no_longer_is_not_shown():
    assert choices.topics_shown({"a": "A", "b": "B"}, ["b", "gone"]) == {"b": "B"}
    assert choices.topics_shown({"a": "A"}, None) == {"a": "A"}


def test_cadences_are_the_digests_own_unless_it_says_more():
    assert choices.cadences(Digest(cadence="daily")) == ("daily",)
    more = Digest(cadence="daily", cadences=("weekly", "daily"))
    assert choices.cadences(more) == ("weekly", "daily")
    assert choices.first_cadence(more) == "daily"
    assert choices.first_cadence(Digest(cadence="daily", cadences=("weekly",))) == "weekly"
    with pytest.raises(ValueError, match="monthly"):
        choices.choose_cadence(more, "monthly")


@table(
    ("cadence", "typed", "stored"),
    [
        ("weekly", "07:30", "07:30"),
        ("weekly", "", None),
        ("weekly", None, None),
        ("immediate", "07:30", None),
        ("0 7 * * 1", "07:30", None),
    ],
)
def test_an_hour_is_kept_where_it_means_something(cadence, typed, stored):
    assert choices.choose_hour(cadence, typed) == stored


@table("typed", ["7", "24:00", "07:60", "07:00:00", "07:00 "])
def test_what_is_no_hour_is_refused(typed):
    with pytest.raises(ValueError):
        choices.choose_hour("weekly", typed)
