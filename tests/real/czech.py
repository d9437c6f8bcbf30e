"""The Czech bank's first years as canonical tables, from its own files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sources.canonical import Canonical
from sources.connection import connect
from sources.overwrite import write_canonical

DATA = Path(__file__).parents[3] / "shared" / "data" / "berka"
AS_OF = dt.date(1994, 3, 31)
DATE = "make_date(1900 + substr({0}, 1, 2)::INT, substr({0}, 3, 2)::INT, substr({0}, 5, 2)::INT)"


def write(folder: Path) -> Canonical:
    """Accounts and their owners, all movements before 1995, and the balances they add up to."""
    con = connect()
    for name in ("account", "disp", "trans", "loan"):
        con.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_csv('{DATA}/{name}.asc', delim=';', header=true, quote='\"', "
            "all_varchar=true)"
        )
    on = DATE.format("date")
    con.execute(
        f"CREATE VIEW customers AS SELECT 'C' || client_id AS customer_id, {on} AS opened_on FROM account "
        "JOIN disp USING (account_id) WHERE type = 'OWNER'"
    )
    con.execute(
        f"CREATE VIEW accounts AS SELECT account_id, 'C' || client_id AS customer_id, 'deposit' AS holds, 'current' "
        f"AS kind, "
        f"{on} AS opened_on FROM account JOIN disp USING (account_id) WHERE type = 'OWNER'"
    )
    con.execute(f"""CREATE TABLE transactions AS SELECT trans_id AS transaction_id, account_id, {on} AS "on",
        (CASE WHEN type = 'PRIJEM' THEN 1 ELSE -1 END * (amount::DECIMAL(18, 2) * 100))::BIGINT AS amount,
        CASE trim(k_symbol) WHEN 'SIPO' THEN 'utility' WHEN 'UROK' THEN 'interest' WHEN 'DUCHOD' THEN 'pension'
            WHEN 'SLUZBY' THEN 'fee' ELSE CASE WHEN operation LIKE 'V%' THEN 'cash' ELSE 'other_transfer' END END AS category
        FROM trans WHERE date < '950000'""")
    con.execute("""CREATE TABLE balances AS SELECT account_id, "on",
        (sum(sum(amount)) OVER (PARTITION BY account_id ORDER BY "on"))::BIGINT AS balance
        FROM transactions GROUP BY account_id, "on" """)
    names = ("customers", "accounts", "transactions", "balances")
    return write_canonical(
        con,
        folder,
        {name: name for name in names},
        bank="berka",
        currency="CZK",
        buckets=3,
        newest=AS_OF,
        inputs={},
    )
