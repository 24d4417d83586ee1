"""Synthetic pages of the kinds that press offices and outlets serve, made of invented news."""

from __future__ import annotations

import re

OTHERS = (
    "Hội nghị trực tuyến toàn quốc tổng kết công tác năm học 2025 - 2026",
    "Khánh thành trường mầm non thị trấn Bích Động sau hai năm xây dựng",
    "Tỉnh đoàn phát động tháng thanh niên tình nguyện vì cộng đồng",
    "Đoàn công tác kiểm tra tiến độ đường vành đai phía đông thành phố",
)

PARAGRAPHS = tuple(
    " ".join(one.split())
    for one in re.split(
        r"\n\s*\n",
        """
    Chiều 23/11, Ban Tuyên giáo Tỉnh ủy phối hợp với Ban Cán sự Đảng UBND tỉnh tổ chức Hội nghị giao
    ban công tác khoa giáo quý IV; triển khai nhiệm vụ năm 2027.

    Hội nghị nghe báo cáo kết quả 10 năm thực hiện Chỉ thị số 38-CT/TW ngày 7/9/2009 của Ban Bí thư,
    Quyết định số 623-QĐ/TU và Nghị định số 30/2020/NĐ-CP về công tác văn thư.

    Phát biểu tại Hội nghị, đồng chí Trưởng Ban đề nghị các sở, ngành, cơ quan trong khối tăng cường
    phối hợp, cung cấp thông tin kịp thời, đúng định hướng cho báo chí và Nhân dân.

    Các đại biểu cũng thảo luận về việc sơ kết 6 tháng, tổng kết năm, những hạn chế còn tồn tại và
    phương hướng khắc phục trong thời gian tới của từng địa phương, đơn vị.
    """,
    )
)
TITLE = "Tăng cường phối hợp để nâng cao chất lượng công tác khoa giáo"
LEAD = (
    "Hội nghị giao ban quý IV thống nhất nhiều giải pháp để thông tin khoa giáo đến với người dân "
    "sớm hơn, đầy đủ hơn."
)


def _list(titles: tuple[str, ...] = OTHERS) -> str:
    return "<ul>" + "".join(
        f'<li><a href="/-/asset_publisher/x/content/{n}">{title}</a></li>'
        for n, title in enumerate(titles)
    ) + "</ul>"  # fmt: skip


def liferay(*, named: bool = True) -> str:
    """A provincial portal: no meta, no JSON-LD, a date line, boxes around the text.

    `named`: whether its elements are called what they are.
    """

    def c(name: str) -> str:
        return f' class="{name}"' if named else ""

    text = "".join(f'<p style="text-align:justify">{one}</p>' for one in PARAGRAPHS)
    return f"""<!DOCTYPE html><html lang="vi-VN"><head>
<title>{TITLE} - Cổng thông tin điện tử tỉnh</title>
<meta http-equiv="content-type" content="text/html; charset=UTF-8"></head><body>
<form action="/tim"><input name="q"><button>Tìm kiếm</button></form>
<h1><a href="/">CỔNG THÔNG TIN ĐIỆN TỬ TỈNH</a></h1>
<ul><li><a href="/gioi-thieu">Giới thiệu</a></li><li><a href="/tin-tuc">Tin tức - Sự kiện</a></li>
<li><a href="/van-ban">Hệ thống văn bản chỉ đạo điều hành của tỉnh</a></li></ul>
<div>Thứ Tư, 25/11/2026</div>
<div{c("journal-content-article")}>
<h2{c("title")}>{TITLE}</h2>
<div{c("date")}>Thứ Ba, 24/11/2026, 08:05</div>
<div{c("sapo")}><strong>{LEAD}</strong></div>
<p><img src="/documents/hoi-nghi.jpg" width="600" height="400" alt="Hội nghị"></p>
{text}
<p style="text-align:right"><strong>Hoàng Chung</strong></p>
</div>
<div><h3>Có thể bạn quan tâm</h3>{_list(OTHERS[:2])}</div>
<div><h3>Phản hồi</h3><p>Thông tin người gửi phản hồi</p>
<form action="/gui"><input name="ten"><textarea name="y"></textarea>
<button>Gửi</button></form></div>
<div><h3>Các tin khác</h3>{_list(OTHERS[1:])}</div>
<div><h3>Mới nhất</h3>{_list()}</div>
<div><h3>Liên kết website</h3><select><option>Cổng Chính phủ</option></select></div>
<div><h3>Xem nhiều nhất</h3>{_list()}</div>
<div>Bản quyền thuộc Cổng thông tin điện tử tỉnh. Giấy phép số 12/GP-TTĐT. Ghi rõ nguồn khi phát
hành lại thông tin từ trang này.</div></body></html>"""


def aspnet() -> str:
    """An older one: the page in one form, tables, lines parted by breaks, plain related titles."""
    lines = "<br><br>".join(PARAGRAPHS)
    plain = "<br>".join(f'<a href="tin.aspx?id={n}">- {one}</a> (20/11)'
                        for n, one in enumerate(OTHERS))  # fmt: skip
    return f"""<html><head><title>Chi tiết tin</title></head><body>
<form name="aspnetForm" method="post" action="./chitiet.aspx?id=77">
<input type="hidden" name="__VIEWSTATE" value="{"x" * 3000}">
<table width="1000"><tr><td colspan="3"><img src="banner.jpg"></td></tr>
<tr><td width="200"><a href="default.aspx">Trang chủ</a><br>
<a href="tin.aspx">Tin hoạt động</a></td>
<td><table><tr><td class="TieuDe">{TITLE}</td></tr>
<tr><td><i>Cập nhật lúc 08:05 ngày 24/11/2026</i></td></tr>
<tr><td><b>{LEAD}</b></td></tr>
<tr><td>{lines}</td></tr><tr><td align="right"><b>Hoàng Chung</b></td></tr>
<tr><td><b>Các tin đã đưa:</b><br>{plain}</td></tr></table></td>
<td width="200"><b>Xem nhiều nhất</b>{_list()}</td></tr></table></form></body></html>"""


def newspaper(**changes: str) -> str:
    """A newspaper: JSON-LD, meta, inline boxes about other articles, an author's account."""
    told = {
        "headline": TITLE,
        "published": "2026-11-24T08:05:00",
        "meta": "2026-11-24T08:05:41+07:00",
        "seo": "Nâng cao chất lượng công tác khoa giáo, tăng cường phối hợp",
        "description": LEAD,
        "author": '{"@type":"Person","name":"Theo Minh Anh"}',
        "line": "Thứ ba, 24/11/2026 - 08:05 (GMT+7)",
        "h1": TITLE,
        **changes,
    }
    teaser = f"""<div class="VCSortableInPreviewMode" type="RelatedOneNews">
<a href="/khac-1.htm"><img src="/a.jpg" width="150" height="100"></a>
<a href="/khac-1.htm" class="title">{OTHERS[0]}</a>
<p>Ngành giáo dục tổng kết năm học và bàn về những việc phải làm ngay.</p></div>"""
    text = "".join(f"<p>{one}</p>" for one in PARAGRAPHS[:2])
    rest = "".join(f"<p>{one}</p>" for one in PARAGRAPHS[2:])
    return f"""<!DOCTYPE html><html lang="vi"><head><title>{told["seo"]} - Báo Tỉnh</title>
<link rel="canonical" href="https://baotinh.example.vn/tin/khoa-giao-123.htm">
<meta property="og:title" content="{told["seo"]}">
<meta property="og:site_name" content="Báo Tỉnh">
<meta property="og:description" content="{told["description"]}">
<meta property="og:image" content="https://cdn.example.vn/anh.jpg">
<meta property="article:published_time" content="{told["meta"]}">
<meta name="author" content="BÁO TỈNH ONLINE">
<script type="application/ld+json">{{"@type":"Organization","name":"Báo Tỉnh"}}</script>
<script type="application/ld+json">
{{"@context":"http://schema.org","@type":"NewsArticle","headline":"{told["headline"]}",
"description":"{told["description"]}","datePublished":"{told["published"]}",
"author":{told["author"]},"publisher":{{"@type":"Organization","name":"Báo Tỉnh"}},}}
</script></head><body><nav><a href="/">Trang chủ</a><a href="/thoi-su">Thời sự trong tỉnh</a></nav>
<div class="main"><span class="time">{told["line"]}</span><h1 class="title-detail">{told["h1"]}</h1>
<h2 class="detail-sapo">{LEAD}</h2><div class="detail-content">{text}
<figure><img src="/b.jpg"><figcaption>Quang cảnh hội nghị. Ảnh: Báo Tỉnh</figcaption></figure>
{teaser}{rest}<p>Xem thêm: <a href="/khac-2.htm">{OTHERS[1]}</a></p></div>
<div class="tin-lien-quan"><b>Tin liên quan</b>{_list()}</div>
<div class="box-comment"><h4>Bình luận (2)</h4><p>Tôi rất mong thông tin như thế này đến với bà con
vùng cao sớm hơn nữa, và mong được đọc các kỳ tiếp theo của loạt bài.</p></div></div>
<footer>Tổng biên tập: Nguyễn Văn A. Giấy phép số 12/GP-BTTTT do Bộ cấp ngày 1/1/2020.</footer>
</body></html>"""
