"""Certificates for tests: an authority of their own, and pairs that it has issued for the loopback address."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_NOW = dt.datetime.now(dt.UTC)
_HOUR = dt.timedelta(hours=1)


def _builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    subject, by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(key.public_key())
    return built.serial_number(x509.random_serial_number()).not_valid_before(_NOW - _HOUR).not_valid_after(_NOW + _HOUR)


class Authority:
    """Signs certificates that only its own `pem` proves."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        built = _builder("V-Gate tests", "V-Gate tests", self._key)
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        built = built.add_extension(usage, critical=True)
        built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        self.pem = built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, path: Path, password: str | None = None) -> Path:
        """`<path>.pem` for 127.0.0.1 and `<path>.key`; returns the first."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        built = _builder(path.name, "V-Gate tests", key).add_extension(name, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = built.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password.encode())
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        path.with_suffix(".key").write_bytes(key.private_bytes(pem, pkcs8, encryption))
        path.with_suffix(".pem").write_bytes(signed.public_bytes(pem))
        return path.with_suffix(".pem")
