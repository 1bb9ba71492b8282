class E(Enum):
  A = 1
class C:
  a = __torch__.E.A
def f(c: C, e: E = __torch__.E.A): return c.a == e
