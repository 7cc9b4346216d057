"""`loopgate`: the command line. It parses and prints; the gateway decides."""

import os
import sys

import typer

from audit.errors import AuditError
from gateway.cli import (
    actions,
    agents,
    audit,
    backup,
    break_glass,
    demo,
    doctor,
    emergency,
    migrate,
    people,
    policy,
    policy_ship,
    serve,
    setup,
    signals,
    tickets,
)
from gateway.cli.terminal import Exit, print_error, print_json
from gateway.client.api import ApiError, UnreachableError
from gateway.core.errors import LoopgateError

app = typer.Typer(
    name="loopgate",
    help="The governed road for AI agents that do DevOps.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    setup.init,
    setup.login,
    serve.serve,
    demo.demo,
    doctor.doctor,
    migrate.migrate,
    backup.backup,
    backup.restore,
    actions.act,
    emergency.stop,
    emergency.lift,
    policy_ship.seal,
):
    app.command()(command)
app.add_typer(actions.app, name="actions")
app.add_typer(tickets.app, name="tickets")
app.add_typer(agents.app, name="agents")
app.add_typer(people.app, name="people")
audit.app.command("accept-restore")(backup.accept_restore)
app.add_typer(audit.app, name="audit")
app.add_typer(signals.app, name="signals")
app.add_typer(policy.app, name="policy")
app.add_typer(break_glass.app, name="break-glass")

# typer keeps its usage errors to itself but for this one; the others share its base.
UsageError = typer.BadParameter.__mro__[2]

_INTERRUPTED = 130
_CODES = {
    "denied": Exit.DENIED,
    "over_budget": Exit.DENIED,
    "policy_unavailable": Exit.DENIED,
    "out_of_scope": Exit.DENIED,
    "in_doubt": Exit.IN_DOUBT,
}


def run() -> None:
    """Run the command line; every error a person can cause is a sentence, never a traceback."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        return _called(arguments)
    except ApiError as error:
        return _refused(error, as_json="--json" in arguments)
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more may be written, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.ERROR
    except LoopgateError as error:
        print_error(error.detail)
    except (AuditError, UnreachableError) as error:
        print_error(str(error))
    except OSError as error:
        print_error(f"{error.filename}: {error.strerror}." if error.filename else str(error))
    except UnicodeError as error:
        print_error(f"Some text here is not UTF-8: {error}.")
    return Exit.ERROR


def _called(arguments: list[str]) -> int:
    """Run one command; what a person did wrong on the command line itself is told here."""
    try:
        returned = app(arguments, standalone_mode=False)
    except typer.Exit as asked:
        returned = asked.exit_code
    except UsageError as wrong:  # type: ignore[misc]  # typer hides this class, not its place
        wrong.show()
        return Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        returned = _INTERRUPTED
    sys.stdout.flush()
    if returned == _INTERRUPTED:
        print_error("Interrupted.")
        return Exit.ERROR
    return returned if isinstance(returned, int) else Exit.DONE


def _refused(error: ApiError, *, as_json: bool) -> int:
    problem = error.problem
    if as_json:
        print_json(problem.model_dump(mode="json"))
    print_error(f"{problem.code}: {problem.detail}", hint=(problem.next or {}).get("what", ""))
    for finding in problem.findings:
        print_error(finding["message"], hint=finding["remediation"])
    return _CODES.get(problem.code, Exit.ERROR)


if __name__ == "__main__":
    run()
