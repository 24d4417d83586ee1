"""A request that brings a `traceparent` finds its id in the lines that are logged for it."""

from __future__ import annotations

import io
import json
import logging

import pytest

from service.config.schema import Log, Settings
from service.runtime import logs
from service.web.trace_context import trace_of
from tests.levels import table

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@table(
    ("said", "found"),
    [
        (f"00-{TRACE}-{SPAN}-01", TRACE),
        (f"  00-{TRACE}-{SPAN}-00 ", TRACE),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", TRACE),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f"00-{TRACE}\n-{SPAN}-01", None),
        ("", None),
    ],
)
def test_only_what_is_well_formed_is_taken(said, found):
    assert trace_of([(b"host", b"x"), (b"traceparent", said.encode())]) == found


def test_none_and_two_are_no_trace():
    header = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())
    assert trace_of([]) is None
    assert trace_of([header, header]) is None


@pytest.fixture
def logged():
    """The lines of the log as they are written."""
    stream = io.StringIO()
    logs.configure(Log(format="json"), stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logs.configure(Settings().log, io.StringIO())
    logging.getLogger().handlers.clear()


def test_its_lines_have_its_id_and_no_others(web, logged):
    def broken():
        raise RuntimeError("what cannot be")

    context = web.app.state.context
    web.app.state.context = type(context)(
        **{name: getattr(context, name) for name in context.__dataclass_fields__}
        | {"health": broken}
    )
    header = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    for headers in (header, {}):
        assert web.client.get("/readyz", headers=headers).status_code == 500
    told = [line for line in logged() if line["event"].startswith("request failed")]
    assert [line.get("trace") for line in told] == [TRACE], "one cause is told once a minute"
    with_others = logging.getLogger("bantin.web")
    with_others.warning("another line")
    assert "trace" not in logged()[-1]
