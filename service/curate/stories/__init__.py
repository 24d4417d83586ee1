"""Which articles tell the same news, judged one by one as they arrive. Pure; numpy alone.

terms.py: words -> counted, hashed terms. vectors.py: their weights, one row an article.
window.py: the rows that are still compared, and which of them a new one is close to. guard.py:
alike by template only. grouping.py: who belongs together. engine.py: all of it, in order of
arrival. evaluation.py: how well, against stories that people made.
"""
