"""What a server remembers of its settings: not the secrets that it only has to recognise."""

import hashlib
import re

from vgate.config.admin_schema import HttpAdminSettings
from vgate.config.keys_together import hashed
from vgate.config.schema import Settings

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def remembered(settings: Settings) -> Settings:
    """The same with digests in place of API keys and of the admin token, so that a change can still be seen."""
    settings = hashed(settings)
    admin = settings.admin
    if not isinstance(admin, HttpAdminSettings) or admin.token is None or _DIGEST.fullmatch(admin.token):
        return settings
    digest = f"sha256:{hashlib.sha256(admin.token.encode()).hexdigest()}"
    return settings.model_copy(update={"admin": admin.model_copy(update={"token": digest})})
