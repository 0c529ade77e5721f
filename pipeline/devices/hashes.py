"""Passwords for devices, and their hashes as the brokers read them.

The passwords are random and long, so no hash has to be slow: a broker that comes back is logged in
to by all its devices at once, and each login costs one hash.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import secrets
from functools import cache

from domain.errors import ConfigurationError

_LETTERS = "abcdefghjkmnpqrstuvwxyz"  # can be read out and typed: no i, l, o, no digits
_LENGTH = 28  # times log2(23): 126 bits
_PBKDF2_ROUNDS = 101  # Mosquitto's own
_BCRYPT_ROUNDS = "04"  # two to the power of: the least that there is
_BCRYPT_LETTERS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BCRYPT_LENGTH = 60


def new_password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def mosquitto_hash(password: str) -> str:
    """`$7$` of Mosquitto's password file: PBKDF2 with SHA-512, 12 bytes of salt."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PBKDF2_ROUNDS)
    parts = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(("", "7", str(_PBKDF2_ROUNDS), *parts))


def nats_hash(password: str) -> str:
    """`$2a$` of bcrypt, the only hash that nats-server knows; by the system's libcrypt.

    Raises ConfigurationError where that library is missing or makes no bcrypt.
    """
    salt = "".join(secrets.choice(_BCRYPT_LETTERS) for _ in range(21)) + "."  # 128 bits
    setting = f"$2a${_BCRYPT_ROUNDS}${salt}"
    made: bytes | None = _libcrypt().crypt(password.encode(), setting.encode())
    if made is None or len(made) != _BCRYPT_LENGTH or not made.startswith(setting[:7].encode()):
        raise ConfigurationError("libcrypt: this system's makes no bcrypt ($2a$) hashes")
    return made.decode()


@cache
def _libcrypt() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libcrypt.so.1")
    except OSError as error:
        raise ConfigurationError(
            "libcrypt: not found; install libcrypt1 (Debian) or libxcrypt"
        ) from error
    library.crypt.restype = ctypes.c_char_p
    library.crypt.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    return library
