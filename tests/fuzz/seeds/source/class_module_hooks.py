class M(Module):
  __parameters__ = ["w"]
  __buffers__ = ["b"]
  __forward_hooks__ = ["after", "last"]
  __forward_pre_hooks__ = ["before"]
  w: Tensor
  b: Tensor
  training: bool
  def before(self, x: Tuple[Tensor]) -> Tuple[Tensor]: return x
  def after(self, x: Tuple[Tensor], y: Tensor) -> Tensor: return y + self.w
  def last(self, x: Tuple[Tensor], y: Tensor) -> Tensor: return y
  def forward(self, x: Tensor) -> Tensor: return x * self.b
  def use(self, x: Tensor):
    return self.before((x,)), self.after((x,), x), M.last(self, (x,), x)
