class B:
  a = 1
  b = [1, 2]
  c = (1, "x")
  d = {1: 2}
  e = None
  g = -1.5
  h = 1+2j
  i = "s"
  j = torch.float32
  k = [[1.5]]
  def m(self):
    return self.a, self.b, self.c, self.d, self.e, self.g, self.h, self.i, self.j, self.k
