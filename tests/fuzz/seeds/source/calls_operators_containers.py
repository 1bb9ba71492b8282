def f(l: List[int], d: Dict[str, List[int]], e: Dict[Tensor, int], s: str, g: Dict[bool, int], h: Dict[complex, str], o: List[List[str]], a: List[Any]):
  d.setdefault("a", [1]).append(2)
  k, v = d.popitem()
  d.pop("a", [3]); d.pop("b"); g.pop(True); h.pop(1j, "q"); h.setdefault(2j, "r")
  g.update({True: 1}); e.clear(); d.copy(); dict(h); dict([("a", 1)])
  l.pop(); l.pop(0); l.insert(1, 2); l.extend([3]); l.reverse(); l.sort(); l.sort(reverse=True); l.copy(); l.clear(); l.remove(2)
  l.index(1); l.count(2); sorted(l); sorted(o[0]); max(l); min(l, l); sum(l); any(l); all([True]); len(a); l * 2; 2 * l; l + l
  for k in d: print(k, d[k], d.get("z"), d.get("y", [1]))
  for k, v in d.items(): print(k, v)
  return d.keys(), d.values(), "a" in d, 1 in l, s in "abc", l == l, l != [1], list(d), list(s), list(l), e, d["a"][0], l[::2], o[0][0]
