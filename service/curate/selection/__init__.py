"""Which stories stand first, by parts that can be read. Pure, but for `reading` and `marking`.

owners.py: who tells a story independently of whom. standing.py: what is known of a story, as an
edition keeps it. score.py: how high it stands for somebody's topics. balance.py: topics share the
room, and outlets take turns. reading.py: from the rows to what is known.
"""
