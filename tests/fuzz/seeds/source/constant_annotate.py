class A:
  C = torch.jit.annotate(List[int], [1])
  D = annotate(Optional[int], None)
  E = annotate(List[int])
  def g(self, x: List[int] = annotate(List[int], []), y: Optional[float] = torch.jit.annotate(Optional[float], 1)):
    return x
