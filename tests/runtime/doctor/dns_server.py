"""A real DNS server on loopback, over UDP and TCP, which may also lie, hang and talk nonsense."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from service.runtime.doctor.dns import Resolver

Zone = dict[tuple[str, str], list[str]]
"""(name, type) -> records as a zone file has them. A name that is nowhere does not exist."""


@dataclass
class Server:
    """`twist` may change an answer's bytes, or give None for silence; it is told the question."""

    port: int = 0
    zone: Zone = field(default_factory=dict)
    twist: Callable[[dns.message.Message, bytes], bytes | None] = lambda _query, wire: wire
    asked: list[str] = field(default_factory=list)

    def txt(self, name: str, *texts: str) -> None:
        """TXT records, each cut into strings of 255 bytes."""
        self.zone[name, "TXT"] = [
            " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text) or 1, 255))
            for text in texts
        ]

    def put(self, name: str, kind: str, *records: str) -> None:
        self.zone[name, kind] = list(records)

    def resolver(self, seconds: float = 60.0) -> Resolver:
        return Resolver([("127.0.0.1", self.port)], seconds)

    def answer(self, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{kind} {name}")
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        records = self.zone.get((name, kind)) or self.zone.get((name, "CNAME"))
        if records:
            found = kind if (name, kind) in self.zone else "CNAME"
            reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", found, records))
        elif not any(known == name for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return self.twist(query, reply.to_wire(max_size=65535))


@contextmanager
def running() -> Iterator[Server]:
    """Listens on one free port of loopback with both protocols."""
    made = Server()

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            reply = made.answer(data)
            if reply is None:
                return
            if len(reply) > 512:  # the rest comes over TCP
                short = dns.message.make_response(dns.message.from_wire(data))
                short.flags |= dns.flags.TC
                reply = short.to_wire()
            sock.sendto(reply, self.client_address)

    class Tcp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = self.request.recv(2, socket.MSG_WAITALL)
            if len(head) < 2:
                return
            data = self.request.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
            reply = made.answer(data)
            if reply is not None:
                self.request.sendall(struct.pack("!H", len(reply)) + reply)

    udp, tcp = _one_port(Udp, Tcp)
    made.port = udp.server_address[1]
    threads = [
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True) for one in (udp, tcp)
    ]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for one, thread in zip((udp, tcp), threads, strict=True):
            one.shutdown()
            thread.join()
            one.server_close()


def _one_port(udp: type, tcp: type) -> tuple[socketserver.BaseServer, socketserver.BaseServer]:
    """A port that is free with both protocols."""
    while True:
        first = socketserver.ThreadingUDPServer(("127.0.0.1", 0), udp)
        try:
            return first, socketserver.ThreadingTCPServer(first.server_address, tcp)
        except OSError:
            first.server_close()
