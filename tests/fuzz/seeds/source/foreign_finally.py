def f(x):
  finally:
    pass
