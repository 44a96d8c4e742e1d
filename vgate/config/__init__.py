"""One configuration for everything: what is set where, validated, with errors that name the key."""

from vgate.config.compose import Composed, compose, from_resolved
from vgate.config.errors import ConfigError
from vgate.config.schema import Settings
from vgate.config.tree import conf_dir

__all__ = ["Composed", "ConfigError", "Settings", "compose", "conf_dir", "from_resolved", "get_config"]


def get_config(*overrides: str) -> Settings:
    """The validated settings, for scripts and notebooks: `get_config("+preset=cpu", "batch=lockstep")`.

    Reads VGATE_CONFIG_PATH and VGATE_* as the server does. Raises ConfigError.
    """
    return compose("serve", list(overrides)).settings
