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
class J0:
  def f(self, a: J1, b: J1) -> J1: pass
@torch.jit.interface
class J1:
  def f(self, a: J2, b: J2) -> J2: pass
@torch.jit.interface
class J2:
  def f(self, a: J3, b: J3) -> J3: pass
@torch.jit.interface
class J3:
  def f(self, a: J4, b: J4) -> J4: pass
@torch.jit.interface
class J4:
  def f(self, a: J5, b: J5) -> J5: pass
@torch.jit.interface
class J5:
  def f(self, a: J6, b: J6) -> J6: pass
@torch.jit.interface
class J6:
  def f(self, a: J7, b: J7) -> J7: pass
@torch.jit.interface
class J7:
  def f(self, a: J8, b: J8) -> J8: pass
@torch.jit.interface
class J8:
  def f(self, a: J9, b: J9) -> J9: pass
@torch.jit.interface
class J9:
  def f(self, a: J10, b: J10) -> J10: pass
@torch.jit.interface
class J10:
  def f(self, a: J11, b: J11) -> J11: pass
@torch.jit.interface
class J11:
  def f(self, a: J12, b: J12) -> J12: pass
@torch.jit.interface
class J12:
  def f(self, a: J13, b: J13) -> J13: pass
@torch.jit.interface
class J13:
  def f(self, a: J14, b: J14) -> J14: pass
@torch.jit.interface
class J14:
  def f(self, a: J15, b: J15) -> J15: pass
@torch.jit.interface
class J15:
  def f(self, a: J16, b: J16) -> J16: pass
@torch.jit.interface
class I16:
  def f(self) -> int: pass
@torch.jit.interface
class J16:
  def f(self) -> int: pass
def g(i: I0) -> J0: return i
