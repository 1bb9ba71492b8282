def f0():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f1()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f1():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f2()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f2():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f3()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f3():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f4()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f4():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f5()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f5():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f6()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f6():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f7()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f7():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f8()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f8():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f9()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f9():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f10()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f10():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f11()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f11():
  return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(f12()) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
def f12():
  return 1
