"""What most addresses look like, so that they need not be taken apart."""

from __future__ import annotations

import re

_IN_PATH = r"[\w~.,%+@:!()*=$&'-]"
_BEHIND = r"[\w~.,/%+@:!()*=$&'?-]+"

PLAIN_ADDRESS = re.compile(
    rf"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?:/{_IN_PATH}+(?:/{_IN_PATH}*)*|/)?"
    rf"(?:\?{_BEHIND})?(?:#{_BEHIND})?",
    re.ASCII,
)
"""An absolute address of the Web, in small letters up to its path, without port, login or anything
that must be escaped: joined to any base it is itself."""

PLAINEST_ADDRESS = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*/(?:[\w,+@:!()*=$&'~-][\w/,+@:!()*=$&'~-]*)?(?:\.[a-z0-9]{2,5})?",
    re.ASCII,
)
"""One of these that has neither query nor fragment, no percent sign and no dot segments: it is in
its normal form."""
