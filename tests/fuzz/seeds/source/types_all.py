class E(Enum):
  A = 1
def f(a: torch.Tensor, b: torch.nn.Parameter, c: number, e: Scalar, g: None, h: NoneType, i: Any, j: typing.Any, k: object, m: Device, n: device, o: torch.device, p: Stream, q: torch.Stream, r: Generator, s: torch.Generator, t: Storage, u: QScheme, v: torch.dtype, w: torch.layout, x: torch.memory_format, y: torch.qscheme, z: ScalarType, aa: Layout, ab: MemoryFormat, ac: torch.Size, ad: Capsule, ae: AnyListType, af: AnyTupleType, ag: AnyEnumType, ah: AnyClassType, ai: E, aj: "int", ak: typing.List[int]):
  return a
