def k(t: Tuple[Tuple[float, int], int]): return t
def m(t: Tuple[Tuple[List[int], Optional[float]], Any]): return t
def f(t: Tuple[Tuple[bool, int], int], x: Tensor, u: Tuple[List[int], bool]):
  return k(t), k(((x, x), x)), m((([], 1.), 1)), m((u, "a"))
