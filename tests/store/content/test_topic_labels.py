"""Labels of articles: one each, through merges, on both databases."""

from __future__ import annotations

import pytest

from service.config.schema import Settings
from service.store.content import articles, merges, topic_labels
from service.store.sources import registry
from tests.builders import add_source, add_story, add_topic


@pytest.fixture
def rows(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        topics = {name: add_topic(connection, now, name) for name in ("y-te", "the-thao")}
        made = [
            add_story(connection, source=source, topics=[], entered_at=now, title=f"Tin {number}")[
                1
            ]
            for number in range(4)
        ]
    return topics, made


def test_the_last_label_of_an_article_counts_until_it_is_taken_back(any_store, rows):
    topics, (first, second, third, _) = rows
    with any_store.write() as connection:
        topic_labels.put(connection, first, topics["y-te"])
        topic_labels.put(connection, second, topics["y-te"])
        topic_labels.put(connection, second, topics["the-thao"])
        topic_labels.put(connection, third, None)
    with any_store.write() as connection:
        assert topic_labels.labels(connection) == {first: "y-te", second: "the-thao", third: None}
        assert topic_labels.take_back(connection, second)
        assert not topic_labels.take_back(connection, second)
        assert topic_labels.labels(connection) == {first: "y-te", third: None}
        found = articles.matchable(connection, [third, first])
        assert [one.title for one in found] == ["Tin 0", "Tin 2"]


def test_a_label_follows_its_article_and_the_one_that_stays_wins(any_store, rows):
    topics, (first, second, third, fourth) = rows
    with any_store.write() as connection:
        topic_labels.put(connection, second, topics["y-te"])
        topic_labels.put(connection, third, topics["the-thao"])
        topic_labels.put(connection, fourth, topics["y-te"])
        merges.merge(connection, first, second)
        merges.merge(connection, third, fourth)
        assert topic_labels.labels(connection) == {first: "y-te", third: "the-thao"}


def test_labels_of_a_topic_that_left_the_configuration_teach_nothing(any_store, rows, now):
    topics, (first, second, *_) = rows
    with any_store.write() as connection:
        topic_labels.put(connection, first, topics["y-te"])
        topic_labels.put(connection, second, topics["the-thao"])
        left = Settings.model_validate({"topic": {"y-te": {"learn": True}}})
        registry.register(connection, left, now, retire=True)
        assert topic_labels.labels(connection) == {first: "y-te"}
