"""Interpret a pickle without running anything: names stay symbols, calls become records unless a rule knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

from modelhub.errors import UnsupportedModelFile
from modelhub.formats.extent import refusal
from modelhub.formats.pickle_opcodes import read_opcodes

MAX_MEMO = 2_000_000
MAX_CONTAINERS = 500_000
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name the pickle refers to; only ever compared, never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Mapping:
    """A dict (of whatever class) as the pairs that were put into it: keys may be anything, so nothing is hashed."""

    pairs: list[tuple[object, object]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Elements:
    """A set as the elements that were put into it."""

    values: list[object] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Record:
    """What a call would have made: the symbol, its arguments, and the state set afterwards."""

    symbol: Symbol
    args: tuple[object, ...]
    state: object = None


class Rules(Protocol):
    """What a container format allows its pickles to say."""

    def allows(self, symbol: Symbol) -> bool:
        """Whether this name is inert and understood."""

    def call(self, symbol: Symbol, args: tuple[object, ...]) -> object:
        """Return the inert value of a call; raises UnsupportedModelFile for arguments the real one never has."""

    def persistent(self, value: object) -> object:
        """Return the inert value of a persistent id."""


class _Mark:
    """Where a run of arguments starts on the stack."""


_MARK = _Mark()


def interpret(data: bytes, rules: Rules, what: str) -> object:
    """Work through a pickle; return plain values, Mapping, Elements, Record, and what the rules return.

    Raises UnsupportedModelFile naming the globals where the pickle refers to anything the rules do not allow: it
    could run code in a reader that loads it. Cost: one pass, no more than MAX_OPS operations.
    """
    machine = _Machine(rules, what)
    try:
        value = machine.run(data)
    except UnsupportedModelFile:
        if not machine.foreign:
            raise
        value = None
    if machine.foreign:
        names = list(machine.foreign)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise refusal(
            f"{what}: contains code-capable pickle, globals: {', '.join(names[:_SHOWN])}{more}",
            hint="save tensors only, such as model.state_dict(); nothing in it was run; it is versioned as bytes",
        )
    return value


class _Machine:
    """The stack, the memo and one method for each opcode."""

    def __init__(self, rules: Rules, what: str) -> None:
        self.foreign: dict[str, None] = {}
        self._rules = rules
        self._what = what
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}
        self._containers = 0

    def run(self, data: bytes) -> object:
        """Interpret every operation; the one value left at the end is the result."""
        steps: dict[str, Callable[[object], None]] = {}
        for name, argument in read_opcodes(data, self._what):
            step = steps.get(name)
            if step is None:
                step = steps[name] = cast(Callable[[object], None], getattr(self, f"_on_{name.lower()}"))
            step(argument)
        value = self._pop()
        if self._stack:
            raise self._bad("leaves more than one value")
        return value

    def _bad(self, problem: str) -> UnsupportedModelFile:
        return refusal(f"{self._what}: the pickle {problem}")

    def _pop(self) -> object:
        if not self._stack:
            raise self._bad("takes a value that is not there")
        return self._stack.pop()

    def _pop_value(self) -> object:
        value = self._pop()
        if value is _MARK:
            raise self._bad("takes a value that is not there")
        return value

    def _top(self) -> object:
        if not self._stack or self._stack[-1] is _MARK:
            raise self._bad("changes a value that is not there")
        return self._stack[-1]

    def _pop_to_mark(self) -> list[object]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                values = self._stack[at + 1 :]
                del self._stack[at:]
                return values
        raise self._bad("ends a run that was never started")

    def _pairs(self, values: list[object]) -> list[tuple[object, object]]:
        if len(values) % 2:
            raise self._bad("puts a key without a value into a dict")
        return list(zip(values[::2], values[1::2], strict=True))

    def _on_proto(self, argument: object) -> None:
        if argument not in (2, 3, 4, 5):
            raise self._bad(f"has protocol {argument}, which is not known")

    def _on_frame(self, argument: object) -> None:
        """A frame only groups bytes."""

    def _on_stop(self, argument: object) -> None:
        """The reader of opcodes ends here."""

    def _on_mark(self, argument: object) -> None:
        self._stack.append(_MARK)

    def _on_pop(self, argument: object) -> None:
        self._pop()

    def _on_pop_mark(self, argument: object) -> None:
        self._pop_to_mark()

    def _on_none(self, argument: object) -> None:
        self._stack.append(None)

    def _on_newtrue(self, argument: object) -> None:
        self._stack.append(True)

    def _on_newfalse(self, argument: object) -> None:
        self._stack.append(False)

    def _on_number(self, argument: object) -> None:
        self._stack.append(argument)

    def _on_constant(self, argument: object) -> None:
        self._stack.append(argument)

    def _push_container(self, value: object) -> None:
        self._containers += 1
        if self._containers > MAX_CONTAINERS:
            raise self._bad(f"holds more than {MAX_CONTAINERS} containers")
        self._stack.append(value)

    def _on_empty_dict(self, argument: object) -> None:
        self._push_container(Mapping())

    def _on_empty_list(self, argument: object) -> None:
        self._push_container([])

    def _on_empty_tuple(self, argument: object) -> None:
        self._stack.append(())

    def _on_empty_set(self, argument: object) -> None:
        self._push_container(Elements())

    def _on_tuple(self, argument: object) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def _on_tuple1(self, argument: object) -> None:
        self._stack.append((self._pop_value(),))

    def _on_tuple2(self, argument: object) -> None:
        second, first = self._pop_value(), self._pop_value()
        self._stack.append((first, second))

    def _on_tuple3(self, argument: object) -> None:
        third, second, first = self._pop_value(), self._pop_value(), self._pop_value()
        self._stack.append((first, second, third))

    def _on_list(self, argument: object) -> None:
        self._push_container(self._pop_to_mark())

    def _on_dict(self, argument: object) -> None:
        self._push_container(Mapping(self._pairs(self._pop_to_mark())))

    def _on_frozenset(self, argument: object) -> None:
        self._push_container(Elements(self._pop_to_mark()))

    def _on_append(self, argument: object) -> None:
        value = self._pop_value()
        self._list().append(value)

    def _on_appends(self, argument: object) -> None:
        values = self._pop_to_mark()
        self._list().extend(values)

    def _list(self) -> list[object]:
        target = self._top()
        if type(target) is not list:
            raise self._bad("appends to something that is no list")
        return target

    def _on_setitem(self, argument: object) -> None:
        value, key = self._pop_value(), self._pop_value()
        self._mapping().pairs.append((key, value))

    def _on_setitems(self, argument: object) -> None:
        pairs = self._pairs(self._pop_to_mark())
        self._mapping().pairs.extend(pairs)

    def _mapping(self) -> Mapping:
        target = self._top()
        if not isinstance(target, Mapping):
            raise self._bad("sets items of something that is no dict")
        return target

    def _on_additems(self, argument: object) -> None:
        values = self._pop_to_mark()
        target = self._top()
        if not isinstance(target, Elements):
            raise self._bad("adds items to something that is no set")
        target.values.extend(values)

    def _on_put(self, argument: object) -> None:
        if len(self._memo) >= MAX_MEMO:
            raise self._bad(f"remembers more than {MAX_MEMO} values")
        self._memo[cast(int, argument)] = self._top()

    def _on_memoize(self, argument: object) -> None:
        self._on_put(len(self._memo))

    def _on_get(self, argument: object) -> None:
        key = cast(int, argument)
        if key not in self._memo:
            raise self._bad(f"recalls value {key}, which it never remembered")
        self._stack.append(self._memo[key])

    def _on_global(self, argument: object) -> None:
        module, name = cast(tuple[str, str], argument)
        self._push_symbol(module, name)

    def _on_stack_global(self, argument: object) -> None:
        name, module = self._pop_value(), self._pop_value()
        if not isinstance(name, str) or not isinstance(module, str):
            raise self._bad("builds a name from something that is no text")
        self._push_symbol(module, name)

    def _push_symbol(self, module: str, name: str) -> None:
        symbol = Symbol(module, name)
        if not self._rules.allows(symbol):
            self.foreign[str(symbol)[:200]] = None
        self._stack.append(symbol)

    def _on_binpersid(self, argument: object) -> None:
        self._stack.append(self._rules.persistent(self._pop_value()))

    def _on_reduce(self, argument: object) -> None:
        args, symbol = self._pop_value(), self._pop_value()
        if not isinstance(symbol, Symbol) or not isinstance(args, tuple):
            raise self._bad("calls something that is not a name")
        allowed = self._rules.allows(symbol)
        self._push_container(self._rules.call(symbol, args) if allowed else Record(symbol, args))

    def _on_newobj(self, argument: object) -> None:
        self._on_reduce(argument)

    def _on_build(self, argument: object) -> None:
        state = self._pop_value()
        target = self._top()
        if isinstance(target, Record):
            target.state = state
        elif not isinstance(target, Mapping) or not isinstance(state, Mapping):
            raise self._bad("sets the state of a value that has none")
