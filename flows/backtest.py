"""Past month ends replayed as if each were the night it was: report.json, a picture per label, a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.engine import file_of
from features.labels import Label, build_labels, cutoff, named
from flows import engines, training
from flows.bank import BankFile
from flows.chores import taken_in, under_lease
from flows.home import Home
from flows.settings import Language
from flows.words import say
from models.backtest import Backtest, replay
from models.splits import Window
from sources.canonical import Canonical
from store.errors import ConfigError, MachineFault, TerraceError
from store.files import write_json

Progress = Callable[[str, int, int], None]
_TABLE = {"loan": "loans", "account": "accounts", "holding": "holdings"}


@dataclass(frozen=True)
class Report:
    """The replays of every label, and those labels that had none with the reason."""

    folder: Path
    labels: tuple[Backtest, ...]
    none: dict[str, str]

    def rows(self, language: Language) -> list[tuple[str, ...]]:
        """One row per label and night, as text: label, night, method, cohort, positives, caught, by chance, AUC, lift."""

        def span(value: object) -> str:
            low, middle, high = value.low, value.value, value.high  # type: ignore[attr-defined]
            return f"{middle:.2f} [{low:.2f}, {high:.2f}]"

        return [
            (
                test.label,
                str(night.as_of),
                say(language, night.method),
                f"{night.cohort:,}",
                f"{night.positives:,}",
                f"{night.caught.value:.0f} / {min(night.capacity, night.cohort):,}",
                f"{night.caught_by_chance:.1f}",
                span(night.roc_auc),
                span(night.lift_10),
            )
            for test in self.labels
            for night in test.nights
        ]

    def markdown(self, language: Language) -> str:
        """The same as a Markdown table."""
        columns = COLUMNS_ZH if language == "zh" else COLUMNS
        lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows(language)]) + "\n"


COLUMNS = ("label", "night", "method", "cohort", "positives", "caught / names", "by chance", "ROC AUC", "lift at 10 %")
COLUMNS_ZH = ("标签", "数据日期", "方法", "样本数", "正样本", "命中 / 名单", "随机命中", "ROC AUC", "前10%提升度")


def outcomes_known(canonical: Canonical, label: Label) -> dt.date:
    """The last day on which this label's outcome is known: that of the tables it is read from, which may run further."""
    names = [_TABLE[use] for use in label.settings.uses] if label.settings.type == "first_use" else []
    found = [canonical.manifest.tables[name].last_on for name in names if name in canonical.manifest.tables]
    lasts = [last for last in found if last is not None]
    return max(canonical.manifest.newest_business_date, min(lasts, default=dt.date.min))


def run(bank: BankFile, home: Home, as_of: dt.date | None, only: Sequence[str], progress: Progress) -> Report:
    """Replay the bank's past nights: the last ones whose outcomes are known, or the one of `as_of`.

    Raises ConfigError where a label is unknown, TerraceError where no night of any label can be replayed.
    """
    labels = [label for label in named(bank.labels) if not only or label.name in only]
    if len(labels) < len(set(only)) or not labels:
        raise ConfigError(
            f"no label {', '.join(sorted(set(only) - {label.name for label in labels}))}",
            where="--label",
            expected=", ".join(label.name for label in named(bank.labels)),
        )
    with under_lease(bank, home) as heartbeat:
        canonical = taken_in(bank, home, heartbeat.fencing(progress))
        nights = {label.name: _nights(bank, canonical, label, as_of) for label in labels}
        lessons = {label.name: _lessons(bank, canonical, label, nights[label.name]) for label in labels}
        every = tuple(sorted({day for days in (*nights.values(), *lessons.values()) for day in days}))
        engines.build(bank, canonical, every, home.features, progress)
        folder = home.root / "backtests" / f"as_of={as_of or canonical.manifest.newest_business_date}"
        outcomes, done, none = {}, [], {}
        for label in labels:
            days = sorted({*nights[label.name], *lessons[label.name]})
            try:
                build_labels(canonical, label, days, outcomes_known(canonical, label), folder / "labels" / "now")
                outcomes[label.name] = [file_of(folder / "labels" / "now" / label.name, day) for day in days]
            except MachineFault:
                raise
            except TerraceError as error:
                none[label.name] = error.found
        stacked = training.Lessons(canonical, bank.features, home.features, every, outcomes, bank.models.splits.label_rows)
        for label in [label for label in labels if label.name in outcomes]:
            try:
                done.append(_replay(bank, canonical, label, stacked, nights[label.name], folder, progress))
            except MachineFault:
                raise
            except TerraceError as error:
                none[label.name] = error.found
    if not done:
        raise TerraceError(
            "; ".join(dict.fromkeys(none.values())),
            where=bank.bank.id,
            expected="past month ends with known outcomes",
            do="name an earlier date, or none: then the newest month ends with known outcomes are replayed",
        )
    for test in done:
        test.write(folder)
    write_json(folder / "report.json", {"bank": bank.bank.id, "labels": [test.to_dict() for test in done], "none": none})
    return Report(folder, tuple(done), none)


def _nights(bank: BankFile, canonical: Canonical, label: Label, as_of: dt.date | None) -> list[dt.date]:
    known = outcomes_known(canonical, label)
    if as_of is not None:
        return [as_of] if as_of <= cutoff(label.settings, known) else []
    first = training.first_data_day(canonical) + dt.timedelta(days=label.settings.reach_days + 27)
    last = min(cutoff(label.settings, known), canonical.manifest.newest_business_date)
    return training.month_ends(first, last, bank.night.backtest_months)


def _lessons(bank: BankFile, canonical: Canonical, label: Label, nights: Sequence[dt.date]) -> list[dt.date]:
    """Every month end that one of the nights may learn from."""
    return sorted({day for night in nights for day in training.dates_for(canonical, label, night, bank.night.training)})


def _replay(
    bank: BankFile,
    canonical: Canonical,
    label: Label,
    lessons: training.Lessons,
    nights: Sequence[dt.date],
    folder: Path,
    progress: Progress,
) -> Backtest:
    window = Window(label.settings.gap_days, label.settings.horizon_days)
    learn = _lessons(bank, canonical, label, nights)

    def then(night: dt.date) -> Path:
        """Outcomes as they stood that night: what was corrected later was not known."""
        out = folder / "labels" / f"known_at={night}"
        build_labels(canonical, label, training.dates_for(canonical, label, night, bank.night.training), night, out)
        return out / label.name

    return replay(
        label.name,
        lessons.stack,
        folder / "labels" / "now" / label.name,
        nights,
        window,
        bank.models,
        min_positives=label.settings.min_positives,
        learn_from=learn,
        labels_known_at=then,
        progress=progress,
        threads=canonical.limits.threads,
    )
