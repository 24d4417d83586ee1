"""The parser processes that all tests of this room share.

They belong to no event loop, and starting some for each pass takes longer than what most tests
give them to read. No process is started before the first document comes.
"""

from __future__ import annotations

from service.collect.workers.pool import Parsers

SHARED = Parsers(2, timeout_s=20)
