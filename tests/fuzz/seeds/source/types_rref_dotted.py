def f(a: torch.distributed.rpc.RRef[int]):
  return a
