def f():
  def g():
    return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(g()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
  return g()
