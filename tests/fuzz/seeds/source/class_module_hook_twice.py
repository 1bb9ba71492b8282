class M(Module):
  __forward_hooks__ = ["h", "h"]
  def h(self, x: Tuple[Tensor], y: Tensor) -> Tensor: return y
  def forward(self, x: Tensor) -> Tensor: return x
