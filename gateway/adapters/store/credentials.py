"""Tokens, people, login codes, vote keys and sign-ins. Every change is an event; no secret is ever stored."""

import base64
import hashlib
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, select, update

from audit.events import EventType
from audit.keys import KeyFact, KeyRole
from gateway.adapters.store import events, once, rows, tables
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.sessions import DeniedSessions
from gateway.adapters.store.sources import StoreSources
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.credentials import StoredToken, Token, VoteKey
from gateway.core.errors import ConflictError, NotFoundError, UnauthenticatedError
from gateway.core.principals import Door, Scope
from gateway.core.sign_in import sign_in_message
from gateway.core.vote_proof import verify_signature

E = EventType
TOKEN_PREFIX = "lg_"  # noqa: S105 - the visible beginning of every token, not a secret
SIGN_IN_MS = 15 * 60_000
CHALLENGE_MS = 60_000
LOGIN_CODE_MS = 7 * 24 * 3_600_000
# Built once: SQLAlchemy then finds the compiled form by identity instead of walking the statement each time.
_TOKEN = Prepared(select(tables.tokens).where(tables.tokens.c.secret_sha256 == bindparam("digest")))
_EVERYTHING = Scope(projects=("*",), action_types=("*",))


class SqlCredentials:
    """Makes and checks credentials."""

    def __init__(
        self, writer: Writer, reader: Reader, sources: StoreSources, sessions: DeniedSessions
    ) -> None:
        self._writer, self._reader, self._sources, self._sessions = writer, reader, sources, sessions

    async def issue(self, principal: str, scope: Scope, *, door: str, lifetime_s: int, by: str) -> Token:
        """Make a token for one door; its secret is in the answer and nowhere else."""
        fresh = self._fresh()
        return await self._writer.run(
            lambda u: _issue(u, principal, scope, door, lifetime_s * 1000, by, fresh)
        )

    async def revoke(self, token_id: str, *, by: str) -> None:
        """Make a token worthless at once; raises `NotFoundError`."""
        await self._writer.run(lambda unit: _revoke(unit, token_id, by))

    async def token(self, secret: str) -> StoredToken | None:
        """What is kept of the token with that secret."""
        digest = _sha256(secret)
        row = await self._reader.brief(lambda c: _TOKEN.first(c, {"digest": digest}))
        return _token_of(row) if row is not None else None

    async def invite(self, person: str, *, name: str, email: str, by: str) -> str:
        """Keep a person's name and address, and make a one-time code for `loopgate login`."""
        code = self._sources.new_secret()
        await self._writer.run(lambda unit: _invite(unit, person, name, email, by, code))
        return code

    async def register_key(self, code: str, public_key: str) -> VoteKey:
        """Register a vote key to the person of a one-time code.

        Raises `UnauthenticatedError` (`bad_code`) or `ConflictError`.
        """
        try:
            return await self._writer.run(lambda unit: _register_key(unit, code, public_key))
        except UnauthenticatedError as error:
            self._sessions.count(key_id_of(public_key), "sign_in", error.code, self._sources.clock.now_ms())
            raise

    async def vote_key(self, key_id: str) -> VoteKey | None:
        """A vote key that is in use."""
        row = tables.vote_keys.c
        query = select(tables.vote_keys).where(row.id == key_id, row.retired_ms.is_(None))
        found = await self._reader.run(lambda connection: connection.execute(query).first())
        return (
            VoteKey(id=found.id, person=found.person, public_key=found.public_key)
            if found is not None
            else None
        )

    async def challenge(self, key_id: str) -> str:
        """What to sign to get a short token. An unknown key gets one too, which nothing can answer."""
        challenge = self._sources.new_secret()
        if await self.vote_key(key_id) is not None:
            await self._writer.run(
                lambda unit: once.keep(unit, once.CHALLENGE, challenge, key_id, unit.now_ms + CHALLENGE_MS)
            )
        return challenge

    async def sign_in(self, key_id: str, challenge: str, signature: str) -> Token:
        """A token of 15 minutes for the answer to a challenge; raises `UnauthenticatedError`."""
        fresh = self._fresh()
        try:
            return await self._writer.run(lambda unit: _sign_in(unit, key_id, challenge, signature, fresh))
        except UnauthenticatedError as error:
            self._sessions.count(key_id, "sign_in", error.code, self._sources.clock.now_ms())
            raise

    async def see_once(self, issuer: str, jti: str, expires_ms: int) -> bool:
        """Whether a JWT's `jti` is new; from now on it is not."""
        secret = f"{issuer}\n{jti}"
        return await self._writer.run(lambda unit: once.see_once(unit, once.JWT, secret, issuer, expires_ms))

    async def names(self) -> dict[str, tuple[str, str]]:
        """Name and e-mail address by person id, as far as they are kept."""
        query = select(tables.people)
        return await self._reader.run(lambda c: {p.id: (p.name, p.email) for p in c.execute(query)})

    def _fresh(self) -> tuple[str, str]:
        return self._sources.ids.new("tok"), TOKEN_PREFIX + self._sources.new_secret()


def _issue(
    unit: Unit, principal: str, scope: Scope, door: str, lifetime_ms: int, by: str, fresh: tuple[str, str]
) -> Token:
    token = Token(id=fresh[0], secret=fresh[1], expires_ms=unit.now_ms + lifetime_ms)
    row = {
        "id": token.id,
        "secret_sha256": _sha256(token.secret),
        "principal": principal,
        "scope": rows.dump(scope.model_dump(mode="json")),
        "door": door,
        "created_ms": unit.now_ms,
        "expires_ms": token.expires_ms,
    }
    unit.execute(insert(tables.tokens), row)
    _register_agent(unit, principal, by)
    shown = {"principal": principal, "door": door, "by": by, "expires_ms": token.expires_ms}
    unit.record(events.drafted(E.ACCESS_GRANTED, token.id, {**shown, "scope": scope.model_dump(mode="json")}))
    return token


def _register_agent(unit: Unit, principal: str, by: str) -> None:
    """An agent is registered with its first token."""
    agent = tables.agents.c.agent
    if principal.startswith("agt_") and unit.one(select(agent).where(agent == principal)) is None:
        row = {"agent": principal, "suspended": False, "changed_ms": unit.now_ms}
        unit.execute(insert(tables.agents), row)
        unit.record(events.drafted(E.AGENT_REGISTERED, principal, {"by": by}))


def _revoke(unit: Unit, token_id: str, by: str) -> None:
    row = tables.tokens.c
    found = unit.one(select(row.principal, row.revoked_ms).where(row.id == token_id))
    if found is None:
        raise NotFoundError("There is no such token.")
    if found.revoked_ms is None:
        unit.execute(update(tables.tokens).where(row.id == token_id).values(revoked_ms=unit.now_ms))
        data = {"principal": found.principal, "by": by}
        unit.record(events.drafted(E.ACCESS_REVOKED, token_id, data))


def _invite(unit: Unit, person: str, name: str, email: str, by: str, code: str) -> None:
    unit.execute(delete(tables.people).where(tables.people.c.id == person))
    row = {"id": person, "name": name, "email": email, "changed_ms": unit.now_ms}
    unit.execute(insert(tables.people), row)
    once.keep(unit, once.LOGIN, code, person, unit.now_ms + LOGIN_CODE_MS)
    data = {"by": by, "change": "invited", "expires_ms": unit.now_ms + LOGIN_CODE_MS}
    unit.record(events.drafted(E.PERSON_CHANGED, person, data, {"name": name, "email": email}))


def _register_key(unit: Unit, code: str, public_key: str) -> VoteKey:
    person = once.spend(unit, once.LOGIN, code)
    if person is None:
        detail = "This code is unknown, used or too old; ask an operator for a new one."
        raise UnauthenticatedError(detail, code="bad_code")
    key = VoteKey(id=key_id_of(public_key), person=person, public_key=public_key)
    taken = unit.one(select(tables.vote_keys.c.person).where(tables.vote_keys.c.id == key.id))
    if taken is not None and taken.person != person:
        raise ConflictError("This key is registered to somebody else; make one of your own.")
    unit.execute(delete(tables.vote_keys).where(tables.vote_keys.c.id == key.id))
    row = {"id": key.id, "person": person, "public_key": public_key, "added_ms": unit.now_ms}
    unit.execute(insert(tables.vote_keys), row)
    fact = KeyFact(key_id=key.id, role=KeyRole.VOTE, public_key=public_key)
    data = {"by": person, "change": "key_added", "keys": [fact.plain]}
    unit.record(events.drafted(E.PERSON_CHANGED, person, data))
    return key


def key_id_of(public_key: str) -> str:
    """The id of a vote key: a digest of its public half (32 bytes in base64)."""
    return "key_" + hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:32]


def _sign_in(unit: Unit, key_id: str, challenge: str, signature: str, fresh: tuple[str, str]) -> Token:
    holder = once.spend(unit, once.CHALLENGE, challenge)
    row = tables.vote_keys.c
    key = unit.one(select(tables.vote_keys).where(and_(row.id == key_id, row.retired_ms.is_(None))))
    proven = key is not None and verify_signature(
        key.public_key, signature, sign_in_message(key_id, challenge)
    )
    if holder != key_id or not proven:
        detail = "The challenge is unknown, used or too old, or the signature is not by that key; ask for a new one."
        raise UnauthenticatedError(detail)
    return _issue(unit, key.person, _EVERYTHING, Door.REST.value, SIGN_IN_MS, key.person, fresh)


def _token_of(row: Any) -> StoredToken:
    return StoredToken(
        id=row.id,
        principal=row.principal,
        scope=Scope.model_validate_json(row.scope),
        door=row.door,
        expires_ms=row.expires_ms,
        revoked=row.revoked_ms is not None,
    )


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
