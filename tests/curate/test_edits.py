"""What outlets change afterwards: what becomes of the article, its topics and the feeds."""

from __future__ import annotations

from datetime import timedelta

from service.config.schema import Settings
from service.model import Image
from tests.curate.desk import Desk, entry

HOUR = timedelta(hours=1)


def test_a_change_of_markup_alone_amends_without_moving_updated(desk):
    desk.says("a", entry(content="<p>Thân bài.</p>", summary="Sapo."))
    desk.says(
        "a", entry(content="<div>Thân <i>bài</i>.</div>", summary="Sapo."), at=desk.now + HOUR
    )
    story = desk.story("https://a.vn/1")
    assert (story.content, story.updated) == ("<div>Thân <i>bài</i>.</div>", None)


def test_a_picture_that_comes_later_is_shown_and_marks_the_feeds(desk):
    desk.says("a", entry())
    desk.unmark()
    picture = Image("https://a.vn/i.jpg", "", 640, 480)
    assert desk.says("a", entry(image=picture), at=desk.now + HOUR).topics == {"giao-duc"}
    story = desk.story("https://a.vn/1")
    assert (story.image, story.updated) == (picture, None)
    assert desk.marked() == {"giao-duc", "all"}


def test_what_nobody_sees_marks_nothing(desk):
    desk.says("a", entry(updated=desk.now))
    desk.unmark()
    said = desk.says("a", entry(updated=desk.now + HOUR), at=desk.now + HOUR)
    assert (said.changed, said.topics) == (1, frozenset())
    assert desk.marked() == set()
    assert desk.story("https://a.vn/1").updated is None


def test_an_article_in_no_topic_marks_nothing(desk):
    desk.unmark()
    said = desk.says("a", entry(title="Thời tiết"))
    assert (said.new, said.topics) == (1, frozenset())
    assert desk.marked() == set()
    assert desk.story("https://a.vn/1").topics == ()


def test_updated_is_what_the_outlet_says_if_that_is_new_and_past(desk):
    said = desk.now + HOUR
    desk.says("a", entry(summary="Một.", published=desk.now - HOUR))
    desk.says("a", entry(summary="Hai.", updated=said), at=desk.now + 2 * HOUR)
    assert desk.story("https://a.vn/1").updated == said
    desk.says("a", entry(summary="Ba.", updated=said), at=desk.now + 3 * HOUR)
    assert desk.story("https://a.vn/1").updated == desk.now + 3 * HOUR
    ahead = desk.now + timedelta(days=9)
    desk.says("a", entry(summary="Bốn.", updated=ahead), at=desk.now + 4 * HOUR)
    assert desk.story("https://a.vn/1").updated == desk.now + 4 * HOUR


def test_new_words_under_a_new_guid_are_the_articles_words(desk):
    desk.says("a", entry(summary="Bản đầu."))
    desk.says("a", entry("guid-moi", summary="Bản sửa."), at=desk.now + HOUR)
    assert desk.story("https://a.vn/1").lead == "Bản sửa."


def test_where_a_document_tells_an_article_twice_the_first_is_the_newer(desk):
    desk.says("a", entry(summary="Bản đầu."))
    desk.says(
        "a", entry("moi", summary="Bản mới."), entry("1", summary="Bản vừa."), at=desk.now + HOUR
    )
    assert desk.story("https://a.vn/1").lead == "Bản mới."


def test_another_outlet_that_joins_marks_the_feeds_that_name_it(desk):
    desk.says("a", entry())
    desk.unmark()
    assert desk.says("b", entry("b1")).topics == {"giao-duc", "tat-ca"}
    assert desk.marked() == {"giao-duc", "tat-ca", "all"}


def test_another_outlet_without_topics_of_its_own_marks_them_too(any_store, now):
    settings = Settings.model_validate(
        {
            "source": {"a": {"url": "https://a.vn/rss"}, "b": {"url": "https://b.vn/rss"}},
            "topic": {"t": {"any": ["học sinh"]}},
        }
    )
    desk = Desk(any_store, now, settings)
    desk.says("a", entry())
    desk.unmark()
    assert desk.says("b", entry("b1"), first=True).topics == {"t"}
    assert [other.source for other in desk.story("https://a.vn/1").others] == ["b"]


def test_an_edit_leaves_what_another_outlet_brought_the_article_into(desk):
    desk.says("a", entry())
    desk.says("b", entry("b1"))
    desk.says("a", entry(title="Thời tiết"), at=desk.now + HOUR)
    assert {topic.name for topic in desk.story("https://a.vn/1").topics} == {"tat-ca"}


def test_a_rule_for_another_outlet_still_holds_after_an_edit(any_store, now):
    settings = Settings.model_validate(
        {
            "source": {"a": {"url": "https://a.vn/rss"}, "b": {"url": "https://b.vn/rss"}},
            "topic": {"t": {"any": ["học sinh"], "sources": ["b"]}},
        }
    )
    desk = Desk(any_store, now, settings)
    desk.says("a", entry(title="Học sinh giỏi"))
    desk.says("b", entry("b1", title="Học sinh giỏi"))
    desk.says("a", entry(title="Học sinh rất giỏi"), at=now + HOUR)
    assert [topic.name for topic in desk.story("https://a.vn/1").topics] == ["t"]
    desk.says("a", entry(title="Người giỏi"), at=now + 2 * HOUR)
    assert desk.story("https://a.vn/1").topics == ()


def test_an_edit_by_another_outlet_takes_nothing_away(desk):
    desk.says("a", entry())
    desk.says("b", entry("b1", title="Học sinh, theo B"))
    desk.says("b", entry("b1", title="Thời tiết, theo B"), at=desk.now + HOUR)
    story = desk.story("https://a.vn/1")
    assert story.title == "Học sinh nghỉ học"
    assert {topic.name for topic in story.topics} == {"giao-duc", "tat-ca"}


def test_an_edit_within_the_week_enters_a_new_topic_as_news(desk):
    desk.says("a", entry(title="Thời tiết"))
    said = desk.says("a", entry(title="Học sinh và thời tiết"), at=desk.now + HOUR)
    assert said.topics == {"giao-duc"}
    assert desk.quiet("https://a.vn/1") == {"giao-duc": False}
