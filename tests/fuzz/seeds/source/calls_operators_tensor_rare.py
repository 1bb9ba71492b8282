def f(x: Tensor, l: List[int], n: int, g: Generator):
  a = torch.as_tensor([1, 2], dtype=torch.float32), torch.as_tensor(x), torch.as_tensor(2.5), torch.as_tensor(1j), torch.as_tensor(True)
  b = x.is_contiguous(memory_format=torch.channels_last), x.is_strides_like_format(torch.contiguous_format), x.layout
  c = x.sym_size(), x.sym_stride(), x.sym_size(0), x.sym_numel()
  d = torch.Generator(), torch.Generator(device="cpu"), g.initial_seed(), g.manual_seed(3), g.seed()
  torch._no_grad_normal_(x, 0., 1.)
  torch._no_grad_uniform_(x, 0., 1., generator=g)
  torch._no_grad_fill_(x, 1.)
  torch._no_grad_zero_(x)
  torch._no_grad_embedding_renorm_(x, x, 1., 2.)
  h = torch.einsum("ij,jk", [x, x]), torch.einsum("ij,jk", x, x), torch.einsum(x, [0, 1], x, [1, 2])
  i = x.cpu(), x.cuda(), x.to("cpu"), x.to(torch.int64), x.to(x), x.to("cpu", torch.half, True)
  k = torch.has_torch_function((x,)), torch.is_grad_enabled(), torch.set_grad_enabled(True), torch.get_device(x)
  m = torch.autograd.grad([x], [x]), torch.numel(x), x.element_size(), x.storage_offset()
  return a, b, c
