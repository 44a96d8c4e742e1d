"""Asks the gateway of this container how it is: ``python -m vgate.health``, or ``... /ready``. Exit code 0 is well.

For health checks in images that have neither curl nor wget. Where the gateway listens is taken from the environment
(``VGATE_SERVER__HOST``, ``VGATE_SERVER__PORT``), so a container should set those there, not on the command line.
Whether it speaks HTTPS is found out. One that asks for certificates (``server.tls.client_ca_file``) cannot be asked.
"""

import contextlib
import http.client
import os
import ssl
import sys

PATHS = ("/health", "/ready")
#: Who listens to all addresses listens to this machine's own.
ANY = ("0.0.0.0", "::")  # noqa: S104


def ask(path: str) -> int:
    """The status with which the gateway answers. Raises OSError or HTTPException where it does not."""
    host = os.environ.get("VGATE_SERVER__HOST")
    port = int(os.environ.get("VGATE_SERVER__PORT") or 8000)
    at = host if host and host not in ANY else "127.0.0.1", port
    # It asks itself, by an address that is in no certificate.
    unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
    plain = http.client.HTTPConnection(*at, timeout=2)
    secure = http.client.HTTPSConnection(*at, timeout=2, context=unchecked)
    if os.environ.get("VGATE_SERVER__TLS__CERT_FILE"):
        return _status(secure, path)
    try:
        return _status(plain, path)
    except (ConnectionResetError, http.client.HTTPException):  # its file may say that it speaks HTTPS
        return _status(secure, path)


def _status(connection: http.client.HTTPConnection, path: str) -> int:
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
