"""Pairs of our own making: alike by their template only, and one event told twice.

Every two fills of a template are a trap. The true pairs stand in TRUE.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

Told = tuple[str, str]
"""Title and text."""

_TEMPLATES: list[tuple[str, str, list[dict[str, str]]]] = [
    (
        "UBND xã {xa} ban hành Kế hoạch {viec}",
        (
            "Ngày {ngay}, UBND xã {xa} ban hành Kế hoạch số {so}/KH-UBND về {viec} trên địa bàn "
            "xã. Mục đích của kế hoạch là cụ thể hóa các nhiệm vụ, giải pháp đã được cấp trên "
            "giao, bảo đảm thiết thực, hiệu quả, tiết kiệm, phù hợp với tình hình thực tế của địa"
            " phương. Các ban, ngành, đoàn thể, trưởng các thôn tuyên truyền, vận động nhân dân "
            "tích cực hưởng ứng. {them} Trong quá trình tổ chức thực hiện, nếu có khó khăn, vướng"
            " mắc, các đơn vị kịp thời phản ánh về Văn phòng HĐND và UBND xã để được hướng dẫn, "
            "giải quyết."
        ),
        [
            {
                "xa": "Tân Mộc",
                "viec": "ra quân làm thủy lợi nội đồng",
                "ngay": "4/11",
                "so": "118",
                "them": "Xã phấn đấu nạo vét 12 km kênh mương trước vụ xuân.",
            },
            {
                "xa": "Tân Mộc",
                "viec": "khám tuyển nghĩa vụ quân sự",
                "ngay": "18/11",
                "so": "126",
                "them": "Có 74 thanh niên thuộc diện gọi khám.",
            },
            {
                "xa": "Yên Thắng",
                "viec": "ra quân làm thủy lợi nội đồng",
                "ngay": "7/11",
                "so": "93",
                "them": "Mỗi thôn huy động ít nhất 40 lao động.",
            },
            {
                "xa": "Yên Thắng",
                "viec": "tổ chức Ngày hội Đại đoàn kết",
                "ngay": "2/11",
                "so": "88",
                "them": "Phần hội có giải bóng chuyền và hội thi nấu ăn.",
            },
        ],
    ),
    (
        "Thời tiết {thu} ({ngay}): {dau}",
        (
            "Dự báo ngày và đêm {ngay}, khu vực Hà Nội {dau}, gió nhẹ, nhiệt độ từ {thap} đến "
            "{cao} độ C. Các tỉnh Tây Bắc Bộ và Đông Bắc Bộ {nui}. Khu vực Trung Trung Bộ có mưa "
            "rào rải rác, Tây Nguyên và Nam Bộ ngày nắng, chiều tối và đêm có mưa rào và dông. "
            "Trên biển, vùng biển từ Bình Thuận đến Cà Mau có gió mạnh cấp {gio}, sóng cao {song}"
            " m. Người dân cần đề phòng tố, lốc và gió giật mạnh trong cơn dông."
        ),
        [
            {
                "thu": "thứ hai",
                "ngay": "6/7",
                "dau": "nắng nóng gay gắt",
                "thap": "28",
                "cao": "38",
                "nui": "nắng nóng, có nơi trên 38 độ C",
                "gio": "5",
                "song": "1,5-2,5",
            },
            {
                "thu": "thứ ba",
                "ngay": "7/7",
                "dau": "nắng nóng dịu dần",
                "thap": "27",
                "cao": "35",
                "nui": "chiều tối có mưa dông vài nơi",
                "gio": "4",
                "song": "1-2",
            },
            {
                "thu": "thứ tư",
                "ngay": "8/7",
                "dau": "mưa dông về chiều",
                "thap": "25",
                "cao": "32",
                "nui": "mưa vừa, có nơi mưa to",
                "gio": "6",
                "song": "2-4",
            },
        ],
    ),
    (
        "Giá heo hơi hôm nay {ngay}: {dau}",
        (
            "Khảo sát sáng {ngay} cho thấy giá heo hơi tại miền Bắc {dau} và dao động quanh mức "
            "{bac} đồng/kg. Thương lái tại Hưng Yên, Thái Bình và Phú Thọ cùng thu mua với giá "
            "{hy} đồng/kg. Tại miền Trung - Tây Nguyên, giá ở khoảng {trung} đồng/kg. Ở miền Nam,"
            " heo hơi được giao dịch từ {nam} đồng/kg, cao nhất ở Đồng Nai. Theo các hộ chăn "
            "nuôi, nguồn cung trong dân không còn nhiều, trong khi chi phí thức ăn vẫn ở mức cao."
        ),
        [
            {
                "ngay": "9/4",
                "dau": "giảm nhẹ",
                "bac": "66.000 - 68.000",
                "hy": "67.000",
                "trung": "68.000 - 71.000",
                "nam": "70.000 - 72.000",
            },
            {
                "ngay": "10/4",
                "dau": "đi ngang",
                "bac": "65.000 - 67.500",
                "hy": "66.500",
                "trung": "67.500 - 70.000",
                "nam": "69.000 - 71.500",
            },
            {
                "ngay": "11/4",
                "dau": "tăng trở lại",
                "bac": "67.000 - 69.000",
                "hy": "68.500",
                "trung": "69.000 - 73.000",
                "nam": "72.500 - 74.000",
            },
        ],
    ),
    (
        "XSMT {ngay} - Kết quả xổ số miền Trung {thu}",
        (
            "Kết quả xổ số miền Trung {thu}, ngày {ngay} của đài {dai}. Giải đặc biệt: {db}. Giải"
            " nhất: {nhat}. Giải nhì: {nhi}. Giải ba: {ba}. Giải tư: {tu}. Vé trúng giải đặc biệt"
            " có giá trị 2 tỷ đồng. Khi đến lĩnh thưởng, khách hàng mang theo vé số trúng thưởng "
            "không rách rời, chắp vá và giấy tờ tùy thân. Thời hạn lĩnh thưởng là 30 ngày."
        ),
        [
            {
                "ngay": "1/8",
                "thu": "thứ bảy",
                "dai": "Đà Nẵng, Quảng Ngãi",
                "db": "204817",
                "nhat": "33190",
                "nhi": "76402",
                "ba": "11807, 62214",
                "tu": "90413, 55026",
            },
            {
                "ngay": "2/8",
                "thu": "chủ nhật",
                "dai": "Khánh Hòa, Kon Tum",
                "db": "918340",
                "nhat": "40552",
                "nhi": "01937",
                "ba": "73145, 28860",
                "tu": "16774, 83291",
            },
        ],
    ),
    (
        "{nha} {ty} {khach}: {dau}",
        (
            "Tiếp {khach} trên sân {san} ở vòng {vong} V-League, {nha} thắng {ty}. Ngay từ đầu "
            "trận, chủ nhà đẩy cao đội hình và sớm có bàn mở tỷ số nhờ công {ghi} ở phút {phut}. "
            "Bị dẫn trước, đội khách buộc phải dâng lên tìm bàn gỡ nhưng các pha dứt điểm thiếu "
            "chính xác. Những phút còn lại, hai đội có thêm vài cơ hội song thủ môn hai bên đều "
            "chơi tốt. Giành trọn 3 điểm, {nha} có {diem} điểm và tạm xếp thứ {hang}."
        ),
        [
            {
                "nha": "Nam Định",
                "khach": "Thanh Hóa",
                "ty": "2-0",
                "dau": "giữ vững ngôi đầu",
                "san": "Thiên Trường",
                "vong": "7",
                "ghi": "Rafaelson",
                "phut": "12",
                "diem": "16",
                "hang": "nhất",
            },
            {
                "nha": "Hải Phòng",
                "khach": "Bình Định",
                "ty": "1-0",
                "dau": "ba điểm nhọc nhằn",
                "san": "Lạch Tray",
                "vong": "8",
                "ghi": "Lucão",
                "phut": "77",
                "diem": "11",
                "hang": "năm",
            },
            {
                "nha": "Nam Định",
                "khach": "SLNA",
                "ty": "3-1",
                "dau": "ngược dòng ấn tượng",
                "san": "Thiên Trường",
                "vong": "9",
                "ghi": "Văn Toàn",
                "phut": "51",
                "diem": "19",
                "hang": "nhì",
            },
        ],
    ),
    (
        "Động đất {do} độ ở Kon Plông",
        (
            "Viện Vật lý địa cầu cho biết vào {gio} ngày {ngay}, một trận động đất có độ lớn {do}"
            " xảy ra tại tọa độ {vi} độ vĩ bắc, {kinh} độ kinh đông, độ sâu chấn tiêu khoảng "
            "{sau} km, thuộc huyện Kon Plông, tỉnh Kon Tum. Cấp độ rủi ro thiên tai do động đất "
            "là cấp 0. Trung tâm Báo tin động đất và cảnh báo sóng thần tiếp tục theo dõi."
        ),
        [
            {
                "do": "3,1",
                "gio": "8h12",
                "ngay": "15/9",
                "vi": "14,832",
                "kinh": "108,255",
                "sau": "8,1",
            },
            {
                "do": "4,0",
                "gio": "23h40",
                "ngay": "21/9",
                "vi": "14,779",
                "kinh": "108,301",
                "sau": "8,2",
            },
        ],
    ),
    (
        "Giá cà phê hôm nay {ngay}: {dau}",
        (
            "Giá cà phê trong nước hôm nay {ngay} {dau}, ghi nhận ở mức {gia} đồng/kg. Tại Đắk "
            "Lắk, cà phê được thu mua với giá {dl} đồng/kg, Gia Lai {gl} đồng/kg, Lâm Đồng {ld} "
            "đồng/kg. Trên sàn London, giá robusta kỳ hạn giao gần đứng ở {lon} USD/tấn. Trên sàn"
            " New York, arabica ở mức {ny} cent/lb. Lượng hàng tồn kho và thời tiết tại Brazil "
            "vẫn chi phối thị trường."
        ),
        [
            {
                "ngay": "3/10",
                "dau": "quay đầu giảm",
                "gia": "112.800",
                "dl": "113.000",
                "gl": "112.900",
                "ld": "112.300",
                "lon": "4.871",
                "ny": "257,1",
            },
            {
                "ngay": "4/10",
                "dau": "bật tăng mạnh",
                "gia": "115.400",
                "dl": "115.600",
                "gl": "115.500",
                "ld": "114.800",
                "lon": "5.002",
                "ny": "263,9",
            },
        ],
    ),
    (
        "Trường Đại học {ten} công bố điểm chuẩn năm 2026",
        (
            "Trường Đại học {ten} vừa công bố điểm chuẩn trúng tuyển đại học chính quy theo "
            "phương thức xét kết quả thi tốt nghiệp THPT. Ngành có điểm chuẩn cao nhất là {cao} "
            "với {dcao} điểm, thấp nhất là {thap} với {dthap} điểm. Thí sinh trúng tuyển xác nhận"
            " nhập học trực tuyến trên hệ thống của Bộ Giáo dục và Đào tạo trước 17h ngày 30/8. "
            "Năm nay trường tuyển {chi} chỉ tiêu."
        ),
        [
            {
                "ten": "Thủy lợi",
                "cao": "Công nghệ thông tin",
                "dcao": "25,1",
                "thap": "Kỹ thuật cấp thoát nước",
                "dthap": "18,2",
                "chi": "5.200",
            },
            {
                "ten": "Mỏ - Địa chất",
                "cao": "Kỹ thuật địa vật lý",
                "dcao": "24,6",
                "thap": "Địa kỹ thuật xây dựng",
                "dthap": "16,0",
                "chi": "3.450",
            },
        ],
    ),
    (
        "Tin bão số {so}: {dau}",
        (
            "Hồi {gio} ngày {ngay}, vị trí tâm bão số {so} (bão {ten}) ở vào khoảng {vi} độ vĩ "
            "bắc, {kinh} độ kinh đông. Sức gió mạnh nhất vùng gần tâm bão mạnh cấp {cap}, giật "
            "cấp {giat}. Dự báo trong 24 giờ tới, bão di chuyển theo hướng {huong}, mỗi giờ đi "
            "được khoảng {toc} km. Tàu thuyền hoạt động trong vùng nguy hiểm đều có khả năng chịu"
            " tác động của dông, lốc, gió mạnh và sóng lớn."
        ),
        [
            {
                "so": "3",
                "dau": "hướng vào vịnh Bắc Bộ",
                "gio": "7h",
                "ngay": "5/8",
                "ten": "Hải Yến",
                "vi": "19,2",
                "kinh": "112,4",
                "cap": "11",
                "giat": "14",
                "huong": "tây tây bắc",
                "toc": "15",
            },
            {
                "so": "4",
                "dau": "suy yếu trên biển",
                "gio": "13h",
                "ngay": "19/8",
                "ten": "Kim Chi",
                "vi": "16,8",
                "kinh": "115,0",
                "cap": "8",
                "giat": "10",
                "huong": "bắc đông bắc",
                "toc": "10",
            },
        ],
    ),
    (
        "{firm} reports {q} results",
        (
            "{firm} said on {day} that revenue for the {q} came to {rev} billion dollars, {dir} "
            "{pct} percent from a year earlier. Net profit was {net} million dollars, or {eps} "
            "dollars a share. Analysts had expected earnings per share of {exp} dollars. The "
            "company {guide} its outlook for the full year. Shares were little changed in "
            "after-hours trading. A call with analysts is to take place later in the day."
        ),
        [
            {
                "firm": "Norvane",
                "q": "second quarter",
                "day": "Tuesday",
                "rev": "4.1",
                "dir": "up",
                "pct": "7",
                "net": "312",
                "eps": "1.08",
                "exp": "1.02",
                "guide": "raised",
            },
            {
                "firm": "Halbrook",
                "q": "second quarter",
                "day": "Thursday",
                "rev": "9.7",
                "dir": "down",
                "pct": "3",
                "net": "641",
                "eps": "2.31",
                "exp": "2.40",
                "guide": "confirmed",
            },
        ],
    ),
    (
        "Kế hoạch của UBND tỉnh về {viec}",
        "",
        [
            {"viec": "phát triển vùng nguyên liệu chè an toàn"},
            {"viec": "xóa nhà tạm cho hộ nghèo"},
        ],
    ),
    (
        "Giá vàng SJC ngày {ngay}",
        "",
        [
            {"ngay": "14/2"},
            {"ngay": "15/2"},
        ],
    ),
    (
        "Bắt {so} người đánh bạc ở {xa}",
        (
            "Công an tỉnh {tinh} cho biết, rạng sáng {ngay}, tổ công tác "
            "của Phòng Cảnh sát hình sự "
            "bất ngờ kiểm tra một nhà dân ở {xa}, phát hiện {so} người đang đánh bạc ăn tiền dưới "
            "hình thức {hinh}. Tang vật thu giữ gồm {tien} triệu đồng, {may} điện thoại di động và "
            "nhiều vật dụng liên quan. Tại cơ quan công an, các đối tượng "
            "khai nhận toàn bộ hành vi. "
            "Vụ việc đang được điều tra, xử lý theo quy định của pháp luật."
        ),
        [
            {
                "so": "12",
                "xa": "Hương Lạc",
                "tinh": "Bắc Ninh",
                "ngay": "3/5",
                "hinh": "xóc đĩa",
                "tien": "48",
                "may": "9",
            },
            {
                "so": "9",
                "xa": "Ea Kao",
                "tinh": "Đắk Lắk",
                "ngay": "11/5",
                "hinh": "binh xập xám",
                "tien": "31",
                "may": "7",
            },
            {
                "so": "21",
                "xa": "Vĩnh Hậu",
                "tinh": "Cà Mau",
                "ngay": "19/5",
                "hinh": "đá gà",
                "tien": "112",
                "may": "16",
            },
        ],
    ),
    (
        "Chất lượng không khí Hà Nội ngày {ngay}: {dau}",
        (
            "Hệ thống quan trắc ghi nhận lúc {gio} ngày {ngay}, chỉ số chất lượng không khí (AQI) "
            "trung bình tại Hà Nội ở mức {aqi}, {dau}. Điểm cao nhất là "
            "{cao} với {acao}, thấp nhất "
            "là {thap} với {athap}. Nồng độ bụi mịn PM2.5 gấp {lan} lần khuyến nghị của WHO. Người "
            "già, trẻ em và người có bệnh hô hấp nên hạn chế ra ngoài, đeo khẩu trang đạt chuẩn."
        ),
        [
            {
                "ngay": "8/12",
                "dau": "ngưỡng đỏ",
                "gio": "8h",
                "aqi": "172",
                "cao": "Tây Hồ",
                "acao": "188",
                "thap": "Sơn Tây",
                "athap": "141",
                "lan": "15",
            },
            {
                "ngay": "9/12",
                "dau": "ngưỡng tím",
                "gio": "7h30",
                "aqi": "211",
                "cao": "Long Biên",
                "acao": "236",
                "thap": "Ba Vì",
                "athap": "163",
                "lan": "22",
            },
            {
                "ngay": "12/12",
                "dau": "cải thiện rõ",
                "gio": "9h",
                "aqi": "84",
                "cao": "Hà Đông",
                "acao": "97",
                "thap": "Sóc Sơn",
                "athap": "58",
                "lan": "4",
            },
        ],
    ),
    (
        "{xa} đạt chuẩn nông thôn mới nâng cao",
        (
            "Chiều {ngay}, xã {xa} long trọng tổ chức lễ đón bằng công nhận xã đạt chuẩn nông thôn "
            "mới nâng cao. Sau {nam} năm xây dựng, bộ mặt nông thôn có "
            "nhiều khởi sắc, đời sống vật "
            "chất, tinh thần của nhân dân được nâng lên. Thu nhập bình quân "
            "đầu người đạt {thu} triệu "
            "đồng, tỷ lệ hộ nghèo còn {ngheo} phần trăm. Nhân dân hiến {dat} m2 đất làm đường."
        ),
        [
            {
                "ngay": "20/1",
                "xa": "Phú Lâm",
                "nam": "4",
                "thu": "72",
                "ngheo": "0,9",
                "dat": "5.600",
            },
            {
                "ngay": "24/1",
                "xa": "Cẩm Bình",
                "nam": "5",
                "thu": "68",
                "ngheo": "1,2",
                "dat": "8.150",
            },
        ],
    ),
]

TRUE: list[tuple[Told, Told]] = [
    (
        (
            "Sập cầu treo ở Mường Lay, ba người bị thương",
            (
                "Khoảng 16h ngày 3/6, cầu treo Nậm Cản bắc qua suối ở thị xã Mường Lay, tỉnh Điện"
                " Biên bất ngờ đứt cáp khi một xe ba gác chở ngô đi qua. Ba người rơi xuống suối,"
                " được người dân đưa tới Bệnh viện đa khoa khu vực cấp cứu. Cầu dài 60 m, đưa vào"
                " sử dụng năm 2009."
            ),
        ),
        (
            "Đứt cáp cầu treo Nậm Cản, ba người rơi xuống suối",
            (
                "Ông Lò Văn Thín, lãnh đạo thị xã Mường Lay (Điện Biên), xác nhận cầu treo Nậm "
                "Cản vừa bị đứt cáp chiều 3/6. Lúc đó xe ba gác chở ngô đang qua cầu. Ba nạn nhân"
                " đã nhập viện, không ai nguy kịch. Thị xã cấm người và xe lại gần cây cầu dài 60"
                " m này."
            ),
        ),
    ),
    (
        (
            "Sập cầu treo ở Mường Lay, ba người bị thương",
            (
                "Khoảng 16h ngày 3/6, cầu treo Nậm Cản bắc qua suối ở thị xã Mường Lay, tỉnh Điện"
                " Biên bất ngờ đứt cáp khi một xe ba gác chở ngô đi qua. Ba người rơi xuống suối,"
                " được người dân đưa tới Bệnh viện đa khoa khu vực cấp cứu. Cầu dài 60 m, đưa vào"
                " sử dụng năm 2009."
            ),
        ),
        (
            "Sập cầu treo ở Mường Lay: một nạn nhân tử vong",
            (
                "Một trong ba người rơi xuống suối khi cầu treo Nậm Cản đứt cáp chiều 3/6 đã tử "
                "vong tại Bệnh viện đa khoa tỉnh Điện Biên sáng 4/6. Hai người còn lại qua cơn "
                "nguy kịch. Thị xã Mường Lay cho kiểm tra toàn bộ cầu treo trên địa bàn."
            ),
        ),
    ),
    (
        (
            "Thời tiết thứ hai (6/7): nắng nóng gay gắt",
            _TEMPLATES[1][1].format(**_TEMPLATES[1][2][0]),
        ),
        (
            "Ngày 6/7 miền Bắc nắng nóng, có nơi trên 38 độ C",
            (
                "Hà Nội ngày 6/7 nắng nóng gay gắt, nhiệt độ cao nhất 38 độ C, thấp nhất 28 độ C."
                " Tây Bắc Bộ, Đông Bắc Bộ có nơi trên 38 độ C. Miền Trung mưa rào rải rác. Vùng "
                "biển Bình Thuận đến Cà Mau gió cấp 5, sóng cao 1,5-2,5 m."
            ),
        ),
    ),
    (
        (
            "Nam Định 2-0 Thanh Hóa: giữ vững ngôi đầu",
            _TEMPLATES[4][1].format(**_TEMPLATES[4][2][0]),
        ),
        (
            "Rafaelson giúp Nam Định hạ Thanh Hóa",
            (
                "Bàn mở tỷ số của Rafaelson ở phút 12 đặt nền cho chiến thắng 2-0 của Nam Định "
                "trước Thanh Hóa tại Thiên Trường, vòng 7 V-League. Thầy trò đội chủ nhà có 16 "
                "điểm, tiếp tục dẫn đầu. Thanh Hóa chơi thiếu lửa và không tạo được nhiều cơ hội."
            ),
        ),
    ),
    (
        (
            "Bắt giám đốc lừa bán đất nền ở Long Thành",
            (
                "Công an tỉnh Đồng Nai khởi tố, bắt tạm giam Phạm Thị Hồng Vân, giám đốc công ty "
                "Địa Phát Lộc, về hành vi lừa đảo chiếm đoạt tài sản. Bà Vân vẽ dự án khu dân cư "
                "15 ha ở Long Thành, thu của 128 khách hàng hơn 96 tỷ đồng rồi dùng vào việc "
                "riêng."
            ),
        ),
        (
            "Vẽ dự án ma ở Long Thành, nữ giám đốc chiếm đoạt 96 tỷ đồng",
            (
                "Phạm Thị Hồng Vân, 41 tuổi, bị Công an Đồng Nai bắt tạm giam để điều tra tội lừa"
                " đảo. Từ năm 2023, công ty Địa Phát Lộc của bà rao bán 128 nền đất trong một khu"
                " dân cư không có thật ở Long Thành, thu hơn 96 tỷ đồng."
            ),
        ),
    ),
    (
        (
            "UBND xã Tân Mộc ban hành Kế hoạch khám tuyển nghĩa vụ quân sự",
            _TEMPLATES[0][1].format(**_TEMPLATES[0][2][1]),
        ),
        (
            "Tân Mộc: 74 thanh niên được gọi khám tuyển nghĩa vụ quân sự",
            (
                "Theo Kế hoạch số 126/KH-UBND ngày 18/11 của UBND xã Tân Mộc, 74 thanh niên thuộc"
                " diện gọi khám tuyển nghĩa vụ quân sự. Các thôn tuyên truyền, vận động thanh "
                "niên và gia đình."
            ),
        ),
    ),
    (
        (
            "Giá cà phê hôm nay 3/10: quay đầu giảm",
            _TEMPLATES[6][1].format(**_TEMPLATES[6][2][0]),
        ),
        (
            "Cà phê Tây Nguyên xuống dưới 113.000 đồng/kg",
            (
                "Sáng 3/10, cà phê tại Đắk Lắk được thu mua ở 113.000 đồng/kg, Gia Lai 112.900 "
                "đồng/kg, Lâm Đồng 112.300 đồng/kg. Robusta trên sàn London còn 4.871 USD/tấn, "
                "arabica New York 257,1 cent/lb khi thị trường theo dõi thời tiết Brazil."
            ),
        ),
    ),
    (
        (
            "Ferry runs aground near Port Ellery with 140 aboard",
            (
                "A passenger ferry ran aground on a sandbank near Port Ellery early on Friday "
                "with 140 people aboard. The coastguard said nobody was hurt and that the Maid of"
                " Orran would be refloated at high tide. The cause is being investigated."
            ),
        ),
        (
            "Maid of Orran refloated after grounding off Port Ellery",
            (
                "The ferry Maid of Orran was pulled off a sandbank near Port Ellery on Friday "
                "afternoon, hours after it ran aground with 140 passengers. No injuries were "
                "reported, the coastguard said."
            ),
        ),
    ),
    (
        (
            "Học sinh lớp 8 ở Tiên Phước giải cứu rùa quý",
            (
                "Em Hồ Minh Khôi, học sinh lớp 8 Trường THCS Lê Cơ, huyện Tiên Phước, Quảng Nam, "
                "giao nộp một con rùa hộp trán vàng nặng 2,1 kg cho kiểm lâm. Đây là loài nguy "
                "cấp, quý, hiếm nhóm IB."
            ),
        ),
        (
            "Học sinh lớp 8 ở Tiên Phước giải cứu rùa quý",
            (
                "Em Hồ Minh Khôi, học sinh lớp 8 Trường THCS Lê Cơ, huyện Tiên Phước, Quảng Nam, "
                "giao nộp một con rùa hộp trán vàng nặng 2,2 kg cho kiểm lâm. Đây là loài nguy "
                "cấp, quý, hiếm nhóm IB. Kiểm lâm sẽ thả rùa về rừng."
            ),
        ),
    ),
    (
        (
            "Tin bão số 3: hướng vào vịnh Bắc Bộ",
            _TEMPLATES[8][1].format(**_TEMPLATES[8][2][0]),
        ),
        (
            "Bão Hải Yến giật cấp 14, tiến vào vịnh Bắc Bộ",
            (
                "Lúc 7h ngày 5/8, tâm bão số 3 Hải Yến ở 19,2 độ vĩ bắc, 112,4 độ kinh đông, mạnh"
                " cấp 11, giật cấp 14. Bão đi theo hướng tây tây bắc, 15 km mỗi giờ. Các tỉnh ven"
                " biển kêu gọi tàu thuyền tránh trú."
            ),
        ),
    ),
]


def traps() -> Iterator[tuple[Told, Told]]:
    """All pairs that must not be joined."""
    for title, text, fills in _TEMPLATES:
        yield from combinations([(title.format(**fill), text.format(**fill)) for fill in fills], 2)
