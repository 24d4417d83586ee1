"""What programs write behind a text: "Read more", "The post X appeared first on Y".

In many languages, as patterns of small letters for `boilerplate`.
"""
# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

READ_ON = (
    r"đọc (?:tiếp|thêm|toàn văn|bài|chi tiết)",
    r"xem (?:tiếp|thêm|chi tiết|toàn văn|đầy đủ|bài viết)(?: tại đây| bài viết)?", r"xem tại đây",
    r"tiếp tục đọc", r"chi tiết(?: tại đây| xem tại đây)?", r"continue(?: reading)?",
    r"keep reading", r"read (?:more|on|now|article|it all|the rest)",
    r"read (?:the )?(?:full|whole|complete|entire) (?:article|story|post|text)",
    r"read (?:the )?rest of (?:this|the) (?:entry|post|article|story)",
    r"(?:view|see|show|learn|find out|load) more",
    r"view (?:full|entire|original)?\s?(?:article|post|story)", r"full (?:article|story|text)",
    r"(?:click )?here to read(?: more)?", r"click here(?: (?:for|to read) more)?",
    r"(?:view )?details?", r"more(?: details| info)?", r"weiter(?: ?lesen)?",
    r"mehr (?:lesen|erfahren|dazu)", r"mehr",
    r"(?:den )?(?:ganzen )?artikel (?:weiter)?lesen", r"zum artikel",
    r"lire (?:la suite|plus|l[\u2019']article)", r"en savoir plus",
    r"(?:continuer|poursuivre) la lecture", r"la suite",
    r"leer (?:más|mas|todo|completo|el artículo completo)",
    r"(?:seguir|sigue|continuar|continúa) leyendo", r"ver más", r"lee más",
    r"leia (?:mais|a matéria completa|o artigo completo)",
    r"(?:continue|continuar) (?:lendo|a ler)", r"ler (?:mais|o artigo completo)", r"saiba mais",
    r"leggi (?:tutto|di più|l[\u2019']articolo|ancora)", r"continua(?: a leggere| la lettura)?",
    r"lees (?:meer|verder)", r"verder lezen", r"läs (?:mer|vidare|hela artikeln)",
    r"fortsätt läsa", r"les (?:mer|hele saken)", r"læs (?:mere|videre)",
    r"lue (?:lisää|koko juttu)", r"jatka lukemista", r"czytaj (?:więcej|dalej|całość)", r"więcej",
    r"(?:číst|čtěte) (?:více|dále|dál)", r"celý článek", r"čítať (?:viac|ďalej)",
    r"tovább(?: olvasom)?", r"bővebben", r"olvass tovább",
    r"cite(?:ș|s)te (?:mai (?:mult|departe)|continuarea)", r"continuă (?:lectura|să citești)",
    r"devamını oku", r"okumaya devam et", r"daha fazla(?:sı)?",
    r"baca (?:selengkapnya|lebih lanjut|lagi|seterusnya)", r"selengkapnya",
    r"читать (?:далее|дальше|полностью|ещ[её])", r"подробнее", r"далее",
    r"читати (?:далі|більше)", r"докладніше", r"детальніше",
    r"διαβάστε (?:περισσότερα|τη συνέχεια)", r"συνέχεια", r"περισσότερα",
)  # fmt: skip
""""Read more" in scripts that part words by blanks."""

READ_ON_UNPARTED = (
    r"続きを読む", r"つづきを読む", r"もっと(?:読む|見る)", r"阅读(?:更多|全文)",
    r"继续阅读", r"查看(?:全文|更多)", r"閱讀(?:更多|全文)", r"繼續閱讀",
    r"더 ?(?:보기|읽기)", r"계속 읽기", r"자세히 보기",
    r"اقرأ (?:المزيد|أكثر)", r"تابع القراءة",
    r"أكمل القراءة", r"المزيد", r"ادامه مطلب",
    r"بیشتر بخوانید", r"קרא עוד",
    r"המשך (?:לקרוא|קריאה)", r"להמשך קריאה",
    r"อ่าน(?:ต่อ|เพิ่มเติม)", r"और पढ़ें", r"पूरा पढ़ें",
)  # fmt: skip
"""The same where a blank in front of it does not tell."""

BEFORE_A_TITLE = (
    r"continue reading", r"keep reading",
    r"read the (?:full|whole|rest|complete|entire)(?: \w+){0,3}", r"tiếp tục đọc", r"weiterlesen",
    r"(?:continuer|poursuivre) la lecture", r"lire la suite",
    r"(?:seguir|sigue|continuar|continúa) leyendo", r"continu(?:e|ar) (?:lendo|a ler)",
    r"continua a leggere", r"verder lezen", r"fortsätt läsa", r"czytaj dalej",
    r"okumaya devam et", r"jatka lukemista", r"читать далее",
    r"view (?:the )?(?:full|entire|original) (?:article|post|story)",
)  # fmt: skip
"""Phrases behind which the title of the text may stand again, up to its end."""

APPEARED = (
    (
        r"the (?:post|article)",
        (
            r"appeared first on|first appeared (?:on|in|at)|"
            r"was (?:first|originally) published (?:on|"
            r"in|at)|originally appeared (?:on|in|at)"
        ),
    ),
    (
        r"this (?:post|article|story)",
        (
            r"appeared first on|first appeared (?:on|in|at)|"
            r"was (?:first|originally) published (?:on|"
            r"in|at)|originally appeared (?:on|in|at)"
        ),
    ),
    (r"der beitrag", r"erschien zuerst (?:auf|bei|in)"),
    (r"(?:cet |l[\u2019'])article", r"est apparu en premier sur"),
    (r"la entrada", r"aparece primero en|apareció primero en|se publicó primero en"),
    (
        r"l[\u2019']articolo",
        (
            r"proviene da|sembra essere il primo su|"
            r"è apparso per la prima volta su"
        ),
    ),
    (r"l[\u2019']entrada", r"ha aparegut primer a"),
    (r"[oa] (?:post|artigo|conteúdo|matéria)", r"(?:apareceu|aparece) primeiro em"),
    (r"het (?:bericht|artikel)", r"(?:verscheen|is) (?:als )?eerste?|verscheen oorspronkelijk"),
    (r"(?:artykuł|post|wpis)", r"pochodzi z serwisu"),
    (r"inlägget", r"dök först upp på"),
    (r"innlegget", r"dukket først opp på"),
    (r"indlægget", r"blev først udgivet på|dukkede først op på|udgivet først på"),
    (r"artikkeli", r"(?:julkaistiin|ilmestyi) ensi\w+"),
    (r"příspěvek", r"pochází z|se nejdříve objevil na"),
    (r"príspevok", r"zobrazen[ýé] najsk[ôo]r"),
    (r"az?", r"bejegyzés először"),
    (r"articolul", r"apare prima dată (?:în|pe)"),
    (r"(?:сообщение|запись)", r"появились? сначала на|впервые появилась"),
    (r"(?:допис|запис)", r"(?:спершу|вперше) з[\u2019']явився"),
    (r"το άρθρο", r"εμφανίστηκε πρώτα"),
    (r"bài (?:viết|đăng)", r"(?:đã )?(?:xuất hiện|được đăng|đăng) (?:lần )?đầu(?: tiên)?"),
    (r"artikel", r"pertama kali (?:tampil|muncul) (?:pada|di)"),
)
"""How plugins sign a text: in front of its title, and behind it, where an outlet's name follows."""

APPEARED_UNPARTED = (
    r".{1,300}?\byazısı ilk önce\b", r"投稿\s.{1,300}?は.{1,100}?に最初に表示",
    r"(?:文章)?.{1,300}?最先出[现現][在於于]",
)  # fmt: skip
