"""A real nginx on loopback, with a `server` block that a test writes."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
HOW_TO_GET = "needs nginx: apt-get install nginx-light"

AROUND = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {around}
  {server}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, port: int, server: str, around: str = "") -> Iterator[int]:
    """The process id of a running nginx. Skips the test where there is none.

    `server` listens on 127.0.0.1:`port`; `around` stands beside it in `http`.
    """
    if NGINX is None:
        pytest.skip(HOW_TO_GET)
    folder.mkdir(exist_ok=True)
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # to whom a test's own folders belong
    config.write_text(AROUND.format(folder=folder, server=server, around=around, user=user))
    command = [NGINX, "-p", str(folder), "-c", str(config), "-e", f"{folder}/error.log"]
    with subprocess.Popen(command) as process:
        try:
            _wait_for(process, port)
            yield process.pid
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return
        assert process.poll() is None, "nginx did not start"
        assert time.monotonic() < end, "nginx never answered"
        time.sleep(0.05)
