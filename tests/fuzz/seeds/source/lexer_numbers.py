def f():
  a = [0, 1_000, 0x1F, 0Xff_ff, 0o17, 0O7, 0b101, 0B1_1, 00, 0_0]
  b = [1., .5, 1e5, 1E-5, 1.5e+3, 1_0.0_1, 1e400, 0e0, 09.5, 1e-400]
  c = [1j, 2.5J, 1e3j, .5j, 0j]
  return a, b, c, 1if True else 2, [1for i in a], 0x1for 2
