"""How many files and sockets the process may have open."""

from __future__ import annotations

import resource


def raise_limit(wanted: int) -> int:
    """Ask for `wanted` descriptors, as far as the hard limit lets us; how many there are now.

    Distributions give 1,024 and let a process take more by itself. What is more already stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return soft
