"""Small local models for trying, testing and measuring V-Gate without a download.

``python -m vgate.models.tiny`` builds them; see :mod:`vgate.models.tiny`.
"""
