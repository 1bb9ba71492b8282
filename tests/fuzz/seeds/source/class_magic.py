class A:
  n: int
  def __init__(self):
    self.n = 1
  def __add__(self, o: int): return o
  def __sub__(self, o: int): return o
  def __mul__(self, o: int): return o
  def __truediv__(self, o: int): return o
  def __floordiv__(self, o: int): return o
  def __mod__(self, o: int): return o
  def __pow__(self, o: int): return o
  def __matmul__(self, o: int): return o
  def __and__(self, o: int): return o
  def __or__(self, o: int): return o
  def __xor__(self, o: int): return o
  def __lshift__(self, o: int): return o
  def __rshift__(self, o: int): return o
  def __eq__(self, o: int): return True
  def __ne__(self, o: int): return True
  def __lt__(self, o: int): return True
  def __le__(self, o: int): return True
  def __gt__(self, o: int): return True
  def __ge__(self, o: int): return True
  def __contains__(self, o: int): return True
  def __neg__(self): return 1
  def __invert__(self): return 2
  def __len__(self): return 3
  def __getitem__(self, i: int): return i
  def __setitem__(self, i: int, v: int): pass
  def __delitem__(self, i: int): pass
  def __call__(self, i: int): return i
  def __bool__(self): return True
  def __int__(self): return 4
  def __float__(self): return 1.5
  def __str__(self): return "a"
  def __complex__(self): return 1j
  def __iadd__(self, o: int): return self
  def __isub__(self, o: int): return self
def f(a: A):
  a += 1
  a -= 1
  a[0] = 1
  a[0] += 2
  del a[0]
  if a: print(a(1))
  while a: break
  return a + 1, a - 1, a * 1, a / 1, a // 1, a % 1, a ** 1, a @ 1, a & 1, a | 1, a ^ 1, a << 1, a >> 1, a == 1, a != 1, a < 1, a <= 1, a > 1, a >= 1, 1 in a, 1 not in a, -a, ~a, not a, len(a), a[1], int(a), float(a), str(a), complex(a), bool(a), a and a
