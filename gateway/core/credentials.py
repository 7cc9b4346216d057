"""Credentials as they are shown: tokens once, vote keys by their public half."""

from gateway.core.model import Model
from gateway.core.principals import Scope


class Token(Model):
    """A credential just made; `secret` is shown this once. `expires_ms` in milliseconds since 1970, UTC."""

    id: str
    secret: str
    expires_ms: int


class StoredToken(Model):
    """What is kept of a token: never its secret."""

    id: str
    principal: str
    scope: Scope
    door: str
    expires_ms: int
    revoked: bool


class VoteKey(Model):
    """A person's public vote key; `public_key` is 32 bytes in base64."""

    id: str
    person: str
    public_key: str
