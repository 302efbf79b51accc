"""How much slower versions are really read than the rates of their codecs say, which are the best of some."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from modelhub.porcelain.storage_plan import current_ways, measured, storage_graph
from modelhub.porcelain.storage_ways import Way
from modelhub.porcelain.stored_tensors import StoredTensors
from modelhub.repository.repository import Repository

MOST_NBYTES = 1 << 28
"""So much of a version is read to know."""

READ = 3
"""How often it is read: what the machine does besides only ever adds to the time."""

COLD = 2.3
"""A process that starts takes so many times what this one does that has read before: its memory is new, nothing is in a
cache of the processor, and meanwhile it hashes and writes the file. Measured: docs/design/011-fitted-deltas.md."""

MOST_TIMES = 4.0
"""What is more than this says something of the machine at this moment, not of the codecs."""


def at_real_rates(repo: Repository, known: StoredTensors, ways: Sequence[Way]) -> list[Way]:
    """Return the ways with the seconds that they really take: all so many times slower, 1 to MOST_TIMES.

    Reading also waits for memory that two threads share, makes room for blocks, fetches frames and checks them. Counts
    processor time, so that it is much the same whatever else the machine does. Cost: reads the version that the rates
    say takes longest, 256 MiB of it, READ times. Raises as reading does.
    """
    current = current_ways(known, ways)
    present = measured(storage_graph(known, ways, [math.inf] * len(known.versions)), current)
    chosen = _slowest(known, present.group_costs)
    said = sum(present.recreation[number] for number in chosen)
    oids = [known.tensors[number].oid for number in chosen]
    took = min(_reading_seconds(repo, oids) for _ in range(READ)) / repo.store.workers.count
    slower = min(max(COLD * took / said, 1.0), MOST_TIMES) if said else 1.0
    return [replace(way, seconds=way.seconds * slower) for way in ways]


def _reading_seconds(repo: Repository, oids: Sequence[str]) -> float:
    started = time.process_time()
    for _ in repo.store.blocks(oids):
        pass
    return time.process_time() - started


def _slowest(known: StoredTensors, costs: Sequence[float]) -> list[int]:
    """Return tensors of the version that takes longest to read, the largest first."""
    pairs = zip(costs, known.versions.values(), strict=True)
    _, longest = max(pairs, key=lambda pair: pair[0], default=(0.0, ()))
    chosen, left = [], MOST_NBYTES
    for number in sorted(longest, key=lambda one: -known.tensors[one].info.size):
        if left > 0:
            chosen.append(number)
            left -= known.tensors[number].info.size
    return chosen
