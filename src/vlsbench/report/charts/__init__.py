"""Figures as values: what is drawn, by one library in the page and by another on paper, and read as a table.

A value knows no library; `paper` draws it with Matplotlib and the page's script with ECharts.
"""
