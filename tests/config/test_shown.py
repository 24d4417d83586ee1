from __future__ import annotations

import json

from service.config.shown import shown


def test_everything_in_force_is_shown_without_a_secret(folder):
    folder.write(
        """
        [site]
        title = "Tin"
        [store]
        url = "postgresql://tin:geheim@db.example.vn:5432/tin"
        [mail]
        from = "Tin <tin@example.vn>"
        dkim = { domain = "example.vn", selector = "tin1", key = { file = "keys/tin1.pem" } }
        bounces.address = "a@b.vn"
        bounces.imap = { host = "b.vn", username = "u", password = "geheim" }
        relay.a = { host = "x", password = "geheim" }
        relay.b = { host = "y", password = { env = "PW" } }
        [digest.d]
        [collect]
        proxy = "http://10.0.0.1:3128"
        proxy_auth = { username = "u", password = { env = "PW" } }
        [source.a]
        url = "https://u:geheim@a.vn/"
        auth = { username = "u", password = "geheim" }
        headers = { "X-Key" = "geheim", "X-Other" = { env = "PW" } }
        """
    )
    (folder.path / "keys").mkdir()
    (folder.path / "keys" / "tin1.pem").write_text("geheim")
    data = shown(folder.load(PW="geheim").settings)
    assert "geheim" not in json.dumps(data)
    assert data["store"]["url"] == "postgresql://tin:***@db.example.vn:5432/tin"
    assert data["mail"]["from"] == "Tin <tin@example.vn>"
    assert data["mail"]["dkim"]["key"] == {"file": str(folder.path / "keys" / "tin1.pem")}
    assert data["mail"]["bounces"]["imap"]["password"] == "***"
    assert data["mail"]["relay"]["a"]["password"] == "***"
    assert data["mail"]["relay"]["b"]["password"] == {"env": "PW"}
    assert data["collect"]["proxy_auth"]["password"] == {"env": "PW"}
    assert data["source"]["a"]["url"] == "https://u:***@a.vn/"
    assert data["source"]["a"]["auth"] == {"username": "u", "password": "***"}
    assert data["source"]["a"]["headers"] == {"X-Key": "***", "X-Other": {"env": "PW"}}
    assert data["collect"]["interval"] == {"min": "15m", "max": "12h"}
    assert data["digest"]["d"]["title"] == "Tin"


def test_an_address_without_password_is_shown_whole(folder):
    folder.write("")
    settings = folder.load().settings
    assert shown(settings)["store"]["url"] == f"sqlite:///{folder.path}/var/bantin.db"
