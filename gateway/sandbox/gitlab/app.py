"""The GitLab app: the API under `/api/v4`, git under `/<group>/<project>.git`."""

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.sandbox.asgi import answering
from gateway.sandbox.git.hooks import RefChange
from gateway.sandbox.git.http import Door, GitHttp, NoDoor
from gateway.sandbox.git.repository import GitError
from gateway.sandbox.gitlab.call import Call, Handler, refuse, refuse_parameter
from gateway.sandbox.gitlab.entities import Project, Role, Token
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.routes import (
    accounts,
    issues,
    merge_requests,
    pipelines,
    relations,
    repository,
    tags,
)
from gateway.sandbox.gitlab.workings import Workings
from gateway.sandbox.wire import Asked, Document, Refusal, Reply, Router, read_body

ROUTER: Router[Handler] = Router(
    accounts.ROUTES,
    issues.ROUTES,
    relations.ROUTES,
    repository.ROUTES,
    tags.ROUTES,
    pipelines.ROUTES,
    merge_requests.ROUTES,
)
_READS = ("GET", "HEAD")


class GitLabApi:
    """Answers API requests, one at a time, holding the world's lock."""

    def __init__(self, forge: Forge, workings: Workings) -> None:
        self._forge = forge
        self._workings = workings

    def __call__(self, asked: Asked) -> Reply:
        """The answer GitLab would give."""
        with self._forge.clock.lock:
            try:
                return self._answer(asked)
            except Refusal as refusal:
                return refusal.reply
            except GitError as error:
                return Reply(400, {"message": str(error)})

    def _answer(self, asked: Asked) -> Reply:
        method = "GET" if asked.method == "HEAD" else asked.method
        found = ROUTER.find(method, asked.segments[2:])
        if found is None:
            return Reply(404, {"error": "404 Not Found"})
        token = self._authenticate(asked)
        self._check_scope(token, asked)
        handler, named = found
        return handler(Call(self._forge, self._workings, asked, token, named, _parameters(asked)))

    def _authenticate(self, asked: Asked) -> Token:
        scheme, _, bearer = asked.headers.get("authorization", "").partition(" ")
        value = asked.headers.get("private-token") or (bearer if scheme.lower() == "bearer" else "")
        token = self._forge.tokens.get(value)
        if token is None:
            raise refuse(401, "401 Unauthorized")
        return token

    def _check_scope(self, token: Token, asked: Asked) -> None:
        enough = ("api", "read_api") if asked.method in _READS else ("api",)
        if set(enough) & set(token.scopes):
            return
        document = {
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": " ".join(enough),
        }
        raise Refusal(Reply(403, document))


def _parameters(asked: Asked) -> Document:
    try:
        body = read_body(asked.content, asked.headers.get("content-type", ""))
    except ValueError:
        raise refuse_parameter("The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise refuse_parameter("The request body must be a JSON object")
    return {**asked.query, **body}


class GitAccess:
    """Turns a token and a project path into what git may do there."""

    def __init__(self, forge: Forge, workings: Workings) -> None:
        self._forge = forge
        self._workings = workings

    def __call__(self, path: str, secret: str | None) -> Door | NoDoor:
        """The door for this credential: 401 without a known token, 404 without membership."""
        token = self._forge.tokens.get(secret or "")
        if token is None:
            return NoDoor(401, "HTTP Basic: Access denied.")
        project = self._forge.project_at(path)
        role = self._forge.role(token.user, project) if project else Role.NO_ONE
        if project is None or role < Role.REPORTER:
            return NoDoor(
                404,
                "The project you were looking for could not be found or you don't have permission to view it.",
            )
        return self._door(project, role, token)

    def _door(self, project: Project, role: Role, token: Token) -> Door:
        rules = project.protections
        writes = (
            role >= Role.DEVELOPER
            and not project.archived
            and bool({"api", "write_repository"} & set(token.scopes))
        )
        return Door(
            repository=project.repository.path,
            user=token.user.username,
            may_write=writes,
            no_push=(
                *(
                    f"refs/heads/{rule.name}"
                    for rule in rules
                    if rule.push is Role.NO_ONE or role < rule.push
                ),
                *(f"refs/tags/{name}" for name in project.protected_tags if role < Role.MAINTAINER),
            ),
            no_force=tuple(f"refs/heads/{rule.name}" for rule in rules if not rule.allow_force_push),
            pushed=lambda changes: self._pushed(project, token, changes),
        )

    def _pushed(self, project: Project, token: Token, changes: tuple[RefChange, ...]) -> None:
        with self._forge.clock.lock:
            for change in changes:
                kind, _, branch = change.ref.removeprefix("refs/").partition("/")
                if kind == "heads":
                    self._workings.activity.branch_moved(project, branch, change.old, change.new, token.user)
                elif kind == "tags":
                    ends = (change.old, change.new)
                    self._workings.activity.record_push(project, "tag", branch, ends, token.user)


def gitlab_app(forge: Forge, workings: Workings) -> ASGIApp:
    """The whole GitLab."""
    api, git = answering(GitLabApi(forge, workings)), GitHttp(GitAccess(forge, workings))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (api if scope["path"].startswith("/api/v4/") else git)(scope, receive, send)

    return app
