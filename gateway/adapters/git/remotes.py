"""Where a project's repository is, which addresses git may reach, and with which credential."""

import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from gateway.core.errors import SettingsError
from gateway.core.vocabulary import ForgeIdentity

# The secret of one of the two identities, read when it is needed and kept nowhere.
Credentials = Callable[[ForgeIdentity], Awaitable[str]]
# The checked address of a host and port to connect to; raises a `TargetRefusedError`.
Addresses = Callable[[str, int], Awaitable[str]]
_PORTS = {"https": 443, "http": 80}
_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


@dataclass(frozen=True, slots=True, repr=False)
class Remote:
    """An address git may talk to now, with the configuration that lets it (the credential included)."""

    url: str
    config: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"Remote({self.url})"


class Forge:
    """The GitLab whose repositories are mirrored.

    `origin` is its `https://host[:port][/base]`. Plain http is refused unless `host:port` is in `loopback`: whoever
    listens there is believed. `username` is what accompanies the token; GitLab looks at the token only.
    With `addresses` git connects to the address that was checked, not to what the name means a moment later.
    """

    def __init__(
        self,
        origin: str,
        credentials: Credentials,
        *,
        loopback: tuple[str, ...] = (),
        username: str = "oauth2",
        addresses: Addresses | None = None,
    ) -> None:
        self._origin = origin.rstrip("/")
        self._credentials = credentials
        self._username = username
        self._addresses = addresses
        self._scheme = _allowed_scheme(self._origin, loopback)

    @property
    def host(self) -> str:
        """The host name of the forge, as it appears in agents' e-mail addresses."""
        return urlsplit(self._origin).hostname or "localhost"

    async def remote(self, project: str, identity: ForgeIdentity) -> Remote:
        """The project's repository as one of the two identities sees it.

        Each request has its own connection: on a kept one curl silently sends a request again when the reply is
        lost, and the second push would be refused although the first one happened.
        """
        secret = await self._credentials(identity)
        pair = base64.b64encode(f"{self._username}:{secret}".encode()).decode()
        return Remote(
            url=f"{self._origin}/{quote(checked_project(project))}.git",
            config=(
                (f"protocol.{self._scheme}.allow", "always"),
                ("http.version", "HTTP/1.1"),
                (f"http.{self._origin}/.extraHeader", f"Authorization: Basic {pair}"),
                (f"http.{self._origin}/.extraHeader", "Connection: close"),
                *await self._pinned(),
            ),
        )

    async def _pinned(self) -> tuple[tuple[str, str], ...]:
        if self._addresses is None:
            return ()
        parts = urlsplit(self._origin)
        host, port = parts.hostname or "", parts.port or _PORTS[self._scheme]
        address = await self._addresses(host, port)
        shown = f"[{address}]" if ":" in address else address
        return (("http.curloptResolve", f"{host}:{port}:{shown}"),)


class UnsafeLocalForge:
    """Repositories in a folder of this machine, reached without any credential. For tests of this adapter only."""

    def __init__(self, folder: str, host: str = "gitlab.test") -> None:
        self._folder = folder
        self.host = host

    async def remote(self, project: str, identity: ForgeIdentity) -> Remote:
        """The bare repository `<folder>/<project>.git`."""
        del identity
        url = f"file://{self._folder}/{checked_project(project)}.git"
        return Remote(url=url, config=(("protocol.file.allow", "always"),))


AnyForge = Forge | UnsafeLocalForge


def checked_project(project: str) -> str:
    """The project path or numeric id, if it is one. Raises `SettingsError`."""
    if not _PROJECT.fullmatch(project) or ".." in project:
        raise SettingsError(f"{project!r} is not a project path such as group/project, nor a project id.")
    return project


def _allowed_scheme(origin: str, loopback: tuple[str, ...]) -> str:
    parts = urlsplit(origin)
    if parts.username or parts.password:
        raise SettingsError("The forge's origin must not contain a credential.")
    if parts.scheme == "https" and parts.hostname:
        return "https"
    if parts.scheme == "http" and parts.netloc in loopback and _is_loopback(parts.hostname or ""):
        return "http"
    raise SettingsError(
        f"Git may reach https, or http to a loopback address named in the settings, not {origin}."
    )


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))
