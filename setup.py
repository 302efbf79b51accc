"""Builds the compiled loops, which are optional: without a C compiler numpy does their work."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "modelhub.store.codecs.loops._compiled",
            ["modelhub/store/codecs/loops/_compiled.c"],
            extra_compile_args=["-O3", "-g0", "-ffp-contract=off"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
