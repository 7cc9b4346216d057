"""Carries quick actions out, as the person who wrote the text, with that person's rights."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.sandbox.gitlab.activity import Activity
from gateway.sandbox.gitlab.entities import Issue, Item, MergeRequest, Project, Role, User
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.merging import MergeWish, Merging
from gateway.sandbox.gitlab.quick_actions import Command, extract

_LABEL = re.compile(r'~(?:"([^"]+)"|([^\s~]+))|"([^"]+)"|([^\s~"]+)')


@dataclass
class Effect:
    """What the commands of one text did: GitLab's `commands_changes` and the sentences of `summary`."""

    text: str
    commands: tuple[Command, ...] = ()
    changes: dict[str, object] = field(default_factory=dict)
    summary: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """Who commands, about what, where."""

    project: Project
    item: Item
    user: User
    role: Role


class Commands:
    """Executes the quick actions of a text; the caller holds the clock's lock."""

    def __init__(self, forge: Forge, activity: Activity, merging: Merging) -> None:
        self._forge = forge
        self._activity = activity
        self._merging = merging
        self._acts: dict[str, Callable[[Scene, str], dict[str, object] | None]] = {
            "close": self._close,
            "reopen": self._reopen,
            "title": self._title,
            "label": self._label,
            "labels": self._label,
            "unlabel": self._unlabel,
            "relabel": self._relabel,
            "assign": self._assign,
            "reassign": self._reassign,
            "unassign": self._unassign,
            "lock": self._lock,
            "unlock": self._unlock,
            "confidential": self._confidential,
            "due": self._due,
            "remove_due_date": self._remove_due_date,
            "duplicate": self._close,
            "draft": self._draft,
            "ready": self._ready,
            "target_branch": self._target_branch,
            "approve": self._approve,
            "unapprove": self._unapprove,
            "merge": self._merge,
        }

    def obey(self, project: Project, item: Item, user: User, text: str) -> Effect:
        """Carry out the text's commands; commands GitLab knows and the sandbox does not model change nothing."""
        if not self._forge.switches.quick_actions:
            return Effect(text)
        kept, commands = extract(text)
        effect = Effect(kept, commands)
        scene = Scene(project, item, user, self._forge.role(user, project))
        for command in commands:
            act = self._acts.get(command.name)
            change = act(scene, command.argument) if act and scene.role >= Role.REPORTER else None
            if change is None:
                effect.summary.append(f"Could not apply {command.name} command.")
            else:
                effect.changes |= change
                effect.summary.append(f"Applied {command.name} command.")
        return effect

    def _close(self, scene: Scene, _: str) -> dict[str, object] | None:
        if not isinstance(scene.item, Issue | MergeRequest) or scene.item.state != "opened":
            return None
        self._activity.set_state(scene.item, "closed", scene.user)
        return {"state_event": "close"}

    def _reopen(self, scene: Scene, _: str) -> dict[str, object] | None:
        if not isinstance(scene.item, Issue | MergeRequest) or scene.item.state != "closed":
            return None
        self._activity.set_state(scene.item, "opened", scene.user)
        return {"state_event": "reopen"}

    def _title(self, scene: Scene, argument: str) -> dict[str, object] | None:
        if not argument:
            return None
        scene.item.title = argument
        return {"title": argument}

    def _label(self, scene: Scene, argument: str) -> dict[str, object] | None:
        names = _names(argument)
        scene.item.labels += [name for name in names if name not in scene.item.labels]
        return {"add_label_ids": list(names)} if names else None

    def _unlabel(self, scene: Scene, argument: str) -> dict[str, object] | None:
        names = _names(argument) or tuple(scene.item.labels)
        scene.item.labels = [name for name in scene.item.labels if name not in names]
        return {"remove_label_ids": list(names)}

    def _relabel(self, scene: Scene, argument: str) -> dict[str, object] | None:
        scene.item.labels = list(_names(argument))
        return {"label_ids": list(scene.item.labels)}

    def _assign(self, scene: Scene, argument: str) -> dict[str, object] | None:
        users = self._users(scene, argument)
        scene.item.assignees += [user for user in users if user not in scene.item.assignees]
        return {"assignee_ids": [user.id for user in users]} if users else None

    def _reassign(self, scene: Scene, argument: str) -> dict[str, object] | None:
        scene.item.assignees = []
        return self._assign(scene, argument)

    def _unassign(self, scene: Scene, argument: str) -> dict[str, object] | None:
        gone = self._users(scene, argument) or list(scene.item.assignees)
        scene.item.assignees = [user for user in scene.item.assignees if user not in gone]
        return {"assignee_ids": [user.id for user in scene.item.assignees]}

    def _users(self, scene: Scene, argument: str) -> list[User]:
        named = (scene.user if word == "me" else self._forge.user_named(word) for word in argument.split())
        return [user for user in named if user]

    def _lock(self, scene: Scene, _: str) -> dict[str, object] | None:
        scene.item.locked = True
        return {"discussion_locked": True}

    def _unlock(self, scene: Scene, _: str) -> dict[str, object] | None:
        scene.item.locked = False
        return {"discussion_locked": False}

    def _confidential(self, scene: Scene, _: str) -> dict[str, object] | None:
        scene.item.confidential = True
        return {"confidential": True}

    def _due(self, scene: Scene, argument: str) -> dict[str, object] | None:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", argument):
            return None
        scene.item.due_date = argument
        return {"due_date": argument}

    def _remove_due_date(self, scene: Scene, _: str) -> dict[str, object] | None:
        scene.item.due_date = None
        return {"due_date": None}

    def _draft(self, scene: Scene, _: str) -> dict[str, object] | None:
        if not isinstance(scene.item, MergeRequest) or scene.item.draft:
            return None
        scene.item.title = f"Draft: {scene.item.title}"
        return {"wip_event": "draft"}

    def _ready(self, scene: Scene, _: str) -> dict[str, object] | None:
        if not isinstance(scene.item, MergeRequest) or not scene.item.draft:
            return None
        scene.item.title = re.sub(
            r"^(draft:|\[draft\]|\(draft\))\s*", "", scene.item.title, flags=re.IGNORECASE
        )
        return {"wip_event": "ready"}

    def _target_branch(self, scene: Scene, argument: str) -> dict[str, object] | None:
        item = scene.item
        if not isinstance(item, MergeRequest) or scene.project.repository.head(argument) is None:
            return None
        item.target_branch = argument
        self._activity.take_head(scene.project, item, item.sha)
        return {"target_branch": argument}

    def _approve(self, scene: Scene, _: str) -> dict[str, object] | None:
        item = scene.item
        if (
            not isinstance(item, MergeRequest)
            or scene.role < Role.DEVELOPER
            or scene.user in item.approved_by
        ):
            return None
        item.approved_by.append(scene.user)
        return {"approve": True}

    def _unapprove(self, scene: Scene, _: str) -> dict[str, object] | None:
        if not isinstance(scene.item, MergeRequest) or scene.user not in scene.item.approved_by:
            return None
        scene.item.approved_by.remove(scene.user)
        return {"unapprove": True}

    def _merge(self, scene: Scene, _: str) -> dict[str, object] | None:
        item = scene.item
        if not isinstance(item, MergeRequest) or not scene.project.may_merge(scene.role, item.target_branch):
            return None
        wish = MergeWish(item.squash, item.remove_source_branch)
        status = self._merging.detailed_status(scene.project, item)
        if status == "mergeable":
            self._merging.merge(scene.project, item, scene.user, wish)
        elif status == "ci_still_running":
            self._merging.set_auto_merge(item, scene.user, wish)
        else:
            return None
        return {"merge": item.sha}


def _names(argument: str) -> tuple[str, ...]:
    return tuple("".join(groups) for groups in _LABEL.findall(argument))
