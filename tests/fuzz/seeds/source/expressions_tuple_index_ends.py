def f(t: Tuple[int, str, float], u: Tuple[int, int]):
  a = (1, "a", 2.)[-1], t[-3], t[2], (1, 2)[0], u[-1:], u[::-1], t[5:], t[-9:1], (1, 2, 3)[::2], (1, 2, 3)[2:0:-1], t[1:None]
  return a, u[a[0] > 1 and 1 or 0] if False else u[len(u) - 1]
