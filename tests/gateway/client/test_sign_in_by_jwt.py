"""Sign-in by OIDC JWT, end to end: an issuer in loopgate.toml, its keys in a file, a job that proposes over HTTP."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from gateway.adapters.clock import SystemClock
from gateway.client.api import Client
from tests.gateway.cli.shell import loopgate
from tests.gateway.doors.rest.conftest import Served
from tests.town import built_town, proposal, refusal

pytestmark = pytest.mark.slow
ISSUER, AUDIENCE = "https://gitlab.example", "https://gateway.example/rest"


@dataclass
class Ci:
    """A CI system whose jobs sign in as agt_fixer, and the gateway that trusts it."""

    key: RSAPrivateKey
    served: Served
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def public_pem(self) -> bytes:
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, form)

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = SystemClock().now_ms() // 1000
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            "project_path": "shop/checkout",
            "ref_protected": "true",
            "jti": f"job-{next(self.numbers)}",
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, *, algorithm: str = "RS256", key: Any = None, **changed: Any) -> str:
        return jwt.encode(self.claims(**changed), key or self.key, algorithm, headers={"kid": "k1"})

    def client(self, token: str) -> Client:
        return Client(self.served.url, token)

    async def refused(self, token: str) -> tuple[int, str]:
        async with self.client(token) as client:
            problem = (await refusal(client.me())).problem
        return problem.status, problem.code


@pytest.fixture(scope="module")
def ci(home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ci]:
    """A served gateway with one trusted issuer."""
    folder = tmp_path_factory.mktemp("oidc")
    key = generate_private_key(65537, 2048)
    published = {
        **RSAAlgorithm.to_jwk(key.public_key(), as_dict=True),
        "kid": "k1",
        "alg": "RS256",
        "use": "sig",
    }
    (folder / "jwks.json").write_text(json.dumps({"keys": [published]}))
    with built_town(home_template, folder) as town:
        with (town.home / "loopgate.toml").open("a") as file:
            file.write(
                f'\n[[oidc]]\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\njwks_file = "{folder}/jwks.json"\n'
                'agent = "agt_fixer"\nonce = true\n'
                'claims = { project_path = "shop/checkout", ref_protected = "true" }\n'
            )
        served = Served(town)
        served.start()
        yield Ci(key, served)
        served.stop()


async def test_a_job_with_the_right_claims_proposes_as_its_agent(ci: Ci) -> None:
    async with ci.client(ci.sign()) as client:
        done = await client.propose(proposal("branch.create", {"from": "main"}, branch="agent/by-jwt"))

    assert done["status"] == "performed"
    assert (done["agent"], done["on_behalf_of"]) == ("agt_fixer", "prn_developer")


def test_the_command_line_takes_a_jwt_for_a_token(ci: Ci) -> None:
    said = loopgate("actions", "list", "--json", LOOPGATE_TOKEN=ci.sign(), LOOPGATE_URL=ci.served.url)

    assert said.code == 0
    assert {a["agent"] for a in said.document["items"]} <= {"agt_fixer"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "https://gateway.example/mcp"}, "bad_jwt"),
        ({"aud": None}, "bad_jwt"),
        ({"project_path": "shop/payments"}, "bad_jwt"),
        ({"ref_protected": "false"}, "bad_jwt"),
        ({"ref_protected": None}, "bad_jwt"),
        ({"jti": None}, "bad_jwt"),
        ({"exp": None}, "bad_jwt"),
        ({"exp": 1_000_000_000}, "token_expired"),
        ({"iss": "https://elsewhere.example"}, "unknown_issuer"),
    ],
)
async def test_a_job_with_other_claims_is_refused(ci: Ci, changed: dict[str, Any], code: str) -> None:
    assert await ci.refused(ci.sign(**changed)) == (401, code)


async def test_a_jti_counts_once(ci: Ci) -> None:
    token = ci.sign()
    async with ci.client(token) as client:
        assert (await client.me())["id"] == "agt_fixer"

    assert await ci.refused(token) == (401, "bad_jwt")


async def test_a_jwt_without_a_signature_is_refused(ci: Ci) -> None:
    assert await ci.refused(jwt.encode(ci.claims(), "", "none", headers={"kid": "k1"})) == (401, "bad_jwt")


async def test_the_public_key_as_a_shared_secret_is_refused(ci: Ci) -> None:
    """An HS256 token keyed with the published key: a verifier that trusts the header's algorithm takes it."""
    parts = [json.dumps(p).encode() for p in ({"alg": "HS256", "typ": "JWT", "kid": "k1"}, ci.claims())]
    signed = b".".join(base64url_encode(p) for p in parts)
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed, ci.public_pem)

    assert await ci.refused((signed + b"." + base64url_encode(mac)).decode()) == (401, "bad_jwt")


async def test_another_key_under_the_same_name_is_refused(ci: Ci) -> None:
    assert await ci.refused(ci.sign(key=generate_private_key(65537, 2048))) == (401, "bad_jwt")
