"""Things that are good once: login codes, sign-in challenges, the `jti` of a JWT."""

import hashlib

from sqlalchemy import and_, delete, insert, select, update

from gateway.adapters.store import tables
from gateway.adapters.store.unit import Unit

LOGIN, CHALLENGE, JWT = "login", "challenge", "jwt"


def digest_of(kind: str, secret: str) -> str:
    """What is stored of a secret: SHA-256 of the kind and the secret."""
    return hashlib.sha256(f"{kind}\n{secret}".encode()).hexdigest()


def keep(unit: Unit, kind: str, secret: str, holder: str, expires_ms: int) -> None:
    """Store something to be used once, and forget what has run out of time."""
    unit.execute(delete(tables.one_time).where(tables.one_time.c.expires_ms <= unit.now_ms))
    row = {"digest": digest_of(kind, secret), "kind": kind, "holder": holder, "expires_ms": expires_ms}
    unit.execute(insert(tables.one_time), row)


def spend(unit: Unit, kind: str, secret: str) -> str | None:
    """Use it up: its holder, or None when it is unknown, used or out of time."""
    row = tables.one_time.c
    good = and_(row.digest == digest_of(kind, secret), row.used_ms.is_(None), row.expires_ms > unit.now_ms)
    if unit.changes(update(tables.one_time).where(good).values(used_ms=unit.now_ms)) != 1:
        return None
    holder: str = unit.execute(select(row.holder).where(row.digest == digest_of(kind, secret))).scalar_one()
    return holder


def see_once(unit: Unit, kind: str, secret: str, holder: str, expires_ms: int) -> bool:
    """Whether this is the first time it is seen; from now on it is not."""
    row = tables.one_time.c
    if unit.one(
        select(row.digest).where(row.digest == digest_of(kind, secret), row.expires_ms > unit.now_ms)
    ):
        return False
    keep(unit, kind, secret, holder, expires_ms)
    return True
