"""One metric per file, each a pure function of rows (`vgate.harness.records`).

Functions that give one value per request take any rows and return a Series of floats with the rows' index,
NaN where the metric is undefined for a request. Which rows count is the caller's choice: `answered(in_window(rows))`.
"""
