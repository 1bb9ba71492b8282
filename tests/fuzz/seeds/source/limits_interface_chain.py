@torch.jit.interface
class I0:
  def f(self, a: I1, b: I1) -> I1: pass
@torch.jit.interface
class I1:
  def f(self, a: I2, b: I2) -> I2: pass
@torch.jit.interface
class I2:
  def f(self, a: I3, b: I3) -> I3: pass
@torch.jit.interface
class I3:
  def f(self, a: I4, b: I4) -> I4: pass
@torch.jit.interface
class I4:
  def f(self, a: I5, b: I5) -> I5: pass
@torch.jit.interface
class I5:
  def f(self, a: I6, b: I6) -> I6: pass
@torch.jit.interface
class I6:
  def f(self, a: I7, b: I7) -> I7: pass
@torch.jit.interface
class I7:
  def f(self, a: I8, b: I8) -> I8: pass
@torch.jit.interface
class I8:
  def f(self, a: I9, b: I9) -> I9: pass
@torch.jit.interface
class I9:
  def f(self, a: I10, b: I10) -> I10: pass
@torch.jit.interface
class I10:
  def f(self, a: I11, b: I11) -> I11: pass
@torch.jit.interface
class I11:
  def f(self, a: I12, b: I12) -> I12: pass
@torch.jit.interface
class I12:
  def f(self, a: I13, b: I13) -> I13: pass
@torch.jit.interface
class I13:
  def f(self, a: I14, b: I14) -> I14: pass
@torch.jit.interface
class I14:
  def f(self, a: I15, b: I15) -> I15: pass
@torch.jit.interface
class I15:
  def f(self, a: I16, b: I16) -> I16: pass
@torch.jit.interface
class I16:
  def f(self, a: I17, b: I17) -> I17: pass
@torch.jit.interface
class I17:
  def f(self, a: I18, b: I18) -> I18: pass
@torch.jit.interface
class I18:
  def f(self, a: I19, b: I19) -> I19: pass
@torch.jit.interface
class I19:
  def f(self, a: I20, b: I20) -> I20: pass
@torch.jit.interface
class I20:
  def f(self, a: I21, b: I21) -> I21: pass
@torch.jit.interface
class I21:
  def f(self, a: I22, b: I22) -> I22: pass
@torch.jit.interface
class I22:
  def f(self, a: I23, b: I23) -> I23: pass
@torch.jit.interface
class I23:
  def f(self, a: I24, b: I24) -> I24: pass
@torch.jit.interface
class I24:
  def f(self, a: I25, b: I25) -> I25: pass
@torch.jit.interface
class I25:
  def f(self) -> int: pass
def g(i: I0, j: I1): return i.f(j, j)
