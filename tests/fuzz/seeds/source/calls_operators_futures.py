class C:
  def __init__(self): self.n = 1
class E(Enum):
  A = 1
  B = 2
def g(x: int, *, y: int = 2) -> int: return x + y
def f(c: C, e: E, u: torch.jit.Future[int], a: torch.jit._Await[Tensor], d: Device):
  w = torch.jit._awaitable(g, 1)
  v = torch.jit._awaitable_nowait(3)
  t = torch.jit._awaitable_wait(w) + torch.jit._awaitable_wait(v)
  z = torch.jit.fork(g, 1, y=3)
  print(id(c), e == E.A, e != E.B, u.wait(), z.wait(), a.shape, a + 1, torch.jit.wait(u), d == d, d.type, d.index, w + 1)
  return torch.ops.profiler._call_end_callbacks_on_jit_fut(a, u)
