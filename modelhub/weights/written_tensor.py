"""How one tensor of a lossy copy lies in a safetensors file: its codes, and what is needed to read them.

    half floats    NAME        float16 or bfloat16, its shape
    fixed point    NAME.codes  int8 or int16, its shape           NAME.scale  the step, one float32
    quantisation   NAME.codes  uint8, k bits a code, no gaps      NAME.table  2**k float32    NAME.shape  int64
    dequantised    NAME        its dtype and shape, every number one of those that the scheme has

Of a float64 tensor scale and table are float64. Codes never take the tensor's own name: a loader would take them for
its values. Page: docs/reference/model-files.md.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.formats.dtypes import element_count
from modelhub.formats.safetensors_writer import NewTensor
from modelhub.weights.schemes import Coder, Scheme, packed_nbytes, slices_of, to_bytes

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array


@dataclass(frozen=True, slots=True)
class WrittenTensor:
    """A tensor that a scheme changes. With `dequantized` it is written as the numbers that its codes stand for."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scheme: Scheme
    dequantized: bool = False

    @property
    def main(self) -> NewTensor:
        """What holds its numbers or codes."""
        if self.scheme.kind == "half" and not self.dequantized:
            return NewTensor(self.name, self.scheme.name, self.shape)
        if self.dequantized:
            return NewTensor(self.name, self.dtype, self.shape)
        if self.scheme.kind == "fixed":
            return NewTensor(f"{self.name}.codes", f"int{self.scheme.bits}", self.shape)
        packed = packed_nbytes(element_count(self.shape), self.scheme.bits)
        return NewTensor(f"{self.name}.codes", "uint8", (packed,))

    @property
    def companions(self) -> tuple[NewTensor, ...]:
        """What else is needed to read it."""
        wide = "float64" if self.dtype == "float64" else "float32"
        if self.dequantized or self.scheme.kind == "half":
            return ()
        if self.scheme.kind == "fixed":
            return (NewTensor(f"{self.name}.scale", wide, ()),)
        table = NewTensor(f"{self.name}.table", wide, (1 << self.scheme.bits,))
        return table, NewTensor(f"{self.name}.shape", "int64", (len(self.shape),))

    def companion_bytes(self, coder: Coder) -> tuple[bytes, ...]:
        """Return the bytes of the companions, in their order."""
        import numpy as np

        from modelhub.weights.fixed_point import FixedPoint
        from modelhub.weights.quantized import Quantized

        if self.dequantized:
            return ()
        if isinstance(coder, FixedPoint):
            return (to_bytes(np.array([coder.step]), self.companions[0].dtype),)
        if isinstance(coder, Quantized):
            return coder.table.tobytes(), np.array(self.shape, dtype="<i8").tobytes()
        return ()

    def encoded(self, values: Array, coder: Coder) -> Iterator[tuple[bytes, Array, Array]]:
        """Yield for each slice of the tensor's numbers its bytes of `main`, the numbers, and those they became."""
        from modelhub.weights.arrays import to_array
        from modelhub.weights.quantized import Quantized, pack_codes

        for part in slices_of(values):
            codes = coder.encode(part)
            numbers = coder.decode(codes)
            if self.dequantized:
                data = to_bytes(numbers, self.dtype)
                numbers = to_array(data, self.dtype, part.shape)
            elif isinstance(coder, Quantized):
                data = pack_codes(codes, coder.bits).tobytes()
            else:
                data = codes.tobytes()
            yield data, part, numbers


def are_codes(names: Container[str], name: str) -> bool:
    """Tell whether the tensor of this name, one of `names`, is codes: what they need to be read stands beside them."""
    stem = name.removesuffix(".codes")
    return stem != name and (f"{stem}.scale" in names or f"{stem}.table" in names)
