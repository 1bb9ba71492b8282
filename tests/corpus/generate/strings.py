"""Strings: methods, formatting, conversions."""

from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

from registry import fn, module
from values import C, D, E, L, T, data, ints


@fn(C("Hello, World"), C(""), C("tab\tand 123"), C("ünïcödé"), tags=("strings",))
def string_case(s: str):
    return s.upper(), s.lower(), s.capitalize(), s.title(), s.swapcase(), s.center(20), s.ljust(15, "*"), s.rjust(15, "-"), s.zfill(14)


@fn(C("abc"), C("123"), C("a1"), C(" "), C("Abc Def"), C(""), tags=("strings",))
def string_tests(s: str):
    return (s.isalpha(), s.isdigit(), s.isalnum(), s.isspace(), s.isupper(), s.islower(), s.istitle(), s.isdecimal(), s.isnumeric(),
            s.isidentifier(), s.isprintable())


@fn(C("a,b,,c", ","), C("", ","), C("  spaced  out ", " "), E("abc", ""), tags=("strings",))
def string_split(s: str, separator: str):
    return s.split(separator), s.split(), s.split(separator, 1), s.rsplit(separator, 1), s.partition(separator), s.rpartition(separator), s.splitlines()


@fn(C("banana", "an"), C("banana", "x"), C("a man", "an"), tags=("strings",))
def string_search(s: str, part: str):
    return (s.find(part), s.find(part, 2), s.rfind(part), s.count(part), s.startswith(part), s.endswith(part), part in s, s.replace(part, "<>"),
            s.find(part, 1, 3), s.replace("a", "o", 2))


@fn(C("banana", "an"), E("banana", "x"), tags=("strings", "raise"))
def string_index(s: str, part: str):
    return s.index(part), s.rindex(part)


@fn(C("  xx text xx  "), C(""), tags=("strings",))
def string_strip(s: str):
    return s.strip(), s.lstrip(), s.rstrip(), s.strip(" x"), s.lstrip("x "), s.rstrip(" x"), s.expandtabs(4)


@fn(C("abcdef"), C("x"), E(""), tags=("strings", "slice"))
def string_slices(s: str):
    return s[0], s[-1], s[1:], s[:-1], s[::2], s[::-1], s[2:100], len(s), s[1:4:2], [c for c in s]


@fn(C(5, 2.5, "x", True), C(-1, 1e20, "", False), C(0, 0.1, "ü", True), tags=("strings", "format"))
def string_format(n: int, x: float, s: str, flag: bool):
    name = f"{n} and {x} and {s} and {flag}"
    return (name, "{} {}".format(n, s), "{}-{}-{}".format(x, flag, n), "%s|%d|%s" % (s, n, x), "no fields".format(),
            str(n), str(x), str(flag), f"{n + 1}{s + s}")


@fn(C(T(2), L("int", 1, 2), None), C(data([[1, 2]], dtype="int64"), L("int"), 7), tags=("strings", "format"))
def string_format_values(t: Tensor, a: List[int], o: Optional[int]):
    d: Dict[str, int] = {"k": 1}
    return f"{t}", f"{a}", f"{o}", f"{d}", "{}".format((1, "two", 3.0)), f"{t.shape}", f"{t.dtype}", f"{t.device}", f"{None}", str([1.5, 2.0]), str(a)


@fn(C("42", "2.5"), E("4x", "2.5"), E("42", "two"), E("", "1"), C("-7", "1e3"), tags=("strings", "raise"))
def string_to_number(a: str, b: str):
    return int(a), float(b), int(a) + float(b)


@fn(C(255, "a"), C(0, "Z"), C(-10, "~"), tags=("strings",))
def number_to_string(n: int, c: str):
    return hex(n), oct(n), bin(n), ord(c), chr(ord(c) + 1), str(n)


@fn(C("b", "a"), C("a", "a"), C("", "a"), C("B", "a"), tags=("strings",))
def string_comparison(a: str, b: str):
    return a < b, a <= b, a > b, a >= b, a == b, a != b, a + b, len(a + b)


@fn(C("the quick the lazy the end"), C(""), tags=("strings", "dict"))
def word_count(text: str) -> Tuple[Dict[str, int], List[str], str]:
    counts: Dict[str, int] = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    words = list(counts.keys())
    words.sort()
    return counts, words, "/".join(words)


@fn(C("k=v; n=12; bad"), tags=("strings", "dict"))
def parse_pairs(text: str) -> Dict[str, str]:
    out: Dict[str, str] = {}
    for part in text.split(";"):
        part = part.strip()
        if "=" in part:
            where = part.find("=")
            out[part[:where]] = part[where + 1:]
        else:
            out[part] = ""
    return out


@fn(C(), tags=("strings",))
def string_literals():
    return ("quote ' and \" both", "back\\slash", "new\nline\ttab\rreturn", "nul\x01\x7f", "ünï 漢字 🙂", "", 'it''s', """three
lines
here""", "{}", "percent % sign", "\u00e9")


@fn(C("x"), tags=("strings",))
def join_and_build(s: str) -> List[str]:
    parts: List[str] = []
    for i in range(5):
        parts.append(s + str(i * i))
    text = "-".join(parts)
    text += "!"
    return [text, "".join(reversed_letters(text)), s.join(["a", "b"])]


def reversed_letters(text: str) -> List[str]:
    out = [c for c in text]
    out.reverse()
    return out
