"""This machine: its clock and its disk."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from service.runtime import disk
from service.runtime.doctor.diagnosis import Diagnosis, Level
from service.runtime.machine_clock import WRONG_S

_TIMEX_BYTES = 512
"""More than the kernel's struct timex has on any machine."""

_TIME_ERROR = 5
"""What adjtimex returns while the clock is not synchronized (adjtimex(2))."""

_NTP = "let the machine take its time from NTP, with systemd-timesyncd or chrony"


def synchronized() -> bool | None:
    """Whether the kernel's clock follows one outside; None where the system does not say."""
    call = getattr(ctypes.CDLL(None), "adjtimex", None)
    if call is None:
        return None
    state = call(ctypes.create_string_buffer(_TIMEX_BYTES))  # all zero: it is only asked
    return None if state < 0 else state != _TIME_ERROR


def judge_clock(*, follows: bool | None, ahead_s: float) -> Diagnosis:
    """`ahead_s`: seconds ahead of the database's clock, which decides on PostgreSQL; else 0."""
    if abs(ahead_s) >= WRONG_S:
        side = "ahead of" if ahead_s > 0 else "behind"
        said = f"this machine's clock is {abs(ahead_s):.0f} s {side} the database's"
        return Diagnosis("clock", Level.FAULT, said, _NTP)
    if follows is None:
        said = "whether the clock is right is not known: the system does not say"
        return Diagnosis("clock", Level.UNKNOWN, said, "compare `date -u` with another clock")
    if not follows:
        said = "this machine's clock follows no other one, and drifts"
        return Diagnosis("clock", Level.WARNING, said, _NTP)
    return Diagnosis("clock", Level.OK, "the clock is synchronized")


def judge_disk(folders: Sequence[Path], rooms: Sequence[int | None]) -> list[Diagnosis]:
    """`rooms`: bytes that are free in each folder; None: it cannot be told."""
    return [_disk(folder, room) for folder, room in zip(folders, rooms, strict=True)]


def _disk(folder: Path, room: int | None) -> Diagnosis:
    remedy = f"make room on the file system of {folder}"
    if room is None or not os.access(_there(folder), os.W_OK):
        said = f"{folder} cannot be written"
        return Diagnosis("disk", Level.FAULT, said, "let the service's user write there")
    said = f"{room // 1024**2:,} MB are free for {folder}"
    if room < disk.FULL_BELOW:
        return Diagnosis("disk", Level.FAULT, said, remedy)
    if room < disk.LITTLE_BELOW:
        return Diagnosis("disk", Level.WARNING, said, remedy)
    return Diagnosis("disk", Level.OK, said)


def _there(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.exists())
