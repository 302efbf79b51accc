"""The points of a run in columns: exact, small, in chunks that are read by themselves.

Layout: docs/reference/format/points.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, standalone

from modelhub.errors import FormatError, InvalidInputError
from modelhub.oid import oid_of
from modelhub.repository.objects import Series
from modelhub.runs.summary import summarise

MAGIC = b"\x89MHS\r\n\x1a\n"
VERSION = 1
CHUNK_POINTS = 1 << 16
MOST_POINTS = 1 << 27
"""In one series; a reader refuses more before it decodes anything."""

LEVEL = 8
EXACT_INTEGERS = 2.0**53

INTEGERS, FLOAT64, FLOAT32, WHOLE_VALUES = 0, 1, 2, 3
"""The kinds of column: steps and times; values, and values kept as float32 or int64 where that is exact."""

RAW, PACKED = 0, 1

DTYPES = {INTEGERS: "<i8", FLOAT64: "<f8", FLOAT32: "<f4", WHOLE_VALUES: "<i8"}

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
Column = NDArray[np.int64] | NDArray[np.float64]

_HEADER = struct.Struct("<8sIIII")
_COLUMN_ROW = np.dtype([("points", "<u4"), ("kind", "u1"), ("zero", "u1", (3,))])
_CHUNK_ROW = np.dtype([("nbytes", "<u4"), ("encoding", "u1"), ("zero", "u1", (3,))])
_WINDOW_NBYTES = 1 << 22

_WIDTHS = np.array([np.dtype(code).itemsize for code in DTYPES.values()], dtype=np.int64)


def encode_points(series: Mapping[str, Columns]) -> tuple[bytes, tuple[Series, ...]]:
    """Return the blob with the steps, times and values of every series, and what a run says of them, by name.

    Equal columns are stored once; series without a point are left out. The same points always give the same bytes.
    Raises InvalidInputError where a series' columns differ in length or are too long.
    """
    table = _ColumnTable()
    found = []
    for name in sorted(series):
        steps, times, values = _checked(name, series[name])
        if steps.size:
            numbers = (table.add(INTEGERS, steps), table.add(INTEGERS, times), table.add(*_narrowed(values)))
            found.append(summarise(name, numbers, steps, values))
    return table.blob(), tuple(found)


class PointsReader:
    """Reads single columns of a points blob through `read(offset, nbytes)`. Raises FormatError where it is damaged."""

    def __init__(self, read: Callable[[int, int], bytes]) -> None:
        self._read = read
        self._window = (0, b"")
        magic, version, features, columns, chunks = _HEADER.unpack(self._take(0, _HEADER.size))
        if magic != MAGIC:
            raise FormatError("the points of the run are damaged: they do not begin as points do")
        if version != VERSION or features:
            raise FormatError(
                f"the points of the run have version {version} (features {features:#x}), this mh reads {VERSION}",
                hint="upgrade modelhub: pip install -U modelhub",
            )
        at = _HEADER.size
        self._columns = np.frombuffer(self._take(at, columns * _COLUMN_ROW.itemsize), _COLUMN_ROW)
        at += self._columns.nbytes
        self._chunks = np.frombuffer(self._take(at, chunks * _CHUNK_ROW.itemsize), _CHUNK_ROW)
        self._check_directory(at + self._chunks.nbytes)

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self._columns)

    def points(self, no: int) -> int:
        """Return the length of a column."""
        if not 0 <= no < len(self._columns):
            raise FormatError(f"the points of the run have no column {no}")
        return int(self._columns["points"][no])

    def column(self, no: int) -> Column:
        """Return a column: int64 for steps and times, float64 for values. Only its own chunks are read and decoded."""
        points, kind = self.points(no), int(self._columns["kind"][no])
        first = int(self._first_chunk[no])
        parts = [
            self._chunk(first + index, min(CHUNK_POINTS, points - start), np.dtype(DTYPES[kind]))
            for index, start in enumerate(range(0, points, CHUNK_POINTS))
        ]
        whole = np.concatenate(parts) if parts else np.empty(0, DTYPES[kind])
        return whole.astype(np.int64, copy=False) if kind == INTEGERS else whole.astype(np.float64, copy=False)

    def _chunk(self, index: int, points: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        nbytes = int(self._chunks["nbytes"][index])
        data = self._take(int(self._offsets[index]), nbytes, ahead=self._end)
        if self._chunks["encoding"][index] == RAW:
            return np.frombuffer(data, dtype)
        return _unpacked(data, points, dtype)

    def _check_directory(self, at: int) -> None:
        """Compare the rows with each other, and note where the chunks lie."""
        points, kinds = self._columns["points"].astype(np.int64), self._columns["kind"]
        counts = -(-points // CHUNK_POINTS)
        if (
            (points > MOST_POINTS).any()
            or (kinds > WHOLE_VALUES).any()
            or (self._chunks["encoding"] > PACKED).any()
            or self._columns["zero"].any()
            or self._chunks["zero"].any()
            or int(counts.sum()) != len(self._chunks)
        ):
            raise FormatError("the points of the run are damaged: the columns do not fit together")
        ends = np.cumsum(counts)
        nbytes = self._chunks["nbytes"].astype(np.int64)
        whole = np.full(len(nbytes), CHUNK_POINTS, np.int64)
        some = points > 0
        whole[ends[some] - 1] = (points - (counts - 1) * CHUNK_POINTS)[some]
        whole *= np.repeat(_WIDTHS[kinds], counts)
        packed = self._chunks["encoding"] == PACKED
        if (nbytes[~packed] != whole[~packed]).any() or (nbytes[packed] >= whole[packed]).any():
            raise FormatError("the points of the run are damaged: a chunk has a length that cannot be")
        self._first_chunk = ends - counts
        self._offsets = at + np.cumsum(nbytes) - nbytes
        self._end = at + int(nbytes.sum())

    def _take(self, offset: int, nbytes: int, *, ahead: int = 0) -> bytes:
        """Return bytes that must be there; up to the offset `ahead`, some more are kept for the next time."""
        start, held = self._window
        if start <= offset and offset + nbytes <= start + len(held):
            return held[offset - start : offset - start + nbytes]
        parts = []
        for at in range(offset, offset + nbytes, _WINDOW_NBYTES):
            wanted = min(_WINDOW_NBYTES, offset + nbytes - at)
            part = self._read_part(at, max(wanted, min(_WINDOW_NBYTES, ahead - at)))
            if len(part) < wanted:
                raise FormatError(f"the points of the run are cut short at byte {at + len(part)}")
            self._window = (at, part)
            parts.append(part[:wanted])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_part(self, offset: int, nbytes: int) -> bytes:
        try:
            return self._read(offset, nbytes)
        except InvalidInputError:
            raise FormatError("the points of the run are cut short") from None


def series_columns(reader: PointsReader, series: Series) -> Columns:
    """Return steps, times and values of a series. Raises FormatError where the blob holds other than the run says."""
    if any(reader.points(no) != series.points for no in series.columns):
        raise FormatError(f"the points of the run hold other than {series.points} points of '{series.name}'")
    steps, times, values = (reader.column(no) for no in series.columns)
    return steps.astype(np.int64, copy=False), times.astype(np.int64, copy=False), values.astype(np.float64, copy=False)


class _ColumnTable:
    """Collects columns, each content once, in the order they come."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int, str], int] = {}
        self._columns: list[tuple[int, int]] = []
        self._chunks: list[tuple[int, bytes]] = []

    def add(self, kind: int, numbers: NDArray[Any]) -> int:
        """Return the number of the column with this content."""
        content = np.ascontiguousarray(numbers, DTYPES[kind])
        key = (kind, content.size, oid_of(content.view(np.uint8).data))
        no = self._numbers.setdefault(key, len(self._numbers))
        if no == len(self._columns):
            self._columns.append((content.size, kind))
            for start in range(0, content.size, CHUNK_POINTS):
                self._chunks.append(_encoded(content[start : start + CHUNK_POINTS]))
        return no

    def blob(self) -> bytes:
        """Return header, directory and chunks."""
        columns = b"".join(struct.pack("<IBxxx", points, kind) for points, kind in self._columns)
        chunks = b"".join(struct.pack("<IBxxx", len(data), encoding) for encoding, data in self._chunks)
        header = _HEADER.pack(MAGIC, VERSION, 0, len(self._columns), len(self._chunks))
        return b"".join((header, columns, chunks, *(data for _, data in self._chunks)))


def _checked(name: str, columns: Columns) -> Columns:
    steps, times = (np.asarray(one, np.int64) for one in columns[:2])
    values = np.asarray(columns[2], np.float64)
    if not steps.ndim == times.ndim == values.ndim == 1 or not steps.size == times.size == values.size:
        raise InvalidInputError(f"the series '{name}' must have as many steps and times as values")
    if steps.size > MOST_POINTS:
        raise InvalidInputError(f"the series '{name}' has {steps.size:,} points, at most {MOST_POINTS:,} are kept")
    return steps, times, values


def _narrowed(values: NDArray[np.float64]) -> tuple[int, NDArray[Any]]:
    """Return the smallest kind that has exactly these values, and the values in it; every NaN becomes the one NaN."""
    values = np.where(np.isnan(values), np.nan, values)
    bits = values.view(np.int64)
    if (np.abs(values) <= EXACT_INTEGERS).all():
        whole = values.astype(np.int64)
        if np.array_equal(whole.astype(np.float64).view(np.int64), bits):
            return WHOLE_VALUES, whole
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if np.array_equal(single.astype(np.float64).view(np.int64), bits):
        return FLOAT32, single
    return FLOAT64, values


@cache
def _config() -> ChunkConfig:
    return ChunkConfig(compression_level=LEVEL)


def _encoded(numbers: NDArray[Any]) -> tuple[int, bytes]:
    """Return the encoding and bytes of a chunk; packed bytes were decoded and compared before they count."""
    raw = numbers.tobytes()
    packed = bytes(standalone.simple_compress(numbers, _config()))
    if len(packed) < len(raw) and _unpacked(packed, numbers.size, numbers.dtype).tobytes() == raw:
        return PACKED, packed
    return RAW, raw


def _unpacked(packed: bytes, points: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return exactly this many numbers. pcodec reports damage by Rust panics too, which are no `Exception`."""
    numbers = np.empty(points, dtype)
    try:
        progress = standalone.simple_decompress_into(packed, numbers)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        raise FormatError(f"the points of the run are damaged: {error}") from None
    if progress.n_processed != points or not progress.finished:
        raise FormatError(f"the points of the run are damaged: a chunk holds other than {points} numbers")
    return numbers
