"""The commands that the sweep kills: what is there before, what they do, and what must hold after a death."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.project import ADA, START_MS, Project, safetensors, weights
from crash.plans import plan_quickly

from modelhub.errors import RepositoryNotFound
from modelhub.oid import oid_of
from modelhub.porcelain import storage_plan, storage_ways
from modelhub.porcelain.add import add
from modelhub.porcelain.branch import create_branch
from modelhub.porcelain.checkout import checkout
from modelhub.porcelain.commit import commit
from modelhub.porcelain.fsck import fsck
from modelhub.porcelain.gc import gc
from modelhub.porcelain.init import init
from modelhub.porcelain.keep import KeepRule, keep, plan_keep
from modelhub.porcelain.log import log
from modelhub.porcelain.merge import merge
from modelhub.porcelain.operations import undo
from modelhub.porcelain.reindex import reindex
from modelhub.porcelain.repack import repack
from modelhub.porcelain.repack_phases import carry_out
from modelhub.porcelain.reset import reset
from modelhub.porcelain.restore import restore
from modelhub.porcelain.status import status
from modelhub.porcelain.storage_ways import Rate, Way
from modelhub.porcelain.stored_tensors import stored_tensors
from modelhub.porcelain.tag import create_tag
from modelhub.progress import SILENT
from modelhub.repository.content import read_file
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.objects import Run
from modelhub.repository.progressive import read_progressive
from modelhub.repository.reachable import all_commits, current_commits
from modelhub.repository.repository import Act, Repository
from modelhub.repository.status import load_index
from modelhub.repository.trees import read_files
from modelhub.runs.live import LiveRun
from modelhub.runs.notes import End, Owner, Start
from modelhub.runs.pending import list_pending, read_pending
from modelhub.store import index_upkeep
from modelhub.store.entry import Base
from modelhub.store.object_store import ObjectStore
from modelhub.store.prune import settle

ACT = Act(ADA, START_MS + 10_000_000, 60, "the command")
LATER = Act(ADA, START_MS + 20_000_000, 60, "what comes next")

State = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """`once`: a second run would do something else, so it is not done where the first was through with what matters."""

    command: Callable[[Path], object]
    setting: Callable[[Project], object] | None
    once: bool = False

    def recover(self, folder: Path, old: State, new: State) -> None:
        """Raise unless all that was acknowledged is there and the same command can simply be run again."""
        if self.setting is None:
            self.command(folder)
        else:
            between = look(folder)
            assert between["refs"] in (old["refs"], new["refs"]), "the refs are neither old nor new"
            self._compare(between, old, new)
            assert between["runs"] == old["runs"], "a run is gone, or came from nowhere"
            if not (self.once and between["refs"] == new["refs"]):
                self.command(folder)
        for what, value in look_over(Project(folder, Repository.find(folder))).items():
            assert value == new[what], f"run again it came to something else: {what}"

    def conclude(self, folder: Path, new: State) -> None:
        """Raise unless what the recovered command came to is whole and can be gone on from."""
        assert look(folder)["commits"] == new["commits"]
        check_next_commit(folder)

    def _compare(self, between: State, old: State, new: State) -> None:
        for oid in old["commits"].keys() - between["refs"][2]:
            found, files = between["commits"].get(oid), old["commits"][oid]
            if oid in old["refs"][2] and found is not None:
                found = {path: found[path] for path in files if path in found}  # what was forgotten may be there again
            assert found == files, "an acknowledged commit changed or is gone"
        for path in old["folder"].keys() | new["folder"].keys():
            found = between["folder"].get(path)
            assert found in (old["folder"].get(path), new["folder"].get(path)), f"{path} is neither old nor new"
        assert between["folder"].keys() <= old["folder"].keys() | new["folder"].keys(), (
            "something was left in the folder"
        )


def prepare(scenario: Scenario, folder: Path) -> None:
    folder.mkdir()
    if scenario.setting is not None:
        scenario.setting(Project(folder))


def look(folder: Path) -> State | None:
    """Return all that there is, read as another process would; raise where anything is damaged."""
    try:
        repo = Repository.find(folder)
    except RepositoryNotFound:
        return None
    checked = fsck(repo, full=True)
    assert checked.ok, checked.problems
    project = Project(folder, repo)
    refs = repo.refs
    logged = {entry.commit for entry in log(repo, all_refs=True)} if refs.table else set()
    assert logged == current_commits(repo).keys(), "the log tells another history"
    commits = all_commits(repo, {oid for _, operation in repo.operations() for oid in operation.refs.values()})
    return look_over(project) | {
        "commits": {oid: _digests(_files(project, oid)) for oid in commits},
        "runs": _runs(repo),
    }


def look_over(project: Project) -> State:
    """Return what there is apart from the contents of the store."""
    repo = project.repo
    status(repo)
    return {
        "refs": [repo.refs.head, repo.refs.table, sorted(forgotten_versions(repo))],
        "folder": _digests(project.folder()),
        "index": {path: [entry.mode, entry.oid] for path, entry in load_index(repo).entries.items()},
    }


def check_next_commit(folder: Path) -> None:
    """The next commit works and nothing of the dead process is left."""
    repo = Repository.find(folder)
    (folder / "next.txt").write_text("next")
    made = commit(repo, act=LATER, message="next", paths=["next.txt"])
    assert repo.refs.head_commit == made.commit
    assert list(repo.layout.scratch.iterdir()) == []
    assert fsck(repo, full=True).ok


def _runs(repo: Repository) -> dict[str, list[Any]]:
    """Every run of a version or waiting for one, with what it logged."""
    found = [repo.get(oid, Run) for made in current_commits(repo).values() for oid in made.runs]
    found += [read_pending(repo, run) for run in list_pending(repo.layout)]
    return {run.id: [run.status, run.params, [[one.name, one.points, one.last] for one in run.series]] for run in found}


def _files(project: Project, commit: str) -> dict[str, tuple[str, bytes]]:
    """Every file of a version; of a forgotten one those that must be there."""
    if commit not in forgotten_versions(project.repo):
        return project.files_of(commit)
    entries = read_files(project.repo, project.repo.commit_tree(commit))
    small = {path: entry for path, entry in entries.items() if entry.manifest is None}
    return {path: (entry.mode, read_file(project.repo, entry)) for path, entry in small.items()}


def _digests(files: dict[str, tuple[str, bytes]]) -> dict[str, list[str]]:
    return {path: [mode, oid_of(content)] for path, (mode, content) in files.items()}


# settings: small repositories with something acknowledged, something staged and something unsaved


def model(seed: int) -> bytes:
    tensors = {f"layer.{number}": weights(number, 12, 12) for number in range(6)}
    tensors["head"] = weights(100 + seed, 12, 12)
    return safetensors(tensors)


def two_commits(project: Project) -> None:
    project.write("model.safetensors", model(1))
    project.write("train/config.json", '{"lr": 0.1}')
    project.write("run.sh", "train", executable=True)
    project.commit("first")
    project.write("model.safetensors", model(2))
    project.write("notes.md", "better")
    project.remove("train/config.json")
    project.commit("second")
    create_tag(project.repo, act=project.act("tag first"), name="first", revision="HEAD~1")
    project.write("unsaved.txt", "only here")


def changed(project: Project) -> None:
    two_commits(project)
    project.write("model.safetensors", model(3))
    project.write("eval/metrics.json", '{"accuracy": 0.9}')
    project.write("large.bin", weights(5, 300_000).tobytes())
    project.remove("notes.md")


def partly_staged(project: Project) -> None:
    two_commits(project)
    project.write("model.safetensors", model(4))
    project.add("model.safetensors")
    project.write("notes.md", "even better")


def parted(project: Project) -> None:
    two_commits(project)
    project.switch("topic", create=True, start="HEAD~1")
    project.write("topic/extra.txt", "from the topic")
    project.remove("run.sh")
    project.commit("on the topic", paths=["topic/extra.txt", "run.sh"])
    project.switch("main")


def littered(project: Project) -> None:
    """Objects that nothing needs, beside needed ones in the same pack, and loose ones."""
    two_commits(project)
    for seed in (5, 6, 7):
        project.write("draft.safetensors", safetensors({f"t{n}": weights(seed * 50 + n, 12, 12) for n in range(9)}))
        project.write("kept.txt", f"kept {seed}")
        project.add("draft.safetensors", "kept.txt")
    project.remove("draft.safetensors")
    project.add("draft.safetensors")
    project.commit("kept", paths=["kept.txt"])


def draft(seed: int) -> bytes:
    return safetensors({f"t{number}": weights(seed * 50 + number, 12, 12) for number in range(9)})


def in_many_packs(project: Project) -> None:
    """Packs that a multi-pack index covers, one that it does not, and a change that calls for a new one."""
    index_upkeep.MOST_SINGLE = 1
    for seed in (1, 2, 3):
        project.write("draft.safetensors", draft(seed))
        project.commit(f"draft {seed}")
    project.remove("draft.safetensors")
    project.commit("no draft")
    project.write("draft.safetensors", draft(4))


def with_few_taken_for_many(work: Callable[[Path], object], folder: Path) -> None:
    """Act as in a store of very many packs."""
    index_upkeep.MOST_SINGLE = 1
    work(folder)


def trained_on(project: Project) -> None:
    """A history that repacking makes smaller: some of it in packs, some loose, a copy under other names, and a run."""
    trained(project)
    layers = {f"layer.{number}": weights(number, 64, 64) for number in range(3)}
    for step in range(4):
        moved = {name: layer + weights(50, 64, 64) * (0.01 * step + 0.001 * step**2) for name, layer in layers.items()}
        project.write("deep.safetensors", safetensors(moved))
        project.commit(f"step {step}")
    project.write("copy.safetensors", safetensors({f"x.{name}": layer.T.copy() for name, layer in layers.items()}))
    project.write("notes.md", "a copy on its side")
    project.add("copy.safetensors")


def repack_quickly(folder: Path) -> None:
    """Repack; afterwards nothing may lie in two places."""
    plan_quickly(folder)
    store = find(folder).store
    before = sum(store.info(oid).stored_nbytes for oid in store.ids())
    repack(find(folder), max_recreation=100.0)
    store = find(folder).store
    assert sum(store.info(oid).stored_nbytes for oid in store.ids()) <= before
    assert_single(store)


def wandering(project: Project) -> None:
    """Versions that take random steps, each a delta of the one before."""
    values = weights(60, 80, 100)
    for step in range(5):
        values = values + weights(61 + step, 80, 100) * 0.02
        project.write("model.safetensors", safetensors({"w": values}))
        project.commit(f"step {step}")


def repack_in_phases(folder: Path) -> None:
    """Repack so that some versions rest on newer ones, which takes several phases."""
    plan_quickly(folder)
    storage_plan.DELIVERY_SECONDS = storage_plan.DELIVERY_SECONDS_A_BYTE = 0.0
    storage_ways.rated = lambda _, drafts: {draft.codec: Rate(((1, 1e-9),), 0.0) for draft in drafts}
    repack(find(folder), max_recreation=3.0)
    assert_rests_on_newer(find(folder))


def repack_backwards(folder: Path) -> None:
    """Let every version rest on the two after it, each in a phase of its own."""
    repo = find(folder)
    with repo.writing():
        settle(repo.store)
        known = stored_tensors(repo)
        plan = [Way(one.number, (), (), 1.0, 1.0, is_current=False) for one in known.tensors]
        for line in known.lines.values():
            for at, number in enumerate(line):
                above = tuple(line[at + 1 : at + 3])
                named = tuple(Base(known.tensors[other].oid) for other in above)
                plan[number] = Way(number, above, named, 1.0, 1.0, is_current=False)
        carry_out(repo, known, plan, SILENT, may_grow=True)
    assert_rests_on_newer(find(folder))


def assert_rests_on_newer(repo: Repository) -> None:
    known = stored_tensors(repo)
    (line,) = (line for (_, name), line in known.lines.items() if name == "w")
    assert known.tensors[line[0]].info.bases, "the first version does not rest on a newer one"
    assert_single(repo.store)


def repack_progressively(folder: Path) -> None:
    """Mark a version in the midst of others and repack; afterwards its tensors have separate planes."""
    plan_quickly(folder)
    repack(find(folder), max_recreation=100.0, progressive=["HEAD~1"])
    repo = find(folder)
    (marked,) = read_progressive(repo.layout)
    known = stored_tensors(repo)
    assert all(known.tensors[number].info.has_separate_planes for number in known.versions[marked])
    assert_single(repo.store)


def assert_single(store: ObjectStore) -> None:
    packed = [row.oid for reader in store.packs for row in reader.index.rows()]
    assert len({*packed, *map(bytes.fromhex, store.loose.ids())}) == len(packed) + len(list(store.loose.ids()))


def undoable(project: Project) -> None:
    two_commits(project)
    project.checkout("HEAD~1")


def trained(project: Project) -> None:
    """A run that has ended, with points and output, waits for the next version."""
    two_commits(project)
    start = Start("00000000000000aa", "trial", ADA, START_MS, 60, Owner(1, "elsewhere"), params={"lr": 0.1})
    run = LiveRun.begin(project.repo.layout, start)
    for step in range(20):
        run.points(step, START_MS + step, {"loss": 1 / (step + 1), "lr": 0.1})
    output = run.stream("stdout")
    output.append(b"training\n")
    output.close()
    run.note(End(START_MS + 1000, "finished", 0))
    run.close()
    project.write("model.safetensors", model(8))


def trained_and_committed(project: Project) -> None:
    trained(project)
    project.commit("with a run")


def measured(project: Project) -> None:
    """Checkpoints with a metric, which share a small file and some of their tensors."""
    project.write("run.sh", "train", executable=True)
    for seed, accuracy in enumerate((0.5, 0.9, 0.7, 0.8)):
        project.write("model.safetensors", model(seed))
        project.commit(f"epoch {seed}", metrics={"acc": accuracy})


def keep_the_best(folder: Path) -> None:
    plan = plan_keep(find(folder), rule=KeepRule("acc", 1), now=ACT.time)
    keep(find(folder), plan, act=ACT)


def forgotten(project: Project) -> None:
    measured(project)
    keep_the_best(project.root)


def two_commits_without_lock(project: Project) -> None:
    """As in a copy that left the lock file out: the command makes it, and may die there too."""
    two_commits(project)
    project.repo.layout.lock.unlink()


def find(folder: Path) -> Repository:
    return Repository.find(folder)


SCENARIOS: dict[str, Scenario] = {
    "init": Scenario(lambda folder: init(folder, act=ACT), None),
    "add": Scenario(lambda folder: add(find(folder), paths=[""]), changed),
    "commit-all": Scenario(lambda folder: commit(find(folder), act=ACT, message="more"), changed, once=True),
    "commit-staged": Scenario(lambda folder: commit(find(folder), act=ACT, message="more"), partly_staged, once=True),
    "commit-run": Scenario(lambda folder: commit(find(folder), act=ACT, message="more"), trained, once=True),
    "undo-run": Scenario(lambda folder: undo(find(folder), act=ACT), trained_and_committed, once=True),
    "checkout": Scenario(lambda folder: checkout(find(folder), act=ACT, revision="first"), two_commits),
    "restore": Scenario(lambda folder: restore(find(folder), paths=[""], source="HEAD~1", force=True), changed),
    "reset-hard": Scenario(
        lambda folder: reset(find(folder), act=ACT, revision="first", mode="hard", force=True), partly_staged
    ),
    "merge": Scenario(lambda folder: merge(find(folder), act=ACT, revision="topic"), parted),
    "undo": Scenario(lambda folder: undo(find(folder), act=ACT), undoable, once=True),
    "tag": Scenario(lambda folder: create_tag(find(folder), act=ACT, name="v1"), two_commits, once=True),
    "branch": Scenario(lambda folder: create_branch(find(folder), act=ACT, name="new"), two_commits, once=True),
    "gc": Scenario(lambda folder: gc(find(folder), act=ACT, grace_days=0), littered),
    "keep": Scenario(keep_the_best, measured),
    "undo-keep": Scenario(lambda folder: undo(find(folder), act=ACT), forgotten, once=True),
    "gc-forgotten": Scenario(lambda folder: gc(find(folder), act=ACT, grace_days=0), forgotten),
    "commit-many-packs": Scenario(
        lambda folder: with_few_taken_for_many(lambda at: commit(find(at), act=ACT, message="more"), folder),
        in_many_packs,
        once=True,
    ),
    "gc-many-packs": Scenario(
        lambda folder: with_few_taken_for_many(lambda at: gc(find(at), act=ACT, grace_days=0), folder), in_many_packs
    ),
    "repack": Scenario(repack_quickly, trained_on),
    "repack-phases": Scenario(repack_in_phases, wandering),
    "repack-backwards": Scenario(repack_backwards, wandering),
    "repack-progressive": Scenario(repack_progressively, trained_on),
    "reindex": Scenario(lambda folder: reindex(find(folder)), two_commits_without_lock),
}
