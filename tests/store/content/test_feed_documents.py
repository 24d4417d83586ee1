"""Published documents: what is kept, and when a change counts as one."""

from __future__ import annotations

from datetime import timedelta

from service.store.content import feed_documents


def _put(connection, now, body=b"one", basis=b"settings", feed="giao-duc", format_="atom"):
    return feed_documents.put(
        connection, feed, format_, body, gzip=b"z" + body, etag=body.decode(), basis=basis, now=now
    )


def test_a_document_comes_back_as_it_was_put(any_store, now):
    with any_store.write() as connection:
        assert feed_documents.get(connection, "giao-duc", "atom") is None
        assert _put(connection, now)
        found = feed_documents.get(connection, "giao-duc", "atom")
    assert found == feed_documents.StoredDocument("giao-duc", "atom", b"one", b"zone", "one", now)


def test_the_date_moves_with_the_bytes_alone(any_store, now):
    later = now + timedelta(hours=1)
    with any_store.write() as connection:
        _put(connection, now)
        assert not _put(connection, later, basis=b"other settings")
        assert feed_documents.get(connection, "giao-duc", "atom").changed_at == now
        assert feed_documents.bases(connection) == {("giao-duc", "atom"): b"other settings"}
        assert _put(connection, later, body=b"two")
        found = feed_documents.get(connection, "giao-duc", "atom")
    assert (found.body, found.gzip, found.changed_at) == (b"two", b"ztwo", later)


def test_every_document_is_listed(any_store, now):
    with any_store.write() as connection:
        for feed, format_ in (("y-te", "rss"), ("all", "atom"), ("y-te", "atom")):
            _put(connection, now, feed=feed, format_=format_)
        assert sorted(feed_documents.every(connection)) == [
            ("all", "atom"), ("y-te", "atom"), ("y-te", "rss")
        ]  # fmt: skip
