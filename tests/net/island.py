"""A process in a network of its own, where public and private addresses are all this machine.

    python -m tests.net.island

There the guard can be tried against servers that really answer at 8.8.8.8, 10.0.0.1 or
169.254.169.254. Prints one JSON object: what each fetch gave, and which addresses were entered.
Exit NOT_ALLOWED where the kernel does not let us make such a network.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys

from service.errors import BantinError
from service.net.client import Client
from tests.net.test_client import Answers

PUBLIC, OTHER = "8.8.8.8", "1.1.1.1"
PRIVATE = ("10.0.0.1", "192.168.7.7", "100.64.0.9", "169.254.169.254", "172.16.3.4", "198.18.0.3")

PUBLIC_6 = "2606:4700::1111"
HIDING = (
    "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "2a00:1450::5efe:a00:1", "::a00:1", "fd12:3456::1", "fec0::1", "2001:db8::1",
)  # fmt: skip
"""IPv6 addresses in which 10.0.0.1 hides (NAT64, its local prefix, 6to4, Teredo, ISATAP, the old
compatible form), and such as are private themselves."""

NOT_ALLOWED = 77

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_SET_ADDRESS, _GET_FLAGS, _SET_FLAGS = 0x8916, 0x8913, 0x8914
_UP = 0x1
_LOOPBACK = 1  # its number among the interfaces


def leave_the_world() -> None:
    """Raises OSError where it is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_NET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for number, address in enumerate(("127.0.0.1", PUBLIC, OTHER, *PRIVATE)):
            name = b"lo" if number == 0 else f"lo:{number}".encode()
            where = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, _SET_ADDRESS, where)
            asked = fcntl.ioctl(control, _GET_FLAGS, struct.pack("16sh14x", name, 0))
            flags = struct.unpack("16sh14x", asked)[1] | _UP
            fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", name, flags))


def has_ipv6() -> bool:
    """Give this machine the IPv6 addresses too; False where the kernel knows none."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
            for address in (PUBLIC_6, *HIDING):
                packed = socket.inet_pton(socket.AF_INET6, address)
                fcntl.ioctl(control, _SET_ADDRESS, struct.pack("16sIi", packed, 128, _LOOPBACK))
    except OSError:
        return False
    return True


class Everywhere:
    """Answers on port 80 of every address. `/to/X` leads to http://X."""

    def __init__(self) -> None:
        self.entered: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.entered.append(str(writer.get_extra_info("sockname")[0]))
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].decode()
        if path.startswith("/to/"):
            place = f"http://{path.removeprefix('/to/')}"
            answer = f"HTTP/1.1 302 F\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
        else:
            answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        writer.write(answer.encode())
        writer.close()

    async def fetch(
        self, url: str, *, allow: tuple[str, ...] = (), resolved: tuple[str, ...] = ()
    ) -> dict[str, object]:
        self.entered.clear()
        resolver = Answers(*resolved) if resolved else None
        async with Client("x", allow, resolver=resolver) as client:
            try:
                said = (await client.get(url, timeout=5)).body.decode()
            except BantinError as error:
                said = type(error).__name__
        return {"said": said, "entered": list(self.entered)}


async def main() -> dict[str, object]:
    here = Everywhere()
    server = await asyncio.start_server(here.answer, "0.0.0.0", 80)
    told: dict[str, object] = {}
    async with server:
        told["public"] = await here.fetch(f"http://{PUBLIC}/")
        told["public to public"] = await here.fetch(f"http://{PUBLIC}/to/{OTHER}/")
        for address in PRIVATE:
            number = int.from_bytes(socket.inet_aton(address), "big")
            spellings = (address, str(number), hex(number), f"[::ffff:{address}]")
            for host in spellings:
                told[f"direct {host}"] = await here.fetch(f"http://{host}/")
                told[f"redirect {host}"] = await here.fetch(f"http://{PUBLIC}/to/{host}/")
            told[f"name {address}"] = await here.fetch("http://a.test/", resolved=(address,))
            told[f"rebound {address}"] = await here.fetch(
                "http://a.test/to/b.test/", resolved=(PUBLIC, address)
            )
            opened = (f"{address}/32",)
            told[f"opened {address}"] = await here.fetch(f"http://{address}/", allow=opened)
            told[f"opened, redirected {address}"] = await here.fetch(
                f"http://{PUBLIC}/to/{address}/", allow=opened
            )
        told["inside to inside"] = await here.fetch(
            "http://10.0.0.1/to/192.168.7.7/", allow=("10.0.0.0/8", "192.168.0.0/16")
        )
        told["inside, outside, inside"] = await here.fetch(
            f"http://10.0.0.1/to/{PUBLIC}/to/10.0.0.1/", allow=("10.0.0.0/8",)
        )
    if has_ipv6():
        told |= await on_ipv6(here)
    return told


async def on_ipv6(here: Everywhere) -> dict[str, object]:
    told: dict[str, object] = {}
    async with await asyncio.start_server(here.answer, "::", 80):
        told["public6"] = await here.fetch(f"http://[{PUBLIC_6}]/")
        for address in HIDING:
            told[f"direct6 {address}"] = await here.fetch(f"http://[{address}]/")
            told[f"redirect6 {address}"] = await here.fetch(f"http://[{PUBLIC_6}]/to/[{address}]/")
            told[f"name6 {address}"] = await here.fetch("http://a.test/", resolved=(address,))
            told[f"rebound6 {address}"] = await here.fetch(
                "http://a.test/to/b.test/", resolved=(PUBLIC_6, address)
            )
            told[f"opened6 {address}"] = await here.fetch(
                f"http://[{address}]/", allow=(f"{address}/128",)
            )
    return told


if __name__ == "__main__":
    try:
        leave_the_world()
    except OSError as error:
        sys.stderr.write(f"no network of one's own here: {os.strerror(error.errno or 0)}\n")
        sys.exit(NOT_ALLOWED)
    json.dump(asyncio.run(main()), sys.stdout)
