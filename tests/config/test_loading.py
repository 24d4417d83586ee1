"""A configuration without faults: defaults, includes, paths, environment."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from service.config.loading import DEFAULT_NAME, load
from service.config.localzone import system_zone
from service.config.schema import Settings
from service.errors import ConfigError
from tests.config.conftest import MINIMAL


def test_the_minimal_file_has_the_defaults_of_the_contract(folder):
    folder.write(MINIMAL)
    settings = folder.load(TZ="Asia/Ho_Chi_Minh").settings
    digest = settings.digest["tuan"]
    assert DEFAULT_NAME == "bantin.toml"
    assert (digest.id, digest.title, digest.cadence, digest.cadences) == (
        "tuan", "Tin Khoa giáo", "weekly", ("weekly",),
    )  # fmt: skip
    assert (digest.topics, digest.day, digest.at, digest.scope) == (None, None, "07:00", "news")
    assert (digest.stories.min, digest.stories.max, digest.stories.per_source) == (1, 20, None)
    assert (settings.signup.welcome, settings.mail.from_, settings.mail.relay) == (
        "last-edition", None, {},
    )  # fmt: skip
    assert settings.site.timezone == settings.zone == "Asia/Ho_Chi_Minh"
    assert settings.web.listen == "127.0.0.1:8000"
    assert settings.collect.interval.min == timedelta(minutes=15)
    assert settings.root == folder.path
    assert settings.var == folder.path / "var"
    assert settings.store.url == f"sqlite:///{folder.path}/var/bantin.db"


def test_an_empty_file_is_a_configuration(folder):
    folder.write("")
    assert folder.load().settings.source == {}


def test_ten_thousand_sources_take_little_memory():
    tables = {f"f{n}": {"url": f"https://f{n}.example/rss"} for n in range(2000)}
    Settings.model_validate({"source": {"a": {"url": "https://a.example/rss"}}})
    tracemalloc.start()
    settings = Settings.model_validate({"source": tables})
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(settings.source), settings.source["f7"].id) == (2000, "f7")
    assert taken / 2000 < 600, "bytes a source; as models with dictionaries they took 1,430"


def test_a_topic_without_title_is_called_by_its_id(folder):
    folder.write('[topic.y-te]\nany = ["y tế"]\n')
    topic = folder.load().settings.topic["y-te"]
    assert (topic.id, topic.title) == ("y-te", "y-te")


def test_the_defaults_hold_for_settings_made_without_a_file():
    settings = Settings.model_validate({"site": {"title": "T"}, "digest": {"d": {}}})
    assert (settings.digest["d"].title, settings.digest["d"].cadences) == ("T", ("weekly",))
    assert settings.zone == "UTC"


def test_the_path_of_each_secret_is_read_from_the_folder_of_its_own_file(folder):
    folder.write("one", "desk/keys/one")
    folder.write("two", "desk/keys/two")
    folder.write(
        """
        mail.dkim = { domain = "a.vn", selector = "s", key = { file = "keys/one" } }
        metrics.key = { file = "keys/two" }
        [mail.bounces]
        address = "tra-ve@a.vn"
        imap = { host = "a.vn", username = "u", password = { file = "keys/two" } }
        """,
        "desk/more.toml",
    )
    folder.write('include = ["desk/more.toml"]')
    settings = folder.load().settings
    assert settings.mail.dkim.key.secret.reveal() == "one"
    assert settings.metrics.key.secret.reveal() == "two"
    assert settings.mail.bounces.imap.password.secret.reveal() == "two"


def test_a_file_of_a_real_office(folder):
    folder.write("bí-mật\n", "run/smtp")
    folder.write('[source.a]\nurl = "https://a.vn/rss"\ntopics = ["giao-duc"]\n', "feeds/a.toml")
    folder.write(
        """
        include = ["feeds/*.toml"]
        log = { level = "debug", format = "json" }
        [site]
        title = "Tin Khoa giáo"
        base_url = "https://tin.example.vn"
        language = "vi"
        timezone = "Asia/Ho_Chi_Minh"
        contact = "bientap@example.vn"
        [branding]
        accent = "#b3261e"
        address = "Ban Biên tập, 1 Hùng Vương"
        legal = "Giấy phép số 12/GP-TTĐT."
        links = [{ title = "Cổng tỉnh", url = "https://example.vn" }]
        [web]
        listen = "[::1]:8000"
        trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
        [collect]
        interval = { min = "15m", max = "12h" }
        per_site = { delay = "2s", connections = 1 }
        allow_networks = ["192.168.0.0/16"]
        [publish]
        content = "full"
        images = "none"
        rights = "Bản quyền thuộc các báo được dẫn."
        [mail]
        from = "Tin Khoa giáo <tin@example.vn>"
        reply_to = "bientap@example.vn"
        uncertain = "resend"
        [mail.relay.chinh]
        host = "smtp.example.vn"
        username = "tin"
        password = { file = "run/smtp" }
        rate = "10/s"
        [signup]
        ask = ["topics"]
        welcome = "none"
        privacy = "https://example.vn/quyen-rieng-tu"
        [source.cong-tinh]
        title = "Cổng thông tin tỉnh"
        kind = "page"
        url = "https://tinh.example.vn/tin-tuc"
        page = { entry = "article", title = "h3 a", date = ".date" }
        language = "vi"
        dates = { order = "dmy", zone = "Asia/Ho_Chi_Minh" }
        weight = 2
        paused = true
        interval = { min = "1h" }
        [topic.giao-duc]
        title = "Giáo dục"
        any = ["giáo dục"]
        none = ["quảng cáo"]
        not_sources = ["cong-tinh"]
        languages = ["vi"]
        [digest.tuan]
        title = "Điểm tin tuần"
        topics = ["giao-duc"]
        cadences = ["daily", "weekly"]
        day = "Monday"
        stories = { min = 3, max = 20, per_source = 4 }
        max_lateness = "1d"
        was = "tuan-cu"
        """
    )  # fmt: skip
    loaded = folder.load()
    settings = loaded.settings
    assert loaded.warnings == ()
    assert [path.name for path in loaded.files] == ["bantin.toml", "a.toml"]
    assert list(settings.source) == ["cong-tinh", "a"]
    relay = settings.mail.relay["chinh"]
    assert (relay.id, relay.rate, relay.port) == ("chinh", 10.0, None)
    assert relay.secret is not None
    assert relay.secret.reveal() == "bí-mật"
    assert settings.source["cong-tinh"].interval.max == timedelta(hours=12)
    assert settings.digest["tuan"].day == "monday"
    assert settings.mail.from_ == "Tin Khoa giáo <tin@example.vn>"


def test_text_is_nfc_and_passwords_are_left_alone(folder):
    decomposed = "gia\u0301o du\u0323c"
    folder.write(
        f'[site]\ntitle = "{decomposed}"\n[topic.a]\nany = ["{decomposed}"]\n'
        f'[mail]\nrelay.a = {{ host = "x", password = "{decomposed}" }}\n'
    )
    settings = folder.load().settings
    assert settings.site.title == settings.topic["a"].any[0] == "giáo dục"
    assert settings.mail.relay["a"].secret.reveal() == decomposed


def test_a_file_with_a_byte_order_mark_and_windows_line_ends(folder):
    folder.main.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    loaded = folder.load()
    assert loaded.settings.site.title == "Tin Khoa giáo"
    assert loaded.places.find(("source", "vnexpress", "url"))[1] == 6
    loaded.places.forget()
    assert loaded.places.find(("source", "vnexpress", "url")) == (loaded.places.find(())[0], None)


class TestIncludes:
    def test_patterns_are_read_from_the_folder_of_the_file_that_has_them(self, folder):
        folder.write('include = ["desks/*/main.toml"]')
        folder.write(
            'include = ["more.toml"]\n[source.b]\nurl = "https://b.vn"', "desks/b/main.toml"
        )
        folder.write('[source.c]\nurl = "https://c.vn"', "desks/b/more.toml")
        folder.write('[source.a]\nurl = "https://a.vn"', "desks/a/main.toml")
        assert list(folder.load().settings.source) == ["a", "b", "c"]

    def test_a_pattern_without_a_match_is_fine(self, folder):
        folder.write('include = ["feeds/*.toml", "none/**/x.toml"]')
        assert len(folder.load().files) == 1

    def test_an_absolute_pattern(self, folder):
        folder.write(f'include = ["{folder.path}/f*/*.toml"]')
        folder.write('[source.a]\nurl = "https://a.vn"', "feeds/a.toml")
        assert list(folder.load().settings.source) == ["a"]

    def test_a_file_reached_twice_is_read_once(self, folder):
        folder.write('include = ["a.toml", "*.toml", "b.toml"]')
        folder.write('include = ["b.toml"]\n[source.a]\nurl = "https://a.vn"', "a.toml")
        folder.write('[source.b]\nurl = "https://b.vn"', "b.toml")
        assert list(folder.load().settings.source) == ["a", "b"]

    def test_a_section_may_be_spread_over_files(self, folder):
        folder.write('include = ["b.toml"]\n[collect]\nper_site = { delay = "5s" }')
        folder.write(
            '[collect]\nper_site.connections = 2\nallow_networks = ["10.0.0.0/8"]', "b.toml"
        )
        collect = folder.load().settings.collect
        assert (collect.per_site.delay, collect.per_site.connections) == (timedelta(seconds=5), 2)
        assert collect.allow_networks == ("10.0.0.0/8",)

    def test_paths_in_an_included_file_are_read_from_its_own_folder(self, folder):
        folder.write('include = ["etc/mail.toml"]')
        folder.write(
            """
            [store]
            url = "sqlite:///data/x.db"
            [mail]
            relay.a = { host = "x", password = { file = "pw" } }
            [collect]
            proxy = "http://10.0.0.1:3128"
            proxy_auth = { username = "u", password = { file = "pw" } }
            ca = "ca.pem"
            [source.a]
            url = "https://a.vn"
            ca = "/etc/ssl/a.pem"
            auth = { username = "u", password = { file = "pw" } }
            headers = { "X-Key" = { file = "pw" } }
            """,
            "etc/mail.toml",
        )
        folder.write("geheim\n", "etc/pw")
        settings = folder.load().settings
        assert settings.store.url == f"sqlite:///{folder.path}/etc/data/x.db"
        assert settings.mail.relay["a"].secret.reveal() == "geheim"
        collect, source = settings.collect, settings.source["a"]
        assert (collect.ca, source.ca) == (f"{folder.path}/etc/ca.pem", "/etc/ssl/a.pem")
        read = (collect.proxy_auth.password, source.auth.password, source.headers["X-Key"])
        assert [one.secret.reveal() for one in read] == ["geheim"] * 3

    def test_files_are_named_as_the_admin_would_write_them(self, folder, monkeypatch):
        monkeypatch.chdir(folder.path)
        folder.write('include = ["feeds/*.toml"]')
        folder.write('[source.a]\nurl = "https://a.vn"', "feeds/a.toml")
        loaded = load(Path("bantin.toml"), {})
        assert loaded.places.find(("source", "a", "url")) == ("feeds/a.toml", 2)
        assert loaded.settings.root == folder.path


class TestEnvironment:
    def test_keys_of_each_kind(self, folder):
        folder.write(MINIMAL)
        settings = folder.load(
            BANTIN_SITE__BASE_URL="https://tin.example.vn",
            BANTIN_SITE__TITLE="Bản tin",
            BANTIN_COLLECT__PER_SITE__CONNECTIONS="3",
            BANTIN_COLLECT__INTERVAL='{ min = "1h", max = "2h" }',
            BANTIN_COLLECT__ALLOW_NETWORKS="10.0.0.0/8, 192.168.0.0/16",
            BANTIN_WEB__TRUSTED_PROXIES='["127.0.0.1"]',
            BANTIN_MAIL__FROM="Tin <tin@example.vn>",
            BANTIN_STORE__URL="sqlite:///other/x.db",
            BANTIN_LOG__LEVEL="debug",
        ).settings
        assert settings.site.base_url == "https://tin.example.vn"
        assert settings.site.title == "Bản tin"
        assert settings.site.language == "vi"
        assert settings.collect.per_site.connections == 3
        assert settings.collect.interval.min == timedelta(hours=1)
        assert settings.collect.allow_networks == ("10.0.0.0/8", "192.168.0.0/16")
        assert settings.web.trusted_proxies == ("127.0.0.1",)
        assert settings.mail.from_ == "Tin <tin@example.vn>"
        assert settings.store.url == f"sqlite:///{folder.path}/other/x.db"
        assert settings.log.level == "debug"

    def test_other_variables_are_none_of_ours(self, folder):
        folder.write(MINIMAL)
        folder.load(BANTIN_CONFIG="x", BANTIN_TEST_POSTGRES="y", HOME="/", SITE__TITLE="z")

    def test_it_wins_over_a_faulty_key_in_the_file(self, folder):
        folder.write('[site]\nbase_url = "nonsense"\n')
        loaded = folder.load(BANTIN_SITE__BASE_URL="https://tin.example.vn")
        assert loaded.settings.site.base_url == "https://tin.example.vn"
        assert loaded.places.find(("site", "base_url")) == (
            "environment BANTIN_SITE__BASE_URL",
            None,
        )


class TestZone:
    @pytest.mark.parametrize(
        ("tz", "zone"),
        [
            ("Asia/Ho_Chi_Minh", "Asia/Ho_Chi_Minh"),
            (":Europe/Berlin", "Europe/Berlin"),
            (":/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ],
    )
    def test_from_tz(self, folder, tz, zone):
        folder.write("")
        assert folder.load(TZ=tz).settings.zone == zone

    def test_a_site_that_names_its_own_keeps_it(self, folder):
        folder.write('[site]\ntimezone = "Europe/Berlin"')
        assert folder.load(TZ="Asia/Tokyo").settings.zone == "Europe/Berlin"

    def test_from_etc(self, tmp_path):
        assert system_zone({}, tmp_path) == "UTC"
        (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Ho_Chi_Minh")
        assert system_zone({"TZ": "nonsense"}, tmp_path) == "Asia/Ho_Chi_Minh"
        (tmp_path / "timezone").write_text("Europe/Paris\n")
        assert system_zone({}, tmp_path) == "Europe/Paris"


def test_a_password_never_shows(folder):
    folder.write(
        '[store]\nurl = "postgresql://u:geheim@db/x"\n'
        '[mail]\nrelay.a = { host = "x", password = "geheim" }\n'
        '[source.b]\nurl = "https://b.vn"\nauth = { username = "u", password = "geheim" }\n'
        'headers = { Cookie = "geheim", "Accept-Language" = "geheim" }\n'
    )
    loaded = folder.load()
    assert loaded.settings.mail.relay["a"].secret.reveal() == "geheim"
    shown = [repr(loaded.settings), str(loaded.settings), repr(loaded.warnings)]
    shown += [loaded.settings.model_dump_json(include={"mail", "source"})]
    shown += [repr(loaded.settings.mail.relay), repr(loaded.settings.source)]
    assert not [text for text in shown if "geheim" in text]
    assert [(w.line, w.key) for w in loaded.warnings] == [
        (4, "mail.relay.a.password"),
        (7, "source.b.auth.password"),
        (8, "source.b.headers.Cookie"),
    ]


def test_what_works_but_was_hardly_meant_is_a_warning(folder):
    folder.write(
        """
        [source.a]
        url = "https://a.vn/rss"
        topics = ["fed"]
        [source.b]
        url = "https://a.vn/rss"
        [topic.fed]
        """
    )
    warnings = folder.load().warnings
    assert [(w.line, w.key) for w in warnings] == [(5, "source.b.url")]


def test_load_raises_with_all_faults(folder):
    folder.write('[site]\ntitel = "x"\nlanguage = 5\n')
    with pytest.raises(ConfigError) as caught:
        folder.load()
    assert [fault.line for fault in caught.value.faults] == [2, 3]
    assert str(caught.value).count("\n") == 1
