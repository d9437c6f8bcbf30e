"""This process and others on this machine: who owns a lease, and whether that owner still lives."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path


def tell_libraries() -> None:
    """How libraries are to use the machine, in this process and those it starts; what its starter said stays.

    Called before they are imported. LightGBM's threads that wait for each other leave the core to others: left to itself its
    OpenMP turns in a loop, and beside other work on two cores one training took 45 and 66 s of CPU instead of 8. Arrow takes
    memory from jemalloc, which gives back what any thread has left: a build of features at a county's size then needs 1.2 GB
    where it needed 1.6.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")


def born(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty where there is no such process or no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]  # a zombie runs no night


def _where() -> tuple[str, str, str]:
    """This machine, its boot and its process namespace; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return socket.gethostname(), boot, str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return socket.gethostname(), "", ""


def owner_name() -> str:
    """This process as no other ever was: host, boot, process namespace, pid and when it started."""
    return "/".join((*_where(), str(os.getpid()), born(os.getpid())))


def is_gone(owner: str) -> bool:
    """Whether the owner of a lease surely lives no more. One elsewhere, or in another container, is never sure."""
    parts = owner.split("/")
    host, boot, space = _where()
    if len(parts) != 5 or parts[0] != host or not boot or not parts[4]:
        return False
    return parts[1] != boot or (parts[2] == space and born(int(parts[3])) != parts[4])


def end(pid: int, since: str, patience: float = 10.0) -> bool:
    """End one process that we started, by the pid we wrote; one that has since taken that number is left alone."""
    if not since or born(pid) != since:
        return False
    os.kill(pid, signal.SIGTERM)
    for _ in range(int(patience * 10)):
        if born(pid) != since:
            return True
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return True
