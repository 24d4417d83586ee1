"""Ends with 0 if a process of the service answers at HEALTH_URL, else with 1.

For a container: `/healthz` of one with pages, which the loop that does the work answers, or
`/metrics` of one without, which tells that the process lives and how late its loop is.
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlsplit

address = urlsplit(os.environ.get("HEALTH_URL", "http://127.0.0.1:8000/healthz"))
asked = HTTPConnection(address.hostname or "127.0.0.1", address.port or 80, timeout=4)
try:
    asked.request("GET", address.path)
    sys.exit(asked.getresponse().status != HTTPStatus.OK)
except OSError:
    sys.exit(1)
