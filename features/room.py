"""Hands and memory that one build uses from its first load to its last."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt


class Room:
    """Threads and large arrays, kept from one load and date to the next.

    The system clears memory before it hands it out, which for a build costs as much as its kernels; and allocators keep for
    each thread what it once used, so that new threads for every date take more and more.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads)  # spans of customers, files: tasks that wait for no other
        self.writers = ThreadPoolExecutor(threads)  # tables that are made and written
        self.beside = ThreadPoolExecutor(3)  # what gives work to the pool, and statements
        self._kept: dict[str, npt.NDArray[np.uint8]] = {}

    def array(self, name: str, shape: tuple[int, ...] | int, kind: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
        """Memory of that name, as it was left: whoever asks for it again has no more use for what it held before."""
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        if name not in self._kept or self._kept[name].nbytes < size:
            self._kept.pop(name, None)
            self._kept[name] = np.empty(size + size // 8, dtype=np.uint8)  # loads differ a little; unused, it takes nothing
        return self._kept[name][:size].view(kind).reshape(shape)

    def __enter__(self) -> Room:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for one in (self.pool, self.writers, self.beside):
            one.shutdown()
