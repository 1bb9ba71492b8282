class B:
  c: "C"
class C:
  b: B
  def m(self) -> B: return self.b
