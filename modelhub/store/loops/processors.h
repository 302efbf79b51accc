/* For which processors a loop is compiled. */

#ifndef MODELHUB_PROCESSORS_H
#define MODELHUB_PROCESSORS_H

/* Compiled twice, where which one runs can be chosen when the library is loaded: for those with AVX2 and BMI2, and for
   all. Only for loops that gain by it: docs/design/014-binned-deltas.md. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define COMPILED_TWICE __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define COMPILED_TWICE
#endif

#endif
