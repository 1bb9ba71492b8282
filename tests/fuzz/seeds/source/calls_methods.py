def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  l.append(1)
  l.extend([2]); l.insert(0, 3); l.pop(); l.pop(0); l.remove(1); l.reverse(); l.sort(); l.clear()
  d.update({"a": 1}); d.pop("a"); d.setdefault("b", 2); d.clear()
  return l.copy(), l.index(1), l.count(2), d.keys(), d.values(), d.items(), d.get("a"), d.get("a", 0), s.upper(), s.split(","), s.strip(), s.join(["a"]), s.format(n, t), s.find("a"), s.replace("a", "b"), s.startswith("a"), "{}".format(x)
