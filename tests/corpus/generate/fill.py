"""The rule by which a test gives weights to an archive whose weights are zeros (README.md, "Fill")."""

import zlib

import torch


def filled_values(name, tensor, seed):
    generator = torch.Generator().manual_seed((seed * 1000003 + zlib.crc32(name.encode())) % 2**63)
    last = name.rsplit(".", 1)[-1]
    shape = list(tensor.shape)
    if last == "running_var":
        return torch.rand(shape, generator=generator) + 0.5
    normal = torch.randn(shape, generator=generator)
    if len(shape) >= 2:
        fan_in = max(1, tensor.numel() // max(1, shape[0]))
        return normal * (2.0 / fan_in) ** 0.5
    if last.startswith("weight"):
        return normal * 0.1 + 1.0
    return normal * 0.1


def fillable(tensor):
    return tensor.is_floating_point() and not tensor.is_quantized and tensor.layout == torch.strided


def named_tensors(module):
    """All parameters and buffers by name, in the order of the names' bytes, tied ones under each name."""
    named = dict(module.named_parameters(remove_duplicate=False))
    named.update(module.named_buffers(remove_duplicate=False))
    return sorted(named.items(), key=lambda item: item[0].encode())


@torch.no_grad()
def fill(module, seed):
    seen = set()
    for name, tensor in named_tensors(module):
        if not fillable(tensor) or tensor.untyped_storage().data_ptr() in seen:
            continue
        seen.add(tensor.untyped_storage().data_ptr())
        tensor.copy_(filled_values(name, tensor, seed).to(tensor.dtype))


@torch.no_grad()
def zero(module):
    for _, tensor in named_tensors(module):
        if fillable(tensor):
            tensor.zero_()
