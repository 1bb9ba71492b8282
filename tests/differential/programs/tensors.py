### indexing
def test_slices():
    x = torch.arange(24).reshape(4, 6)
    return x[1:3], x[:, ::2], x[1:, :2], x[-2:], x[::3, 1:5:2], x[:0].shape, x[10:].shape
def test_tensors():
    x = torch.arange(12).reshape(3, 4)
    i = torch.tensor([0, 2])
    return x[i], x[:, i], x[i, i], x[x > 5], x[i, 1:], x[torch.tensor([[0, 1], [1, 2]])], x[torch.tensor([True, False, True])]
def test_lists():
    x = torch.arange(12).reshape(3, 4)
    return x[[0, 2]], x[[True, False, True]], x[:, [1, 3]]
def test_variables():
    x = torch.arange(6)
    i = 2
    s: Optional[int] = None
    return x[i], x[i:], x[:i], x[s:i], x[i - 1]
def test_views():
    x = torch.zeros(3, 4)
    y = x[1]
    y.add_(1)
    z = x[:, 0]
    z.fill_(5)
    return x, y, z
### assignment to elements
def test_assign():
    x = torch.zeros(3, 4)
    x[0] = 1
    x[1, 2] = 5
    x[:, 3] = torch.tensor([7.0, 8.0, 9.0])
    x[2, 0:2] = 4
    x[..., 1] = -1
    return x
def test_masks():
    x = torch.arange(6.0)
    x[x > 3] = 0
    x[torch.tensor([0, 1])] = torch.tensor([10.0, 11.0])
    return x
def test_augmented():
    x = torch.ones(2, 2)
    x[0] += 1
    x[:, 1] *= 5
    x[x > 4] -= 2
    return x
def test_bool_value():
    x = torch.zeros(2, dtype=torch.bool)
    x[0] = True
    return x
### attributes
def test_attributes():
    x = torch.ones(2, 3)
    return x.shape, x.dtype, x.device, x.ndim, x.T, x.requires_grad, x.is_cuda, x.layout, x.is_sparse, x.is_quantized, x.mT, x.itemsize, x.nbytes, x.is_leaf
def test_device():
    d = torch.ones(1).device
    return d.type, d.index, d == torch.device("cpu"), torch.device("cpu", 0) if False else d, str(d)
def test_sizes():
    x = torch.ones(2, 3)
    a, b = x.shape
    return x.size(), x.size(0), x.size(-1), x.shape[0], x.shape[-1], len(x), len(x.shape), x.dim(), x.numel(), a * b, x.stride(), x.stride(0)
def test_grad():
    x = torch.tensor([1.0, 1.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    return x.grad, y.requires_grad, x.detach().requires_grad
def test_complex():
    x = torch.tensor([1 + 2j])
    return x.real, x.imag, x.H if False else x, torch.view_as_real(x)
def test_data():
    x = torch.tensor([1.0, 1.0], requires_grad=True)
    x.data.mul_(3)
    return x.data
### factories
def test_factories():
    return torch.zeros(2, 3), torch.zeros([2]), torch.ones((1, 2)), torch.full([2], 7), torch.full((2,), 1.5), torch.eye(2), torch.arange(3), torch.arange(1, 7, 2), torch.arange(0.0, 1.0, 0.25), torch.linspace(0, 1, 5), torch.empty(0), torch.zeros(2, dtype=torch.int64)
def test_tensor():
    return torch.tensor(1), torch.tensor(1.5), torch.tensor([1, 2]), torch.tensor([[1.0], [2.0]]), torch.tensor(True), torch.tensor([True]), torch.tensor([1, 2], dtype=torch.float64), torch.tensor(1j), torch.tensor([torch.jit.annotate(List[int], [])]) if False else torch.tensor(0), torch.as_tensor([1, 2])
def test_like():
    x = torch.ones(2, dtype=torch.float64)
    return torch.zeros_like(x), torch.ones_like(x), torch.full_like(x, 3), x.new_zeros([2]), x.new_ones(3), x.new_tensor([1, 2]) if False else x
def test_random():
    return torch.rand(3), torch.randn(2, 2), torch.randint(0, 10, [4]), torch.randperm(5), torch.rand_like(torch.ones(2)), torch.bernoulli(torch.ones(2) * 0.5)
### arithmetic
def test_operators():
    a = torch.tensor([1.0, 2.0, 3.0])
    b = torch.tensor([4.0, 5.0, 6.0])
    return a + b, a - b, a * b, a / b, a // b, a % b, a ** 2, 2 ** a, -a, a @ b, a < b, a == b, a != b, ~(a > 1), 1 - a, 2 / a, 7 // a, a + 1, 1 + a, 3 * a
def test_ints():
    a = torch.tensor([7, -7])
    return a + 1, a / 2, a // 2, a % 3, a & 3, a | 8, a ^ 1, a << 1, a >> 1, ~a, a * 1.5, a + 1j, abs(a)
def test_promotion():
    return torch.ones(1) + 1, torch.ones(1, dtype=torch.int32) + 1.5, torch.tensor(1) * 2.5, torch.ones(1, dtype=torch.float16) * 2, torch.tensor(True) + 1
def test_inplace():
    a = torch.ones(2)
    b = a
    a.add_(1).mul_(3)
    c = a.relu_()
    return a, b, c
def test_out():
    y = torch.zeros(2)
    z = torch.add(torch.ones(2), torch.ones(2), out=y)
    return y, z
### methods and functions
def test_shapes():
    x = torch.arange(24)
    return x.view(2, -1), x.reshape([4, 6]), x.view([2, 3, 4]).permute(2, 0, 1), x.reshape(2, 12).t(), x.view(2, 12).transpose(0, 1), x.unsqueeze(0).squeeze(), x.view(4, 6).flatten(), x.expand(2, 24), x.repeat(2), x.chunk(3), x.split(10), torch.split(x, [4, 20]), x.view(1, 2, 12).squeeze(0)
def test_reduce():
    x = torch.arange(6.0).reshape(2, 3)
    return x.sum(), x.sum(0), x.sum([0, 1]), x.mean(dim=1, keepdim=True), x.max(), x.max(dim=1), x.min(0)[0], x.argmax(), x.argmax(1), x.std(), x.var(0), x.norm(), x.prod(), x.cumsum(0), x.any(), x.all(1), torch.topk(x, 2), x.sort(1), x.median()
def test_named_results():
    v, i = torch.max(torch.arange(6.0).reshape(2, 3), dim=1)
    m = torch.max(torch.arange(6.0).reshape(2, 3), dim=0)
    return v, i, m.values, m.indices, m[0]
def test_broadcasting_lists():
    x = torch.ones(1, 1, 4, 4)
    w = torch.ones(1, 1, 2, 2)
    return torch.conv2d(x, w, None, 2), torch.conv2d(x, w, stride=[1, 2]), torch.max_pool2d(x, 2), torch.avg_pool2d(x, [2, 2]) if False else x, torch.nn.functional.pad(x, [1, 1]) if False else x
def test_where():
    x = torch.arange(4)
    return torch.where(x > 1, x, -x), torch.where(x > 1, 1.0, 0.0) if False else x, x.masked_fill(x > 1, 9), x.clamp(1, 2), x.clamp(min=2), torch.nonzero(x), x.gather(0, torch.tensor([1, 0]))
def test_lists_of_tensors():
    a = torch.ones(2)
    return torch.cat([a, a]), torch.stack([a, a], dim=1), torch.cat((a, a)), torch.unbind(torch.ones(2, 2)), torch.meshgrid([torch.arange(2), torch.arange(3)]), torch.broadcast_tensors([a, torch.ones(1)]) if False else a
def test_einsum():
    return torch.einsum("ij,jk->ik", [torch.ones(2, 3), torch.ones(3, 2)])
def test_linalg():
    x = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    return torch.linalg.det(x), torch.linalg.inv(x), torch.linalg.solve(x, torch.ones(2)), torch.fft.fft(torch.ones(4)), torch.special.expit(torch.zeros(1)), torch.linalg.norm(x)
def test_dropout_in_eval():
    return torch.dropout(torch.ones(3), 0.5, False), torch.dropout(torch.ones(8), 0.5, True)
### futures
def work(x: Tensor, n: int) -> Tensor:
    return x * n
def fails(x: Tensor) -> Tensor:
    raise ValueError("inside")
def test_fork():
    f = torch.jit.fork(work, torch.ones(2), 3)
    g = torch.jit._fork(work, torch.ones(2), n=4)
    return torch.jit.wait(f), torch.jit._wait(g)
def test_list_of_futures():
    fs = [torch.jit.fork(work, torch.ones(1), i) for i in range(4)]
    return [torch.jit.wait(f) for f in fs]
def test_typed():
    fs: List[Future[Tensor]] = []
    fs.append(torch.jit.fork(work, torch.ones(1), 2))
    return torch.jit.wait(fs[0])
def test_fails():
    f = torch.jit.fork(fails, torch.ones(1))
    return torch.jit.wait(f)
def test_twice():
    f = torch.jit.fork(work, torch.ones(1), 2)
    return torch.jit.wait(f) + torch.jit.wait(f)
### overloads are chosen by type
def test_add():
    return torch.add(1, 2), torch.add(torch.ones(1), 2), torch.add(torch.ones(1), torch.ones(1), alpha=3), torch.mul(2, 3.5), torch.sub(5, 2)
def test_pow():
    return torch.pow(torch.ones(1) * 2, 3), torch.pow(2, torch.ones(1) * 3), torch.pow(2, 3), torch.pow(2.0, 3)
def test_mean():
    return torch.ones(2, 2).mean(0), torch.ones(2, 2).mean((0, 1)), torch.ones(2, 2).mean([0], True), torch.ones(2, 2).sum(dim=(0,))
### wrong calls: refused
def f(x: Tensor):
    return torch.conv2d(x)
### unknown operators: refused
def f(x: Tensor):
    return torch.no_such_operator(x)
### int given for a tensor
def f(x: Tensor) -> Tensor:
    return x
def test_f():
    return f(torch.tensor(1))
### factories take no requires_grad: refused
def f():
    return torch.ones(1, requires_grad=True)
### short names of casts
def main():
    x = torch.tensor([1.7, -2.2])
    print(x.int(), x.long(), x.short(), x.char(), x.half().dtype, x.float().dtype, x.double().dtype)
    print(torch.tensor([3.0]).byte(), int(torch.tensor(3.5)), float(torch.tensor(2)), bool(torch.tensor(1)))
### grad mode inside programs
def no_grad(x: Tensor) -> Tensor:
    with torch.no_grad():
        return x * 2
def main():
    x = torch.tensor([1.0, 1.0], requires_grad=True)
    print(no_grad(x).requires_grad, torch.is_grad_enabled())
