"""The command for operators of releases: list, verify, rollback, pin, resume, dump.

    python -m serving.release list|verify|rollback|pin|resume|dump [ID] [--releases DIR]

Exit codes: 0 done, 1 a release is damaged, 2 no such release or bad arguments, 4 another command has locked the folder.
"""

import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.command import OneLineParser, guarded, local_path
from serving.errors import NoRelease, ReleaseError, ReleaseNotVerified
from serving.layout import DEFAULT_RELEASES, GRAMMAR, RANKINGS, release_ids
from serving.listing import listing
from serving.manifest import read_manifest
from serving.mapped import mapped
from serving.operate import pin, resume, rollback
from serving.pointers import current_id
from serving.stamp import check_stamp
from serving.verify import dump, release_folder, stamp_release, verify_release

_HELP = {
    "list": "every release: id, run_date, entries, size, age, marks",
    "verify": "read every byte and value; without ID all releases; leaves the VERIFIED stamp",
    "rollback": "go back to the release CURRENT named before, and hold",
    "pin": "let CURRENT name ID, and hold",
    "resume": "lift the hold; CURRENT moves to the newest release built meanwhile",
    "dump": "one JSON line per list; without ID the current release",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = OneLineParser(prog="serving.release", description="Operate releases.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=OneLineParser)
    for name, text in _HELP.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in ("verify", "pin", "dump"):
            command.add_argument("id", nargs=None if name == "pin" else "?", help="release_id")
        if name == "dump":
            command.add_argument(
                "--full", action="store_true", help="all that the content hash covers: names and wordings, too"
            )
        command.add_argument("--releases", type=local_path, default=DEFAULT_RELEASES, help="default: %(default)s")
    options = parser.parse_args(arguments)
    return guarded("serving.release", lambda: _COMMANDS[options.command](options.releases, options))


def _list(root: Path, _: Namespace) -> int:
    print("\n".join(listing(root)))
    return 0


def _verify(root: Path, options: Namespace) -> int:
    chosen = [options.id] if options.id else release_ids(root)
    if not chosen:
        raise NoRelease(f"no release in {root}. Run make nightly.")
    code = 0
    for name in chosen:
        try:
            verified = verify_release(root, name)
            stamp_release(root, name)
        except ReleaseError as error:
            print(f"serving.release: {error}", file=sys.stderr)
            code = max(code, error.exit_code)
        else:
            print(f"{name}: good, {verified.entries} entries, {verified.tracks} tracks, {verified.bytes} bytes")
    return code


def _rollback(root: Path, _: Namespace) -> int:
    left = current_id(root)
    print(f"CURRENT moved from {left} to {rollback(root)}; HOLD is set: nights build but do not move it until resume")
    return 0


def _pin(root: Path, options: Namespace) -> int:
    pin(root, options.id)
    print(f"CURRENT is {options.id}; HOLD is set: nights build but do not move it until resume")
    return 0


def _resume(root: Path, _: Namespace) -> int:
    was_held, now_at = resume(root)
    print(f"{'HOLD is lifted' if was_held else 'there was no HOLD'}; CURRENT is {now_at}")
    return 0


def _dump(root: Path, options: Namespace) -> int:
    folder = release_folder(root, options.id or current_id(root))
    manifest = read_manifest(folder)
    try:
        check_stamp(folder, manifest)
    except ReleaseNotVerified:
        verify_release(root, folder.name)
    rankings = mapped(folder / RANKINGS)
    grammar = (folder / GRAMMAR).read_bytes() if options.full and rankings.format > 1 else None
    for line in dump(rankings, grammar, manifest.normal_form_version):
        print(line)
    return 0


_COMMANDS: dict[str, Callable[[Path, Namespace], int]] = {
    "list": _list,
    "verify": _verify,
    "rollback": _rollback,
    "pin": _pin,
    "resume": _resume,
    "dump": _dump,
}


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
