def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  return int(t), int(s), int(b), int(x), int(), float(n), float(s), float(x), float(), bool(n), bool(s), bool(l), bool(d), bool(x), bool(), complex(n, t), complex(x), str(n), str(x), str(), str(l), str(p), int(n), str(s)
