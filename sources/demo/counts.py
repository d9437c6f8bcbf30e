"""How many there are on the last day: the county's published counts, met to the one at every size.

Chance decides who closes, buys and borrows for the first time, by probabilities that are written down as the truth; none of
that is bent. Exact are the counts, by what has no truth of its own: how many newcomers open a number, how many contracts of
mobile banking are opened in batches at the counter or cleared away unused, how many borrowers repay early or borrow once
more. Month by month each count follows a straight path from the eve's to the last day's (`keeping`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DEPOSIT_CUSTOMERS, CORPORATE, BORROWERS, CORPORATE_BORROWERS, MOBILE = 388_494, 1_360, 10_667, 38, 23_692
FEWEST_BORROWERS = 8  # five of a story, one firm, and two others
GROWTH = 0.0020  # a month: customers who come, less those who close
CLOSERS = 0.0014  # a month, at most, with room for chance
MOBILE_GROWTH = 0.0010  # a month, of all customers
BATCH = 0.30  # of the contracts of mobile banking on the eve, how many nobody has ever used


@dataclass(frozen=True)
class Counts:
    """Customer numbers with a deposit account; of them firms, borrowers, firms that borrow, users of mobile banking.

    A borrower owes something on a loan, a user of mobile banking has a contract for it, at the close of the day.
    """

    customers: int
    corporate: int
    borrowers: int
    corporate_borrowers: int
    mobile: int


def wanted(customers: int) -> Counts:
    """The published shares of a bank with so many deposit customers, rounded."""

    def share(count: int, least: int) -> int:
        return max(least, round(customers * count / DEPOSIT_CUSTOMERS))

    return Counts(
        customers,
        share(CORPORATE, 3),
        share(BORROWERS, FEWEST_BORROWERS),
        share(CORPORATE_BORROWERS, 1),
        share(MOBILE, 1),
    )


def on_the_eve(last: Counts, months: int) -> int:
    """How many people have a number when the first day begins."""
    persons = last.customers - last.corporate
    return persons - round(persons * min(0.5, GROWTH * months))


def room(last: Counts, months: int) -> int:
    """How many may have to come at most, to make up for those who close and for the growth."""
    close = last.customers * CLOSERS * months
    return last.customers - last.corporate - on_the_eve(last, months) + round(close + 6 * math.sqrt(close)) + 5


def mobile_on_the_eve(last: Counts, months: int) -> tuple[int, int]:
    """Contracts of mobile banking on the eve: in use, and opened in batches and never used."""
    all_ = max(round(last.mobile / 3), last.mobile - round(last.customers * MOBILE_GROWTH * months))
    return all_ - round(all_ * BATCH), round(all_ * BATCH)


def due(first: int, last: int, month: int, months: int) -> int:
    """Where a count shall stand when a month ends, on its way from the eve's to the last day's."""
    return round(first + (last - first) * (month + 1) / months)
