def f(n: int):
  if n > 0: return 1
def g(n: int):
  while n > 0:
    if n == 3: return "a"
    n -= 1
def h(n: int) -> Optional[int]:
  for i in range(n):
    if i == 3: return i
def k(n: int) -> Any:
  if n == 1: return 2
  if n == 2: return "a"
  return None
def m(n: int) -> None:
  if n == 1: return
  return None
def q(n: int):
  raise ValueError("a")
def r(n: int) -> int:
  raise ValueError("b")
def f2(): return f(1), g(2), h(3), k(4), m(5), q(6), r(7)
