"""No security."""

from vgate.security.base import Admission, Security


class Open(Security):
    """Everybody may ask anything."""

    def admit(self, path: str, authorization: str | None) -> Admission:
        return Admission("anonymous")
