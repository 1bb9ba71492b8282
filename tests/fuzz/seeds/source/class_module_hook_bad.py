class M(Module):
  __forward_hooks__ = ["h"]
  def h(self, x: Strange): pass
