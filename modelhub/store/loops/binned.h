/* Steps of 32-bit floats as bins, eight to an octave, and the bits below them. Said in docstrings in binned.py. */

#ifndef MODELHUB_BINNED_H
#define MODELHUB_BINNED_H

#include "numbers.h"
#include "processors.h"

#define BINS 240
#define MOST_SPIKES (256 - BINS)
#define PLACES (2 * BINS + MOST_SPIKES)

/* The spikes by their low bits: the first that has them, and after each the next. */
#define SPIKE_SLOTS 1024

typedef struct {
    uint32_t naturals[MOST_SPIKES];
    int count;
    uint8_t first[SPIKE_SLOTS], next[MOST_SPIKES];
} Spikes;

static void read_spikes(Spikes *spikes, const void *from, Py_ssize_t count) {
    memset(spikes->first, MOST_SPIKES, sizeof spikes->first);
    spikes->count = (int)count;
    for (int at = spikes->count - 1; at >= 0; at--) {
        uint8_t *first = &spikes->first[load32(from, at) % SPIKE_SLOTS];
        spikes->naturals[at] = load32(from, at);
        spikes->next[at] = *first;
        *first = (uint8_t)at;
    }
}

/* Which spike this is, MOST_SPIKES for none. */
static inline int spike_of(const Spikes *spikes, uint32_t natural) {
    int at = spikes->first[natural % SPIKE_SLOTS];
    while (at < MOST_SPIKES && spikes->naturals[at] != natural)
        at = spikes->next[at];
    return at;
}

/* The place of the highest bit that is set; there is one. */
static inline int top_bit(uint32_t value) {
#if defined(__GNUC__) || defined(__clang__)
    return 31 - __builtin_clz(value);
#else
    int top = 31;
    while (!(value >> top))
        top--;
    return top;
#endif
}

/* What is done in several loops is done in parts of so many elements. */
#define TILE 256

static inline void find_bins(const uint32_t *naturals, const uint8_t *keys, const uint8_t *turns, const Spikes *spikes,
                             uint8_t *symbols, uint8_t *below, Py_ssize_t count, int with_spikes) {
    for (Py_ssize_t at = 0; at < count; at++) {
        const uint32_t natural = naturals[at];
        const int spike = with_spikes ? spike_of(spikes, natural) : MOST_SPIKES;
        const int is_bin = -(spike == MOST_SPIKES);
        const int bits = top_bit(natural | 8) - 3;
        const int ahead = (bits << 3) + (int)(natural >> bits) + turns[keys[at]];
        const int bin = ahead >= BINS ? ahead - BINS : ahead;
        symbols[at] = (uint8_t)((bin & is_bin) | ((BINS + spike) & ~is_bin));
        below[at] = (uint8_t)(bits & is_bin);
    }
}

/* `low` has room for 28 bits an element and 16 bytes. Returns the number of bits before and with these. */
COMPILED_TWICE static int64_t bin_all(const void *new, const void *old, const uint8_t *keys, const uint8_t *turns,
                       const Spikes *spikes, uint8_t *symbols, uint8_t *low, int64_t bit, Py_ssize_t count) {
    uint32_t naturals[TILE] = {0};
    uint8_t below[TILE], *out = low + bit / 8;
    int fill = (int)(bit % 8);
    uint64_t waiting = *out & ((1u << fill) - 1);
    for (Py_ssize_t from = 0; from < count; from += TILE) {
        const Py_ssize_t some = count - from < TILE ? count - from : TILE;
        step_all32((const char *)new + 4 * from, (const char *)old + 4 * from, naturals, some, 1);
        if (spikes->count)
            find_bins(naturals, keys + from, turns, spikes, symbols + from, below, some, 1);
        else
            find_bins(naturals, keys + from, turns, spikes, symbols + from, below, some, 0);
        if (some % 2)
            below[some] = 0;
        for (Py_ssize_t at = 0; at < some; at += 2) {
            const uint64_t pair = (naturals[at] & ((1u << below[at]) - 1)) |
                                  (uint64_t)(naturals[at + 1] & ((1u << below[at + 1]) - 1)) << below[at];
            waiting |= pair << fill;
            fill += below[at] + below[at + 1];
            store64(out, 0, waiting);
            out += fill >> 3;
            waiting >>= fill & ~7;
            fill &= 7;
        }
    }
    return 8 * (int64_t)(out - low) + fill;
}

/* A place: what stands at the bottom of the bin, and from bit 32 on how many bits lie below. Bins are there twice, so
   that turning back needs no remainder, then spikes; 128 bits below: nothing means that. */
typedef uint64_t Place;
#define NOTHING ((Place)128 << 32)

static void build_places(Place *places, const uint8_t *spikes, int count) {
    for (int bin = 0; bin < BINS; bin++) {
        const int below = bin < 16 ? 0 : (bin >> 3) - 1;
        places[bin] = places[BINS + bin] = (Place)below << 32 | (uint32_t)(bin - (below << 3)) << below;
    }
    for (int at = 0; at < MOST_SPIKES; at++)
        places[2 * BINS + at] = at < count ? load32(spikes, at) : NOTHING;
}

static inline uint64_t eight_bytes(const uint8_t *low, Py_ssize_t nbytes, Py_ssize_t from) {
    uint64_t value = 0;
    for (Py_ssize_t at = from; at < nbytes && at < from + 8; at++)
        value |= (uint64_t)low[at] << (8 * (at - from));
    return value;
}

static inline Place place_of(const Place *places, const uint16_t *back, int symbol, int key) {
    return places[symbol + (symbol < BINS ? back[key] : BINS)];
}

static inline int below_of(Place place) { return (int)(place >> 32) & 31; }

static inline uint32_t natural_of(Place place, uint64_t some) {
    return (uint32_t)place + ((uint32_t)some & ((1u << below_of(place)) - 1));
}

/* Two at a time: what lies below two bins are never more than 56 bits. */
static inline int64_t read_bins(const uint8_t *symbols, const uint8_t *keys, const uint16_t *back, const Place *places,
                                const uint8_t *low, Py_ssize_t nbytes, int64_t bit, Place *seen, uint32_t *naturals,
                                Py_ssize_t count, int is_inside) {
    for (Py_ssize_t at = 0; at < count; at += 2) {
        const Place first = place_of(places, back, symbols[at], keys[at]);
        const Place second = at + 1 < count ? place_of(places, back, symbols[at + 1], keys[at + 1]) : 0;
        const Py_ssize_t from = (Py_ssize_t)(bit >> 3);
        const uint64_t some = (is_inside ? load64(low + from, 0) : eight_bytes(low, nbytes, from)) >> (bit & 7);
        naturals[at] = natural_of(first, some);
        naturals[at + 1] = natural_of(second, some >> below_of(first));
        *seen |= first | second;
        bit += below_of(first) + below_of(second);
    }
    return bit;
}

/* Returns the number of bits taken, with those before, or -1 where a symbol means nothing or bits are missing. */
COMPILED_TWICE static int64_t walk_bins(const uint8_t *symbols, const uint8_t *low, Py_ssize_t nbytes, int64_t bit,
                         const uint8_t *keys, const uint8_t *turns, const Place *places, const void *old, void *out,
                         Py_ssize_t count) {
    uint16_t back[KEYS];
    uint32_t naturals[TILE];
    Place seen = 0;
    for (int key = 0; key < KEYS; key++)
        back[key] = (uint16_t)(BINS - turns[key]);
    for (Py_ssize_t at = 0; at < count; at += TILE) {
        const Py_ssize_t some = count - at < TILE ? count - at : TILE;
        if (bit / 8 + 4 * TILE + 8 <= nbytes)
            bit = read_bins(symbols + at, keys + at, back, places, low, nbytes, bit, &seen, naturals, some, 1);
        else
            bit = read_bins(symbols + at, keys + at, back, places, low, nbytes, bit, &seen, naturals, some, 0);
        walk_all32(naturals, (const char *)old + 4 * at, (char *)out + 4 * at, some, 1);
    }
    return seen & NOTHING || bit > 8 * (int64_t)nbytes ? -1 : bit;
}

/* Sign and the five high bits of the mantissa of a float32. */
#define MANTISSA_KEYS 64

static inline int usual_key(uint32_t known) { return (int)((known >> 26 & 32) | (known >> 18 & 31)); }

/* What is added to the bits for the usual step, of numbers that keep their sign. */
static void read_usual(uint32_t *added, const void *usual) {
    for (int key = 0; key < MANTISSA_KEYS; key++) {
        const uint32_t natural = load32(usual, key), steps = natural >> 1 ^ (0 - (natural & 1));
        added[key] = key < MANTISSA_KEYS / 2 ? steps : 0 - steps;
    }
}

static void walk_row(const uint32_t *added, const void *usual, const void *old, void *out, Py_ssize_t count) {
    uint32_t changes = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        const uint32_t known = load32(old, at), walked = known + added[usual_key(known)];
        changes |= known ^ walked;
        store32(out, at, walked);
    }
    if (changes >> 31)
        for (Py_ssize_t at = 0; at < count; at++) {
            const uint32_t known = load32(old, at);
            store32(out, at, walk32(load32(usual, usual_key(known)), known, 1));
        }
}

#endif
