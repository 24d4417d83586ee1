"""The address of the store: one server, or several of which one takes writes."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url, text

from service.config.shown import without_password
from service.config.values import store_url
from service.errors import StoreError
from service.store.core.database import Store
from service.store.core.job_queue import address
from service.store.core.server_address import libpq, parsed
from service.store.kept import postgres_tools
from service.store.kept.backup import backup
from tests.levels import table
from tests.running import unused_port

TWO = "postgresql://tin:b%40o@db-1:5432,db-2:5433/bantin?sslmode=require"


def test_several_servers_are_told_to_all_as_libpq_takes_them():
    told = libpq(TWO)
    wanted = {
        "host": "db-1,db-2", "port": "5432,5433", "dbname": "bantin", "user": "tin",
        "password": "b@o", "sslmode": "require", "target_session_attrs": "read-write",
    }  # fmt: skip
    assert wanted.items() <= told.items()
    assert wanted.items() <= conninfo_to_dict(address(TWO)).items()
    tools = postgres_tools.server_of(TWO)
    assert conninfo_to_dict(tools.address)["host"] == "db-1,db-2"
    assert ("b@o" in tools.address, tools.environ) == (False, {"PGPASSWORD": "b@o"})
    assert store_url(TWO) == TWO
    six = "postgresql://tin:b@[::1]:5432,[::2]:5432/bantin"
    assert conninfo_to_dict(address(six))["host"] == "::1,::2"
    assert without_password(six) == six.replace(":b@", ":***@")
    assert without_password(TWO) == TWO.replace("b%40o", "***")


@table(
    ("url", "hosts", "ports"),
    [
        ("postgresql://db-1,db-2/bantin", "db-1,db-2", ","),
        ("postgresql+psycopg://u@a:1,b/n", "a,b", "1,"),
        ("postgresql://u@a:1,b:2/n?target_session_attrs=any", "a,b", "1,2"),
        ("postgresql://u@[::1]:5432,[fe80::2]/n", "::1,fe80::2", "5432,"),
        ("postgresql://u:p@[::1]:1,db:2/n", "::1,db", "1,2"),
        ("postgresql://u@[::1]:1/n", "::1", 1),
        ("postgresql:///n?host=/run/pg", "/run/pg", None),
        ("postgresql://u:p,w@a:1/n", "a", 1),
    ],
)
def test_hosts_and_ports(url, hosts, ports):
    told = libpq(url)
    assert (told["host"], told.get("port") or None) == (hosts, ports)
    if "any" in url:
        assert told["target_session_attrs"] == "any"


def test_what_is_no_address_is_refused_without_its_password():
    with pytest.raises(StoreError) as error:
        parsed("postgresql://tin:bi-mat@db-1:x/bantin")
    assert "bi-mat" not in str(error.value)


@table("servers", ["::1,::2", "[::1,[::2]", "[db]x:1,b", "a:x,b", "a:1:2,b", "a,b/n?port=5"])
def test_what_names_no_several_servers_is_refused_by_its_key(servers):
    with pytest.raises(StoreError, match=r"\[store\] url takes") as error:
        parsed(f"postgresql://tin:bi-mat@{servers}" + "/bantin" * ("/" not in servers))
    assert "bi-mat" not in str(error.value)


@pytest.mark.postgres
def test_the_server_that_is_there_is_used_by_all_that_need_one(postgres_database, tmp_path, now):
    server = make_url(postgres_database)
    url = (
        f"postgresql://{server.username}@127.0.0.1:{unused_port()},{server.host}:{server.port}/"
        f"{server.database}"
    )
    with closing(Store(url)) as store, store.read() as connection:
        assert connection.scalar(text("SELECT current_database()")) == server.database
    with psycopg.connect(address(url)) as queue:
        assert queue.info.port == server.port
    backup(url, tmp_path / "bantin.backup", now, "0.2.0")
    assert (tmp_path / "bantin.backup").stat().st_size
