"""OIDC JWTs: who is let in, and every way not to be."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from jwt.algorithms import ECAlgorithm

from gateway.adapters.identity.doorkeeper import Doorkeeper
from gateway.adapters.identity.jwks import KeySet, from_file
from gateway.adapters.identity.oidc import Issuer, OidcSignIn
from gateway.core.errors import UnauthenticatedError
from gateway.core.principals import Door
from tests.gateway.adapters.store.world import AGENT, NOW_MS, OWNER, ROSTER, TestClock

ISSUER, AUDIENCE = "https://gitlab.example", "https://gateway.example/rest"
NOW_S = NOW_MS // 1000


def jwk(key: EllipticCurvePrivateKey, key_id: str) -> dict[str, Any]:
    plain: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**plain, "kid": key_id, "alg": "ES256", "use": "sig"}


@dataclass
class Ci:
    """An issuer, its keys, and a gateway that trusts it."""

    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    clock: TestClock = field(default_factory=TestClock)
    published: list[dict[str, Any]] = field(default_factory=list)
    fetched: int = 0
    broken: bool = False
    seen: set[tuple[str, str]] = field(default_factory=set)
    denied: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.published = [jwk(self.key, "k1")]

    async def fetch(self) -> bytes:
        self.fetched += 1
        if self.broken:
            raise OSError("connection refused")
        return json.dumps({"keys": self.published}).encode()

    async def see_once(self, issuer: str, jti: str, expires_ms: int) -> bool:
        assert expires_ms > self.clock.ms
        fresh = (issuer, jti) not in self.seen
        self.seen.add((issuer, jti))
        return fresh

    def count(self, source: str, door: str, code: str, now_ms: int) -> None:
        assert (source, now_ms) == ("x", self.clock.ms)
        self.denied.append(f"{door}:{code}")

    async def token(self, secret: str) -> None:
        raise AssertionError(f"a JWT was looked up as a token: {secret}")

    def keeper(self, *, once: bool = False, keys: KeySet | None = None) -> Doorkeeper:
        issuer = Issuer(
            issuer=ISSUER,
            audience=AUDIENCE,
            keys=keys or KeySet(self.fetch, self.clock),
            agent=AGENT,
            claims=(("project_path", "shop/checkout"), ("ref_protected", "true")),
            once=once,
        )
        return Doorkeeper(self, self, self.clock, lambda: ROSTER, OidcSignIn([issuer], self, self.clock))

    def sign(
        self, *, key: Any = None, algorithm: str = "ES256", kid: str | None = "k1", **changed: Any
    ) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": NOW_S + 300,
            "iat": NOW_S,
            "project_path": "shop/checkout",
            "ref_protected": "true",
            "jti": "j1",
            **changed,
        }
        headers = {"kid": kid} if kid else {}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.key if key is None else key, algorithm=algorithm, headers=headers)


async def sign_in(keeper: Doorkeeper, token: str, door: Door = Door.REST) -> Any:
    return await keeper.authenticate(token, door=door, source="x")


async def refusal(keeper: Doorkeeper, token: str, door: Door = Door.REST) -> UnauthenticatedError:
    with pytest.raises(UnauthenticatedError) as caught:
        await sign_in(keeper, token, door)
    return caught.value


async def test_a_job_of_the_trusted_project_signs_its_agent_in() -> None:
    ci = Ci()

    principal = await sign_in(ci.keeper(), ci.sign())

    assert (principal.id, principal.owner) == (AGENT, OWNER)
    assert principal.scope.projects == ("shop/*",)
    assert principal.expires_ms == (NOW_S + 300) * 1000


async def test_a_boolean_claim_is_compared_as_the_settings_write_it() -> None:
    ci = Ci()

    assert (await sign_in(ci.keeper(), ci.sign(ref_protected=True))).id == AGENT
    assert (await refusal(ci.keeper(), ci.sign(ref_protected=False))).code == "bad_jwt"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": "https://elsewhere.example"}, "unknown_issuer"),
        ({"iss": None}, "unknown_issuer"),
        ({"aud": "https://gateway.example/mcp"}, "bad_jwt"),
        ({"aud": None}, "bad_jwt"),
        ({"exp": None}, "bad_jwt"),
        ({"exp": NOW_S - 30}, "token_expired"),
        ({"exp": NOW_S + 90_000}, "bad_jwt"),
        ({"exp": True}, "bad_jwt"),
        ({"exp": "soon"}, "bad_jwt"),
        ({"exp": float("inf")}, "bad_jwt"),
        ({"iat": NOW_S + 31}, "bad_jwt"),
        ({"nbf": NOW_S + 31}, "bad_jwt"),
        ({"project_path": "shop/other"}, "bad_jwt"),
        ({"project_path": None}, "bad_jwt"),
        ({"project_path": ["shop/checkout"]}, "bad_jwt"),
        ({"ref_protected": "false"}, "bad_jwt"),
    ],
)
async def test_a_jwt_with_one_wrong_claim_is_refused(changed: dict[str, Any], code: str) -> None:
    ci = Ci()

    error = await refusal(ci.keeper(), ci.sign(**changed))

    assert error.code == code
    assert ci.denied == [f"rest:{code}"]


async def test_the_leeway_of_the_clock_is_half_a_minute_both_ways() -> None:
    ci = Ci()

    assert (await sign_in(ci.keeper(), ci.sign(exp=NOW_S - 29))).id == AGENT
    assert (await sign_in(ci.keeper(), ci.sign(iat=NOW_S + 30, nbf=NOW_S + 30))).id == AGENT


async def test_another_key_under_the_same_id_is_refused() -> None:
    ci = Ci()

    error = await refusal(ci.keeper(), ci.sign(key=generate_private_key(SECP256R1())))

    assert error.code == "bad_jwt"


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
async def test_a_shared_secret_or_no_signature_signs_nobody_in(algorithm: str) -> None:
    ci = Ci()
    key = "k" * 64 if algorithm == "HS256" else ""

    error = await refusal(ci.keeper(), ci.sign(key=key, algorithm=algorithm))

    assert error.code == "bad_jwt"


async def test_a_jwt_is_good_only_at_the_doors_of_its_issuer() -> None:
    ci = Ci()

    assert (await refusal(ci.keeper(), ci.sign(), Door.MCP)).code == "unknown_issuer"


async def test_each_jti_counts_once_where_the_settings_say_so() -> None:
    ci = Ci()
    keeper = ci.keeper(once=True)

    assert (await sign_in(keeper, ci.sign())).id == AGENT
    assert "used already" in (await refusal(keeper, ci.sign())).detail
    assert (await sign_in(keeper, ci.sign(jti="j2"))).id == AGENT
    assert (await refusal(keeper, ci.sign(jti=None))).code == "bad_jwt"


async def test_a_wrong_jwt_does_not_use_up_the_jti() -> None:
    ci = Ci()
    keeper = ci.keeper(once=True)

    await refusal(keeper, ci.sign(project_path="shop/other"))

    assert (await sign_in(keeper, ci.sign())).id == AGENT


async def test_keys_are_kept_and_looked_up_again_for_a_new_key_id_once_a_minute() -> None:
    ci = Ci()
    keeper = ci.keeper()
    await sign_in(keeper, ci.sign())
    await sign_in(keeper, ci.sign())
    assert ci.fetched == 1

    ci.published = [jwk(ci.key, "k2")]
    assert (await refusal(keeper, ci.sign(kid="k2"))).code == "bad_jwt"
    ci.clock.pass_ms(60_000)
    assert (await sign_in(keeper, ci.sign(kid="k2"))).id == AGENT
    assert ci.fetched == 2


async def test_a_jwt_without_a_key_id_is_checked_with_the_only_key() -> None:
    ci = Ci()

    assert (await sign_in(ci.keeper(), ci.sign(kid=None))).id == AGENT

    ci.published.append(jwk(generate_private_key(SECP256R1()), "k2"))
    assert (await refusal(ci.keeper(), ci.sign(kid=None))).code == "bad_jwt"


async def test_an_issuer_that_does_not_answer_is_said_and_tried_again() -> None:
    ci = Ci(broken=True)
    keeper = ci.keeper()

    assert (await refusal(keeper, ci.sign())).code == "issuer_unavailable"
    ci.broken = False

    assert (await sign_in(keeper, ci.sign())).id == AGENT


@pytest.mark.parametrize(
    "published", ["[]", "{}", "not json", '{"keys": []}', '{"keys": [{"kty": "?"}]}', "[" * 9000]
)
async def test_a_key_set_that_is_none_lets_nobody_in(tmp_path: Path, published: str) -> None:
    ci = Ci()
    path = tmp_path / "jwks.json"
    path.write_text(published)

    error = await refusal(ci.keeper(keys=KeySet(from_file(path), ci.clock)), ci.sign())

    assert error.code == "issuer_unavailable"


async def test_a_key_set_in_a_file_is_read(tmp_path: Path) -> None:
    ci = Ci()
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": ci.published}))

    assert (await sign_in(ci.keeper(keys=KeySet(from_file(path), ci.clock)), ci.sign())).id == AGENT


@pytest.mark.parametrize("token", ["a.b.c", "..", "eyJ.eyJ.", "\u00e9.\u00e9.\u00e9"])
async def test_what_only_looks_like_a_jwt_is_refused(token: str) -> None:
    ci = Ci()

    assert (await refusal(ci.keeper(), token)).code in {"bad_jwt", "unauthenticated"}


async def test_a_payload_nested_beyond_reason_is_refused() -> None:
    ci = Ci()
    header, _, signature = ci.sign().split(".")
    payload = jwt.utils.base64url_encode(b"[" * 6000).decode()

    assert (await refusal(ci.keeper(), f"{header}.{payload}.{signature}")).code == "bad_jwt"
