def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  return x.dtype, x.device, x.shape, x.grad, x.data, x.is_cuda, x.requires_grad, x.layout, x.T, x.H, x.mT, x.mH, x.ndim, x.itemsize, x.real, x.imag, x.is_leaf, x.device.type, x.device.index, x.name, x.shape[0], x.is_sparse, x.nbytes, x.is_quantized
