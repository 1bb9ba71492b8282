class L(Module):
  n: int
  def __getitem__(self, i: int): return self.n + i
  def __call__(self, i: int): return i
  def __len__(self): return 3
  def __contains__(self, i: int) -> bool: return True
class M(Module):
  l: L
  def forward(self, i: int): return self.l[i], self.l[1], self.l(2), len(self.l), i in self.l
