"""No admin port."""

from vgate.admin.base import Admin
from vgate.errors import ApiError


class NoAdmin(Admin):
    """There is no port; who came to one all the same would be sent away."""

    def check(self, authorization: str | None, now: float) -> None:
        raise ApiError(401, "There is no admin port.", "authentication_error", code="invalid_admin_token")
