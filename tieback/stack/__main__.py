"""Run the embedded stack.

``up`` keeps it running until Ctrl-C; ``with … -- COMMAND`` runs it around a command, which gets
the variables of every plane, and passes on the command's exit code.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tieback.stack.embedded import Stack
from tieback.stack.errors import StackError, StackInterruptedError
from tieback.stack.logs import ConsoleLogs
from tieback.stack.processes import OPERATOR_EMAIL
from tieback.stack.secrets import OPERATOR

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: list[str]) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = {"up": _up, "with": _with}[options.what]
    try:
        return run(options)
    except StackError as error:
        sys.stderr.write(f"tieback: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tieback.stack", description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    up = kinds.add_parser("up", help="run everything until Ctrl-C")
    around = kinds.add_parser("with", help="run everything around a command")
    around.add_argument("--apps", action="store_true", help="also migrate and run the processes")
    around.add_argument("--migrate", action="store_true", help="also migrate the database")
    around.add_argument("--temporary", action="store_true", help="a home that is thrown away")
    around.add_argument("--fresh", action="store_true", help="empty the home first")
    around.add_argument(
        "--template",
        type=Path,
        metavar="SQL",
        help="run by the superuser first: databases that the command makes begin with it",
    )
    around.add_argument("command", nargs="+", help="after --")
    for each in (up, around):
        default = Path(os.environ.get("TIEBACK_HOME") or ".tieback")
        each.add_argument("--home", type=Path, default=default, help="default: $TIEBACK_HOME")
        each.add_argument("--free-ports", action="store_true", help="no fixed port at all")
    return parser


def _up(options: argparse.Namespace) -> int:
    with Stack(options.home, free_ports=options.free_ports, logs=ConsoleLogs()) as stack:
        _catch_signals(stack)
        try:
            _start(stack, apps=True)
            _announce(stack)
            while True:
                stack.check()
                stack.supervisor.pause(0.2)
        except StackInterruptedError:
            _say("stopping")
    _say("stopped")
    return 0


def _with(options: argparse.Namespace) -> int:
    if options.template and not options.temporary:
        message = "--template is for a --temporary home: what is kept is not made twice"
        raise StackError(message)
    home = None if options.temporary else options.home
    with Stack(home, free_ports=options.free_ports, fresh=options.fresh) as stack:
        _catch_signals(stack)
        try:
            _start(stack, apps=options.apps, migrate=options.migrate)
            if options.template:
                stack.fill_template(options.template)
            code = stack.command(options.command)
        except StackInterruptedError as interruption:
            code = -interruption.signum
    return 128 - code if code < 0 else code


def _start(stack: Stack, *, apps: bool, migrate: bool = False) -> None:
    if apps:
        stack.require_free_ports()
        _tell("starting PostgreSQL, Valkey, S3 and the dev chain …")
    stack.start_services(devchain=apps)
    if apps:
        _tell("bringing the schema up to date …")
    if apps or migrate:
        stack.migrate()
    if apps:
        stack.create_operator()
        _tell("starting web, console, resolver, worker and beat …")
        stack.start_processes()


def _catch_signals(stack: Stack) -> None:
    for signum in _SIGNALS:
        signal.signal(signum, lambda number, _: stack.supervisor.interrupt(number))


def _announce(stack: Stack) -> None:
    lines = (
        "tieback is up; Ctrl-C stops it",
        f"  web       {stack.url('web')}/",
        f"  console   {stack.url('console')}/",
        f"  resolver  {stack.url('resolver')}/",
        f"  dev chain {stack.url('devchain')}/, paid by {stack.payer}; no public chain",
        f"  sign in   {OPERATOR_EMAIL} with {stack.secrets[OPERATOR]}",
        f"  shell     . {stack.home / 'env'}   (then: python manage.py …)",
    )
    for line in lines:
        _say(line)


def _tell(line: str) -> None:
    """Say what takes a while, apart from the output proper."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
