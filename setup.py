"""Builds the compiled loops, which are optional: without a C compiler numpy does their work."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "modelhub.store.loops._compiled",
            ["modelhub/store/loops/_compiled.c"],
            depends=[f"modelhub/store/loops/{name}.h" for name in ("binned", "floats", "numbers", "planes")],
            extra_compile_args=["-O3", "-g0", "-ffp-contract=off"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
