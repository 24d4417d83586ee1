"""The socket of `/metrics`, apart from the site's own: no proxy before the site reaches it.

It answers from threads of its own, so that a stuck event loop can be seen in a scrape.
"""

from __future__ import annotations

import hmac
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from service.runtime import logs
from service.runtime.composition import Service
from service.runtime.monitoring.rows import RowsReader
from service.runtime.vitals import Vitals

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

PATH = "/metrics"

SLOW_S = 10.0
"""Who sends no request, or takes no answer, for so long is cut off."""

LONGEST_S = 30.0
"""A scrape that takes longer, however slowly it sends or takes a byte, is cut off."""

MOST = 8
"""Scrapes at one time; more are hung up on."""

_REFUSED = {
    "401 Unauthorized": b"This needs the key: Authorization: Bearer KEY\n",
    "404 Not Found": b"Metrics are at /metrics.\n",
}


@contextmanager
def listening(service: Service, vitals: Vitals) -> Iterator[None]:
    """Answer scrapes inside the block, if `[metrics] listen` says where.

    Where that port is taken the service works without: what watches it must not stop it.
    """
    where = service.settings.metrics.listen
    if where is None:
        yield
        return
    # Loaded only where somebody scrapes.
    from service.runtime.monitoring.families import registry  # noqa: PLC0415 - see above

    made = registry(service, vitals, RowsReader(service, time.monotonic))
    try:
        server = _Server(where, guarded(made, lambda: _key(service)))
    except OSError as error:
        logs.get().error("no metrics: cannot listen", listen=where, error=error.strerror)
        yield
        return
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    logs.get().info("metrics", listen=where)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def guarded(made: CollectorRegistry, key: Callable[[], str | None]) -> Callable[..., Any]:
    """The WSGI application: metrics at PATH alone, for who brings the key, if there is one."""
    from prometheus_client import make_wsgi_app  # noqa: PLC0415 - as above

    metrics = make_wsgi_app(made)

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return _refuse(start, "404 Not Found", [])
        wanted = key()
        scheme, _, said = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if wanted is not None and not (
            scheme.lower() == "bearer"
            and hmac.compare_digest(said.strip().encode(), wanted.encode())
        ):
            return _refuse(start, "401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return metrics(environ, start)  # type: ignore[no-any-return]  # it has no types

    return app


def _refuse(start: Callable[..., Any], status: str, more: list[tuple[str, str]]) -> list[bytes]:
    body = _REFUSED[status]
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *more])
    return [body]


def _key(service: Service) -> str | None:
    """As the configuration has it now: a reload may have changed it."""
    ref = service.settings.metrics.key
    if ref is None:
        return None
    secret = ref.secret
    assert secret is not None  # the loader has read it, or there would be no settings
    return secret.reveal()


class _Handler(WSGIRequestHandler):
    timeout = SLOW_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Scrapes are no news."""

    def address_string(self) -> str:
        return str(self.client_address[0])


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, where: str, app: Callable[..., Any]) -> None:
        host, _, port = where.rpartition(":")
        host = host.strip("[]")
        if ":" in host:
            self.address_family = socket.AF_INET6
        self._places = threading.BoundedSemaphore(MOST)
        super().__init__((host, int(port)), _Handler)
        self.set_app(app)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, which the library's own does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "metrics", self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Never waits: whoever holds all places must not keep the service from stopping."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        end = threading.Timer(LONGEST_S, _hang_up, [request])
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - its shape
        """Whoever hangs up in the middle of an answer has lost nothing of ours."""
        logs.get().debug("a scrape ended early")


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended meanwhile
        connection.shutdown(socket.SHUT_RDWR)
