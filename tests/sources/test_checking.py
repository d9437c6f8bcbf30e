"""A bank file is checked before data is read: what is wrong is said with file, line, table, column and nearest name."""

from __future__ import annotations

import duckdb
import pytest

from flows.translation import told
from sources.statement import look
from store.errors import ConfigError
from tests.sources.conftest import SmallBank


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    transactions:\n",
            "    transaction:\n",
            "bank.yaml:30: table 'transaction' is not known; did you mean 'transactions'?",
        ),
        (
            "birth_on: {column: birth",
            "birth: {column: birth",
            "table customers: column 'birth' is not known; did you mean 'birth_on'?",
        ),
        (
            "account_id: acct\n",
            "account_id: acc\n",
            "table transactions: account_id: source column 'acc' is not known; did you mean 'acct'?",
        ),
        (
            "SAL: payroll",
            "SAL: pay_roll",
            "table transactions: category: code 'pay_roll' is not known; did you mean 'payroll'?",
        ),
        ("from: acct", "from: accts", "table accounts: input 'accts' is not known; did you mean 'acct'?"),
        (
            "        amount: {column: amount, sign: {column: dc, credit: [C], debit: [D]}}\n",
            "",
            "table transactions: column 'amount' is missing; no row can do without it",
        ),
        ('on: {column: day, date: "%Y%m%d"}', "on: day", "source column 'day' is text; say its format"),
        ('date: "%Y%m%d"}\n        gender', 'date: "%y%m%d"}\n        gender', "two-digit years (%y) need `pivot`"),
        (
            "fresh: [transactions]",
            "fresh: [transactionz]",
            "gates.fresh: table 'transactionz' is not known; did you mean 'transactions'?",
        ),
        ("separator:", "seperator:", "unknown key 'inputs.cust.seperator'; did you mean 'separator'?"),
        (
            "  derived:",
            "  waivers: [{table: transactions, rule: reference, reason: short}]\n  derived:",
            "at least 10 characters",
        ),
        ("  derived:", "  dialect: spark\n  derived:", "with `dialect: spark` every input is `database: spark`"),
        (
            "  derived:",
            "  waivers: [{table: mov, rule: linez, reason: known since the move}]\n  derived:",
            "did you mean 'lines'?",
        ),
    ],
)
def test_a_mistake_is_named_with_the_nearest_valid_name(bank: SmallBank, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bank.change(old, new).take()
    assert said in str(caught.value)
    assert "bank.yaml:" in str(caught.value)


def test_all_mistakes_are_said_at_once(bank: SmallBank) -> None:
    bank.change("name: name", "nam: name").change("balance_after: balance\n", "balance_after: balanze\n")
    with pytest.raises(ConfigError) as caught:
        bank.take()
    assert "did you mean 'name'?" in str(caught.value)
    assert "did you mean 'balance'?" in str(caught.value)


def test_nothing_is_read_or_written_when_settings_are_wrong(bank: SmallBank) -> None:
    with pytest.raises(ConfigError):
        bank.change("name: name", "nam: name").take()
    assert not (bank.folder / "home").exists()


def _select(bank: SmallBank, sql: str) -> SmallBank:
    return bank.change("      from: acct\n", f"      select: {sql}\n")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "read_csv() may not be called"),
        ("SELECT * FROM '/etc/passwd'", "input '/etc/passwd' is not known"),
        ("COPY acct TO 'x.csv'", "not a SELECT"),
        ("SELECT * FROM acct; DROP TABLE acct", "2 statements"),
        ("SELECT *, now() AS at FROM acct", "now() may not be called"),
        ("SELECT *, random() AS at FROM acct", "random() may not be called"),
        ("SELECT *, 'R' || rowid AS of_row FROM acct", "rowid may not be used: the same input must give the same rows"),
        ("SELECT *, a.RowId AS of_row FROM acct a", "RowId may not be used"),
        ("SELECT *, filename AS of_file FROM acct", "filename may not be used"),
        ("SELECT *, file_row_number AS of_row FROM acct", "file_row_number may not be used"),
        ("SELECT *, user AS who FROM acct", "user may not be used"),
        ("SELECT *, current_catalog AS at FROM acct", "current_catalog may not be used"),
        ("SELECT * FROM acct USING SAMPLE 2 ROWS", "SAMPLE may not be used: the same input must give the same rows"),
        ("SELECT * FROM acct TABLESAMPLE 50 PERCENT", "SAMPLE may not be used"),
        ("SELECT *, ago(INTERVAL 1 DAY) AS at FROM acct", "ago() may not be called"),
        (
            "SELECT *, age(strptime(opened, '%Y%m%d')) AS old FROM acct",
            "age() of one day counts to today; name both days: the same input must give the same rows",
        ),
        ("SELECT * FROM information_schema.tables", "is no named input"),
        ("SELECT * FROM duckdb_settings()", "duckdb_settings() may not be called"),
        ("SELECT ownr FROM acct", 'Referenced column "ownr" not found'),
        ("SELECT strptime(opened, '%y%m%d') FROM acct", "two-digit year"),
    ],
)
def test_mapping_sql_is_one_select_over_the_inputs(bank: SmallBank, sql: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _select(bank, sql).take()
    assert said in str(caught.value)


def test_the_age_between_two_named_days_may_be_asked(bank: SmallBank) -> None:
    _select(bank, "SELECT *, age(TIMESTAMP '2023-09-01', strptime(opened, '%Y%m%d')) AS old FROM acct")
    assert bank.take().manifest.tables["accounts"].rows == 3


def test_a_column_of_the_bank_may_be_called_like_the_place_of_a_row(bank: SmallBank) -> None:
    bank.change("columns: [id, owner, opened, closed]", "columns: [filename, user, opened, closed]")
    bank.change(
        "      from: acct\n      columns:\n        account_id: id\n        customer_id: owner\n",
        "      select: SELECT filename AS account_id, acct.user AS customer_id, * FROM acct\n      columns:\n",
    )
    assert bank.take().manifest.tables["accounts"].rows == 3
    with duckdb.connect() as con:
        assert not look(con, "SELECT rowid FROM a", ["RowID"]).wrong
        assert look(con, "SELECT rowid FROM a", ["id"]).wrong


def test_the_place_of_a_row_is_not_read_where_another_input_has_such_a_column(bank: SmallBank) -> None:
    bank.change("columns: [id, name, birth, sex, opened]", "columns: [id, rowid, birth, sex, opened]").change(
        "name: name\n", "name: rowid\n"
    )
    _select(bank, "SELECT acct.*, acct.rowid AS of_row FROM acct JOIN cust ON cust.id = acct.owner")
    with pytest.raises(ConfigError, match="rowid"):
        bank.take()


def test_no_function_that_answers_otherwise_another_night_may_be_called() -> None:
    """Held against DuckDB's own catalogue: what it does not hold to be consistent, and what is a short form of that."""
    with duckdb.connect() as con:
        moving = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions()"
            " WHERE function_type = 'scalar' AND stability IS DISTINCT FROM 'CONSISTENT'"
        ).fetchall()
        short = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'macro'"
            " AND regexp_matches(macro_definition, '\\b(now|today|random|uuid|user|(get_)?current_\\w+)\\b')"
        ).fetchall()
        assert len(moving) > 20
        assert len(short) > 5
        names = {name for (name,) in moving + short} - {"error"}  # stops an intake with what the bank says, every night alike
        assert not {name for name in names if "may not be called" not in look(con, f"SELECT {name}() FROM acct").wrong}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "files: in/mov*.dat,",
            "files: in/mov*.dat, dated: {first_load: '*BASE*'},",
            "dated.first_load' is '*BASE*': not a regular",
        ),
        ("files: in/mov*.dat,", "files: in/mov*.dat, dated: {pattern: '(\\d{8}'},", "unterminated subpattern"),
        ("files: in/mov*.dat,", "files: in/mov*.dat, dated: {pattern: '\\d{8}'},", "needs a group around what says the day"),
        (
            "files: in/mov*.dat,",
            "files: in/mov*.dat, flag: {pattern: '(?P<rows>'},",
            "flag.pattern' is '(?P<rows>': not a regular",
        ),
    ],
)
def test_a_pattern_that_cannot_be_read_is_named_before_data_is_read(bank: SmallBank, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bank.change(old, new).take()
    assert said in str(caught.value)
    assert "bank.yaml:" in str(caught.value)
    assert any(chinese in told(caught.value, "zh") for chinese in ("不是正则表达式", "要用括号括住表示日期的部分"))


@pytest.mark.parametrize("without", ["accounts", "loans"])
def test_rows_of_an_account_or_a_loan_need_the_table_that_says_whose_it_is(bank: SmallBank, without: str) -> None:
    if without == "accounts":
        start, end = bank.yaml.index("    accounts:\n"), bank.yaml.index("    transactions:\n")
        bank.change(bank.yaml[start:end], "").change("  derived: {balances: transactions}\n", "")
        name = "transactions"
    else:
        name = "loan_status"
        bank.change("  derived:", "    loan_status:\n      select: SELECT id AS loan_id FROM mov\n  derived:")
    with pytest.raises(ConfigError) as caught:
        bank.take()
    expected = f"table {name}: needs table {without}, which says whose the rows are; map it, or leave {name} out"
    assert expected in str(caught.value)
    assert f"表 {name}：需要表 {without} 来说明各行属于谁" in told(caught.value, "zh")


def test_what_a_select_may_not_ask_is_told_in_chinese_too(bank: SmallBank) -> None:
    with pytest.raises(ConfigError) as caught:
        _select(bank, "SELECT *, rowid AS of_row FROM acct").take()
    assert "表 accounts：rowid 不能使用：同样的输入必须得出同样的行" in told(caught.value, "zh")


def test_mapping_sql_may_join_group_and_name_its_parts(bank: SmallBank) -> None:
    _select(
        bank, "WITH q AS (SELECT * FROM acct) SELECT q.* FROM q JOIN cust ON cust.id = q.owner WHERE cust.sex IN ('M', 'F')"
    )
    assert bank.take().manifest.tables["accounts"].rows == 3


def test_a_statement_says_what_it_reads() -> None:
    con = duckdb.connect()
    looked = look(con, "WITH q AS (SELECT * FROM a) SELECT x, lower(y) FROM q WHERE z IN (SELECT k FROM c)")
    con.close()
    assert looked.tables == {"a", "c"}
    assert looked.columns == {"x", "y", "z", "k"}


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (
            "totals: {transactions: {sums: {day_order: 1}}}, ",
            "gates.totals: table transactions: column 'day_order' is not known",
        ),
        ("totals: {balances: {rows: 1}}, ", "gates.totals: table balances is derived; state totals of what the bank sends"),
        ("volume: {customers: {}}, ", "gates.volume: table customers has no days, column 'opened_on' is not mapped"),
    ],
)
def test_a_gate_about_something_that_is_not_there_is_named_before_data_is_read(bank: SmallBank, gate: str, said: str) -> None:
    bank.change('        opened_on: {column: opened, date: "%Y%m%d"}\n    accounts', "    accounts")
    bank.change("  gates: {", "  gates: {" + gate)
    with pytest.raises(ConfigError) as error:
        bank.take()
    assert said in str(error.value)


def test_derived_balances_may_say_how_far_the_data_goes(bank: SmallBank) -> None:
    bank.change("fresh: [transactions]", "fresh: [balances]")
    assert str(bank.take().manifest.newest_business_date) == "2023-09-01"


def test_sql_of_the_bank_that_meets_a_value_it_cannot_take_is_named_with_its_table(bank: SmallBank) -> None:
    bank.change("      from: acct\n", "      from: acct\n      where: CAST(opened AS INTEGER) > 20200201\n")
    bank.write("acct.dat", ["A1|+|C1|+|2020-01|+|00000000"])
    with pytest.raises(ConfigError, match=r"table accounts, its `select` or `where`: a value .*read as .*use TRY_CAST") as told:
        bank.take()
    assert "2020-01" not in str(told.value), "what a cell holds is shown to nobody"


@pytest.mark.parametrize("how", ["CAST(opened AS BIGINT)", "opened::DATE", "strptime(opened, '%Y%m%d')", "error(opened)"])
def test_what_a_customers_cell_holds_is_in_no_error(bank: SmallBank, how: str) -> None:
    bank.change("      from: acct\n", f"      from: acct\n      where: {how} IS NOT NULL\n")
    bank.write("acct.dat", ["A1|+|C1|+|张三13800001111|+|00000000"])
    with pytest.raises(ConfigError, match="table accounts") as told:
        bank.take()
    assert not any(said in str(told.value) for said in ("张三", "13800001111"))
