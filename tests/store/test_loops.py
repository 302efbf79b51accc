"""The compiled loops do what numpy's do, bit for bit, and never leave the buffers they are given."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from contracts.codec import CODES, SPECIAL
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelhub.store import loops
from modelhub.store.codecs.float_values import KINDS
from modelhub.store.codecs.number_bits import exponent_field
from modelhub.store.item import Item
from modelhub.store.loops import plain
from modelhub.store.loops.binned import Bins
from modelhub.store.loops.groups import Groups
from modelhub.store.loops.levels import Moved

try:
    from modelhub.store.loops import _compiled as compiled
except ImportError:
    compiled = None

needs_compiled = pytest.mark.skipif(compiled is None, reason="the loops are not compiled here")

LOOPS = (
    *("bin_steps", "count", "expect", "fields", "join", "predict", "row_keys"),
    *("sort_steps", "split", "step", "walk", "walk_binned", "walk_sorted", "walk_usual"),
)
WIDTHS = tuple(CODES)
FIELDS = {2: exponent_field("float16"), 4: exponent_field("float32"), 8: exponent_field("float64"), 1: (0, 0xFF)}


def pairs(width: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Draw two arrays of equally many numbers: any bits, or much the same."""
    dtype = np.dtype(f"<u{width}")
    counts = st.integers(0, 400)
    return counts.flatmap(lambda count: st.tuples(arrays(dtype, count), arrays(dtype, count)))


any_pair = st.sampled_from(WIDTHS).flatmap(lambda width: st.tuples(st.just(width), pairs(width)))


def both(name: str, *given_arrays: object, out: np.ndarray) -> None:
    """Call both functions, which write to `out`, and compare what they wrote."""
    first, second = out.copy(), out.copy()
    getattr(plain, name)(*(first if one is out else one for one in given_arrays))
    getattr(compiled, name)(*(second if one is out else one for one in given_arrays))
    assert first.tobytes() == second.tobytes()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
def test_where_there_is_a_compiler_the_loops_are_compiled() -> None:
    assert loops.COMPILED


@needs_compiled
class TestCompiled:
    @given(case=any_pair, is_float=st.booleans())
    def test_steps_and_walks_are_numpys(self, case, is_float: bool) -> None:
        width, (new, old) = case
        is_float = is_float and width > 1
        steps = np.empty_like(new)
        both("step", new, old, steps, width, is_float, out=steps)
        plain.step(new, old, steps, width, is_float)
        back = np.empty_like(new)
        both("walk", steps, old, back, width, is_float, out=back)
        compiled.walk(steps, old, back, width, is_float)
        assert back.tobytes() == new.tobytes()

    @given(case=any_pair)
    def test_keys_are_numpys(self, case) -> None:
        width, (bits, _) = case
        keys = np.empty(bits.size, np.uint8)
        both("fields", bits, keys, *FIELDS[width], out=keys)
        plain.fields(bits, keys, *FIELDS[width])
        counts = np.empty(256, np.int64)
        both("count", keys, counts, out=counts)

    @given(rows=st.integers(0, 9), length=st.integers(1, 50), near=st.integers(0, 31), seed=st.integers(0, 2**32 - 1))
    def test_usual_steps_are_numpys(self, rows: int, length: int, near: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        old, usual = (rng.integers(0, 1 << 32, size).astype(np.uint32) for size in (rows * length, 64))
        usual >>= np.uint32(near)
        marks, out = rng.random(rows) < 0.5, np.zeros(rows * length, np.uint32)
        both("walk_usual", old, marks, usual, out, length, out=out)

    @given(case=any_pair, length=st.integers(1, 50), seed=st.integers(0, 2**32 - 1))
    def test_keys_by_row_are_numpys(self, case, length: int, seed: int) -> None:
        width, (bits, _) = case
        by_row = np.random.default_rng(seed).integers(-4096, 4400, -(-bits.size // length)).astype(np.int16)
        keys = np.empty(bits.size, np.uint8)
        both("row_keys", bits, by_row, keys, *FIELDS[width], length, out=keys)

    @given(
        shape=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 40)),
        seed=st.integers(0, 2**32 - 1),
        top=st.integers(0, 255),
        largest=st.sampled_from([1 << 14, 1 << 18, 1 << 31]),
    )
    def test_expected_levels_are_numpys(self, shape: tuple[int, int, int], seed: int, top: int, largest: int) -> None:
        runs, shared, items = shape
        rng = np.random.default_rng(seed)
        levels = rng.integers(0, 256, runs * shared * items, np.uint8)
        ratio, offset = rng.integers(-largest, largest, (2, runs * items), np.int32)
        turn = rng.integers(0, 256, runs * items, np.uint8)
        for at in (2, 3):
            moved = Moved(ratio, offset, turn)
            given_arrays = [levels, moved, np.empty_like(levels), np.empty_like(levels), items, top]
            both("expect", *given_arrays, out=given_arrays[at])

    @given(
        case=any_pair,
        is_float=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
        spread=st.integers(1, 256),
        pieces=st.integers(1, 3),
        ngroups=st.integers(1, 256),
    )
    def test_sorting_and_its_undoing_are_numpys(
        self, case, is_float: bool, seed: int, spread: int, pieces: int, ngroups: int
    ) -> None:
        width, (new, old) = case
        is_float = is_float and width > 1
        rng = np.random.default_rng(seed)
        keys = rng.integers(0, spread, new.size).astype(np.uint8)
        group_of = np.sort(rng.integers(0, ngroups, 256)).astype(np.uint8)
        ends = np.cumsum(np.bincount(group_of[keys], minlength=ngroups))
        starts = np.concatenate([[0], ends[:-1]])
        cuts = [slice(*pair) for pair in pairwise(np.linspace(0, new.size, pieces + 1).astype(int))]
        found = []
        for way in (plain, compiled):
            at, steps, back = starts.copy(), np.zeros_like(new), np.zeros_like(new)
            for cut in cuts:
                way.sort_steps(new[cut], old[cut], keys[cut], Groups(group_of, at, ends), steps, is_float)
            assert at.tolist() == ends.tolist()
            at = starts.copy()
            for cut in cuts:
                way.walk_sorted(steps, keys[cut], Groups(group_of, at, ends), old[cut], back[cut], is_float)
            assert back.tobytes() == new.tobytes()
            found.append((steps.tobytes(), at.tolist()))
        assert found[0] == found[1]

    @given(
        case=pairs(4),
        near=st.integers(0, 32),
        spikes=st.sets(st.integers(0, 40) | st.integers(0, 2**32 - 1), max_size=16),
        pieces=st.integers(1, 4),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_bins_and_their_undoing_are_numpys(self, case, near: int, spikes: set[int], pieces: int, seed: int) -> None:
        far, old = case
        new = old + (far >> np.uint8(near)) if near < 32 else old
        rng = np.random.default_rng(seed)
        keys, turns = rng.integers(0, 256, new.size).astype(np.uint8), rng.integers(0, 240, 256).astype(np.uint8)
        known = np.array(sorted(spikes), np.uint32)
        cuts = [slice(*pair) for pair in pairwise(np.linspace(0, new.size, pieces + 1).astype(int))]
        found = []
        for way in (plain, compiled):
            symbols, low, back = np.zeros(new.size, np.uint8), np.zeros(4 * new.size + 16, np.uint8), np.zeros_like(new)
            ends, bit = [], 0
            for cut in cuts:
                bins = Bins(symbols[cut], low, turns, known)
                bit = way.bin_steps(new[cut], old[cut], keys[cut], bins, bit)
                ends.append(bit)
            low = low[: -(-bit // 8)].copy()
            bit = 0
            for cut, end in zip(cuts, ends, strict=True):
                bins = Bins(symbols[cut], low, turns, known)
                bit = way.walk_binned(keys[cut], bins, bit, old[cut], back[cut])
                assert bit == end
            assert back.tobytes() == new.tobytes()
            found.append((symbols.tobytes(), low.tobytes(), ends))
        assert found[0] == found[1]

    def test_spikes_that_are_alike_in_their_low_bits_are_told_apart(self) -> None:
        spikes = np.array([5, 5 + (1 << 10), 5 + (1 << 20), 5 + (1 << 31)], np.uint32)
        naturals = np.concatenate([spikes, spikes + np.uint32(1 << 12), spikes[::-1]])
        old, keys, turns = np.zeros_like(naturals), np.zeros(naturals.size, np.uint8), np.zeros(256, np.uint8)
        new = np.empty_like(old)
        plain.walk(naturals, old, new, 4, True)
        symbols = np.zeros(naturals.size, np.uint8)
        low = np.zeros(4 * naturals.size + 16, np.uint8)
        compiled.bin_steps(new, old, keys, Bins(symbols, low, turns, spikes), 0)
        assert symbols[:4].tolist() == symbols[:7:-1].tolist() == [240, 241, 242, 243]
        assert symbols[4:8].max() < 240

    @given(
        symbols=arrays(np.uint8, st.integers(0, 600)),
        low=arrays(np.uint8, st.integers(0, 2400)),
        spikes=st.integers(0, 16),
        bit=st.integers(0, 30_000),
    )
    def test_any_symbols_and_bits_are_read_or_refused_as_by_numpy(self, symbols, low, spikes: int, bit: int) -> None:
        keys, turns = np.arange(symbols.size).astype(np.uint8), (np.arange(256) * 7 % 240).astype(np.uint8)
        known = np.arange(spikes, dtype=np.uint32) * 1000
        results = []
        for way in (plain, compiled):
            old, out = np.arange(symbols.size, dtype=np.uint32), np.zeros(symbols.size, np.uint32)
            try:
                end = way.walk_binned(keys, Bins(symbols, low, turns, known), bit, old, out)
            except ValueError:
                results.append(None)
            else:
                results.append((end, out.tobytes()))
        assert results[0] == results[1]

    @given(case=any_pair.filter(lambda case: case[0] > 1), turn=st.booleans(), with_top=st.booleans())
    def test_planes_are_numpys(self, case, turn: bool, with_top: bool) -> None:
        width, (items, _) = case
        found = []
        for way in (plain, compiled):
            planes = np.zeros((width - 2 if with_top else width, items.size), np.uint8)
            top = np.zeros(items.size, np.uint16) if with_top else None
            way.split(items, planes, top, width, turn)
            back = np.zeros_like(items)
            way.join(list(planes), top, back, turn)
            assert back.tobytes() == items.tobytes()
            found.append((planes.tobytes(), None if top is None else top.tobytes()))
        assert found[0] == found[1]

    @given(
        case=st.sampled_from(KINDS).flatmap(
            lambda kind: st.tuples(st.just(kind), pairs(4 if kind == "float32" else 2))
        ),
        length=st.integers(1, 70),
        with_second=st.booleans(),
        with_product=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_predictions_are_numpys(self, case, length: int, with_second: bool, with_product: bool, seed: int) -> None:
        kind, (known, second) = case
        known = known.copy()
        known[: len(SPECIAL[kind])] = np.array(SPECIAL[kind], known.dtype)[: known.size]
        rng = np.random.default_rng(seed)
        shares = (rng.integers(-127, 128, -(-known.size // length)) / 64).astype(np.float32) if with_second else None
        scale = np.float32(10.0) ** rng.integers(-40, 38)
        product = (rng.standard_normal(known.size) * scale).astype(np.float32) if with_product else None
        out = np.empty_like(known)
        before = (second, shares) if with_second else None
        both("predict", known, before, product, out, KINDS.index(kind), length, out=out)

    def test_predictions_round_to_every_half_as_numpy_does(self) -> None:
        values = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
        middles = ((values[:-1] + values[1:]) / 2).view(np.uint32)
        for base in (0x0001, 0x3C00):
            known = np.full(middles.size, base, np.uint16)
            for ulps in (-1, 0, 1):
                wanted = (middles + np.uint32(ulps % 2**32)).view(np.float32)
                product = wanted - known.view(np.float16).astype(np.float32)
                out = np.empty_like(known)
                both("predict", known, None, product, out, KINDS.index("float16"), 100, out=out)

    @given(bits=arrays(np.uint32, st.integers(0, 300)))
    def test_what_bfloat16_and_float16_round_to_is_numpys(self, bits) -> None:
        for kind in ("bfloat16", "float16"):
            known = np.zeros(bits.size, np.uint16)
            known[:] = 0x3F80 if kind == "bfloat16" else 0x3C00
            out = np.empty_like(known)
            both("predict", known, None, bits.view(np.float32), out, KINDS.index(kind), 9, out=out)

    @pytest.mark.parametrize("way", [plain, compiled])
    def test_a_group_without_room_is_refused_before_anything_is_written_or_moved(self, way) -> None:
        keys = np.array([0, 1, 1, 255], np.uint8)
        numbers = np.arange(4, dtype=np.uint32)
        group_of = np.array([0] + [1] * 254 + [2], np.uint8)
        for starts, ends in (
            ([0, 1, 3], [0, 3, 4]),
            ([0, 1, 3], [1, 2, 4]),
            ([0, 2, 3], [1, 3, 4]),
            ([0, 1, 4], [1, 3, 4]),
            ([1, 1, 3], [1, 3, 4]),
        ):
            at, out = np.array(starts), np.full(4, 7, np.uint32)
            with pytest.raises(ValueError, match="fit"):
                way.sort_steps(numbers, numbers, keys, Groups(group_of, at, np.array(ends)), out, True)
            with pytest.raises(ValueError, match="fit"):
                way.walk_sorted(numbers, keys, Groups(group_of, at, np.array(ends)), numbers, out, True)
            assert out.tolist() == [7, 7, 7, 7]
            assert at.tolist() == starts

    def test_places_outside_the_buffer_are_refused(self) -> None:
        keys, numbers = np.array([0, 1, 1, 255], np.uint8), np.arange(4, dtype=np.uint32)
        group_of = np.array([0] + [1] * 254 + [2], np.uint8)
        for starts, ends in (
            ([0, 1, 3], [1, 3, 5]),
            ([-1, 1, 3], [1, 3, 4]),
            ([0, 1, 2**63 - 1], [1, 3, 2**63 - 1]),
            ([-(2**63), 1, 3], [2**63 - 1, 3, 4]),
            ([0, 1, 3], [2**63 - 1, 3, 4]),
            ([0, 1], [1, 3]),
            ([], []),
        ):
            at, out = np.array(starts, np.int64), np.full(4, 7, np.uint32)
            with pytest.raises(ValueError, match="fit"):
                compiled.sort_steps(numbers, numbers, keys, Groups(group_of, at, np.array(ends, np.int64)), out, True)
            with pytest.raises(ValueError, match="fit"):
                compiled.walk_sorted(numbers, keys, Groups(group_of, at, np.array(ends, np.int64)), numbers, out, True)
            assert out.tolist() == [7, 7, 7, 7]

    def test_sizes_that_do_not_fit_together_are_refused(self) -> None:
        four, three = np.zeros(4, np.uint32), np.zeros(3, np.uint32)
        keys, rows = np.zeros(4, np.uint8), np.zeros(1, np.int16)
        groups, start, end = np.zeros(256, np.uint8), np.zeros(1, np.int64), np.full(1, 4)
        turns, spikes, room = np.zeros(256, np.uint8), np.zeros(1, np.uint32), np.zeros(32, np.uint8)
        wrong = [
            ("step", four, three, four, 4, True),
            ("step", four, four, three, 4, True),
            ("step", four, four, four, 3, True),
            ("walk", three, four, four, 4, False),
            ("walk", four, four, four, 0, False),
            ("count", keys, four),
            ("fields", three, keys, 23, 255),
            ("fields", four, keys, 32, 255),
            ("fields", four, keys, -1, 255),
            *(
                ("expect", scales[0], scales[1:], keys.copy(), keys.copy(), items, top)
                for scales, items, top in (
                    ((keys, four, four, keys), 0, 15),
                    ((keys, four, four, keys), -4, 15),
                    ((keys, four, four, keys), 3, 15),
                    ((keys, four, four, keys), 4, 256),
                    ((keys, four, four, keys), 4, -1),
                    ((keys, three, four, keys), 4, 15),
                    ((keys, four, three, keys), 4, 15),
                    ((keys, four, four, keys[:3]), 1, 15),
                    ((keys, three, three, keys[:3]), 3, 15),
                    ((keys[:3], four, four, keys), 4, 15),
                )
            ),
            ("expect", keys, (four, four, keys), keys[:3].copy(), keys.copy(), 4, 15),
            ("expect", keys, (four, four, keys), keys.copy(), keys[:3].copy(), 4, 15),
            ("row_keys", four, rows, keys, 23, 255, 3),
            ("row_keys", four, rows, keys, 23, 255, 0),
            ("row_keys", four, rows, keys, 23, 255, -4),
            ("row_keys", three, rows, keys, 23, 255, 4),
            ("sort_steps", three, four, keys, (groups, start, end), four, True),
            ("sort_steps", four, three, keys, (groups, start, end), four, True),
            ("sort_steps", four, four, keys, (keys, start, end), four, True),
            ("sort_steps", four, four, keys, (groups, start, np.zeros(2, np.int64)), four, True),
            ("sort_steps", four, four, keys, (groups, np.zeros(257, np.int64), np.zeros(257, np.int64)), four, True),
            ("sort_steps", four, four, keys, (groups, np.zeros(12, np.uint8), np.zeros(12, np.uint8)), four, True),
            ("sort_steps", four, four, keys, (groups, start, end), three, True),
            ("walk_sorted", four, keys, (groups, start, end), three, four, True),
            ("walk_sorted", three, keys, (groups, start, end), four, four, True),
            ("walk_sorted", four, keys, (groups, start, end), four, three, True),
            ("walk_sorted", four, keys, (keys, start, end), four, four, True),
            *(
                ("bin_steps", *numbers, Bins(keys, room, *others), 0)
                for numbers, others in (
                    ((three, four, keys), (turns, spikes)),
                    ((four, three, keys), (turns, spikes)),
                    ((four, four, keys[:3]), (turns, spikes)),
                    ((four, four, keys), (turns[:255], spikes)),
                    ((four, four, keys), (turns + np.uint8(240), spikes)),
                    ((four, four, keys), (turns, np.zeros(17, np.uint32))),
                    ((four, four, keys), (turns, keys[:2])),
                )
            ),
            ("bin_steps", four, four, keys, Bins(keys, room[:31], turns, spikes), 0),
            ("bin_steps", four, four, keys, Bins(keys, room, turns, spikes), 9),
            ("bin_steps", four, four, keys, Bins(keys, room, turns, spikes), -1),
            ("walk_binned", keys, Bins(keys, room, turns, spikes), 0, three, four),
            ("walk_binned", keys, Bins(keys, room, turns, spikes), 0, four, three),
            ("walk_binned", keys[:3], Bins(keys, room, turns, spikes), 0, four, four),
            ("walk_binned", keys, Bins(keys, room, turns, spikes), -1, four, four),
            ("walk_binned", keys, Bins(keys, room, turns, spikes), 8 * 32 + 8, four, four),
            ("walk_usual", four, keys[:2], np.zeros(63, np.uint32), four, 2),
            ("walk_usual", four, keys[:2], np.zeros(64, np.uint32), three, 2),
            ("walk_usual", four, keys[:2], np.zeros(64, np.uint32), four, 3),
            ("walk_usual", four, keys[:2], np.zeros(64, np.uint32), four, 0),
            ("predict", four, None, None, three, 0, 4),
            ("predict", four, (three, np.zeros(1, np.float32)), None, four, 0, 4),
            ("predict", four, (four, np.zeros(2, np.float32)), None, four, 0, 4),
            ("predict", four, None, three, four, 0, 4),
            ("predict", four, None, None, four, 3, 4),
            ("predict", four, None, None, four, -1, 4),
            ("predict", four, None, None, four, 0, 0),
            ("split", four, keys, None, 4, True),
            ("split", four, np.zeros(8, np.uint8), np.zeros(3, np.uint16), 4, True),
            ("split", four, np.zeros(10, np.uint8), np.zeros(3, np.uint16), 4, True),
            ("split", keys, keys, None, 1, True),
            ("join", [keys] * 3, None, four, True),
            ("join", [keys] * 4, None, three, True),
            ("join", [keys] * 3, np.zeros(4, np.uint16), four, True),
            ("join", [keys] * 2, np.zeros(3, np.uint16), four, True),
            ("join", [], None, four, True),
            ("join", [keys], None, keys, True),
            ("join", [keys] * 16, None, four, True),
        ]
        for name, *arguments in wrong:
            with pytest.raises(ValueError, match=r"fit|as many|one "):
                getattr(compiled, name)(*arguments)

    def test_what_is_no_buffer_is_refused(self) -> None:
        four = np.zeros(4, np.uint32)
        for name, arguments in (
            ("step", (1, four, four, 4, True)),
            ("join", (7, None, four, True)),
            ("join", ([1, 2, 3, 4], None, four, True)),
            ("join", ([four, four], 5, four, True)),
            ("split", (four, four, 5, 4, True)),
            ("predict", (four, 5, None, four, 0, 4)),
            ("predict", (four, (four,), None, four, 0, 4)),
            ("predict", (four, (four, 5), None, four, 0, 4)),
            ("predict", (four, None, 5, four, 0, 4)),
            ("sort_steps", (four, four, np.zeros(4, np.uint8), None, four, True)),
            ("walk_sorted", (four, np.zeros(4, np.uint8), (four, four), four, four, True)),
            ("step", (four, four, four.tobytes(), 4, True)),
            ("step", (four[::2], four, four, 4, True)),
        ):
            with pytest.raises((TypeError, ValueError, BufferError)):
                getattr(compiled, name)(*arguments)


def test_without_the_compiled_loops_numpys_are_used() -> None:
    code = """
import sys
sys.modules["modelhub.store.loops._compiled"] = None
from modelhub.store import loops
from modelhub.store.loops import plain
from modelhub.store.loops.groups import Groups
from modelhub.store.loops.levels import Moved
assert not loops.COMPILED and loops.walk_sorted is plain.walk_sorted
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_codecs_make_the_same_frames_with_numpys_loops(numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelhub.store.codecs.registry import CODEC_IDS, ITEM_DELTA, codec

    def frames() -> list[bytes | None]:
        found: list[bytes | None] = []
        for number in CODEC_IDS:
            how = codec(number)
            for kind in ("float64", "float32", "bfloat16", "float16", "int16"):
                item, block, base = numbers(kind, 70_001)
                bases = [base, numbers(kind, 70_001, seed=1)[2]][: how.bases]
                frame = how.encode(block, item, bases)
                found.append(None if frame is None else bytes(frame))
                if frame is not None:
                    assert bytes(how.decode(frame, len(block), item, bases)) == block
        base = np.random.default_rng(3).integers(0, 256, 40_000 * 18, np.uint8)
        block, item = (base ^ (base > 250)).tobytes(), Item("bytes", 18)
        found.append(codec(ITEM_DELTA).encode(block, item, [base.tobytes()]))
        return found

    as_it_is = frames()
    for name in LOOPS:
        monkeypatch.setattr(loops, name, getattr(plain, name))
    assert frames() == as_it_is
    assert sum(frame is not None for frame in as_it_is) > 20
