def f():
  return "\N{DASH}"
