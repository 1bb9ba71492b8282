def f(x: Tensor, u: Future[Tensor]):
  r = torch.ops.profiler._record_function_enter_new("a", None)
  v = torch.ops.profiler._call_end_callbacks_on_jit_fut(r, u)
  torch.ops.profiler._record_function_exit(r)
  h = torch.ops.profiler._record_function_enter("b")
  with torch.autograd.profiler.record_function("c"): x += 1
  with torch.no_grad(), torch.enable_grad(): x += 1
  with torch.profiler.record_function("d") as q: print(x)
  return v
