"""The command line. What a command needs is imported inside it, so that `terrace --help` answers at once."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from typer.main import get_command

from flows.process import tell_libraries
from flows.session import STAGE, date_of, day_of, opened, screen_for, spoken_here
from store.errors import ConfigError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Customer tiers, churn and propensity scores, and explained target lists, every night.",
)

BankOption = Annotated[
    Path | None, typer.Option("--bank", help="Bank file; default configs/banks/demo.yaml.", show_default=False)
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Business date; default the newest.", show_default=False)
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Also write it to this file.", show_default=False)]
HomeOption = Annotated[Path, typer.Option("--home", help="Where everything made is kept.")]
Language = Annotated[str | None, typer.Option("--language", metavar="zh|en", help="Default: the bank's.", show_default=False)]
Labels = Annotated[list[str] | None, typer.Option("--label", help="Only this label; may be repeated.", show_default=False)]
VAR = Path("var")
_WRONG_USE = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[2])  # what typer raises for unknown options


@app.command("demo-bank")
def demo_bank(
    home: HomeOption = VAR,
    customers: Annotated[int, typer.Option(min=100, help="Customers with a deposit account on the last day.")] = 20_000,
    seed: int = 20260930,
    months: Annotated[
        int | None, typer.Option(min=2, help="Default: 27, above 50,000 customers 13.", show_default=False)
    ] = None,
    daily: Annotated[int, typer.Option(min=0, metavar="N", help="The last N business days come as files of their own.")] = 0,
    hold_back: Annotated[int, typer.Option(min=0, metavar="M", help="The last M of those days wait for --next-day.")] = 0,
    next_day: Annotated[bool, typer.Option("--next-day", help="Only deliver the next of the days that wait.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder; default HOME/demo-bank.", show_default=False)] = None,
    language: Language = None,
) -> None:
    """Make the demo bank: files as a county bank sends them, with known truths beside them."""
    from flows import demo
    from flows.words import say

    bank, whose, _ = opened(None, home, language)
    screen, place = screen_for(language, None), out or demo.folder_of(home)
    STAGE.append((whose, screen))
    with demo.to_oneself(bank, whose) if place.resolve() == demo.folder_of(home) else nullcontext():
        if next_day:
            demo.deliver_next(place, screen)
            return
        with screen:
            path = demo.make(place, customers, seed, months, screen.progress, daily, hold_back)
    screen.line(say(screen.language, "demo_made", path=path))


@app.command()
def check(bank: BankOption = None, home: HomeOption = VAR, language: Language = None, out: OutOption = None) -> None:
    """Take the bank's data in, and say what a data steward should mend."""
    from flows import steward

    settings, place, screen = opened(bank, home, language, reads=True)
    with screen:
        broken = steward.check(settings, place, screen.progress)
    steward.show(place, screen, out)
    if broken is not None:
        raise broken


@app.command()
def features(
    bank: BankOption = None,
    home: HomeOption = VAR,
    language: Language = None,
    as_of: Annotated[list[str] | None, typer.Option("--as-of", metavar="DATE", help="May be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="A .parquet or .csv file.", show_default=False)] = None,
) -> None:
    """Write one row per customer and as_of."""
    from flows import tables

    settings, place, screen = opened(bank, home, language, reads=True, days=as_of or [])
    with screen:
        path, rows, columns = tables.write_features(settings, place, [day_of(day) for day in as_of or []], out, screen.progress)
    screen.line(f"{path}  ({rows:,} x {columns:,})")


@app.command()
def catalog(bank: BankOption = None, home: HomeOption = VAR, language: Language = None, out: OutOption = None) -> None:
    """Every feature: name, unit, window, meaning, sensitivity, and whether a manager can act on it."""
    from flows import tables

    settings, place, screen = opened(bank, home, language, reads=True)
    with screen:
        specs = tables.specs(settings, place, screen.progress)
    tables.show_catalog(specs, screen, out)


@app.command()
def train(
    bank: BankOption = None, as_of: AsOf = None, home: HomeOption = VAR, language: Language = None, label: Labels = None
) -> None:
    """Train on what was known at the date; what passes the gate becomes champion."""
    from flows import chores
    from flows.words import say

    settings, place, screen = opened(bank, home, language, reads=True, days=[as_of])
    with screen:
        done = chores.retrain(settings, place, date_of(as_of), label or (), screen.progress)
    for item in done:
        there = item.there_is
        rank = "" if item.in_force else say(screen.language, "challenger")
        screen.line(f"{item.label}: {say(screen.language, item.method)}{rank}", style="bold")
        screen.line(
            "  "
            + say(
                screen.language,
                "there_is",
                cohort=there.cohort,
                positives=there.positives,
                people=there.positive_customers,
                cutoff=there.cutoff,
                least=there.min_positives,
            )
        )
        between = "、" if screen.language == "zh" else ", "
        rates = between.join(f"{rate.of[:7]} {rate.rate:.1%}" for rate in there.by_date if rate.rate is not None)
        screen.line("  " + say(screen.language, "by_month", rates=rates))
        for reason in item.reasons_zh if screen.language == "zh" else item.reasons_en:
            screen.line(f"  {reason}")


@app.command()
def nightly(
    bank: BankOption = None,
    as_of: AsOf = None,
    home: HomeOption = VAR,
    language: Language = None,
    new_version: Annotated[bool, typer.Option(help="Publish version N+1 of a published date.")] = False,
    backfill: Annotated[bool, typer.Option(help="A date gone by, or without --as-of all that were missed.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait for missing files until the bank's set hour.")] = False,
    runner: Annotated[str, typer.Option(metavar="prefect|plain", help="What runs the steps.")] = "prefect",
) -> None:
    """Tonight's lists, from the bank's files to the managers' workbooks. Exit codes: 0 published, 3 already published,
    10 data did not come, 20 a gate broke, 30 resumed and failed, 40 configuration, 50 another run holds the bank,
    60 the machine: memory, disk, a process or a file."""
    from flows import tonight

    if runner not in ("prefect", "plain"):
        raise ConfigError(f"no runner '{runner}'", where="--runner", expected="prefect or plain")
    settings, place, screen = opened(bank, home, language, reads=True, days=[as_of], alerts=True)
    asked = tonight.Asked(settings, place, date_of(as_of), new_version, backfill, wait, runner == "plain")
    raise typer.Exit(tonight.run(asked, screen))


@app.command()
def backtest(
    bank: BankOption = None, as_of: AsOf = None, home: HomeOption = VAR, language: Language = None, label: Labels = None
) -> None:
    """Replay past month ends as if each were the night it was, and say what the lists would have caught."""
    from flows import backtest as replays
    from flows.translation import translated

    settings, place, screen = opened(bank, home, language, reads=True, days=[as_of])
    with screen:
        report = replays.run(settings, place, date_of(as_of), label or (), screen.progress)
    screen.table(
        replays.COLUMNS_ZH if screen.language == "zh" else replays.COLUMNS, report.rows(screen.language), numbers=range(3, 9)
    )
    for name, why in sorted(report.none.items()):
        screen.line(f"{name}: {translated(why) if screen.language == 'zh' else why}")
    screen.line(str(report.folder / "report.json"))


@app.command()
def lists(
    bank: BankOption = None,
    as_of: AsOf = None,
    home: HomeOption = VAR,
    language: Language = None,
    owner: Annotated[str | None, typer.Option(help="A list: its rows, without names.", show_default=False)] = None,
) -> None:
    """What is published: dates, versions, names per owner; with --owner the rows of one list."""
    from flows import published

    settings, place, screen = opened(bank, home, language)
    published.show(settings, place, date_of(as_of), owner, screen)


@app.command()
def why(
    customer: str,
    bank: BankOption = None,
    as_of: AsOf = None,
    home: HomeOption = VAR,
    language: Language = None,
    view: Annotated[str, typer.Option(metavar="manager|compliance", help="Who asks.")] = "manager",
) -> None:
    """Why a customer is, or is not, on the list."""
    from flows import published

    settings, place, screen = opened(bank, home, language)
    if view not in ("manager", "compliance"):
        raise ConfigError(f"no view '{view}'", where="--view", expected="manager or compliance")
    eyes: Literal["manager", "compliance"] = "compliance" if view == "compliance" else "manager"
    for line in published.why_lines(settings, place, date_of(as_of), customer, eyes, screen.language):
        screen.line(line)


@app.command()
def tier(
    customer: str,
    bank: BankOption = None,
    as_of: AsOf = None,
    home: HomeOption = VAR,
    language: Language = None,
    out: OutOption = None,
) -> None:
    """The statement of a customer's tier that a branch may hand over: figures, distance up, what would lose it."""
    from flows import tier_statement

    settings, place, screen = opened(bank, home, language)
    tier_statement.show(settings, place, date_of(as_of), customer, out, screen)


@app.command()
def tiers(bank: BankOption = None, as_of: AsOf = None, home: HomeOption = VAR, language: Language = None) -> None:
    """Thresholds in force, who is in which tier, what clustering proposes, and how head office approves it."""
    from flows import tier_review

    settings, place, screen = opened(bank, home, language)
    tier_review.show(settings, place, date_of(as_of), screen)


@app.command()
def operate(
    bank: BankOption = None,
    home: HomeOption = VAR,
    language: Language = None,
    port: Annotated[int, typer.Option(help="Of Prefect's server, on this machine only.")] = 4200,
) -> None:
    """Start Prefect's server and worker and register the nightly, weekly and monthly deployments; Ctrl-C stops all."""
    from flows import operate as operations

    settings, place, screen = opened(bank, home, language)
    raise typer.Exit(operations.run(settings, place, port, screen))


def _command() -> Any:
    """The whole command line; in a Chinese locale its help is Chinese."""
    whole = get_command(app)
    if spoken_here() == "zh":
        from flows.help_words import in_chinese

        return in_chinese(whole)
    return whole


def main() -> None:
    """Run the command line; whatever fails is said in a line, with the exit code of the scheduler's contract."""
    tell_libraries()
    try:
        code = _command()(standalone_mode=False)
    except _WRONG_USE as error:
        if spoken_here() == "zh":
            print("命令写法有误：", file=sys.stderr)  # noqa: T201
        error.show()
        sys.exit(ConfigError.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:
        from flows import failure

        home, screen = STAGE[-1] if STAGE else (None, screen_for(None, None))
        sys.exit(failure.show(error, home, screen))
    sys.exit(code or 0)
