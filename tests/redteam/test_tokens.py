"""Credentials that are forged, stolen, old, guessed, replayed or meant for another door."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from gateway.adapters.store import tables
from gateway.adapters.store.credentials import key_id_of
from gateway.client.vote_keys import public_half, sign_challenge
from gateway.core.principals import Scope
from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import ADDRESS, Siege
from tests.town import OPERATOR, OWNER, RELEASE

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.TOKENS
WIDE = Scope(projects=("*",), action_types=("*",))


async def made(
    siege: Siege, *, who: str = OPERATOR, door: str = "rest", lifetime_s: int = 3600
) -> tuple[str, str]:
    """Id and secret of a token that really was made."""
    credentials = siege.town.gateway.store.credentials
    token = await credentials.issue(who, WIDE, door=door, lifetime_s=lifetime_s, by="test")
    return token.id, token.secret


async def refused_token(siege: Siege, secret: str, code: str = "unauthenticated") -> None:
    async with siege.town.client(secret) as thief:
        await siege.turned_away(thief.me(), code, source=ADDRESS)


@attack(K, "guess a token of the right shape", stopped_by="256 random bits, compared by digest")
async def test_a_token_is_guessed(siege: Siege) -> None:
    await refused_token(siege, "lg_" + "A" * 43)


@attack(K, "use a token after it was revoked", stopped_by="revocation holds from the next request on")
async def test_a_revoked_token_is_used(siege: Siege) -> None:
    name, secret = await made(siege)
    await siege.town.gateway.store.credentials.revoke(name, by="test")
    await refused_token(siege, secret)
    assert name in [row.subject for row in await siege.events("access.revoked")]


@attack(K, "use a token after its time", stopped_by="every token expires by the gateway's clock")
async def test_an_expired_token_is_used(siege: Siege) -> None:
    _, secret = await made(siege, lifetime_s=60)
    siege.town.clock.advance(61)
    await refused_token(siege, secret, "token_expired")


@attack(K, "use the token of another door at this one", stopped_by="a token is made for one door")
async def test_a_git_token_knocks_at_rest(siege: Siege) -> None:
    _, secret = await made(siege, door="git")
    await refused_token(siege, secret, "wrong_door")


@attack(
    K,
    "go on with a token of somebody who left",
    stopped_by="roles come from the roster in force, not from the token",
)
async def test_a_token_outlives_its_person(siege: Siege) -> None:
    _, secret = await made(siege, who="prn_left_last_week")
    await refused_token(siege, secret, "not_in_roster")


@attack(
    K,
    "sign in with what a stolen database holds of a token",
    stopped_by="only the SHA-256 is stored, and it opens nothing",
)
async def test_a_stored_digest_is_presented(siege: Siege) -> None:
    await made(siege)
    query = select(tables.tokens.c.secret_sha256).limit(1)
    digest = await siege.town.gateway.store.reader.run(lambda c: str(c.execute(query).scalar()))
    await refused_token(siege, "lg_" + digest[:43])
    await refused_token(siege, digest)


@attack(
    K,
    "be believed by a JWT that nobody signed",
    stopped_by="no issuer is believed that the settings do not name",
)
async def test_an_unsigned_jwt_is_presented(siege: Siege) -> None:
    head, body = ({"alg": "none"}, {"sub": OPERATOR, "aud": "loopgate", "exp": 9_999_999_999})
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in (head, body)]
    await refused_token(siege, ".".join([*parts, "x"]))


@attack(K, "turn the search for a token into SQL", stopped_by="bound parameters over a digest")
async def test_a_token_holds_sql(siege: Siege) -> None:
    await refused_token(siege, "lg_'/**/OR/**/1=1--")


@attack(K, "ask without any credential", stopped_by="every route but the public ones asks for one")
async def test_no_credential_is_sent(siege: Siege) -> None:
    async with siege.town.client() as nobody:
        await siege.turned_away(nobody.actions(), "unauthenticated", source=ADDRESS)


@attack(
    K,
    "leave its token in an address, where proxies log it",
    stopped_by="an address with a secret is refused unread",
)
async def test_a_token_stands_in_the_address(siege: Siege) -> None:
    _, secret = await made(siege)
    async with siege.town.client() as nobody:
        call = nobody._json("GET", "/v1/me", params={"access_token": secret})
        error = await siege.turned_away(call, "malformed", source=ADDRESS)
    assert secret not in error.problem.detail


@attack(K, "answer a sign-in challenge a second time", stopped_by="a challenge is spent by the first answer")
async def test_a_challenge_is_answered_twice(siege: Siege) -> None:
    await (await siege.town.sign_in(OWNER)).close()
    owner = siege.town.citizens[OWNER]
    async with siege.town.client() as thief:
        challenge = await thief.challenge(owner.key_id)
        signature = sign_challenge(owner.key, owner.key_id, challenge)
        assert await thief.sign_in(owner.key_id, challenge, signature)
        again = thief.sign_in(owner.key_id, challenge, signature)
        await siege.turned_away(again, "unauthenticated", source=owner.key_id, door="sign_in")


@attack(
    K,
    "answer another person's challenge with its own key",
    stopped_by="the challenge names the key that must sign",
)
async def test_a_challenge_is_answered_by_another_key(siege: Siege) -> None:
    for person in (OWNER, RELEASE):
        await (await siege.town.sign_in(person)).close()
    owner, thief_key = siege.town.citizens[OWNER], siege.town.citizens[RELEASE].key
    async with siege.town.client() as thief:
        challenge = await thief.challenge(owner.key_id)
        forged = thief.sign_in(owner.key_id, challenge, sign_challenge(thief_key, owner.key_id, challenge))
        await siege.turned_away(forged, "unauthenticated", source=owner.key_id, door="sign_in")


@attack(K, "answer a challenge it found lying about", stopped_by="a challenge lives for a minute")
async def test_an_old_challenge_is_answered(siege: Siege) -> None:
    await (await siege.town.sign_in(OWNER)).close()
    owner = siege.town.citizens[OWNER]
    async with siege.town.client() as thief:
        challenge = await thief.challenge(owner.key_id)
        siege.town.clock.advance(61)
        late = thief.sign_in(owner.key_id, challenge, sign_challenge(owner.key, owner.key_id, challenge))
        await siege.turned_away(late, "unauthenticated", source=owner.key_id, door="sign_in")


@attack(K, "guess a one-time code and become that person", stopped_by="256 random bits; guesses are counted")
async def test_a_login_code_is_guessed(siege: Siege) -> None:
    public = public_half(Ed25519PrivateKey.generate())
    async with siege.town.client() as thief:
        guess = thief.register_key("A" * 43, public)
        await siege.turned_away(guess, "bad_code", source=key_id_of(public), door="sign_in")


@attack(
    K, "use a one-time code again that a person has used", stopped_by="a code is spent with its first key"
)
async def test_a_login_code_is_used_twice(siege: Siege) -> None:
    async with await siege.town.sign_in(OPERATOR) as operator:
        code = await operator.invite("prn_sre")
    public = public_half(Ed25519PrivateKey.generate())
    async with siege.town.client() as thief:
        await thief.register_key(code, public_half(Ed25519PrivateKey.generate()))
        await siege.turned_away(
            thief.register_key(code, public), "bad_code", source=key_id_of(public), door="sign_in"
        )


@attack(K, "register another person's key as its own", stopped_by="a key belongs to one person")
async def test_a_key_is_claimed_by_a_second_person(siege: Siege) -> None:
    await (await siege.town.sign_in(OWNER)).close()
    async with await siege.town.sign_in(OPERATOR) as operator:
        code = await operator.invite("prn_security")
    taken = public_half(siege.town.citizens[OWNER].key)
    async with siege.town.client() as thief:
        await siege.turned_away(thief.register_key(code, taken), "conflict", source=ADDRESS)


@attack(K, "have a token made that never ends", stopped_by="a token lives for 366 days at most")
async def test_an_endless_token_is_asked_for(siege: Siege) -> None:
    async with await siege.town.sign_in(OPERATOR) as operator:
        wish = operator.issue_token("agt_fixer", {"projects": ["shop/*"], "lifetime_s": 10**9})
        await siege.turned_away(wish, "malformed", source=OPERATOR)


@attack(
    K,
    "have a token made for an agent that nobody answers for",
    stopped_by="only agents of the roster get tokens",
)
async def test_a_token_for_an_unknown_agent(siege: Siege) -> None:
    async with await siege.town.sign_in(OPERATOR) as operator:
        wish = operator.issue_token("agt_shadow", {"projects": ["shop/*"]})
        await siege.turned_away(wish, "not_found", source=OPERATOR)


async def test_no_stored_token_can_be_read_back(siege: Siege) -> None:
    """What the digest attack rests on: the table holds SHA-256 and nothing else of a secret."""
    _, secret = await made(siege)
    query = select(tables.tokens)
    rows = await siege.town.gateway.store.reader.run(lambda c: repr(c.execute(query).all()))
    assert secret not in rows
    assert hashlib.sha256(secret.encode()).hexdigest() in rows
