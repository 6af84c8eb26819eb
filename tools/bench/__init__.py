"""`make bench`: what a page costs on generated third parties, measured beside its floor (PERFORMANCE A and B).

`python -m tools.bench --rows 100000 --engine both --csv FILE`. Each figure is taken by HTTP from the real server, interleaved
with all others and with a bare WSGI function that sends the same rows and bytes; ratios count, since machines differ.
"""
