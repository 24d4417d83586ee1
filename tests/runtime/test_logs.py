"""Lines of the log outlive who is forgotten, so they name nobody."""

from __future__ import annotations

import io
import json
import logging

import pytest

from service.config.schema import Log
from service.runtime import logs


@pytest.mark.parametrize("format_", ["text", "json"])
def test_no_line_names_an_address(format_):
    stream = io.StringIO()
    logs.configure(Log(level="info", format=format_), stream)
    log = logs.get()
    log.info("mail", answer="550 <Minh@example.vn> unknown", delivery=7)
    log.warning("minh@example.vn is busy")
    logging.getLogger("aiosmtplib").warning("refused: %s", "MINH@EXAMPLE.VN")
    try:
        int("minh@example.vn")
    except ValueError:
        log.exception("a job failed")
    told = stream.getvalue()
    assert "minh" not in told.lower()
    assert told.count("[address]") >= 4
    assert "delivery" in told
    if format_ == "json":
        assert json.loads(told.splitlines()[0])["answer"] == "550 <[address]> unknown"
