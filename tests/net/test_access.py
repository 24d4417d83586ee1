"""How a source is reached: logins that stay at home, a real proxy, servers of old over real TLS."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import warnings
from asyncio import sslproto
from urllib.parse import urlsplit

import pytest
from yarl import URL

from service.config.values import Secret
from service.errors import FetchError, ForbiddenAddressError, HttpError
from service.net.access import Access, Route, basic, origin_of
from service.net.client import Client
from service.net.limits import FetchLimits
from service.net.tls import BUFFER_BYTES
from tests.net import certificates
from tests.net.proxy import forward_proxy
from tests.net.test_client import Answers, client
from tests.net.wire import raw_server

BOTH = ["127.0.0.0/8", "::1/128"]
"""All that the name localhost may lead to."""

LOGIN = basic("tín", "bí-mật")
SENT = b"Authorization: Basic dMOtbjpiw60tbeG6rXQ=\r\n"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("tls"))


def home(url, *, route=None, **headers):
    told = tuple((name.replace("_", "-"), Secret(value)) for name, value in headers.items())
    return Access(origin_of(URL(url)), (*told, ("Authorization", LOGIN)), route or Route())


def way(**route):
    return Access("", (), Route(**route))


async def ok(talk):
    await talk.answer(b"ok")


# -- logins and headers ------------------------------------------------------------------------


async def test_a_source_is_told_its_login_and_its_headers():
    async with raw_server(ok) as wire, client() as fetch:
        response = await fetch.get(wire.url("/a"), access=home(wire.url(), X_Key="k-é"))
    assert response.body == b"ok"
    assert SENT in wire.asked[0].raw
    assert b"X-Key: k-\xc3\xa9\r\n" in wire.asked[0].raw


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 T", "308 P"])
async def test_no_redirect_carries_a_login_to_another_origin(status):
    async def lead_away(talk):
        if talk.target == "/home":
            await talk.answer(b"home again")
        else:
            await talk.answer(b"", f"Location: {far.url('/')}", status=status)

    async def lead_back(talk):
        await talk.answer(b"", f"Location: {near.url('/home')}", status="302 Found")

    async with raw_server(lead_away) as near, raw_server(lead_back) as far, client() as fetch:
        response = await fetch.get(near.url("/start"), access=home(near.url(), X_Key="secret"))
    assert response.body == b"home again"
    (stranger,) = far.asked
    for secret in (b"Authorization", b"X-Key", b"secret", b"Basic"):
        assert secret not in stranger.raw
    assert [SENT in talk.raw for talk in near.asked] == [True, True]


async def test_the_same_host_over_plain_http_is_another_origin(certificate):
    """An upgrade would be harmless, a downgrade shows the password: neither carries it."""

    async def lead_down(talk):
        await talk.answer(b"", f"Location: {plain.url('/')}", status="302 Found")

    async def closed(talk):
        await talk.answer(b"who are you?", status="401 Unauthorized")

    tls = server_tls(certificate)
    async with raw_server(closed) as plain, raw_server(lead_down, tls=tls) as secure:
        start = f"https://localhost:{secure.port}/"
        access = home(start, route=Route(ca=str(certificate.cert)))
        async with client(allow=BOTH) as fetch:
            with pytest.raises(HttpError) as caught:
                await fetch.get(start, access=access)
    assert SENT in secure.asked[0].raw
    assert b"Authorization" not in plain.asked[0].raw
    assert str(caught.value) == (
        "the server answered 401 (Unauthorized); a redirect led to "
        f"{plain.url('').rstrip('/')}, which is told neither auth nor headers"
    )


async def test_what_belongs_to_a_source_goes_to_no_other_address():
    """Links of its entries lead anywhere: whoever fetches them may name the source all the same."""
    async with raw_server(ok) as wire, client() as fetch:
        await fetch.get(wire.url(), access=home("https://bao.example/"))
        await fetch.get(wire.url(), access=home(f"http://127.0.0.1:{wire.port + 1}/"))
    assert not [talk for talk in wire.asked if b"Authorization" in talk.raw]


def test_an_access_shows_no_secret():
    access = home("https://bao.example/", route=Route(proxy_auth=Secret("Basic geheim")), X="k")
    assert "Secret('***')" in repr(access)
    assert not any(text in repr(access) for text in ("geheim", "dMOtb", "'k'"))


# -- a form ------------------------------------------------------------------------------------


async def test_a_form_is_posted_and_only_307_and_308_carry_it_on():
    async def script(talk):
        if talk.target == "/on":
            await talk.answer(b"", "Location: /end", status="308 P")
        elif talk.target == "/lost":
            await talk.answer(b"", "Location: /end", status="302 Found")
        else:
            await talk.answer(b"", status="202 Accepted")

    async with raw_server(script) as wire, client() as fetch:
        assert (await fetch.post(wire.url("/on"), {"a": "é&"})).status == 202
        with pytest.raises(FetchError, match="would lose the question"):
            await fetch.post(wire.url("/lost"), {"a": "b"})
    assert [talk.raw.split()[0] for talk in wire.asked] == [b"POST", b"POST", b"POST"]
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    assert all(
        form in talk.raw and b"Content-Length: 11\r\n" in talk.raw for talk in wire.asked[:2]
    )


async def test_a_form_is_not_posted_into_a_private_network():
    async with raw_server(ok) as wire, client(allow=[]) as fetch:
        with pytest.raises(ForbiddenAddressError):
            await fetch.post(wire.url(), {"a": "b"})
    assert wire.asked == []


# -- a proxy -----------------------------------------------------------------------------------


async def test_a_proxy_is_asked_instead_of_the_site():
    async with raw_server(ok) as wire, forward_proxy() as proxy, client() as fetch:
        access = home(wire.url(), route=Route(proxy=proxy.url), X_Key="k")
        assert (await fetch.get(wire.url("/a?b=%2F"), access=access)).body == b"ok"
        assert (await fetch.get(wire.url("/direct"))).body == b"ok"
    (head,) = proxy.heads
    assert head.startswith(f"GET {wire.url('/a?b=%2F')} HTTP/1.1\r\n".encode())
    assert b"User-Agent: Bantin/1 (+https://tin.example.vn)\r\n" in head
    assert SENT in wire.asked[0].raw


def _client_sides():
    every = (one for one in gc.get_objects() if isinstance(one, sslproto.SSLProtocol))
    return [one for one in every if not one._server_side]


async def test_a_secure_connection_keeps_little_memory(certificate):
    """With asyncio's own 256 KB each, 385 at once took 126 MB instead of 55."""
    before = _client_sides()  # of other tests, which nobody has collected yet
    kept = []

    async def look(talk):
        kept.extend(len(one._ssl_buffer) for one in _client_sides() if one not in before)
        await talk.answer(b"x" * 300_000)

    route = Route(ca=str(certificate.cert))
    tls = server_tls(certificate)
    async with raw_server(look, tls=tls) as wire, client(allow=BOTH) as fetch:
        url = f"https://localhost:{wire.port}/"
        answer = await fetch.get(url, access=home(url, route=route))
    assert answer.body == b"x" * 300_000
    assert kept == [BUFFER_BYTES]


async def test_connections_that_others_make_are_as_asyncio_has_them(certificate):
    """Ours are small without a word to the rest of the process."""
    tls = server_tls(certificate)
    trust = ssl.create_default_context(cafile=str(certificate.cert))
    async with raw_server(ok, tls=tls) as wire, client(allow=BOTH) as fetch:
        url = f"https://localhost:{wire.port}/"
        route = Route(ca=str(certificate.cert))
        assert (await fetch.get(url, access=home(url, route=route))).body == b"ok"
        before = _client_sides()
        reader, writer = await asyncio.open_connection("localhost", wire.port, ssl=trust)
        theirs = [len(one._ssl_buffer) for one in _client_sides() if one not in before]
        writer.close()
        del reader
    assert theirs == [256 * 1024]


async def test_a_server_that_never_shakes_hands_is_given_up(certificate):
    async def mute(_reader, writer):
        await asyncio.sleep(30)
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    limits = FetchLimits(connect_s=0.3)
    async with Client("Bantin/1", ["127.0.0.0/8"], limits=limits) as fetch:
        with pytest.raises(FetchError, match=r"no connection within 0\.3 s"):
            await fetch.get(url)
    server.close()


async def test_a_server_that_hangs_up_at_the_handshake_is_told(certificate):
    async def rude(reader, writer):
        await reader.read(100)
        writer.transport.abort()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with Client("Bantin/1", ["127.0.0.0/8"]) as fetch:
        with pytest.raises(FetchError, match="no connection to"):
            await fetch.get(url)
    server.close()


async def test_through_a_tunnel_the_proxy_sees_no_secret_of_the_site(certificate):
    tls = server_tls(certificate)
    login = basic("office", "pw")
    async with (
        raw_server(ok, tls=tls) as wire,
        forward_proxy(login.reveal().encode()) as proxy,
        client(allow=BOTH) as fetch,
    ):
        url = f"https://localhost:{wire.port}/"
        route = Route(proxy.url, login, ca=str(certificate.cert))
        assert (await fetch.get(url, access=home(url, route=route))).body == b"ok"
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT localhost:{wire.port} HTTP/1.1\r\n".encode())
    assert b"User-Agent: Bantin/1 (+https://tin.example.vn)\r\n" in head
    assert b"\r\nAuthorization" not in head
    assert SENT in wire.asked[0].raw
    assert b"Proxy-Authorization" not in wire.asked[0].raw


async def test_a_proxy_that_wants_a_login_says_so(certificate):
    tls = server_tls(certificate)
    async with (
        raw_server(ok, tls=tls) as wire,
        forward_proxy(b"Basic x") as proxy,
        client(allow=BOTH) as fetch,
    ):
        for scheme, said in (("https", "the proxy refused: it answered 407"), ("http", "407")):
            with pytest.raises(FetchError, match=said):
                url = f"{scheme}://localhost:{wire.port}/"
                await fetch.get(url, access=way(proxy=proxy.url, ca=str(certificate.cert)))
    assert wire.asked == []


async def test_a_proxy_in_a_network_that_is_not_opened_is_not_entered():
    async with raw_server(ok) as wire, forward_proxy() as proxy, client(allow=[]) as fetch:
        with pytest.raises(ForbiddenAddressError, match=r"the proxy: 127\.0\.0\.1 is this machine"):
            await fetch.get("http://93.184.216.34/", access=way(proxy=proxy.url))
    assert (proxy.heads, wire.asked) == ([], [])


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.5/", "http://0x0a000005/", "http://[::ffff:10.0.0.5]/", "https://10.0.0.5/"],
)
async def test_a_proxy_is_never_asked_for_a_private_address(target):
    async def lead_inside(talk):
        await talk.answer(b"", f"Location: {target}", status="302 Found")

    async with raw_server(lead_inside) as wire, forward_proxy() as proxy, client() as fetch:
        for url in (target, wire.url()):
            with pytest.raises(ForbiddenAddressError):
                await fetch.get(url, access=way(proxy=proxy.url))
    assert len(proxy.heads) == 1  # the redirect itself


async def test_a_name_that_leads_inside_is_not_handed_to_a_proxy():
    resolver = Answers("10.0.0.5")
    async with forward_proxy() as proxy, client(resolver=resolver) as fetch:
        with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.5"):
            await fetch.get("http://innocent.example/", access=way(proxy=proxy.url))
    assert proxy.heads == []


async def test_a_name_that_only_the_proxy_knows_is_left_to_it():
    async with (
        raw_server(ok) as wire,
        forward_proxy(portal="127.0.0.1") as proxy,
        client() as fetch,
    ):
        url = f"http://portal.invalid:{wire.port}/"
        assert (await fetch.get(url, access=way(proxy=proxy.url))).body == b"ok"
    assert urlsplit(proxy.heads[0].split()[1].decode()).hostname == "portal.invalid"


async def test_behind_a_proxy_too_a_redirect_from_outside_enters_no_opened_network():
    async def lead_inside(talk):
        await talk.answer(b"", f"Location: {inner.url()}", status="302 Found")

    async with (
        raw_server(ok) as inner,
        raw_server(lead_inside) as outer,
        forward_proxy(outside="127.0.0.1") as proxy,
        client() as fetch,
    ):
        access = way(proxy=proxy.url)
        assert (await fetch.get(outer.url(), access=access)).body == b"ok"
        with pytest.raises(ForbiddenAddressError):
            await fetch.get(f"http://outside.invalid:{outer.port}/", access=access)
    assert len(inner.asked) == 1


async def test_what_a_stranger_names_enters_no_opened_network_but_the_proxy_may_stand_in_one():
    async with (
        raw_server(ok) as wire,
        forward_proxy(outside="127.0.0.1") as proxy,
        client() as fetch,
    ):
        access = way(proxy=proxy.url)
        outside = f"http://outside.invalid:{wire.port}/"
        assert (await fetch.get(outside, access=access, enters=False)).body == b"ok"
        assert (await fetch.post(outside, {}, access=access, enters=False)).body == b"ok"
        for kind in (access, None):
            with pytest.raises(ForbiddenAddressError):
                await fetch.get(wire.url(), access=kind, enters=False)
    assert len(wire.asked) == 2


async def test_a_proxy_that_is_down_is_named():
    async with client() as fetch:
        with pytest.raises(FetchError, match=r"no connection to the proxy 127\.0\.0\.1:1: "):
            await fetch.get("http://127.0.0.1:2/", access=way(proxy="http://127.0.0.1:1"))


# -- servers of old ----------------------------------------------------------------------------


def server_tls(certificate, *, oldest=False, ciphers=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate.cert, certificate.key)
    if oldest:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = ssl.TLSVersion.TLSv1
            made.maximum_version = ssl.TLSVersion.TLSv1
        made.set_ciphers("ALL:@SECLEVEL=0")
    if ciphers:
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers(ciphers)
    return made


@pytest.mark.parametrize(
    "old",
    [{"oldest": True}, {"ciphers": "AES128-SHA:@SECLEVEL=0"}],
    ids=["TLS 1.0", "no forward secrecy, SHA-1"],
)
async def test_a_server_of_old_is_read_with_legacy_alone(certificate, old):
    tls = server_tls(certificate, **old)
    async with raw_server(ok, tls=tls) as wire, client(allow=BOTH) as fetch:
        url = f"https://localhost:{wire.port}/"
        ca = str(certificate.cert)
        if old.get("oldest"):
            with pytest.raises(FetchError, match='may need tls = "legacy"'):
                await fetch.get(url, access=way(ca=ca))
        response = await fetch.get(url, access=way(ca=ca, legacy=True))
    assert response.body == b"ok"


@pytest.fixture
def small_group(certificate, tmp_path):
    """Diffie-Hellman parameters of 1024 bits."""
    made = ["openssl", "dhparam", "-dsaparam", "-out", "dh.pem", "1024"]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "dh.pem"


async def test_a_small_diffie_hellman_group_is_read_with_legacy_alone(certificate, small_group):
    tls = server_tls(certificate, ciphers="DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
    tls.load_dh_params(str(small_group))
    async with raw_server(ok, tls=tls) as wire, client(allow=BOTH) as fetch:
        url = f"https://localhost:{wire.port}/"
        ca = str(certificate.cert)
        with pytest.raises(FetchError, match='may need tls = "legacy"'):
            await fetch.get(url, access=way(ca=ca))
        assert (await fetch.get(url, access=way(ca=ca, legacy=True))).body == b"ok"


async def test_legacy_still_checks_whose_certificate_it_is(certificate):
    tls = server_tls(certificate, oldest=True)
    async with raw_server(ok, tls=tls) as wire, client(allow=BOTH) as fetch:
        for host, route in (
            ("localhost", way(legacy=True)),  # nobody vouches for it
            ("127.0.0.1", way(legacy=True, ca=str(certificate.cert))),  # another name
        ):
            with pytest.raises(FetchError, match=f"the certificate of {host} is not valid"):
                await fetch.get(f"https://{host}:{wire.port}/", access=route)
    assert wire.asked == []


async def test_a_certificate_of_ones_own_is_trusted_where_it_is_named(certificate):
    async with raw_server(ok, tls=server_tls(certificate)) as wire, client(allow=BOTH) as fetch:
        url = f"https://localhost:{wire.port}/"
        with pytest.raises(FetchError, match="name its issuer in ca"):
            await fetch.get(url)
        assert (await fetch.get(url, access=way(ca=str(certificate.cert)))).body == b"ok"
        with pytest.raises(FetchError, match="is not valid"):
            await fetch.get(url)  # the others trust it no more than before
        with pytest.raises(FetchError, match="cannot be read"):
            await fetch.get(url, access=way(ca="/no/such/file"))
