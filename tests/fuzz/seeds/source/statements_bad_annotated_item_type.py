def f(l: List[int]):
  l[0]: int = "a"
