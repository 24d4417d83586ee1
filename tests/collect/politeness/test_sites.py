"""What counts as one site."""

from __future__ import annotations

import subprocess
import sys

from service.collect.politeness.site_rules import SiteRules, is_own_machine
from service.config.schema import Collect, PerSite, Source
from service.model import Scope
from service.text.web.sites import site_of
from tests.levels import table


@table(
    ("url", "site"),
    [
        ("https://vnexpress.net/rss/giao-duc.rss", "vnexpress.net"),
        ("https://sohoa.VnExpress.net:8443/x", "vnexpress.net"),
        ("https://snv.bacninh.gov.vn/rss", "bacninh.gov.vn"),
        ("https://phuong.x.bacninh.gov.vn./rss", "bacninh.gov.vn"),
        ("https://www.thanhnien.com.vn/rss", "thanhnien.com.vn"),
        ("https://www.bbc.co.uk/news", "bbc.co.uk"),
        ("https://news.city.kawasaki.jp/", "city.kawasaki.jp"),
        ("https://a.b.parliament.uk/", "parliament.uk"),
        ("https://a.tumblr.com/rss", "tumblr.com"),
        ("https://a.blogspot.com/rss", "a.blogspot.com"),
        ("https://x.a.github.io/feed", "a.github.io"),
        ("https://x.y.fm/rss", "y.fm"),
        ("https://tuoitre.vn/", "tuoitre.vn"),
        ("https://a.b.unheard-of/", "b.unheard-of"),
        ("https://www.báo.vn/", "xn--bo-mia.vn"),
        ("https://a.b.公司.cn/", "b.xn--55qx5d.cn"),
        ("http://localhost:8000/", "localhost"),
        ("http://203.113.131.1/x", "203.113.131.1"),
        ("http://[2a00:1450::1]/x", "2a00:1450::1"),
        ("http://[bad", "http://[bad"),
    ],
)
def test_the_site_of_an_address(url, site):
    assert site_of(url) == site


def test_a_site_may_be_a_host_or_a_single_source():
    one, other = "https://hub.example.org/weibo/1", "https://hub.example.org/zhihu/2"
    assert site_of(one, Scope.HOST) == "hub.example.org"
    assert site_of(one, Scope.SOURCE) != site_of(other, Scope.SOURCE)
    assert site_of(one) == site_of(other) == "example.org"
    assert PerSite(scope="host").scope is Scope.HOST
    assert PerSite().scope is Scope.DOMAIN


def test_this_machine_is_known():
    assert is_own_machine("http://127.0.0.1:8000/feed")
    assert is_own_machine("http://localhost/feed")
    assert not is_own_machine("https://tuoitre.vn/rss")
    assert not is_own_machine("http://[bad")


def test_the_list_is_read_only_when_a_name_needs_it():
    code = (
        "import sys\n"
        "from service.text.web.sites import site_of\n"
        "site_of('http://127.0.0.1/x'); site_of('https://tuoitre.vn/rss')\n"
        "assert 'publicsuffixlist' not in sys.modules\n"
        "site_of('https://www.tuoitre.vn/rss')\n"
        "assert 'publicsuffixlist' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@table(
    ("own", "named", "enters"),
    [
        ("http://10.0.0.5/tin", "http://10.0.0.9/bai", True),
        ("http://localhost/tin", "http://127.0.0.1/bai", False),  # nobody opened this machine
        ("http://cong.tinh.vn/tin", "http://cong.tinh.vn:81/bai", True),
        ("http://cong.tinh.vn/tin", "http://bao.tinh.vn/bai", True),
        ("http://cong/tin", "http://bao/bai", False),
        ("https://bao.example/rss", "http://10.0.0.9/bai", False),
        ("http://192.168.0.5/rss", "http://10.0.0.9/bai", False),
    ],
)
def test_opened_networks_are_open_to_few_that_a_document_names(own, named, enters):
    rules = SiteRules(Source(url=own), Collect(allow_networks=("10.0.0.0/8",)))
    assert rules.enters(named) is enters
