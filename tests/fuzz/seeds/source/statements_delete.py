def f(x: Tensor, l: List[int], d: Dict[str, int], e: Dict[int, int], n: int):
  del d["a"], e[1]
  del l[0]
  del (n), l[n - 1]
