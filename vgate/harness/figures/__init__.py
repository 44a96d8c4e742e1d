"""The figures of reports and notebooks, one per file. Each takes what was measured and returns a Picture, or None
where there is nothing to draw.
"""
