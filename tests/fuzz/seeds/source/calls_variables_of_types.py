def f(l: List[List[int]], m: List[int], d: Dict[str, List[float]], o: Optional[List[int]]):
  l.append([]); l.extend([]); l.insert(0, []); l.extend([[]])
  m.extend([]); d["a"] = []; d.setdefault("a", []); d.get("b", []); d.update({})
  a = l + []; b = [] + m; c = [[]] + l; e = [[], [1]]; g = l == []
  return a, b, c, e, [], {}, l.count([]), l.index([])
