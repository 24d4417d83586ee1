"""The whole way of a person on SQLite and on PostgreSQL."""

from __future__ import annotations

from tests.web.conftest import Web, settings_with
from tests.web.people import fill, newest, text


def test_from_sign_up_to_goodbye_and_back(any_store, tmp_path):
    web = Web(any_store, settings_with(tmp_path))
    assert fill(web).status_code == 200
    token = newest(web).token
    assert "Còn một bước" in text(web.browser().get(f"/confirm/{token}"))
    assert "Xong" in text(web.client.get(f"/confirm/{token}"))
    kept = {"topic.tuan": ["y-te"], "cadence.tuan": "daily", "pause.tuan": "days"}
    assert web.client.post(f"/preferences/{token}", data=kept).status_code == 303
    assert "Đang tạm dừng" in text(web.client.get(f"/preferences/{token}"))
    assert web.client.post(f"/unsubscribe/{token}", data={"do": "all"}).status_code == 200
    assert not newest(web).live
    assert "Đã khôi phục" in text(web.client.post(f"/unsubscribe/{token}", data={"do": "undo"}))
    found = newest(web)
    assert (found.live, found.cadence, found.topics) == (True, "daily", ("y-te",))
    admin = web.admin()
    for path in ("/", "/topics/y-te/", "/admin/", "/readyz", "/subscribe/tuan"):
        assert admin.get(path).status_code == 200
