def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  a: Dict[str, float] = {}
  c = {"a": 1, "b": 2,}
  e = {1: "a", 2: "b"}
  g: Optional[Dict[str, int]] = {"a": 1}
  h = {x: 1}
  i = {1.5: 1, 1j: 2} if False else {1.5: 1}
  return a, c, e, g, h, {}, d["a"], {True: 1}, {torch.device("cpu"): 1}
