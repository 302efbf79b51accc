"""The names a torch checkpoint may refer to, and what each call stands for; anything else could be code.

Argument shapes: torch/_utils.py, torch/_tensor.py, torch/storage.py and torch/csrc/jit/serialization/pickler.cpp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelhub.formats.dtypes import ORDINARY
from modelhub.formats.extent import refusal
from modelhub.formats.pickle_machine import Elements, Mapping, Record, Symbol

MAX_AXES = 64
UNTYPED = "bytes"

_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "int8",
    "QUInt8Storage": "uint8",
    "QInt32Storage": "int32",
    "UntypedStorage": UNTYPED,
}
# torch's names of the types that a pickle may mention, to ours.
_TORCH_DTYPES = {name: name for name in ORDINARY if name != UNTYPED} | {
    "qint8": "int8",
    "quint8": "uint8",
    "qint32": "int32",
}

_TENSOR_CLASSES = {"torch._tensor.Tensor", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"}
_MERE_NAMES = _TENSOR_CLASSES | {
    "torch.per_tensor_affine",
    "torch.per_channel_affine",
    "torch.contiguous_format",
    "torch.channels_last",
    "torch.preserve_format",
    "torch.strided",
    "numpy.ndarray",
    *(
        f"{module}.{name}"
        for module in ("builtins", "__builtin__")
        for name in ("int", "float", "str", "bool", "list", "dict", "tuple", "set", "bytes", "complex")
    ),
}


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of numbers the archive keeps under `key`; `count` numbers of `dtype`."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class StoredTensor:
    """A tensor as the pickle states it: a window on a storage in elements of `dtype`, not yet checked against it."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class TorchRules:
    """The allow-list for a torch zip; `scripted` adds the classes of a TorchScript archive as mere records."""

    def __init__(self, what: str, *, scripted: bool) -> None:
        self._what = what
        self._scripted = scripted

    def allows(self, symbol: Symbol) -> bool:
        """Whether this name is inert and understood."""
        full = str(symbol)
        if full in _CALLS or full in _MERE_NAMES or _storage_dtype(symbol) is not None:
            return True
        if symbol.module == "torch" and symbol.name in _TORCH_DTYPES:
            return True
        return self._scripted and full.startswith("__torch__.")

    def call(self, symbol: Symbol, args: tuple[object, ...]) -> object:
        """Return the inert value of a call, after checking its arguments."""
        known = _CALLS.get(str(symbol))
        if known is not None:
            value = known(symbol, args)
            if value is not None:
                return value
        elif self._scripted and symbol.module.startswith("__torch__") and not args:
            return Record(symbol, args)
        raise refusal(f"{self._what}: the pickle calls {symbol} with {len(args)} arguments it does not take")

    def persistent(self, value: object) -> object:
        """Return the Storage that a persistent id names."""
        if not isinstance(value, tuple) or len(value) != 5 or value[0] != "storage":
            raise refusal(f"{self._what}: the pickle refers to something that is no storage")
        _, kind, key, _, count = value
        found = _storage_dtype(kind) if isinstance(kind, Symbol) else None
        if found is None or not isinstance(key, str) or not _is_size(count):
            raise refusal(f"{self._what}: the pickle refers to a storage of an unknown kind")
        return Storage(key, found, count)


def _storage_dtype(symbol: Symbol) -> str | None:
    if symbol.module in ("torch", "torch.cuda", "torch.storage"):
        return _STORAGES.get(symbol.name)
    return None


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _sizes(value: object) -> tuple[int, ...] | None:
    if isinstance(value, tuple) and len(value) <= MAX_AXES and all(_is_size(item) for item in value):
        return value
    return None


def _tensor(args: tuple[object, ...], kind: str | None = None) -> StoredTensor | None:
    storage, offset, shape, strides = args[:4]
    sizes, steps = _sizes(shape), _sizes(strides)
    if (
        not isinstance(storage, Storage)
        or type(offset) is not int
        or offset < 0
        or sizes is None
        or steps is None
        or len(sizes) != len(steps)
    ):
        return None
    kind = storage.dtype if kind is None else kind
    return None if kind == UNTYPED else StoredTensor(storage, kind, offset, sizes, steps)


def _rebuild_tensor(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    return _tensor(args) if 4 <= len(args) <= 7 else None


def _rebuild_tensor_v3(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    if not 7 <= len(args) <= 8 or not isinstance(args[6], Symbol) or args[6].module != "torch":
        return None
    kind = _TORCH_DTYPES.get(args[6].name)
    return None if kind is None else _tensor(args, kind)


def _rebuild_parameter(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    return args[0] if 3 <= len(args) <= 4 and isinstance(args[0], StoredTensor) else None


def _rebuild_from_type(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    if (
        len(args) != 4
        or not isinstance(args[0], Symbol)
        or str(args[1]) not in _TENSOR_CLASSES
        or not isinstance(args[2], tuple)
    ):
        return None
    rebuild = _REBUILDERS.get(str(args[0]))
    return rebuild(args[0], args[2]) if rebuild else None


def _mapping(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    """OrderedDict() as every protocol writes it; Counter of a dict; defaultdict of a class that is a mere name."""
    if not args or isinstance(args[0], Symbol):
        return Mapping()
    first = args[0]
    if len(args) == 1 and isinstance(first, Mapping):
        return Mapping(list(first.pairs))
    if (
        len(args) == 1
        and isinstance(first, list)
        and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in first)
    ):
        return Mapping([(pair[0], pair[1]) for pair in first])
    return None


def _elements(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    if not args:
        return Elements()
    return Elements(list(args[0])) if len(args) == 1 and isinstance(args[0], list) else None


def _sequence(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    """A size, or a typed list of TorchScript: the sequence it is made from."""
    return args[0] if args and isinstance(args[0], tuple | list) else None


def _tagged(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    """TorchScript's containers with their type written beside them: the container."""
    return (
        args[0] if len(args) == 2 and isinstance(args[0], list | Mapping | tuple) and isinstance(args[1], str) else None
    )


def _with(*kinds: type | tuple[type, ...]) -> Callable[[Symbol, tuple[object, ...]], object | None]:
    """A call kept as a record, with at most these kinds of arguments in this order."""

    def check(symbol: Symbol, args: tuple[object, ...]) -> object | None:
        fits = len(args) <= len(kinds) and all(isinstance(arg, kind) for arg, kind in zip(args, kinds, strict=False))
        return Record(symbol, args) if fits else None

    return check


def _sparse_tensor(symbol: Symbol, args: tuple[object, ...]) -> object | None:
    """A sparse tensor: its parts are tensors of their own."""
    parts = args[1] if len(args) == 2 else None
    if not isinstance(parts, tuple) or not 3 <= len(parts) <= 4:
        return None
    is_compressed = isinstance(parts[2], StoredTensor)
    words = ("compressed_indices", "plain_indices", "values") if is_compressed else ("indices", "values")
    return Mapping(list(zip(words, parts, strict=False)))


_REBUILDERS: dict[str, Callable[[Symbol, tuple[object, ...]], object | None]] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_qtensor": _rebuild_tensor,
}
_LARGE = (bytes, Record)
_CALLS: dict[str, Callable[[Symbol, tuple[object, ...]], object | None]] = {
    **_REBUILDERS,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch._utils._rebuild_sparse_tensor": _sparse_tensor,
    "torch.serialization._get_layout": _with(str),
    "torch.Size": _sequence,
    "torch.device": _with(str, int),
    "torch.jit._pickle.build_intlist": _sequence,
    "torch.jit._pickle.build_doublelist": _sequence,
    "torch.jit._pickle.build_boollist": _sequence,
    "torch.jit._pickle.build_tensorlist": _sequence,
    "torch.jit._pickle.restore_type_tag": _tagged,
    "collections.OrderedDict": _mapping,
    "collections.defaultdict": _mapping,
    "collections.Counter": _mapping,
    "argparse.Namespace": _with(),
    "types.SimpleNamespace": _with(),
    "pathlib.PosixPath": _with(*[str] * 64),
    "pathlib.PurePosixPath": _with(*[str] * 64),
    "pathlib.WindowsPath": _with(*[str] * 64),
    "datetime.datetime": _with(_LARGE),
    "datetime.date": _with(_LARGE),
    "datetime.timedelta": _with(int, int, int),
    "_codecs.encode": _with(str, str),
    "numpy.dtype": _with(str, (bool, int), (bool, int)),
}
for _package in ("builtins", "__builtin__"):
    _CALLS[f"{_package}.set"] = _elements
    _CALLS[f"{_package}.frozenset"] = _elements
    _CALLS[f"{_package}.complex"] = _with((int, float), (int, float))
    _CALLS[f"{_package}.slice"] = _with((int, type(None)), (int, type(None)), (int, type(None)))
    _CALLS[f"{_package}.range"] = _with(int, int, int)
    _CALLS[f"{_package}.xrange"] = _with(int, int, int)
    _CALLS[f"{_package}.bytearray"] = _with((bytes, str, Record), str)
for _package in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _CALLS[f"{_package}.scalar"] = _with(Record, _LARGE)
    _CALLS[f"{_package}._reconstruct"] = _with(Symbol, tuple, _LARGE)
