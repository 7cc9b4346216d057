"""The Jira app: version 3 of the REST API under `/rest/api/3`."""

import base64
import binascii

from starlette.types import ASGIApp

from gateway.sandbox.asgi import answering
from gateway.sandbox.jira import annexes, connections, issues, search
from gateway.sandbox.jira.call import Call, Handler, refuse
from gateway.sandbox.jira.site import Account, Site
from gateway.sandbox.wire import Asked, Refusal, Reply, Router, read_body

ROUTER: Router[Handler] = Router(search.ROUTES, annexes.ROUTES, connections.ROUTES, issues.ROUTES)
_PREFIX = ("rest", "api", "3")
_UNKNOWN = {"message": "Client must be authenticated to access this resource.", "status-code": 401}


class JiraApi:
    """Answers requests, one at a time, holding the world's lock."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self, asked: Asked) -> Reply:
        """The answer Jira would give."""
        with self._site.clock.lock:
            try:
                return self._answer(asked)
            except Refusal as refusal:
                return refusal.reply

    def _answer(self, asked: Asked) -> Reply:
        if asked.segments[:3] != _PREFIX:
            return Reply(404, {"message": "null for uri: " + asked.address, "status-code": 404})
        found = ROUTER.find(asked.method, asked.segments[3:])
        if found is None:
            return Reply(404, {"message": "null for uri: " + asked.address, "status-code": 404})
        account = self._authenticate(asked.headers.get("authorization", ""))
        handler, named = found
        return handler(Call(self._site, asked, account, named, _body(asked)))

    def _authenticate(self, header: str) -> Account:
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer" and value in self._site.secrets:
            return self._site.secrets[value]
        email, _, secret = _decode(value).partition(":") if scheme.lower() == "basic" else ("", "", "")
        account = self._site.secrets.get(secret)
        if account is None or account.email.lower() != email.lower():
            raise Refusal(Reply(401, _UNKNOWN, {"WWW-Authenticate": 'OAuth realm="Jira"'}))
        return account


def _decode(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _body(asked: Asked) -> object:
    if asked.headers.get("content-type", "").startswith("multipart/"):
        return {}
    try:
        return read_body(asked.content, "application/json")
    except ValueError:
        raise refuse(400, "There was an error parsing JSON. Check that your request body is valid.") from None


def jira_app(site: Site) -> ASGIApp:
    """The whole Jira."""
    return answering(JiraApi(site))
