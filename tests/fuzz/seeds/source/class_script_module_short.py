class A(ScriptModule):
  pass
class B(Module):
  def forward(self):
    return 1
