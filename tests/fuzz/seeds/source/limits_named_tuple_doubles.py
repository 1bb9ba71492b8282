class A0(NamedTuple):
  a: int
class A1(NamedTuple):
  a: A0
  b: A0
class A2(NamedTuple):
  a: A1
  b: A1
class A3(NamedTuple):
  a: A2
  b: A2
class A4(NamedTuple):
  a: A3
  b: A3
class A5(NamedTuple):
  a: A4
  b: A4
class A6(NamedTuple):
  a: A5
  b: A5
class A7(NamedTuple):
  a: A6
  b: A6
class A8(NamedTuple):
  a: A7
  b: A7
class A9(NamedTuple):
  a: A8
  b: A8
class A10(NamedTuple):
  a: A9
  b: A9
class A11(NamedTuple):
  a: A10
  b: A10
class A12(NamedTuple):
  a: A11
  b: A11
class A13(NamedTuple):
  a: A12
  b: A12
class A14(NamedTuple):
  a: A13
  b: A13
class A15(NamedTuple):
  a: A14
  b: A14
class A16(NamedTuple):
  a: A15
  b: A15
class A17(NamedTuple):
  a: A16
  b: A16
class A18(NamedTuple):
  a: A17
  b: A17
class A19(NamedTuple):
  a: A18
  b: A18
class A20(NamedTuple):
  a: A19
  b: A19
class A21(NamedTuple):
  a: A20
  b: A20
class A22(NamedTuple):
  a: A21
  b: A21
class A23(NamedTuple):
  a: A22
  b: A22
def f(x: A23, c: bool, o: Optional[A23]):
  y: A23 = x
  l = [x, y]
  if c: y = x
  if o is not None: y = o
  l.append(y)
  return [x] + l, y == x, x
