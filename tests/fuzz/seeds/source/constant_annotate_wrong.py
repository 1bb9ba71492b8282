def f(x: List[int] = annotate(Nope, []), y: int = torch.jit.annotate(int, 'a')):
  return x
