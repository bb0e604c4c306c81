"""The paper's tables and figures as sections of a page.

What each of them is made of stands in `vlsbench.paper`; the page itself is made by `page`.
"""
