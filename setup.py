"""Builds the compiled loops, which are optional: without a C compiler numpy does their work."""

from setuptools import Extension, setup

LOOPS = ("binned", "floats", "levels", "numbers", "planes", "processors")
HEADERS = [f"modelhub/store/loops/{name}.h" for name in LOOPS]


def compiled(name: str, depends: list[str]) -> Extension:
    """Return the extension of this module, which is made of one file."""
    return Extension(
        name,
        [name.replace(".", "/") + ".c"],
        depends=depends,
        extra_compile_args=["-O3", "-g0", "-ffp-contract=off"],
        py_limited_api=True,
        optional=True,
    )


setup(
    ext_modules=[compiled("modelhub.store.loops._compiled", HEADERS), compiled("modelhub.weights._sums", [])],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
