class A(torch.jit.ScriptModule):
  def forward(self, x: int) -> int:
    return x
