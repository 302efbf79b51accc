"""Read the points of runs for the view `metric_history`, one number at a time, columns decoded as they are needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from modelhub.errors import IntegrityError, StateError
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.runs.points import PointsReader

MOST_COLUMN_NBYTES = 64 << 20
_MOST_READERS = 16
_STEPS, _TIMES, _VALUES = range(3)

Number = int | float | None


class Points:
    """Gives single steps, times (unix ms) and values of series by their numbers in `mh_series`.

    Decoded columns are kept up to 64 MB. Raises what reading objects raises; `error` is the last of these.
    """

    def __init__(self, repository: Repository, connection: Connection) -> None:
        self._repository = repository
        self._series = {
            no: (oid, run_id, name, columns)
            for no, oid, run_id, name, *columns in connection.execute(
                "select s.no, o.oid, r.run_id, s.name, s.step_column, s.time_column, s.value_column"
                " from mh_series s join mh_runs r on r.no = s.run_no left join mh_oids o on o.no = r.points_no"
            )
        }
        self._columns: OrderedDict[tuple[str, int | str, int], memoryview] = OrderedDict()
        self._nbytes = 0
        self._readers: OrderedDict[str, PointsReader] = OrderedDict()
        self._pending: tuple[str, Any] = ("", {})
        self.error: Exception | None = None

    def functions(self) -> dict[str, Callable[[int, int], Number]]:
        """The functions (number of a series, number of a point) that the view calls, by their SQL names."""
        return {"mh_step": self._of(_STEPS), "mh_time": self._of(_TIMES), "mh_value": self._of(_VALUES)}

    def _of(self, part: int) -> Callable[[int, int], Number]:
        current = -1
        column: memoryview | list[Number] = []

        def number(series: int, index: int) -> Number:
            nonlocal current, column
            if series != current:
                column = self._noted(series, part)
                current = series
            try:
                return column[index]
            except IndexError:
                self.error = IntegrityError("a run has fewer points than it says", hint="'mh fsck --full' tells more")
                raise self.error from None

        return number

    def _noted(self, series: int, part: int) -> memoryview:
        try:
            return self._column(series, part)
        except Exception as error:
            self.error = error
            raise

    def _column(self, series: int, part: int) -> memoryview:
        oid, run_id, name, columns = self._series[series]
        key = (run_id, name, part) if oid is None else (oid, columns[part], 0)
        if key in self._columns:
            self._columns.move_to_end(key)
            return self._columns[key]
        found = self._pending_column(run_id, name, part) if oid is None else self._decode(oid, columns[part])
        self._columns[key] = found
        self._nbytes += found.nbytes
        while self._nbytes > MOST_COLUMN_NBYTES and len(self._columns) > 1:
            self._nbytes -= self._columns.popitem(last=False)[1].nbytes
        return found

    def _decode(self, oid: str, column: int) -> memoryview:
        reader = self._readers.get(oid)
        if reader is None:
            from modelhub.runs.points import PointsReader

            reader = self._readers[oid] = PointsReader(self._repository.store.open(oid).read)
            if len(self._readers) > _MOST_READERS:
                self._readers.popitem(last=False)
        return reader.column(column).data

    def _pending_column(self, run_id: str, name: str, part: int) -> memoryview:
        if self._pending[0] != run_id:
            from modelhub.runs.pending import pending_points

            self._pending = run_id, pending_points(self._repository, run_id)
        try:
            found: memoryview = self._pending[1][name][part].data
            return found
        except KeyError:
            raise StateError(f"the run {run_id} was taken into a version just now", hint="ask again") from None
