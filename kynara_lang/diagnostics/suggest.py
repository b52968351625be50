"""Near names: what an author who misspelled a name may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def distance(a: str, b: str, limit: int) -> int:
    """Return the optimal-string-alignment distance of two words, or `limit + 1` when it is larger than that."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return last[-1]


def near(word: str, names: Iterable[str]) -> str | None:
    """Return the name closest to a word, compared without case, or None when nothing is close enough.

    A third of the word's length may differ (as in rustc); a name that starts with the word or that the word
    starts with counts as close too, so that `dept` finds `department`.
    """
    if len(word) > 100:
        return None
    folded, limit = word.casefold(), max(1, len(word) // 3)
    best: tuple[int, bool, str] | None = None
    for name in names:
        other = name.casefold()
        found = distance(folded, other, limit)
        if found > limit:
            if not _abbreviates(folded, other):
                continue
        elif found and found == max(len(folded), len(other)):
            continue  # nothing in common: `y` is not what `x` was meant to be
        key = (found, sorted(folded) != sorted(other), name)  # swapped letters are likelier than wrong ones
        if best is None or key < best:
            best = key
    return best[2] if best else None


def _abbreviates(short: str, long: str) -> bool:
    """Whether one word begins the other, or is the other with letters left out, but not the first."""
    if len(short) > len(long):
        short, long = long, short
    if len(short) < 3 or short[0] != long[0] or len(long) > 100:
        return False
    if long.startswith(short):
        return True
    if 3 * len(short) < len(long):
        return False  # letters enough to find any short word in: `age` in `average_price`
    letters = iter(long)
    return all(letter in letters for letter in short)
