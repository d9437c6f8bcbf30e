"""Files as banks send them: encodings, separators, fixed width, flags, packed, broken, cut short."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.decoding import FIXED_SEPARATOR, separated
from store.errors import DataNotArrived, GateBroken
from tests.sources.conftest import CUSTOMERS, MOVEMENTS, SmallBank, rows

END = dt.date(2023, 9, 1)


def _figures(line: str) -> tuple[object, ...]:
    """What a line of movements says, as the canonical table has it."""
    number, account, day, mark, amount, balance, _ = line.split("|+|")
    fen = int(amount.replace(".", "")) * (1 if mark == "C" else -1)
    return number, account, dt.datetime.strptime(day, "%Y%m%d").date(), fen, int(balance.replace(".", ""))


SENT = [_figures(line) for line in MOVEMENTS]


def came(bank: SmallBank) -> list[tuple[object, ...]]:
    """Every movement that was taken in."""
    return rows(bank.take(), "transactions", END, 'transaction_id, account_id, "on", amount, balance_after')


def test_the_small_bank_sends_eight_movements_of_which_none_is_like_another() -> None:
    assert len(SENT) == len(set(SENT)) == 8


@pytest.mark.parametrize("separator", ["\\x03", "@|@", "|", "|+||+|", "\\t"])
def test_any_separator_reads_alike(bank: SmallBank, separator: str) -> None:
    real = separator.encode().decode("unicode_escape")
    bank.change('separator: "|+|"', f'separator: "{separator}"')
    for name, lines in (("cust.dat", CUSTOMERS), ("mov.dat", MOVEMENTS)):
        bank.write(name, [line.replace("|+|", real) for line in lines])
    bank.write(
        "acct.dat",
        [
            line.replace("|+|", real)
            for line in ("A1|+|C1|+|20200110|+|00000000", "A2|+|C2|+|20200301|+|00000000", "A3|+|C3|+|20210615|+|20230901")
        ],
    )
    assert came(bank) == SENT


def test_packed_files_read_alike_whatever_their_name(bank: SmallBank) -> None:
    (bank.folder / "in" / "mov.dat").write_bytes(gzip.compress("".join(m + "\n" for m in MOVEMENTS).encode("gb18030")))
    assert came(bank) == SENT


def test_a_packed_file_cut_short_is_named(bank: SmallBank) -> None:
    packed = gzip.compress("".join(m + "\n" for m in MOVEMENTS).encode("gb18030"))
    (bank.folder / "in" / "mov.dat").write_bytes(packed[:-20])
    with pytest.raises(GateBroken, match=r"input mov: mov\.dat cannot be unpacked or read to its end"):
        bank.take()


def test_a_parquet_file_cut_short_is_named(bank: SmallBank) -> None:
    bank.change("    mov: {<<: *core, files: in/mov*.dat,", "    mov: {files: in/mov*.parquet, format: parquet,")
    bank.change("columns: [id, acct, day, dc, amount, balance, code]}", "strip: true}")
    whole = pa.BufferOutputStream()
    names = ["id", "acct", "day", "dc", "amount", "balance", "code"]
    pq.write_table(pa.Table.from_pylist([dict(zip(names, m.split("|+|"), strict=True)) for m in MOVEMENTS]), whole)
    content = whole.getvalue().to_pybytes()
    bank.write("mov1.parquet", content)
    bank.write("mov2.parquet", content[:-30])
    with pytest.raises(GateBroken, match=r"input mov: mov2\.parquet cannot be unpacked or read to its end"):
        bank.take()


def test_padded_text_and_windows_line_ends_read_alike(bank: SmallBank) -> None:
    padded = ["|+|".join(part + "  \u3000" for part in line.split("|+|")) for line in MOVEMENTS]
    bank.write("mov.dat", "".join(line + "\r\n" for line in padded).encode("gb18030"))
    assert came(bank) == SENT


def test_fixed_width_counts_bytes_of_the_files_own_encoding(bank: SmallBank) -> None:
    bank.change(
        """    cust: &core
      files: in/cust*.dat
      separator: "|+|"
      encoding: gb18030
      columns: [id, name, birth, sex, opened]""",
        """    cust:
      files: in/cust*.dat
      format: fixed
      encoding: gb18030
      columns: [id, name, birth, sex, opened]
      widths: [4, 10, 8, 1, 8]
    none: &core {required: false, files: no.dat, separator: "|+|", encoding: gb18030, columns: [x]}""",
    )
    lines = []
    for line in CUSTOMERS:
        number, name, birth, sex, opened = line.split("|+|")
        lines.append(number.ljust(4).encode() + name.encode("gb18030").ljust(10) + (birth + sex + opened).encode() + b"\n")
    bank.write("cust.dat", b"".join(lines))
    assert rows(bank.take(), "customers", END, "name") == [("刘建国",), ("李志强",), ("陈秀英",)]


def test_broken_bytes_are_counted_and_spoil_no_other_line(bank: SmallBank) -> None:
    lines = [line.encode("gb18030") for line in CUSTOMERS]
    lines[1] = lines[1].replace("陈".encode("gb18030"), b"\xff\xff")
    bank.write("cust.dat", b"\n".join(lines) + b"\n")
    names = rows(bank.take(), "customers", END, "customer_id, name")
    assert (names[0][1], names[2][1]) == ("刘建国", "李志强")
    assert "\ufffd" in str(names[1][1])
    assert bank.findings()["cust", "encoding", ""].count == 1


def test_lines_that_do_not_split_are_set_aside_by_shape_only(bank: SmallBank) -> None:
    bank.write("cust.dat", [*CUSTOMERS, "C9|+|王小明|+|13812345678"])
    bank.take()
    assert bank.findings()["cust", "lines", ""].count == 1
    kept = pq.read_table(bank.folder / "home" / "quarantine" / "lines_cust.parquet").to_pylist()
    assert [(row["line"], row["source"]) for row in kept] == [(4, "x9|+|xxx|+|99999999999")]


def test_a_wrong_separator_stops_the_night(bank: SmallBank) -> None:
    bank.change('separator: "|+|"', 'separator: ";"')
    with pytest.raises(GateBroken, match=r"cust: lines 3 of 3 \(100.00%\)"):
        bank.take()


def _flag(bank: SmallBank, text: str) -> None:
    bank.change("columns: [id, acct,", "flag: {checksum: md5}, columns: [id, acct,")
    (bank.folder / "in" / "mov.ok").write_text(text)


def test_a_missing_flag_names_table_and_file(bank: SmallBank) -> None:
    _flag(bank, "")
    (bank.folder / "in" / "mov.ok").unlink()
    with pytest.raises(DataNotArrived, match=r"mov .no flag mov\.ok for mov\.dat"):
        bank.take()


def test_a_truncated_file_is_told_by_its_checksum(bank: SmallBank) -> None:
    whole = (bank.folder / "in" / "mov.dat").read_bytes()
    _flag(bank, f"8 {hashlib.md5(whole).hexdigest()}")
    bank.write("mov.dat", whole[:-40])
    with pytest.raises(GateBroken, match=r"mov\.dat has md5"):
        bank.take()


def test_a_file_with_fewer_rows_than_its_flag_says_is_refused(bank: SmallBank) -> None:
    whole = (bank.folder / "in" / "mov.dat").read_bytes()
    _flag(bank, f"9 {hashlib.md5(whole).hexdigest()}")
    with pytest.raises(GateBroken, match="holds 8 rows, its flag says 9"):
        bank.take()


def test_a_flag_whose_pattern_takes_something_else_for_the_rows_is_told(bank: SmallBank) -> None:
    whole = (bank.folder / "in" / "mov.dat").read_bytes()
    _flag(bank, f"mov.dat {hashlib.md5(whole).hexdigest()}")
    bank.change("flag: {checksum: md5}", "flag: {checksum: md5, pattern: '(?P<rows>\\S+) +(?P<checksum>\\w+)'}")
    with pytest.raises(GateBroken, match=r"flag mov\.ok says nothing that `pattern` understands"):
        bank.take()


def test_a_flag_that_agrees_lets_the_file_in(bank: SmallBank) -> None:
    whole = (bank.folder / "in" / "mov.dat").read_bytes()
    _flag(bank, f"8 {hashlib.md5(whole).hexdigest()}")
    assert came(bank) == SENT


def test_a_folder_of_parquet_parts_reads_alike(bank: SmallBank) -> None:
    bank.change("    mov: {<<: *core, files: in/mov*.dat,", "    mov: {files: in/parts, format: parquet,")
    bank.change("columns: [id, acct, day, dc, amount, balance, code]}", "strip: true}")
    names = ["id", "acct", "day", "dc", "amount", "balance", "code"]
    for month, lines in (("202301", MOVEMENTS[:6]), ("202308", MOVEMENTS[6:])):
        folder = bank.folder / "in" / "parts" / f"month={month}"
        folder.mkdir(parents=True)
        pq.write_table(
            pa.Table.from_pylist([dict(zip(names, line.split("|+|"), strict=True)) for line in lines]), folder / "a.parquet"
        )
    assert came(bank) == SENT


def test_a_header_that_changed_is_told_by_its_columns(bank: SmallBank) -> None:
    bank.change(
        "    acct: {<<: *core, files: in/acct*.dat, columns: [id, owner, opened, closed]}",
        "    acct: {<<: *core, header: true, files: in/acct*.dat, columns: [id, owner, opened, closed]}",
    )
    bank.write("acct.dat", ["id|+|owner|+|closed|+|opened", "A1|+|C1|+|20200110|+|00000000"])
    with pytest.raises(Exception, match=r"acct.dat has the columns id, owner, closed, opened"):
        bank.take()


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="gb18030", exclude_characters="\n\r\x1f", exclude_categories=["Cs"]), max_size=3),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=20,
    )
)
def test_fixed_width_columns_survive_any_chinese_text(records: list[list[str]]) -> None:
    widths = (14, 14, 14)
    lines = b"".join(b"".join(value.encode("gb18030").ljust(14) for value in record) + b"\n" for record in records)
    cut = separated(lines, widths).decode("gb18030").split("\n")[:-1]
    assert [[part.rstrip(" ") for part in line.split(FIXED_SEPARATOR)] for line in cut] == [
        [value.rstrip(" ") for value in record] for record in records
    ]


def test_fixed_width_lines_of_another_length_stay_whole() -> None:
    assert separated(b"AAABB\nAAAB\nAA\nAAABBB\n", (3, 2)) == b"AAA\x1fBB\nAAA\x1fB \nAA\nAAABBB\n"


def test_paths_are_relative_to_the_bank_file(bank: SmallBank, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert not Path("in/mov.dat").exists()
    assert came(bank) == SENT
