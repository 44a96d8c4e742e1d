"""API keys: `python -m vgate.keys new --name production` makes one."""

import argparse
import secrets

from vgate.config import ConfigError, cli
from vgate.security.hashes import scrypt_text, sha256_text

# 256 random bits: nobody finds them by trying, so a fast hash is enough.
_BYTES = 32


def main() -> int:
    """Exit codes: 0 made, 2 a wrong argument."""
    parser = argparse.ArgumentParser(prog="python -m vgate.keys", description="API keys for security=keys.")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="make a key; it is shown this once and kept nowhere")
    new.add_argument("--name", help="what the key is called in logs and limits; made up unless given")
    new.add_argument("--scrypt", action="store_true", help="a slow hash in place of SHA-256, 50 ms for its first use")
    for made_parser in (parser, new):
        cli.one_line_errors(made_parser)
    args = parser.parse_args()
    name = f"key-{secrets.token_hex(3)}" if args.name is None else args.name
    if not name or not name.isprintable() or len(name) > 100:
        raise ConfigError(f"--name = {name[:100]!r}: must be 1 to 100 printable characters")
    cli.say("\n".join(made(name, slow=args.scrypt)) + "\n")
    return 0


def made(name: str, *, slow: bool) -> list[str]:
    """Lines that show a new key and how it is configured."""
    key = f"sk-vgate-{secrets.token_urlsafe(_BYTES)}"
    hashed = scrypt_text(key) if slow else sha256_text(key)
    return [
        "# The key, shown this once. Clients send it as `Authorization: Bearer <key>`.",
        key,
        "# For security.api_keys:",
        f"- {{name: {_quoted(name)}, hash: {_quoted(hashed)}}}",
    ]


def _quoted(text: str) -> str:
    """As YAML reads it, whatever is in a name."""
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    cli.run(main)
