"""The calendar in arithmetic: parts of a date from its day number, in whole doubles, the same on every engine."""

from __future__ import annotations

import narwhals.stable.v2 as nw


def _over(value: nw.Expr, by: int) -> nw.Expr:
    """How many whole times `by` goes into a whole number.

    Without a division, which Narwhals says four times over on Spark: nested ones would grow the plan without end. The half
    keeps the product farther from a whole number than it can be wrong.
    """
    return ((value + nw.lit(0.5)) * nw.lit(1.0 / by)).floor()


def day_of_month(day: nw.Expr) -> nw.Expr:
    """1 to 31, from days since 1970-01-01 (Howard Hinnant, chrono-compatible low-level date algorithms, civil_from_days)."""
    shifted = day.cast(nw.Float64) + nw.lit(719_468.0)
    of_era = shifted - _over(shifted, 146_097) * nw.lit(146_097.0)
    year = _over(of_era - _over(of_era, 1_460) + _over(of_era, 36_524) - _over(of_era, 146_096), 365)
    of_year = of_era - (year * nw.lit(365.0) + _over(year, 4) - _over(year, 100))
    month = _over(of_year * nw.lit(5.0) + nw.lit(2.0), 153)
    return of_year - _over(month * nw.lit(153.0) + nw.lit(2.0), 5) + nw.lit(1.0)


def months_between(earlier: nw.Expr, later: nw.Expr) -> nw.Expr:
    """Whole months nearest to the days between, a month being 1461/48 days."""
    return _over((later - earlier).cast(nw.Float64) * nw.lit(96.0) + nw.lit(1461.0), 2_922)
