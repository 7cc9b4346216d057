"""`/version`, `/user`, the token itself, projects, members and protected branches."""

from gateway.sandbox.gitlab import shapes
from gateway.sandbox.gitlab.call import Call, Routes, not_found
from gateway.sandbox.gitlab.entities import Project, Role
from gateway.sandbox.gitlab.paging import page
from gateway.sandbox.wire import Document, Reply, Route

VERSION = {"version": "19.5.0-ee", "revision": "0a1b2c3d4e5"}


def version(_: Call) -> Reply:
    """GET /version."""
    return Reply(200, VERSION)


def metadata(_: Call) -> Reply:
    """GET /metadata."""
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    return Reply(200, VERSION | {"kas": kas, "enterprise": True})


def current_user(call: Call) -> Reply:
    """GET /user."""
    user = call.user
    extra = {
        "email": user.email,
        "bot": user.bot,
        "is_admin": False,
        "public_email": None,
        "created_at": "2026-01-05T09:00:00.000Z",
    }
    return Reply(200, shapes.user_basic(user, call.forge.url) | extra)


def own_token(call: Call) -> Reply:
    """GET /personal_access_tokens/self."""
    token = call.token
    document = {
        "id": token.id,
        "name": token.name,
        "revoked": False,
        "created_at": "2026-01-05T09:00:00.000Z",
        "description": None,
        "scopes": list(token.scopes),
        "user_id": token.user.id,
        "last_used_at": shapes.stamp(call.forge.clock.now()),
        "active": True,
        "expires_at": None,
    }
    return Reply(200, document)


def list_projects(call: Call) -> Reply:
    """GET /projects: those the caller is a member of."""
    search = (call.text("search") or "").lower()
    seen = (each for each in call.forge.projects.values() if call.role(each) > Role.NO_ONE)
    found = [each for each in seen if search in each.full_path.lower()]
    return page(call, found[::-1], lambda each: shapes.project(each, call.forge.url))


def get_project(call: Call) -> Reply:
    """GET /projects/:id."""
    project = call.project()
    access = {"access_level": int(call.role(project)), "notification_level": 3}
    permissions = {"project_access": access, "group_access": None}
    return Reply(200, shapes.project(project, call.forge.url) | {"permissions": permissions})


def _member(call: Call, project: Project, number: int) -> Document:
    created = {
        "created_at": shapes.stamp(project.created_at),
        "expires_at": None,
        "membership_state": "active",
    }
    level = {"access_level": int(project.members[number])}
    return shapes.user_basic(call.forge.users[number], call.forge.url) | level | created


def list_members(call: Call) -> Reply:
    """GET /projects/:id/members and members/all."""
    project = call.project()
    return page(call, sorted(project.members), lambda number: _member(call, project, number))


def get_member(call: Call) -> Reply:
    """GET /projects/:id/members/:user_id and members/all/:user_id."""
    project, number = call.project(), call.path["user_id"]
    if not number.isdigit() or int(number) not in project.members:
        raise not_found("Member")
    return Reply(200, _member(call, project, int(number)))


def list_protected(call: Call) -> Reply:
    """GET /projects/:id/protected_branches."""
    return page(call, call.project(Role.DEVELOPER).protections, shapes.protection)


def get_protected(call: Call) -> Reply:
    """GET /projects/:id/protected_branches/:name."""
    rules = call.project(Role.DEVELOPER).protections
    found = next((rule for rule in rules if rule.name == call.path["name"]), None)
    if found is None:
        raise not_found("Protected Branch")
    return Reply(200, shapes.protection(found))


def get_approvals(call: Call) -> Reply:
    """GET /projects/:id/approvals: the settings of a paid edition."""
    project = call.project(Role.DEVELOPER)
    document = {
        "approvals_before_merge": 0,
        "reset_approvals_on_push": project.approvals_are_reset,
        "selective_code_owner_removals": False,
        "disable_overriding_approvers_per_merge_request": False,
        "merge_requests_author_approval": project.authors_may_approve,
        "merge_requests_disable_committers_approval": True,
        "require_password_to_approve": False,
    }
    return Reply(200, document)


def get_job_token_scope(call: Call) -> Reply:
    """GET /projects/:id/job_token_scope."""
    project = call.project(Role.MAINTAINER)
    return Reply(200, {"inbound_enabled": project.job_tokens_are_listed, "outbound_enabled": False})


ROUTES: Routes = (
    Route("GET", "version", version),
    Route("GET", "metadata", metadata),
    Route("GET", "user", current_user),
    Route("GET", "personal_access_tokens/self", own_token),
    Route("GET", "projects", list_projects),
    Route("GET", "projects/:id", get_project),
    Route("GET", "projects/:id/members", list_members),
    Route("GET", "projects/:id/members/all", list_members),
    Route("GET", "projects/:id/members/all/:user_id", get_member),
    Route("GET", "projects/:id/members/:user_id", get_member),
    Route("GET", "projects/:id/approvals", get_approvals),
    Route("GET", "projects/:id/job_token_scope", get_job_token_scope),
    Route("GET", "projects/:id/protected_branches", list_protected),
    Route("GET", "projects/:id/protected_branches/:name", get_protected),
)
