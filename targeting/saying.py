"""One wording over many rows: where it is true and can be said, and the sentences it says there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting import figures
from targeting.figures import Floats, Language
from targeting.wording import Field, Said, Sentence, Term

Flags = NDArray[np.bool_]
_COMPARE: dict[str, Callable[[Floats, Floats], Flags]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
}
_ROUND: dict[str, Callable[[Floats], Floats]] = {
    "money": figures.money_said,
    "wan": figures.wan_said,
    "percent": figures.percent_said,
    "tenths": figures.tenths_said,
    "rate": figures.rate_said,
    "count": figures.count_said,
    "days": figures.count_said,
    "months": figures.count_said,
    "term": np.round,
    "day": np.round,
}
_MONEY, _DATES = ("money", "wan"), ("date", "month")
_EPOCH = pd.Timestamp(1970, 1, 1)


@dataclass(frozen=True)
class Speaker:
    """What every sentence of a list shares: the date it speaks from, the bank's currency, the columns' units."""

    as_of: dt.date
    currency: str
    units: Mapping[str, str]

    def true_and_known(self, said: Said, rows: pd.DataFrame, least: Floats | float = 0.0) -> Flags:
        """Per row whether the wording may be said: its condition holds, all it says is known, and its figures show it.

        A sentence all of whose amounts are below `least` (one figure, or one per row) is not worth saying.
        """
        numbers = {name: _numbers(rows[name]) for name in _compared(said.when)}
        able = np.ones(len(rows), dtype=bool)
        for term in said.when:
            right = np.float64(term.right) if isinstance(term.right, float) else numbers[term.right]
            able &= _COMPARE[term.op](numbers[term.left], np.asarray(right))
        for field in {field.name: field for field in (*said.zh.fields, *said.en.fields)}.values():
            able &= _known(rows[field.name])
            if field.kind not in ("text", "date", "month") and not _bounded_below_zero(field.name, said.when):
                able &= ~(_numbers(rows[field.name]) < 0)  # "less by -200" is no sentence
        amounts = [np.abs(_numbers(rows[field.name])) for field in said.zh.fields if field.kind in _MONEY]
        if amounts:
            able &= np.fmax.reduce(amounts) >= least
        return able & self._shows(said, rows)

    def sentences(self, sentence: Sentence, rows: pd.DataFrame, language: Language) -> list[str]:
        """The sentence of every row; the rows are those where it may be said."""
        amounts = self._amounts(sentence, rows)
        columns, named = [], False
        for place, field in enumerate(sentence.fields):
            opens = place == 0 and not sentence.texts[0].strip()
            spoken_for = self._years_said_beside(sentence, place, rows, language) if field.kind in _DATES else np.zeros(0, bool)
            columns.append(
                self._column(field, rows, amounts.get(place), language, named=named, opens=opens, without_year=spoken_for)
            )
            named = named or field.kind in _MONEY
        return (
            ["".join(_woven(sentence.texts, said)) for said in zip(*columns, strict=True)]
            if columns
            else ([sentence.texts[0]] * len(rows))
        )

    def _shows(self, said: Said, rows: pd.DataFrame) -> Flags:
        """False where figures differ but their rounded forms no longer do: nobody reads "4.2万元, less than 4.2万元"."""
        shown = np.ones(len(rows), dtype=bool)
        fields = {field.name: field for field in said.zh.fields}
        for term in said.when:
            if term.op in ("<", ">") and term.left in fields and isinstance(term.right, str) and term.right in fields:
                left, right = fields[term.left], fields[term.right]
                if left.kind in _ROUND and right.kind in _ROUND:
                    shown &= self._rounded(left, rows) != self._rounded(right, rows)
        amounts = self._said(said.zh, rows)
        for _, whole, rest, is_difference in self._differences(said.zh, rows):
            shown &= ~(is_difference & (amounts[whole] == amounts[rest]))
        return shown

    def _rounded(self, field: Field, rows: pd.DataFrame) -> Floats:
        numbers = np.abs(_numbers(rows[field.name]))
        if field.about and field.kind in _MONEY:
            return figures.about_said(numbers)
        if field.about and field.kind in ("count", "days", "months"):
            return np.asarray(np.round(numbers), dtype=np.float64)
        if field.kind == "percent" and self.units.get(field.name) == "rate":
            return figures.rate_said(numbers)
        return _ROUND[field.kind](numbers)

    def _amounts(self, sentence: Sentence, rows: pd.DataFrame) -> dict[int, Floats]:
        """Rounded amounts by place. Where one is the difference of two others, the three add up as they are said.

        Where one decimal of 万 does not make them, all three take two; a last hundredth of 万 goes to the difference.
        """
        said = self._said(sentence, rows)
        for part, whole, rest, is_difference in self._differences(sentence, rows):
            odd = is_difference & (np.abs(np.abs(said[whole] - said[rest]) - said[part]) >= 1)
            for place in (part, whole, rest):
                finer = figures.finer_said(np.abs(_numbers(rows[sentence.fields[place].name])))
                said[place] = np.where(odd, finer, said[place])
            gap = np.abs(said[whole] - said[rest])
            said[part] = np.where(odd & (gap >= figures.WAN), gap, said[part])
        return said

    def _said(self, sentence: Sentence, rows: pd.DataFrame) -> dict[int, Floats]:
        return {place: self._rounded(field, rows) for place, field in enumerate(sentence.fields) if field.kind in _MONEY}

    def _differences(self, sentence: Sentence, rows: pd.DataFrame) -> Iterator[tuple[int, int, int, Flags]]:
        """Places of an amount and of two larger ones, and the rows in which it is their difference."""
        exact = {
            place: np.abs(_numbers(rows[field.name]))
            for place, field in enumerate(sentence.fields)
            if field.kind == "money" and not field.about
        }
        for part, whole, rest in permutations(exact, 3):
            if whole < rest:
                is_difference = np.abs(np.abs(exact[whole] - exact[rest]) - exact[part]) < 0.5
                smallest = (exact[part] > 0) & (exact[part] <= np.minimum(exact[whole], exact[rest]))
                yield part, whole, rest, is_difference & smallest

    def _column(
        self,
        field: Field,
        rows: pd.DataFrame,
        amounts: Floats | None,
        language: Language,
        *,
        named: bool,
        opens: bool,
        without_year: Flags,
    ) -> list[str]:
        values = rows[field.name]
        if field.kind == "text":
            return [str(value) for value in values]
        if field.kind in _DATES:
            say = figures.date if field.kind == "date" else figures.month
            return [
                say(on, language, on if spoken_for else self.as_of)
                for on, spoken_for in zip(_dates(values), without_year, strict=True)
            ]
        if amounts is not None:
            exact = np.abs(_numbers(values))
            return [self._money(*pair, field, language, named=named) for pair in zip(amounts, exact, strict=True)]
        texts = [self._figure(number, field, language) for number in self._rounded(field, rows)]
        return [text[:1].upper() + text[1:] for text in texts] if opens and language == "en" else texts

    def _years_said_beside(self, sentence: Sentence, place: int, rows: pd.DataFrame, language: Language) -> Flags:
        """Rows in which the date next door says the year too: 2025年10月至11月, October to November 2025."""
        other = place - 1 if language == "zh" else place + 1
        between = sentence.texts[max(place, other)] if 0 <= other < len(sentence.fields) else ""
        if not between or len(between.strip()) > 2 or sentence.fields[other].kind not in _DATES:
            return np.zeros(len(rows), dtype=bool)
        years = [[on.year for on in _dates(rows[sentence.fields[at].name])] for at in (place, other)]
        return np.asarray([own == beside for own, beside in zip(*years, strict=True)], dtype=bool)

    def _money(self, said: float, exact: float, field: Field, language: Language, *, named: bool) -> str:
        if said == 0 and exact == 0 and named and language == "en":
            return "nothing"
        if said == 0 and exact > 0:
            one = figures.money(1, language, self.currency, bare=named)
            return f"不足{one}" if language == "zh" else f"less than {one}"
        return figures.money(said, language, self.currency, bare=named, in_wan=field.kind == "wan")

    def _figure(self, number: float, field: Field, language: Language) -> str:
        if field.kind == "percent" and self.units.get(field.name) == "rate":
            return figures.count(number, "zh") + "%"
        if field.kind == "rate":
            return figures.count(number, "zh") + "%"
        if field.kind in ("percent", "tenths"):
            return (figures.percent if field.kind == "percent" else figures.tenths)(number, language)
        if field.kind == "day":
            return figures.day_of_month(number, language)
        if field.kind == "term":
            return figures.term(number, language)
        if field.kind in ("days", "months") and not field.bare:
            return (figures.days if field.kind == "days" else figures.months)(number, language)
        text = figures.count(number, language)
        return f"{text} {field.noun[0] if number == 1 else field.noun[1]}" if field.noun and language == "en" else text


def _compared(when: tuple[Term, ...]) -> set[str]:
    return {name for term in when for name in (term.left, term.right) if isinstance(name, str)}


def _bounded_below_zero(name: str, when: tuple[Term, ...]) -> bool:
    bounds = [term.right for term in when if term.left == name and term.op in ("<", "<=")]
    return any(isinstance(bound, float) and bound <= 0 for bound in bounds)


def _woven(texts: tuple[str, ...], said: tuple[str, ...]) -> list[str]:
    return [piece for pair in zip(texts, (*said, ""), strict=True) for piece in pair]


def _known(values: pd.Series) -> Flags:
    known: Flags = values.notna().to_numpy(dtype=bool)
    if isinstance(values.dtype, pd.StringDtype):
        known = known & (values.fillna("").str.strip() != "").to_numpy(dtype=bool)
    return known


def _numbers(values: pd.Series) -> Floats:
    """Numbers as they are; dates as days since 1970-01-01; unknown as NaN, which satisfies no comparison."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    days = (pd.to_datetime(values) - _EPOCH) / pd.Timedelta(days=1)
    return np.asarray(days.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _dates(values: pd.Series) -> list[dt.date]:
    if pd.api.types.is_numeric_dtype(values.dtype):  # a whole day number, as the engine keeps dates
        values = _EPOCH + pd.to_timedelta(values.astype("int64"), unit="D")
    return [stamp.date() for stamp in pd.to_datetime(values)]
