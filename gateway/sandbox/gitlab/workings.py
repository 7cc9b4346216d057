"""The parts of the forge that act, wired together once."""

from dataclasses import dataclass

from gateway.sandbox.gitlab.activity import Activity
from gateway.sandbox.gitlab.commands import Commands
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.merging import Merging
from gateway.sandbox.gitlab.pipelines import Runner
from gateway.sandbox.gitlab.rebasing import Rebasing


@dataclass(frozen=True)
class Workings:
    """What the routes call on."""

    runner: Runner
    activity: Activity
    merging: Merging
    commands: Commands
    rebasing: Rebasing


def workings_of(forge: Forge) -> Workings:
    """The workings of a forge; make them once, as they listen to it."""
    runner = Runner(forge)
    activity = Activity(forge, runner)
    merging = Merging(forge, activity)
    commands = Commands(forge, activity, merging)
    return Workings(runner, activity, merging, commands, Rebasing(forge, activity, merging))
