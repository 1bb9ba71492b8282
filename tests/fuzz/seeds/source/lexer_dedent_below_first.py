  def f(x: int):
    return x
 y = 1
