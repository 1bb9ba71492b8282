class B:
  a = [1, "x"]
