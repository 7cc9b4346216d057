"""Connecting GitLab, Jira and the mirrors as far as the settings name them."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import requests

from gateway.adapters.egress import Egress
from gateway.adapters.git.authorship import Authorship
from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.changes import GitChanges, ProjectShape
from gateway.adapters.git.commits import GitRepository
from gateway.adapters.git.content_scan import core_scanners
from gateway.adapters.git.inspection import Inspector
from gateway.adapters.git.lineage import Lineage
from gateway.adapters.git.mirrors import Mirrors
from gateway.adapters.git.proposals import Proposals as GitProposals
from gateway.adapters.git.remotes import Forge as GitForge
from gateway.adapters.git.runner import Git
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.notices import GitLabNotices
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.adapters.jira.notices import JiraNotices
from gateway.adapters.jira.site import Site
from gateway.adapters.jira.target import JiraTarget
from gateway.adapters.unconnected import UnconnectedChanges, UnconnectedTarget
from gateway.adapters.vendor_secrets import VendorSecret, VendorSecrets
from gateway.app.gateway import Gateway
from gateway.app.policy_target import OwnTarget, PolicyTarget
from gateway.app.told import notifiers_of
from gateway.core.errors import LedgerUnavailableError, SettingsError
from gateway.core.vocabulary import ForgeIdentity, System
from gateway.ports import Changes, Target
from gateway.settings import SecretSource


async def connect(gateway: Gateway, stack: AsyncExitStack) -> Changes:
    """Connect GitLab, Jira and the mirrors as far as the settings name them."""
    settings = gateway.settings
    sources = {
        "gitlab.road": settings.gitlab.road,
        "gitlab.merge": settings.gitlab.merge,
        "jira.token": settings.jira.token,
        "notify.webhook": settings.notify.webhook,
        "notify.webhook_secret": settings.notify.webhook_secret,
    }
    gateway.secrets = VendorSecrets(tuple(_secret(n, s) for n, s in sources.items() if s != SecretSource()))
    marker = _marker(settings.home / "keys" / "marker.key")
    egress = gateway.egress = Egress(
        loopback=settings.egress.loopback,
        allow=settings.egress.allow,
        timeout_s=settings.egress.timeout_s,
        max_bytes=settings.egress.max_bytes,
        headers=gateway.watch.trace_headers,
    )
    policies = PolicyTarget(gateway.store.policies, gateway.library, gateway.follower.look)
    gateway.targets[System.LOOPGATE] = OwnTarget(gateway.store.own, policies)
    gateway.notifiers = await notifiers_of(gateway, marker, stack)
    gateway.targets[System.JIRA] = await _jira(gateway, egress, marker, stack)
    if not settings.gitlab.url:
        gateway.targets[System.GITLAB] = UnconnectedTarget(System.GITLAB)
        return UnconnectedChanges()
    return await _gitlab(gateway, egress, marker, stack)


async def _jira(
    gateway: Gateway, egress: Egress, marker: Callable[[str], str], stack: AsyncExitStack
) -> Target:
    settings = gateway.settings.jira
    if not settings.url:
        return UnconnectedTarget(System.JIRA)
    http = await stack.enter_async_context(egress.async_client(base_url=settings.url))
    site = Site(http, settings.email, gateway.secrets["jira.token"], gateway.clock)
    gateway.boards[System.JIRA] = JiraNotices(site)
    accounts = {person: account for account, person in settings.people.items()}
    return JiraTarget(site, marker=marker, browse=settings.url, accounts=accounts)


async def _refill(gateway: Gateway) -> None:
    """Fill the lineage index. A log that is damaged turns readiness red instead; the index is filled when it is asked."""
    with contextlib.suppress(LedgerUnavailableError):
        await gateway.store.lineage.refill()


async def _gitlab(
    gateway: Gateway, egress: Egress, marker: Callable[[str], str], stack: AsyncExitStack
) -> Changes:
    settings, clock, vault = gateway.settings.gitlab, gateway.clock, gateway.secrets
    people = {
        email: person for person, (_, email) in (await gateway.store.credentials.names()).items() if email
    }
    authorship = Authorship(
        gateway.settings.origin,
        gateway=settings.gateway_emails,
        people=people,
        service_accounts=settings.service_accounts,
        keys=settings.signing_keys,
        pseudonym=lambda email: marker(f"author {email}").removeprefix("lg-"),
    )

    async def credential(identity: ForgeIdentity) -> str:
        return await asyncio.to_thread(vault[f"gitlab.{identity.value}"])

    def forge(username: str, name: str) -> Forge:
        session: requests.Session = stack.enter_context(egress.session())
        return Forge(settings.url, username, vault[name], session, clock)

    gateway.boards[System.GITLAB] = GitLabNotices(forge(settings.road_username, "gitlab.road"))
    git = Git(Bounds())
    remote = GitForge(
        settings.url, credential, loopback=gateway.settings.egress.loopback, addresses=_addresses(egress)
    )
    mirrors = Mirrors(git, remote, gateway.settings.home / "mirrors")
    stack.push_async_callback(mirrors.close)
    await _refill(gateway)
    lineage = Lineage(git, authorship, gateway.store.lineage)
    inspector = Inspector(git, authorship, core_scanners(), lineage)
    proposals = GitProposals(git, inspector)
    target = GitLabTarget(
        forge(settings.road_username, "gitlab.road"),
        forge(settings.merge_username, "gitlab.merge"),
        GitRepository(mirrors, inspector, proposals, clock),
        clock=clock,
        marker=marker,
        people=settings.person,
    )
    gateway.targets[System.GITLAB] = target

    async def shape(project: str) -> ProjectShape:
        protected, ci_path = await target.branch_rules(project)
        return ProjectShape(protected=protected, ci_path=ci_path)

    return GitChanges(mirrors, inspector, proposals, shape, settings.person)


def _addresses(egress: Egress) -> Callable[[str, int], Awaitable[str]]:
    """Where git may connect, checked like every other way out."""

    async def checked(host: str, port: int) -> str:
        return await asyncio.to_thread(egress.address_of, host, port)

    return checked


def _secret(name: str, source: SecretSource) -> VendorSecret:
    return VendorSecret(name, file=source.file, environment=source.environment, command=source.command)


def _marker(path: Path) -> Callable[[str], str]:
    """`lg-` + HMAC-SHA256 of a text under the gateway's own key: what it recognises its effects by."""
    try:
        key = bytes.fromhex(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} cannot be read as a key; restore it from the backup of the home."
        ) from error
    return lambda text: "lg-" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
