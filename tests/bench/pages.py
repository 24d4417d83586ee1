"""Public pages beside nginx: requests a second of a feed and a topic page, packed and unchanged.

    python -m tests.bench.pages                     the table in docs/performance.md, half a minute
    python -m tests.bench.pages --seconds 1 --runs 1

One site with a full topic; `bantin up` serves it, and nginx, one worker, the files that
`bantin publish --out` wrote, packed beforehand (gzip_static). Both run on one processor, wrk on
another, and are asked in turn within one run, so that a busy machine is busy for both. Needs
Debian's nginx and wrk.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update

from service.store import tables
from service.store.content import stale_feeds
from service.store.core.database import Connection, Store
from tests.builders import add_story

BANTIN = Path(sys.prefix) / "bin" / "bantin"
STORIES = 100
PAGES = {"feed": "/feeds/tin.atom", "topic page": "/topics/tin/"}
NGINX_FILES = {"feed": "/feeds/tin.atom", "topic page": "/topics/tin/index.html"}

CONFIG = """\
[site]
title = "Bench"
language = "vi"
[web]
listen = "127.0.0.1:{port}"
[source.bao]
title = "Báo"
url = "https://bao.example/rss"
paused = true
topics = ["tin"]
[topic.tin]
title = "Tin"
"""

NGINX = """\
{user}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  types {{ application/atom+xml atom; text/html html; }}
  access_log off;
  sendfile on;
  tcp_nopush on;
  gzip_static on;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""

PARAGRAPH = "Sáng nay, tại hội trường, các đại biểu đã nghe báo cáo về công tác khoa giáo. "


def main(arguments: Sequence[str] | None = None) -> dict[tuple[str, str], float]:
    """Print the table; page and kind of answer -> Bantin's part of nginx's requests a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args(arguments)
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder), options)


def _measure(folder: Path, options: argparse.Namespace) -> dict[tuple[str, str], float]:
    ours, theirs = _free_port(), _free_port()
    (folder / "bantin.toml").write_text(CONFIG.format(port=ours))
    _bantin(folder, "publish")
    _fill(folder)
    _bantin(folder, "publish", "--out", str(folder / "out"))
    for file in (folder / "out").rglob("*"):
        if file.is_file():
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), 6))
    (folder / "nginx.conf").write_text(
        NGINX.format(
            folder=folder,
            port=theirs,
            root=folder / "out",
            user="user root;\n" if os.geteuid() == 0 else "",  # the folder is ours alone
        )
    )
    nginx = ["nginx", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    ratios: dict[tuple[str, str], float] = {}
    with (
        _running([str(BANTIN), "up"], folder, f"http://127.0.0.1:{ours}/healthz") as bantin,
        _running(nginx, folder, f"http://127.0.0.1:{theirs}/index.html") as master,
    ):
        processes = {"bantin": bantin, "nginx": _children(master)[0]}
        print(f"{'':28}{'requests/s':^22}{'CPU us a request':^22}")
        print(f"{'':28}{'Bantin':>8}{'nginx':>8}{'part':>6}{'Bantin':>8}{'nginx':>8}{'part':>6}")
        for page, path in PAGES.items():
            urls = {
                "bantin": f"http://127.0.0.1:{ours}{path}",
                "nginx": f"http://127.0.0.1:{theirs}{NGINX_FILES[page]}",
            }
            size = len(urllib.request.urlopen(urls["bantin"]).read())
            for kind in ("gzip", "304"):
                rates: dict[str, list[float]] = {"bantin": [], "nginx": []}
                costs: dict[str, list[float]] = {"bantin": [], "nginx": []}
                for _ in range(options.runs):
                    for name, url in urls.items():
                        rate, cost = _rate(url, kind, options, processes[name])
                        rates[name].append(rate)
                        costs[name].append(cost)
                mine, nginxs = (statistics.median(rates[one]) for one in urls)
                cost, nginx_cost = (statistics.median(costs[one]) for one in urls)
                ratios[page, kind] = mine / nginxs
                print(
                    f"{f'{page} {size // 1000} KB, {kind}':28}"
                    f"{mine:8,.0f}{nginxs:8,.0f}{mine / nginxs:6.2f}"
                    f"{cost:8.1f}{nginx_cost:8.1f}{nginx_cost / cost:6.2f}",
                    flush=True,
                )
    return ratios


def _rate(url: str, kind: str, options: argparse.Namespace, process: int) -> tuple[float, float]:
    """Requests a second, and what one takes of the server's processor, in microseconds.

    Where others use the machine, the second says more: wrk has to wait for its turn as well.
    """
    headers = {"Accept-Encoding": "gzip"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        assert answer.headers["Content-Encoding"] == "gzip", "it must be packed"
        if kind == "304":
            headers["If-None-Match"] = answer.headers["ETag"]
    command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    before = _processor_s(process)
    said = subprocess.run(
        [*_on(1), *command, url], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "Socket errors" not in said, said
    assert "Non-2xx" not in said, said
    used = _processor_s(process) - before
    number, rate = (
        float(found[1])
        for pattern in (r"([\d]+) requests in", r"Requests/sec:\s*([\d.]+)")
        if (found := re.search(pattern, said)) is not None
    )
    return rate, used / number * 1e6


def _processor_s(process: int) -> float:
    """What a process has used so far, with its threads."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(process: int) -> list[int]:
    return [
        int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


@contextmanager
def _running(command: list[str], folder: Path, url: str) -> Iterator[int]:
    """A process, once it answers: its id."""
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen([*_on(0), *command], cwd=folder, stdout=log, stderr=log)
        try:
            _until_answered(url)
            yield process.pid
        finally:
            process.terminate()
            process.wait(40)


def _until_answered(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def _on(processor: int) -> list[str]:
    """Pinned, where there are two processors to be told apart."""
    return ["taskset", "-c", str(processor)] if len(os.sched_getaffinity(0)) > 1 else []


def _bantin(folder: Path, *arguments: str) -> None:
    subprocess.run([BANTIN, *arguments], cwd=folder, check=True, capture_output=True, timeout=120)


def _fill(folder: Path) -> None:
    """As many stories as a feed holds, each with a text of a kilobyte."""
    now = datetime.now(UTC).replace(microsecond=0)
    with closing(Store(f"sqlite:///{folder}/var/bantin.db")) as store, store.write() as connection:
        source = _row(connection, tables.source.c.id)
        topic = _row(connection, tables.topic.c.id)
        for number in range(STORIES):
            add_story(
                connection, source=source, topics=[topic], title=f"Tin số {number} trong ngày",
                entered_at=now - timedelta(minutes=7 * number),
            )  # fmt: skip
        connection.execute(update(tables.article).values(lead=PARAGRAPH * 5, content=""))
        stale_feeds.mark(connection, ["tin", stale_feeds.EVERYTHING], now)


def _row(connection: Connection, column: object) -> int:
    return int(connection.execute(select(column)).scalar_one())  # type: ignore[call-overload]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


if __name__ == "__main__":
    main()
