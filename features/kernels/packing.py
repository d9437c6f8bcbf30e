"""Rows of a file packed beside those of other files: numbers for ids, one class for a few codes, only rows that are steady."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.kernels.machine import compiled


@compiled
def classed(which: Any, added: Any, code: Any) -> None:
    """What a column adds to the classes of rows: `which` has the place of each row's value in `added`, or no row at all.

    Of a column that is not there every row has the last of `added`: what is unknown.
    """
    if len(which) == 0:
        code += added[-1]
    for i in range(len(which)):
        code[i] += added[which[i]]


@compiled
def moves(
    who: Any, owner_of: Any, day: Any, known: Any, is_odd: Any, amount: Any, code: Any, direction: Any, start: Any,
    out_owner: Any, out_day: Any, out_amount: Any, out_code: Any,
) -> Any:  # fmt: skip
    """Steady transactions from row `start` on; the row after the last. `is_odd` is marked where a row came late."""
    row = start
    for i in range(len(day)):
        if known[i] != day[i]:
            is_odd[i] = True
        owner = owner_of[who[i]]
        if is_odd[i] or owner == 0 or amount[i] == 0:
            continue
        out_owner[row], out_day[row], out_amount[row] = owner, day[i], abs(amount[i])
        out_code[row] = code[i] + direction * (2 if amount[i] > 0 else 1)
        row += 1
    return row


@compiled
def balances(
    who: Any, owner_of: Any, which: Any, ids: Any, day: Any, known: Any, until: Any, balance: Any, never: Any, start: Any,
    out_owner: Any, out_account: Any, out_day: Any, out_known: Any, out_until: Any, out_balance: Any, is_late: Any,
) -> None:  # fmt: skip
    """All balances from row `start` on, accounts by their place after `ids` others. Of which any came late or was corrected
    is marked in `is_late`, by place."""
    for i in range(len(day)):
        row = start + i
        out_owner[row], out_account[row], out_day[row] = owner_of[who[i]], ids + which[i], day[i]
        out_known[row], out_until[row], out_balance[row] = known[i], until[i], balance[i]
        if known[i] != day[i] or until[i] != never:
            is_late[which[i]] = True


@compiled
def numbered(number: Any, account: Any) -> None:
    """In place of places the numbers that they have."""
    for i in range(len(account)):
        account[i] = number[account[i]]


@compiled
def unsettled(owner: Any, account: Any, is_unsettled: Any) -> Any:
    """Which balances are of known owners' unsettled accounts."""
    count = 0
    for i in range(len(account)):
        count += is_unsettled[account[i]] and owner[i] > 0
    found, place = np.empty(count, dtype=np.int64), 0
    for i in range(len(account)):
        if is_unsettled[account[i]] and owner[i] > 0:
            found[place] = i
            place += 1
    return found


@compiled
def settled(owner: Any, account: Any, day: Any, balance: Any, is_unsettled: Any) -> Any:
    """Move the balances of known owners' settled accounts to the front; how many there are."""
    row = 0
    for i in range(len(day)):
        if owner[i] and account[i] and not is_unsettled[account[i]]:
            owner[row], account[row], day[row], balance[row] = owner[i], account[i], day[i], balance[i]
            row += 1
    return row


@compiled
def lie_in_order(owner: Any, day: Any) -> Any:
    """Whether rows stand by owner and day."""
    there = True
    for i in range(1, len(owner)):
        there &= owner[i] > owner[i - 1] or (owner[i] == owner[i - 1] and day[i] >= day[i - 1])
    return there
