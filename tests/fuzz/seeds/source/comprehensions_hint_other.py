def f(l: List[int]):
  a: Dict[str, int] = [i for i in l]
