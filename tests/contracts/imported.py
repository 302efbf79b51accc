"""Read back what an import recorded: runs, points and files, straight from the objects."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub.repository.content import read_file
from modelhub.repository.objects import Commit, Entry, Run, Usage
from modelhub.repository.repository import Act, Repository
from modelhub.repository.walk import ancestors
from modelhub.runs.points import PointsReader

Point = tuple[int, int, str]


@dataclass
class Imported:
    """A repository that runs are imported into."""

    repo: Repository
    act: Act

    def commits(self) -> list[Commit]:
        """Every version, newest first."""
        head = self.repo.refs.head_commit
        return [] if head is None else [commit for _, commit in ancestors(self.repo, head)]

    def runs(self) -> dict[str, Run]:
        """The newest object of each run, by its origin."""
        found: dict[str, Run] = {}
        for commit in self.commits():
            for oid in commit.runs:
                run = self.repo.get(oid, Run)
                found.setdefault(run.origin, run)
        return found

    def named(self, name: str) -> Run:
        """The only run of this name."""
        (run,) = [run for run in self.runs().values() if run.name == name]
        return run

    def points(self, run: Run) -> dict[str, list[Point]]:
        """Every point of a run in order, its value as Python writes it."""
        if run.points is None:
            return {}
        blob = self.repo.store.read(run.points)
        reader = PointsReader(lambda offset, nbytes: blob[offset : offset + nbytes])
        return {
            series.name: [
                (step, time, repr(value))
                for step, time, value in zip(*(reader.column(no).tolist() for no in series.columns), strict=True)
            ]
            for series in run.series
        }

    def content(self, usage: Usage) -> bytes:
        """The bytes of a file of a run."""
        return read_file(self.repo, Entry("file", usage.oid, usage.size, usage.manifest))
