def f(l: List[int]):
  a: List[int] = {i: i for i in l}
