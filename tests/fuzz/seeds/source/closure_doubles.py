def f(x: int):
  def a0(y: int):
    return y
  def a1(y: int):
    return a0(y) + a0(y)
  def a2(y: int):
    return a1(y) + a1(y)
  def a3(y: int):
    return a2(y) + a2(y)
  def a4(y: int):
    return a3(y) + a3(y)
  def a5(y: int):
    return a4(y) + a4(y)
  def a6(y: int):
    return a5(y) + a5(y)
  def a7(y: int):
    return a6(y) + a6(y)
  def a8(y: int):
    return a7(y) + a7(y)
  def a9(y: int):
    return a8(y) + a8(y)
  def a10(y: int):
    return a9(y) + a9(y)
  def a11(y: int):
    return a10(y) + a10(y)
  def a12(y: int):
    return a11(y) + a11(y)
  def a13(y: int):
    return a12(y) + a12(y)
  def a14(y: int):
    return a13(y) + a13(y)
  def a15(y: int):
    return a14(y) + a14(y)
  def a16(y: int):
    return a15(y) + a15(y)
  def a17(y: int):
    return a16(y) + a16(y)
  def a18(y: int):
    return a17(y) + a17(y)
  def a19(y: int):
    return a18(y) + a18(y)
  def a20(y: int):
    return a19(y) + a19(y)
  def a21(y: int):
    return a20(y) + a20(y)
  def a22(y: int):
    return a21(y) + a21(y)
  def a23(y: int):
    return a22(y) + a22(y)
  def a24(y: int):
    return a23(y) + a23(y)
  def a25(y: int):
    return a24(y) + a24(y)
  def a26(y: int):
    return a25(y) + a25(y)
  def a27(y: int):
    return a26(y) + a26(y)
  def a28(y: int):
    return a27(y) + a27(y)
  def a29(y: int):
    return a28(y) + a28(y)
  return a29(x)
