"""``vlsbench build``: make a benchmark whose text tells nothing, and prove that it does."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlsbench.cli import build_after, options, outcome, terminal, worker_options
from vlsbench.core.errors import UserError
from vlsbench.core.words import percent

if TYPE_CHECKING:
    from vlsbench.cli.progress import ProgressLine
    from vlsbench.construct.recipe import Recipe

_DESCRIPTION = """Make harmful pairs whose danger is in the picture alone, with a benign twin for each: an author
writes, a rewriter takes the danger out of the text, a screen drops what still tells, a painter paints until an
inspector sees what should be there, and a guard and rules decide what is kept. With nothing named: the miniature,
offline, by scripted models. The same command again continues a build that was stopped; a changed prompt, model or
setting asks the steps that depend on it again, and nothing else."""

_USAGE = """vlsbench build [--elements FILE | --images REF] [--author REF ...] --out DIR [options]
       vlsbench build show|review|accept|export DIR [options]"""

_TEXT_ROLES = ("author", "rewriter", "screen", "inspector", "categoriser")
_KEYED = (*_TEXT_ROLES, "painter")

_RECIPE = (
    *("elements", "images", *_TEXT_ROLES, "painter", "guard", "check_guard", "reference", "queries", "attempts"),
    *("twins", "twin_queries", "size", "paint_steps", "guidance", "seed", "taxonomy", "prompts", "paint_categories"),
    *("max_overlap", "max_ocr_overlap", "max_similarity", "ocr"),
)
"""The options that a recipe file may hold as well; an option on the command line wins."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``build``."""
    parser = subparsers.add_parser(
        "build",
        help="make a leakless benchmark, and prove that it is one",
        description=_DESCRIPTION,
        usage=_USAGE,
    )
    _add_what(parser.add_argument_group("what"))
    _add_who(parser.add_argument_group("who"))
    _add_how(parser.add_argument_group("how"))
    where = parser.add_argument_group("where and how")
    where.add_argument("--out", metavar="DIR", help="the build's folder")
    where.add_argument("--fresh", action="store_true", help="start over; the old folder is kept aside")
    where.add_argument("--dry-run", action="store_true", help="say what would be asked, and ask nobody")
    where.add_argument("--pilot", type=options.positive, metavar="N", help="only the first N elements, and extrapolate")
    where.add_argument("--concurrency", type=options.concurrency, default="auto", metavar="N|auto")
    where.add_argument("--guard-concurrency", type=options.concurrency, default="auto", metavar="N|auto")
    where.add_argument(
        "--key-env",
        action="append",
        default=[],
        metavar="ROLE=VAR",
        help=f"environment variable with the API key of a role ({', '.join((*_KEYED, 'guard'))}); may be repeated",
    )
    where.add_argument(
        "--servers",
        action="append",
        default=[],
        metavar="ROLE=URL,URL,...|ROLE=@FILE",
        help=f"several servers of the model of a role ({', '.join(_TEXT_ROLES)}); may be repeated",
    )
    options.add_servers(where, "--guard-servers", "a guard openai:NAME, guard:openai:NAME or moderation:NAME")
    options.add_local_options(parser)
    options.add_output_options(parser)
    parser.set_defaults(run=run)
    build_after.add(parser)


def _add_what(what: argparse._ArgumentGroup) -> None:
    what.add_argument("--elements", metavar="FILE.jsonl", help="risky objects and scenarios (world:N: the miniature's)")
    what.add_argument("--images", metavar="REF", help="a dataset whose pictures are used instead")
    what.add_argument("--recipe", metavar="FILE.toml", help="the same names in a file; options win over it")
    what.add_argument("--taxonomy", metavar="FILE.toml", help="categories (default: the paper's 6 x 19)")
    what.add_argument("--prompts", metavar="DIR", help="prompts that replace the packaged ones")
    what.add_argument("--reference", metavar="REF", help="independent benign queries, for the partial-input baseline")


def _add_who(who: argparse._ArgumentGroup) -> None:
    who.add_argument("--author", metavar="REF", help="writes descriptions, harmful queries and twins")
    for role, does in (
        ("rewriter", "takes the danger out of the text"),
        ("screen", "drops what still tells or means no harm"),
        ("inspector", "looks at the painted pictures"),
        ("categoriser", "files pairs under the taxonomy"),
    ):
        who.add_argument(f"--{role}", metavar="REF", help=f"{does} (default: the author)")
    who.add_argument("--painter", metavar="REF", help="openai-image:NAME[@URL] or diffusers:REPO_OR_FOLDER")
    who.add_argument("--guard", metavar="REF", help="judges pair, text and image, as for vlsbench audit")
    who.add_argument("--check-guard", metavar="REF", help="another guard, which measures what the gate let through")


def _add_how(how: argparse._ArgumentGroup) -> None:
    how.add_argument("--queries", type=options.positive, metavar="N", help="queries for each element (default: 3)")
    how.add_argument("--attempts", type=options.positive, metavar="N", help="pictures tried for each (default: 3)")
    how.add_argument("--no-twins", dest="twins", action="store_false", default=None, help="no benign twins")
    how.add_argument(
        "--twin-queries", action="store_true", default=None, help="also a benign query beside each harmful picture"
    )
    how.add_argument("--size", metavar="WxH", help="of painted pictures, in pixels (default: 1024x1024)")
    how.add_argument(
        "--paint-steps", type=options.positive, metavar="N", help="diffusers: denoising steps (default: 28)"
    )
    how.add_argument("--guidance", type=float, metavar="X", help="diffusers: guidance scale (default: 4.5)")
    how.add_argument("--seed", type=int, metavar="S", help="another seed gives other pictures (default: 0)")
    how.add_argument(
        "--paint-category",
        dest="paint_categories",
        action="append",
        metavar="NAME",
        help="a sexual category that is painted all the same; may be repeated",
    )
    how.add_argument("--max-overlap", type=options.share, metavar="SHARE", help="with the description (default: 0.4)")
    how.add_argument("--max-ocr-overlap", type=options.share, metavar="SHARE", help="with the picture's text (0.4)")
    how.add_argument("--max-similarity", type=options.share, metavar="SHARE", help="of two records' texts (0.8)")
    how.add_argument("--ocr", action=argparse.BooleanOptionalAction, default=None, help="read the text in the pictures")


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The recipe that the options, and the file they name, make; the miniature where nothing is named.

    Raises:
        UserError: The file cannot be used.
    """
    from vlsbench.construct import recipe as recipes

    named: dict[str, Any] = {name: getattr(args, name) for name in _RECIPE if getattr(args, name) is not None}
    if "paint_categories" in named:
        named["paint_categories"] = tuple(named["paint_categories"])
    found = recipes.read(Path(args.recipe).expanduser()) if args.recipe is not None else {}
    given = {**found, **named}
    elements = given.get("elements")
    if not given.keys() & {"elements", "images", *_TEXT_ROLES, "painter", "guard"}:
        return recipes.fill(recipes.miniature(), given)
    if isinstance(elements, str) and elements.startswith(recipes.WORLD):
        return recipes.fill(recipes.miniature(), given)
    return recipes.Recipe(**given)


def run(args: argparse.Namespace) -> int:
    """Build."""
    from vlsbench.construct import forecast, plan
    from vlsbench.construct.build import build
    from vlsbench.construct.folder import BuildFolder

    recipe = recipe_of(args)
    asked = (getattr(recipe, role) for role in (*_TEXT_ROLES, "guard", "check_guard"))
    worker_options.check(args.workers, asked, "the text roles and the guards")
    if args.dry_run:
        return _say_what_would_be_asked(args, plan.make(recipe).recipe, len(plan.make(recipe).elements))
    if args.out is None:
        raise UserError("--out DIR must be named: the folder of the build.")
    args.judge_concurrency, args.judge_key_env = args.guard_concurrency, _keys(args).get("guard")
    servers = _by_role(args.servers, "--servers should be ROLE=URL,URL,… or ROLE=@FILE", _TEXT_ROLES)
    args.judge_servers, args.servers = args.guard_servers, None
    with outcome.shown_progress(quiet=args.quiet) as progress:
        found = build(
            recipe,
            out=Path(args.out).expanduser(),
            pilot=args.pilot,
            effort=options.effort(args),
            key_envs=_keys(args),
            servers=servers,
            fresh=args.fresh,
            progress=progress,
            say=functools.partial(_say, progress),
        )
    ahead = forecast.after_pilot(BuildFolder(found.path), found.elements) if args.pilot is not None else None
    if args.json:
        more = {"pilot": ahead.to_json()} if ahead is not None else {}
        sys.stdout.write(json.dumps({**found.to_json(), **more}, indent=2) + "\n")
    else:
        from vlsbench.report.terminal.build import print_build, print_forecast

        console = terminal.console()
        print_build(found, console, terminal.clean)
        if ahead is not None:
            print_forecast(ahead, console)
        console.print(f"\nBuild: {terminal.clean(str(found.path))}", soft_wrap=True)
    if found.pending_share <= args.max_unscored:
        return 0
    sys.stderr.write(
        f"vlsbench: {percent(found.pending_share)} of the elements have not come to their end, more than "
        f"--max-unscored {args.max_unscored:g} allows. The same command tries again what failed.\n"
    )
    return 1


def _say_what_would_be_asked(args: argparse.Namespace, recipe: Recipe, elements: int) -> int:
    from vlsbench.construct import forecast, summary
    from vlsbench.construct.folder import BuildFolder
    from vlsbench.report.terminal.build import print_forecast

    found = forecast.before(recipe, elements)
    path = Path(args.out).expanduser() if args.out is not None else None
    if path is not None and (path / "summary.json").exists():
        done = summary.read(path)
        found = forecast.after_pilot(BuildFolder(path), done.elements) if done.kept else found
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_forecast(found, terminal.console())
    return 0


def _keys(args: argparse.Namespace) -> dict[str, str]:
    return _by_role(args.key_env, "--key-env should be ROLE=VAR", (*_KEYED, "guard"))


def _by_role(given: list[str], rule: str, roles: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        role, equals, value = text.partition("=")
        if not equals or role not in roles:
            raise UserError(f"{rule} with one of {', '.join(roles)} for ROLE.")
        found[role] = value
    return found


def _say(progress: ProgressLine, line: str) -> None:
    progress.close()
    terminal.say(line)
