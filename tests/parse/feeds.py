"""Generated feeds: plain ones, and such as are built to leak from one entry into the next."""

from __future__ import annotations

from hypothesis import strategies as st

TEXTS = st.sampled_from(
    [
        "", "  ", "Tin một", "a &amp; b", "&lt;p&gt;x&lt;/p&gt;", "caf\u00e9", "\u00c3\u00a9",
        "x\x85y", "&amp;nbsp;z", "2026-11-24T08:00:00Z", "Tue, 24 Nov 2026 08:05:00 +0700",
        "http://a.example/x?a=1&amp;b=2", "/rel/y", "https://b.example/", "text/html", "vi",
        "<![CDATA[<b>fett</b> & mehr]]>", "aGFsbG8=", "a@b.example (Ann)",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "title", "link", "description", "guid", "pubDate", "author", "category", "summary",
        "content", "id", "updated", "published", "body", "image", "url", "source", "enclosure",
        "language", "name", "email", "uri", "dc:creator", "dc:date", "dc:subject", "dc:language",
        "content:encoded", "media:content", "media:group", "media:thumbnail", "media:title",
        "media:description", "itunes:image", "itunes:keywords", "itunes:author", "textinput",
        "unknown", "x:unknown", "width", "item2", "comments", "rights", "xhtml:div", "xhtml:body",
        "xhtml:title", "svg:svg", "div", "p", "tags", "created", "expirationDate", "georss:point",
        "gml:Point", "gml:pos", "psc:chapters", "psc:chapter", "feedburner:origLink", "contributor",
    ]
)  # fmt: skip
ATTRIBUTES = st.sampled_from(
    [
        "", "", "", "", ' type="html"', ' type="xhtml"', ' type="text"', ' type="text/plain"',
        ' type="application/xhtml+xml"', ' xml:base="http://b.example/x/"', ' xml:lang="fr"',
        ' lang="de"', ' href="http://c.example/1"', ' href="rel" rel="enclosure" type="IMAGE/JPEG"',
        ' rel="alternate" href="/one"', ' isPermaLink="false"', ' mode="base64"', ' term="T"',
        ' url="http://c.example/p.jpg" medium="image"', ' xmlns="http://www.w3.org/1999/xhtml"',
        ' xmlns:x="http://x.example/"', ' xmlns:dc="http://purl.org/dc/terms/"', ' domain="d"',
        ' xlink:href="u" xmlns:xlink="http://www.w3.org/1999/xlink"', ' REL="Self" HREF="s"',
        ' src="http://c.example/s"', ' rdf:about="http://c.example/about"',
    ]
)  # fmt: skip


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> str:
    """One element, perhaps with others in it."""
    name, attributes = draw(NAMES), draw(ATTRIBUTES)
    inner = draw(TEXTS)
    if depth and draw(st.integers(0, 3)) == 0:
        inner += "".join(draw(st.lists(elements(depth - 1), max_size=3)))
    return f"<{name}{attributes}>{inner}</{name}>"


@st.composite
def entries(draw: st.DrawFn, name: str) -> str:
    """One entry; most have a guid of their own."""
    own = draw(st.integers(0, 10_000))
    told = draw(
        st.sampled_from(
            [f"<guid>g{own}</guid>", f"<id>tag:{own}</id>", f"<link>http://a.example/{own}</link>"]
        )
    )
    inner = "".join(draw(st.lists(elements(), max_size=6)))
    head = draw(st.sampled_from(["", "", "", ' xml:base="http://d.example/"', ' xml:lang="es"']))
    return f"<{name}{head}>{told}{inner}</{name}>"


NAMESPACES = (
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:xhtml="http://www.w3.org/1999/xhtml" xmlns:svg="http://www.w3.org/2000/svg"'
    ' xmlns:x="http://other.example/" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' xmlns:georss="http://www.georss.org/georss" xmlns:gml="http://www.opengis.net/gml"'
    ' xmlns:psc="http://podlove.org/simple-chapters"'
    ' xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
)


@st.composite
def shells(draw: st.DrawFn) -> tuple[str, str, str]:
    """What stands around the entries, and how these are called."""
    head = "".join(draw(st.lists(elements(1), max_size=3)))
    base = draw(st.sampled_from(["", "", ' xml:base="http://e.example/"', ' xml:lang="vi"']))
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return f'<rss version="2.0"{NAMESPACES}{base}><channel>{head}', "item", "</channel></rss>"
    if kind == 1:
        atom = f'<feed xmlns="http://www.w3.org/2005/Atom"{NAMESPACES}{base}>{head}'
        return atom, "entry", "</feed>"
    rdf = f'<rdf:RDF xmlns="http://purl.org/rss/1.0/"{NAMESPACES}{base}><channel>{head}</channel>'
    return rdf, "item", "</rdf:RDF>"


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """One feed as UTF-8."""
    before, name, after = draw(shells())
    inner = draw(st.lists(entries(name), max_size=4))
    return f"{before}{chr(10).join(inner)}{after}".encode()


@st.composite
def two_documents(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A feed now and later: entries are new, changed, gone, moved; sometimes the head changed."""
    before, name, after = draw(shells())
    pool = draw(st.lists(entries(name), min_size=1, max_size=5))
    fresh = draw(st.lists(entries(name), max_size=3))
    kept = draw(st.permutations(pool)) if draw(st.booleans()) else pool
    kept = list(kept)[draw(st.integers(0, 1)) :]
    later = [*fresh, *kept]
    other = draw(shells()) if draw(st.integers(0, 5)) == 0 else None
    if other is not None and other[1] == name and other[2] == after:
        second = f"{other[0]}{chr(10).join(later)}{after}"
    else:
        second = f"{before}{chr(10).join(later)}{after}"
    return f"{before}{chr(10).join(pool)}{after}".encode(), second.encode()
