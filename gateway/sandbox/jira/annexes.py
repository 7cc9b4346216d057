"""What hangs on issues and comments: entity properties and remote links; and the site's small lists."""

from typing import Any

from gateway.sandbox.jira import shapes
from gateway.sandbox.jira.call import Call, Routes, refuse
from gateway.sandbox.jira.site import ISSUE_TYPES, PRIORITIES, Comment
from gateway.sandbox.wire import Document, Reply, Route

_KEY_MOST = 255


def server_info(call: Call) -> Reply:
    """GET /serverInfo."""
    document = {
        "baseUrl": call.site.url,
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100290,
        "buildDate": "2026-09-01T00:00:00.000+0000",
        "serverTime": shapes.stamp(call.site.clock.now()),
        "scmInfo": "0a1b2c3d4e5f",
        "serverTitle": "Jira",
    }
    return Reply(200, document)


def myself(call: Call) -> Reply:
    """GET /myself."""
    return Reply(200, shapes.account(call.account, call.site.url))


def get_project(call: Call) -> Reply:
    """GET /project/{key}."""
    found = call.project(call.path["projectIdOrKey"])
    if found is None:
        raise refuse(404, f"No project could be found with key '{call.path['projectIdOrKey']}'.")
    types = [shapes.issue_type(number, call.site.url) for number in ISSUE_TYPES]
    return Reply(200, shapes.project(found, call.site.url) | {"issueTypes": types})


def create_types(call: Call) -> Reply:
    """GET /issue/createmeta/{project}/issuetypes."""
    if call.project(call.path["projectIdOrKey"]) is None:
        raise refuse(404, "The project does not exist or you do not have permission to create issues in it.")
    types = [shapes.issue_type(number, call.site.url) for number in ISSUE_TYPES]
    return Reply(200, {"startAt": 0, "maxResults": 50, "total": len(types), "issueTypes": types})


def priorities(call: Call) -> Reply:
    """GET /priority."""
    return Reply(200, [shapes.priority(number, call.site.url) for number in PRIORITIES])


def add_remote_link(call: Call) -> Reply:
    """POST /issue/{key}/remotelink: 201, or 200 when its `globalId` was there and is now updated."""
    issue, document = call.issue(), call.document()
    target = document.get("object")
    if not isinstance(target, dict) or not target.get("url") or not target.get("title"):
        raise refuse(400, **{"object.url": "'url' and 'title' are required."})
    same = (
        number
        for number, each in issue.remote_links.items()
        if each.get("globalId") == document.get("globalId")
    )
    known = next(same, None) if document.get("globalId") else None
    number = known or int(call.site.number("remotelink"))
    address = f"{shapes.api(call.site.url)}/issue/{issue.id}/remotelink/{number}"
    kept = {
        name: document[name]
        for name in ("globalId", "application", "relationship", "object")
        if name in document
    }
    issue.remote_links[number] = {"id": number, "self": address} | kept
    call.site.touch(issue)
    return Reply(200 if known else 201, {"id": number, "self": address})


def list_remote_links(call: Call) -> Reply:
    """GET /issue/{key}/remotelink (`globalId`)."""
    wanted = call.asked.query.get("globalId")
    found = [each for each in call.issue().remote_links.values() if wanted in (None, each.get("globalId"))]
    if wanted is not None:
        if not found:
            raise refuse(404, "No remote issue link found with the given global id.")
        return Reply(200, found[0])
    return Reply(200, found)


def _comment(call: Call) -> Comment:
    for issue in call.site.issues.values():
        for comment in issue.comments:
            if comment.id == call.path["commentId"] and call.sees(issue.project):
                return comment
    raise refuse(404, f"Can not find a comment for the id: {call.path['commentId']}.")


def _holder(call: Call) -> tuple[dict[str, Any], str]:
    """Where the properties are kept, and their address."""
    if "commentId" in call.path:
        return _comment(
            call
        ).properties, f"{shapes.api(call.site.url)}/comment/{call.path['commentId']}/properties"
    issue = call.issue()
    return issue.properties, f"{shapes.api(call.site.url)}/issue/{issue.id}/properties"


def list_properties(call: Call) -> Reply:
    """GET …/properties."""
    kept, address = _holder(call)
    return Reply(200, {"keys": [{"self": f"{address}/{key}", "key": key} for key in kept]})


def get_property(call: Call) -> Reply:
    """GET …/properties/{key}."""
    kept, _ = _holder(call)
    key = call.path["propertyKey"]
    if key not in kept:
        raise refuse(404, f"The property with key '{key}' does not exist.")
    return Reply(200, {"key": key, "value": kept[key]})


def put_property(call: Call) -> Reply:
    """PUT …/properties/{key} with any JSON: 201 when new, 200 when replaced."""
    kept, _ = _holder(call)
    key = call.path["propertyKey"]
    if len(key) > _KEY_MOST:
        raise refuse(400, "The property key cannot be longer than 255 characters.")
    if not call.asked.content:
        raise refuse(400, "The property value cannot be empty.")
    status = 200 if key in kept else 201
    kept[key] = call.body
    said: Document = {}
    return Reply(status, said)


ROUTES: Routes = (
    Route("GET", "serverInfo", server_info),
    Route("GET", "myself", myself),
    Route("GET", "project/:projectIdOrKey", get_project),
    Route("GET", "issue/createmeta/:projectIdOrKey/issuetypes", create_types),
    Route("GET", "priority", priorities),
    Route("GET", "issue/:issueIdOrKey/remotelink", list_remote_links),
    Route("POST", "issue/:issueIdOrKey/remotelink", add_remote_link),
    Route("GET", "issue/:issueIdOrKey/properties", list_properties),
    Route("GET", "issue/:issueIdOrKey/properties/:propertyKey", get_property),
    Route("PUT", "issue/:issueIdOrKey/properties/:propertyKey", put_property),
    Route("GET", "comment/:commentId/properties", list_properties),
    Route("GET", "comment/:commentId/properties/:propertyKey", get_property),
    Route("PUT", "comment/:commentId/properties/:propertyKey", put_property),
)
