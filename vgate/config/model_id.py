"""How models are named in the settings."""

PACKAGE = "package:"


def public_name(model_id: str) -> str:
    """The name that clients use for a model without `served_model_name`: its id, or that of its package."""
    return model_id.removeprefix(PACKAGE).partition("/")[0] if model_id.startswith(PACKAGE) else model_id
