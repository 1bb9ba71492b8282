def f(a: Tuple[()], b: Tuple[int], c: "Tuple[int, 'List[str]']", d: Future[int], e: Await[int]):
  x: Tuple[()] = ()
  y: "int" = 1
  return a, b[0], c[1], len(a), x == (), y
