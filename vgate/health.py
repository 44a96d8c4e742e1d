"""Asks the gateway of this container how it is: ``python -m vgate.health``, or ``... /ready``. Exit code 0 is well.

For health checks in images that have neither curl nor wget. Where the gateway listens is taken from the environment
(``VGATE_SERVER__PORT``, ``VGATE_SERVER__TLS__CERT_FILE``), so a container should set those there, not on the command
line. A gateway that asks its clients for certificates (``server.tls.client_ca_file``) cannot be asked this way.
"""

import contextlib
import http.client
import os
import ssl
import sys

PATHS = ("/health", "/ready")


def ask(path: str) -> int:
    """The status with which the gateway answers. Raises OSError where it does not, within three seconds."""
    port = int(os.environ.get("VGATE_SERVER__PORT") or 8000)
    if os.environ.get("VGATE_SERVER__TLS__CERT_FILE"):
        # It asks itself, by an address that is in no certificate.
        unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=3, context=unchecked
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    with contextlib.closing(connection):
        connection.request("GET", path)
        with connection.getresponse() as response:
            return response.status


def main(arguments: list[str]) -> int:
    """0: well; 1: not; 2: not asked."""
    path = arguments[0] if arguments else "/health"
    if path not in PATHS or len(arguments) > 1:
        print(f"vgate.health: one of {', '.join(PATHS)}, not {' '.join(arguments)}", file=sys.stderr)
        return 2
    try:
        status = ask(path)
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {status}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
