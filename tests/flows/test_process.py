"""A lease is taken from the dead at once, and from those elsewhere never before it expires."""

import os
import subprocess
import sys
import time

import pyarrow as pa
import pytest

from flows import process


def test_this_process_lives_and_keeps_its_name() -> None:
    assert process.owner_name() == process.owner_name()
    assert not process.is_gone(process.owner_name())


def test_a_process_that_ended_is_gone_even_before_its_parent_noticed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    here = process.owner_name().split("/")
    owner = "/".join([*here[:3], str(child.pid), process.born(child.pid)])
    assert not process.is_gone(owner)
    child.kill()
    for _ in range(100):
        if process.is_gone(owner):
            break
        time.sleep(0.05)
    assert process.is_gone(owner)
    child.wait()
    assert child.stdin is not None
    child.stdin.close()
    assert process.is_gone(owner)


def test_a_process_number_that_was_given_to_another_process_is_not_the_old_owner() -> None:
    *here, born = process.owner_name().split("/")
    assert process.is_gone("/".join([*here, str(int(born) - 1)]))


def test_an_owner_on_another_machine_or_in_another_container_is_never_sure_to_be_gone() -> None:
    host, boot, space, pid, born = process.owner_name().split("/")
    assert not process.is_gone("/".join(["elsewhere", boot, space, pid, "1"]))
    assert not process.is_gone("/".join([host, boot, "1", pid, "1"]))
    assert process.is_gone("/".join([host, "before", space, pid, born]))
    assert not process.is_gone("someone")


def test_only_the_very_process_we_started_is_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert not process.end(child.pid, "1")
    assert child.poll() is None
    assert process.end(child.pid, process.born(child.pid), patience=5)
    assert child.wait(timeout=5) != 0


def test_threads_that_wait_leave_the_core_to_others_unless_who_starts_it_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY")
    process.tell_libraries()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    process.tell_libraries()
    assert os.environ["OMP_WAIT_POLICY"] == "active"


def test_arrow_takes_its_memory_from_where_all_threads_give_it_back() -> None:
    assert "jemalloc" in pa.supported_memory_backends(), "a wheel without it: the setting would be passed over with a warning"
    assert pa.default_memory_pool().backend_name == "jemalloc"
