class B:
  n = {"a": 1}
  m = {(1, 2): 3}
